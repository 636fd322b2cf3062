#define _GNU_SOURCE
#include "CKernelHarness.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int32_t fault_descriptor = -1;
static uint8_t fault_tag;
static uint64_t sequence;
static const HearthZone *zones;
static int32_t zone_count;
/// The thread that answers the parent.
static pid_t speaker;

typedef struct {
    int32_t signal, kind, buffer;
    int64_t offset;
} Fault;

static void put(unsigned char **place, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) *(*place)++ = (unsigned char)(value >> (8 * i));
}

// Frame: length of the rest (4 bytes), sequence (8), tag (1), then as the Swift side decodes `FaultReport`: signal, zone
// kind, buffer, offset from the buffer's start (8 each). All little-endian.
static _Noreturn void tell(Fault fault) {
    unsigned char frame[64], *place = frame;
    put(&place, 8 + 1 + 32, 4);
    put(&place, sequence, 8);
    put(&place, fault_tag, 1);
    put(&place, (uint64_t)fault.signal, 8);
    put(&place, (uint64_t)fault.kind, 8);
    put(&place, (uint64_t)(int64_t)fault.buffer, 8);
    put(&place, (uint64_t)fault.offset, 8);
    ssize_t written = write(fault_descriptor, frame, (size_t)(place - frame));
    (void)written;
    _exit(120);
}

// MARK: - The thread that calls generated code

enum { WORK = 1, DONE, FAULT };

static _Atomic uint32_t state;
static _Atomic int32_t fault_taken;
static Fault fault_found;
static _Atomic uint32_t has_runner;
static void (*work)(void *);
static void *work_context;

static void futex_wait(_Atomic uint32_t *word, uint32_t value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0); }

static void on_fault(int number, siginfo_t *info, void *context) {
    (void)context;
    Fault fault = {number, HEARTH_ZONE_NONE, -1, 0};
    if (number == SIGSEGV || number == SIGBUS) {
        uintptr_t address = (uintptr_t)info->si_addr;
        for (int32_t i = 0; i < zone_count; i++) {
            if (address >= zones[i].start && address < zones[i].end) {
                fault.kind = zones[i].kind;
                fault.buffer = zones[i].buffer;
                fault.offset = (int64_t)(address - zones[i].base);
                break;
            }
        }
    }
    // The number of the system call that was refused.
    if (number == SIGSYS) fault.offset = info->si_syscall;
    if (!atomic_load(&has_runner) || syscall(SYS_gettid) == speaker) tell(fault);
    // Who computes may not write: the thread that answers says it. The first fault counts.
    if (atomic_fetch_add(&fault_taken, 1) == 0) {
        fault_found = fault;
        atomic_store(&state, FAULT);
        futex_wake(&state);
    }
    for (;;) futex_wait(&state, FAULT);
}

static void take_signals_elsewhere(void) {
    // A candidate that overflows a stack must still be reported. The memory is never given back: such threads never end.
    enum { BYTES = 1 << 15 };
    void *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    stack_t stack = {.ss_sp = memory, .ss_size = BYTES};
    sigaltstack(&stack, NULL);
}

static const int fault_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};

void hearth_harness_install(int32_t descriptor, uint8_t tag) {
    fault_descriptor = descriptor;
    fault_tag = tag;
    speaker = (pid_t)syscall(SYS_gettid);
    take_signals_elsewhere();
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof fault_signals / sizeof *fault_signals; i++)
        sigaction(fault_signals[i], &action, NULL);
}

static int32_t (*confine)(void);
static _Atomic int32_t unconfined;

static void begin_thread(void) {
    take_signals_elsewhere();
    if (confine && confine() != 0) atomic_fetch_add(&unconfined, 1);
}

static void *run_work(void *argument) {
    (void)argument;
    begin_thread();
    atomic_store(&state, DONE);
    futex_wake(&state);
    for (;;) {
        uint32_t now;
        while ((now = atomic_load(&state)) != WORK) futex_wait(&state, now);
        work(work_context);
        uint32_t expected = WORK;
        atomic_compare_exchange_strong(&state, &expected, DONE);
        futex_wake(&state);
    }
}

static void await_runner(void) {
    while (atomic_load(&state) == WORK) futex_wait(&state, WORK);
    if (atomic_load(&state) == FAULT) tell(fault_found);
}

/// Has the runner call `body`, and waits; on the calling thread where there is no runner.
static void perform(void (*body)(void *), void *context) {
    if (!atomic_load(&has_runner)) {
        body(context);
        return;
    }
    if (atomic_load(&state) == FAULT) tell(fault_found);
    work = body;
    work_context = context;
    uint32_t expected = DONE;
    atomic_compare_exchange_strong(&state, &expected, WORK);
    futex_wake(&state);
    await_runner();
}

