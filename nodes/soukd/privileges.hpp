#pragma once

#include "nodes/config/config.hpp"

#include <string>

namespace souk::nodes {

/// Becomes `user` for good, with its groups and nothing else of root's; the node's data folder is made and
/// given to it if it is not there. Where the node has a port under 1024 the right to listen on such ports
/// stays (CAP_NET_BIND_SERVICE), since a listener that is restarted opens it again. Whatever it starts cannot
/// gain more by set-user-ID programs either.
///
/// Call before there are other threads, and before anything is opened that is to be opened again later.
/// Throws `std::runtime_error` if there is no such user, or who started the process may not become it.
void become(const std::string& user, const config::node_settings& node);

/// Whether the process may do everything on this machine.
bool runs_as_root();

}  // namespace souk::nodes
