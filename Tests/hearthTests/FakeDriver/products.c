// A library of matrix products that computes on memory of the host, when a product is started; FAKE_CUDA names a fault.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cublaslt_library.h"

struct HearthLtProduct_ { int transpose_a, transpose_b, epilogue; const void *bias; };
struct HearthLtLayout_ { int type, batches; uint64_t rows, columns; int64_t line, stride; };

static int is(const char *mode) {
    const char *set = getenv("FAKE_CUDA");
    return set && !strcmp(set, mode);
}

static float load(const void *at, int64_t index, int type) {
    if (type == HEARTH_LT_F32) return ((const float *)at)[index];
    if (type == HEARTH_LT_F16) return (float)((const _Float16 *)at)[index];
    uint32_t bits = (uint32_t)((const uint16_t *)at)[index] << 16;
    float value;
    return memcpy(&value, &bits, 4), value;
}

static void store(void *at, int64_t index, int type, float value) {
    if (type == HEARTH_LT_F32) ((float *)at)[index] = value;
    else if (type == HEARTH_LT_F16) ((_Float16 *)at)[index] = (_Float16)value;
    else {
        uint32_t bits;
        memcpy(&bits, &value, 4);
        ((uint16_t *)at)[index] = (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }
}

size_t cublasLtGetVersion(void) { return 130100; }
int cublasLtCreate(HearthLtHandle *handle) { return *handle = (HearthLtHandle)handle, is("uncreated") ? 1 : 0; }
int cublasLtDestroy(HearthLtHandle handle) { return 0; }
int cublasLtMatmulDescCreate(HearthLtProduct *product, int compute, int scale) {
    *product = calloc(1, sizeof **product);
    return compute == HEARTH_LT_COMPUTE_32F && scale == HEARTH_LT_F32 ? 0 : 15;
}
int cublasLtMatmulDescDestroy(HearthLtProduct product) { return free(product), 0; }
int cublasLtMatmulDescSetAttribute(HearthLtProduct product, int attribute, const void *value, size_t bytes) {
    if (attribute == HEARTH_LT_BIAS && bytes == 8) memcpy(&product->bias, value, 8);
    else if (attribute == HEARTH_LT_TRANSPOSE_A && bytes == 4) memcpy(&product->transpose_a, value, 4);
    else if (attribute == HEARTH_LT_TRANSPOSE_B && bytes == 4) memcpy(&product->transpose_b, value, 4);
    else if (attribute == HEARTH_LT_EPILOGUE && bytes == 4) memcpy(&product->epilogue, value, 4);
    else return 7;
    return 0;
}
int cublasLtMatrixLayoutCreate(HearthLtLayout *layout, int type, uint64_t rows, uint64_t columns, int64_t line) {
    if (line < (int64_t)rows) return 7;
    *layout = calloc(1, sizeof **layout);
    **layout = (struct HearthLtLayout_){type, 1, rows, columns, line, 0};
    return 0;
}
int cublasLtMatrixLayoutDestroy(HearthLtLayout layout) { return free(layout), 0; }
int cublasLtMatrixLayoutSetAttribute(HearthLtLayout layout, int attribute, const void *value, size_t bytes) {
    if (attribute == HEARTH_LT_BATCHES && bytes == 4) memcpy(&layout->batches, value, 4);
    else if (attribute == HEARTH_LT_BATCH_STRIDE && bytes == 8) memcpy(&layout->stride, value, 8);
    else return 7;
    return 0;
}
int cublasLtMatmulPreferenceCreate(HearthLtPreference *preference) { return *preference = (HearthLtPreference)preference, 0; }
int cublasLtMatmulPreferenceDestroy(HearthLtPreference preference) { return 0; }
int cublasLtMatmulPreferenceSetAttribute(HearthLtPreference preference, int attribute, const void *value, size_t bytes) {
    return attribute == HEARTH_LT_WORKSPACE_BYTES ? bytes != 8 : attribute < HEARTH_LT_ALIGNMENT_A || attribute > 8 || bytes != 4;
}
int cublasLtMatmulAlgoGetHeuristic(
    HearthLtHandle handle, HearthLtProduct product, HearthLtLayout a, HearthLtLayout b, HearthLtLayout c, HearthLtLayout d,
    HearthLtPreference preference, int asked, HearthLtProposal *proposals, int *count) {
    *count = is("unproposed") ? 0 : asked < 2 ? asked : 2;
    for (int i = 0; i < *count; ++i) proposals[i] = (HearthLtProposal){{(uint64_t)i + 7}, 0, 0, 1, {0}};
    return 0;
}
int cublasLtMatmul(
    HearthLtHandle handle, HearthLtProduct product, const void *alpha, const void *a, HearthLtLayout al, const void *b,
    HearthLtLayout bl, const void *beta, const void *c, HearthLtLayout cl, void *d, HearthLtLayout dl, const void *algorithm,
    void *workspace, size_t workspace_bytes, void *stream) {
    // A library whose kernels are not loaded yet.
    static int calls;
    if (is("cold") && !calls++) return 14;
    // What an H200 once answered; rows here are the caller's columns.
    if (is("products refused") || (is("wide refused") && dl->rows == 256)) return 7;
    if (((const uint64_t *)algorithm)[0] < 7 || *(const float *)alpha != 1 || (*(const float *)beta != 0 && *(const float *)beta != 1) || !workspace) return 7;
    // What it was told of alignment holds.
    if (((uintptr_t)a | (uintptr_t)b | (uintptr_t)c | (uintptr_t)d | (uintptr_t)product->bias) % 16) return 7;
    int64_t depth = (int64_t)(product->transpose_a ? al->rows : al->columns);
    if (depth != (int64_t)(product->transpose_b ? bl->columns : bl->rows)) return 7;
    if ((product->transpose_a ? al->columns : al->rows) != dl->rows) return 7;
    if ((product->transpose_b ? bl->rows : bl->columns) != dl->columns) return 7;
    for (int batch = 0; batch < dl->batches; ++batch)
        for (int64_t i = 0; i < (int64_t)dl->rows; ++i)
            for (int64_t j = 0; j < (int64_t)dl->columns; ++j) {
                float sum = product->epilogue == HEARTH_LT_EPILOGUE_BIAS ? load(product->bias, i, dl->type) : 0;
                for (int64_t k = 0; k < depth; ++k)
                    sum += load(a, batch * al->stride + (product->transpose_a ? i * al->line + k : k * al->line + i), al->type) *
                           load(b, batch * bl->stride + (product->transpose_b ? k * bl->line + j : j * bl->line + k), bl->type);
                if (*(const float *)beta == 1) sum += load(c, batch * cl->stride + j * cl->line + i, cl->type);
                store(d, batch * dl->stride + j * dl->line + i, dl->type, sum);
            }
    return 0;
}
