#include "tests/cluster/secrets/planted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>

namespace souk::cluster_test {
namespace {

namespace fs = std::filesystem;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string hex(std::string_view text, std::string_view before) {
  std::string out;
  for (const char c : text)
    out += fmt::format("{}{:02x}", before, static_cast<unsigned char>(c));
  return out;
}

/// Base64 of the text where it begins `shift` bytes into a group, without what depends on its neighbours.
std::string base64(std::string_view text, std::size_t shift) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string bytes = std::string(shift, '\0') + std::string{text};
  std::string out;
  for (std::size_t at = 0; at + 3 <= bytes.size(); at += 3) {
    const auto byte = [&](std::size_t n) {
      return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + n]));
    };
    const std::uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (const int bits : {18, 12, 6, 0})
      out += digits[(group >> bits) & 63];
  }
  return out.substr(shift == 0 ? 0 : 4);
}

std::vector<std::string> spellings_of(const std::string& text) {
  return {lower(text),
          lower(hex(text, "")),
          lower(hex(text, "%")),
          lower(base64(text, 0)),
          lower(base64(text, 1)),
          lower(base64(text, 2))};
}

std::string request(std::string_view line, std::string_view fields, std::string_view body = {}) {
  const auto length = body.empty() ? std::string{} : fmt::format("Content-Length: {}\r\n", body.size());
  return fmt::format("{} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n{}{}\r\n{}", line, fields, length,
                     body);
}

constexpr std::string_view json = "Content-Type: application/json\r\n";
/// Where a text of the table below is to hold the secret.
constexpr std::string_view here = "@";

std::string filled(std::string text) {
  for (auto at = text.find(here); at != std::string::npos; at = text.find(here, at + planted_secret.size()))
    text.replace(at, here.size(), planted_secret);
  return text;
}

std::string posted(std::string_view target, std::string_view body) {
  return request(fmt::format("POST {}", target), json, filled(std::string{body}));
}

}  // namespace

std::vector<std::string> find_planted_in(std::string_view name, const std::string& where,
                                         const std::vector<std::string>& texts) {
  std::vector<std::string> found;
  const auto searched = lower(where);
  for (const auto& text : texts)
    for (const auto& spelling : spellings_of(text))
      if (const auto at = searched.find(spelling); at != std::string::npos) {
        const auto from = at < 60 ? 0 : at - 60;
        found.push_back(fmt::format("{}: {} as {}: ...{}", name, text, spelling, where.substr(from, 160)));
        break;
      }
  return found;
}

