#include "last_error.h"

#include <string.h>

#include "hearth.h"

static _Thread_local char last[1024];

void hearth_keep_error(const char *text) {
    size_t length = strnlen(text, sizeof last - 1);
    memcpy(last, text, length);
    last[length] = 0;
}

const char *hearth_error(void) { return last; }
