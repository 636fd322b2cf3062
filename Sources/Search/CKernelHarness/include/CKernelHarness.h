#pragma once
#include "CThreadPool.h"
#include <stddef.h>
#include <stdint.h>

/// The parts of the judge's worker that must not be slowed or changed by what surrounds them: the clock around calls, and
/// the handler that says where a candidate crashed.

/// What a range of addresses is to a candidate.
enum {
    HEARTH_ZONE_NONE = 0,
    /// Never to be touched: before and behind a buffer.
    HEARTH_ZONE_GUARD = 1,
    /// Never to be written: an input.
    HEARTH_ZONE_READ_ONLY = 2,
};

/// A range of addresses and the buffer that it belongs to.
typedef struct {
    uintptr_t start, end;
    /// Address of the buffer's first element.
    uintptr_t base;
    int32_t kind;
    int32_t buffer;
} HearthZone;

/// Sends a frame (see `FaultReport`) to `descriptor` and ends the process with code 120 when a thread gets SIGSEGV, SIGBUS,
/// SIGILL, SIGFPE, SIGABRT or SIGSYS. `tag` is the frame's message tag. The calling thread is the one that answers.
void hearth_harness_install(int32_t descriptor, uint8_t tag);

/// Starts the thread that calls generated code from now on, through the functions below; it and the workers of `pool` call
/// `narrow` first, which may take rights away from the calling thread. Without this, the functions below call generated code
/// on their own thread. -1 where there is no thread to be had.
int32_t hearth_harness_start_runner(HearthPool *pool, int32_t (*narrow)(void));

/// Threads whose `narrow` did not return 0.
int32_t hearth_harness_unconfined(void);

/// `hearth_pool_run`.
HearthStatus hearth_harness_run(HearthPool *pool, const HearthRun *run);

/// Calls a packing function.
int32_t hearth_harness_call(HearthKernel kernel, void *const *buffers, const int64_t *dims);

/// What stands for `kernel` until the next call of this function: it notes parts that leave another mode of arithmetic (rounding,
/// subnormal numbers, masks of exceptions) on their thread than they found, and puts it back.
HearthKernel hearth_harness_watched(HearthKernel kernel);

/// From now on part `part` of what is watched starts `nanoseconds` late, so that parts that wait for it do wait; -1: none does.
void hearth_harness_set_late(int32_t part, int64_t nanoseconds);

/// What a call must leave as it was: hashes of the environment and of the handlers of signals, and how often a mode was changed.
typedef struct {
    uint64_t environment, handlers;
    int32_t modes_changed;
} HearthProcessState;

/// The state now.
HearthProcessState hearth_harness_state(void);

/// As `recvmsg`: up to `count` bytes, with files that came along.
int64_t hearth_harness_receive(int32_t descriptor, void *bytes, int64_t count);

/// A file that came with the last request, or -1.
int32_t hearth_harness_file(int32_t index);

/// Closes the files that came, so that generated code meets none of them.
void hearth_harness_close_files(void);

/// Number of the request under way, which the frame of a fault carries.
void hearth_harness_set_sequence(uint64_t sequence);

/// The ranges that a fault is looked up in; the array must stay until the next call.
void hearth_harness_set_zones(const HearthZone *zones, int32_t count);

/// Ends the process when the peer of `descriptor` is gone.
void hearth_harness_watch(int32_t descriptor);

/// Threads of this process, plus children it has started.
int32_t hearth_harness_threads(void);

/// One input whose contents change by an element before every timed call.
typedef struct {
    char *contents;
    /// Elements are taken from here.
    const char *source;
    int64_t count;
    int32_t element_bytes;
} HearthMutation;

/// Changes one element of each input, as call number `call` with this seed does.
void hearth_harness_mutate(const HearthMutation *mutations, int32_t count, uint64_t seed, int64_t call);

/// Calls `runs[i % run_count]` for i in 0..<calls, each after a mutation; returns nanoseconds of all together, or -1 with
/// the code of the first failure in `code`.
int64_t hearth_harness_time(
    HearthPool *pool, const HearthRun *runs, int32_t run_count, int64_t calls, const HearthMutation *mutations,
    int32_t mutation_count, uint64_t seed, int32_t *code);

/// An anonymous file in memory; -1 on failure.
int32_t hearth_harness_memory_file(const char *name);

/// Makes an anonymous file unchangeable; 0 on success.
int32_t hearth_harness_seal(int32_t descriptor);

/// Gives the memory of pages of an anonymous file back; they read as zeros afterwards.
void hearth_harness_discard(int32_t descriptor, int64_t offset, int64_t bytes);
