#pragma once

#include "actors/kinds.hpp"
#include "actors/product/product.pb.h"
#include "runtime/entity/decision.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

/// A product and its variants.
///
/// Creating or replacing one is a proposal that takes effect whole or not at all: it claims the skus that are
/// new to the product; when all are its own it offers every variant to its stock, so that each is sold at the
/// new price; when every stock has acknowledged, the product is published and the client answered. A sku that
/// belongs to another product refuses the proposal, and what it claimed is given back. Meanwhile everybody
/// sees what was published before, and a second proposal is refused.
namespace souk::product {

/// Limits of a product, so that it stays one event and one row. Lengths of texts people read are in
/// characters, the others in bytes.
inline constexpr std::size_t id_length_max = 128;  ///< What a key may have.
inline constexpr std::size_t title_length_max = 255;
inline constexpr std::size_t description_length_max = 20'000;
inline constexpr std::size_t categories_max = 20;
inline constexpr std::size_t category_length_max = 64;
inline constexpr std::size_t attributes_bytes_max = std::size_t{16} * 1024;
inline constexpr std::size_t options_bytes_max = std::size_t{2} * 1024;
inline constexpr std::size_t image_url_length_max = 2048;
inline constexpr std::size_t variants_max = 100;

/// A proposal that nobody finished for this long (a neighbour had set its messages aside) gives way to the
/// next.
inline constexpr std::chrono::seconds proposal_patience{60};

/// A product's key is the unguessable part of an id that was made here, or else, for an id that the client
/// chose, all of it: so a repeat of a keyed create, which makes the same part at another time, meets its
/// first.
runtime::address address_of(std::string_view tenant, std::string_view product_id);

/// "product title" or "product title, variant title": what a line of a cart is called.
std::string variant_title(const pb::Product& product, const pb::Variant& variant);

/// A proposal under way. It claims while something is unclaimed, then offers.
struct proposal {
  std::shared_ptr<const pb::Proposed> content;
  std::uint64_t version = 0;        ///< The entity's version after it: the version of its offers.
  std::set<std::string> unclaimed;  ///< Claims not answered yet.
  std::set<std::string> unoffered;  ///< Offers not acknowledged yet.
};

struct product_state {
  std::shared_ptr<const pb::Product> published;  ///< Null: it never was.
  std::optional<product::proposal> proposal;
  bool dirty = false;
};

/// Who asks what: clients create, replace and read; skus and stocks answer. See product.proto.
struct product_decider {
  using state = product_state;
  using command = pb::Command;
  using event = pb::Event;
  static constexpr runtime::kind_id id = kinds::product;
  static constexpr std::string_view name = "product";
  static std::string_view partition_of(std::string_view key) { return key; }

  runtime::decision decide(const state& state, const command& command, const runtime::context& context) const;
  runtime::decision on_timer(const state& state, std::string_view timer,
                             const runtime::context& context) const;
  /// A claim that could not be answered refuses the proposal. An offer that a stock could not take in counts
  /// as acknowledged: the stock keeps the price it knows until the next replacement.
  runtime::decision on_effect_failed(const state& state, const runtime::address& to,
                                     const google::protobuf::Message& command, std::string_view failure,
                                     const runtime::context& context) const;
  void evolve(state& state, const event& event, runtime::timestamp at, std::uint64_t version) const;
  void load_row(state& state, std::string_view row, std::string_view value) const;
  void save_rows(state& state, runtime::row_sink& sink) const;
};

}  // namespace souk::product
