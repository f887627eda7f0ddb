#include "runtime/links/certificate_folder.hpp"
#include "runtime/links/tls_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace souk::links {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class certificates_test : public ::testing::Test {
 protected:
  certificates_test() {
    std::string pattern = (std::filesystem::temp_directory_path() / "souk-certs-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = pattern;
  }
  ~certificates_test() override { std::filesystem::remove_all(folder); }

  tls_files of(const std::string& name) const {
    return {folder / (name + ".pem"), folder / (name + ".key"), folder / "ca.pem"};
  }
  std::string text_of(const std::string& name) const {
    std::ifstream in{folder / name};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  std::filesystem::path folder;
};

TEST_F(certificates_test, each_node_and_etcd_get_what_a_start_accepts) {
  EXPECT_THAT(fill_certificate_folder({.folder = folder, .nodes = {"a", "b"}}),
              ElementsAre("ca.pem", "a.pem", "b.pem", "etcd.pem"));
  for (const char* name : {"a", "b", "etcd"})
    EXPECT_NO_THROW(check(of(name), name));
  EXPECT_THROW(check(of("a"), "b"), bad_certificate);
}

TEST_F(certificates_test, keys_are_for_their_owner_alone) {
  fill_certificate_folder({.folder = folder, .nodes = {"a"}});
  for (const char* name : {"ca.key", "a.key", "etcd.key"}) {
    struct stat facts{};
    ASSERT_EQ(::stat((folder / name).c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(certificates_test, what_is_there_stays_unless_it_is_to_be_renewed) {
  fill_certificate_folder({.folder = folder, .nodes = {"a"}});
  const auto ca = text_of("ca.pem");
  const auto a = text_of("a.pem");
  EXPECT_THAT(fill_certificate_folder({.folder = folder, .nodes = {"a", "b"}}), ElementsAre("b.pem"));
  EXPECT_THAT(fill_certificate_folder({.folder = folder, .nodes = {"a", "b"}}), IsEmpty());
  EXPECT_EQ(text_of("a.pem"), a);
  EXPECT_THAT(fill_certificate_folder({.folder = folder, .nodes = {"a"}, .renew = true}),
              ElementsAre("a.pem", "etcd.pem"));
  EXPECT_NE(text_of("a.pem"), a);
  EXPECT_EQ(text_of("ca.pem"), ca);
  EXPECT_NO_THROW(check(of("a"), "a"));
}

TEST_F(certificates_test, a_name_that_would_be_another_file_is_refused) {
  for (const char* name : {"", "../a", "A", "ca", "etcd"})
    EXPECT_THROW(fill_certificate_folder({.folder = folder, .nodes = {name}}), std::invalid_argument) << name;
}

TEST_F(certificates_test, an_authority_that_cannot_be_read_is_told) {
  fill_certificate_folder({.folder = folder, .nodes = {"a"}});
  std::ofstream{folder / "ca.key"} << "nothing";
  try {
    fill_certificate_folder({.folder = folder, .nodes = {"b"}});
    ADD_FAILURE() << "accepted";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the authority's key cannot be read"));
  }
}

TEST_F(certificates_test, one_to_try_out_is_of_no_authority_and_stays) {
  EXPECT_TRUE(make_https_certificate(folder, {"shop.example", "127.0.0.1"}, false));
  const auto made = text_of("https.pem");
  EXPECT_FALSE(make_https_certificate(folder, {"shop.example"}, false));
  EXPECT_EQ(text_of("https.pem"), made);
  EXPECT_TRUE(make_https_certificate(folder, {"shop.example"}, true));
  EXPECT_NE(text_of("https.pem"), made);
  fill_certificate_folder({.folder = folder, .nodes = {"a"}});
  EXPECT_THROW(check(of("https"), "shop.example"), bad_certificate);
  EXPECT_THROW(make_https_certificate(folder, {}, true), std::invalid_argument);
  EXPECT_THROW(make_https_certificate(folder, {"a,DNS:b"}, true), std::invalid_argument);
}

}  // namespace
}  // namespace souk::links
