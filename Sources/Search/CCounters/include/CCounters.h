#pragma once
#include <stdint.h>

/// Counters of the processor, by `perf_event_open(2)` of Linux: in user space only, of the calling thread and of all threads that are
/// started after it was opened. What cannot be counted is an error number, never a count.

/// What is counted. The numbers travel between processes: new ones come last.
enum {
    HEARTH_COUNTER_INSTRUCTIONS = 0,
    HEARTH_COUNTER_CYCLES = 1,
    HEARTH_COUNTER_BRANCH_MISSES = 2,
    /// Reads that missed the first cache of data.
    HEARTH_COUNTER_L1_MISSES = 3,
    /// Lines that were asked of the last cache and were not there, where the processor has an event for it: on Intel with what hardware
    /// fetches ahead into the caches before it, elsewhere reads only. AMD's cores have none.
    HEARTH_COUNTER_LAST_LEVEL_MISSES = 4,
    /// Reads that missed the first table of pages.
    HEARTH_COUNTER_TLB_MISSES = 5,
    /// Nanoseconds on a processor, by software.
    HEARTH_COUNTER_TASK_CLOCK = 6,
    /// Pages that were not there at the first touch, by software.
    HEARTH_COUNTER_PAGE_FAULTS = 7,
};

/// What stands in a counter, and for how many nanoseconds it was asked to count and did: where several share one place in the processor,
/// each counts part of the time.
typedef struct {
    uint64_t value, enabled, running;
} HearthCount;

/// Opens a counter that does not count yet, together with those of `leader` (a descriptor of this function; -1: alone). Returns a
/// descriptor, or an error number (errno) below 0.
int32_t hearth_counter_open(int32_t counter, int32_t leader);

/// From here on the counters opened with `leader` count, it among them; 0, or an error number below 0.
int32_t hearth_counters_start(int32_t leader);

/// They count no more; 0, or an error number below 0.
int32_t hearth_counters_stop(int32_t leader);

/// Reads one, over all its threads; 0, or an error number below 0.
int32_t hearth_counter_read(int32_t descriptor, HearthCount *count);

/// Closes one.
void hearth_counter_close(int32_t descriptor);
