#pragma once
#include <stddef.h>
#include <stdint.h>

// The part of NVIDIA's library of matrix products (libcublasLt) that Hearth calls, as documented in the cuBLAS reference, with
// our own types: nothing of the toolkit is needed to build.

typedef struct HearthLtHandle_ *HearthLtHandle;
typedef struct HearthLtProduct_ *HearthLtProduct;
typedef struct HearthLtLayout_ *HearthLtLayout;
typedef struct HearthLtPreference_ *HearthLtPreference;

/// A proposal (cublasLtMatmulHeuristicResult_t); `algorithm` goes back to the library as it came.
typedef struct {
    uint64_t algorithm[8];
    size_t workspace_bytes;
    int state;
    float waves;
    int reserved[4];
} HearthLtProposal;

enum {
    HEARTH_LT_COMPUTE_32F = 68, HEARTH_LT_COMPUTE_32F_TF32 = 77,
    // cudaDataType.
    HEARTH_LT_F32 = 0, HEARTH_LT_F16 = 2, HEARTH_LT_BF16 = 14,
    // cublasLtMatmulDescAttributes_t; transposes are cublasOperation_t: 0 as it lies, 1 transposed.
    HEARTH_LT_TRANSPOSE_A = 3, HEARTH_LT_TRANSPOSE_B = 4, HEARTH_LT_EPILOGUE = 7, HEARTH_LT_BIAS = 8,
    // cublasLtEpilogue_t.
    HEARTH_LT_EPILOGUE_BIAS = 4,
    // cublasLtMatrixLayoutAttribute_t.
    HEARTH_LT_BATCHES = 5, HEARTH_LT_BATCH_STRIDE = 6,
    // cublasLtMatmulPreferenceAttributes_t; the four alignments follow each other.
    HEARTH_LT_WORKSPACE_BYTES = 1, HEARTH_LT_ALIGNMENT_A = 5,
};

#define HEARTH_LT_FUNCTIONS(X) \
    X(cublasLtGetVersion, size_t, (void)) \
    X(cublasLtCreate, int, (HearthLtHandle * handle)) \
    X(cublasLtDestroy, int, (HearthLtHandle handle)) \
    X(cublasLtMatmulDescCreate, int, (HearthLtProduct * product, int compute, int scale)) \
    X(cublasLtMatmulDescDestroy, int, (HearthLtProduct product)) \
    X(cublasLtMatmulDescSetAttribute, int, (HearthLtProduct product, int attribute, const void *value, size_t bytes)) \
    X(cublasLtMatrixLayoutCreate, int, (HearthLtLayout * layout, int type, uint64_t rows, uint64_t columns, int64_t line)) \
    X(cublasLtMatrixLayoutDestroy, int, (HearthLtLayout layout)) \
    X(cublasLtMatrixLayoutSetAttribute, int, (HearthLtLayout layout, int attribute, const void *value, size_t bytes)) \
    X(cublasLtMatmulPreferenceCreate, int, (HearthLtPreference * preference)) \
    X(cublasLtMatmulPreferenceDestroy, int, (HearthLtPreference preference)) \
    X(cublasLtMatmulPreferenceSetAttribute, int, (HearthLtPreference preference, int attribute, const void *value, size_t bytes)) \
    X(cublasLtMatmulAlgoGetHeuristic, int, (HearthLtHandle handle, HearthLtProduct product, HearthLtLayout a, HearthLtLayout b, HearthLtLayout c, HearthLtLayout d, HearthLtPreference preference, int asked, HearthLtProposal *proposals, int *count)) \
    X(cublasLtMatmul, int, (HearthLtHandle handle, HearthLtProduct product, const void *alpha, const void *a, HearthLtLayout a_layout, const void *b, HearthLtLayout b_layout, const void *beta, const void *c, HearthLtLayout c_layout, void *d, HearthLtLayout d_layout, const void *algorithm, void *workspace, size_t workspace_bytes, void *stream))

#define HEARTH_DECLARE(NAME, RESULT, PARAMETERS) RESULT(*NAME) PARAMETERS;
/// The library's functions; 0 is success.
typedef struct {
    HEARTH_LT_FUNCTIONS(HEARTH_DECLARE)
} HearthCublasLt;
#undef HEARTH_DECLARE

/// Opens the library: that of `path`, or where it is null, the one that the loader finds by its usual names. Returns 0, or −1 with
/// one line in `error`.
int hearth_open_cublaslt(HearthCublasLt *library, const char *path, char *error, size_t capacity);
