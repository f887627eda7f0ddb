#include "runtime/shard/keys.hpp"

#include <algorithm>

namespace souk::runtime::keys {

namespace {

void put_u16(std::string& out, std::uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}

void put_u64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8)
    out += static_cast<char>((value >> shift) & 0xff);
}

std::uint64_t get_u64(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i)
    value = (value << 8) | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

// Times before 1970 do not occur, so the sign bit is free and the order of bytes is the order of times.
void put_time(std::string& out, std::int64_t ms) { put_u64(out, static_cast<std::uint64_t>(ms)); }

std::string begin(char letter, shard_id shard) {
  std::string out;
  out.reserve(96);
  out += letter;
  put_u16(out, shard);
  return out;
}

void put_address(std::string& out, const address& address) {
  out += static_cast<char>(address.kind);
  out += address.tenant;
  out += '\0';
  out += address.key;
  out += '\0';
}

// Reads what put_address wrote; `rest` is left at what follows.
std::optional<address> take_address(std::string_view& rest) {
  if (rest.empty()) return std::nullopt;
  address result;
  result.kind = static_cast<kind_id>(rest[0]);
  rest.remove_prefix(1);
  auto tenant_end = rest.find('\0');
  if (tenant_end == std::string_view::npos) return std::nullopt;
  result.tenant = rest.substr(0, tenant_end);
  rest.remove_prefix(tenant_end + 1);
  auto key_end = rest.find('\0');
  if (key_end == std::string_view::npos) return std::nullopt;
  result.key = rest.substr(0, key_end);
  rest.remove_prefix(key_end + 1);
  return result;
}

constexpr std::size_t head = 3;  // letter and shard

}  // namespace

range starting_with(std::string prefix) {
  std::string end = prefix;
  while (!end.empty() && static_cast<std::uint8_t>(end.back()) == 0xff)
    end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<std::uint8_t>(end.back()) + 1);
  return {std::move(prefix), std::move(end)};
}

std::string shard_header(shard_id shard) { return begin('m', shard); }
std::string snapshot_mark(shard_id shard) { return begin('p', shard); }

std::string snapshot_pieces_prefix(shard_id shard) { return begin('s', shard); }

std::string snapshot_piece(shard_id shard, std::uint64_t snapshot, std::uint64_t sequence) {
  auto out = snapshot_pieces_prefix(shard);
  put_u64(out, snapshot);
  put_u64(out, sequence);
  return out;
}

std::vector<range> in_snapshots(shard_id shard) {
  std::vector<range> ranges;
  for (const char letter : {'e', 'i', 'm', 'n', 'o', 't', 'w', 'x'})
    ranges.push_back(starting_with(begin(letter, shard)));
  return ranges;
}

std::string seen_epoch(shard_id shard) { return begin('h', shard); }

std::string coordinator_record(shard_id shard) { return begin('c', shard); }

std::string entity_prefix(shard_id shard, const address& address) {
  auto out = begin('e', shard);
  put_address(out, address);
  return out;
}

std::string kind_prefix(shard_id shard, kind_id kind) {
  auto out = begin('e', shard);
  out += static_cast<char>(kind);
  return out;
}

std::optional<entity_row> parse_entity_row(std::string_view key) {
  if (key.size() < head) return std::nullopt;
  key.remove_prefix(head);
  auto address = take_address(key);
  if (!address) return std::nullopt;
  return entity_row{std::move(*address), key};
}

std::string index_prefix(shard_id shard, std::string_view tenant, std::string_view index) {
  auto out = begin('n', shard);
  out += tenant;
  out += '\0';
  out += index;
  out += '\0';
  return out;
}

std::string timer(shard_id shard, std::int64_t due_ms, const address& address, std::string_view name) {
  auto out = timers_from(shard, due_ms);
  put_address(out, address);
  out += name;
  return out;
}

std::string timers_from(shard_id shard, std::int64_t due_ms) {
  auto out = begin('t', shard);
  put_time(out, std::max<std::int64_t>(due_ms, 0));
  return out;
}

std::optional<timer_row> parse_timer(std::string_view key) {
  if (key.size() < head + 8) return std::nullopt;
  timer_row row;
  row.due_ms = static_cast<std::int64_t>(get_u64(key.substr(head)));
  key.remove_prefix(head + 8);
  auto address = take_address(key);
  if (!address) return std::nullopt;
  row.address = std::move(*address);
  row.name = key;
  return row;
}

std::string effect(shard_id shard, shard_id to, std::uint64_t number) {
  auto out = begin('o', shard);
  put_u16(out, to);
  put_u64(out, number);
  return out;
}

std::string effects_prefix(shard_id shard) { return begin('o', shard); }

effect_row parse_effect(std::string_view key) {
  auto to = static_cast<shard_id>((static_cast<std::uint8_t>(key[head]) << 8) |
                                  static_cast<std::uint8_t>(key[head + 1]));
  return {to, get_u64(key.substr(head + 2))};
}

std::string world_call(shard_id shard, std::uint64_t number) {
  auto out = begin('w', shard);
  put_u64(out, number);
  return out;
}

std::string world_calls_prefix(shard_id shard) { return begin('w', shard); }

std::uint64_t parse_world_call(std::string_view key) { return get_u64(key.substr(head)); }

std::string kept_answer(shard_id shard, const command_id& id) {
  auto out = begin('i', shard);
  out.append(reinterpret_cast<const char*>(id.data()), id.size());
  return out;
}

std::string answer_end(shard_id shard, std::int64_t expires_ms, const command_id& id) {
  auto out = answer_ends_until(shard, expires_ms);
  out.append(reinterpret_cast<const char*>(id.data()), id.size());
  return out;
}

std::string answer_ends_prefix(shard_id shard) { return begin('x', shard); }

std::string answer_ends_until(shard_id shard, std::int64_t ms) {
  auto out = begin('x', shard);
  put_time(out, ms);
  return out;
}

command_id parse_answer_end(std::string_view key) {
  command_id id{};
  auto bytes = key.substr(head + 8);
  std::copy_n(bytes.begin(), std::min(bytes.size(), id.size()), reinterpret_cast<char*>(id.data()));
  return id;
}

}  // namespace souk::runtime::keys
