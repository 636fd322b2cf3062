// Landlock by its system calls: headers of the C library may be older than the kernel. Numbers are the same on every
// architecture (Documentation/userspace-api/landlock.rst of Linux).
#define _GNU_SOURCE
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { VERSION_FLAG = 1, PATH_BENEATH = 1 };

enum {
    EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3,
    /// Removing and making entries of directories: bits 4 to 12.
    ENTRIES = 0x1ff0,
    /// Interface 2: linking and renaming across directories; 3: truncating; 5: ioctl on devices.
    REFER = 1 << 13, TRUNCATE = 1 << 14, IOCTL_DEV = 1 << 15,
    /// What a rule for a single file may hold.
    OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV,
};

typedef struct {
    uint64_t files, network, scoped;
} Ruleset;

typedef struct {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed)) PathRule;

static void allow(int ruleset, const char *path, uint64_t access) {
    int descriptor = open(path, O_PATH | O_CLOEXEC);
    if (descriptor < 0) return;
    struct stat status;
    if (fstat(descriptor, &status) == 0 && !S_ISDIR(status.st_mode)) access &= OF_FILES;
    PathRule rule = {access, descriptor};
    syscall(ADD_RULE, ruleset, PATH_BENEATH, &rule, 0);
    close(descriptor);
}

int32_t hearth_landlock_restrict(int32_t profile, const char *const *writable, int32_t count) {
    long version = syscall(CREATE_RULESET, NULL, 0, VERSION_FLAG);
    if (version < 1) return 0;
    uint64_t files = EXECUTE | WRITE_FILE | READ_FILE | READ_DIR | ENTRIES;
    if (version >= 2) files |= REFER;
    if (version >= 3) files |= TRUNCATE;
    if (version >= 5) files |= IOCTL_DEV;
    Ruleset wanted = {.files = files};
    // Neither binding nor connecting by TCP.
    if (version >= 4) wanted.network = 3;
    // Abstract sockets (1) are left to drivers, signals (2) to nobody.
    if (version >= 6) wanted.scoped = profile == HEARTH_SANDBOX_DEVICE ? 2 : 3;
    size_t size = version >= 6 ? sizeof wanted : version >= 4 ? 16 : 8;
    int ruleset = (int)syscall(CREATE_RULESET, &wanted, size, 0);
    if (ruleset < 0) return 0;
    // Reading is allowed: the loader and libraries read all over the system, and nothing read can leave.
    uint64_t reading = READ_FILE | READ_DIR;
    allow(ruleset, "/", profile == HEARTH_SANDBOX_DEVICE ? reading | EXECUTE : reading);
    allow(ruleset, "/dev/null", READ_FILE | WRITE_FILE);
    for (int32_t i = 0; i < count; i++) allow(ruleset, writable[i], files & ~(uint64_t)EXECUTE);
    long failed = syscall(RESTRICT_SELF, ruleset, 0);
    close(ruleset);
    return failed ? 0 : (int32_t)version;
}
