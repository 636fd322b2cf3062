#pragma once
#include <stddef.h>
#include <stdint.h>

// The part of SQLite (libsqlite3) that Hearth calls, as documented in its C interface, with our own types: its header is not
// needed to build, and the library is opened only where trials are remembered.

typedef struct HearthSQLiteDatabase_ *HearthSQLiteDatabase;
typedef struct HearthSQLiteStatement_ *HearthSQLiteStatement;

#define HEARTH_SQLITE_FUNCTIONS(X) \
    X(int, sqlite3_libversion_number, (void)) \
    X(int, sqlite3_open_v2, (const char *path, HearthSQLiteDatabase *database, int flags, const char *system)) \
    X(int, sqlite3_close_v2, (HearthSQLiteDatabase database)) \
    X(const char *, sqlite3_errmsg, (HearthSQLiteDatabase database)) \
    X(int, sqlite3_busy_timeout, (HearthSQLiteDatabase database, int milliseconds)) \
    X(int, sqlite3_prepare_v2, (HearthSQLiteDatabase database, const char *text, int bytes, HearthSQLiteStatement *statement, const char **tail)) \
    X(int, sqlite3_step, (HearthSQLiteStatement statement)) \
    X(int, sqlite3_reset, (HearthSQLiteStatement statement)) \
    X(int, sqlite3_clear_bindings, (HearthSQLiteStatement statement)) \
    X(int, sqlite3_finalize, (HearthSQLiteStatement statement)) \
    X(int, sqlite3_bind_int64, (HearthSQLiteStatement statement, int place, int64_t value)) \
    X(int, sqlite3_bind_double, (HearthSQLiteStatement statement, int place, double value)) \
    X(int, sqlite3_bind_text, (HearthSQLiteStatement statement, int place, const char *text, int bytes, void (*destroy)(void *))) \
    X(int, sqlite3_bind_blob, (HearthSQLiteStatement statement, int place, const void *data, int bytes, void (*destroy)(void *))) \
    X(int, sqlite3_column_type, (HearthSQLiteStatement statement, int column)) \
    X(int64_t, sqlite3_column_int64, (HearthSQLiteStatement statement, int column)) \
    X(double, sqlite3_column_double, (HearthSQLiteStatement statement, int column)) \
    X(const void *, sqlite3_column_blob, (HearthSQLiteStatement statement, int column)) \
    X(int, sqlite3_column_bytes, (HearthSQLiteStatement statement, int column)) \
    X(int, sqlite3_changes, (HearthSQLiteDatabase database))

#define HEARTH_DECLARE(RESULT, NAME, PARAMETERS) RESULT(*NAME) PARAMETERS;
/// The library's functions.
typedef struct {
    HEARTH_SQLITE_FUNCTIONS(HEARTH_DECLARE)
} HearthSQLite;
#undef HEARTH_DECLARE

enum {
    HEARTH_SQLITE_OK = 0,
    HEARTH_SQLITE_CORRUPT = 11,
    HEARTH_SQLITE_NOTADB = 26,
    HEARTH_SQLITE_ROW = 100,
    HEARTH_SQLITE_DONE = 101,
    /// Types of columns.
    HEARTH_SQLITE_NULL = 5,
    /// Read, write, make where it is missing, and no locking between threads: a mutex of ours stands around each connection.
    HEARTH_SQLITE_OPEN_FLAGS = 0x2 | 0x4 | 0x8000,
};

/// Opens the library at a path, or by a name that the loader finds. Returns 0, or −1 with one line in `error`.
int hearth_open_sqlite(HearthSQLite *table, const char *path, char *error, size_t capacity);

/// Binds text that the library copies.
int hearth_sqlite_bind_text(const HearthSQLite *table, HearthSQLiteStatement statement, int place, const char *text, int bytes);

/// Binds bytes that the library copies.
int hearth_sqlite_bind_blob(const HearthSQLite *table, HearthSQLiteStatement statement, int place, const void *data, int bytes);

/// Whether the file or folder at a path lies on another machine, where memory that processes share does not hold.
int hearth_is_remote(const char *path);
