#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::bench {

/// One line of a plot; its points in the order of x.
struct plot_line {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

/// A direction of a plot.
struct plot_axis {
  std::string title;
  double from = 0;
  double to = 1;             ///< Above `from`.
  bool logarithmic = false;  ///< Then `from` is above 0; points below it are drawn there.
  std::vector<std::pair<double, std::string>> marks;  ///< Where numbers stand, and what stands there.
};

/// An axis from 0 to at least `most`, with marks at round numbers.
plot_axis linear_axis(std::string title, double most);

/// An axis over whole powers of ten that reaches from `least` (above 0) to `most`, with a mark at each.
plot_axis decades_axis(std::string title, double least, double most);

/// A drawing of lines as an SVG element by itself: nothing is loaded, and its texts are the page's. Eight
/// lines have colours of their own; the next eight are dashed.
std::string svg_plot(const plot_axis& x, const plot_axis& y, const std::vector<plot_line>& lines);

/// A text as it stands in HTML and SVG.
std::string html_escaped(std::string_view text);

}  // namespace souk::bench
