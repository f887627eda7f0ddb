#include "nodes/souk/commands.hpp"

#include "actors/json/writer.hpp"
#include "bench/audit.hpp"
#include "nodes/souk/printing.hpp"
#include "persistence/lmdb_storage.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace souk::cli {
namespace {

namespace json = boost::json;

void print(const settings& settings, const json::value& value) {
  settings.json ? print_line(value) : print_readable(value, "");
}

void print_branch(const json::value& node, const std::string& lead, const std::string& below) {
  const std::int64_t restarts = bench::integer_member(node, "restarts");
  const json::object& object = node.get_object();
  const json::value* state = object.if_contains("state");
  fmt::print("{}{}{}{}\n", lead, bench::text_member(node, "name"),
             state != nullptr && plain(*state) != "running" ? " (" + plain(*state) + ")" : "",
             restarts > 0 ? fmt::format("  {} restart{}", restarts, restarts == 1 ? "" : "s") : "");
  const json::value* children = object.if_contains("children");
  if (children == nullptr || !children->is_array()) return;
  const json::array& branches = children->get_array();
  for (std::size_t i = 0; i < branches.size(); ++i) {
    const bool last = i + 1 == branches.size();
    print_branch(branches[i], below + (last ? "└─ " : "├─ "), below + (last ? "   " : "│  "));
  }
}

}  // namespace

bench::shop settings::with_key() const { return {bench::parse_url(url), bench::read_key_file(key_file)}; }
bench::shop settings::without_key() const { return {bench::parse_url(url), {}}; }

int show_status(const settings& settings) {
  json::value status = bench::shop_client(settings.with_key()).get("/v1/admin/status");
  if (settings.json || !status.is_object()) {
    print(settings, status);
    return exit_fine;
  }
  const json::value shards = bench::member(status, "shards");
  status.get_object().erase("shards");
  print_readable(status, "");
  fmt::print("\n");
  print_table(shards, {{"shard", true},
                       {"primary"},
                       {"in_sync"},
                       {"serving"},
                       {"epoch", true},
                       {"last_index", true},
                       {"committed", true},
                       {"applied", true},
                       {"entities", true},
                       {"effects_outstanding", true}});
  return exit_fine;
}

int show_tree(const settings& settings) {
  const json::value tree = bench::shop_client(settings.with_key()).get("/v1/admin/tree");
  settings.json ? print_line(tree) : print_branch(tree, "", "");
  return exit_fine;
}

int show_quarantine(const settings& settings) {
  const json::value list = bench::shop_client(settings.with_key()).get("/v1/admin/quarantine");
  const json::value* data = list.is_object() ? list.get_object().if_contains("data") : nullptr;
  const bool empty = data != nullptr && data->is_array() && data->get_array().empty();
  if (!settings.json && empty) {
    fmt::print("nothing is quarantined\n");
  } else {
    print(settings, list);
  }
  return exit_fine;
}

int show_levels(const settings& settings, const std::string& sku) {
  const json::value levels =
      bench::shop_client(settings.with_key()).get("/v1/inventory/levels?sku=" + bench::percent_encoded(sku));
  if (settings.json) {
    print_line(levels);
  } else {
    print_table(bench::member(levels, "data"),
                {{"sku"}, {"location"}, {"on_hand", true}, {"reserved", true}, {"available", true}});
  }
  return exit_fine;
}

int show_order(const settings& settings, const std::string& id) {
  print(settings, bench::shop_client(settings.without_key()).get("/v1/orders/" + bench::percent_encoded(id)));
  return exit_fine;
}

namespace {

/// Of another tenant than the key's own, if one is named.
std::string keys_of(const std::string& tenant, const std::string& id = {}) {
  return "/v1/keys" + (id.empty() ? "" : "/" + bench::percent_encoded(id)) +
         (tenant.empty() ? "" : "?tenant=" + bench::percent_encoded(tenant));
}

}  // namespace

