#pragma once

#include "bench/shop_client.hpp"

#include <filesystem>
#include <string>

/// The commands of `souk`. Each returns the exit code, writes its answer to standard output and throws what
/// `main` turns into a sentence and an exit code.
namespace souk::cli {

inline constexpr int exit_fine = 0;
inline constexpr int exit_found_wrong = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_unreachable = 3;

/// What every command is given.
struct settings {
  std::string url = "http://127.0.0.1:8080";
  std::filesystem::path key_file = "./data/admin.key";
  bool json = false;  ///< Answers for machines.

  /// The shop with its secret key. Throws where the key cannot be read.
  bench::shop with_key() const;
  /// The shop as any client sees it.
  bench::shop without_key() const;
};

int show_status(const settings& settings);
int show_tree(const settings& settings);
int show_quarantine(const settings& settings);
int show_levels(const settings& settings, const std::string& sku);
int show_order(const settings& settings, const std::string& id);
/// Keys of a tenant; empty: of the key's own.
int list_keys(const settings& settings, const std::string& tenant);
struct key_options {
  std::string label;
  std::vector<std::string> scopes;  ///< None: everything.
  std::string expires_at;           ///< Empty: never.
  bool publishable = false;
  std::string tenant;  ///< Empty: the key's own.
};
int create_key(const settings& settings, const key_options& options);
int revoke_key(const settings& settings, const std::string& id, const std::string& tenant);
int run_audit(const settings& settings);

/// Products and their stock as NDJSON that `import` takes.
int export_shop(const settings& settings);

/// Checks sums and chain of every journal record of a data folder that no process has open.
int verify_folder(const settings& settings, const std::filesystem::path& folder);

struct import_options {
  std::string file;
  std::string format = "souk";  ///< souk, online-retail
  int jobs = 16;
};
int import_file(const settings& settings, const import_options& options);

struct replay_options {
  std::string file;
  int jobs = 16;
  std::string skipped;  ///< A file that lists every skipped line; empty: none.
};
int replay_year(const settings& settings, const replay_options& options);

}  // namespace souk::cli
