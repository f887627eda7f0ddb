#pragma once

#include <string_view>

/// Fault points: places on the way of what must not be lost or done twice, and places where something rare
/// happens. The simulator lets a node die at one of them, and counts how often they are passed; see
/// docs/testers.md.
///
/// Outside simulation nobody hears of them: one load and a branch that is never taken.
namespace souk {

/// Hears the name of each point as it is passed, on the thread that passes it. Null in production. A testkit
/// sets it before anything runs, and never again.
inline void (*hears_points)(std::string_view point) =
    nullptr;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

/// `point`: a literal, and a line in actors/testkit/points.cpp; the house test holds the two together.
inline void reached(std::string_view point) {
  if (hears_points != nullptr) [[unlikely]]
    hears_points(point);
}

}  // namespace souk
