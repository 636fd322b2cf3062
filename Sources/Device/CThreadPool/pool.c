// A gang of threads that walks a list of launches.
//
// A *group* is a launch together with those after it that may run beside it. The open group is published as one number,
// `phase` = base + index of its first launch; base grows by count + 1 with each run, so that phases never repeat. The parts
// of a group are split into one range per thread. A thread takes parts from its own range first (the same thread sees the
// same part of the data in launch after launch, so its cache stays warm), then from ranges of threads that lag. A range's
// counter carries the phase that it counts for: a counter of an earlier phase reads as untouched, so nothing is reset
// between groups, and a thread that wakes up late can do no harm.
//
// The thread that finishes the last part of a group executes the single-part launches that follow and opens the next group:
// one cache line passes from it to the others, and nobody waits for a thread that has nothing to do.

#define _GNU_SOURCE
#include "CThreadPool.h"
#include "topology.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/// Two lines: the neighbour prefetcher fetches pairs.
#define APART alignas(128)

/// How long an idle worker spins before it sleeps.
enum { IDLE_SPIN_NANOSECONDS = 50000 };

/// Polls of `phase` before a thread that has finished its own range looks at the ranges of others: reading a counter makes
/// its owner's next update slow, so balanced launches should never come to that.
enum { POLLS_BEFORE_STEALING = 24 };

/// The open bit of `gate`; the rest counts workers inside the run.
#define GATE_OPEN 0x80000000u

/// Phase (48 bits) and parts taken (16 bits).
typedef struct {
    APART _Atomic uint64_t taken;
} Range;

typedef struct {
    HearthPool *pool;
    int32_t index;
} Worker;

struct HearthPool {
    APART _Atomic uint64_t phase;
    /// On the line of `phase`: the thread that finishes a group then owns both.
    _Atomic int32_t done;
    APART _Atomic uint32_t epoch;
    _Atomic int32_t sleepers;
    _Atomic bool stop;
    APART _Atomic uint32_t gate;
    /// Zero, or (launch + 1) << 32 | code of the first failure.
    APART _Atomic uint64_t failure;
    /// The rest is written by the run's caller before it opens the gate, and read only inside the run.
    const HearthRun *run;
    uint64_t base;
    uint64_t opened;
    int32_t run_threads;
    int32_t run_gang;
    bool crowded;

    APART _Atomic uint32_t turn_next;
    _Atomic uint32_t turn_serving;
    _Atomic int32_t turn_sleepers;

    int32_t threads;
    int32_t started;
    int32_t cpu_count;
    uint32_t flags;
    void (*on_start)(void);
    int32_t *cpus;
    Range *ranges;
    Worker *workers;
    pthread_t *handles;
    HearthPool *next_pool;
};

// MARK: - Waiting

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

