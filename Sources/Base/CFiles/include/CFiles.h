#pragma once

/// Swaps what two paths of one file system name, atomically (renameat2 with RENAME_EXCHANGE). 0, or -1 with errno set.
int hearth_exchange(const char *a, const char *b);

/// Copies a file to a name that is free, and flushes it to disk. 0, or -1 with errno set.
int hearth_copy(const char *from, const char *to);
