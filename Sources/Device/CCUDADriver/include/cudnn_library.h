#pragma once
#include <stddef.h>
#include <stdint.h>

// The part of NVIDIA's library of convolutions (libcudnn, version 9) that Hearth calls: its graphs of operations, as documented in the
// cuDNN backend reference, with our own types; nothing of the toolkit is needed to build.

typedef struct HearthDnnHandle_ *HearthDnnHandle;
typedef void *HearthDnnObject;

enum {
    // cudnnBackendDescriptorType_t.
    HEARTH_DNN_POINTWISE = 0, HEARTH_DNN_CONVOLUTION = 1, HEARTH_DNN_ENGINE_CONFIGURATION = 3, HEARTH_DNN_HEURISTICS = 4,
    HEARTH_DNN_PLAN = 5, HEARTH_DNN_CONVOLUTION_FORWARD = 10, HEARTH_DNN_POINTWISE_OPERATION = 13, HEARTH_DNN_GRAPH = 15,
    HEARTH_DNN_VARIANT_PACK = 16, HEARTH_DNN_TENSOR = 17,
    // cudnnBackendAttributeType_t.
    HEARTH_DNN_TYPE_HANDLE = 0, HEARTH_DNN_TYPE_DATA_TYPE = 1, HEARTH_DNN_TYPE_BOOLEAN = 2, HEARTH_DNN_TYPE_INT64 = 3,
    HEARTH_DNN_TYPE_FLOAT = 4, HEARTH_DNN_TYPE_POINTER = 6, HEARTH_DNN_TYPE_CONVOLUTION_MODE = 7,
    HEARTH_DNN_TYPE_HEURISTIC_MODE = 8, HEARTH_DNN_TYPE_NAN_PROPAGATION = 10, HEARTH_DNN_TYPE_POINTWISE_MODE = 14,
    HEARTH_DNN_TYPE_OBJECT = 15,
    // cudnnDataType_t, cudnnConvolutionMode_t, cudnnPointwiseMode_t, cudnnBackendHeurMode_t.
    HEARTH_DNN_F32 = 0, HEARTH_DNN_F16 = 2, HEARTH_DNN_BF16 = 9, HEARTH_DNN_CROSS_CORRELATION = 1, HEARTH_DNN_ADD = 0, HEARTH_DNN_MULTIPLY = 1,
    HEARTH_DNN_RELU = 100, HEARTH_DNN_HEURISTICS_A = 3, HEARTH_DNN_HEURISTICS_FALLBACK = 2,
    // cudnnBackendAttributeName_t.
    HEARTH_DNN_POINTWISE_MODE = 0, HEARTH_DNN_POINTWISE_PRECISION = 1, HEARTH_DNN_POINTWISE_NAN = 2,
    HEARTH_DNN_CONVOLUTION_TYPE = 100, HEARTH_DNN_CONVOLUTION_MODE = 101, HEARTH_DNN_CONVOLUTION_DILATIONS = 102,
    HEARTH_DNN_CONVOLUTION_STRIDES = 103, HEARTH_DNN_CONVOLUTION_PADDING_AFTER = 104,
    HEARTH_DNN_CONVOLUTION_PADDING_BEFORE = 105, HEARTH_DNN_CONVOLUTION_AXES = 106,
    HEARTH_DNN_HEURISTICS_MODE = 200, HEARTH_DNN_HEURISTICS_GRAPH = 201, HEARTH_DNN_HEURISTICS_RESULTS = 202,
    HEARTH_DNN_PLAN_HANDLE = 400, HEARTH_DNN_PLAN_CONFIGURATION = 401, HEARTH_DNN_PLAN_WORKSPACE = 402,
    HEARTH_DNN_FORWARD_ALPHA = 700, HEARTH_DNN_FORWARD_BETA = 701, HEARTH_DNN_FORWARD_CONVOLUTION = 702,
    HEARTH_DNN_FORWARD_FILTER = 703, HEARTH_DNN_FORWARD_IMAGE = 704, HEARTH_DNN_FORWARD_RESULT = 705,
    HEARTH_DNN_OPERATION_POINTWISE = 750, HEARTH_DNN_OPERATION_X = 751, HEARTH_DNN_OPERATION_B = 752,
    HEARTH_DNN_OPERATION_Y = 753,
    HEARTH_DNN_GRAPH_HANDLE = 800, HEARTH_DNN_GRAPH_OPERATIONS = 801,
    HEARTH_DNN_TENSOR_ALIGNMENT = 900, HEARTH_DNN_TENSOR_TYPE = 901, HEARTH_DNN_TENSOR_EXTENTS = 902,
    HEARTH_DNN_TENSOR_STRIDES = 903, HEARTH_DNN_TENSOR_ID = 906, HEARTH_DNN_TENSOR_IS_VIRTUAL = 907,
    HEARTH_DNN_PACK_IDS = 1000, HEARTH_DNN_PACK_POINTERS = 1001, HEARTH_DNN_PACK_WORKSPACE = 1003,
};

#define HEARTH_DNN_FUNCTIONS(X) \
    X(cudnnGetVersion, size_t, (void)) \
    X(cudnnGetErrorString, const char *, (int status)) \
    X(cudnnCreate, int, (HearthDnnHandle * handle)) \
    X(cudnnDestroy, int, (HearthDnnHandle handle)) \
    X(cudnnSetStream, int, (HearthDnnHandle handle, void *stream)) \
    X(cudnnBackendCreateDescriptor, int, (int type, HearthDnnObject *object)) \
    X(cudnnBackendDestroyDescriptor, int, (HearthDnnObject object)) \
    X(cudnnBackendSetAttribute, int, (HearthDnnObject object, int name, int type, int64_t count, const void *values)) \
    X(cudnnBackendGetAttribute, int, (HearthDnnObject object, int name, int type, int64_t asked, int64_t *count, void *values)) \
    X(cudnnBackendFinalize, int, (HearthDnnObject object)) \
    X(cudnnBackendExecute, int, (HearthDnnHandle handle, HearthDnnObject plan, HearthDnnObject pack))

#define HEARTH_DECLARE(NAME, RESULT, PARAMETERS) RESULT(*NAME) PARAMETERS;
/// The library's functions; 0 is success.
typedef struct {
    HEARTH_DNN_FUNCTIONS(HEARTH_DECLARE)
} HearthCudnn;
#undef HEARTH_DECLARE

/// Opens the library: that of `path`, or where it is null, the one that the loader finds by its usual name. Returns 0, or −1 with
/// one line in `error`.
int hearth_open_cudnn(HearthCudnn *library, const char *path, char *error, size_t capacity);
