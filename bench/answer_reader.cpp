#include "bench/answer_reader.hpp"

namespace souk::bench {

const boost::json::value& answer_reader::read(const http_answer& answer) {
  value_.reset();
  resource_.emplace(memory_.data(), memory_.size());
  parser_.reset(&*resource_);
  boost::system::error_code error;
  parser_.write(answer.body, error);
  if (error) {
    value_.emplace(nullptr);
  } else {
    value_.emplace(parser_.release());
  }
  return *value_;
}

}  // namespace souk::bench
