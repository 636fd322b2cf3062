#define _GNU_SOURCE
#include "cudnn_library.h"

#include <dlfcn.h>
#include <stdio.h>

int hearth_open_cudnn(HearthCudnn *table, const char *path, char *error, size_t capacity) {
    const char *name = path ? path : "libcudnn.so.9";
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(error, capacity, "%s", reason ? reason : name);
        return -1;
    }
#define HEARTH_LOOK_UP(NAME, RESULT, PARAMETERS) \
    *(void **)&table->NAME = dlsym(library, #NAME); \
    if (!table->NAME) { \
        snprintf(error, capacity, "%s has no function %s", name, #NAME); \
        dlclose(library); \
        return -1; \
    }
    HEARTH_DNN_FUNCTIONS(HEARTH_LOOK_UP)
    return 0;
}
