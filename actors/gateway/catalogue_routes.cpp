#include "actors/gateway/conditions.hpp"
#include "actors/gateway/digests.hpp"
#include "actors/gateway/handlers.hpp"
#include "actors/gateway/input.hpp"
#include "actors/json/etag.hpp"
#include "actors/json/writer.hpp"
#include "actors/kinds.hpp"
#include "actors/product/product.hpp"
#include "actors/product/product_json.hpp"
#include "actors/stock/stock.hpp"
#include "actors/values/id.hpp"

#include <utility>

namespace souk::gateway {

namespace {

constexpr std::string_view product_prefix = "prd_";
constexpr std::size_t query_length_max = 200;
/// Of the digest in a variant's entity tag: enough to tell one figure from another.
constexpr std::size_t etag_digest_length = 12;

runtime::answer json_answer(json::writer&& out) {
  runtime::answer answer;
  answer.body = std::move(out).take();
  return answer;
}

/// `{"data": [...], "has_more": ..., "next_cursor": ...}`
runtime::answer products_answer(const std::vector<catalogue::product_ptr>& products, bool has_more,
                                std::string_view next_cursor) {
  json::writer out;
  out.begin_object().key("data").begin_array();
  for (const auto& product : products)
    product::write_product(out, *product);
  out.end_array().key("has_more").boolean(has_more);
  if (has_more) out.key("next_cursor").string(next_cursor);
  out.end_object();
  return json_answer(std::move(out));
}

step decide(runtime::address to, product::pb::Command command) {
  return pass_on({.to = std::move(to),
                  .command = std::make_shared<const product::pb::Command>(std::move(command)),
                  .keyed = true});
}

/// What the shop front shows of a variant: its price from the catalogue, what is there from its stock.
step show_variant(const catalogue::variant_view& variant, const reply& stock,
                  std::string_view if_none_match) {
  const auto* level = dynamic_cast<const stock::pb::Level*>(stock.answer.value.get());
  json::writer out;
  out.begin_object().key("sku").string(variant.sku).key("product_id").string(variant.product_id);
  out.key("title").string(variant.title).key("options").raw(variant.options_json);
  out.key("price").unit_price(variant.price);
  out.key("availability").begin_object();
  out.key("available").integer(level == nullptr ? 0 : level->available()).end_object();
  if (!variant.image_url.empty()) out.key("image_url").string(variant.image_url);
  out.key("version").integer(static_cast<std::int64_t>(variant.product_version)).end_object();
  runtime::answer answer = json_answer(std::move(out));
  digest digest = sha256(answer.body);
  answer.etag = "\"" + std::to_string(variant.product_version) + "-" +
                base64url(digest).substr(0, etag_digest_length) + "\"";
  if (json::none_match_names(if_none_match, answer.etag)) {
    answer.status = 304;
    answer.body.clear();
  }
  return done{std::move(answer), false, {}};
}

}  // namespace

step create_product(const call& call, const services& services) {
  json::input_errors errors;
  product::pb::Command command;
  product::pb::Product& product = *command.mutable_create()->mutable_product();
  product = parse_product(call.body, errors);
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  if (product.id().empty())
    product.set_id(values::make_id(product_prefix, call.now, new_part(call, services)));
  return decide(product::address_of(call.tenant, product.id()), std::move(command));
}

step replace_product(const call& call, const services&) {
  const std::string& id = call.arguments[0];
  if (!is_product_id(id)) return not_found(call, "product");
  json::input_errors errors;
  product::pb::Command command;
  product::pb::Replace& replace = *command.mutable_replace();
  *replace.mutable_product() = parse_product(call.body, errors);
  if (!replace.product().id().empty() && replace.product().id() != id)
    errors.add("/id", "validation_failed", "It is not the id in the path.");
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  auto if_match = call.http->field("if-match");
  if (!if_match)
    return refuse(
        {.code = "precondition_required", .detail = "Send If-Match with the ETag that is replaced."},
        call.request_id);
  replace.mutable_product()->set_id(id);
  replace.set_if_match(condition_text(*if_match));
  return decide(product::address_of(call.tenant, id), std::move(command));
}

step get_product(const call& call, const services&) {
  const std::string& id = call.arguments[0];
  if (!is_product_id(id)) return not_found(call, "product");
  auto command = std::make_shared<product::pb::Command>();
  command->mutable_read()->set_if_none_match(condition_text(call.if_none_match()));
  return pass_on(
      {.to = product::address_of(call.tenant, id), .command = std::move(command), .read_only = true});
}

step list_products(const call& call, const services& services) {
  std::string category{call.parameter("category").value_or("")};
  std::string list = "products/" + category;
  auto page = page_of(call, list, services);
  if (auto* problem = std::get_if<json::problem>(&page)) return refuse(*problem, call.request_id);
  const auto& [limit, after] = std::get<gateway::page>(page);
  catalogue::product_page found = services.catalogue->list(call.tenant, category, after, limit, call.staff());
  std::string next;
  if (found.more) next = seal_cursor(services.secret, list, found.products.back()->id());
  return done{products_answer(found.products, found.more, next), false, {}};
}

step search_products(const call& call, const services& services) {
  auto query = call.parameter("q");
  if (!query || query->empty() || query->size() > query_length_max)
    return refuse(bad_parameter("q", "Say what to search for, in up to 200 bytes."), call.request_id);
  auto page = page_of(call, "search", services);
  if (auto* problem = std::get_if<json::problem>(&page)) return refuse(*problem, call.request_id);
  auto found = services.catalogue->search(call.tenant, *query, call.parameter("category").value_or(""),
                                          std::get<gateway::page>(page).limit);
  return done{products_answer(found, false, ""), false, {}};
}

step get_variant(const call& call, const services& services) {
  const std::string& sku = call.arguments[0];
  if (!is_sku(sku)) return not_found(call, "variant");
  auto variant = services.catalogue->find(call.tenant, sku);
  if (!variant || (!variant->for_sale && !call.staff())) return not_found(call, "variant");
  auto command = std::make_shared<stock::pb::Command>();
  command->mutable_read();
  ask ask;
  ask.questions.push_back(command_question{
      .to = stock::address_of(call.tenant, sku), .command = std::move(command), .read_only = true});
  ask.then = [variant = *std::move(variant),
              if_none_match = condition_text(call.if_none_match())](std::vector<reply> replies) {
    return show_variant(variant, replies.front(), if_none_match);
  };
  return ask;
}

}  // namespace souk::gateway
