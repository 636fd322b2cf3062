#pragma once
#include <stddef.h>

// The part of NVIDIA's run-time compiler (libnvrtc) that Hearth calls, as documented in the NVRTC reference, with our own
// types: nothing of the toolkit is needed to build.

typedef struct HearthNVRTCProgram_ *HearthNVRTCProgram;

#define HEARTH_NVRTC_FUNCTIONS(X) \
    X(nvrtcVersion, (int *major, int *minor)) \
    X(nvrtcCreateProgram, (HearthNVRTCProgram * program, const char *source, const char *name, int header_count, const char *const *headers, const char *const *names)) \
    X(nvrtcDestroyProgram, (HearthNVRTCProgram * program)) \
    X(nvrtcCompileProgram, (HearthNVRTCProgram program, int option_count, const char *const *options)) \
    X(nvrtcGetProgramLogSize, (HearthNVRTCProgram program, size_t *bytes)) \
    X(nvrtcGetProgramLog, (HearthNVRTCProgram program, char *log)) \
    X(nvrtcGetCUBINSize, (HearthNVRTCProgram program, size_t *bytes)) \
    X(nvrtcGetCUBIN, (HearthNVRTCProgram program, char *cubin))

#define HEARTH_DECLARE(NAME, PARAMETERS) int(*NAME) PARAMETERS;
/// The compiler's functions; 0 is success.
typedef struct {
    HEARTH_NVRTC_FUNCTIONS(HEARTH_DECLARE)
} HearthNVRTC;
#undef HEARTH_DECLARE

/// Opens the library at a path, or by a name that the loader finds. Returns 0, or −1 with one line in `error`.
int hearth_open_nvrtc(HearthNVRTC *compiler, const char *path, char *error, size_t capacity);
