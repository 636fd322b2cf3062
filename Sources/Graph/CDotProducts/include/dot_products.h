#pragma once
#include <stdint.h>

/// `result[i, j] = Σ_k left[i, k] × right[j, k]` for contiguous `left` `[rows, length]`, `right` `[columns, length]` and `result`
/// `[rows, columns]`; every product is summed in order with fused multiply-adds, in double.
void hearth_dot_products_f64(
    const double *left, int64_t rows, const double *right, int64_t columns, int64_t length, double *result);

/// The same of operands that are f32 numbers, summed in f32.
void hearth_dot_products_f32(
    const double *left, int64_t rows, const double *right, int64_t columns, int64_t length, double *result);
