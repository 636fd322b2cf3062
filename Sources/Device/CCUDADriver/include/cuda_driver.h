#pragma once
#include <stddef.h>
#include <stdint.h>

// The part of NVIDIA's driver interface (libcuda.so.1) and of its management library (libnvidia-ml.so.1) that Hearth calls,
// as documented in the CUDA Driver API and NVML references. Types are our own; nothing of the toolkit is needed to build.

typedef int HearthCUResult;      // 0 is success.
typedef int HearthCUDevice;      // Ordinal handle.
typedef uint64_t HearthCUPointer;
typedef struct HearthCUContext_ *HearthCUContext;
typedef struct HearthCUModule_ *HearthCUModule;
typedef struct HearthCUFunction_ *HearthCUFunction;
typedef struct HearthCUStream_ *HearthCUStream;
typedef struct HearthCUEvent_ *HearthCUEvent;
typedef struct HearthCUGraph_ *HearthCUGraph;
typedef struct HearthCUGraphExec_ *HearthCUGraphExec;
typedef struct HearthCUGraphNode_ *HearthCUGraphNode;
typedef struct HearthNVMLDevice_ *HearthNVMLDevice;

/// Device attributes (CUdevice_attribute).
enum {
    HEARTH_CU_MAX_THREADS_PER_BLOCK = 1,
    HEARTH_CU_WARP_SIZE = 10,
    HEARTH_CU_MULTIPROCESSORS = 16,
    HEARTH_CU_L2_BYTES = 38,
    HEARTH_CU_MAJOR = 75,
    HEARTH_CU_MINOR = 76,
    HEARTH_CU_SHARED_PER_MULTIPROCESSOR = 81,
    HEARTH_CU_HOST_REGISTRATION = 99,
    HEARTH_CU_READ_ONLY_HOST_REGISTRATION = 113,
    HEARTH_CU_SHARED_PER_BLOCK_OPT_IN = 97,
    HEARTH_CU_MEMORY_POOLS = 115,
};

/// Results that are told apart (CUresult).
enum {
    HEARTH_CU_INVALID_VALUE = 1,
    HEARTH_CU_OUT_OF_MEMORY = 2,
    HEARTH_CU_NO_DEVICE = 100,
    HEARTH_CU_DEVICES_UNAVAILABLE = 46,
    HEARTH_CU_NO_BINARY_FOR_GPU = 209,
    HEARTH_CU_OUT_OF_RESOURCES = 701,
};

/// Flags of registered host memory (CU_MEMHOSTREGISTER_…).
enum { HEARTH_CU_REGISTER_PORTABLE = 1, HEARTH_CU_REGISTER_READ_ONLY = 8 };

/// A kernel launch (CUlaunchConfig).
typedef struct {
    unsigned grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes;
    HearthCUStream stream;
    void *attributes;  // Array of HearthCULaunchAttribute.
    unsigned attribute_count;
} HearthCULaunchConfig;

/// One attribute of a launch (CUlaunchAttribute); the value is a union of 64 bytes.
typedef struct {
    int id;
    char padding[4];
    union {
        char bytes[64];
        int flag;
    } value;
} HearthCULaunchAttribute;

enum {
    /// The launch may begin before the one before it has ended (programmatic dependent launch, sm_90 and later).
    HEARTH_CU_LAUNCH_PROGRAMMATIC_SERIALIZATION = 6,
};

/// A kernel in a graph (CUDA_KERNEL_NODE_PARAMS_v2).
typedef struct {
    HearthCUFunction function;
    unsigned grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes;
    void **parameters, **extra;
    void *kernel;
    HearthCUContext context;
} HearthCUKernelNodeParameters;

