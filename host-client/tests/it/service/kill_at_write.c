/* Kills the process at a chosen write to the disk, before it or after it; preloaded into the service by
 * crash_sweep.rs. Each write is counted in the file that TILLCARD_WRITES names, a byte each. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long count;

static long chosen(const char *name) {
    const char *value = getenv(name);
    return value ? atol(value) : -1;
}

static long begin(void) {
    long number = atomic_fetch_add(&count, 1) + 1;
    const char *path = getenv("TILLCARD_WRITES");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (file >= 0) {
        ssize_t written = write(file, ".", 1);
        (void)written;
        close(file);
    }
    if (number == chosen("TILLCARD_KILL_BEFORE"))
        kill(getpid(), SIGKILL);
    return number;
}

static void end(long number) {
    if (number == chosen("TILLCARD_KILL_AFTER"))
        kill(getpid(), SIGKILL);
}

#define WRITE(result, name, parameters, arguments)                                                 \
    result name parameters {                                                                       \
        result(*real) parameters = (result(*) parameters)dlsym(RTLD_NEXT, #name);                  \
        long number = begin();                                                                     \
        result done = real arguments;                                                              \
        end(number);                                                                               \
        return done;                                                                               \
    }

WRITE(ssize_t, pwrite64, (int file, const void *bytes, size_t length, off64_t at), (file, bytes, length, at))
WRITE(int, rename, (const char *from, const char *to), (from, to))
WRITE(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
WRITE(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags), (a, from, b, to, flags))
WRITE(int, fsync, (int file), (file))
WRITE(int, fdatasync, (int file), (file))
