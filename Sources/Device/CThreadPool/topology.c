#define _GNU_SOURCE
#include "CThreadPool.h"
#include "topology.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

int32_t hearth_affinity(int32_t *cpus, int32_t capacity) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
    int32_t count = 0;
    for (int32_t cpu = 0; cpu < CPU_SETSIZE && count < capacity; cpu++) {
        if (CPU_ISSET(cpu, &set)) cpus[count++] = cpu;
    }
    return count;
}

/// CPUs granted by the control group (version 2, then 1), rounded up; 0 when there is no limit.
static int32_t quota_cpus(void) {
    long long quota = -1, period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (file) {
        if (fscanf(file, "%lld %lld", &quota, &period) != 2) quota = -1;  // "max" is no number
        fclose(file);
    } else {
        FILE *q = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "r");
        FILE *p = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "r");
        if (!q || !p || fscanf(q, "%lld", &quota) != 1 || fscanf(p, "%lld", &period) != 1) quota = -1;
        if (q) fclose(q);
        if (p) fclose(p);
    }
    if (quota <= 0 || period <= 0) return 0;
    return (int32_t)((quota + period - 1) / period);
}

int32_t hearth_allowed_cpus(void) {
    int32_t cpus[HEARTH_MAX_CPUS];
    int32_t count = hearth_affinity(cpus, HEARTH_MAX_CPUS);
    if (count < 1) count = 1;
    int32_t quota = quota_cpus();
    return quota > 0 && quota < count ? quota : count;
}

/// Among `cpus`, how many physical cores.
static int32_t physical_cores(const int32_t *cpus, int32_t count) {
    int32_t core[HEARTH_MAX_CPUS];
    int32_t cores = 0;
    for (int32_t i = 0; i < count; i++) {
        char path[96];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpus[i]);
        FILE *file = fopen(path, "r");
        core[i] = cpus[i];
        if (file) {
            if (fscanf(file, "%d", &core[i]) != 1) core[i] = cpus[i];
            fclose(file);
        }
        int32_t seen = 0;
        for (int32_t j = 0; j < i && !seen; j++) seen = core[j] == core[i];
        cores += !seen;
    }
    return cores;
}

int32_t hearth_default_threads(void) {
    const char *text = getenv("HEARTH_THREADS");
    if (text && *text) {
        long value = strtol(text, NULL, 10);
        if (value >= 1 && value <= HEARTH_MAX_CPUS) return (int32_t)value;
    }
    int32_t cpus[HEARTH_MAX_CPUS];
    int32_t count = hearth_affinity(cpus, HEARTH_MAX_CPUS);
    int32_t allowed = hearth_allowed_cpus();
    int32_t cores = count > 0 ? physical_cores(cpus, count) : 1;
    return cores >= 4 ? (cores < allowed ? cores : allowed) : allowed;
}
