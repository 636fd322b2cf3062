#define _GNU_SOURCE
#include "CKernelHarness.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int32_t fault_descriptor = -1;
static uint8_t fault_tag;
static uint64_t sequence;
static const HearthZone *zones;
static int32_t zone_count;
static char alternate_stack[1 << 15];

static void put(unsigned char **place, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) *(*place)++ = (unsigned char)(value >> (8 * i));
}

// Frame: length of the rest (4 bytes), sequence (8), tag (1), then as the Swift side decodes `FaultReport`: signal, zone
// kind, buffer, offset from the buffer's start (8 each). All little-endian.
static void on_fault(int number, siginfo_t *info, void *context) {
    (void)context;
    uintptr_t address = (uintptr_t)info->si_addr;
    int32_t kind = HEARTH_ZONE_NONE, buffer = -1;
    int64_t offset = 0;
    if (number == SIGSEGV || number == SIGBUS) {
        for (int32_t i = 0; i < zone_count; i++) {
            if (address >= zones[i].start && address < zones[i].end) {
                kind = zones[i].kind;
                buffer = zones[i].buffer;
                offset = (int64_t)(address - zones[i].base);
                break;
            }
        }
    }
    unsigned char frame[64], *place = frame;
    put(&place, 8 + 1 + 32, 4);
    put(&place, sequence, 8);
    put(&place, fault_tag, 1);
    put(&place, (uint64_t)number, 8);
    put(&place, (uint64_t)kind, 8);
    put(&place, (uint64_t)(int64_t)buffer, 8);
    put(&place, (uint64_t)offset, 8);
    ssize_t written = write(fault_descriptor, frame, (size_t)(place - frame));
    (void)written;
    _exit(120);
}

void hearth_harness_install(int32_t descriptor, uint8_t tag) {
    fault_descriptor = descriptor;
    fault_tag = tag;
    // A candidate that overflows the main thread's stack must still be reported.
    stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
}

void hearth_harness_set_sequence(uint64_t number) { sequence = number; }

void hearth_harness_set_zones(const HearthZone *table, int32_t count) {
    zone_count = 0;
    zones = table;
    zone_count = count;
}

static void *watch(void *argument) {
    // Asking for no event still reports that the peer hung up.
    struct pollfd polled = {.fd = (int)(intptr_t)argument, .events = 0};
    while (poll(&polled, 1, -1) < 0 && errno == EINTR) {}
    _exit(0);
}

void hearth_harness_watch(int32_t descriptor) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_create(&thread, &attributes, watch, (void *)(intptr_t)descriptor);
    pthread_attr_destroy(&attributes);
}

int32_t hearth_harness_threads(void) {
    DIR *directory = opendir("/proc/self/task");
    if (!directory) return -1;
    int32_t count = 0;
    for (struct dirent *entry; (entry = readdir(directory));) count += entry->d_name[0] != '.';
    closedir(directory);
    siginfo_t info;
    // Succeeds when there is any child, running or not.
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0) count++;
    return count;
}

static uint64_t mix(uint64_t z) {
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline uint64_t below(uint64_t bits, uint64_t bound) {
    return (uint64_t)(((unsigned __int128)bits * bound) >> 64);
}

void hearth_harness_mutate(const HearthMutation *mutations, int32_t count, uint64_t seed, int64_t call) {
    for (int32_t i = 0; i < count; i++) {
        const HearthMutation *m = &mutations[i];
        uint64_t bits = mix(seed ^ ((uint64_t)call << 8) ^ (uint64_t)i);
        uint64_t to = below(bits, (uint64_t)m->count), from = below(mix(bits), (uint64_t)m->count);
        size_t bytes = (size_t)m->element_bytes;
        memcpy(m->contents + to * bytes, m->source + from * bytes, bytes);
    }
}

int64_t hearth_harness_time(
    HearthPool *pool, const HearthRun *runs, int32_t run_count, int64_t calls, const HearthMutation *mutations,
    int32_t mutation_count, uint64_t seed, int32_t *code) {
    *code = 0;
    uint64_t start = hearth_nanoseconds();
    for (int64_t call = 0; call < calls; call++) {
        hearth_harness_mutate(mutations, mutation_count, seed, call);
        HearthStatus status = hearth_pool_run(pool, &runs[call % run_count]);
        if (status.launch >= 0) {
            *code = status.code;
            return -1;
        }
    }
    return (int64_t)(hearth_nanoseconds() - start);
}

int32_t hearth_harness_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }

int32_t hearth_harness_seal(int32_t descriptor) {
    return fcntl(descriptor, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

void hearth_harness_discard(int32_t descriptor, int64_t offset, int64_t bytes) {
    fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes);
}