std::vector<std::string> find_planted(const fs::path& folder, const std::vector<std::string>& texts,
                                      const fs::path& but) {
  std::vector<std::string> found;
  for (auto entry = fs::recursive_directory_iterator{folder}; entry != fs::recursive_directory_iterator{};
       ++entry) {
    if (!but.empty() && entry->path() == but) {
      entry.disable_recursion_pending();
      continue;
    }
    for (auto& each : find_planted_in("the name of a file", entry->path().string(), texts))
      found.push_back(std::move(each));
    if (!entry->is_regular_file()) continue;
    std::ifstream in{entry->path(), std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    for (auto& each : find_planted_in(entry->path().string(), text, texts))
      found.push_back(std::move(each));
  }
  return found;
}

std::vector<planted_request> planted_requests() {
  const std::string deep(200, '[');
  std::vector<planted_request> all{
      {"a key that is none", request("GET /v1/orders", "Authorization: Bearer @\r\n")},
      {"a key that looks like one", request("GET /v1/orders", "Authorization: Bearer sk_@\r\n")},
      {"a publishable key", request("GET /v1/products", "Authorization: Bearer pk_@\r\n")},
      {"another scheme", request("GET /v1/orders", "Authorization: Basic @\r\n")},
      {"a scheme alone", request("GET /v1/orders", "Authorization: @\r\n")},
      {"two keys", request("GET /v1/orders", "Authorization: Bearer @\r\nAuthorization: Bearer @\r\n")},
      {"a key elsewhere", request("GET /v1/orders", "Proxy-Authorization: Basic @\r\nX-Api-Key: @\r\n")},
      {"a cookie", request("GET /v1/products", "Cookie: session=@; other=@\r\n")},
      {"a referrer", request("GET /v1/products", "Referer: https://shop/?token=@\r\nUser-Agent: @\r\n")},
      {"no trace", request("GET /v1/products", "traceparent: 00-@\r\ntracestate: a=@\r\nbaggage: b=@\r\n")},
      {"an unknown parameter", request("GET /v1/products?@=1", "")},
      {"an unknown parameter's value", request("GET /v1/products?access_token=@", "")},
      {"a known parameter twice", request("GET /v1/products?limit=1&limit=@", "")},
      {"a wrong value", request("GET /v1/products?limit=@", "")},
      {"a cursor", request("GET /v1/products?cursor=@", "")},
      {"a search", request("GET /v1/search?q=@", "")},
      {"a category", request("GET /v1/products?category=@", "")},
      {"a bad escape in a query", request("GET /v1/products?q=%zz@", "")},
      {"an unknown path", request("GET /@", "")},
      {"an unknown route", request("GET /v1/@/@", "")},
      {"an id", request("GET /v1/carts/@", "")},
      {"an id of the right form", request("GET /v1/carts/crt_01JD000000ABCDEFGHJKMNPQRST?x=@", "")},
      {"a bad escape in a path", request("GET /v1/carts/%zz@", "")},
      {"another method", request("DELETE /v1/products?@", "")},
      {"no JSON", posted("/v1/carts", "@")},
      {"half of JSON", posted("/v1/carts", R"({"currency":"@)")},
      {"a control character", posted("/v1/carts", "{\"currency\":\"@\x01\"}")},
      {"no UTF-8", posted("/v1/carts", "{\"currency\":\"@\xff\"}")},
      {"a bad escape", posted("/v1/carts", R"({"currency":"@\ud800"})")},
      {"more after it", posted("/v1/carts", R"({"currency":"EUR"}@)")},
      {"an unknown member", posted("/v1/carts", R"({"currency":"EUR","@":1})")},
      {"a member twice", posted("/v1/carts", R"({"currency":"EUR","@":1,"@":2})")},
      {"a wrong type", posted("/v1/carts", R"({"currency":["@"]})")},
      {"a wrong currency", posted("/v1/carts", R"({"currency":"@"})")},
      {"a number", posted("/v1/carts", R"({"currency":1e999,"token":"@"})")},
      {"too deep", posted("/v1/carts", deep + "\"@\"")},
      {"another type", request("POST /v1/carts", "Content-Type: text/@\r\n", filled("@"))},
      {"another coding",
       request("POST /v1/carts", "Content-Type: application/json\r\nContent-Encoding: @\r\n", "{}")},
      {"other answers", request("GET /v1/products", "Accept: text/@\r\n")},
      {"a long key", request("POST /v1/carts",
                             fmt::format("{}Idempotency-Key: @{}\r\n", json, std::string(300, 'k')), "{}")},
      {"two keys of a repeat",
       request("POST /v1/carts", fmt::format("{}Idempotency-Key: @\r\nIdempotency-Key: @\r\n", json), "{}")},
      {"an unknown checkout", request("POST /v1/checkouts", fmt::format("{}Idempotency-Key: @\r\n", json),
                                      filled(R"({"cart_id":"@","payment":{"provider":"@","token":"@"}})"))},
      {"a token for no checkout",
       request("POST /v1/checkouts/@/complete", fmt::format("{}Idempotency-Key: @\r\n", json),
               filled(R"({"payment":{"provider":"test","token":"@"}})"))},
      {"a crash of what is not there", posted("/v1/test/crash", R"({"entity":"@/@"})")},
      {"a command without a key", posted("/v1/admin/cluster", R"({"command":"@","node":"@"})")},
      {"an import without a key",
       request("POST /v1/imports", "Content-Type: application/x-ndjson\r\n", filled("@\n"))},
      // What the strict gate refuses before anybody looks at it.
      {"no method", "@ /v1/products HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"a method in small letters", "get@ / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"no version", "GET / @\r\nHost: a\r\n\r\n"},
      {"another version", "GET / HTTP/9.@\r\nHost: a\r\n\r\n"},
      {"a version that is not spoken", "GET / HTTP/3.0\r\nHost: @\r\n\r\n"},
      {"a line without end", "GET /" + std::string(20'000, 'a') + "@ HTTP/1.1\r\n\r\n"},
      {"a space in the target", "GET /a @ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"credentials in the target", "GET http://user:@@shop/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"a connect", "CONNECT @:443 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"a fragment", "GET /#@ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"a host that is none", "GET / HTTP/1.1\r\nHost: a/@\r\n\r\n"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: @\r\nHost: b\r\n\r\n"},
      {"no host", "GET / HTTP/1.1\r\nX: @\r\n\r\n"},
      {"a field without a colon", "GET / HTTP/1.1\r\nHost: a\r\n@\r\n\r\n"},
      {"a field with a space", "GET / HTTP/1.1\r\nHost: a\r\n@ : b\r\n\r\n"},
      {"a folded field", "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer\r\n @\r\n\r\n"},
      {"a bare return", "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: @\rb\r\n\r\n"},
      {"a byte that is no text", std::string{"GET / HTTP/1.1\r\nHost: a\r\nX: @\0\r\n\r\n", 34}},
      {"a length that is none", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: @\r\n\r\n"},
      {"a coding that is none", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: @\r\n\r\n"},
      {"a chunk that is none",
       "POST /v1/carts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n@\r\n"},
      {"a chunk's extension",
       "POST /v1/carts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=@\r\n{\r\n0\r\nX: "
       "@\r\n\r\n"},
      {"an expectation", "POST /v1/carts HTTP/1.1\r\nHost: a\r\nExpect: @\r\nContent-Length: 1\r\n\r\na"},
      {"an upgrade", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: @\r\n\r\n"},
      {"TLS to a plain port", std::string{"\x16\x03\x01\x02\x00\x01@", 7}},
      {"a request behind one that is refused",
       "GET /@ HTTP/1.1\r\nHost: a\r\nBad Field: @\r\n\r\nGET /v1/products?@ HTTP/1.1\r\nHost: a\r\n\r\n"},
  };
  for (auto& each : all)
    each.bytes = filled(std::move(each.bytes));
  return all;
}

}  // namespace souk::cluster_test
