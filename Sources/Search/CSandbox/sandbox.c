#define _GNU_SOURCE
#include "parts.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static int threads(void) {
    DIR *directory = opendir("/proc/self/task");
    if (!directory) return 0;
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory));) count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static void write_text(const char *path, const char *text) {
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    ssize_t written = write(descriptor, text, strlen(text));
    (void)written;
    close(descriptor);
}

/// A network of its own, of which nothing is up. Users other than root need a user namespace for it; the user stays who it is.
static int leave_network(void) {
    char users[64], groups[64];
    snprintf(users, sizeof users, "%u %u 1\n", geteuid(), geteuid());
    snprintf(groups, sizeof groups, "%u %u 1\n", getegid(), getegid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC) != 0) return 0;
    write_text("/proc/self/setgroups", "deny");
    write_text("/proc/self/uid_map", users);
    write_text("/proc/self/gid_map", groups);
    return 1;
}

/// All of the machine's memory, or of the control group's: code that asks for more meets its end before the machine does.
static int64_t limit_memory(void) {
    int64_t bytes = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/sys/fs/cgroup/memory.max", "re");
    if (file) {
        long long limit;
        if (fscanf(file, "%lld", &limit) == 1 && limit < bytes) bytes = limit;
        fclose(file);
    }
    struct rlimit limit;
    if (bytes <= 0 || getrlimit(RLIMIT_AS, &limit) != 0) return 0;
    if (limit.rlim_cur != RLIM_INFINITY && (int64_t)limit.rlim_cur < bytes) bytes = (int64_t)limit.rlim_cur;
    limit = (struct rlimit){(rlim_t)bytes, (rlim_t)bytes};
    return setrlimit(RLIMIT_AS, &limit) == 0 ? bytes : 0;
}

int32_t hearth_sandbox_limit_growth(int32_t process, int64_t bytes) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/statm", process);
    FILE *file = fopen(path, "re");
    if (!file) return -1;
    long long pages = -1;
    if (fscanf(file, "%lld", &pages) != 1) pages = -1;
    fclose(file);
    struct rlimit limit;
    if (pages < 0 || prlimit(process, RLIMIT_AS, NULL, &limit) != 0) return -1;
    rlim_t wanted = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (rlim_t)bytes;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    return prlimit(process, RLIMIT_AS, &limit, NULL) == 0 ? 0 : -1;
}

HearthSandbox hearth_sandbox_enter(int32_t profile, const char *const *writable, int32_t count, int32_t without) {
    HearthSandbox had = {0};
    int alone = threads() == 1;
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    // A crash ends the process: handlers that a runtime has installed would start a debugger, which nothing in here may.
    const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGQUIT};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) signal(crashes[i], SIG_DFL);
    // No gain from programs that run as somebody else; a condition of the rest where the user is not root.
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (profile == HEARTH_SANDBOX_HOST) {
        if (!(without & HEARTH_SANDBOX_MEMORY)) had.memory_bytes = limit_memory();
        if (had.memory_bytes > 0) had.parts |= HEARTH_SANDBOX_MEMORY;
        if (alone && !(without & HEARTH_SANDBOX_NETWORK) && leave_network()) had.parts |= HEARTH_SANDBOX_NETWORK;
    }
    if (alone && !(without & HEARTH_SANDBOX_FILES)) had.landlock = hearth_landlock_restrict(profile, writable, count);
    if (had.landlock > 0) had.parts |= HEARTH_SANDBOX_FILES;
    if (!(without & HEARTH_SANDBOX_CALLS) && hearth_calls_forbid(profile) == 0) had.parts |= HEARTH_SANDBOX_CALLS;
    return had;
}
