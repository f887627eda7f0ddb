#pragma once

#include "runtime/telemetry/metrics.hpp"

namespace souk::telemetry {

/// Declares what the kernel knows of this process under Prometheus' usual names: processor time, resident
/// memory, open files; and `process_anonymous_memory_bytes`, what is resident without the mapped
/// storage.
void add_process_metrics(registry& registry);

}  // namespace souk::telemetry
