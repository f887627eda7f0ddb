#pragma once

#include "tests/http/probes.hpp"
#include "tests/http/raw_client.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <string>

namespace souk::tests {

/// Sends one probe, cut so, to a server that answers with method and path, and compares what comes with what
/// the table wants.
inline void check(const probe& probe, raw_client& client, const std::function<std::size_t()>& cut) {
  SCOPED_TRACE(std::to_string(probe.row) + " " + probe.name);
  client.send(probe.bytes, cut);
  for (const int status : probe.statuses) {
    const auto answer = client.read();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, status);
    EXPECT_TRUE(answer->field("Date").has_value());
    if (status == 200) continue;
    EXPECT_EQ(answer->field("Content-Type"), "application/problem+json");
    EXPECT_NE(answer->body.find("\"code\":"), std::string::npos);
  }
  if (probe.closes) {
    EXPECT_TRUE(client.ends());
    return;
  }
  client.send("GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto after = client.read();
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->body, "GET /after ");
}

}  // namespace souk::tests
