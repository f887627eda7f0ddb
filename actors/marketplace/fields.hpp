#pragma once

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace souk::marketplace {

/// The members of a JSON object, found by their names without regard to case or underscores, as the
/// benchmark's clients write them: `seller_id`, `sellerId`, `SellerId`. Members that nobody asks for are
/// ignored. The first that is missing or wrong is remembered; what is read after that means nothing. One
/// thread.
class fields {
 public:
  /// Bytes of one text.
  static constexpr std::size_t text_bytes_max = 1024;

  explicit fields(std::string_view body);
  fields(const fields&) = delete;
  fields& operator=(const fields&) = delete;

  /// What is wrong; empty: nothing so far.
  const std::string& complaint() const { return complaint_; }

  /// A whole number within these bounds. `name`: in lower case, without underscores, here and below.
  std::int64_t number(std::string_view name, std::int64_t least, std::int64_t most);
  /// The same, or that number if there is none or it is null.
  std::int64_t number_or(std::string_view name, std::int64_t least, std::int64_t most,
                         std::int64_t otherwise);
  /// A number from 1 on that names something.
  std::uint32_t id(std::string_view name);
  /// In millionths.
  std::int64_t amount(std::string_view name);
  std::int64_t amount_or_zero(std::string_view name);
  /// A text, or a number as text; not empty.
  std::string text(std::string_view name);
  /// The same; empty if there is none.
  std::string text_or_empty(std::string_view name);

 private:
  const boost::json::value* find(std::string_view name) const;
  const boost::json::value* need(std::string_view name);
  void complain(std::string_view name, std::string_view what);
  std::int64_t take_number(std::string_view name, const boost::json::value& value, std::int64_t least,
                           std::int64_t most);
  std::int64_t take_amount(std::string_view name, const boost::json::value& value);
  std::string take_text(std::string_view name, const boost::json::value& value);

  std::array<unsigned char, 4096> memory_;  // holds all but the longest bodies
  boost::json::monotonic_resource resource_;
  std::optional<boost::json::value> value_;
  std::string complaint_;
};

}  // namespace souk::marketplace
