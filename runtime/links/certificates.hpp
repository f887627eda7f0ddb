#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace souk::links {

/// A certificate with its private key, both as PEM texts.
struct identity_papers {
  std::string certificate;
  std::string key;
};

/// How long certificates hold. The CA outlives every certificate under it; nodes' are as long as browsers
/// accept any, so that renewing is practised.
inline constexpr int ca_days = 3'650;
inline constexpr int certificate_days = 825;

/// What a certificate is to say.
struct certificate_request {
  std::string common_name;         ///< Whom it is for; a node's id.
  std::vector<std::string> hosts;  ///< Names and IP addresses that its owner may be reached at.
  int days = certificate_days;
};

/// A new certificate authority with a P-256 key. A piece of the key's digest is added to its name, so that
/// two do not pass for each other. Throws `std::runtime_error`.
identity_papers make_authority(const std::string& name);

/// A certificate under an authority, good for both ends of a TLS connection. Throws `std::runtime_error`,
/// also when the authority's texts cannot be read.
identity_papers issue(const identity_papers& authority, const certificate_request& wanted);

/// A certificate that nobody but itself vouches for, to try out a server with: clients must be told to trust
/// it. Throws `std::runtime_error`.
identity_papers make_self_signed(const certificate_request& wanted);

}  // namespace souk::links
