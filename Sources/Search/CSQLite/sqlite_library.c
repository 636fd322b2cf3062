#define _GNU_SOURCE
#include "sqlite_library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <sys/vfs.h>

// SQLITE_TRANSIENT: the library makes a copy of its own.
#define COPY ((void (*)(void *))(intptr_t)-1)

int hearth_open_sqlite(HearthSQLite *table, const char *path, char *error, size_t capacity) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(error, capacity, "%s", reason ? reason : path);
        return -1;
    }
#define HEARTH_LOOK_UP(RESULT, NAME, PARAMETERS) \
    *(void **)&table->NAME = dlsym(library, #NAME); \
    if (!table->NAME) { \
        snprintf(error, capacity, "%s has no function %s", path, #NAME); \
        dlclose(library); \
        return -1; \
    }
    HEARTH_SQLITE_FUNCTIONS(HEARTH_LOOK_UP)
    return 0;
}

int hearth_sqlite_bind_text(
    const HearthSQLite *table, HearthSQLiteStatement statement, int place, const char *text, int bytes) {
    return table->sqlite3_bind_text(statement, place, text, bytes, COPY);
}

int hearth_sqlite_bind_blob(
    const HearthSQLite *table, HearthSQLiteStatement statement, int place, const void *data, int bytes) {
    return table->sqlite3_bind_blob(statement, place, data, bytes, COPY);
}

int hearth_is_remote(const char *path) {
    struct statfs facts;
    if (statfs(path, &facts)) return 0;
    switch ((uint32_t)facts.f_type) {
        case 0x6969:      // NFS
        case 0x517b:      // SMB
        case 0xff534d42:  // CIFS
        case 0xfe534d42:  // SMB 2
        case 0x0bd00bd0:  // Lustre
        case 0x47504653:  // GPFS
        case 0x00c36400:  // Ceph
        case 0x19830326:  // BeeGFS
        case 0x5346414f:  // AFS
            return 1;
        default: return 0;
    }
}
