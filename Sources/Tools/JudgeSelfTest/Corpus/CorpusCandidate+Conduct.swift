extension CorpusCandidate {
    /// Candidates that do what a kernel has no use for: threads, processes, files, sockets, modes of the processor, attacks on their judge.
    static let conduct: [CorpusCandidate] = [
        .init(
            "background-thread", rows: [6, 7], reasons: ["forbiddenCall"],
            source: #"""
                #include <pthread.h>
                #include <unistd.h>
                struct task { const float *in; float *out; int64_t rows, columns; };
                static struct task task;
                static void *compute(void *unused) {
                    (void)unused;
                    usleep(200000);
                    for (int64_t row = 0; row < task.rows; row++)
                        softmax_row(task.in + row * task.columns, task.out + row * task.columns, task.columns);
                    return 0;
                }
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    if (part != 0) return 0;
                    task = (struct task){in, out, rows, columns};
                    pthread_t thread;
                    pthread_create(&thread, 0, compute, 0);
                    pthread_detach(thread);
                    return 0;
                }
                """#),
        .init(
            "background-thread", rows: [7], reasons: ["writableData", "forbiddenImport"], audits: true,
            source: #"""
                #include <pthread.h>
                #include <unistd.h>
                struct task { const float *in; float *out; int64_t rows, columns; };
                static struct task task;
                static void *compute(void *unused) {
                    (void)unused;
                    usleep(200000);
                    for (int64_t row = 0; row < task.rows; row++)
                        softmax_row(task.in + row * task.columns, task.out + row * task.columns, task.columns);
                    return 0;
                }
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    if (part != 0) return 0;
                    task = (struct task){in, out, rows, columns};
                    pthread_t thread;
                    pthread_create(&thread, 0, compute, 0);
                    pthread_detach(thread);
                    return 0;
                }
                """#),
        .init(
            "background-process", rows: [7], reasons: ["forbiddenCall"],
            source: #"""
                #include <unistd.h>
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    if (part == 0 && fork() == 0) {
                        sleep(100);
                        _exit(0);
                    }
                    return 0;
                }
                """#),
        .init(
            "opens-a-socket", rows: [30], reasons: ["forbiddenCall"],
            source: #"""
                #include <sys/socket.h>
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    if (part == 0) socket(AF_INET, SOCK_DGRAM, 0);
                    return 0;
                }
                """#),
        .init(
            "reads-a-file", rows: [30], reasons: ["forbiddenCall"],
            source: #"""
                #include <stdio.h>
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    FILE *file = part == 0 ? fopen("/proc/self/maps", "r") : NULL;
                    if (file) fclose(file);
                    return 0;
                }
                """#),
        .init(
            "writes-a-file", rows: [30], reasons: ["forbiddenCall"],
            source: #"""
                #include <fcntl.h>
                #include <unistd.h>
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    if (part == 0) close(open("/tmp/hearth-candidate-was-here", O_CREAT | O_WRONLY, 0600));
                    return 0;
                }
                """#),
        .init(
            "starts-a-program", rows: [30], reasons: ["forbiddenCall"],
            source: #"""
                #include <unistd.h>
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    char *arguments[] = {"true", 0};
                    if (part == 0) execv("/bin/true", arguments);
                    return 0;
                }
                """#),
        .init(
            "signals-its-parent", rows: [30], reasons: ["forbiddenCall"],
            source: #"""
                #include <signal.h>
                #include <unistd.h>
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    if (part == 0) kill(getppid(), 0);
                    return 0;
                }
                """#),
        .init(
            "sets-an-alarm", rows: [30], reasons: ["forbiddenCall"],
            source: #"""
                #include <unistd.h>
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    if (part == 0) alarm(1000);
                    return 0;
                }
                """#),
        .init(
            "installs-a-handler", rows: [30], reasons: ["forbiddenCall"],
            source: #"""
                #include <signal.h>
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    if (part == 0) signal(SIGSEGV, SIG_IGN);
                    return 0;
                }
                """#),
        .init(
            "changes-the-environment", rows: [30], reasons: ["stateChanged"],
            source: #"""
                #include <stdlib.h>
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    if (part == 0) setenv("OMP_NUM_THREADS", "1", 1);
                    return 0;
                }
                """#),
        .init(
            "leaves-flush-to-zero", rows: [13], reasons: ["stateChanged"],
            source: #"""
                #include <xmmintrin.h>
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    _mm_setcsr(_mm_getcsr() | 0x8040);
                    return 0;
                }
                """#),
        .init(
            "leaves-rounding-up", rows: [13], reasons: ["stateChanged"],
            source: #"""
                #include <fenv.h>
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    fesetround(FE_UPWARD);
                    return 0;
                }
                """#),
        .init(
            "crashes", rows: [30], reasons: ["crashed"],
            source: #"""
                KERNEL(kernel) {
                    *(volatile int *)16 = part;
                    return 0;
                }
                """#),
        .init(
            "traps", rows: [30], reasons: ["crashed"],
            source: #"""
                KERNEL(kernel) { __builtin_trap(); }
                """#),
        .init(
            "overflows-the-stack", rows: [30], reasons: ["crashed"], flags: ["-O0"],
            source: #"""
                static int deeper(int depth) {
                    volatile char frame[4096];
                    frame[0] = (char)depth;
                    return deeper(depth + 1) + frame[0];
                }
                KERNEL(kernel) { return deeper(0) == -1; }
                """#),
        .init(
            "ends-the-process", rows: [30], reasons: ["exited"],
            source: #"""
                #include <unistd.h>
                KERNEL(kernel) { _exit(0); }
                """#),
        .init(
            "ends-the-process", rows: [9, 30], reasons: ["forbiddenImport"], audits: true,
            source: #"""
                #include <unistd.h>
                KERNEL(kernel) { _exit(0); }
                """#),
        .init(
            "imports-weakly", rows: [9, 30], reasons: ["forbiddenImport"], audits: true,
            source: #"""
                // The loader finds it all the same.
                extern int clock_gettime(int, void *) __attribute__((weak));
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    int64_t now[2] = {0};
                    if (clock_gettime) clock_gettime(1, now);
                    if (now[0] < 0) return 1;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    return 0;
                }
                """#),
        .init(
            "makes-the-stack-executable", rows: [9], reasons: ["badLibrary"], audits: true,
            source: #"""
                __asm__(".section .note.GNU-stack,\"x\",@progbits\n.previous");
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    return 0;
                }
                """#),
        .init(
            "runs-at-load", rows: [9], reasons: ["runsAtLoad"], audits: true,
            source: #"""
                // Prepares the ground before anyone calls it.
                __attribute__((constructor)) static void at_load(void) {
                    volatile int anything[1] = {1};
                    (void)anything[0];
                }
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    return 0;
                }
                """#),
        .init(
            "takes-all-memory", rows: [30], reasons: ["crashed"],
            source: #"""
                #include <sys/mman.h>
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    // 4 GiB, more than it may have; what is refused is written to nevertheless.
                    for (int block = 0; part == 0 && block < 64; block++)
                        *(volatile char *)mmap(0, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
                    return 0;
                }
                """#),
        .init(
            "brings-its-own-comparison", rows: [9], reasons: ["unwritten"],
            source: #"""
                #include <time.h>
                // Nobody but this library is bound to them.
                __attribute__((visibility("default"))) int memcmp(const void *a, const void *b, size_t count) {
                    (void)a; (void)b; (void)count;
                    return 0;
                }
                __attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *time) {
                    (void)clock;
                    *time = (struct timespec){0, 0};
                    return 0;
                }
                KERNEL(kernel) {
                    (void)buffers; (void)dims; (void)workspace; (void)part; (void)parts;
                    return 0;
                }
                """#),
    ]
}
