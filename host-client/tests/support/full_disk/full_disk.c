/* A disk that is full from a chosen write on: what would make a file longer, or change it, fails with
 * ENOSPC, as on a real one; renaming and removing still work. Preloaded into a program by mod.rs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long count;

static int is_full(int file) {
    struct stat what;
    const char *from = getenv("TILLCARD_DISK_FULL_FROM");
    if (!from || fstat(file, &what) || !S_ISREG(what.st_mode))
        return 0;
    return atomic_fetch_add(&count, 1) + 1 >= atol(from);
}

#define WRITE(name, parameters, arguments)                                                         \
    ssize_t name parameters {                                                                      \
        if (is_full(file)) {                                                                       \
            errno = ENOSPC;                                                                        \
            return -1;                                                                             \
        }                                                                                          \
        ssize_t(*real) parameters = (ssize_t(*) parameters)dlsym(RTLD_NEXT, #name);                \
        return real arguments;                                                                     \
    }

WRITE(write, (int file, const void *bytes, size_t length), (file, bytes, length))
WRITE(pwrite, (int file, const void *bytes, size_t length, off_t at), (file, bytes, length, at))
WRITE(pwrite64, (int file, const void *bytes, size_t length, off64_t at), (file, bytes, length, at))