static void futex_wait(_Atomic uint32_t *word, uint32_t value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

uint64_t hearth_nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/// One step of waiting for another thread of the run. Yields when there are more threads than CPUs, or when the other takes
/// so long that it has probably lost its CPU.
static inline void wait_step(bool crowded, uint32_t *steps) {
    relax();
    uint32_t n = ++*steps;
    if (__builtin_expect(n >= (crowded ? 32u : 2048u), 0) && (n & 31) == 0) sched_yield();
}

// MARK: - Groups

/// Index after the last launch of the group that starts at `first`, and the number of its parts. A gang launch is a group of
/// its own.
static inline int32_t group_end(const HearthRun *run, int32_t first, int32_t *parts) {
    const HearthLaunch *launch = run->launches + first;
    int32_t end = first + 1;
    int32_t sum = launch->parts;
    if (!(launch->flags & HEARTH_LAUNCH_GANG)) {
        while (end < run->count && (run->launches[end].flags & (HEARTH_LAUNCH_BESIDE | HEARTH_LAUNCH_GANG)) == HEARTH_LAUNCH_BESIDE)
            sum += run->launches[end++].parts;
    }
    *parts = sum;
    return end;
}

static inline bool is_serial(const HearthRun *run, int32_t first, int32_t threads, int32_t gang, int32_t *end) {
    int32_t parts;
    *end = group_end(run, first, &parts);
    if (threads == 1) return true;
    return run->launches[first].flags & HEARTH_LAUNCH_GANG ? gang == 1 : parts <= 1;
}

static inline void *workspace_of(const HearthRun *run, int32_t thread) {
    return run->workspace ? run->workspace + (size_t)thread * run->workspace_stride : NULL;
}

/// Runs launches `first..<end` on the calling thread.
static HearthStatus run_serially(const HearthRun *run, int32_t first, int32_t end, int32_t thread) {
    void *workspace = workspace_of(run, thread);
    for (int32_t i = first; i < end; i++) {
        const HearthLaunch *launch = run->launches + i;
        int32_t parts = launch->parts;
        if (launch->flags & HEARTH_LAUNCH_GANG) {
            memset(launch->gang_area, 0, HEARTH_GANG_AREA_BYTES);
            parts = 1;
        }
        uint64_t start = run->nanoseconds ? hearth_nanoseconds() : 0;
        for (int32_t part = 0; part < parts; part++) {
            int32_t code = launch->kernel(launch->buffers, launch->dims, workspace, part, parts);
            if (__builtin_expect(code != 0, 0)) return (HearthStatus){i, code};
        }
        if (run->nanoseconds) run->nanoseconds[i] = hearth_nanoseconds() - start;
    }
    return (HearthStatus){-1, 0};
}

static void fail(HearthPool *pool, int32_t launch, int32_t code) {
    uint64_t none = 0;
    uint64_t failure = (uint64_t)(launch + 1) << 32 | (uint32_t)code;
    atomic_compare_exchange_strong(&pool->failure, &none, failure);
}

static inline bool has_failed(HearthPool *pool) {
    return atomic_load_explicit(&pool->failure, memory_order_relaxed) != 0;
}

/// Runs the single-part launches from `first` on and opens the next group, or the end of the run. Called by one thread, all
/// parts before `first` being done.
static void advance(HearthPool *pool, int32_t first, int32_t thread) {
    const HearthRun *run = pool->run;
    int32_t end;
    while (first < run->count && !has_failed(pool) && is_serial(run, first, pool->run_threads, pool->run_gang, &end)) {
        HearthStatus status = run_serially(run, first, end, thread);
        if (status.launch >= 0) fail(pool, status.launch, status.code);
        first = end;
    }
    if (first < run->count && !has_failed(pool)) {
        const HearthLaunch *launch = run->launches + first;
        if (launch->flags & HEARTH_LAUNCH_GANG) memset(launch->gang_area, 0, HEARTH_GANG_AREA_BYTES);
        if (run->nanoseconds) pool->opened = hearth_nanoseconds();
    } else {
        first = run->count;
    }
    atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->phase, pool->base + (uint64_t)first, memory_order_release);
}

// MARK: - Parts

/// Takes a part of thread `owner`'s range: its index in the group, or -1 when none is left.
static inline int32_t take(HearthPool *pool, uint64_t phase, int32_t owner, int32_t quotient, int32_t remainder) {
    int32_t size = quotient + (owner < remainder);
    if (size == 0) return -1;
    _Atomic uint64_t *counter = &pool->ranges[owner].taken;
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    for (;;) {
        uint64_t of = value >> 16;
        int32_t taken = of == phase ? (int32_t)(value & 0xffff) : 0;
        if (of > phase || taken >= size) return -1;
        uint64_t wanted = phase << 16 | (uint64_t)(taken + 1);
        if (atomic_compare_exchange_weak_explicit(
                counter, &value, wanted, memory_order_relaxed, memory_order_relaxed))
            return owner * quotient + (owner < remainder ? owner : remainder) + taken;
    }
}

static inline void execute_part(HearthPool *pool, int32_t first, int32_t part, void *workspace) {
    if (has_failed(pool)) return;
    const HearthLaunch *launch = pool->run->launches + first;
    while (part >= launch->parts) part -= launch++->parts;
    int32_t code = launch->kernel(launch->buffers, launch->dims, workspace, part, launch->parts);
    if (__builtin_expect(code != 0, 0)) fail(pool, (int32_t)(launch - pool->run->launches), code);
}

/// Counts `parts` as done; the thread that completes the group moves the run on.
static inline void finish_parts(HearthPool *pool, int32_t first, int32_t end, int32_t parts, int32_t total, int32_t thread) {
    int32_t before = atomic_fetch_add_explicit(&pool->done, parts, memory_order_acq_rel);
    if (before + parts != total) return;
    const HearthRun *run = pool->run;
    if (run->nanoseconds) {
        run->nanoseconds[first] = hearth_nanoseconds() - pool->opened;
        for (int32_t i = first + 1; i < end; i++) run->nanoseconds[i] = 0;
    }
    advance(pool, end, thread);
}

