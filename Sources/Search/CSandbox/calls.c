// Filters of system calls (seccomp, Documentation/userspace-api/seccomp_filter.rst of Linux). What the process may not do fails:
// runtimes and drivers try this and that and do without (a queue of threads asks for a priority and tells the system's log that it
// has none). What a thread may not do that calls generated code raises SIGSYS with the call's number, so that the candidate is
// refused by name; of two filters the stricter answer counts.
#define _GNU_SOURCE
#include "parts.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0
#endif

enum { MOST_INSTRUCTIONS = 400 };

typedef struct {
    struct sock_filter code[MOST_INSTRUCTIONS];
    unsigned short count;
} Filter;

static void put(Filter *filter, struct sock_filter instruction) {
    if (filter->count < MOST_INSTRUCTIONS) filter->code[filter->count++] = instruction;
}

static void load(Filter *filter, size_t offset) {
    put(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(Filter *filter, uint32_t action) { put(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action)); }

/// Answers `action` where the loaded word is `value`.
static void answer_if(Filter *filter, uint32_t value, uint32_t action) {
    put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    answer(filter, action);
}

static size_t argument(int index) { return offsetof(struct seccomp_data, args) + 8 * (size_t)index; }

/// Answers `then` where the call is `number` and the low word of its argument is one of `values`, `otherwise` where it is none.
static void answer_by_argument(
    Filter *filter, uint32_t number, int index, const uint32_t *values, int count, uint32_t then, uint32_t otherwise) {
    unsigned char skipped = (unsigned char)(2 + 2 * count);
    put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, skipped));
    load(filter, argument(index));
    for (int i = 0; i < count; i++) answer_if(filter, values[i], then);
    answer(filter, otherwise);
}

/// Begins with what holds of every call: the architecture, and on x86-64 no numbers of the x32 interface.
static void begin(Filter *filter, uint32_t refusal) {
    load(filter, offsetof(struct seccomp_data, arch));
    put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    answer(filter, refusal);
    load(filter, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
    answer(filter, refusal);
#endif
}

static int32_t install(const Filter *filter) {
    if (ARCHITECTURE == 0 || filter->count == MOST_INSTRUCTIONS) return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    struct sock_fprog program = {filter->count, (struct sock_filter *)filter->code};
    // Kernels before 5.16 make loads after stores slower for whoever has a filter, which would be timed.
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0) return 0;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : -1;
}

/// What nobody who computes has a use for, a driver included.
static const int forbidden_to_all[] = {
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_open, SYS_pidfd_getfd, SYS_pidfd_send_signal,
    SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_bpf, SYS_keyctl, SYS_add_key,
    SYS_request_key, SYS_userfaultfd, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot,
    SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl, SYS_open_by_handle_at, SYS_settimeofday, SYS_clock_settime,
    SYS_sethostname, SYS_setdomainname, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_personality,
};

/// What a driver has a use for and generated code for the host has not.
static const int forbidden_to_host[] = {
    SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_sendto, SYS_sendmsg,
    SYS_sendmmsg, SYS_execve, SYS_execveat, SYS_kill, SYS_perf_event_open,
#ifdef SYS_fork
    SYS_fork, SYS_vfork,
#endif
};

int32_t hearth_calls_forbid(int32_t profile) {
    Filter filter = {.count = 0};
    int is_host = profile == HEARTH_SANDBOX_HOST;
    uint32_t refusal = SECCOMP_RET_ERRNO | EPERM;
    begin(&filter, refusal);
    for (size_t i = 0; i < sizeof forbidden_to_all / sizeof(int); i++)
        answer_if(&filter, (uint32_t)forbidden_to_all[i], refusal);
    if (is_host) {
        for (size_t i = 0; i < sizeof forbidden_to_host / sizeof(int); i++)
            answer_if(&filter, (uint32_t)forbidden_to_host[i], refusal);
        // Flags of `clone3` lie in memory, where no filter sees them: without it, the C library takes `clone`.
        answer_if(&filter, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
        // Threads, not processes.
        put(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3));
        load(&filter, argument(0));
        put(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0));
        answer(&filter, refusal);
    } else {
        const uint32_t families[] = {AF_UNIX};
        answer_by_argument(&filter, SYS_socket, 0, families, 1, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
    }
    answer(&filter, SECCOMP_RET_ALLOW);
    return install(&filter);
}