static int32_t do_nothing(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts) {
    (void)buffers, (void)dims, (void)workspace, (void)part, (void)parts;
    return 0;
}

int32_t hearth_harness_start_runner(HearthPool *pool, int32_t (*narrow)(void)) {
    confine = narrow;
    hearth_pool_on_start(pool, begin_thread);
    // The pool's own threads start here, while threads may still be started.
    HearthLaunch launch = {.kernel = do_nothing, .parts = 64};
    HearthRun run = {.launches = &launch, .count = 1};
    hearth_pool_run(pool, &run);
    atomic_store(&state, WORK);
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 8 << 20);
    int failed = pthread_create(&thread, &attributes, run_work, NULL);
    pthread_attr_destroy(&attributes);
    if (failed) return -1;
    while (atomic_load(&state) == WORK) futex_wait(&state, WORK);
    atomic_store(&has_runner, 1);
    return 0;
}

int32_t hearth_harness_unconfined(void) { return atomic_load(&unconfined); }

typedef struct {
    HearthPool *pool;
    const HearthRun *run;
    HearthStatus status;
} RunWork;

static void do_run(void *context) {
    RunWork *job = context;
    job->status = hearth_pool_run(job->pool, job->run);
}

HearthStatus hearth_harness_run(HearthPool *pool, const HearthRun *run) {
    RunWork job = {pool, run, {-1, 0}};
    perform(do_run, &job);
    return job.status;
}

typedef struct {
    HearthKernel kernel;
    void *const *buffers;
    const int64_t *dims;
    int32_t code;
} CallWork;

static void do_call(void *context) {
    CallWork *job = context;
    job->code = job->kernel(job->buffers, job->dims, NULL, 0, 1);
}

int32_t hearth_harness_call(HearthKernel kernel, void *const *buffers, const int64_t *dims) {
    CallWork job = {kernel, buffers, dims, 0};
    perform(do_call, &job);
    return job.code;
}

// MARK: - What a call must leave as it was

static HearthKernel watched;
static _Atomic int32_t modes_changed;
static int32_t late_part = -1;
static struct timespec lateness;

#if defined(__x86_64__)
/// Rounding, flushing and masks of exceptions; not the exceptions that were seen.
static uint32_t arithmetic_mode(void) {
    uint16_t control;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    return (__builtin_ia32_stmxcsr() & ~0x3fu) | (uint32_t)control << 16;
}
static void restore_mode(uint32_t mode) {
    uint16_t control = (uint16_t)(mode >> 16);
    __builtin_ia32_ldmxcsr(mode & 0xffffu);
    __asm__ volatile("fldcw %0" : : "m"(control));
}
#elif defined(__aarch64__)
static uint32_t arithmetic_mode(void) { return (uint32_t)__builtin_aarch64_get_fpcr(); }
static void restore_mode(uint32_t mode) { __builtin_aarch64_set_fpcr(mode); }
#else
static uint32_t arithmetic_mode(void) { return 0; }
static void restore_mode(uint32_t mode) { (void)mode; }
#endif

static int32_t watched_kernel(
    void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts) {
    if (part == late_part) nanosleep(&lateness, NULL);
    uint32_t before = arithmetic_mode();
    int32_t code = watched(buffers, dims, workspace, part, parts);
    if (arithmetic_mode() != before) {
        atomic_fetch_add(&modes_changed, 1);
        restore_mode(before);
    }
    return code;
}

HearthKernel hearth_harness_watched(HearthKernel kernel) {
    watched = kernel;
    return watched_kernel;
}

void hearth_harness_set_late(int32_t part, int64_t nanoseconds) {
    late_part = part;
    lateness = (struct timespec){.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
}

static uint64_t environment_hash(void) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (char **entry = environ; entry && *entry; entry++)
        for (const char *c = *entry;; c++) {
            hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
            if (!*c) break;
        }
    return hash;
}

static uint64_t handlers_hash(void) {
    uint64_t hash = 0;
    for (int number = 1; number < 65; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) != 0) continue;
        hash = (hash ^ (uint64_t)(uintptr_t)action.sa_handler ^ (uint64_t)action.sa_flags << 48) * 0x100000001b3u;
    }
    return hash;
}

HearthProcessState hearth_harness_state(void) {
    return (HearthProcessState){environment_hash(), handlers_hash(), atomic_load(&modes_changed)};
}

