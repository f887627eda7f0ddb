#include "actors/gateway/api.hpp"
#include "actors/gateway/digests.hpp"
#include "actors/gateway/handlers.hpp"
#include "actors/json/etag.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace souk::gateway {

namespace {

// Two programs whose documents differ in anything have two tags.
const std::string& tag_of_document() {
  static const std::string tag = "\"" + base64url(sha256(api_document())) + "\"";
  return tag;
}

// What stands between two tags of the page, which has each of them once, as its policy names it.
std::string source_of(std::string_view start_tag, std::string_view end_tag) {
  const auto page = api_page();
  const auto begin = page.find(start_tag) + start_tag.size();
  return "'sha256-" + base64(sha256(page.substr(begin, page.find(end_tag) - begin))) + "'";
}

// It loads nothing but the document, runs nothing but what was built with it, and nobody may put it into a
// page of theirs.
const std::string& policy_of_page() {
  static const std::string policy =
      "default-src 'none'; connect-src 'self'; style-src " + source_of("<style>", "</style>") +
      "; script-src " + source_of("<script>", "</script>") + "; frame-ancestors 'none'; base-uri 'none'";
  return policy;
}

}  // namespace

step show_api(const call& call, const services&) {
  runtime::answer answer;
  answer.etag = tag_of_document();
  if (json::none_match_names(call.if_none_match(), answer.etag)) {
    answer.status = 304;
  } else {
    answer.body = api_document();
  }
  return done{std::move(answer), false, {}};
}

step show_api_page(const call&, const services&) {
  runtime::answer answer;
  answer.content_type = "text/html; charset=utf-8";
  answer.body = api_page();
  return done{std::move(answer), false, {{"Content-Security-Policy", policy_of_page()}}};
}

}  // namespace souk::gateway
