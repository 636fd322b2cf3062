#pragma once
#include <stdint.h>

/// `result[i, j] = Σ_k left[i, k] × right[j, k]` for contiguous `left` `[rows, length]` and `right` `[columns, length]`, and `result`
/// `[rows, columns]` whose rows are `distance` elements apart; every product is summed in order with fused multiply-adds, in double.
/// Runs on the calling thread.
void hearth_dot_products_f64(
    const double *left, int64_t rows, const double *right, int64_t columns, int64_t length, double *result, int64_t distance);

/// The same of operands that are f32 numbers, summed in f32.
void hearth_dot_products_f32(
    const double *left, int64_t rows, const double *right, int64_t columns, int64_t length, double *result, int64_t distance);
