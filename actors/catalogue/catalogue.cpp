#include "actors/catalogue/catalogue.hpp"

#include "actors/catalogue/words.hpp"
#include "actors/kinds.hpp"
#include "actors/product/product.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <unordered_map>

namespace souk::catalogue {
namespace {

bool is_active(const product::pb::Product& product) { return product.status() == "active"; }

bool in_category(const product::pb::Product& product, std::string_view category) {
  return category.empty() || std::find(product.categories().begin(), product.categories().end(), category) !=
                                 product.categories().end();
}

struct entry {
  std::uint64_t version = 0;  // of the entity, when it was published
  product_ptr product;
  std::vector<std::string> words;  // of its title, sorted
};

struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

// A match of a search: better first.
struct hit {
  std::size_t exact = 0;  // query words that are words of the title, not just beginnings
  const entry* match = nullptr;

  bool operator<(const hit& other) const {
    if (exact != other.exact) return exact > other.exact;
    const auto& mine = *match->product;
    const auto& theirs = *other.match->product;
    if (mine.title() != theirs.title()) return mine.title() < theirs.title();
    return mine.id() < theirs.id();
  }
};

// How many of the query's words are exactly words of the title; nothing where one of them begins none.
std::optional<std::size_t> match_words(const std::vector<std::string>& query,
                                       const std::vector<std::string>& words) {
  std::size_t exact = 0;
  for (const auto& wanted : query) {
    const auto found = std::lower_bound(words.begin(), words.end(), wanted);
    if (found == words.end() || !found->starts_with(wanted)) return std::nullopt;
    if (*found == wanted) ++exact;
  }
  return exact;
}

// The products of one tenant.
class shop {
 public:
  void put(const std::string& key, std::uint64_t version, product_ptr product) {
    entry& entry = products_[key];
    if (entry.product && entry.version >= version) return;
    if (entry.product) forget_variants(*entry.product);
    auto words = words_of(product->title());
    if (words != entry.words) {
      for (const auto& word : entry.words)
        std::erase(by_word_.find(word)->second, &entry);
      for (const auto& word : words)
        by_word_[word].push_back(&entry);
      entry.words = std::move(words);
    }
    list_categories(key, entry.product.get(), *product);
    for (int i = 0; i < product->variants_size(); ++i)
      variants_.insert_or_assign(product->variants(i).sku(), variant_place{product, i});
    entry.version = version;
    entry.product = std::move(product);
  }

  std::optional<variant_view> find(std::string_view sku) const {
    const auto found = variants_.find(sku);
    if (found == variants_.end()) return std::nullopt;
    const auto& product = *found->second.product;
    const auto& variant = product.variants(found->second.position);
    return variant_view{variant.sku(),          product.id(),        product::variant_title(product, variant),
                        variant.options_json(), product.image_url(), variant.price(),
                        is_active(product),     product.version()};
  }

  product_page list(std::string_view category, std::string_view after, std::size_t limit,
                    bool with_inactive) const {
    product_page page;
    // Takes a product in, or says that the page is full.
    const auto take = [&](const entry& entry) {
      if (!with_inactive && !is_active(*entry.product)) return true;
      if (page.products.size() == limit) {
        page.more = true;
        return false;
      }
      page.products.push_back(entry.product);
      return true;
    };
    if (category.empty()) {
      for (auto next = products_.upper_bound(after); next != products_.end() && take(next->second); ++next) {
      }
    } else if (const auto found = by_category_.find(category); found != by_category_.end()) {
      const auto& keys = found->second;
      for (auto next = keys.upper_bound(after); next != keys.end() && take(products_.find(*next)->second);
           ++next) {
      }
    }
    return page;
  }

  std::vector<product_ptr> search(std::string_view text, std::string_view category, std::size_t limit) const {
    const auto query = words_of(text);
    std::vector<product_ptr> found;
    if (query.empty()) return found;
    auto hits = matches(query, category);
    const std::size_t count = std::min(limit, hits.size());
    std::partial_sort(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(count), hits.end());
    for (std::size_t i = 0; i < count; ++i)
      found.push_back(hits[i].match->product);
    return found;
  }

  product_ptr product(std::string_view key) const {
    const auto found = products_.find(key);
    return found == products_.end() ? nullptr : found->second.product;
  }

  std::size_t size() const { return products_.size(); }

 private:
  struct variant_place {
    product_ptr product;
    int position = 0;
  };
  using word_index = std::map<std::string, std::vector<const entry*>, std::less<>>;

  void forget_variants(const product::pb::Product& old) {
    for (const auto& variant : old.variants()) {
      const auto found = variants_.find(variant.sku());
      if (found != variants_.end() && found->second.product.get() == &old) variants_.erase(found);
    }
  }