/// What computing needs: memory, waiting, the clock, and a way to end.
static const int allowed_to_compute[] = {
    SYS_futex, SYS_sched_yield, SYS_getcpu, SYS_clock_gettime, SYS_gettimeofday, SYS_clock_nanosleep, SYS_nanosleep, SYS_mmap,
    SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk, SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_restart_syscall,
    SYS_exit, SYS_exit_group, SYS_gettid, SYS_getpid, SYS_getrandom, SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_rseq,
    SYS_set_robust_list, SYS_sysinfo, SYS_uname, SYS_membarrier, SYS_fstat, SYS_newfstatat, SYS_getrusage,
#ifdef SYS_time
    SYS_time, SYS_pause,
#endif
};

int32_t hearth_sandbox_confine_thread(void) {
    Filter filter = {.count = 0};
    begin(&filter, SECCOMP_RET_TRAP);
    for (size_t i = 0; i < sizeof allowed_to_compute / sizeof(int); i++)
        answer_if(&filter, (uint32_t)allowed_to_compute[i], SECCOMP_RET_ALLOW);
    // What is printed goes nowhere, as standard output and error do.
    const uint32_t printed[] = {1, 2};
    answer_by_argument(&filter, SYS_write, 0, printed, 2, SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP);
    answer_by_argument(&filter, SYS_writev, 0, printed, 2, SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP);
    // Whether that is a terminal is asked before the first print.
    const uint32_t asked[] = {TCGETS};
    answer_by_argument(&filter, SYS_ioctl, 1, asked, 1, SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP);
    // Names of threads, and of memory (PR_SET_VMA).
    const uint32_t named[] = {PR_SET_NAME, 0x53564d41};
    answer_by_argument(&filter, SYS_prctl, 0, named, 2, SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP);
    // Limits may be asked for, not set.
    const uint32_t nothing[] = {0};
    answer_by_argument(&filter, SYS_prlimit64, 2, nothing, 1, SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP);
    // `abort` signals itself.
    const uint32_t own[] = {(uint32_t)getpid()};
    answer_by_argument(&filter, SYS_tgkill, 0, own, 1, SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP);
    answer(&filter, SECCOMP_RET_TRAP);
    return install(&filter);
}

const char *hearth_sandbox_call_name(int64_t number) {
    static const struct {
        int64_t number;
        const char *name;
    } names[] = {
#define NAME(call) {SYS_##call, #call}
        NAME(socket), NAME(socketpair), NAME(connect), NAME(bind), NAME(listen), NAME(accept), NAME(accept4), NAME(sendto),
        NAME(sendmsg), NAME(sendmmsg), NAME(recvfrom), NAME(recvmsg), NAME(execve), NAME(execveat), NAME(kill), NAME(tgkill),
        NAME(tkill), NAME(clone), NAME(clone3), NAME(openat), NAME(read), NAME(write), NAME(close), NAME(unlinkat),
        NAME(mkdirat), NAME(renameat2), NAME(ftruncate), NAME(truncate), NAME(rt_sigaction), NAME(sigaltstack), NAME(ptrace),
        NAME(process_vm_readv), NAME(process_vm_writev), NAME(memfd_create), NAME(shmget), NAME(shmat), NAME(msgget),
        NAME(setitimer), NAME(timer_create), NAME(ioctl), NAME(prctl), NAME(prlimit64), NAME(setpriority),
        NAME(sched_setscheduler), NAME(unshare), NAME(mount), NAME(io_uring_setup), NAME(perf_event_open), NAME(bpf),
        NAME(getdents64), NAME(fcntl), NAME(dup), NAME(dup3), NAME(pipe2), NAME(eventfd2), NAME(wait4), NAME(waitid),
        NAME(fchmodat), NAME(chdir), NAME(personality), NAME(userfaultfd), NAME(getppid), NAME(getuid),
#if defined(__x86_64__)
        NAME(arch_prctl), NAME(open), NAME(creat), NAME(fork), NAME(vfork), NAME(unlink), NAME(mkdir), NAME(rename),
        NAME(pipe), NAME(dup2), NAME(alarm), NAME(modify_ldt), NAME(ioperm), NAME(iopl),
#endif
#undef NAME
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == number) return names[i].name;
    return NULL;
}
