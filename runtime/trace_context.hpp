#pragma once

#include <string>
#include <string_view>

/// W3C Trace Context, version 00: "00-<trace id>-<span id>-<flags>". Pure; any thread.
namespace souk::runtime {

class random_source;

/// The length of every traceparent of this version.
inline constexpr std::size_t traceparent_bytes = 55;

/// Whether a text is a traceparent: everything else is as good as absent.
bool is_traceparent(std::string_view text);

/// The 32 hexadecimal digits of the trace; empty if there are none.
std::string_view trace_id_of(std::string_view traceparent);
/// The 16 hexadecimal digits of the span that it names; empty if there are none.
std::string_view span_id_of(std::string_view traceparent);
/// Whether whoever began the trace records it.
bool is_sampled(std::string_view traceparent);

/// The first span of a new trace.
std::string make_traceparent(random_source& random, bool sampled);
/// A new span of the same trace, which the same people record. What is no traceparent gives nothing, and
/// draws nothing.
std::string child_traceparent(std::string_view parent, random_source& random);

}  // namespace souk::runtime
