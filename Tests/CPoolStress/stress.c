#define _GNU_SOURCE
#include "CPoolStress.h"

#include <CThreadPool.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 97, MOST_LAUNCHES = 30, MOST_CALLERS = 8 };

static uint64_t step(uint64_t x) { return x * 6364136223846793005u + 1442695040888963407u; }

/// `y[i] = step(x[(i + shift) % COUNT])` for the part's share: a launch that starts early reads stale values.
static void share(void *const *buffers, const int64_t *dims, int32_t part, int32_t parts) {
    const uint64_t *x = buffers[0];
    uint64_t *y = buffers[1];
    for (int64_t i = COUNT * part / parts; i < COUNT * (part + 1) / parts; i++) y[i] = step(x[(i + dims[0]) % COUNT]);
}

static int32_t plain(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts) {
    (void)workspace;
    share(buffers, dims, part, parts);
    return 0;
}

static int32_t gang(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts) {
    (void)workspace;
    _Atomic int32_t *arrived = buffers[2];
    atomic_fetch_add(arrived, 1);
    while (atomic_load(arrived) != parts) sched_yield();
    share(buffers, dims, part, parts);
    return 0;
}

typedef struct {
    HearthPool *pool;
    int32_t iterations;
    uint64_t seed;
    int64_t wrong;
} Caller;

static uint64_t below(Caller *caller, uint64_t bound) {
    caller->seed = step(caller->seed);
    return (caller->seed >> 33) % bound;
}

static void *run_lists(void *argument) {
    Caller *caller = argument;
    for (int32_t iteration = 0; iteration < caller->iterations; iteration++) {
        uint64_t a[COUNT], b[COUNT], expected[COUNT], next[COUNT], nanoseconds[MOST_LAUNCHES];
        HearthLaunch launches[MOST_LAUNCHES];
        void *operands[MOST_LAUNCHES][3];
        int64_t dims[MOST_LAUNCHES];
        alignas(64) char area[HEARTH_GANG_AREA_BYTES];
        int32_t count = 1 + (int32_t)below(caller, MOST_LAUNCHES);
        for (int32_t i = 0; i < COUNT; i++) a[i] = b[i] = expected[i] = (uint64_t)i + caller->seed;
        for (int32_t j = 0; j < count; j++) {
            int is_gang = below(caller, 6) == 0;
            dims[j] = (int64_t)below(caller, COUNT);
            operands[j][0] = j & 1 ? b : a, operands[j][1] = j & 1 ? a : b, operands[j][2] = area;
            int32_t parts = below(caller, 3) ? 1 + (int32_t)below(caller, 9) : 1;
            launches[j] = (HearthLaunch){
                is_gang ? gang : plain, operands[j], &dims[j], parts, is_gang ? HEARTH_LAUNCH_GANG : 0,
                is_gang ? area : NULL};
            for (int32_t i = 0; i < COUNT; i++) next[i] = step(expected[(i + dims[j]) % COUNT]);
            memcpy(expected, next, sizeof expected);
        }
        HearthRun run = {launches, count, (int32_t)below(caller, 5), NULL, 0, below(caller, 2) ? nanoseconds : NULL};
        HearthStatus status = hearth_pool_run(caller->pool, &run);
        if (status.launch != -1 || memcmp(count & 1 ? b : a, expected, sizeof expected) != 0) caller->wrong++;
        // Now and then long enough for the workers to fall asleep.
        if (below(caller, 100) == 0) usleep((useconds_t)below(caller, 300));
    }
    return NULL;
}

int64_t hearth_stress_pool(int32_t threads, uint32_t flags, int32_t callers, int32_t iterations, int32_t fork_afterwards) {
    if (callers < 1 || callers > MOST_CALLERS) return -1;
    HearthPool *pool = hearth_pool_create(threads, flags);
    if (!pool) return -1;
    Caller states[MOST_CALLERS];
    pthread_t handles[MOST_CALLERS];
    int64_t wrong = 0;
    for (int32_t i = 0; i < callers; i++) {
        states[i] = (Caller){pool, iterations, (uint64_t)i + 1, 0};
        if (pthread_create(&handles[i], NULL, run_lists, &states[i]) != 0) abort();
    }
    for (int32_t i = 0; i < callers; i++) {
        pthread_join(handles[i], NULL);
        wrong += states[i].wrong;
    }
    if (fork_afterwards) {
        pid_t child = fork();
        if (child == 0) {
            states[0] = (Caller){pool, iterations, 99, 0};
            run_lists(&states[0]);
            _exit(states[0].wrong == 0 ? 0 : 1);
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) wrong++;
    }
    hearth_pool_destroy(pool);
    return wrong;
}
