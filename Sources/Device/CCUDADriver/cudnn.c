#include "cudnn_library.h"

#include "library.h"

int hearth_open_cudnn(HearthCudnn *table, const char *path, char *error, size_t capacity) {
    const char *const names[] = {path ? path : "libcudnn.so.9", NULL};
    const char *name;
    void *library = hearth_open_first(names, &name, error, capacity);
    if (!library) return -1;
    HEARTH_DNN_FUNCTIONS(HEARTH_LOOK_UP)
    return 0;
}
