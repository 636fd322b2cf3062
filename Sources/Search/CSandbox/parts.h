#pragma once
#include "CSandbox.h"

/// Restricts this thread by Landlock; the version of its interface, or 0 where it is not had.
int32_t hearth_landlock_restrict(int32_t profile, const char *const *writable, int32_t count);

/// Forbids system calls in the whole process; 0 on success.
int32_t hearth_calls_forbid(int32_t profile);
