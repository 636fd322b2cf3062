#pragma once
#include <stdint.h>

/// What a process that runs generated code gives up, by what this kernel offers: Landlock (its interface is asked for at run
/// time), seccomp filters, a network namespace of its own, and limits of memory. Nothing here can be taken back.

/// Who asks.
enum {
    /// Generated code for the host, called by one thread that `hearth_sandbox_confine_thread` narrows further. Nothing is
    /// written, nothing is started, nobody is talked to.
    HEARTH_SANDBOX_HOST = 0,
    /// Generated code for a device whose driver must work: it opens device files, starts threads and programs, and writes its
    /// caches.
    HEARTH_SANDBOX_DEVICE = 1,
};

/// What a sandbox is made of.
enum {
    /// Files cannot be changed, TCP cannot be used (interface 4), signals reach nobody else (interface 6).
    HEARTH_SANDBOX_FILES = 1,
    /// System calls that reach the network, start programs or look into other processes fail.
    HEARTH_SANDBOX_CALLS = 2,
    /// There is no network but a dead loopback.
    HEARTH_SANDBOX_NETWORK = 4,
    /// Memory has a limit.
    HEARTH_SANDBOX_MEMORY = 8,
};

/// What was had.
typedef struct {
    /// `HEARTH_SANDBOX_FILES` and so on.
    int32_t parts;
    /// Version of Landlock's interface; 0 without it.
    int32_t landlock;
    /// Bytes of address space; 0 without a limit.
    int64_t memory_bytes;
} HearthSandbox;

/// Puts this process into its sandbox. Must come before its second thread: Landlock and namespaces take the calling thread and those
/// that it starts (where there are others, these parts count as missing). `writable` are paths that may be written and created
/// in, `count` of them; those that do not exist are left out. `without` are parts that are to be left out, for tests of
/// what happens where a kernel lacks them.
HearthSandbox hearth_sandbox_enter(int32_t profile, const char *const *writable, int32_t count, int32_t without);

/// Lets another process's address space grow by at most `bytes` from what it is now, as far as its hard limit allows. 0 on success.
int32_t hearth_sandbox_limit_growth(int32_t process, int64_t bytes);

/// Narrows the calling thread to what computing needs: memory, waiting, the clock, and the end of the process. Any other system
/// call raises SIGSYS. 0 on success.
int32_t hearth_sandbox_confine_thread(void);

/// Name of a system call of this machine, or null for one that needs no name here.
const char *hearth_sandbox_call_name(int64_t number);
