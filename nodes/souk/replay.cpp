#include "actors/json/writer.hpp"
#include "bench/progress.hpp"
#include "bench/report.hpp"
#include "bench/workers.hpp"
#include "nodes/souk/commands.hpp"
#include "nodes/souk/retail.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>

namespace souk::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t items_per_call = 500;  // as many as the server takes at once
constexpr std::size_t refusals_shown_max = 20;

// An invoice, or a movement, that the server would not take.
struct refusal {
  std::string invoice;
  std::string code;
  std::string detail;
};

// An answered order whose total is not what the file says.
struct mismatch {
  std::string invoice;
  std::int64_t expected = 0;
  std::int64_t answered = 0;
};

struct tally {
  std::uint64_t orders = 0;        // invoices with an order now
  std::uint64_t orders_there = 0;  // of these, answered as a repeat
  std::uint64_t lines = 0;         // lines of these orders
  std::int64_t revenue = 0;        // pence, as the answers say
  std::uint64_t returned = 0;      // movements made
  std::uint64_t written_off = 0;
  std::uint64_t movements_there = 0;  // movements that had been made before
  std::vector<refusal> refused;
  std::vector<refusal> refused_movements;
  std::vector<mismatch> mismatches;
};

// A negotiation with the server ended in a refusal: the rest of the invoice is not tried.
struct refused_step {
  bench::problem_text problem;
};

// Sells one year, piece by piece: first its invoices, then what came back and what was written off.
class replay {
 public:
  replay(const retail::year& year, bench::event_loop& loop)
      : year_(year), patience_(loop), progress_("selling", "invoices and movements", pieces()) {}

  std::size_t pieces() const {
    return year_.invoices.size() + year_.returned.size() + year_.written_off.size();
  }

  bench::task<void> do_piece(bench::worker& me, std::size_t index) {
    if (index < year_.invoices.size()) {
      co_await sell(me, year_.invoices[index]);
    } else if (index -= year_.invoices.size(); index < year_.returned.size()) {
      co_await move(me, year_.returned[index], "returned", tally_.returned);
    } else {
      co_await move(me, year_.written_off[index - year_.returned.size()], "written_off", tally_.written_off);
    }
    progress_.done(++done_);
  }

  const tally& result() const { return tally_; }
  const bench::call_times& times() const { return times_; }
  std::uint64_t repeats() const { return patience_.repeats(); }

 private:
  // Sends, and takes the answer apart; throws what ends the invoice or the run.
  bench::task<json::value> ask(bench::worker& me, std::string_view call, std::string_view target,
                               std::string_view key, std::string_view body, bool* replayed = nullptr) {
    const std::string_view request = me.text.post(target, key, body, "Prefer: return=minimal\r\n");
    const bench::http_answer& answer = *co_await patience_.send(me.link, request, times_[call]);
    if (answer.status == 0) throw bench::unreachable(answer.failure);
    if (!answer.ok()) throw refused_step{bench::read_problem(answer)};
    if (replayed != nullptr) *replayed = answer.replayed;
    co_return json::parse(answer.body);
  }

  bench::task<void> sell(bench::worker& me, const retail::invoice& invoice) {
    try {
      co_await sell_or_throw(me, invoice);
    } catch (const refused_step& step) {
      tally_.refused.push_back({invoice.number, step.problem.code, step.problem.detail});
    }
  }

  bench::task<void> sell_or_throw(bench::worker& me, const retail::invoice& invoice) {
    const std::string name = "invoice-" + invoice.number;
    const std::string cart_key = name + "-cart";
    const std::string new_cart = cart_body(invoice);
    const json::value cart = co_await ask(me, "cart", "/v1/carts", cart_key, new_cart);
    const std::string cart_id = bench::text_member(cart, "id");
    const std::string items_target = "/v1/carts/" + cart_id + "/items";
    std::int64_t version = bench::integer_member(cart, "version");
    for (std::size_t from = 0, call = 1; from < invoice.lines.size(); from += items_per_call, ++call) {
      const std::string key = fmt::format("{}-items-{}", name, call);
      const std::string items = items_body(invoice, from);
      const json::value changed = co_await ask(me, "items", items_target, key, items);
      version = bench::integer_member(changed, "version");
    }
    bool replayed = false;
    const std::string checkout_key = name + "-checkout";
    const std::string wish = checkout_body(cart_id, version);
    const json::value checkout = co_await ask(me, "checkout", "/v1/checkouts", checkout_key, wish, &replayed);
    note_order(invoice, checkout, replayed);
  }