void hearth_harness_set_sequence(uint64_t number) { sequence = number; }

void hearth_harness_set_zones(const HearthZone *table, int32_t count) {
    zone_count = 0;
    zones = table;
    zone_count = count;
}

static void *watch(void *argument) {
    // Asking for no event still reports that the peer hung up.
    struct pollfd polled = {.fd = (int)(intptr_t)argument, .events = 0};
    while (poll(&polled, 1, -1) < 0 && errno == EINTR) {}
    _exit(0);
}

void hearth_harness_watch(int32_t descriptor) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_create(&thread, &attributes, watch, (void *)(intptr_t)descriptor);
    pthread_attr_destroy(&attributes);
}

int32_t hearth_harness_threads(void) {
    DIR *directory = opendir("/proc/self/task");
    if (!directory) return -1;
    int32_t count = 0;
    for (struct dirent *entry; (entry = readdir(directory));) count += entry->d_name[0] != '.';
    closedir(directory);
    siginfo_t info;
    // Succeeds when there is any child, running or not.
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0) count++;
    return count;
}

static uint64_t mix(uint64_t z) {
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline uint64_t below(uint64_t bits, uint64_t bound) {
    return (uint64_t)(((unsigned __int128)bits * bound) >> 64);
}

void hearth_harness_mutate(const HearthMutation *mutations, int32_t count, uint64_t seed, int64_t call) {
    for (int32_t i = 0; i < count; i++) {
        const HearthMutation *m = &mutations[i];
        uint64_t bits = mix(seed ^ ((uint64_t)call << 8) ^ (uint64_t)i);
        uint64_t to = below(bits, (uint64_t)m->count), from = below(mix(bits), (uint64_t)m->count);
        size_t bytes = (size_t)m->element_bytes;
        memcpy(m->contents + to * bytes, m->source + from * bytes, bytes);
    }
}

typedef struct {
    HearthPool *pool;
    const HearthRun *runs;
    int32_t run_count;
    int64_t calls;
    const HearthMutation *mutations;
    int32_t mutation_count;
    uint64_t seed;
    int32_t code;
    int64_t nanoseconds;
} TimeWork;

static void do_time(void *context) {
    TimeWork *job = context;
    uint32_t mode = arithmetic_mode();
    uint64_t start = hearth_nanoseconds();
    for (int64_t call = 0; call < job->calls; call++) {
        hearth_harness_mutate(job->mutations, job->mutation_count, job->seed, call);
        HearthStatus status = hearth_pool_run(job->pool, &job->runs[call % job->run_count]);
        if (status.launch >= 0) {
            job->code = status.code;
            job->nanoseconds = -1;
            return;
        }
    }
    job->nanoseconds = (int64_t)(hearth_nanoseconds() - start);
    if (arithmetic_mode() != mode) {
        atomic_fetch_add(&modes_changed, 1);
        restore_mode(mode);
    }
}

int64_t hearth_harness_time(
    HearthPool *pool, const HearthRun *runs, int32_t run_count, int64_t calls, const HearthMutation *mutations,
    int32_t mutation_count, uint64_t seed, int32_t *code) {
    TimeWork job = {pool, runs, run_count, calls, mutations, mutation_count, seed, 0, 0};
    perform(do_time, &job);
    *code = job.code;
    return job.nanoseconds;
}

// MARK: - Files

enum { MOST_FILES = 4 };
static int32_t files[MOST_FILES];
static int32_t file_count;

void hearth_harness_close_files(void) {
    while (file_count > 0) close(files[--file_count]);
}

int64_t hearth_harness_receive(int32_t descriptor, void *bytes, int64_t count) {
    union {
        char bytes[CMSG_SPACE(MOST_FILES * sizeof(int32_t))];
        struct cmsghdr alignment;
    } control;
    struct iovec part = {bytes, (size_t)count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(descriptor, &message, MSG_CMSG_CLOEXEC);
    if (got < 0) return -1;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t received = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int32_t);
        for (size_t i = 0; i < received; i++) {
            int32_t file;
            memcpy(&file, CMSG_DATA(header) + i * sizeof file, sizeof file);
            if (file_count < MOST_FILES) files[file_count++] = file;
            else close(file);
        }
    }
    return got;
}

int32_t hearth_harness_file(int32_t index) { return index >= 0 && index < file_count ? files[index] : -1; }

int32_t hearth_harness_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }

int32_t hearth_harness_seal(int32_t descriptor) {
    return fcntl(descriptor, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

void hearth_harness_discard(int32_t descriptor, int64_t offset, int64_t bytes) {
    fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes);
}
