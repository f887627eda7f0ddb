#include "nodes/souk/certs.hpp"

#include "actors/json/writer.hpp"
#include "runtime/links/certificate_folder.hpp"

#include <fmt/format.h>

namespace souk::cli {

namespace {

int show_made(const settings& settings, const certs_options& options, const std::vector<std::string>& made) {
  if (settings.json) {
    json::writer out;
    out.begin_object().key("folder").string(options.folder).key("made").begin_array();
    for (const auto& file : made)
      out.string(file);
    out.end_array().end_object();
    fmt::print("{}\n", std::move(out).take());
    return exit_fine;
  }
  for (const auto& file : made)
    fmt::print("{}/{}\n", options.folder, file);
  if (made.empty()) fmt::print("everything is there already; --renew makes them anew\n");
  return exit_fine;
}

}  // namespace

int make_certs(const settings& settings, const certs_options& options) {
  return show_made(settings, options,
                   links::fill_certificate_folder({.folder = options.folder,
                                                   .nodes = options.nodes,
                                                   .etcd_hosts = options.etcd_hosts,
                                                   .renew = options.renew}));
}

int make_https_certs(const settings& settings, const certs_options& options) {
  std::vector<std::string> made;
  if (links::make_https_certificate(options.folder, options.hosts, options.renew))
    made.emplace_back("https.pem");
  return show_made(settings, options, made);
}

}  // namespace souk::cli
