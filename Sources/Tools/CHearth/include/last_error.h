#pragma once

/// Keeps one line for `hearth_error` of this thread.
void hearth_keep_error(const char *text);
