#define _GNU_SOURCE
#include "onednn.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The C interface of oneDNN 2 and 3, as its reference documents it, with our own types. Memory descriptors are structs in
// version 2 and objects in version 3; both are passed by address.

typedef struct {
    int major, minor, patch;
    const char *hash;
    unsigned cpu_runtime, gpu_runtime;
} Version;

typedef struct {
    int argument;
    void *memory;
} Argument;

enum {
    ENGINE_CPU = 1,
    TYPE_BF16 = 2,
    TYPE_F32 = 3,
    TAG_ANY = 1,
    QUERY_WEIGHTS = 131,
    ARGUMENT_SOURCE = 1,
    ARGUMENT_RESULT = 17,
    ARGUMENT_WEIGHTS = 33,
    // Room for a struct of version 2: 696 and 2800 bytes in 2.6.
    DESCRIPTION_BYTES = 2048,
    OPERATION_BYTES = 8192,
};

static struct {
    int (*engine_create)(void **, int, size_t);
    int (*stream_create)(void **, void *, unsigned);
    int (*stream_wait)(void *);
    int (*primitive_create)(void **, const void *);
    int (*primitive_destroy)(void *);
    int (*primitive_execute)(const void *, void *, int, const Argument *);
    int (*primitive_desc_destroy)(void *);
    const void *(*primitive_desc_query_md)(const void *, int, int);
    int (*memory_create)(void **, const void *, void *, void *);
    int (*memory_destroy)(void *);
    int (*memory_set_data_handle)(void *, void *);
    size_t (*memory_desc_get_size)(const void *);
    int (*reorder)(void **, const void *, void *, const void *, void *, const void *);
    // Version 2.
    int (*init_by_strides)(void *, int, const int64_t *, int, const int64_t *);
    int (*init_by_tag)(void *, int, const int64_t *, int, int);
    int (*matmul_desc_init)(void *, const void *, const void *, const void *, const void *);
    int (*primitive_desc_create)(void **, const void *, const void *, void *, const void *);
    // Version 3.
    int (*create_with_strides)(void **, int, const int64_t *, int, const int64_t *);
    int (*create_with_tag)(void **, int, const int64_t *, int, int);
    int (*desc_destroy)(void *);
    int (*matmul_primitive_desc_create)(
        void **, void *, const void *, const void *, const void *, const void *, const void *);
    /// Of the OpenMP runtime that it is linked with, if any.
    void (*set_threads)(int);
    void *engine;
    int major;
    char version[32];
} library;

/// A memory descriptor of either version.
typedef struct {
    union {
        char bytes[DESCRIPTION_BYTES];
        void *object;
    };
} Description;

static const void *address(const Description *description) {
    return library.major == 2 ? (const void *)description->bytes : description->object;
}

static int describe(Description *to, int type, int64_t rows, int64_t columns, const int64_t *strides) {
    const int64_t extents[2] = {rows, columns};
    if (library.major == 2) {
        return strides ? library.init_by_strides(to->bytes, 2, extents, type, strides)
                       : library.init_by_tag(to->bytes, 2, extents, type, TAG_ANY);
    }
    return strides ? library.create_with_strides(&to->object, 2, extents, type, strides)
                   : library.create_with_tag(&to->object, 2, extents, type, TAG_ANY);
}

static void forget(Description *description) {
    if (library.major != 2 && description->object) library.desc_destroy(description->object);
}

static int make_matmul(void **made, const void *left, const void *right, const void *result) {
    if (library.major == 2) {
        char operation[OPERATION_BYTES];
        int code = library.matmul_desc_init(operation, left, right, NULL, result);
        return code ? code : library.primitive_desc_create(made, operation, NULL, library.engine, NULL);
    }
    return library.matmul_primitive_desc_create(made, library.engine, left, right, NULL, result, NULL);
}

static int element(const HearthProduct *product) { return product->element == 1 ? TYPE_BF16 : TYPE_F32; }

/// The product for `rows` rows; `right` is the layout of the right operand, or null for oneDNN to choose.
static int make_product(void **made, const HearthProduct *product, int64_t rows, const void *right) {
    Description left, any, result;
    memset(&left, 0, sizeof left);
    memset(&any, 0, sizeof any);
    memset(&result, 0, sizeof result);
    const int64_t left_strides[2] = {product->left_row, 1}, result_strides[2] = {product->result_row, 1};
    int code = describe(&left, element(product), rows, product->depth, left_strides);
    if (!code) code = describe(&result, TYPE_F32, rows, product->columns, result_strides);
    if (!code && !right) code = describe(&any, element(product), product->depth, product->columns, NULL);
    if (!code) code = make_matmul(made, address(&left), right ? right : address(&any), address(&result));
    forget(&left);
    forget(&any);
    forget(&result);
    return code;
}

