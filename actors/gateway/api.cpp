#include "actors/gateway/api.hpp"

#include "actors/json/problem.hpp"
#include "actors/json/reader.hpp"
#include "actors/json/writer.hpp"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>
#include <stdexcept>

namespace souk::gateway {

namespace {

using json::value;
using json::writer;

// What any request may come to.
constexpr auto codes_of_all = {"malformed_request", "unknown_field",   "invalid_token",     "not_acceptable",
                               "validation_failed", "request_timeout", "uri_too_long",      "head_too_large",
                               "internal_error",    "overloaded",      "shard_unavailable", "rate_limited"};
constexpr auto codes_of_json = {"malformed_json", "too_large", "unsupported_media_type"};
constexpr auto codes_of_writes = {"storage_full", "outcome_unknown"};
constexpr auto codes_of_keys = {"idempotency_in_flight", "idempotency_key_reused"};

const value& member(const value& object, std::string_view name) {
  const auto* found = object.find(name);
  if (found == nullptr) throw std::logic_error("api.json: there is no " + std::string{name});
  return *found;
}

std::vector<std::string> texts_of(const value& object, std::string_view name) {
  std::vector<std::string> texts;
  const auto* found = object.find(name);
  if (found == nullptr || found->as_array() == nullptr) return texts;
  for (const auto& each : *found->as_array())
    texts.push_back(*each.as_string());
  return texts;
}

// In the order of the text, which is the order in which people read it.
void write(writer& out, const value& from) {
  if (const auto* object = from.as_object()) {
    out.begin_object();
    for (const auto& [name, data] : *object)
      write(out.key(name), data);
    out.end_object();
  } else if (const auto* items = from.as_array()) {
    out.begin_array();
    for (const auto& item : *items)
      write(out, item);
    out.end_array();
  } else {
    out.raw(json::canonical(from));
  }
}

void write_reference(writer& out, std::string_view kind, std::string_view name) {
  out.begin_object().key("$ref").string("#/components/" + std::string{kind} + "/" + std::string{name});
  out.end_object();
}

// `schema`: the name of one, or one that nobody else needs.
void write_content(writer& out, std::string_view type, const value& schema) {
  out.key("content").begin_object().key(type).begin_object().key("schema");
  if (const auto* name = schema.as_string())
    write_reference(out, "schemas", *name);
  else
    write(out, schema);
  out.end_object().end_object();
}

/// One route as an operation.
class operation {
 public:
  operation(writer& out, const route& route, const value& said) : out_(out), route_(route), said_(said) {}

  void write_all() {
    out_.key(method()).begin_object();
    out_.key("operationId").string(route_.name);
    out_.key("summary").string(text_of(said_, "summary"));
    write_description();
    out_.key("tags").begin_array().string(text_of(said_, "tag")).end_array();
    write_security();
    write_parameters();
    write_body();
    write_answers();
    out_.end_object();
  }

 private:
  std::string method() const {
    std::string lower{route_.method};
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return static_cast<char>(c - 'A' + 'a'); });
    return lower;
  }

  void write_description() {
    auto text = text_of(said_, "description");
    if (route_.audience == audience::staff) text = text.empty() ? "For staff." : "For staff. " + text;
    if (!text.empty()) out_.key("description").string(text);
  }

  // A shop front needs no key, and may have one: a publishable one, or one that makes it staff, as a token
  // does.
  void write_security() {
    out_.key("security").begin_array();
    if (route_.audience == audience::everybody) {
      out_.begin_object().end_object();
      out_.begin_object().key("publishable_key").begin_array().end_array().end_object();
    }
    if (route_.audience != audience::staff)
      out_.begin_object().key("customer_token").begin_array().end_array().end_object();
    for (const auto* scheme : {"access_token", "secret_key"}) {
      out_.begin_object().key(scheme).begin_array();
      if (route_.scope) out_.string(keyring::name_of(*route_.scope));
      out_.end_array().end_object();
    }
    out_.end_array();
  }

  void write_parameters() {
    out_.key("parameters").begin_array();
    if (const auto* names = said_.find("path"))
      for (const auto& [name, description] : *names->as_object())
        write_placeholder(name, *description.as_string());
    for (const auto name : route_.parameters)
      write_reference(out_, "parameters", name);
    for (const auto& name : texts_of(said_, "headers"))
      write_reference(out_, "parameters", name);
    if (said_.find("conditional") != nullptr) write_reference(out_, "parameters", "If-None-Match");
    if (route_.key == key_use::allowed) write_reference(out_, "parameters", "Idempotency-Key");
    if (route_.key == key_use::required) write_reference(out_, "parameters", "Required-Idempotency-Key");
    out_.end_array();
  }

  void write_placeholder(std::string_view name, std::string_view description) {
    out_.begin_object().key("name").string(name).key("in").string("path").key("required").boolean(true);
    out_.key("description").string(description).key("schema").begin_object().key("type").string("string");
    out_.end_object().end_object();
  }

  void write_body() {
    if (route_.body == body_use::none) return;
    out_.key("requestBody").begin_object();
    out_.key("required").boolean(route_.body != body_use::optional_json);
    if (route_.body == body_use::file) {
      out_.key("content").begin_object();
      for (const auto* type : {"application/x-ndjson", "text/csv"})
        out_.key(type).begin_object().key("schema").begin_object().end_object().end_object();
      out_.end_object();
    } else {
      write_content(out_, "application/json", member(said_, "request"));
    }
    out_.end_object();
  }