  void list_categories(const std::string& key, const product::pb::Product* old,
                       const product::pb::Product& product) {
    if (old != nullptr) {
      for (const auto& category : old->categories())
        by_category_.find(category)->second.erase(key);
    }
    for (const auto& category : product.categories())
      by_category_[category].insert(key);
  }

  std::pair<word_index::const_iterator, word_index::const_iterator> words_with_prefix(
      std::string_view prefix) const {
    const auto first = by_word_.lower_bound(prefix);
    auto last = first;
    while (last != by_word_.end() && last->first.starts_with(prefix))
      ++last;
    return {first, last};
  }

  // All matches, found through the query's rarest word.
  std::vector<hit> matches(const std::vector<std::string>& query, std::string_view category) const {
    std::pair<word_index::const_iterator, word_index::const_iterator> rarest;
    std::size_t fewest = SIZE_MAX;
    for (const auto& prefix : query) {
      const auto range = words_with_prefix(prefix);
      std::size_t count = 0;
      for (auto word = range.first; word != range.second; ++word)
        count += word->second.size();
      if (count < fewest) {
        fewest = count;
        rarest = range;
      }
    }
    std::vector<const entry*> candidates;
    candidates.reserve(fewest);
    for (auto word = rarest.first; word != rarest.second; ++word)
      candidates.insert(candidates.end(), word->second.begin(), word->second.end());
    std::sort(candidates.begin(), candidates.end());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    std::vector<hit> hits;
    for (const entry* candidate : candidates) {
      const auto exact = match_words(query, candidate->words);
      if (exact && is_active(*candidate->product) && in_category(*candidate->product, category))
        hits.push_back({*exact, candidate});
    }
    return hits;
  }

  std::map<std::string, entry, std::less<>> products_;
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> by_category_;
  std::unordered_map<std::string, variant_place, text_hash, std::equal_to<>> variants_;
  word_index by_word_;  // points into products_, whose nodes stay where they are
};

class shared_replica final : public replica {
 public:
  runtime::kind_id source() const override { return kinds::product; }

  void restore(const runtime::address& address, std::uint64_t version,
               const runtime::entity_state& state) override {
    const auto& product = runtime::kind_of<product::product_decider>::open(state);
    if (product.published) put(address, version, product.published);
  }

  void apply(const runtime::address& address, std::uint64_t version,
             const google::protobuf::Message& event) override {
    const auto& product_event = static_cast<const product::pb::Event&>(event);
    if (!product_event.has_published()) return;
    put(address, version, std::make_shared<product::pb::Product>(product_event.published().product()));
  }

  std::optional<variant_view> find(std::string_view tenant, std::string_view sku) const override {
    const std::shared_lock lock{mutex_};
    const shop* shop = find_shop(tenant);
    return shop == nullptr ? std::nullopt : shop->find(sku);
  }

  product_page list(std::string_view tenant, std::string_view category, std::string_view after_id,
                    std::size_t limit, bool with_inactive) const override {
    const std::shared_lock lock{mutex_};
    const shop* shop = find_shop(tenant);
    return shop == nullptr ? product_page{} : shop->list(category, after_id, limit, with_inactive);
  }

  std::vector<product_ptr> search(std::string_view tenant, std::string_view query, std::string_view category,
                                  std::size_t limit) const override {
    const std::shared_lock lock{mutex_};
    const shop* shop = find_shop(tenant);
    return shop == nullptr ? std::vector<product_ptr>{} : shop->search(query, category, limit);
  }

  product_ptr product(std::string_view tenant, std::string_view id) const override {
    const std::shared_lock lock{mutex_};
    const shop* shop = find_shop(tenant);
    return shop == nullptr ? nullptr : shop->product(id);
  }

  std::size_t size() const override {
    const std::shared_lock lock{mutex_};
    std::size_t size = 0;
    for (const auto& [tenant, shop] : shops_)
      size += shop.size();
    return size;
  }

 private:
  void put(const runtime::address& address, std::uint64_t version, product_ptr product) {
    const std::unique_lock lock{mutex_};
    // By id, which sorts by creation, and not by key, which does not.
    std::string id = product->id();
    shops_[address.tenant].put(id, version, std::move(product));
  }

  const shop* find_shop(std::string_view tenant) const {
    const auto found = shops_.find(tenant);
    return found == shops_.end() ? nullptr : &found->second;
  }

  mutable std::shared_mutex mutex_;
  std::map<std::string, shop, std::less<>> shops_;
};

}  // namespace

std::shared_ptr<replica> make_replica() { return std::make_shared<shared_replica>(); }

}  // namespace souk::catalogue
