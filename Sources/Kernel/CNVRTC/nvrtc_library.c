#define _GNU_SOURCE
#include "nvrtc_library.h"

#include <dlfcn.h>
#include <stdio.h>

int hearth_open_nvrtc(HearthNVRTC *table, const char *path, char *error, size_t capacity) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(error, capacity, "%s", reason ? reason : path);
        return -1;
    }
#define HEARTH_LOOK_UP(NAME, PARAMETERS) \
    *(void **)&table->NAME = dlsym(library, #NAME); \
    if (!table->NAME) { \
        snprintf(error, capacity, "%s has no function %s", path, #NAME); \
        dlclose(library); \
        return -1; \
    }
    HEARTH_NVRTC_FUNCTIONS(HEARTH_LOOK_UP)
    return 0;
}
