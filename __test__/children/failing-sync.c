// Preloaded: from the moment that the file FAILING_SYNC_TRIGGER names is there, syncing a file named *.log fails with EIO.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(int descriptor) {
    const char *trigger = getenv("FAILING_SYNC_TRIGGER");
    if (trigger == NULL || access(trigger, F_OK) != 0) return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 4) return 0;
    path[length] = '\0';
    return strcmp(path + length - 4, ".log") == 0;
}

#define FAILING(name)                                                   \
    int name(int descriptor) {                                          \
        static int (*real)(int);                                        \
        if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, #name); \
        if (fails(descriptor)) {                                        \
            errno = EIO;                                                \
            return -1;                                                  \
        }                                                               \
        return real(descriptor);                                        \
    }

FAILING(fsync)
FAILING(fdatasync)
