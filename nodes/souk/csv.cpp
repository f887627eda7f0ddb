#include "nodes/souk/csv.hpp"

#include <stdexcept>

namespace souk::cli {
namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;

}  // namespace

bool csv_reader::fill() {
  if (buffer_.empty()) buffer_.resize(buffer_bytes);
  at_ = 0;
  end_ = source_.read(buffer_.data(), buffer_.size());
  return end_ > 0;
}

int csv_reader::peek() {
  if (at_ == end_ && !fill()) return -1;
  return static_cast<unsigned char>(buffer_[at_]);
}

int csv_reader::take() {
  const int byte = peek();
  if (byte < 0) return byte;
  ++at_;
  if (byte == '\n') ++line_;
  return byte;
}

void csv_reader::read_quoted(std::string& field) {
  const std::uint64_t begin = line_;
  for (;;) {
    const int byte = take();
    if (byte < 0) throw std::runtime_error("line " + std::to_string(begin) + ": a quoted field never ends");
    if (byte == '"') {
      if (peek() != '"') return;
      take();
    }
    field.push_back(static_cast<char>(byte));
  }
}

int csv_reader::read_field(std::string& field) {
  if (peek() == '"') {
    take();
    read_quoted(field);
  }
  for (;;) {
    const int byte = take();
    if (byte < 0 || byte == ',') return byte;
    if (byte == '\n') {
      if (field.ends_with('\r')) field.pop_back();
      return byte;
    }
    field.push_back(static_cast<char>(byte));
  }
}

bool csv_reader::next(std::vector<std::string>& fields) {
  for (;;) {
    record_line_ = line_;
    std::size_t count = 0;
    int end = ',';
    while (end == ',') {
      if (count == fields.size()) fields.emplace_back();
      fields[count].clear();
      end = read_field(fields[count]);
      ++count;
    }
    fields.resize(count);
    const bool empty = count == 1 && fields[0].empty();
    if (!empty) return true;
    if (end < 0) return false;
  }
}

}  // namespace souk::cli
