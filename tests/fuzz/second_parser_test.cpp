#include "tests/fuzz/second_parser.hpp"

#include "actors/gateway/gate.hpp"
#include "tests/http/probes.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace souk::fuzz {
namespace {

using names = std::set<std::string>;

/// What http_parser takes and the gate refuses, by why, as docs/testers.md lists it.
const std::map<std::string, names> taken_by_the_second{
    {"lines need no CR",
     {"bare_lf_after_field", "bare_lf_after_request_line", "bare_lf_ends_head", "bare_lf_in_value"}},
    {"white space",
     {"folded_coding", "folded_field", "folded_with_tab", "space_before_any_colon",
      "space_before_colon_of_coding", "space_line_before_first_field", "two_spaces_after_method",
      "two_spaces_before_version", "three_empty_lines_first"}},
    {"chunks",
     {"chunk_extension_bare", "chunk_extension_too_long", "chunk_extension_with_nul",
      "chunk_size_before_space", "chunk_size_of_17_digits"}},
    {"codings and lengths",
     {"coding_in_1_0", "gzip_then_chunked", "two_transfer_encodings", "length_padded"}},
    {"Host is a field like any other",
     {"no_host", "two_hosts_that_agree", "two_hosts_that_differ", "host_empty", "host_with_comma",
      "host_with_empty_port", "host_with_large_port", "host_with_open_bracket", "host_with_path",
      "host_with_user", "host_with_word_for_port", "absolute_form_of_another_host"}},
    {"fields that may stand once", {"two_authorizations", "two_content_types", "two_idempotency_keys"}},
    {"targets are not looked into",
     {"absolute_form_of_another_scheme", "asterisk", "backslash_in_target", "empty_segment",
      "escape_bad_in_query", "escape_cut", "escape_half", "escape_of_no_digits", "escaped_line_end",
      "escaped_nul", "escaped_overlong", "escaped_surrogate", "fragment_in_target", "parent_segment",
      "parent_segment_at_the_end", "parent_segment_escaped", "same_segment", "utf8_in_target"}},
    {"other bounds",
     {"fields_too_many", "head_too_large", "target_of_8001", "trailer_malformed", "trailer_too_large",
      "trailers_too_many"}},
    {"methods, versions and expectations",
     {"connect", "options", "trace", "other_expectation", "version_1_2", "version_2_text"}},
};

bool gate_takes(std::string_view bytes) {
  const gateway::gate_limits limits;
  gateway::gate gate{limits};
  gate.feed(bytes);
  return gate.complete() && !gate.refused();
}

TEST(second_parser, takes_more_than_the_gate_and_only_what_is_listed) {
  names listed;
  for (const auto& [why, probes] : taken_by_the_second)
    listed.insert(probes.begin(), probes.end());
  names taken;
  for (const auto& probe : tests::load_probes()) {
    const auto second = read_as_second(probe.bytes);
    if (gate_takes(probe.bytes))
      EXPECT_TRUE(second.complete) << probe.name << ": " << second.error;
    else if (second.complete)
      taken.insert(probe.name);
  }
  EXPECT_EQ(taken, listed);
}

}  // namespace
}  // namespace souk::fuzz