  void note_order(const retail::invoice& invoice, const json::value& checkout, bool replayed) {
    const json::object& body = checkout.as_object();
    if (bench::text_member(checkout, "status") != "completed" || body.if_contains("order") == nullptr) {
      tally_.refused.push_back({invoice.number, "no_order", "the checkout was answered without an order"});
      return;
    }
    const std::int64_t total = bench::total_of(checkout);
    if (total != invoice.total) tally_.mismatches.push_back({invoice.number, invoice.total, total});
    ++tally_.orders;
    if (replayed) ++tally_.orders_there;
    tally_.lines += invoice.lines.size();
    tally_.revenue += total;
  }

  bench::task<void> move(bench::worker& me, const retail::movement& movement, std::string_view reason,
                         std::uint64_t& made) {
    souk::json::writer out;
    out.begin_object().key("sku").string(year_.articles[movement.article].code);
    out.key("delta").integer(movement.delta).key("reason").string(reason);
    out.key("reference").string(movement.reference).end_object();
    const std::string body = std::move(out).take();
    const std::string key = "invoice-" + movement.reference + "-" + std::string(reason);
    try {
      bool replayed = false;
      co_await ask(me, "adjustment", "/v1/inventory/adjustments", key, body, &replayed);
      ++(replayed ? tally_.movements_there : made);
    } catch (const refused_step& step) {
      // Whoever repeats a reference is told of a conflict: the movement is there.
      const bool there = step.problem.code == "invalid_state" || step.problem.code == "version_conflict";
      if (there) {
        ++tally_.movements_there;
      } else {
        tally_.refused_movements.push_back({movement.reference, step.problem.code, step.problem.detail});
      }
    }
  }

  static std::string cart_body(const retail::invoice& invoice) {
    souk::json::writer out;
    out.begin_object().key("currency").string(retail::currency);
    if (!invoice.customer_id.empty()) out.key("customer_id").string(invoice.customer_id);
    out.end_object();
    return std::move(out).take();
  }

  std::string items_body(const retail::invoice& invoice, std::size_t from) const {
    souk::json::writer out;
    out.begin_object().key("items").begin_array();
    const std::size_t to = std::min(from + items_per_call, invoice.lines.size());
    for (std::size_t i = from; i < to; ++i) {
      const retail::sale_line& line = invoice.lines[i];
      out.begin_object()
          .key("sku")
          .string(year_.articles[line.article].code)
          .key("quantity")
          .integer(line.quantity);
      out.key("unit_price").unit_price(year_.prices[line.price]).end_object();
    }
    out.end_array().end_object();
    return std::move(out).take();
  }

  static std::string checkout_body(const std::string& cart_id, std::int64_t version) {
    souk::json::writer out;
    out.begin_object().key("cart_id").string(cart_id).key("cart_version").integer(version);
    out.key("payment")
        .begin_object()
        .key("provider")
        .string("test")
        .key("token")
        .string("tok_ok")
        .end_object();
    out.end_object();
    return std::move(out).take();
  }

  const retail::year& year_;
  bench::patience patience_;
  bench::progress_line progress_;
  bench::call_times times_;
  tally tally_;
  std::uint64_t done_ = 0;
};

void write_skipped(const retail::year& year, const std::string& file) {
  std::ofstream out(file);
  out << "file_line\tinvoice\tstock_code\treason\n";
  for (const retail::skipped_line& line : year.skipped) {
    out << line.file_line << '\t' << line.invoice << '\t' << line.stock_code << '\t' << line.reason << '\n';
  }
  if (!out.flush()) throw std::runtime_error(file + ": cannot be written");
}

std::map<std::string, std::uint64_t> skipped_by_reason(const retail::year& year) {
  std::map<std::string, std::uint64_t> counts;
  for (const retail::skipped_line& line : year.skipped)
    ++counts[line.reason];
  return counts;
}

void write_refusals(souk::json::writer& out, const std::vector<refusal>& refusals) {
  out.begin_array();
  for (const refusal& one : refusals) {
    out.begin_object().key("invoice").string(one.invoice).key("code").string(one.code);
    out.key("detail").string(one.detail).end_object();
  }
  out.end_array();
}

