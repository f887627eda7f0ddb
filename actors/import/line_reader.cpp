#include "actors/import/line_reader.hpp"

namespace souk::import_job {

bool line_reader::next(std::string& line, bool& too_long) {
  line.clear();
  too_long = false;
  std::streambuf& bytes = *in_.rdbuf();
  constexpr int end = std::char_traits<char>::eof();
  int byte = bytes.sbumpc();
  if (byte == end) return false;
  for (; byte != end && byte != '\n'; byte = bytes.sbumpc()) {
    if (line.size() < line_bytes_max)
      line += static_cast<char>(byte);
    else
      too_long = true;
  }
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

}  // namespace souk::import_job
