#define _GNU_SOURCE
#include "CFiles.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int write_all(int out, const char *bytes, ssize_t count) {
    while (count > 0) {
        ssize_t written = write(out, bytes, (size_t)count);
        if (written < 0) return -1;
        bytes += written;
        count -= written;
    }
    return 0;
}

int hearth_copy(const char *from, const char *to) {
    enum { CHUNK = 1 << 20 };
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0) return -1;
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    char *chunk = out < 0 ? NULL : malloc(CHUNK);
    int status = chunk ? 0 : -1;
    while (status == 0) {
        ssize_t count = read(in, chunk, CHUNK);
        if (count == 0) break;
        status = count < 0 ? -1 : write_all(out, chunk, count);
    }
    if (status == 0) status = fsync(out);
    free(chunk);
    close(in);
    if (out >= 0 && close(out) != 0) status = -1;
    return status;
}
