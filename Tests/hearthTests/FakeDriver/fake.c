// A driver and a compiler without a GPU, for tests of what Hearth says when a GPU is missing, full, foreign or lost: FAKE_CUDA names
// the fault, or `two` for a second GPU. Memory is the host's; kernels do nothing. FAKE_CUDA_LOG names a file that gets a line for each
// graph that is started (the context that was current), for host memory that is registered or no longer, and for what is done to a
// context that nobody holds.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cuda_driver.h"
#include "nvrtc_library.h"

static int is(const char *mode) {
    const char *set = getenv("FAKE_CUDA");
    return set && !strcmp(set, mode);
}

// Whether the process is one in which kernels are judged.
static int is_worker(void) {
    char line[256] = {0};
    FILE *file = fopen("/proc/self/cmdline", "r");
    size_t count = file ? fread(line, 1, sizeof line - 1, file) : 0;
    if (file) fclose(file);
    size_t first = strlen(line) + 1;
    return first < count && !strcmp(line + first, "worker");
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

int cuInit(unsigned flags) { return is("none") ? 100 : 0; }
int cuDriverGetVersion(int *version) { return *version = is("old") ? 11040 : 13000, 0; }
int cuGetErrorName(int code, const char **text) { return *text = code == 999 ? "CUDA_ERROR_UNKNOWN" : "CUDA_ERROR", 0; }
int cuGetErrorString(int code, const char **text) { return *text = "as the test wants it", 0; }
int cuDeviceGetCount(int *count) { return *count = is("two") ? 2 : 1, is("uncounted") ? 999 : 0; }
int cuDeviceGetName(char *name, int capacity, int device) {
    return strncpy(name, device ? "Second fake GPU" : "Fake GPU", (size_t)capacity), 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) { return *bytes = 1 << 30, 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    switch (attribute) {
    case HEARTH_CU_MAX_THREADS_PER_BLOCK: *value = 1024; break;
    case HEARTH_CU_WARP_SIZE: *value = 32; break;
    case HEARTH_CU_MAJOR: *value = is("other") ? 8 : 9; break;
    case HEARTH_CU_MINOR: *value = 0; break;
    case HEARTH_CU_MEMORY_POOLS: *value = !is("poolless"); break;
    case HEARTH_CU_SHARED_PER_BLOCK_OPT_IN: *value = 232448; break;
    default: *value = 4; break;
    }
    return 0;
}
static void tell(const char *line) {
    const char *path = getenv("FAKE_CUDA_LOG");
    FILE *log = path ? fopen(path, "a") : 0;
    if (log) fprintf(log, "%s\n", line), fclose(log);
}

// How often the contexts of the GPUs are held.
static int held[2];
int cuDeviceGet(HearthCUDevice *device, int ordinal) { return *device = ordinal, 0; }
int cuDevicePrimaryCtxRetain(HearthCUContext *context, int device) {
    *context = (HearthCUContext)(uintptr_t)(0x1000 + device);
    int code = is("full") ? 2 : is("held") ? 46 : is("shared") ? 807 : 0;
    if (!code) __atomic_fetch_add(&held[device], 1, __ATOMIC_SEQ_CST);
    return code;
}
int cuDevicePrimaryCtxRelease_v2(int device) {
    if (__atomic_fetch_sub(&held[device], 1, __ATOMIC_SEQ_CST) < 1) tell("released too often");
    return 0;
}
int fake_contexts(void) { return held[0] + held[1]; }
static _Thread_local HearthCUContext current;
int cuCtxGetCurrent(HearthCUContext *context) { return *context = current, 0; }
int cuCtxSetCurrent(HearthCUContext context) { return current = context, 0; }
// What contexts have made (streams, events, pools, memory, programs, graphs), and what must not outlive them.
static int things;
static void made(int count) {
    uintptr_t gpu = (uintptr_t)current - 0x1000;
    if (gpu > 1 || held[gpu] < 1) tell("used without a context");
    __atomic_fetch_add(&things, count, __ATOMIC_SEQ_CST);
}
int fake_things(void) { return things; }
int cuMemGetInfo_v2(size_t *available, size_t *total) { return *total = 2 * (*available = 1 << 29), 0; }
int cuStreamCreate(HearthCUStream *stream, unsigned flags) { return made(1), *stream = (HearthCUStream)stream, 0; }
int cuStreamDestroy_v2(HearthCUStream stream) { return made(-1), 0; }
int cuEventCreate(HearthCUEvent *event, unsigned flags) { return made(1), *event = malloc(sizeof(double)), 0; }
int cuEventDestroy_v2(HearthCUEvent event) { return made(-1), free(event), 0; }
int cuMemPoolCreate(HearthCUMemoryPool *pool, const HearthCUMemoryPoolProperties *properties) {
    // In the GPU's own memory, and whose.
    if (properties->allocation != 1 || properties->location != 1 || properties->gpu != (int)((uintptr_t)current - 0x1000)) return 1;
    return made(1), *pool = (HearthCUMemoryPool)pool, 0;
}
int cuMemPoolDestroy(HearthCUMemoryPool pool) { return made(-1), 0; }
int cuEventRecord(HearthCUEvent event, HearthCUStream stream) { return *(double *)event = now(), 0; }
int cuEventElapsedTime(float *milliseconds, HearthCUEvent start, HearthCUEvent end) {
    return *milliseconds = (float)(*(double *)end - *(double *)start), 0;
}
int cuMemAllocFromPoolAsync(HearthCUPointer *address, size_t bytes, HearthCUMemoryPool pool, HearthCUStream stream) {
    if (!pool) return 1;
    if (bytes > 1u << 30 || is("memory") || (is("memory in the worker") && is_worker())) return 2;
    return made(1), *address = (HearthCUPointer)aligned_alloc(256, (bytes + 255) / 256 * 256), 0;
}
int cuMemFreeAsync(HearthCUPointer address, HearthCUStream stream) { return made(-1), free((void *)address), 0; }
int cuMemHostAlloc(void **address, size_t bytes, unsigned flags) {
    if (is("pinned")) return 2;
    return made(1), *address = aligned_alloc(256, (bytes + 255) / 256 * 256), 0;
}
int cuMemFreeHost(void *address) { return made(-1), free(address), 0; }
// Registered ranges of the host's memory; what touches one is refused, as are all of them where FAKE_CUDA says `unregistered`.
static struct { char *first, *end; } registered[64];
int cuMemHostRegister_v2(void *address, size_t bytes, unsigned flags) {
    char *first = address, *end = first + bytes;
    if (is("unregistered")) return 801;
    for (int i = 0; i < 64; ++i)
        if (registered[i].first < end && first < registered[i].end) return 712;
    for (int i = 0; i < 64; ++i)
        if (!registered[i].first) {
            registered[i].first = first, registered[i].end = end;
            return tell(flags & HEARTH_CU_REGISTER_READ_ONLY ? "read-only" : "registered"), 0;
        }
    return 2;
}
int cuMemHostUnregister(void *address) {
    for (int i = 0; i < 64; ++i)
        if (registered[i].first == address)
            return registered[i].first = registered[i].end = 0, tell("unregistered"), 0;
    return 713;
}
int cuMemcpyHtoDAsync_v2(HearthCUPointer to, const void *from, size_t bytes, HearthCUStream stream) {
    return memcpy((void *)to, from, bytes), 0;
}
int cuMemcpyDtoHAsync_v2(void *to, HearthCUPointer from, size_t bytes, HearthCUStream stream) {
    return memcpy(to, (const void *)from, bytes), 0;
}
int cuMemcpyDtoDAsync_v2(HearthCUPointer to, HearthCUPointer from, size_t bytes, HearthCUStream stream) {
    return memcpy((void *)to, (const void *)from, bytes), 0;
}
int cuMemsetD8Async(HearthCUPointer address, unsigned char value, size_t count, HearthCUStream stream) {
    return memset((void *)address, value, count), 0;
}
int cuModuleLoadData(HearthCUModule *module, const void *image) {
    *module = (HearthCUModule)module;
    int code = is("foreign") ? 209 : is("newer") ? 200 : is("full-kernels") ? 2 : is("lost-kernels") ? 999 : 0;
    if (!code) made(1);
    return code;
}
int cuModuleUnload(HearthCUModule module) { return made(-1), 0; }
int cuModuleGetFunction(HearthCUFunction *function, HearthCUModule module, const char *name) {
    return *function = (HearthCUFunction)function, 0;
}
// Launches of a thread that captures become nodes: whether they begin early, and what their first argument was at that moment.
// FAKE_CUDA_GRAPHS names a file that gets a line for each graph that is captured and for each that is started: its nodes.
struct HearthCUGraphNode_ { int is_early; uint64_t first; };
struct HearthCUGraph_ { int count; struct HearthCUGraphNode_ nodes[512]; };
struct HearthCUGraphExec_ { struct HearthCUGraph_ graph; const struct HearthCUGraph_ *of; };
static _Thread_local struct HearthCUGraph_ *capturing;
static void list(const char *what, const struct HearthCUGraph_ *graph) {
    const char *path = getenv("FAKE_CUDA_GRAPHS");
    FILE *log = path ? fopen(path, "a") : 0;
    if (!log) return;
    fputs(what, log);
    for (int i = 0; i < graph->count; ++i)
        fprintf(log, " %s:%llx", graph->nodes[i].is_early ? "early" : "late", (unsigned long long)graph->nodes[i].first);
    fputs("\n", log), fclose(log);
}
int cuStreamBeginCapture_v2(HearthCUStream stream, int mode) {
    if (capturing) return 901;
    return made(1), capturing = calloc(1, sizeof *capturing), 0;
}
int cuLaunchKernelEx(const HearthCULaunchConfig *config, HearthCUFunction function, void **parameters, void **extra) {
    if (is("registers")) return 701;
    if (!capturing) return 0;
    if (capturing->count == 512) return 1;
    const HearthCULaunchAttribute *attribute = config->attributes;
    struct HearthCUGraphNode_ *node = &capturing->nodes[capturing->count++];
    for (unsigned i = 0; i < config->attribute_count; ++i)
        node->is_early |= attribute[i].id == HEARTH_CU_LAUNCH_PROGRAMMATIC_SERIALIZATION && attribute[i].value.flag == 1;
    node->first = *(const uint64_t *)parameters[0];
    return 0;
}
int cuStreamGetCaptureInfo_v2(
    HearthCUStream stream, int *status, uint64_t *id, HearthCUGraph *graph, const HearthCUGraphNode **last, size_t *count) {
    static _Thread_local HearthCUGraphNode node;
    *status = capturing != 0, *graph = capturing, *count = capturing && capturing->count;
    if (*count) node = &capturing->nodes[capturing->count - 1];
    return *last = &node, 0;
}
int cuStreamEndCapture(HearthCUStream stream, HearthCUGraph *graph) {
    if (!capturing) return 1;
    list("captured", capturing);
    return *graph = capturing, capturing = 0, 0;
}
int cuGraphInstantiateWithFlags(HearthCUGraphExec *executable, HearthCUGraph graph, unsigned long long flags) {
    if (is("capture")) return 2;
    *executable = calloc(1, sizeof **executable);
    (*executable)->graph = *graph, (*executable)->of = graph;
    return made(1), 0;
}
int cuGraphExecKernelNodeSetParams_v2(
    HearthCUGraphExec executable, HearthCUGraphNode node, const HearthCUKernelNodeParameters *parameters) {
    long place = node - executable->of->nodes;
    if (is("fixed") || place < 0 || place >= executable->graph.count || !parameters->function) return 1;
    return executable->graph.nodes[place].first = *(const uint64_t *)parameters->parameters[0], 0;
}
int cuGraphExecDestroy(HearthCUGraphExec executable) { return made(-1), free(executable), 0; }
int cuGraphDestroy(HearthCUGraph graph) { return made(-1), free(graph), 0; }
static int started;
int cuStreamSynchronize(HearthCUStream stream) { return started && is("lost-later") ? 999 : 0; }
int cuGraphLaunch(HearthCUGraphExec executable, HearthCUStream stream) {
    list("started", &executable->graph);
    char line[32];
    snprintf(line, sizeof line, "%p", (void *)current);
    tell(line);
    started = 1;
    if (is("lost") || (is("lost in the worker") && is_worker())) return 999;
    return is("illegal") ? 700 : is("full-start") || (is("full in the worker") && is_worker()) ? 2 : 0;
}

// NVIDIA's management library, which the tests find under its name.
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, HearthNVMLDevice *device) { return 0; }
int nvmlDeviceGetPowerUsage(HearthNVMLDevice device, unsigned *milliwatts) { return *milliwatts = 123000, 0; }
int nvmlDeviceGetTotalEnergyConsumption(HearthNVMLDevice device, unsigned long long *millijoules) {
    // As if the board drew 100 W.
    return *millijoules = (unsigned long long)(now() * 100), 0;
}
int nvmlDeviceGetTemperature(HearthNVMLDevice device, int sensor, unsigned *degrees) { return *degrees = 45, 0; }
int nvmlDeviceGetClockInfo(HearthNVMLDevice device, int clock, unsigned *megahertz) { return 1; }

int nvrtcVersion(int *major, int *minor) { return *major = is("old compiler") ? 11 : 13, *minor = is("old compiler") ? 8 : 0, 0; }
int nvrtcCreateProgram(
    HearthNVRTCProgram *program, const char *source, const char *name, int count, const char *const *headers,
    const char *const *names) {
    return *program = (HearthNVRTCProgram)program, 0;
}
int nvrtcCompileProgram(HearthNVRTCProgram program, int count, const char *const *options) {
    return is("compile") ? 6 : 0;
}
int nvrtcGetProgramLogSize(HearthNVRTCProgram program, size_t *bytes) { return *bytes = 64, 0; }
int nvrtcGetProgramLog(HearthNVRTCProgram program, char *log) {
    return strcpy(log, "kernel.cu(7): note\nkernel.cu(9): error: no such thing\nmore"), 0;
}
int nvrtcGetCUBINSize(HearthNVRTCProgram program, size_t *bytes) { return *bytes = 4, 0; }
int nvrtcGetCUBIN(HearthNVRTCProgram program, char *cubin) { return memcpy(cubin, "fake", 4), 0; }
