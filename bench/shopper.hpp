#pragma once

#include "bench/answer_reader.hpp"
#include "bench/random_keys.hpp"
#include "bench/report.hpp"
#include "bench/workers.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace souk::bench {

/// What all shoppers of a run count together. One thread.
struct shopping_tally {
  static constexpr std::size_t wrong_shown_max = 10;
  /// Asked for one by one in an audit: about a second.
  static constexpr std::size_t sold_skus_max = 2'000;

  call_times times;
  std::map<std::string, std::uint64_t, std::less<>>
      errors;  ///< By problem code; "wrong_answer": it did not add up.
  std::map<std::string, std::string, std::less<>> first_errors;  ///< What the first of each code said.
  std::unordered_set<std::string> orders;                        ///< Ids of the orders that were answered.
  std::unordered_set<std::string> sold_skus;                     ///< The first that were sold, for an audit.
  std::vector<std::string> wrong;                                ///< The first answers that did not add up.

  /// Returns its code.
  std::string note_error(const http_answer& answer);
  void note_wrong(std::string what);
  /// Takes over the errors of another, not its times.
  void add_errors(const shopping_tally& other);
  std::uint64_t wrong_count() const;
};

/// A line that a shopper wants.
struct wish {
  std::string_view sku;
  std::int64_t price = 0;
  std::int64_t quantity = 0;
};

/// A cart as a shopper knows it.
struct shopping_cart {
  std::string id;
  std::int64_t version = 0;
  std::int64_t total = 0;  ///< What its lines must come to, in minor units.
};

/// One customer with a connection of its own. Each call returns false where the answer was an error or did
/// not add up, after counting it; the round is then over.
class shopper {
 public:
  /// Without a credential, as a shop's customers are.
  shopper(event_loop& loop, const endpoint& server, shopping_tally& tally);

  /// A whole round: cart, lines, checkout.
  task<bool> shop_for(const std::vector<wish>& wishes);

  task<bool> open_cart();
  /// Adds all of them in one call and checks lines, quantities, prices and totals of the cart that comes
  /// back.
  task<bool> add(const std::vector<wish>& wishes);
  /// Checks out and pays in one call; `order_id()` is then the order's.
  task<bool> buy();
  /// Reads the cart and checks that it holds just these.
  task<bool> look(const std::vector<wish>& wishes);
  /// Adds one more unit of something that the cart holds, and checks what the minimal answer says of it.
  task<bool> add_unit(wish& wanted);

  /// The cart at hand; or goes on with one that another shopper left.
  const shopping_cart& cart() const { return cart_; }
  void take(const shopping_cart& cart) { cart_ = cart; }
  const std::string& cart_id() const { return cart_.id; }
  const std::string& order_id() const { return order_id_; }
  /// The problem code of the last refusal.
  const std::string& refusal() const { return refusal_; }
  worker& hands() { return hands_; }
  random_keys& keys() { return keys_; }
  answer_reader& reader() { return reader_; }

 private:
  // Sends a keyed POST and counts what it took; null if it was refused.
  task<const http_answer*> post(histogram& times, std::string_view target, std::string_view body,
                                std::string_view fields = {});
  // Counts what an answer took; null if it was a refusal.
  const http_answer* count(histogram& times, const http_answer& answer);
  bool adds_up(const boost::json::value& body, const std::vector<wish>& wishes) const;

  worker hands_;
  shopping_tally& tally_;
  histogram& cart_times_;
  histogram& items_times_;
  histogram& checkout_times_;
  random_keys keys_;
  answer_reader reader_;
  std::string body_;
  std::string target_;
  shopping_cart cart_;
  std::string order_id_;
  std::string refusal_;
};

/// When a loop ends.
class closing_time {
 public:
  explicit closing_time(std::chrono::seconds after) : at_(std::chrono::steady_clock::now() + after) {}
  /// Of a loop that ends when its work is done.
  static closing_time never() { return closing_time(std::chrono::steady_clock::time_point::max()); }
  bool reached() const { return std::chrono::steady_clock::now() >= at_; }

 private:
  explicit closing_time(std::chrono::steady_clock::time_point at) : at_(at) {}

  std::chrono::steady_clock::time_point at_;
};

/// The members "errors", numbers by code, and "first_errors", details by code.
void write_errors(json::writer& out, const shopping_tally& tally);
void print_errors(const shopping_tally& tally);

}  // namespace souk::bench
