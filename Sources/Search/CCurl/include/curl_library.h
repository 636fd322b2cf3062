#pragma once
#include <stddef.h>

// The part of libcurl that Hearth calls, as documented in its C interface, with our own types: its header is not needed to build, and
// the library is opened only where somebody names an endpoint.

/// The library's functions; those that take options are variadic.
typedef struct {
    int (*curl_global_init)(long flags);
    void *(*curl_easy_init)(void);
    int (*curl_easy_setopt)(void *handle, int option, ...);
    int (*curl_easy_perform)(void *handle);
    int (*curl_easy_getinfo)(void *handle, int info, ...);
    void (*curl_easy_cleanup)(void *handle);
    const char *(*curl_easy_strerror)(int code);
    void *(*curl_slist_append)(void *list, const char *text);
    void (*curl_slist_free_all)(void *list);
} HearthCurl;

/// A POST of a JSON text.
typedef struct {
    /// Address, `http` or `https`.
    const char *url;
    /// The body.
    const char *body;
    size_t body_bytes;
    /// A whole header line such as `Authorization: Bearer …`, or null.
    const char *authorization;
    /// Milliseconds until a connection stands, and until all is there.
    long connect_milliseconds;
    long milliseconds;
    /// Whether proxies that the environment names are passed by.
    int is_direct;
    /// Most bytes of an answer.
    size_t limit;
    /// Asked several times a second: not 0 ends the exchange. May be null.
    int (*should_stop)(void *context);
    void *context;
} HearthPost;

/// What came back.
typedef struct {
    /// HTTP status; 0 where there was no answer.
    long status;
    /// The body, with a zero after it; freed by `hearth_free_answer`.
    char *body;
    size_t body_bytes;
} HearthAnswer;

/// Why there is no answer, beside libcurl's own codes.
enum { HEARTH_POST_STOPPED = -2, HEARTH_POST_TOO_LONG = -3, HEARTH_POST_TIMED_OUT = -4 };

/// Opens the library at a path, or by a name that the loader finds. Returns 0, or −1 with one line in `error`.
int hearth_open_curl(HearthCurl *curl, const char *path, char *error, size_t capacity);

/// Sends a request and waits for the answer. Follows no redirection, reads no `.netrc`, keeps no connection. Returns 0 with the answer, or
/// not 0 with one line in `error`.
int hearth_post(const HearthCurl *curl, const HearthPost *post, HearthAnswer *answer, char *error, size_t capacity);

/// Frees an answer's body.
void hearth_free_answer(HearthAnswer *answer);