/// What a thread made for one product. The library's own scratch memory belongs to a primitive, so threads share none.
typedef struct {
    HearthProduct product;
    int64_t rows;
    void *primitive, *left, *right, *result;
} Entry;

enum { ENTRIES = 512 };

typedef struct {
    void *stream;
    int threads_set;
    Entry entries[ENTRIES];
} Thread;

static pthread_key_t threads;

static void end_thread(void *given) {
    Thread *thread = given;
    for (int i = 0; i < ENTRIES; ++i) {
        Entry *entry = &thread->entries[i];
        if (!entry->primitive) continue;
        library.primitive_destroy(entry->primitive);
        library.memory_destroy(entry->left);
        library.memory_destroy(entry->right);
        library.memory_destroy(entry->result);
    }
    free(thread);
}

static Thread *this_thread(void) {
    Thread *thread = pthread_getspecific(threads);
    if (!thread) {
        thread = calloc(1, sizeof *thread);
        if (!thread) return NULL;
        if (library.stream_create(&thread->stream, library.engine, 1)) {
            free(thread);
            return NULL;
        }
        pthread_setspecific(threads, thread);
    }
    // Our own threads share the work; each calls the library alone. The setting is one of the thread.
    if (library.set_threads) library.set_threads(1);
    return thread;
}

static int prepare(Entry *entry, const HearthProduct *product, int64_t rows) {
    void *usual = NULL, *made = NULL;
    // The layout follows from the whole product, so that all slices agree with what `pack` made.
    int code = make_product(&usual, product, product->rows, NULL);
    if (code) return code;
    const void *right = library.primitive_desc_query_md(usual, QUERY_WEIGHTS, 0);
    code = right ? make_product(&made, product, rows, right) : 1;
    Description left, result;
    memset(&left, 0, sizeof left);
    memset(&result, 0, sizeof result);
    const int64_t left_strides[2] = {product->left_row, 1}, result_strides[2] = {product->result_row, 1};
    if (!code) code = describe(&left, element(product), rows, product->depth, left_strides);
    if (!code) code = describe(&result, TYPE_F32, rows, product->columns, result_strides);
    if (!code) code = library.memory_create(&entry->left, address(&left), library.engine, NULL);
    if (!code) code = library.memory_create(&entry->right, right, library.engine, NULL);
    if (!code) code = library.memory_create(&entry->result, address(&result), library.engine, NULL);
    if (!code) code = library.primitive_create(&entry->primitive, made);
    forget(&left);
    forget(&result);
    if (made) library.primitive_desc_destroy(made);
    library.primitive_desc_destroy(usual);
    if (code) entry->primitive = NULL;
    entry->product = *product;
    entry->rows = rows;
    return code;
}

static int32_t multiply(
    const HearthProduct *product, int64_t rows, const void *left, const void *packed, float *result) {
    Thread *thread = this_thread();
    if (!thread) return 101;
    uint64_t hash = (uint64_t)rows * 0x9E3779B97F4A7C15u;
    hash ^= (uint64_t)product->columns * 0xC2B2AE3D27D4EB4Fu ^ (uint64_t)product->depth * 0x165667B19E3779F9u;
    hash ^= (uint64_t)product->left_row * 0x27D4EB2F165667C5u ^ (uint64_t)product->element ^ hash >> 29;
    for (int probe = 0; probe < ENTRIES; ++probe) {
        Entry *entry = &thread->entries[(hash + (uint64_t)probe) % ENTRIES];
        if (!entry->primitive) {
            if (prepare(entry, product, rows)) return 102;
        } else if (entry->rows != rows || memcmp(&entry->product, product, sizeof *product)) {
            continue;
        }
        library.memory_set_data_handle(entry->left, (void *)left);
        library.memory_set_data_handle(entry->right, (void *)packed);
        library.memory_set_data_handle(entry->result, result);
        const Argument arguments[3] = {
            {ARGUMENT_SOURCE, entry->left}, {ARGUMENT_WEIGHTS, entry->right}, {ARGUMENT_RESULT, entry->result}};
        if (library.primitive_execute(entry->primitive, thread->stream, 3, arguments)) return 103;
        return library.stream_wait(thread->stream) ? 104 : 0;
    }
    return 105;
}

