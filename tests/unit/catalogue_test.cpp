#include "actors/catalogue/catalogue.hpp"

#include "actors/catalogue/words.hpp"
#include "actors/kinds.hpp"
#include "actors/product/product.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace souk::catalogue {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

product::pb::Product make(const std::string& id, const std::string& title, const std::string& category,
                          const std::vector<std::string>& skus, const std::string& status = "active") {
  product::pb::Product product;
  product.set_id(id);
  product.set_title(title);
  product.set_status(status);
  if (!category.empty()) product.add_categories(category);
  for (const auto& sku : skus)
    product.add_variants()->set_sku(sku);
  return product;
}

void publish(replica& catalogue, std::uint64_t version, product::pb::Product product,
             const std::string& tenant = "main") {
  product.set_version(version);
  const runtime::address address{tenant, kinds::product, product.id()};
  product::pb::Event event;
  *event.mutable_published()->mutable_product() = std::move(product);
  catalogue.apply(address, version, event);
}

std::vector<std::string> ids(const std::vector<product_ptr>& products) {
  std::vector<std::string> ids;
  ids.reserve(products.size());
  for (const auto& product : products)
    ids.push_back(product->id());
  return ids;
}

TEST(catalogue, words_are_lower_case_and_distinct) {
  EXPECT_THAT(words_of("WHITE Hanging-heart, T-light (white) 6\""),
              ElementsAre("6", "hanging", "heart", "light", "t", "white"));
  EXPECT_THAT(words_of("CAF\xc3\x89 \xc3\x97"), ElementsAre("caf\xc3\xa9", "\xc3\x97"));
  EXPECT_THAT(words_of(" ,.- "), IsEmpty());
}

TEST(catalogue, a_published_variant_is_found_by_its_sku) {
  const auto catalogue = make_replica();
  auto product = make("p1", "Tea", "drinks", {"A", "B"});
  product.mutable_variants(1)->set_title("large");
  product.mutable_variants(1)->mutable_price()->set_amount(5);
  product.set_image_url("x.png");
  publish(*catalogue, 3, product);
  const auto found = catalogue->find("main", "B");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->product_id, "p1");
  EXPECT_EQ(found->title, "Tea, large");
  EXPECT_EQ(found->price.amount(), 5);
  EXPECT_EQ(found->image_url, "x.png");
  EXPECT_TRUE(found->for_sale);
  EXPECT_EQ(found->product_version, 3u);
  EXPECT_FALSE(catalogue->find("main", "C"));
  EXPECT_FALSE(catalogue->find("other", "B"));
  EXPECT_EQ(catalogue->size(), 1u);
}

TEST(catalogue, a_replacement_takes_the_place_of_what_was) {
  const auto catalogue = make_replica();
  publish(*catalogue, 3, make("p1", "Green tea", "drinks", {"A", "B"}));
  publish(*catalogue, 6, make("p1", "Green coffee", "beans", {"B", "C"}, "archived"));
  EXPECT_FALSE(catalogue->find("main", "A"));
  EXPECT_FALSE(catalogue->find("main", "B")->for_sale);
  EXPECT_EQ(catalogue->find("main", "C")->product_version, 6u);
  EXPECT_THAT(catalogue->list("main", "drinks", "", 10, true).products, IsEmpty());
  EXPECT_THAT(ids(catalogue->list("main", "beans", "", 10, true).products), ElementsAre("p1"));
  EXPECT_THAT(catalogue->search("main", "tea", "", 10), IsEmpty());
  publish(*catalogue, 9, make("p1", "Green coffee", "beans", {"B"}));
  EXPECT_THAT(ids(catalogue->search("main", "gre cof", "", 10)), ElementsAre("p1"));
  EXPECT_EQ(catalogue->size(), 1u);
}

TEST(catalogue, what_is_older_than_what_is_known_changes_nothing) {
  const auto catalogue = make_replica();
  publish(*catalogue, 6, make("p1", "New", "", {"A"}));
  publish(*catalogue, 3, make("p1", "Old", "", {"B"}));
  EXPECT_EQ(catalogue->product("main", "p1")->title(), "New");
  EXPECT_FALSE(catalogue->find("main", "B"));
}

TEST(catalogue, a_sku_that_moved_to_another_product_stays_with_it) {
  const auto catalogue = make_replica();
  publish(*catalogue, 3, make("p1", "One", "", {"A"}));
  publish(*catalogue, 3, make("p2", "Two", "", {"A"}));
  publish(*catalogue, 6, make("p1", "One", "", {"B"}));
  EXPECT_EQ(catalogue->find("main", "A")->product_id, "p2");
}

