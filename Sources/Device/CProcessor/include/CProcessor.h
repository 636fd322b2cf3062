#pragma once
#include <stdint.h>

/// Bits of `HearthProcessor.features`. A bit is set when the processor has the instructions and the system lets this
/// process use their registers.
typedef enum : uint32_t {
    HEARTH_HAS_SSE42 = 1 << 0,
    HEARTH_HAS_AVX = 1 << 1,
    HEARTH_HAS_F16C = 1 << 2,
    HEARTH_HAS_FMA = 1 << 3,
    HEARTH_HAS_AVX2 = 1 << 4,
    HEARTH_HAS_AVXVNNI = 1 << 5,
    HEARTH_HAS_AVX512F = 1 << 6,
    HEARTH_HAS_AVX512BW = 1 << 7,
    HEARTH_HAS_AVX512VL = 1 << 8,
    HEARTH_HAS_AVX512DQ = 1 << 9,
    HEARTH_HAS_AVX512CD = 1 << 10,
    HEARTH_HAS_AVX512VBMI = 1 << 11,
    HEARTH_HAS_AVX512VNNI = 1 << 12,
    HEARTH_HAS_AVX512BF16 = 1 << 13,
    HEARTH_HAS_AVX512FP16 = 1 << 14,
    HEARTH_HAS_AMX_TILE = 1 << 15,
    HEARTH_HAS_AMX_BF16 = 1 << 16,
    HEARTH_HAS_AMX_INT8 = 1 << 17,
    HEARTH_HAS_AMX_FP16 = 1 << 18,
    HEARTH_HAS_NEON = 1 << 19,
    HEARTH_HAS_BMI2 = 1 << 20,
} HearthFeature;

/// What the processor says of itself.
typedef struct {
    char vendor[16];
    char model[64];
    uint32_t features;
    /// Bytes; 0 when unknown.
    int64_t l1_data, l2, l3;
    /// Logical CPUs that share one last-level cache; 0 when unknown.
    int32_t l3_shared_by;
    /// Bytes that the process may use: physical memory, limited by the control group.
    int64_t memory;
} HearthProcessor;

/// Asks the processor and the system. Requests permission for AMX tile registers, which the kernel grants a process once.
void hearth_processor(HearthProcessor *out);

/// Measurement kernels, with the signature that the thread pool runs. `dims[0]` is a repeat count.
///
/// Reads `dims[1]` bytes at `buffers[0]`, each part its share; `dims[2]` holds the features.
int32_t hearth_measure_read(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts);

/// A measurement of arithmetic: the kernel, and operations (a multiply-add counts two) per repeat and part.
typedef struct {
    int32_t (*kernel)(void *const *, const int64_t *, void *, int32_t, int32_t);
    int64_t operations;
} HearthArithmetic;

/// Multiply-adds of fp32 on the widest vectors in `features`.
HearthArithmetic hearth_measure_fp32(uint32_t features);
/// Products of bf16 summed in fp32 by AMX or AVX-512; the kernel is null where there is neither.
HearthArithmetic hearth_measure_bf16(uint32_t features);
/// Products of int8 summed in int32 by AMX, AVX-512 or AVX VNNI; the kernel is null where there is none.
HearthArithmetic hearth_measure_int8(uint32_t features);

/// A descriptor of a file that exists only in memory, closed on exec; -1 with errno set on failure.
int hearth_anonymous_file(const char *name);
