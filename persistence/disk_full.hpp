#pragma once

#include <cerrno>

namespace souk::persistence {

/// Whether an `errno` says that the file system has no room: nothing is broken, and there may be room later.
inline bool says_disk_full(int code) { return code == ENOSPC || code == EDQUOT || code == EFBIG; }

}  // namespace souk::persistence
