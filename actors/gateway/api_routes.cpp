#include "actors/gateway/api.hpp"
#include "actors/gateway/digests.hpp"
#include "actors/gateway/handlers.hpp"
#include "actors/json/etag.hpp"

namespace souk::gateway {

namespace {

// Two programs whose documents differ in anything have two tags.
const std::string& tag_of_document() {
  static const std::string tag = "\"" + base64url(sha256(api_document())) + "\"";
  return tag;
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

// It loads nothing but the document, and nobody may put it into a page of theirs.
step show_api_page(const call&, const services&) {
  runtime::answer answer;
  answer.content_type = "text/html; charset=utf-8";
  answer.body = api_page();
  return done{
      std::move(answer),
      false,
      {{"Content-Security-Policy",
        "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        "frame-ancestors 'none'; base-uri 'none'"},
       {"X-Content-Type-Options", "nosniff"}}};
}

}  // namespace souk::gateway
