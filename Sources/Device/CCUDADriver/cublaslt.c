#include "cublaslt_library.h"

#include "library.h"

int hearth_open_cublaslt(HearthCublasLt *table, const char *path, char *error, size_t capacity) {
    const char *const names[] = {
        path ? path : "libcublasLt.so.13", path ? NULL : "libcublasLt.so.12",
        path ? NULL : "/usr/local/cuda/lib64/libcublasLt.so", NULL};
    const char *name;
    void *library = hearth_open_first(names, &name, error, capacity);
    if (!library) return -1;
    HEARTH_LT_FUNCTIONS(HEARTH_LOOK_UP)
    return 0;
}
