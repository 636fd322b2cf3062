#pragma once
#include <stdint.h>

/// From `callers` threads at once, runs `iterations` random lists of launches each (parts, gangs, thread limits, profiles)
/// on one pool, and compares with the same steps in plain loops. With `fork_afterwards`, a forked child does so too.
/// Returns how many lists came out wrong, or -1 when something could not be set up.
int64_t hearth_stress_pool(int32_t threads, uint32_t flags, int32_t callers, int32_t iterations, int32_t fork_afterwards);