static int32_t pack(const HearthProduct *product, const void *right, void *packed, int64_t room) {
    Thread *thread = this_thread();
    if (!thread) return 101;
    void *usual = NULL, *reordering = NULL, *primitive = NULL, *from = NULL, *to = NULL;
    if (make_product(&usual, product, product->rows, NULL)) return 102;
    const void *wanted = library.primitive_desc_query_md(usual, QUERY_WEIGHTS, 0);
    int32_t code = 106;
    Description plain;
    memset(&plain, 0, sizeof plain);
    const int64_t strides[2] = {product->right_depth, product->right_column};
    if (wanted && library.memory_desc_get_size(wanted) <= (size_t)room
        && !describe(&plain, element(product), product->depth, product->columns, strides)
        && !library.reorder(&reordering, address(&plain), library.engine, wanted, library.engine, NULL)
        && !library.primitive_create(&primitive, reordering)
        && !library.memory_create(&from, address(&plain), library.engine, (void *)right)
        && !library.memory_create(&to, wanted, library.engine, packed)) {
        // A reorder's source and result have the numbers of its first operand and result.
        const Argument arguments[2] = {{ARGUMENT_SOURCE, from}, {ARGUMENT_RESULT, to}};
        code = library.primitive_execute(primitive, thread->stream, 2, arguments)
                || library.stream_wait(thread->stream)
            ? 103
            : 0;
    }
    if (from) library.memory_destroy(from);
    if (to) library.memory_destroy(to);
    if (primitive) library.primitive_destroy(primitive);
    if (reordering) library.primitive_desc_destroy(reordering);
    forget(&plain);
    library.primitive_desc_destroy(usual);
    return code;
}

static const HearthLibrary table = {pack, multiply};
static const HearthLibrary *found;

static void *look_up(void *handle, const char *name, int *missing) {
    void *function = dlsym(handle, name);
    if (!function) *missing = 1;
    return function;
}

static void open_library(void) {
    const char *named = getenv("HEARTH_ONEDNN");
    const char *const names[] = {named, "libdnnl.so.3", "libdnnl.so.2"};
    void *handle = NULL;
    if (named && !*named) return;
    for (int i = named ? 0 : 1; i < (named ? 1 : 3) && !handle; ++i) handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!handle) return;
    const Version *(*version)(void) = (const Version *(*)(void))dlsym(handle, "dnnl_version");
    if (!version) return;
    library.major = version()->major;
    if (library.major != 2 && library.major != 3) return;
    int missing = 0;
#define LOOK_UP(FIELD, NAME) *(void **)&library.FIELD = look_up(handle, NAME, &missing)
    LOOK_UP(engine_create, "dnnl_engine_create");
    LOOK_UP(stream_create, "dnnl_stream_create");
    LOOK_UP(stream_wait, "dnnl_stream_wait");
    LOOK_UP(primitive_create, "dnnl_primitive_create");
    LOOK_UP(primitive_destroy, "dnnl_primitive_destroy");
    LOOK_UP(primitive_execute, "dnnl_primitive_execute");
    LOOK_UP(primitive_desc_destroy, "dnnl_primitive_desc_destroy");
    LOOK_UP(primitive_desc_query_md, "dnnl_primitive_desc_query_md");
    LOOK_UP(memory_create, "dnnl_memory_create");
    LOOK_UP(memory_destroy, "dnnl_memory_destroy");
    LOOK_UP(memory_set_data_handle, "dnnl_memory_set_data_handle");
    LOOK_UP(memory_desc_get_size, "dnnl_memory_desc_get_size");
    LOOK_UP(reorder, "dnnl_reorder_primitive_desc_create");
    if (library.major == 2) {
        LOOK_UP(init_by_strides, "dnnl_memory_desc_init_by_strides");
        LOOK_UP(init_by_tag, "dnnl_memory_desc_init_by_tag");
        LOOK_UP(matmul_desc_init, "dnnl_matmul_desc_init");
        LOOK_UP(primitive_desc_create, "dnnl_primitive_desc_create");
    } else {
        LOOK_UP(create_with_strides, "dnnl_memory_desc_create_with_strides");
        LOOK_UP(create_with_tag, "dnnl_memory_desc_create_with_tag");
        LOOK_UP(desc_destroy, "dnnl_memory_desc_destroy");
        LOOK_UP(matmul_primitive_desc_create, "dnnl_matmul_primitive_desc_create");
    }
#undef LOOK_UP
    // The runtime is among what the library brought along.
    *(void **)&library.set_threads = dlsym(handle, "omp_set_num_threads");
    if (missing || library.engine_create(&library.engine, ENGINE_CPU, 0) || pthread_key_create(&threads, end_thread)) {
        return;
    }
    snprintf(
        library.version, sizeof library.version, "%d.%d.%d", version()->major, version()->minor, version()->patch);
    found = &table;
}

const HearthLibrary *hearth_onednn(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_library);
    return found;
}

const char *hearth_onednn_version(void) { return hearth_onednn() ? library.version : ""; }
