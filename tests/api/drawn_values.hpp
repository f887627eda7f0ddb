#pragma once

#include "actors/json/reader.hpp"
#include "tests/api/dice.hpp"
#include "tests/api/known_values.hpp"

#include <string>
#include <string_view>

namespace souk::tests {

/// Draws a value that a schema of the document allows: short and long, plain and odd, at the bounds and
/// between; what has a name that answers had too is mostly something that is known.
json::value draw_value(const json::value& document, const json::value& schema, const known_values& known,
                       dice& dice, std::string_view name = {});

/// Makes one thing wrong somewhere in a value: its type, its range, a member too few, too many or twice.
void spoil_value(json::value& value, dice& dice);

/// A value's text with one thing wrong that no value can have: cut off, other bytes, too deep, bad Unicode.
std::string spoil_text(std::string text, dice& dice);

/// A text as it may come from anywhere: with such a chance of odd letters, in percent.
std::string draw_text(std::size_t least, std::size_t most, unsigned odd_chance, dice& dice);

}  // namespace souk::tests
