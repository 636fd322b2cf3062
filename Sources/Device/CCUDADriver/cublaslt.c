#define _GNU_SOURCE
#include "cublaslt_library.h"

#include <dlfcn.h>
#include <stdio.h>

int hearth_open_cublaslt(HearthCublasLt *table, const char *path, char *error, size_t capacity) {
    const char *const names[] = {
        path ? path : "libcublasLt.so.13", path ? NULL : "libcublasLt.so.12",
        path ? NULL : "/usr/local/cuda/lib64/libcublasLt.so"};
    void *library = NULL;
    const char *name = names[0];
    for (size_t i = 0; !library && i < sizeof names / sizeof *names && names[i]; ++i) {
        name = names[i];
        library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    }
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
    HEARTH_LT_FUNCTIONS(HEARTH_LOOK_UP)
    return 0;
}
