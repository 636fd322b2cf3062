#include "curl_library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Options and codes of libcurl's interface, which never change their numbers.
enum {
    OPTION_WRITEDATA = 10001,
    OPTION_URL = 10002,
    OPTION_PROXY = 10004,
    OPTION_ERRORBUFFER = 10010,
    OPTION_POSTFIELDS = 10015,
    OPTION_USERAGENT = 10018,
    OPTION_HTTPHEADER = 10023,
    OPTION_NOPROGRESS = 43,
    OPTION_FOLLOWLOCATION = 52,
    OPTION_XFERINFODATA = 10057,
    OPTION_NOSIGNAL = 99,
    OPTION_TIMEOUT_MS = 155,
    OPTION_CONNECTTIMEOUT_MS = 156,
    OPTION_PROTOCOLS = 181,
    OPTION_POSTFIELDSIZE_LARGE = 30120,
    OPTION_WRITEFUNCTION = 20011,
    OPTION_XFERINFOFUNCTION = 20219,
    INFO_RESPONSE_CODE = 0x200002,
    PROTOCOLS_HTTP_AND_HTTPS = 3,
    CODE_TIMED_OUT = 28,
    GLOBAL_ALL = 3,
};

int hearth_open_curl(HearthCurl *curl, const char *path, char *error, size_t capacity) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(error, capacity, "%s", reason ? reason : path);
        return -1;
    }
    const struct {
        const char *name;
        void **place;
    } functions[] = {
        {"curl_global_init", (void **)&curl->curl_global_init},
        {"curl_easy_init", (void **)&curl->curl_easy_init},
        {"curl_easy_setopt", (void **)&curl->curl_easy_setopt},
        {"curl_easy_perform", (void **)&curl->curl_easy_perform},
        {"curl_easy_getinfo", (void **)&curl->curl_easy_getinfo},
        {"curl_easy_cleanup", (void **)&curl->curl_easy_cleanup},
        {"curl_easy_strerror", (void **)&curl->curl_easy_strerror},
        {"curl_slist_append", (void **)&curl->curl_slist_append},
        {"curl_slist_free_all", (void **)&curl->curl_slist_free_all},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; ++i) {
        *functions[i].place = dlsym(library, functions[i].name);
        if (*functions[i].place) continue;
        snprintf(error, capacity, "%s has no function %s", path, functions[i].name);
        dlclose(library);
        return -1;
    }
    if (curl->curl_global_init(GLOBAL_ALL)) {
        snprintf(error, capacity, "%s cannot be initialised", path);
        return -1;
    }
    return 0;
}

typedef struct {
    HearthAnswer *answer;
    size_t limit;
    int is_too_long;
} Receiver;

static size_t receive(char *bytes, size_t size, size_t count, void *context) {
    Receiver *receiver = context;
    HearthAnswer *answer = receiver->answer;
    size_t added = size * count;
    if (added > receiver->limit - answer->body_bytes) {
        receiver->is_too_long = 1;
        return 0;
    }
    char *grown = realloc(answer->body, answer->body_bytes + added + 1);
    if (!grown) return 0;
    memcpy(grown + answer->body_bytes, bytes, added);
    answer->body = grown;
    answer->body_bytes += added;
    grown[answer->body_bytes] = 0;
    return added;
}

static int progress(void *context, long long a, long long b, long long c, long long d) {
    (void)a, (void)b, (void)c, (void)d;
    const HearthPost *post = context;
    return post->should_stop ? post->should_stop(post->context) : 0;
}

int hearth_post(const HearthCurl *curl, const HearthPost *post, HearthAnswer *answer, char *error, size_t capacity) {
    memset(answer, 0, sizeof *answer);
    if (capacity) error[0] = 0;
    void *handle = curl->curl_easy_init();
    if (!handle) {
        snprintf(error, capacity, "libcurl has no memory");
        return -1;
    }
    char reason[256] = "";  // CURL_ERROR_SIZE
    Receiver receiver = {answer, post->limit, 0};
    void *headers = curl->curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl->curl_slist_append(headers, "Accept: application/json");
    // No pause for a "100 Continue" that small servers never send.
    headers = curl->curl_slist_append(headers, "Expect:");
    if (post->authorization) headers = curl->curl_slist_append(headers, post->authorization);
    int code = 0;
#define SET(OPTION, VALUE) \
    if (!code) code = curl->curl_easy_setopt(handle, OPTION, VALUE)
    SET(OPTION_ERRORBUFFER, reason);
    SET(OPTION_NOSIGNAL, 1L);
    // An answer that leads elsewhere would take the key and the kernel there.
    SET(OPTION_FOLLOWLOCATION, 0L);
    SET(OPTION_PROTOCOLS, (long)PROTOCOLS_HTTP_AND_HTTPS);
    SET(OPTION_URL, post->url);
    if (post->is_direct) SET(OPTION_PROXY, "");
    SET(OPTION_USERAGENT, "hearth");
    SET(OPTION_HTTPHEADER, headers);
    SET(OPTION_POSTFIELDSIZE_LARGE, (long long)post->body_bytes);
    SET(OPTION_POSTFIELDS, post->body);
    SET(OPTION_CONNECTTIMEOUT_MS, post->connect_milliseconds);
    SET(OPTION_TIMEOUT_MS, post->milliseconds);
    SET(OPTION_WRITEFUNCTION, receive);
    SET(OPTION_WRITEDATA, (void *)&receiver);
    SET(OPTION_XFERINFOFUNCTION, progress);
    SET(OPTION_XFERINFODATA, (void *)post);
    SET(OPTION_NOPROGRESS, 0L);
#undef SET
    if (!code) code = curl->curl_easy_perform(handle);
    if (!code) code = curl->curl_easy_getinfo(handle, INFO_RESPONSE_CODE, &answer->status);
    if (code) {
        const char *said = reason[0] ? reason : curl->curl_easy_strerror(code);
        snprintf(error, capacity, "%s", said ? said : "unknown error");
        if (receiver.is_too_long) {
            code = HEARTH_POST_TOO_LONG;
        } else if (post->should_stop && post->should_stop(post->context)) {
            code = HEARTH_POST_STOPPED;
        } else if (code == CODE_TIMED_OUT) {
            code = HEARTH_POST_TIMED_OUT;
        }
    }
    curl->curl_slist_free_all(headers);
    curl->curl_easy_cleanup(handle);
    return code;
}

void hearth_free_answer(HearthAnswer *answer) {
    free(answer->body);
    answer->body = NULL;
    answer->body_bytes = 0;
}
