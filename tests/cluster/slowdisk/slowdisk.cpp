// A disk that takes its time: loaded into a process (LD_PRELOAD), it delays every fdatasync by the
// milliseconds that stand in the file that SOUK_SLOW_DISK names. None while there is no such file.

#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

long delay_ms() {
  const char* name = std::getenv("SOUK_SLOW_DISK");
  std::FILE* file = name ? std::fopen(name, "re") : nullptr;
  if (!file) return 0;
  char text[16] = {};
  const auto read = std::fread(text, 1, sizeof text - 1, file);
  std::fclose(file);
  return read > 0 ? std::strtol(text, nullptr, 10) : 0;
}

}  // namespace

extern "C" int fdatasync(int file) {
  static const auto real = reinterpret_cast<int (*)(int)>(dlsym(RTLD_NEXT, "fdatasync"));
  const long ms = delay_ms();
  if (ms > 0) {
    const timespec pause{ms / 1'000, ms % 1'000 * 1'000'000};
    nanosleep(&pause, nullptr);
  }
  return real(file);
}
