// A library of convolutions that computes graphs of operations on memory of the host, when a plan is executed; FAKE_CUDA names a
// fault. Objects keep what is set; what is missing or contradictory is refused when an object is finished.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cudnn_library.h"

typedef struct { int name, type, count; char bytes[128]; } Attribute;
typedef struct { int type, finished, count; Attribute attributes[16]; } Object;
static const int sizes[] = {8, 4, 1, 8, 4, 8, 8, 4, 4, 4, 4, 4, 4, 4, 4, 8};

static int is(const char *mode) {
    const char *set = getenv("FAKE_CUDA");
    return set && !strcmp(set, mode);
}

static float load(const void *at, int64_t index, int type) {
    if (type == HEARTH_DNN_F32) return ((const float *)at)[index];
    if (type == HEARTH_DNN_F16) return (float)((const _Float16 *)at)[index];
    uint32_t bits = (uint32_t)((const uint16_t *)at)[index] << 16;
    float value;
    return memcpy(&value, &bits, 4), value;
}

static void store(void *at, int64_t index, int type, float value) {
    if (type == HEARTH_DNN_F32) ((float *)at)[index] = value;
    else if (type == HEARTH_DNN_F16) ((_Float16 *)at)[index] = (_Float16)value;
    else {
        uint32_t bits;
        memcpy(&bits, &value, 4);
        ((uint16_t *)at)[index] = (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }
}

static const Attribute *find(const Object *object, int name) {
    for (int i = 0; i < object->count; ++i)
        if (object->attributes[i].name == name) return &object->attributes[i];
    return 0;
}
static Object *object_of(const Object *object, int name, int place) {
    const Attribute *found = find(object, name);
    return found && found->type == HEARTH_DNN_TYPE_OBJECT && place < found->count ? ((Object **)found->bytes)[place] : 0;
}
static const int64_t *integers(const Object *object, int name) {
    const Attribute *found = find(object, name);
    return found && found->type == HEARTH_DNN_TYPE_INT64 ? (const int64_t *)found->bytes : 0;
}
static int number(const Object *object, int name) {
    const Attribute *found = find(object, name);
    return found ? *(const int *)found->bytes : -1;
}

/// Axes of a tensor but for images and channels: two, or three of volumes.
static int axes_of(const Object *tensor) { return find(tensor, HEARTH_DNN_TENSOR_EXTENTS)->count - 2; }
static int64_t elements_of(const Object *tensor) {
    int64_t count = 1;
    for (int i = 0; i < axes_of(tensor) + 2; ++i) count *= integers(tensor, HEARTH_DNN_TENSOR_EXTENTS)[i];
    return count;
}

size_t cudnnGetVersion(void) { return 92400; }
const char *cudnnGetErrorString(int status) { return "CUDNN_STATUS as the test wants it"; }
int cudnnCreate(HearthDnnHandle *handle) { return *handle = (HearthDnnHandle)handle, 0; }
int cudnnDestroy(HearthDnnHandle handle) { return 0; }
int cudnnSetStream(HearthDnnHandle handle, void *stream) { return handle ? 0 : 2000; }
int cudnnBackendCreateDescriptor(int type, HearthDnnObject *object) {
    Object *made = calloc(1, sizeof *made);
    made->type = type;
    return *object = made, 0;
}
int cudnnBackendDestroyDescriptor(HearthDnnObject object) { return free(object), 0; }
int cudnnBackendSetAttribute(HearthDnnObject to, int name, int type, int64_t count, const void *values) {
    Object *object = to;
    if (object->finished || object->count == 16 || type < 0 || type > 15 || count * sizes[type] > 128) return 2000;
    // Attributes of a kind of object have numbers of their own.
    static const int first[][2] = {
        {HEARTH_DNN_POINTWISE, 0}, {HEARTH_DNN_CONVOLUTION, 100}, {HEARTH_DNN_HEURISTICS, 200}, {HEARTH_DNN_PLAN, 400},
        {HEARTH_DNN_CONVOLUTION_FORWARD, 700}, {HEARTH_DNN_POINTWISE_OPERATION, 750}, {HEARTH_DNN_GRAPH, 800},
        {HEARTH_DNN_TENSOR, 900}, {HEARTH_DNN_VARIANT_PACK, 1000}};
    int known = 0;
    for (int i = 0; i < 9; ++i) known |= first[i][0] == object->type && name >= first[i][1] && name < first[i][1] + 20;
    if (!known) return 2000;
    if (type == HEARTH_DNN_TYPE_OBJECT)
        for (int64_t i = 0; i < count; ++i)
            if (!((Object *const *)values)[i]->finished) return 2000;
    Attribute *attribute = &object->attributes[object->count++];
    attribute->name = name, attribute->type = type, attribute->count = (int)count;
    memcpy(attribute->bytes, values, (size_t)(count * sizes[type]));
    return 0;
}
int cudnnBackendFinalize(HearthDnnObject of) {
    Object *object = of;
    switch (object->type) {
    case HEARTH_DNN_TENSOR:
        if (!integers(object, HEARTH_DNN_TENSOR_EXTENTS) || !integers(object, HEARTH_DNN_TENSOR_STRIDES) ||
            !integers(object, HEARTH_DNN_TENSOR_ID) || number(object, HEARTH_DNN_TENSOR_TYPE) < 0)
            return 2000;
        break;
    case HEARTH_DNN_CONVOLUTION:
        if (number(object, HEARTH_DNN_CONVOLUTION_MODE) != HEARTH_DNN_CROSS_CORRELATION ||
            number(object, HEARTH_DNN_CONVOLUTION_TYPE) != HEARTH_DNN_F32)
            return 2000;
        for (int name = HEARTH_DNN_CONVOLUTION_DILATIONS, last = HEARTH_DNN_CONVOLUTION_PADDING_BEFORE; name <= last; ++name)
            if (find(object, name)->count != *integers(object, HEARTH_DNN_CONVOLUTION_AXES)) return 2000;
        break;
    case HEARTH_DNN_CONVOLUTION_FORWARD: {
        const Object *c = object_of(object, HEARTH_DNN_FORWARD_CONVOLUTION, 0);
        const int64_t *x = integers(object_of(object, HEARTH_DNN_FORWARD_IMAGE, 0), HEARTH_DNN_TENSOR_EXTENTS);
        const int64_t *w = integers(object_of(object, HEARTH_DNN_FORWARD_FILTER, 0), HEARTH_DNN_TENSOR_EXTENTS);
        const int64_t *y = integers(object_of(object, HEARTH_DNN_FORWARD_RESULT, 0), HEARTH_DNN_TENSOR_EXTENTS);
        if (x[0] != y[0] || x[1] != w[1] || w[0] != y[1]) return 2000;
        const int axes = axes_of(object_of(object, HEARTH_DNN_FORWARD_RESULT, 0));
        if (axes != *integers(c, HEARTH_DNN_CONVOLUTION_AXES) || axes < 2 || axes > 3) return 2000;
        for (int a = 0; a < axes; ++a) {
            int64_t inside = x[2 + a] + integers(c, HEARTH_DNN_CONVOLUTION_PADDING_BEFORE)[a] +
                             integers(c, HEARTH_DNN_CONVOLUTION_PADDING_AFTER)[a];
            int64_t reach = (w[2 + a] - 1) * integers(c, HEARTH_DNN_CONVOLUTION_DILATIONS)[a] + 1;
            if ((inside - reach) / integers(c, HEARTH_DNN_CONVOLUTION_STRIDES)[a] + 1 != y[2 + a]) return 2000;
        }
        break;
    }
    case HEARTH_DNN_GRAPH:
    case HEARTH_DNN_PLAN:
        if (!find(object, object->type == HEARTH_DNN_GRAPH ? HEARTH_DNN_GRAPH_HANDLE : HEARTH_DNN_PLAN_HANDLE)) return 2000;
    }
    return object->finished = 1, 0;
}
int cudnnBackendGetAttribute(HearthDnnObject of, int name, int type, int64_t asked, int64_t *count, void *values) {
    Object *object = of;
    if (!object->finished) return 2000;
    if (object->type == HEARTH_DNN_PLAN && name == HEARTH_DNN_PLAN_WORKSPACE)
        return *count = 1, *(int64_t *)values = is("greedy") ? (int64_t)1 << 40 : 64, 0;
    if (object->type != HEARTH_DNN_HEURISTICS || name != HEARTH_DNN_HEURISTICS_RESULTS) return 2000;
    *count = is("unproposed") ? 0 : asked < 2 ? asked : 2;
    for (int64_t i = 0; i < *count; ++i) {
        Object *configuration = ((Object **)values)[i];
        if (configuration->type != HEARTH_DNN_ENGINE_CONFIGURATION) return 2000;
        // Keeps the graph that it is for.
        configuration->attributes[configuration->count++] = *find(object, HEARTH_DNN_HEURISTICS_GRAPH);
        configuration->finished = 1;
    }
    return 0;
}

/// Memory of a tensor by its number; virtual ones get some that holds f32 numbers.
typedef struct { int64_t ids[16]; char *pointers[16]; int count, owned[16]; } Memory;
static char *memory_of(Memory *memory, const Object *tensor) {
    int64_t id = *integers(tensor, HEARTH_DNN_TENSOR_ID);
    for (int i = 0; i < memory->count; ++i)
        if (memory->ids[i] == id) return memory->pointers[i];
    const Attribute *is_virtual = find(tensor, HEARTH_DNN_TENSOR_IS_VIRTUAL);
    if (!is_virtual || !is_virtual->bytes[0] || number(tensor, HEARTH_DNN_TENSOR_TYPE) != HEARTH_DNN_F32) return 0;
    memory->ids[memory->count] = id, memory->owned[memory->count] = 1;
    return memory->pointers[memory->count++] = malloc((size_t)elements_of(tensor) * 4);
}
static float at(const Object *tensor, const char *memory, const int64_t *place) {
    const int64_t *e = integers(tensor, HEARTH_DNN_TENSOR_EXTENTS), *s = integers(tensor, HEARTH_DNN_TENSOR_STRIDES);
    int64_t index = 0;
    for (int i = 0; i < axes_of(tensor) + 2; ++i) {
        if (place[i] < 0 || (place[i] >= e[i] && e[i] != 1)) return 0;
        index += e[i] == 1 ? 0 : place[i] * s[i];
    }
    return load(memory, index, number(tensor, HEARTH_DNN_TENSOR_TYPE));
}
int cudnnBackendExecute(HearthDnnHandle handle, HearthDnnObject plan, HearthDnnObject pack) {
    const Attribute *ids = find(pack, HEARTH_DNN_PACK_IDS), *pointers = find(pack, HEARTH_DNN_PACK_POINTERS);
    const Attribute *workspace = find(pack, HEARTH_DNN_PACK_WORKSPACE);
    static int calls;
    if (is("cold") && !calls++) return 5000;
    if (!handle || !ids || !pointers || ids->count != pointers->count || !workspace || !*(void *const *)workspace->bytes) return 2000;
    Memory memory = {.count = ids->count};
    memcpy(memory.ids, ids->bytes, (size_t)ids->count * 8);
    memcpy(memory.pointers, pointers->bytes, (size_t)ids->count * 8);
    for (int i = 0; i < ids->count; ++i)
        if ((uintptr_t)memory.pointers[i] % 16) return 2000;
    const Object *graph = object_of(object_of(plan, HEARTH_DNN_PLAN_CONFIGURATION, 0), HEARTH_DNN_HEURISTICS_GRAPH, 0);
    for (int o = 0; o < find(graph, HEARTH_DNN_GRAPH_OPERATIONS)->count; ++o) {
        const Object *op = object_of(graph, HEARTH_DNN_GRAPH_OPERATIONS, o);
        const int convolves = op->type == HEARTH_DNN_CONVOLUTION_FORWARD;
        const Object *x = object_of(op, convolves ? HEARTH_DNN_FORWARD_IMAGE : HEARTH_DNN_OPERATION_X, 0);
        const Object *w = object_of(op, convolves ? HEARTH_DNN_FORWARD_FILTER : HEARTH_DNN_OPERATION_B, 0);
        const Object *y = object_of(op, convolves ? HEARTH_DNN_FORWARD_RESULT : HEARTH_DNN_OPERATION_Y, 0);
        char *xm = memory_of(&memory, x), *wm = w ? memory_of(&memory, w) : 0, *ym = memory_of(&memory, y);
        if (!xm || !ym || (w && !wm)) return 2000;
        const int64_t *e = integers(y, HEARTH_DNN_TENSOR_EXTENTS), *s = integers(y, HEARTH_DNN_TENSOR_STRIDES);
        const Object *c = convolves ? object_of(op, HEARTH_DNN_FORWARD_CONVOLUTION, 0) : 0;
        const int64_t *we = w ? integers(w, HEARTH_DNN_TENSOR_EXTENTS) : 0;
        const int mode = convolves ? 0 : number(object_of(op, HEARTH_DNN_OPERATION_POINTWISE, 0), HEARTH_DNN_POINTWISE_MODE);
        const int axes = axes_of(y);
        for (int64_t number_of = 0; number_of < elements_of(y); ++number_of) {
            int64_t place[5], rest = number_of, to = 0;
            for (int a = axes + 1; a >= 0; rest /= e[a--]) place[a] = rest % e[a], to += place[a] * s[a];
            float sum = convolves ? 0 : at(x, xm, place);
            if (!convolves && mode == HEARTH_DNN_ADD) sum += at(w, wm, place);
            if (!convolves && mode == HEARTH_DNN_MULTIPLY) sum *= at(w, wm, place);
            if (!convolves && mode == HEARTH_DNN_RELU && sum < 0) sum = 0;
            for (int64_t q = 0; convolves && q < elements_of(w) / we[0]; ++q) {
                int64_t from[5] = {place[0], q % we[1]}, by[5] = {place[1], q % we[1]}, left = q / we[1];
                for (int a = axes - 1; a >= 0; left /= we[2 + a--]) {
                    by[2 + a] = left % we[2 + a];
                    from[2 + a] = place[2 + a] * integers(c, HEARTH_DNN_CONVOLUTION_STRIDES)[a] +
                                  by[2 + a] * integers(c, HEARTH_DNN_CONVOLUTION_DILATIONS)[a] -
                                  integers(c, HEARTH_DNN_CONVOLUTION_PADDING_BEFORE)[a];
                }
                int inside = 1;
                for (int a = 2; a < axes + 2; ++a)
                    inside &= from[a] >= 0 && from[a] < integers(x, HEARTH_DNN_TENSOR_EXTENTS)[a];
                if (inside) sum += at(x, xm, from) * at(w, wm, by);
            }
            store(ym, to, number(y, HEARTH_DNN_TENSOR_TYPE), sum);
        }
    }
    for (int i = 0; i < memory.count; ++i)
        if (memory.owned[i]) free(memory.pointers[i]);
    return 0;
}
