#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace souk::cluster_test {

/// Texts that are sent as secrets, so that they are recognised wherever they turn up. What is a secret for
/// everybody is `planted_secret`: no file may hold it. `planted_token` and `planted_person` stand for what a
/// shop must keep in its data, and nowhere else.
inline constexpr std::string_view planted_secret = "canary7c3f-secret";
inline constexpr std::string_view planted_token = "canary7c3f-token";
inline constexpr std::string_view planted_person = "canary7c3f-person";

/// Where one of these texts stands, in whatever case, as it is, percent-encoded throughout, in hex or in
/// base64: "FILE: TEXT". Looks into all files below `folder` except in `but`.
std::vector<std::string> find_planted(const std::filesystem::path& folder,
                                      const std::vector<std::string>& texts,
                                      const std::filesystem::path& but = {});

/// The same of a text, which `name` stands for.
std::vector<std::string> find_planted_in(std::string_view name, const std::string& where,
                                         const std::vector<std::string>& texts);

/// Requests that bring planted secrets wherever a request can have a text, and that a shop refuses or does
/// not understand; each whole, as bytes, for a connection of its own.
struct planted_request {
  std::string name;
  std::string bytes;
};
std::vector<planted_request> planted_requests();

}  // namespace souk::cluster_test