/// Properties of a memory pool (CUmemPoolProps); what is not named here stays 0.
typedef struct HearthCUMemoryPool_ *HearthCUMemoryPool;
typedef struct {
    int allocation, handles;
    int location, gpu;  // CUmemLocation
    void *security;
    size_t most_bytes;
    unsigned short usage;
    unsigned char reserved[54];
} HearthCUMemoryPoolProperties;
enum { HEARTH_CU_ALLOCATION_PINNED = 1, HEARTH_CU_LOCATION_DEVICE = 1 };
/// CUmemPool_attribute.
enum { HEARTH_CU_POOL_RELEASE_THRESHOLD = 4 };

#define HEARTH_CUDA_FUNCTIONS(X) \
    X(cuInit, cuInit, (unsigned flags)) \
    X(cuDriverGetVersion, cuDriverGetVersion, (int *version)) \
    X(cuGetErrorName, cuGetErrorName, (HearthCUResult code, const char **text)) \
    X(cuGetErrorString, cuGetErrorString, (HearthCUResult code, const char **text)) \
    X(cuDeviceGetCount, cuDeviceGetCount, (int *count)) \
    X(cuDeviceGet, cuDeviceGet, (HearthCUDevice * device, int ordinal)) \
    X(cuDeviceGetName, cuDeviceGetName, (char *name, int capacity, HearthCUDevice device)) \
    X(cuDeviceGetAttribute, cuDeviceGetAttribute, (int *value, int attribute, HearthCUDevice device)) \
    X(cuDeviceGetPCIBusId, cuDeviceGetPCIBusId, (char *id, int capacity, HearthCUDevice device)) \
    X(cuDeviceTotalMem, cuDeviceTotalMem_v2, (size_t *bytes, HearthCUDevice device)) \
    X(cuMemPoolCreate, cuMemPoolCreate, (HearthCUMemoryPool *pool, const HearthCUMemoryPoolProperties *properties)) \
    X(cuMemPoolDestroy, cuMemPoolDestroy, (HearthCUMemoryPool pool)) \
    X(cuMemPoolSetAttribute, cuMemPoolSetAttribute, (HearthCUMemoryPool pool, int attribute, void *value)) \
    X(cuDevicePrimaryCtxRetain, cuDevicePrimaryCtxRetain, (HearthCUContext * context, HearthCUDevice device)) \
    X(cuDevicePrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2, (HearthCUDevice device)) \
    X(cuCtxGetCurrent, cuCtxGetCurrent, (HearthCUContext * context)) \
    X(cuCtxSetCurrent, cuCtxSetCurrent, (HearthCUContext context)) \
    X(cuCtxSynchronize, cuCtxSynchronize, (void)) \
    X(cuMemGetInfo, cuMemGetInfo_v2, (size_t *free, size_t *total)) \
    X(cuMemAllocFromPoolAsync, cuMemAllocFromPoolAsync, (HearthCUPointer *address, size_t bytes, HearthCUMemoryPool pool, HearthCUStream stream)) \
    X(cuMemFreeAsync, cuMemFreeAsync, (HearthCUPointer address, HearthCUStream stream)) \
    X(cuMemHostAlloc, cuMemHostAlloc, (void **address, size_t bytes, unsigned flags)) \
    X(cuMemFreeHost, cuMemFreeHost, (void *address)) \
    X(cuMemHostRegister, cuMemHostRegister_v2, (void *address, size_t bytes, unsigned flags)) \
    X(cuMemHostUnregister, cuMemHostUnregister, (void *address)) \
    X(cuMemcpyHtoDAsync, cuMemcpyHtoDAsync_v2, (HearthCUPointer to, const void *from, size_t bytes, HearthCUStream stream)) \
    X(cuMemcpyDtoHAsync, cuMemcpyDtoHAsync_v2, (void *to, HearthCUPointer from, size_t bytes, HearthCUStream stream)) \
    X(cuMemcpyDtoDAsync, cuMemcpyDtoDAsync_v2, (HearthCUPointer to, HearthCUPointer from, size_t bytes, HearthCUStream stream)) \
    X(cuMemsetD8Async, cuMemsetD8Async, (HearthCUPointer address, unsigned char value, size_t count, HearthCUStream stream)) \
    X(cuStreamCreate, cuStreamCreate, (HearthCUStream * stream, unsigned flags)) \
    X(cuStreamDestroy, cuStreamDestroy_v2, (HearthCUStream stream)) \
    X(cuStreamSynchronize, cuStreamSynchronize, (HearthCUStream stream)) \
    X(cuStreamBeginCapture, cuStreamBeginCapture_v2, (HearthCUStream stream, int mode)) \
    X(cuStreamEndCapture, cuStreamEndCapture, (HearthCUStream stream, HearthCUGraph *graph)) \
    X(cuStreamGetCaptureInfo, cuStreamGetCaptureInfo_v2, (HearthCUStream stream, int *status, uint64_t *id, HearthCUGraph *graph, const HearthCUGraphNode **last, size_t *count)) \
    X(cuEventCreate, cuEventCreate, (HearthCUEvent * event, unsigned flags)) \
    X(cuEventDestroy, cuEventDestroy_v2, (HearthCUEvent event)) \
    X(cuEventRecord, cuEventRecord, (HearthCUEvent event, HearthCUStream stream)) \
    X(cuEventSynchronize, cuEventSynchronize, (HearthCUEvent event)) \
    X(cuEventElapsedTime, cuEventElapsedTime, (float *milliseconds, HearthCUEvent start, HearthCUEvent end)) \
    X(cuModuleLoadData, cuModuleLoadData, (HearthCUModule * module, const void *image)) \
    X(cuModuleUnload, cuModuleUnload, (HearthCUModule module)) \
    X(cuModuleGetFunction, cuModuleGetFunction, (HearthCUFunction * function, HearthCUModule module, const char *name)) \
    X(cuFuncSetAttribute, cuFuncSetAttribute, (HearthCUFunction function, int attribute, int value)) \
    X(cuLaunchKernelEx, cuLaunchKernelEx, (const HearthCULaunchConfig *config, HearthCUFunction function, void **parameters, void **extra)) \
    X(cuGraphInstantiate, cuGraphInstantiateWithFlags, (HearthCUGraphExec * executable, HearthCUGraph graph, unsigned long long flags)) \
    X(cuGraphExecKernelNodeSetParams, cuGraphExecKernelNodeSetParams_v2, (HearthCUGraphExec executable, HearthCUGraphNode node, const HearthCUKernelNodeParameters *parameters)) \
    X(cuGraphLaunch, cuGraphLaunch, (HearthCUGraphExec executable, HearthCUStream stream)) \
    X(cuGraphExecDestroy, cuGraphExecDestroy, (HearthCUGraphExec executable)) \
    X(cuGraphDestroy, cuGraphDestroy, (HearthCUGraph graph))

#define HEARTH_DECLARE(FIELD, SYMBOL, PARAMETERS) HearthCUResult(*FIELD) PARAMETERS;

/// The driver's functions; all are there when `hearth_open_cuda` succeeded.
typedef struct {
    HEARTH_CUDA_FUNCTIONS(HEARTH_DECLARE)
} HearthCUDADriver;

#undef HEARTH_DECLARE

/// Opens libcuda.so.1. Returns 0; −1 with one line in `error` when the library is missing; 1 with one line when it lacks a function,
/// as old ones do: then the functions before it can be called.
int hearth_open_cuda(HearthCUDADriver *driver, char *error, size_t capacity);

/// 1 where libcuda.so.1 can be opened.
int hearth_cuda_is_there(void);

/// Board power in milliwatts and energy in millijoules since the driver was loaded, temperature and clocks, as NVML gives
/// them; fields that it does not give are −1.
typedef struct {
    int64_t power_milliwatts, energy_millijoules;
    int32_t temperature, sm_clock_mhz, memory_clock_mhz;
} HearthNVMLReading;

/// Reads the device at a PCI bus ID through NVML. Returns 0, or −1 where NVML is missing.
int hearth_read_nvml(const char *bus, HearthNVMLReading *reading);
