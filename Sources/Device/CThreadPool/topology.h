#pragma once
#include <stdint.h>

/// Most CPUs and threads that the pool handles.
enum { HEARTH_MAX_CPUS = 1024 };

/// Writes the CPUs of the calling thread's affinity mask, ascending; returns how many.
int32_t hearth_affinity(int32_t *cpus, int32_t capacity);
