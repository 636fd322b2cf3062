#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A generated CPU kernel. `buffers`: operands in the order of the launch (a gang launch appends its shared area).
/// `dims`: dimension values. `workspace`: private to the calling thread. Computes `part` of `parts`; parts of one launch
/// write disjoint memory. Returns 0, or a code that aborts the run.
typedef int32_t (*HearthKernel)(
    void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts);

enum {
    /// Parts are the threads of the gang, all at work at the same time, so that they may wait for each other. Such a
    /// kernel must not fail before its last wait.
    HEARTH_LAUNCH_GANG = 1,
    /// Needs nothing from the launch before it (nor from those which that one may run beside): no barrier between them.
    HEARTH_LAUNCH_BESIDE = 2,
};

/// Bytes of the shared area of a gang launch, 64-byte aligned, zeroed before each run of the launch.
enum { HEARTH_GANG_AREA_BYTES = 4096 };

/// Most parts of one group of launches that run beside each other.
enum { HEARTH_MAX_PARTS = 65535 };

/// One call of a kernel, cut into `parts` (ignored for a gang launch).
typedef struct {
    HearthKernel kernel;
    void *const *buffers;
    const int64_t *dims;
    int32_t parts;
    uint32_t flags;
    /// Gang only: the area that the last entry of `buffers` points at.
    void *gang_area;
} HearthLaunch;

/// A list of launches and what the threads need to run it. The caller owns all memory until the run returns.
typedef struct {
    const HearthLaunch *launches;
    int32_t count;
    /// Most threads to use, the caller's included; 0 for all of the pool.
    int32_t threads;
    /// Thread `t` gets `workspace + t * workspace_stride`.
    char *workspace;
    size_t workspace_stride;
    /// Null, or `count` entries that receive nanoseconds from start to end of each launch. Launches that run beside each
    /// other share the time of their group: it stands at the first of them, and the others get 0.
    uint64_t *nanoseconds;
} HearthRun;

/// The first failure of a run: launch index and code; `launch` is -1 when all went well.
typedef struct {
    int32_t launch;
    int32_t code;
} HearthStatus;

typedef struct HearthPool HearthPool;

enum {
    /// Binds each worker to one CPU; a caller that starts a run on a worker's CPU moves away first. `HEARTH_PIN=1` in the
    /// environment sets it for every pool.
    HEARTH_POOL_PIN = 1,
};

/// A pool of `threads` threads, the caller of a run being the first (0: `hearth_default_threads()`). Workers start at the
/// first run that needs them, and again after a fork in the child. Null when out of memory.
HearthPool *hearth_pool_create(int32_t threads, uint32_t flags);

/// Has every worker that starts from now on call `body` before anything else.
void hearth_pool_on_start(HearthPool *pool, void (*body)(void));

/// Ends the workers and frees the pool. No run may be under way.
void hearth_pool_destroy(HearthPool *pool);

/// Threads of the pool, the caller's included.
int32_t hearth_pool_threads(const HearthPool *pool);

/// Threads that a gang launch gets under a run limit of `threads` (0: none): as many as can run at the same time.
int32_t hearth_pool_gang(const HearthPool *pool, int32_t threads);

/// Runs the launches in order. Callers from several threads take turns in order of arrival; a run in which every launch
/// has one part takes no turn and wakes nobody.
HearthStatus hearth_pool_run(HearthPool *pool, const HearthRun *run);

/// Runs the whole list `samples` times `inner` times and stores nanoseconds for each sample (all its `inner` runs
/// together), holding the pool's turn throughout. Stops at the first failure.
HearthStatus hearth_pool_time(
    HearthPool *pool, const HearthRun *run, int32_t samples, int32_t inner, uint64_t *nanoseconds);

/// Nanoseconds of the monotonic clock.
uint64_t hearth_nanoseconds(void);

/// CPUs this process may use: affinity mask, further limited by the control group's quota (rounded up).
int32_t hearth_allowed_cpus(void);

/// `HEARTH_THREADS` if set, else one thread per physical core among the allowed CPUs; with fewer than four of them one
/// per logical CPU, as virtual machines often call real cores siblings.
int32_t hearth_default_threads(void);

#ifdef __cplusplus
}
#endif
