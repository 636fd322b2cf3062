#define _GNU_SOURCE
#include "opencl_library.h"

#include <dlfcn.h>
#include <stdio.h>

int hearth_open_opencl(HearthOpenCL *table, char *error, size_t capacity) {
    void *library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(error, capacity, "%s", reason ? reason : "libOpenCL.so.1 is missing");
        return -1;
    }
#define HEARTH_LOOK_UP(NAME, RESULT, PARAMETERS) \
    *(void **)&table->NAME = dlsym(library, #NAME); \
    if (!table->NAME) { \
        snprintf(error, capacity, "libOpenCL.so.1 has no function %s", #NAME); \
        dlclose(library); \
        return -1; \
    }
    HEARTH_OPENCL_FUNCTIONS(HEARTH_LOOK_UP)
    return 0;
}
