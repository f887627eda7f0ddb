#include "nodes/backup/backup_files.hpp"

#include "persistence/checksum.hpp"
#include "runtime/replication/messages.hpp"

#include <fcntl.h>
#include <google/protobuf/text_format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace souk::backup {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t format_newest = 1;
// A piece is written when it is so long: enough to be quick, little to keep in memory.
constexpr std::size_t piece_bytes_most = 1u << 20;
// No piece is longer: one row or record of 48 MiB, and what was before it.
constexpr std::uint32_t piece_bytes_limit = 64u << 20;
constexpr std::size_t length_bytes = 4;
constexpr const char* manifest_name = "manifest";
constexpr std::string_view sum_mark = "# crc32c ";

[[noreturn]] void fail(const fs::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

[[noreturn]] void damaged(const fs::path& path) {
  throw persistence::damage(path.string() + ": damaged; the backup cannot be restored");
}

std::string length_of(std::size_t bytes) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8)
    text += static_cast<char>(bytes >> shift);
  return text;
}

std::uint32_t length_in(std::string_view text) {
  std::uint32_t length = 0;
  for (const char byte : text)
    length = length << 8 | static_cast<std::uint8_t>(byte);
  return length;
}

}  // namespace

durable_file::durable_file(const fs::path& path)
    : path_(path), number_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR)) {
  if (number_ < 0) fail(path_);
}

durable_file::~durable_file() { ::close(number_); }

void durable_file::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(number_, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) fail(path_);
    bytes.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
}

void durable_file::finish() {
  if (::fsync(number_) != 0) fail(path_);
}

void shard_writer::flush_when_long(std::size_t more) {
  piece_bytes_ += more;
  if (piece_bytes_ >= piece_bytes_most) flush();
}

void shard_writer::add_row(std::string_view key, std::string_view value) {
  auto& row = *piece_.add_rows();
  row.set_key(std::string{key});
  row.set_value(std::string{value});
  flush_when_long(key.size() + value.size());
}

void shard_writer::add_record(const persistence::journal_entry& entry) {
  auto& record = *piece_.add_records();
  record.set_index(entry.index);
  record.set_epoch(entry.epoch);
  record.set_payload(entry.payload);
  flush_when_long(entry.payload.size());
}

void shard_writer::flush() {
  const auto text = piece_.SerializeAsString();
  file_.write(length_of(text.size()));
  file_.write(text);
  bytes_ += length_bytes + text.size();
  digest_ = replication::running_digest(digest_, text);
  piece_.Clear();
  piece_bytes_ = 0;
}

void shard_writer::finish() {
  if (piece_bytes_ > 0) flush();
  file_.finish();
}

fs::path shard_file(const fs::path& folder, std::size_t shard) {
  return folder / ("shard-" + std::to_string(shard));
}

void read_shard(const fs::path& file, const pb::Shard& expected,
                const std::function<void(pb::Piece&)>& visit) {
  std::ifstream in{file, std::ios::binary};
  if (!in) fail(file);
  std::uint64_t left = fs::file_size(file);
  if (left != expected.bytes()) damaged(file);
  std::uint64_t digest = 0;
  std::string text;
  while (left > 0) {
    std::string head(length_bytes, '\0');
    if (!in.read(head.data(), length_bytes)) damaged(file);
    const auto length = length_in(head);
    if (length > piece_bytes_limit || length + length_bytes > left) damaged(file);
    text.resize(length);
    if (!in.read(text.data(), length)) damaged(file);
    left -= length + length_bytes;
    digest = replication::running_digest(digest, text);
    pb::Piece piece;
    if (!piece.ParseFromString(text)) damaged(file);
    visit(piece);
  }
  if (digest != expected.digest()) damaged(file);
}

void write_manifest(const fs::path& folder, const pb::Manifest& manifest) {
  auto whole = manifest;
  whole.set_format_version(format_newest);
  std::string text;
  google::protobuf::TextFormat::PrintToString(whole, &text);
  text += std::string{sum_mark} + persistence::hex(persistence::crc32c(text)) + "\n";
  durable_file file{folder / manifest_name};
  file.write(text);
  file.finish();
}

pb::Manifest read_manifest(const fs::path& folder) {
  const auto path = folder / manifest_name;
  std::ifstream in{path, std::ios::binary};
  if (!in) throw std::runtime_error(folder.string() + ": not a backup of Souk: it has no file 'manifest'");
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  const auto end = text.rfind(sum_mark);
  if (end == std::string::npos) damaged(path);
  const auto body = text.substr(0, end);
  if (text.substr(end) != std::string{sum_mark} + persistence::hex(persistence::crc32c(body)) + "\n")
    damaged(path);
  pb::Manifest manifest;
  google::protobuf::TextFormat::Parser parser;
  parser.AllowUnknownField(true);
  if (!parser.ParseFromString(body, &manifest)) damaged(path);
  if (manifest.format_version() > format_newest)
    throw std::runtime_error(
        folder.string() + ": its format is " + std::to_string(manifest.format_version()) +
        ", this program knows formats up to " + std::to_string(format_newest) + ": use a newer version");
  if (static_cast<std::uint32_t>(manifest.shards_size()) != manifest.shard_count()) damaged(path);
  return manifest;
}

}  // namespace souk::backup
