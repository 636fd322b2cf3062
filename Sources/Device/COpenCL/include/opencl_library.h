#pragma once
#include <stddef.h>
#include <stdint.h>

// The part of OpenCL 2.0 (Khronos) that Hearth calls, with our own types: nothing is needed to build.

typedef int32_t HearthCLCode;  // 0 is success.
typedef struct HearthCLPlatform_ *HearthCLPlatform;
typedef struct HearthCLDevice_ *HearthCLDevice;
typedef struct HearthCLContext_ *HearthCLContext;
typedef struct HearthCLQueue_ *HearthCLQueue;
typedef struct HearthCLProgram_ *HearthCLProgram;
typedef struct HearthCLKernel_ *HearthCLKernel;
typedef struct HearthCLEvent_ *HearthCLEvent;

enum {
    HEARTH_CL_DEVICE_TYPE_ALL = 0x7fffffff,
    HEARTH_CL_DEVICE_TYPE_CPU = 1 << 1,
    HEARTH_CL_DEVICE_TYPE = 0x1000,
    HEARTH_CL_COMPUTE_UNITS = 0x1002,
    HEARTH_CL_MAX_WORK_GROUP = 0x1004,
    HEARTH_CL_GLOBAL_CACHE = 0x101E,
    HEARTH_CL_GLOBAL_MEMORY = 0x101F,
    HEARTH_CL_LOCAL_MEMORY = 0x1023,
    HEARTH_CL_NAME = 0x102B,
    HEARTH_CL_VENDOR = 0x102C,
    HEARTH_CL_DOUBLE = 0x1032,
    HEARTH_CL_SVM = 0x1053,
    HEARTH_CL_QUEUE_PROPERTIES = 0x1093,
    HEARTH_CL_QUEUE_PROFILING = 2,
    HEARTH_CL_PROFILING_START = 0x1282,
    HEARTH_CL_PROFILING_END = 0x1283,
    HEARTH_CL_BUILD_LOG = 0x1183,
};

#define HEARTH_OPENCL_FUNCTIONS(X) \
    X(clGetPlatformIDs, HearthCLCode, (uint32_t room, HearthCLPlatform *platforms, uint32_t *count)) \
    X(clGetDeviceIDs, HearthCLCode, (HearthCLPlatform platform, uint64_t type, uint32_t room, HearthCLDevice *devices, uint32_t *count)) \
    X(clGetDeviceInfo, HearthCLCode, (HearthCLDevice device, uint32_t what, size_t room, void *value, size_t *size)) \
    X(clCreateContext, HearthCLContext, (const intptr_t *properties, uint32_t count, const HearthCLDevice *devices, void *notify, void *user, HearthCLCode *code)) \
    X(clReleaseContext, HearthCLCode, (HearthCLContext context)) \
    X(clCreateCommandQueueWithProperties, HearthCLQueue, (HearthCLContext context, HearthCLDevice device, const uint64_t *properties, HearthCLCode *code)) \
    X(clReleaseCommandQueue, HearthCLCode, (HearthCLQueue queue)) \
    X(clFinish, HearthCLCode, (HearthCLQueue queue)) \
    X(clSVMAlloc, void *, (HearthCLContext context, uint64_t flags, size_t bytes, uint32_t alignment)) \
    X(clSVMFree, void, (HearthCLContext context, void *address)) \
    X(clEnqueueSVMMemcpy, HearthCLCode, (HearthCLQueue queue, uint32_t blocks, void *to, const void *from, size_t bytes, uint32_t waits, const HearthCLEvent *wait, HearthCLEvent *event)) \
    X(clEnqueueSVMMemFill, HearthCLCode, (HearthCLQueue queue, void *address, const void *pattern, size_t pattern_bytes, size_t bytes, uint32_t waits, const HearthCLEvent *wait, HearthCLEvent *event)) \
    X(clCreateProgramWithSource, HearthCLProgram, (HearthCLContext context, uint32_t count, const char **texts, const size_t *lengths, HearthCLCode *code)) \
    X(clBuildProgram, HearthCLCode, (HearthCLProgram program, uint32_t count, const HearthCLDevice *devices, const char *options, void *notify, void *user)) \
    X(clGetProgramBuildInfo, HearthCLCode, (HearthCLProgram program, HearthCLDevice device, uint32_t what, size_t room, void *value, size_t *size)) \
    X(clReleaseProgram, HearthCLCode, (HearthCLProgram program)) \
    X(clCreateKernel, HearthCLKernel, (HearthCLProgram program, const char *name, HearthCLCode *code)) \
    X(clReleaseKernel, HearthCLCode, (HearthCLKernel kernel)) \
    X(clSetKernelArg, HearthCLCode, (HearthCLKernel kernel, uint32_t index, size_t bytes, const void *value)) \
    X(clSetKernelArgSVMPointer, HearthCLCode, (HearthCLKernel kernel, uint32_t index, const void *value)) \
    X(clEnqueueNDRangeKernel, HearthCLCode, (HearthCLQueue queue, HearthCLKernel kernel, uint32_t dimensions, const size_t *offset, const size_t *global, const size_t *local, uint32_t waits, const HearthCLEvent *wait, HearthCLEvent *event)) \
    X(clEnqueueMarkerWithWaitList, HearthCLCode, (HearthCLQueue queue, uint32_t waits, const HearthCLEvent *wait, HearthCLEvent *event)) \
    X(clWaitForEvents, HearthCLCode, (uint32_t count, const HearthCLEvent *events)) \
    X(clGetEventProfilingInfo, HearthCLCode, (HearthCLEvent event, uint32_t what, size_t room, void *value, size_t *size)) \
    X(clReleaseEvent, HearthCLCode, (HearthCLEvent event))

#define HEARTH_DECLARE(NAME, RESULT, PARAMETERS) RESULT(*NAME) PARAMETERS;
/// The library's functions; all are there when `hearth_open_opencl` succeeded.
typedef struct {
    HEARTH_OPENCL_FUNCTIONS(HEARTH_DECLARE)
} HearthOpenCL;
#undef HEARTH_DECLARE

/// Opens libOpenCL.so.1. Returns 0, or −1 with one line in `error` when the library or one of its functions is missing.
int hearth_open_opencl(HearthOpenCL *library, char *error, size_t capacity);
