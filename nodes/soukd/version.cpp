#include "nodes/soukd/version.hpp"

#include "actors/formats.hpp"

namespace souk::nodes {

// With SOUK_NEXT_VERSION the same sources are the version after this one, which rolling upgrades are tried
// with.
#ifdef SOUK_NEXT_VERSION
std::string_view program_version() { return SOUK_VERSION "+next"; }
runtime::format_range known_formats() { return {1, formats::newest + 1}; }
#else
std::string_view program_version() { return SOUK_VERSION; }
runtime::format_range known_formats() { return {1, formats::newest}; }
#endif

}  // namespace souk::nodes