void print_json(const retail::year& year, const replay& run, double seconds) {
  const tally& result = run.result();
  const auto count = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  souk::json::writer out;
  out.begin_object().key("invoices").integer(count(year.invoices.size()));
  out.key("orders").integer(count(result.orders)).key("refused");
  write_refusals(out, result.refused);
  out.key("lines").integer(count(result.lines)).key("revenue").integer(result.revenue);
  out.key("seconds").raw(fmt::format("{:.3f}", seconds)).key("calls");
  bench::write_calls(out, run.times());
  out.key("currency").string(retail::currency).key("revenue_in_file").integer(year.revenue);
  out.key("lines_in_file")
      .integer(count(year.sale_lines))
      .key("orders_there")
      .integer(count(result.orders_there));
  out.key("returned").integer(count(result.returned)).key("written_off").integer(count(result.written_off));
  out.key("movements_there").integer(count(result.movements_there)).key("refused_movements");
  write_refusals(out, result.refused_movements);
  out.key("mismatches").begin_array();
  for (const mismatch& one : result.mismatches) {
    out.begin_object().key("invoice").string(one.invoice).key("expected").integer(one.expected);
    out.key("answered").integer(one.answered).end_object();
  }
  out.end_array().key("skipped").begin_object();
  for (const auto& [reason, lines] : skipped_by_reason(year))
    out.key(reason).integer(count(lines));
  out.end_object().key("repeated_calls").integer(count(run.repeats())).end_object();
  fmt::print("{}\n", std::move(out).take());
}

void print_refusals(std::string_view what, const std::vector<refusal>& refusals) {
  if (refusals.empty()) return;
  fmt::print("{}: {}\n", what, refusals.size());
  for (std::size_t i = 0; i < refusals.size() && i < refusals_shown_max; ++i) {
    fmt::print("  {}: {}: {}\n", refusals[i].invoice, refusals[i].code, refusals[i].detail);
  }
  if (refusals.size() > refusals_shown_max)
    fmt::print("  ... and {} more\n", refusals.size() - refusals_shown_max);
}

void print_readable(const retail::year& year, const replay& run, double seconds) {
  const tally& result = run.result();
  fmt::print(
      "invoices {}, orders {} ({} of them were there), lines {}, in {:.1f} s: {:.0f} invoices/s, {:.0f} "
      "lines/s\n",
      year.invoices.size(), result.orders, result.orders_there, result.lines, seconds,
      static_cast<double>(result.orders) / seconds, static_cast<double>(result.lines) / seconds);
  fmt::print("returned {}, written off {}, {} movements were there\n", result.returned, result.written_off,
             result.movements_there);
  bench::print_calls(run.times());
  print_refusals("refused invoices", result.refused);
  print_refusals("refused movements", result.refused_movements);
  for (std::size_t i = 0; i < result.mismatches.size() && i < refusals_shown_max; ++i) {
    const mismatch& one = result.mismatches[i];
    fmt::print("invoice {} comes to {} but was sold for {}\n", one.invoice,
               values::format_amount(one.expected, retail::currency),
               values::format_amount(one.answered, retail::currency));
  }
  for (const auto& [reason, lines] : skipped_by_reason(year))
    fmt::print("skipped {}: {}\n", lines, reason);
  fmt::print("revenue {} GBP in the orders, {} GBP in the file: {}\n",
             values::format_amount(result.revenue, retail::currency),
             values::format_amount(year.revenue, retail::currency),
             result.revenue == year.revenue ? "equal" : "NOT equal");
}

}  // namespace

int replay_year(const settings& settings, const replay_options& options) {
  const bench::shop shop = settings.with_key();
  const auto source = open_input(options.file);
  const retail::year year = retail::read_year(*source);
  if (!options.skipped.empty()) write_skipped(year, options.skipped);
  bench::check_access(shop);
  const auto started = std::chrono::steady_clock::now();
  bench::event_loop loop;
  replay run(year, loop);
  bench::share_work(loop, shop, options.jobs, run.pieces(),
                    [&run](bench::worker& me, std::size_t index) { return run.do_piece(me, index); });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  settings.json ? print_json(year, run, seconds) : print_readable(year, run, seconds);
  const tally& result = run.result();
  const bool fine = result.refused.empty() && result.refused_movements.empty() && result.mismatches.empty() &&
                    result.revenue == year.revenue;
  return fine ? exit_fine : exit_found_wrong;
}

}  // namespace souk::cli
