#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Paying: the decider of one attempt, the test provider, and the workers between them.
namespace souk::payment {

/// The books of a test provider: records that are only ever added. One thread at a time.
class provider_ledger {
 public:
  virtual ~provider_ledger() = default;

  /// What was there when it was opened.
  virtual std::vector<std::string> take_records() = 0;

  /// Adds a record, a line of text without line ends. It is kept for good when the next `sync` has returned.
  virtual void append(std::string_view record) = 0;

  /// Makes all that was appended durable, at once. Throws `std::system_error`; what was appended may then be
  /// there or not, and the ledger must not be used any more.
  virtual void sync() = 0;
};

/// A ledger in a file of lines, created if it is not there. Opening it removes a last line that was not
/// written whole: it was never synced. Throws `std::system_error`.
std::unique_ptr<provider_ledger> open_file_ledger(const std::filesystem::path& path);

/// A ledger in memory that starts with these records.
std::unique_ptr<provider_ledger> make_memory_ledger(std::vector<std::string> records = {});

}  // namespace souk::payment