/// What every thread of a run does: walks the groups until the run ends.
static void walk(HearthPool *pool, int32_t thread) {
    const HearthRun *run = pool->run;
    const uint64_t base = pool->base;
    const int32_t threads = pool->run_threads;
    const int32_t gang = pool->run_gang;
    const bool crowded = pool->crowded;
    void *workspace = workspace_of(run, thread);
    uint64_t phase = atomic_load_explicit(&pool->phase, memory_order_acquire);
    while (phase != base + (uint64_t)run->count) {
        int32_t first = (int32_t)(phase - base);
        int32_t total;
        int32_t end = group_end(run, first, &total);
        const HearthLaunch *launch = run->launches + first;
        bool may_steal = true;
        if (launch->flags & HEARTH_LAUNCH_GANG) {
            may_steal = false;
            // A range of one part a thread: a thread that comes back here must not run its part twice.
            if (thread < gang && take(pool, phase, thread, 1, 0) >= 0) {
                int32_t code = launch->kernel(launch->buffers, launch->dims, workspace, thread, gang);
                if (code != 0) fail(pool, first, code);
                finish_parts(pool, first, end, 1, gang, thread);
            }
        } else {
            int32_t quotient = total / threads, remainder = total % threads;
            int32_t mine = 0, part;
            while ((part = take(pool, phase, thread, quotient, remainder)) >= 0) {
                execute_part(pool, first, part, workspace);
                mine++;
            }
            if (mine > 0) finish_parts(pool, first, end, mine, total, thread);
        }
        uint32_t steps = 0;
        uint64_t next;
        while ((next = atomic_load_explicit(&pool->phase, memory_order_acquire)) == phase) {
            wait_step(crowded, &steps);
            if (may_steal && steps == POLLS_BEFORE_STEALING) {
                int32_t quotient = total / threads, remainder = total % threads;
                int32_t stolen = 0;
                for (int32_t k = 1; k < threads; k++) {
                    int32_t victim = thread + k < threads ? thread + k : thread + k - threads;
                    int32_t part;
                    while ((part = take(pool, phase, victim, quotient, remainder)) >= 0) {
                        execute_part(pool, first, part, workspace);
                        stolen++;
                    }
                }
                if (stolen > 0) finish_parts(pool, first, end, stolen, total, thread);
                may_steal = false;
            }
        }
        phase = next;
    }
}

// MARK: - Workers

static void *worker_main(void *argument) {
    Worker *worker = argument;
    HearthPool *pool = worker->pool;
    // By the thread itself: naming another one opens a file.
    char name[24];
    snprintf(name, sizeof name, "hearth-%d", worker->index);
    pthread_setname_np(pthread_self(), name);
    if (pool->on_start) pool->on_start();
    uint32_t seen = 0;
    for (;;) {
        uint64_t since = 0;
        uint32_t steps = 0, epoch;
        while ((epoch = atomic_load_explicit(&pool->epoch, memory_order_acquire)) == seen) {
            if (atomic_load_explicit(&pool->stop, memory_order_relaxed)) return NULL;
            relax();
            if ((++steps & 31) != 0) continue;
            uint64_t now = hearth_nanoseconds();
            if (since == 0) since = now;
            if (pool->threads <= pool->cpu_count && now - since < IDLE_SPIN_NANOSECONDS) continue;
            atomic_fetch_add(&pool->sleepers, 1);
            if (atomic_load(&pool->epoch) == seen && !atomic_load(&pool->stop)) futex_wait(&pool->epoch, seen);
            atomic_fetch_sub(&pool->sleepers, 1);
            since = 0;
        }
        seen = epoch;
        if (atomic_load_explicit(&pool->stop, memory_order_relaxed)) return NULL;
        // Entering first and looking second: either the caller sees us inside and waits, or we see the gate closed.
        uint32_t gate = atomic_fetch_add(&pool->gate, 1);
        if ((gate & GATE_OPEN) && worker->index < pool->run_threads) walk(pool, worker->index);
        atomic_fetch_sub(&pool->gate, 1);
    }
}