  void write_answers() {
    out_.key("responses").begin_object();
    const auto type = text_of(said_, "type");
    for (const auto& [status, schema] : *member(said_, "answers").as_object()) {
      out_.key(status).begin_object().key("description").string(text_of(said_, "summary"));
      write_headers({"RateLimit-Policy", "RateLimit"});
      write_content(out_, type.empty() ? "application/json" : type, schema);
      out_.end_object();
    }
    if (said_.find("conditional") != nullptr) {
      out_.key("304").begin_object();
      out_.key("description").string("It is still the one that is known.").end_object();
    }
    std::map<int, std::set<std::string>> by_status;
    for (const auto& code : codes())
      by_status[json::status_of(code)].insert(code);
    for (const auto& [status, codes] : by_status)
      write_problems(status, codes);
    out_.key("default");
    write_reference(out_, "responses", "Problem");
    out_.end_object();
  }

  void write_headers(const std::initializer_list<const char*>& names) {
    out_.key("headers").begin_object();
    for (const auto* name : names)
      write_reference(out_.key(name), "headers", name);
    out_.end_object();
  }

  void write_problems(int status, const std::set<std::string>& codes) {
    std::string listed;
    for (const auto& code : codes)
      listed += (listed.empty() ? "" : ", ") + code;
    out_.key(std::to_string(status)).begin_object().key("description").string(listed);
    if (status == 429) write_headers({"Retry-After", "RateLimit-Policy", "RateLimit"});
    if (status == 503) write_headers({"Retry-After"});
    out_.key("content").begin_object().key("application/problem+json").begin_object().key("schema");
    out_.begin_object().key("allOf").begin_array();
    write_reference(out_, "schemas", "Problem");
    out_.begin_object().key("properties").begin_object().key("code").begin_object().key("enum").begin_array();
    for (const auto& code : codes)
      out_.string(code);
    out_.end_array().end_object().end_object().end_object().end_array().end_object();
    out_.end_object().end_object().end_object();
  }

  std::set<std::string> codes() const {
    std::set<std::string> all(codes_of_all.begin(), codes_of_all.end());
    const auto add = [&all](const std::initializer_list<const char*>& more) {
      all.insert(more.begin(), more.end());
    };
    if (route_.audience != audience::everybody) all.insert("insufficient_scope");
    if (route_.body != body_use::none) add(codes_of_json);
    if (!route_.read_only) add(codes_of_writes);
    if (route_.key != key_use::ignored) add(codes_of_keys);
    if (route_.key == key_use::required) all.insert("idempotency_key_required");
    for (auto& code : texts_of(said_, "problems"))
      all.insert(std::move(code));
    return all;
  }

  writer& out_;
  const route& route_;
  const value& said_;
};

void write_paths(writer& out, std::span<const route> routes, const value& operations) {
  std::map<std::string_view, std::vector<const route*>> by_path;
  for (const auto& route : routes)
    by_path[route.path].push_back(&route);
  out.key("paths").begin_object();
  for (const auto& [path, here] : by_path) {
    out.key(path).begin_object();
    for (const auto* route : here)
      operation{out, *route, member(operations, route->name)}.write_all();
    out.end_object();
  }
  out.end_object();
}

void write_components(writer& out, const value& said) {
  out.key("components").begin_object();
  write(out.key("schemas"), member(said, "schemas"));
  write(out.key("parameters"), member(said, "parameters"));
  write(out.key("headers"), member(said, "headers"));
  out.key("responses").begin_object().key("Problem").begin_object();
  out.key("description").string("Anything else that goes wrong.");
  write_content(out, "application/problem+json", value{std::string{"Problem"}});
  out.end_object().end_object();
  out.key("securitySchemes").begin_object();
  const auto write_scheme = [&out](std::string_view name, std::string_view description,
                                   std::string_view format = {}) {
    out.key(name).begin_object().key("type").string("http").key("scheme").string("bearer");
    if (!format.empty()) out.key("bearerFormat").string(format);
    out.key("description").string(description).end_object();
  };
  write_scheme("customer_token",
               "A token of a customer (RFC 9068), without any of the scopes here: `sub` says who it is.",
               "JWT");
  write_scheme("access_token",
               "A token of staff (RFC 9068) with these scopes, where the shop trusts an issuer of them.",
               "JWT");
  write_scheme("secret_key", "A key of staff or a program: sk_..., with these scopes.");
  write_scheme("publishable_key", "A key of a shop front: pk_..., which opens what is open to everybody.");
  out.end_object();
  out.end_object();
}

}  // namespace

std::string describe_api(std::span<const route> routes) {
  json::parse_error unread;
  const auto said = json::parse(api_text(), unread);
  if (!said) throw std::logic_error("api.json: " + unread.detail);
  writer out;
  out.begin_object().key("openapi").string("3.1.0");
  write(out.key("info"), member(*said, "info"));
  out.key("servers").begin_array().begin_object().key("url").string("/").end_object().end_array();
  write(out.key("tags"), member(*said, "tags"));
  write_paths(out, routes, member(*said, "operations"));
  write_components(out, *said);
  out.end_object();
  return std::move(out).take();
}

const std::string& api_document() {
  static const std::string document = describe_api(routes());
  return document;
}

}  // namespace souk::gateway
