#pragma once

#include "actors/values/money.hpp"
#include "nodes/souk/input.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// The "Online Retail" data set (one line per invoice line, CSV) as a shop's year: what to stock, what to
/// sell, what came back, what was written off, and what cannot be told as any of these. Pure: files in, plain
/// data out.
namespace souk::cli::retail {

/// All prices of the data set are in pounds sterling.
inline constexpr std::string_view currency = "GBP";

/// Lines are refused beyond it, as carts are.
inline constexpr std::int64_t quantity_max = 1'000'000;

/// One stock code. Codes are case-sensitive: "85123A" and "85123a" are two articles.
struct article {
  std::string code;
  std::string title;  ///< Its most frequent description among sales (else any; else the code itself).
  values::pb::UnitPrice price;  ///< Its last price above 0; 0 if it never had one.
  std::int64_t needed = 0;  ///< Units that the sales and the write-offs take: what must be received first.
};

/// One line to sell, at its quoted price.
struct sale_line {
  std::uint32_t article = 0;  ///< Index into `year::articles`.
  std::uint32_t price = 0;    ///< Index into `year::prices`.
  std::int64_t quantity = 0;  ///< 1 to `quantity_max`.
};

/// One invoice whose number is all digits and that has at least one line of quantity above 0.
struct invoice {
  std::string number;
  std::string customer_id;  ///< Empty: a guest.
  std::vector<sale_line> lines;
  std::int64_t total = 0;  ///< Pence: each line's quantity x price rounded half to even, then added.
};

/// Units that came back (`delta` > 0) or were written off (`delta` < 0).
struct movement {
  std::string reference;  ///< "<invoice>/<line>", the line counted from 1 within its invoice.
  std::uint32_t article = 0;
  std::int64_t delta = 0;
};

/// A line of the file that is neither, and why.
struct skipped_line {
  std::uint64_t file_line = 0;  ///< Counted from 1; the first data line is 2.
  std::string invoice;
  std::string stock_code;
  std::string reason;
};

/// Everything that one file says.
struct year {
  std::vector<article> articles;              ///< In the order of their first line.
  std::vector<values::pb::UnitPrice> prices;  ///< Each distinct text of a price once.
  std::vector<invoice> invoices;              ///< In the order of their first line.
  std::vector<movement> returned;
  std::vector<movement> written_off;
  std::vector<skipped_line> skipped;
  std::uint64_t file_lines = 0;     ///< Data lines read.
  std::uint64_t sale_lines = 0;     ///< Lines over all invoices.
  std::int64_t revenue = 0;         ///< Pence, over all invoices.
  std::uint64_t free_invoices = 0;  ///< Invoices with a total of 0.
};

/// Reads a whole file. Throws `std::runtime_error` if its first line does not name the columns of the data
/// set.
year read_year(input& source);

}  // namespace souk::cli::retail
