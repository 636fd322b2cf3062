#pragma once
#include <stddef.h>
#include <stdint.h>

/// A matrix product `result[rows, columns] = left[rows, depth] · right[depth, columns]`, summed in f32. Generated kernels
/// declare the same struct; distances are in elements.
typedef struct {
    int64_t rows;
    int64_t columns;
    int64_t depth;
    /// Distance between rows of the left operand, whose depth is contiguous.
    int64_t left_row;
    /// Distances in the right operand as it comes.
    int64_t right_depth;
    int64_t right_column;
    /// Distance between rows of the result.
    int64_t result_row;
    /// 0: f32, 1: bf16.
    int32_t element;
    int32_t unused;
} HearthProduct;

/// What a generated kernel may call: a table that its caller hands over. Both functions return 0, or an error code. They use
/// the calling thread alone.
typedef struct {
    /// Lays the right operand out as `multiply` wants it, in `room` bytes.
    int32_t (*pack)(const HearthProduct *product, const void *right, void *packed, int64_t room);
    /// Multiplies `rows` rows with a right operand packed for the same product.
    int32_t (*multiply)(
        const HearthProduct *product, int64_t rows, const void *left, const void *packed, float *result);
} HearthLibrary;

/// oneDNN (version 2 or 3, opened by `dlopen`; `HEARTH_ONEDNN` names another file), or null where there is none.
const HearthLibrary *hearth_onednn(void);

/// Its version, such as 2.6.3; empty where there is none.
const char *hearth_onednn_version(void);
