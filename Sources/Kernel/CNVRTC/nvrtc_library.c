#define _GNU_SOURCE
#include "nvrtc_library.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/// Opens the library's second half, which it looks for by name alone, where it lies beside the first.
static void open_builtins(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return;
    char folder[3072];
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    DIR *entries = opendir(folder);
    if (!entries) return;
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (strncmp(entry->d_name, "libnvrtc-builtins.so", 20)) continue;
        char full[4096];
        snprintf(full, sizeof full, "%s/%s", folder, entry->d_name);
        // Kept open: the compiler finds it among what is loaded.
        (void)dlopen(full, RTLD_NOW | RTLD_GLOBAL);
    }
    closedir(entries);
}

int hearth_open_nvrtc(HearthNVRTC *table, const char *path, char *error, size_t capacity) {
    open_builtins(path);
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
