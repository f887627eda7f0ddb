#include "bench/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

namespace souk::bench {
namespace {

// The drawing, and the field within it; in its own units, which a page scales.
constexpr double width = 900;
constexpr double height = 320;
constexpr double left = 70;
constexpr double right = 720;  // Beyond it stands the legend.
constexpr double top = 12;
constexpr double bottom = 270;
constexpr double legend_step = 20;
constexpr double marks_wanted = 6;

// Told apart also by who sees few colours (Okabe and Ito).
constexpr std::array<std::string_view, 8> colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                  "#e69f00", "#56b4e9", "#8a6d00", "#777777"};

double share(const plot_axis& axis, double value) {
  const double bounded = std::clamp(value, axis.from, axis.to);
  if (!axis.logarithmic) return (bounded - axis.from) / (axis.to - axis.from);
  return std::log(bounded / axis.from) / std::log(axis.to / axis.from);
}

double across(const plot_axis& axis, double value) { return left + share(axis, value) * (right - left); }
double up(const plot_axis& axis, double value) { return bottom - share(axis, value) * (bottom - top); }

// 1, 2 or 5 times a power of ten, so that some six of them reach `most`.
double round_step(double most) {
  const double step = most / marks_wanted;
  const double power = std::pow(10.0, std::floor(std::log10(step)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= step) return factor * power;
  }
  return 10 * power;
}

std::string number_text(double value) { return fmt::format("{:.6g}", value); }

void draw_axes(std::string& out, const plot_axis& x, const plot_axis& y) {
  auto to = std::back_inserter(out);
  for (const auto& [value, text] : x.marks) {
    const double at = across(x, value);
    fmt::format_to(
        to,
        "<path class='grid' d='M{0:.1f} {1}V{2}'/><text x='{0:.1f}' y='{3}' text-anchor='middle'>{4}</text>",
        at, top, bottom, bottom + 18, html_escaped(text));
  }
  for (const auto& [value, text] : y.marks) {
    const double at = up(y, value);
    fmt::format_to(
        to, "<path class='grid' d='M{1} {0:.1f}H{2}'/><text x='{3}' y='{4:.1f}' text-anchor='end'>{5}</text>",
        at, left, right, left - 6, at + 4, html_escaped(text));
  }
  fmt::format_to(to, "<text x='{}' y='{}' text-anchor='middle'>{}</text>", (left + right) / 2, height - 12,
                 html_escaped(x.title));
  fmt::format_to(to, "<text transform='translate(14 {}) rotate(-90)' text-anchor='middle'>{}</text>",
                 (top + bottom) / 2, html_escaped(y.title));
}

void draw_line(std::string& out, const plot_axis& x, const plot_axis& y, const plot_line& line,
               std::size_t number) {
  auto to = std::back_inserter(out);
  const std::string_view colour = colours[number % colours.size()];
  const std::string_view dashes = number < colours.size() ? "" : " stroke-dasharray='5 3'";
  fmt::format_to(to, "<polyline fill='none' stroke='{}' stroke-width='1.5'{} points='", colour, dashes);
  for (const auto& [at, value] : line.points)
    fmt::format_to(to, "{:.1f},{:.1f} ", across(x, at), up(y, value));
  const double row = top + 12 + legend_step * static_cast<double>(number);
  fmt::format_to(
      to, "'/><path stroke='{0}' stroke-width='3'{6} d='M{1} {2}h18'/><text x='{3}' y='{4}'>{5}</text>",
      colour, right + 14, row - 4, right + 38, row, html_escaped(line.name), dashes);
}

}  // namespace

plot_axis linear_axis(std::string title, double most) {
  const double step = round_step(std::max(most, 1e-9));
  plot_axis axis{std::move(title), 0, step * std::max(1.0, std::ceil(most / step - 1e-9)), false, {}};
  for (double value = 0; value <= axis.to + step / 2; value += step)
    axis.marks.emplace_back(value, number_text(value));
  return axis;
}

plot_axis decades_axis(std::string title, double least, double most) {
  const double first = std::floor(std::log10(least));
  const double last = std::max(first + 1, std::ceil(std::log10(most)));
  plot_axis axis{std::move(title), std::pow(10.0, first), std::pow(10.0, last), true, {}};
  for (double power = first; power <= last; ++power)
    axis.marks.emplace_back(std::pow(10.0, power), number_text(std::pow(10.0, power)));
  return axis;
}

std::string svg_plot(const plot_axis& x, const plot_axis& y, const std::vector<plot_line>& lines) {
  std::string out = fmt::format("<svg viewBox='0 0 {} {}' role='img'>", width, height);
  draw_axes(out, x, y);
  for (std::size_t i = 0; i < lines.size(); ++i)
    draw_line(out, x, y, lines[i], i);
  return out + "</svg>";
}

std::string html_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace souk::bench