TEST(catalogue, pages_follow_each_other_in_key_order) {
  const auto catalogue = make_replica();
  for (const char* id : {"p3", "p1", "p5", "p2", "p4"})
    publish(
        *catalogue, 1,
        make(id, "T", id == std::string{"p2"} ? "b" : "a", {}, id == std::string{"p4"} ? "draft" : "active"));
  const auto first = catalogue->list("main", "a", "", 2, false);
  EXPECT_THAT(ids(first.products), ElementsAre("p1", "p3"));
  EXPECT_TRUE(first.more);
  const auto second = catalogue->list("main", "a", "p3", 2, false);
  EXPECT_THAT(ids(second.products), ElementsAre("p5"));
  EXPECT_FALSE(second.more);
  EXPECT_THAT(ids(catalogue->list("main", "", "", 10, true).products),
              ElementsAre("p1", "p2", "p3", "p4", "p5"));
  EXPECT_THAT(ids(catalogue->list("main", "", "p2", 2, true).products), ElementsAre("p3", "p4"));
  EXPECT_FALSE(catalogue->list("main", "", "p3", 2, true).more);
  EXPECT_THAT(catalogue->list("main", "none", "", 2, true).products, IsEmpty());
  EXPECT_THAT(catalogue->list("other", "", "", 2, true).products, IsEmpty());
}

TEST(catalogue, a_search_wants_every_word_and_puts_whole_words_first) {
  const auto catalogue = make_replica();
  publish(*catalogue, 1, make("p1", "Light blue lamp", "home", {}));
  publish(*catalogue, 1, make("p2", "Lighthouse lamp", "home", {}));
  publish(*catalogue, 1, make("p3", "Lamp light", "garden", {}));
  publish(*catalogue, 1, make("p4", "Lamp", "home", {}));
  publish(*catalogue, 1, make("p5", "Lamp light secret", "home", {}, "draft"));
  EXPECT_THAT(ids(catalogue->search("main", "LIGHT lamp", "", 10)), ElementsAre("p3", "p1", "p2"));
  EXPECT_THAT(ids(catalogue->search("main", "l", "", 10)), ElementsAre("p4", "p3", "p1", "p2"));
  EXPECT_THAT(ids(catalogue->search("main", "l", "", 2)), ElementsAre("p4", "p3"));
  EXPECT_THAT(ids(catalogue->search("main", "lig la", "home", 10)), ElementsAre("p1", "p2"));
  EXPECT_THAT(catalogue->search("main", "light sofa", "", 10), IsEmpty());
  EXPECT_THAT(catalogue->search("main", " - ", "", 10), IsEmpty());
}

TEST(catalogue, what_was_published_is_restored_and_proposals_are_not) {
  using kind = runtime::kind_of<product::product_decider>;
  const kind products{product::product_decider{}};
  const auto catalogue = make_replica();
  const auto state = products.initial();
  product::pb::Event event;
  event.set_schema(1);
  *event.mutable_proposed()->mutable_product() = make("p1", "Tea", "", {"A"});
  products.evolve(*state, event, {}, 1);
  catalogue->restore({"main", kinds::product, "p1"}, 1, *state);
  EXPECT_EQ(catalogue->size(), 0u);
  *event.mutable_published()->mutable_product() = make("p1", "Tea", "", {"A"});
  products.evolve(*state, event, {}, 2);
  catalogue->restore({"main", kinds::product, "p1"}, 2, *state);
  EXPECT_TRUE(catalogue->find("main", "A"));
}

TEST(catalogue, readers_and_writers_do_not_disturb_each_other) {
  const auto catalogue = make_replica();
  constexpr int writers = 2;
  constexpr int products = 300;
  {
    std::vector<std::jthread> threads;
    threads.reserve(writers + 1);
    for (int writer = 0; writer < writers; ++writer) {
      threads.emplace_back([&, writer] {
        for (int i = 0; i < products; ++i) {
          const std::string name = std::to_string(writer) + "-" + std::to_string(i % 100);
          publish(*catalogue, static_cast<std::uint64_t>(i) + 1,
                  make("p" + name, "Tea " + std::to_string(i), "c", {"s" + name}));
        }
      });
    }
    threads.emplace_back([&] {
      for (int i = 0; i < products; ++i) {
        for (const auto& product : catalogue->search("main", "tea", "c", 5))
          EXPECT_EQ(product->variants_size(), 1);
        EXPECT_LE(catalogue->list("main", "c", "", 7, false).products.size(), 7u);
      }
    });
  }
  EXPECT_EQ(catalogue->size(), 200u);
}

}  // namespace
}  // namespace souk::catalogue
