#pragma once
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

/// Opens the first of `names` (ended by NULL) that the loader finds and leaves its name in `*name`; NULL, and the loader's
/// reason in `error`, where there is none.
static inline void *hearth_open_first(const char *const *names, const char **name, char *error, size_t capacity) {
    void *library = NULL;
    for (*name = *names; !library && *names; ++names) library = dlopen(*name = *names, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(error, capacity, "%s", reason ? reason : *name);
    }
    return library;
}

/// Looks up a function of `library`, called `name`, for the field of `table` of the same name; else closes the library and returns.
#define HEARTH_LOOK_UP(NAME, RESULT, PARAMETERS) \
    *(void **)&table->NAME = dlsym(library, #NAME); \
    if (!table->NAME) { \
        snprintf(error, capacity, "%s has no function %s", name, #NAME); \
        dlclose(library); \
        return -1; \
    }
