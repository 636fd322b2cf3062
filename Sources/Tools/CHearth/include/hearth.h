/* Hearth's C interface: opens a package that `hearth optimize` wrote, and runs it.
 *
 * Versions. hearth_abi_version() returns HEARTH_ABI_VERSION of the library. Within a number functions are only added; structs that
 * callers make (HearthTensor) keep their size; structs that the library fills begin with fields that stay where they are.
 *
 * Errors. Functions that can fail return HEARTH_OK or a code below; hearth_error() is then one line of the calling thread: what,
 * where, what to do. Nothing else crosses this border: no exception, no signal, no output. Null handles are errors, other bad
 * pointers are not found out.
 *
 * Handles. A package and its sessions may be closed in any order: a session keeps what it needs. Closing a handle while another
 * thread uses that same handle is the caller's mistake.
 *
 * Threads. Every function may be called from any thread. Calls on one session wait for each other; different sessions run beside
 * each other (on the processor those of one package share its threads and take turns).
 *
 * Memory. Tensors are contiguous and row-major in the machine's byte order, aligned to their element, in memory of a GPU to
 * 16 bytes. Inputs stay as they are. Results must overlap neither each other nor an input.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HEARTH_ABI_VERSION 1u

/* Result codes. */
enum {
    HEARTH_OK = 0,
    HEARTH_BAD_INPUT = 1,   /* The caller's: a path, a package, a shape, an index, memory. */
    HEARTH_UNAVAILABLE = 2, /* The device is missing, full, held by another process, or was lost, or a vendor's library failed. */
    HEARTH_FAILED = 3       /* The device or generated code failed. */
};

/* Element types. */
enum {
    HEARTH_F64 = 1,
    HEARTH_F32 = 2,
    HEARTH_F16 = 3,
    HEARTH_BF16 = 4,
    HEARTH_I64 = 5,
    HEARTH_I32 = 6,
    HEARTH_I16 = 7,
    HEARTH_I8 = 8,
    HEARTH_U8 = 9,
    HEARTH_BOOL = 10,   /* One byte, 0 or 1. */
    HEARTH_F8E4M3 = 11, /* float8_e4m3fn: 4 bits of exponent, no infinities. */
    HEARTH_F8E5M2 = 12  /* float8_e5m2. */
};

/* Flags of hearth_open. */
enum {
    HEARTH_UNVERIFIED = 1 /* Leave out the check of the weights' hash, for a package that was checked before. */
};

/* Flags of runs. */
enum {
    /* Addresses are of the device's memory. Without effect where the device works in the host's. */
    HEARTH_ON_DEVICE = 1,
    /* Run in the order of `stream` (a CUstream of the device's primary context, NULL for the default stream): after the work that
     * is there and before what is added later. Only with HEARTH_ON_DEVICE, on devices with streams. */
    HEARTH_IN_STREAM = 2,
    /* With HEARTH_IN_STREAM: return at once. Results are there when the stream is; hearth_session_wait says whether the runs
     * succeeded. Memory must stay as the stream's order demands. */
    HEARTH_NO_WAIT = 4,
    /* Of hearth_session_import: the memory may not be written. */
    HEARTH_READ_ONLY = 8
};

typedef struct HearthPackage HearthPackage;
typedef struct HearthSession HearthSession;

/* What a package is; filled by hearth_describe. Texts live as long as the package's handle. */
typedef struct {
    const char *name;         /* The model's. */
    const char *device;       /* Where it runs: cpu, cuda, cuda:1, opencl. */
    const char *device_model; /* As the hardware states it. */
    int32_t in_host_memory;   /* 1 where the device works in the host's memory; else it has its own. */
    int32_t is_tuned;         /* 1 when the package was tuned on a machine like this one. */
    int32_t inputs, outputs, symbols;
    int32_t has_state; /* 1 when runs change what later runs compute. */
    int32_t draws;     /* 1 when runs draw random numbers; see hearth_session_seed. */
} HearthDescription;

/* An input or output; filled by hearth_input and hearth_output. Memory lives as long as the package's handle. */
typedef struct {
    const char *name;
    int32_t type;
    int32_t rank;
    const int64_t *extents;          /* -1 where an extent depends on symbols. */
    const char *const *expressions;  /* Extents as text, such as "2*s0 + 1". */
    int32_t value_symbol;            /* The symbol that an input's value is, -1 for ordinary inputs. */
} HearthPort;

/* A symbolic dimension; filled by hearth_symbol. */
typedef struct {
    const char *name;
    int64_t minimum, maximum; /* -1 for no maximum. */
    int64_t typical;          /* As it was at export. */
} HearthSymbol;

/* Type and extents of a tensor. */
typedef struct {
    int32_t type;
    int32_t rank;
    const int64_t *extents;
    /* Distances in elements between neighbours along each axis; NULL for contiguous. Others than contiguous are refused. */
    const int64_t *strides;
    /* For an input whose value is a symbol: that value. */
    int64_t value;
} HearthTensor;

/* What a device says of itself; unknown numbers are negative. */
typedef struct {
    double watts, joules; /* Of the whole device; joules since its driver was loaded. */
    double temperature;   /* Degrees Celsius. */
    int64_t free_bytes, clock_mhz, memory_clock_mhz;
} HearthTelemetry;

/* HEARTH_ABI_VERSION of the library. */
uint32_t hearth_abi_version(void);

/* One line about the last error of this thread; empty when there was none. Valid until this thread's next call. */
const char *hearth_error(void);

/* Opens a package. `device`: cpu, cuda, cuda:N, opencl, opencl:N; NULL for what the package was made for, never another in its
 * place. `threads`: of the processor, 0 for one per core. Packages of a process share a device of the same name and threads. */
int hearth_open(const char *path, const char *device, int32_t threads, uint32_t flags, HearthPackage **package);
void hearth_close(HearthPackage *package);

int hearth_describe(const HearthPackage *package, HearthDescription *description);
int hearth_input(const HearthPackage *package, int32_t index, HearthPort *port);
int hearth_output(const HearthPackage *package, int32_t index, HearthPort *port);
int hearth_symbol(const HearthPackage *package, int32_t index, HearthSymbol *symbol);
int hearth_telemetry(const HearthPackage *package, HearthTelemetry *telemetry);

/* One user of a package: working memory and the model's state, at its initial values. */
int hearth_session_open(HearthPackage *package, HearthSession **session);
void hearth_session_close(HearthSession *session);

/* Prepares for inputs of these types; does nothing when they are bound. Fills `outputs` (one for each output of the package, or
 * NULL) with the results' types; their extents stay until the next bind. */
int hearth_session_bind(HearthSession *session, const HearthTensor *inputs, int32_t count, HearthTensor *outputs);

/* Runs on one address for each input and output, of the bound types. `outputs` NULL: results go to memory of the session (see
 * hearth_session_results). Returns when the results are there. Addresses of tensors without elements may be NULL. */
int hearth_session_run(
    HearthSession *session, const void *const *inputs, void *const *outputs, uint32_t flags, void *stream);

/* Memory of the session for the bound results, of the host or, with HEARTH_ON_DEVICE, of the device. Runs without `outputs` write
 * there; it stays until the next bind to other extents or the end of the session. */
int hearth_session_results(HearthSession *session, uint32_t flags, void **addresses);

/* Lends host memory to a session of a device with memory of its own: large inputs and results in it travel between it and the device
 * without a copy in between. The memory must stay mapped, to the same pages, until hearth_session_end_import or the end of the
 * session. With HEARTH_READ_ONLY it serves inputs only. Sets `*imported` to 1, or to 0 where the device has no use for it or the
 * system refuses (hearth_error() says why): runs are then as without. */
int hearth_session_import(
    HearthSession *session, void *memory, size_t count, uint32_t flags, int32_t *imported);

/* Takes lent memory back, by its first address; nothing where it was refused. */
int hearth_session_end_import(HearthSession *session, void *memory);

/* How inputs and results in host memory travelled so far, in bytes: between the caller's memory and the device, and through memory of
 * the session. Both are 0 where the device works in the host's memory. */
int hearth_session_traffic(HearthSession *session, uint64_t *direct_bytes, uint64_t *staged_bytes);

/* Waits for the runs that were started with HEARTH_NO_WAIT and says whether they succeeded. */
int hearth_session_wait(HearthSession *session);

/* Puts the model's state back to its initial values. */
int hearth_session_reset(HearthSession *session);

/* Lets the runs that follow draw the numbers of a seed: the same seed, the same numbers on every device. A session begins with the seed 0. */
int hearth_session_seed(HearthSession *session, int64_t seed);

/* Copies the state of that name (row-major) to host memory of exactly its size. */
int hearth_session_state(HearthSession *session, const char *name, void *bytes, size_t count);

/* Runs `samples` times `inner` times on the same inputs and fills `nanoseconds` with the device's own time of each sample (the
 * way of inputs and outputs left out): events around the captured graph on a GPU. State goes on from run to run. */
int hearth_session_time(
    HearthSession *session, const void *const *inputs, void *const *outputs, uint32_t flags, int32_t samples,
    int32_t inner, uint64_t *nanoseconds);

#ifdef __cplusplus
}
#endif
