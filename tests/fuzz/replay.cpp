// Stands for libFuzzer where a build has none: feeds a target its seeds and what it makes of them, the same
// for the same number. It looks at no coverage, so it finds what is near the seeds and nothing else.
//
// usage: fuzz_NAME [-runs=N] [-seed=N] [-dict=FILE] PATH ...     PATH: a file, or a folder of files
// As libFuzzer has it, -runs=0 and files alone repeat a finding.
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

// Sanitizers have it: called before they end the process.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));  // NOLINT

namespace {

/// Longer inputs say no more, and take longer.
constexpr std::size_t input_bytes_max = 4'096;
constexpr const char* finding_name = "fuzz-finding";

/// The input under way, for whoever hears that the process ends.
std::string current;

void keep_finding() {
  std::FILE* file = std::fopen(finding_name, "wb");
  if (file == nullptr) return;
  std::fwrite(current.data(), 1, current.size(), file);
  std::fclose(file);
  std::fprintf(stderr, "the input is in the file %s\n", finding_name);
}

extern "C" void on_abort(int) { keep_finding(); }

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::vector<std::string> read_seeds(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {read_file(path)};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{path})
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> seeds;
  for (const auto& file : files)
    seeds.push_back(read_file(file));
  return seeds;
}

/// The words of a dictionary as libFuzzer reads it: "text", with \xNN, \\ and \" in it.
std::vector<std::string> read_words(const std::string& path) {
  std::ifstream in{path};
  if (!in) throw std::runtime_error("cannot read " + path);
  std::vector<std::string> words;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with('"') || !line.ends_with('"')) continue;
    std::string word;
    for (std::size_t at = 1; at + 1 < line.size(); ++at) {
      if (line[at] != '\\')
        word += line[at];
      else if (line[++at] != 'x')
        word += line[at];
      else {
        word += static_cast<char>(std::stoi(line.substr(at + 1, 2), nullptr, 16));
        at += 2;
      }
    }
    words.push_back(word);
  }
  return words;
}

class mutator {
 public:
  mutator(std::vector<std::string> seeds, std::vector<std::string> words, std::uint64_t seed)
      : seeds_(std::move(seeds)), words_(std::move(words)), random_(seed) {}

  std::string next() {
    std::string input = seeds_[below(seeds_.size())];
    for (std::size_t changes = 1 + below(5); changes > 0; --changes)
      change(input);
    if (input.size() > input_bytes_max) input.resize(input_bytes_max);
    return input;
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  void change(std::string& input) {
    static constexpr std::array<char, 12> telling{'\0', '\n', '\r', ' ', '\t',   '"',
                                                  ',',  ':',  '/',  '%', '\x7f', '\xff'};
    const auto at = below(input.size() + 1);
    const auto length = std::min<std::size_t>(1 + below(below(8) == 0 ? 64 : 4), input.size() - at);
    switch (below(8)) {
      case 0:  // some bytes less
        input.erase(at, length);
        break;
      case 1:  // some bytes twice
        input.insert(at, input.substr(at, length));
        break;
      case 2:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 3:
        if (at < input.size()) input[at] = telling[below(telling.size())];
        break;
      case 4:
        input.insert(at, 1, static_cast<char>(random_()));
        break;
      case 5:
        if (!words_.empty()) input.insert(at, words_[below(words_.size())]);
        break;
      case 6: {  // goes on as another seed
        const auto& other = seeds_[below(seeds_.size())];
        input.replace(at, std::string::npos, other.substr(below(other.size() + 1)));
        break;
      }
      default:  // some of it elsewhere
        input.insert(below(input.size() + 1), input.substr(at, length));
    }
  }

  std::vector<std::string> seeds_;
  std::vector<std::string> words_;
  std::mt19937_64 random_;
};

void feed(std::string input) {
  current = std::move(input);
  // A copy of its own size, so that a sanitizer sees who reads beyond it.
  const std::vector<std::uint8_t> bytes{current.begin(), current.end()};
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

int run(const std::vector<std::string>& arguments) {
  std::uint64_t runs = 0;
  std::uint64_t seed = 1;
  std::vector<std::string> words;
  std::vector<std::string> seeds;
  for (const auto& argument : arguments) {
    if (argument.starts_with("-runs="))
      runs = std::stoull(argument.substr(6));
    else if (argument.starts_with("-seed="))
      seed = std::stoull(argument.substr(6));
    else if (argument.starts_with("-dict="))
      words = read_words(argument.substr(6));
    else if (argument.starts_with('-'))
      throw std::runtime_error("unknown option " + argument);
    else
      for (auto& found : read_seeds(argument))
        seeds.push_back(std::move(found));
  }
  if (seeds.empty()) throw std::runtime_error("no seeds");
  feed({});
  for (const auto& input : seeds)
    feed(input);
  mutator mutator{seeds, std::move(words), seed};
  for (std::uint64_t done = 0; done < runs; ++done)
    feed(mutator.next());
  std::cout << seeds.size() << " seeds, " << runs << " inputs made of them by number " << seed << '\n';
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGABRT, on_abort);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(keep_finding);
  try {
    return run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