int list_keys(const settings& settings, const std::string& tenant) {
  const json::value keys = bench::shop_client(settings.with_key()).get(keys_of(tenant));
  if (settings.json) {
    print_line(keys);
  } else {
    print_table(
        bench::member(keys, "data"),
        {{"id"}, {"label"}, {"scopes"}, {"created_at"}, {"expires_at"}, {"revoked_at"}, {"last_used_at"}});
  }
  return exit_fine;
}

int create_key(const settings& settings, const key_options& options) {
  souk::json::writer body;
  body.begin_object().key("label").string(options.label);
  if (options.publishable) body.key("publishable").boolean(true);
  if (!options.scopes.empty()) {
    body.key("scopes").begin_array();
    for (const std::string& scope : options.scopes)
      body.string(scope);
    body.end_array();
  }
  if (!options.expires_at.empty()) body.key("expires_at").string(options.expires_at);
  body.end_object();
  const json::value key =
      bench::shop_client(settings.with_key()).post(keys_of(options.tenant), {}, std::move(body).take());
  if (settings.json) {
    print_line(key);
  } else {
    fmt::print("{}  {}\nThe secret is shown this once and kept nowhere.\n", bench::text_member(key, "id"),
               bench::text_member(key, "secret"));
  }
  return exit_fine;
}

int revoke_key(const settings& settings, const std::string& id, const std::string& tenant) {
  const json::value key =
      bench::shop_client(settings.with_key()).send("DELETE", keys_of(tenant, id), {}, {}, {});
  if (settings.json) {
    print_line(key);
  } else {
    fmt::print("{} is revoked\n", id);
  }
  return exit_fine;
}

int run_audit(const settings& settings) {
  bench::shop_client client(settings.with_key());
  const bench::audit_report report = bench::audit(client);
  if (settings.json) {
    souk::json::writer out;
    out.begin_object().key("skus").integer(static_cast<std::int64_t>(report.skus));
    out.key("unbalanced").integer(static_cast<std::int64_t>(report.unbalanced));
    out.key("open_holds").integer(static_cast<std::int64_t>(report.open_holds));
    out.key("charges").integer(static_cast<std::int64_t>(report.charges));
    out.key("orders").integer(static_cast<std::int64_t>(report.orders));
    out.key("duplicates").integer(static_cast<std::int64_t>(report.duplicates));
    out.key("findings").begin_array();
    for (const std::string& finding : report.findings)
      out.string(finding);
    out.end_array().key("balanced").boolean(report.fine()).end_object();
    fmt::print("{}\n", std::move(out).take());
    return report.fine() ? exit_fine : exit_found_wrong;
  }
  for (const std::string& finding : report.findings)
    fmt::print("{}\n", finding);
  if (report.findings_count > report.findings.size()) {
    fmt::print("... and {} more\n", report.findings_count - report.findings.size());
  }
  fmt::print("stock: {} skus, {} unbalanced, {} open holds\n", report.skus, report.unbalanced,
             report.open_holds);
  fmt::print("money: {} live orders with a total, {} charges not given back, {} duplicates\n", report.orders,
             report.charges, report.duplicates);
  fmt::print("{}\n", report.fine() ? "balanced" : "NOT balanced");
  return report.fine() ? exit_fine : exit_found_wrong;
}

int verify_folder(const settings& settings, const std::filesystem::path& folder) {
  const persistence::verify_report report = persistence::verify_folder(folder);
  const bool fine = report.first_damage.empty();
  if (settings.json) {
    souk::json::writer out;
    out.begin_object().key("records").integer(static_cast<std::int64_t>(report.records));
    out.key("bytes").integer(static_cast<std::int64_t>(report.bytes)).key("shards").integer(report.shards);
    out.key("first_damage").string(report.first_damage).key("intact").boolean(fine).end_object();
    fmt::print("{}\n", std::move(out).take());
  } else {
    if (!fine) fmt::print("{}\n", report.first_damage);
    fmt::print("{} records in {} shards, {} bytes: {}\n", report.records, report.shards, report.bytes,
               fine ? "intact" : "DAMAGED");
  }
  return fine ? exit_fine : exit_found_wrong;
}

}  // namespace souk::cli
