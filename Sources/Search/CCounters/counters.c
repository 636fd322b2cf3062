#define _GNU_SOURCE
#include "CCounters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

/// The code of a cache's event: reads of `cache` that missed.
#define READ_MISSES(cache) \
    ((cache) | (uint64_t)PERF_COUNT_HW_CACHE_OP_READ << 8 | (uint64_t)PERF_COUNT_HW_CACHE_RESULT_MISS << 16)

static int is_intel(void) {
#if defined(__x86_64__)
    unsigned highest, name[3];
    return __get_cpuid(0, &highest, &name[0], &name[2], &name[1]) && memcmp(name, "GenuineIntel", 12) == 0;
#else
    return 0;
#endif
}

/// The kernel's name of what is counted; 0 where there is none.
static int describe(int32_t counter, struct perf_event_attr *event) {
    event->type = PERF_TYPE_HARDWARE;
    switch (counter) {
    case HEARTH_COUNTER_INSTRUCTIONS: event->config = PERF_COUNT_HW_INSTRUCTIONS; return 1;
    case HEARTH_COUNTER_CYCLES: event->config = PERF_COUNT_HW_CPU_CYCLES; return 1;
    case HEARTH_COUNTER_BRANCH_MISSES: event->config = PERF_COUNT_HW_BRANCH_MISSES; return 1;
    case HEARTH_COUNTER_LAST_LEVEL_MISSES:
        // "Cache misses" are the last cache's on Intel only: the second's on AMD, the first's on ARM. Intel's read misses of the last
        // cache leave out what the hardware fetched ahead, which is most of a stream.
        if (is_intel()) {
            event->config = PERF_COUNT_HW_CACHE_MISSES;
            return 1;
        }
        event->type = PERF_TYPE_HW_CACHE;
        event->config = READ_MISSES(PERF_COUNT_HW_CACHE_LL);
        return 1;
    case HEARTH_COUNTER_L1_MISSES:
        event->type = PERF_TYPE_HW_CACHE;
        event->config = READ_MISSES(PERF_COUNT_HW_CACHE_L1D);
        return 1;
    case HEARTH_COUNTER_TLB_MISSES:
        event->type = PERF_TYPE_HW_CACHE;
        event->config = READ_MISSES(PERF_COUNT_HW_CACHE_DTLB);
        return 1;
    case HEARTH_COUNTER_TASK_CLOCK:
        event->type = PERF_TYPE_SOFTWARE;
        event->config = PERF_COUNT_SW_TASK_CLOCK;
        return 1;
    case HEARTH_COUNTER_PAGE_FAULTS:
        event->type = PERF_TYPE_SOFTWARE;
        event->config = PERF_COUNT_SW_PAGE_FAULTS;
        return 1;
    }
    return 0;
}

int32_t hearth_counter_open(int32_t counter, int32_t leader) {
    struct perf_event_attr event = {
        .size = sizeof event,
        // Members of a group count when their leader does.
        .disabled = leader < 0,
        // Threads that are started later are counted too; they need no descriptor and no right to open one.
        .inherit = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
    };
    if (!describe(counter, &event)) return -EINVAL;
    long descriptor = syscall(SYS_perf_event_open, &event, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
    return descriptor < 0 ? -errno : (int32_t)descriptor;
}

int32_t hearth_counters_start(int32_t leader) {
    return ioctl(leader, PERF_EVENT_IOC_ENABLE, 0) == 0 ? 0 : -errno;
}

int32_t hearth_counters_stop(int32_t leader) {
    return ioctl(leader, PERF_EVENT_IOC_DISABLE, 0) == 0 ? 0 : -errno;
}

int32_t hearth_counter_read(int32_t descriptor, HearthCount *count) {
    uint64_t words[3];
    ssize_t got = read(descriptor, words, sizeof words);
    // No bytes: the counter is in error and will never count again.
    if (got != (ssize_t)sizeof words) return got < 0 ? -errno : -EIO;
    *count = (HearthCount){words[0], words[1], words[2]};
    return 0;
}

void hearth_counter_close(int32_t descriptor) { close(descriptor); }