/// Starts the workers that are not there yet. Called by who holds the turn.
static void start_workers(HearthPool *pool) {
    if (pool->started == pool->threads) return;
    sigset_t all, old;
    sigfillset(&all);
    // But a crash belongs to the thread that crashes: blocked, it would end the process past every handler.
    const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) sigdelset(&all, crashes[i]);
    pthread_sigmask(SIG_SETMASK, &all, &old);  // signals belong to the threads of the application
    while (pool->started < pool->threads) {
        int32_t index = pool->started;
        pool->workers[index] = (Worker){pool, index};
        if (pthread_create(&pool->handles[index], NULL, worker_main, &pool->workers[index]) != 0) {
            pool->threads = index;  // what there is must do
            break;
        }
        if ((pool->flags & HEARTH_POOL_PIN) && pool->threads <= pool->cpu_count) {
            cpu_set_t set;
            CPU_ZERO(&set);
            CPU_SET(pool->cpus[index], &set);
            pthread_setaffinity_np(pool->handles[index], sizeof set, &set);
        }
        pool->started++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/// Moves the caller away from a CPU that a worker is bound to; its own mask is as before afterwards.
static void leave_bound_cpu(HearthPool *pool) {
    int cpu = sched_getcpu();
    for (int32_t i = 1; i < pool->started; i++) {
        if (pool->cpus[i] != cpu) continue;
        cpu_set_t old, first;
        if (sched_getaffinity(0, sizeof old, &old) != 0 || !CPU_ISSET(pool->cpus[0], &old)) return;
        CPU_ZERO(&first);
        CPU_SET(pool->cpus[0], &first);
        if (sched_setaffinity(0, sizeof first, &first) == 0) sched_setaffinity(0, sizeof old, &old);
        return;
    }
}

// MARK: - Turns

static void take_turn(HearthPool *pool) {
    uint32_t mine = atomic_fetch_add(&pool->turn_next, 1);
    uint32_t steps = 0, serving;
    while ((serving = atomic_load(&pool->turn_serving)) != mine) {
        relax();
        if (++steps < 512) continue;
        atomic_fetch_add(&pool->turn_sleepers, 1);
        if (atomic_load(&pool->turn_serving) == serving) futex_wait(&pool->turn_serving, serving);
        atomic_fetch_sub(&pool->turn_sleepers, 1);
    }
}

static void give_turn(HearthPool *pool) {
    atomic_fetch_add(&pool->turn_serving, 1);
    if (atomic_load(&pool->turn_sleepers) > 0) futex_wake(&pool->turn_serving, INT_MAX);
}

// MARK: - Runs

static int32_t limit_threads(const HearthPool *pool, int32_t threads) {
    return threads > 0 && threads < pool->threads ? threads : pool->threads;
}

/// Runs from `first` on with the workers; the caller holds the turn, and the workers have started.
static HearthStatus run_together(HearthPool *pool, const HearthRun *run, int32_t first, int32_t threads) {
    pool->base = atomic_load_explicit(&pool->phase, memory_order_relaxed) + 1;
    pool->run = run;
    pool->run_threads = threads;
    pool->run_gang = hearth_pool_gang(pool, threads);
    pool->crowded = threads > pool->cpu_count;
    atomic_store_explicit(&pool->failure, 0, memory_order_relaxed);
    advance(pool, first, 0);
    atomic_fetch_or(&pool->gate, GATE_OPEN);
    atomic_fetch_add(&pool->epoch, 1);
    if (atomic_load(&pool->sleepers) > 0) futex_wake(&pool->epoch, INT_MAX);
    walk(pool, 0);
    atomic_fetch_and(&pool->gate, ~GATE_OPEN);
    uint32_t steps = 0;
    while (atomic_load(&pool->gate) != 0) wait_step(pool->crowded, &steps);
    uint64_t failure = atomic_load(&pool->failure);
    if (failure == 0) return (HearthStatus){-1, 0};
    return (HearthStatus){(int32_t)(failure >> 32) - 1, (int32_t)(uint32_t)failure};
}

/// Runs the leading single-part launches; `*next` is where the workers are needed first.
static HearthStatus run_leading(HearthPool *pool, const HearthRun *run, int32_t threads, int32_t gang, int32_t *next) {
    int32_t first = 0, end;
    while (first < run->count && is_serial(run, first, threads, gang, &end)) {
        HearthStatus status = run_serially(run, first, end, 0);
        if (status.launch >= 0) return status;
        first = end;
    }
    *next = first;
    return (HearthStatus){-1, 0};
}

HearthStatus hearth_pool_run(HearthPool *pool, const HearthRun *run) {
    int32_t threads = limit_threads(pool, run->threads);
    int32_t next = run->count;
    HearthStatus status = run_leading(pool, run, threads, hearth_pool_gang(pool, threads), &next);
    if (status.launch >= 0 || next == run->count) return status;
    take_turn(pool);
    start_workers(pool);
    if (pool->flags & HEARTH_POOL_PIN) leave_bound_cpu(pool);
    status = run_together(pool, run, next, limit_threads(pool, run->threads));
    give_turn(pool);
    return status;
}

HearthStatus hearth_pool_time(
    HearthPool *pool, const HearthRun *run, int32_t samples, int32_t inner, uint64_t *nanoseconds) {
    HearthStatus status = {-1, 0};
    take_turn(pool);
    start_workers(pool);
    if (pool->flags & HEARTH_POOL_PIN) leave_bound_cpu(pool);
    int32_t threads = limit_threads(pool, run->threads);
    int32_t gang = hearth_pool_gang(pool, threads);
    for (int32_t sample = 0; sample < samples && status.launch < 0; sample++) {
        uint64_t start = hearth_nanoseconds();
        for (int32_t i = 0; i < inner && status.launch < 0; i++) {
            int32_t next = run->count;
            status = run_leading(pool, run, threads, gang, &next);
            if (status.launch < 0 && next < run->count) status = run_together(pool, run, next, threads);
        }
        nanoseconds[sample] = hearth_nanoseconds() - start;
    }
    give_turn(pool);
    return status;
}

// MARK: - Life

static pthread_mutex_t all_pools_lock = PTHREAD_MUTEX_INITIALIZER;
static HearthPool *all_pools = NULL;
static pthread_once_t fork_handlers_once = PTHREAD_ONCE_INIT;

static void before_fork(void) { pthread_mutex_lock(&all_pools_lock); }
static void after_fork_in_parent(void) { pthread_mutex_unlock(&all_pools_lock); }

/// A child has only the thread that forked: no workers, no callers in the queue, no run under way.
static void after_fork_in_child(void) {
    for (HearthPool *pool = all_pools; pool; pool = pool->next_pool) {
        pool->started = 1;
        atomic_store(&pool->gate, 0);
        atomic_store(&pool->sleepers, 0);
        atomic_store(&pool->turn_sleepers, 0);
        atomic_store(&pool->turn_serving, atomic_load(&pool->turn_next));
    }
    pthread_mutex_init(&all_pools_lock, NULL);
}

static void install_fork_handlers(void) {
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

HearthPool *hearth_pool_create(int32_t threads, uint32_t flags) {
    if (threads <= 0) threads = hearth_default_threads();
    if (threads > HEARTH_MAX_CPUS) threads = HEARTH_MAX_CPUS;
    HearthPool *pool = aligned_alloc(128, sizeof(HearthPool));
    if (!pool) return NULL;
    memset(pool, 0, sizeof *pool);
    size_t count = (size_t)threads;
    pool->cpus = calloc(HEARTH_MAX_CPUS, sizeof *pool->cpus);
    pool->ranges = aligned_alloc(128, count * sizeof *pool->ranges);
    pool->workers = calloc(count, sizeof *pool->workers);
    pool->handles = calloc(count, sizeof *pool->handles);
    if (!pool->cpus || !pool->ranges || !pool->workers || !pool->handles) {
        free(pool->cpus), free(pool->ranges), free(pool->workers), free(pool->handles), free(pool);
        return NULL;
    }
    memset(pool->ranges, 0, count * sizeof *pool->ranges);
    pool->threads = threads;
    pool->started = 1;
    const char *pin = getenv("HEARTH_PIN");
    pool->flags = pin && strcmp(pin, "1") == 0 ? flags | HEARTH_POOL_PIN : flags;
    hearth_affinity(pool->cpus, HEARTH_MAX_CPUS);
    pool->cpu_count = hearth_allowed_cpus();
    pthread_once(&fork_handlers_once, install_fork_handlers);
    pthread_mutex_lock(&all_pools_lock);
    pool->next_pool = all_pools;
    all_pools = pool;
    pthread_mutex_unlock(&all_pools_lock);
    return pool;
}

void hearth_pool_destroy(HearthPool *pool) {
    if (!pool) return;
    pthread_mutex_lock(&all_pools_lock);
    for (HearthPool **link = &all_pools; *link; link = &(*link)->next_pool) {
        if (*link != pool) continue;
        *link = pool->next_pool;
        break;
    }
    pthread_mutex_unlock(&all_pools_lock);
    atomic_store(&pool->stop, true);
    atomic_fetch_add(&pool->epoch, 1);
    futex_wake(&pool->epoch, INT_MAX);
    for (int32_t i = 1; i < pool->started; i++) pthread_join(pool->handles[i], NULL);
    free(pool->cpus), free(pool->ranges), free(pool->workers), free(pool->handles), free(pool);
}

void hearth_pool_on_start(HearthPool *pool, void (*body)(void)) { pool->on_start = body; }

int32_t hearth_pool_threads(const HearthPool *pool) { return pool->threads; }

int32_t hearth_pool_gang(const HearthPool *pool, int32_t threads) {
    int32_t limit = limit_threads(pool, threads);
    return limit < pool->cpu_count ? limit : pool->cpu_count;
}
