#define _GNU_SOURCE
#include "CProcessor.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

static uint64_t xgetbv(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/// Linux lets a process use AMX tile data only after it asked (arch_prctl, since 5.16).
static int amx_is_granted(void) {
    enum { ARCH_GET_XCOMP_PERM = 0x1022, ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };
    unsigned long granted = 0;
    if (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) != 0) return 0;
    if (syscall(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, &granted) != 0) return 0;
    return (granted >> TILE_DATA) & 1;
}

static uint32_t detect_features(void) {
    uint32_t a, b, c, d, features = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    uint64_t state = (c >> 27) & 1 ? xgetbv() : 0;
    int has_ymm = (state & 0x6) == 0x6, has_zmm = (state & 0xe6) == 0xe6;
    int has_tiles = (state & 0x60000) == 0x60000 && amx_is_granted();
    if ((c >> 20) & 1) features |= HEARTH_HAS_SSE42;
    if (has_ymm) {
        if ((c >> 28) & 1) features |= HEARTH_HAS_AVX;
        if ((c >> 29) & 1) features |= HEARTH_HAS_F16C;
        if ((c >> 12) & 1) features |= HEARTH_HAS_FMA;
    }
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return features;
    if ((b >> 8) & 1) features |= HEARTH_HAS_BMI2;
    if (has_ymm && ((b >> 5) & 1)) features |= HEARTH_HAS_AVX2;
    if (has_zmm) {
        if ((b >> 16) & 1) features |= HEARTH_HAS_AVX512F;
        if ((b >> 17) & 1) features |= HEARTH_HAS_AVX512DQ;
        if ((b >> 28) & 1) features |= HEARTH_HAS_AVX512CD;
        if ((b >> 30) & 1) features |= HEARTH_HAS_AVX512BW;
        if ((b >> 31) & 1) features |= HEARTH_HAS_AVX512VL;
        if ((c >> 1) & 1) features |= HEARTH_HAS_AVX512VBMI;
        if ((c >> 11) & 1) features |= HEARTH_HAS_AVX512VNNI;
        if ((d >> 23) & 1) features |= HEARTH_HAS_AVX512FP16;
    }
    if (has_tiles) {
        if ((d >> 24) & 1) features |= HEARTH_HAS_AMX_TILE;
        if ((d >> 22) & 1) features |= HEARTH_HAS_AMX_BF16;
        if ((d >> 25) & 1) features |= HEARTH_HAS_AMX_INT8;
    }
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d)) {
        if (has_ymm && ((a >> 4) & 1)) features |= HEARTH_HAS_AVXVNNI;
        if (has_zmm && ((a >> 5) & 1)) features |= HEARTH_HAS_AVX512BF16;
        if (has_tiles && ((a >> 21) & 1)) features |= HEARTH_HAS_AMX_FP16;
    }
    return features;
}

static void detect_names(HearthProcessor *out) {
    uint32_t a, b, c, d;
    if (__get_cpuid(0, &a, &b, &c, &d)) {
        memcpy(out->vendor, &b, 4), memcpy(out->vendor + 4, &d, 4), memcpy(out->vendor + 8, &c, 4);
    }
    char brand[49] = {0};
    if (__get_cpuid(0x80000000u, &a, &b, &c, &d) && a >= 0x80000004u) {
        for (uint32_t i = 0; i < 3; i++) {
            uint32_t words[4];
            __get_cpuid(0x80000002u + i, &words[0], &words[1], &words[2], &words[3]);
            memcpy(brand + 16 * i, words, 16);
        }
    }
    const char *start = brand;
    while (*start == ' ') start++;
    size_t length = strlen(start);
    while (length > 0 && start[length - 1] == ' ') length--;
    // Family and model tell apart what virtual machines call alike.
    __get_cpuid(1, &a, &b, &c, &d);
    uint32_t family = (a >> 8) & 15, model = (a >> 4) & 15;
    if (family == 15) family += (a >> 20) & 255;
    if (family == 6 || family >= 15) model += ((a >> 16) & 15) << 4;
    snprintf(out->model, sizeof out->model, "%.*s (family %u model %u)", (int)(length < 34 ? length : 34), start, family, model);
}
#else
static uint32_t detect_features(void) {
#if defined(__aarch64__)
    return HEARTH_HAS_NEON;
#else
    return 0;
#endif
}

static void detect_names(HearthProcessor *out) {
    snprintf(out->vendor, sizeof out->vendor, "unknown");
    snprintf(out->model, sizeof out->model, "unknown");
}
#endif

/// CPUs in a list such as "0-3,8".
static int32_t count_list(const char *text) {
    int32_t count = 0;
    while (*text) {
        int from, to, used = 0;
        if (sscanf(text, "%d-%d%n", &from, &to, &used) == 2 && used > 0) {
            count += to - from + 1;
        } else if (sscanf(text, "%d%n", &from, &used) == 1 && used > 0) {
            count++;
        } else {
            break;
        }
        text += used;
        if (*text == ',') text++;
    }
    return count;
}

static int read_text(const char *path, char *text, int size) {
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    int good = fgets(text, size, file) != NULL;
    fclose(file);
    return good;
}

static void detect_caches(HearthProcessor *out) {
    for (int index = 0; index < 8; index++) {
        char path[96], type[32] = "", size[32] = "", level[16] = "", shared[512] = "";
        const char *folder = "/sys/devices/system/cpu/cpu0/cache/index";
        snprintf(path, sizeof path, "%s%d/level", folder, index);
        if (!read_text(path, level, sizeof level)) break;
        snprintf(path, sizeof path, "%s%d/type", folder, index);
        read_text(path, type, sizeof type);
        snprintf(path, sizeof path, "%s%d/size", folder, index);
        read_text(path, size, sizeof size);
        snprintf(path, sizeof path, "%s%d/shared_cpu_list", folder, index);
        read_text(path, shared, sizeof shared);
        long long bytes = 0;
        char unit = 0;
        sscanf(size, "%lld%c", &bytes, &unit);
        bytes *= unit == 'K' ? 1024 : unit == 'M' ? 1024 * 1024 : 1;
        if (type[0] == 'I') continue;
        if (level[0] == '1') out->l1_data = bytes;
        if (level[0] == '2') out->l2 = bytes;
        if (level[0] == '3') out->l3 = bytes, out->l3_shared_by = count_list(shared);
    }
    if (out->l1_data == 0) out->l1_data = sysconf(_SC_LEVEL1_DCACHE_SIZE);
    if (out->l2 == 0) out->l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
    if (out->l3 == 0) out->l3 = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (out->l1_data < 0) out->l1_data = 0;
    if (out->l2 < 0) out->l2 = 0;
    if (out->l3 < 0) out->l3 = 0;
}

static int64_t detect_memory(void) {
    int64_t bytes = (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE);
    const char *limits[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    for (int i = 0; i < 2; i++) {
        char text[64];
        long long limit;
        if (read_text(limits[i], text, sizeof text) && sscanf(text, "%lld", &limit) == 1 && limit > 0 && limit < bytes)
            bytes = limit;
    }
    return bytes;
}

void hearth_processor(HearthProcessor *out) {
    memset(out, 0, sizeof *out);
    detect_names(out);
    out->features = detect_features();
    detect_caches(out);
    out->memory = detect_memory();
}

int hearth_anonymous_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }
