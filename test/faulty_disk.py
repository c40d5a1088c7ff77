"""A disk that fails below Python: a library that counts a process's writing calls, and breaks one.

The library is preloaded, so that it stands between Python and the C library: whatever opens,
writes, syncs or renames below a folder passes through it. From call number `at` on, each fails
with an error, or the process is killed before that call.
"""

import ctypes
import shutil
import subprocess
from pathlib import Path

KILL = -1
SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static char root[4096];
static int at, error, count;

void faulty_arm(const char *folder, int call, int number) {
    strncpy(root, folder, sizeof root - 1);
    at = call, error = number, count = 0;
}
int faulty_count(void) { return count; }

static int fails(void) {
    if (++count < at || at == 0) return 0;
    if (error < 0) syscall(SYS_kill, getpid(), SIGKILL);
    errno = error;
    return 1;
}
static int below(const char *path) {
    return root[0] && path && strncmp(path, root, strlen(root)) == 0;
}
static int inside(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    path[size < 0 ? 0 : size] = 0;
    return below(path);
}
#define REAL(result, name, ...) result (*real)(__VA_ARGS__) = dlsym(RTLD_NEXT, name)
#define OPEN(name)                                                                     \
    int name(const char *path, int flags, ...) {                                       \
        REAL(int, #name, const char *, int, ...);                                      \
        va_list more; va_start(more, flags); mode_t mode = va_arg(more, int); va_end(more); \
        if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) && below(path) && fails()) return -1;  \
        return real(path, flags, mode);                                                \
    }
OPEN(open) OPEN(open64)
ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (inside(fd) && fails()) {
        if (error == ENOSPC && size > 1) return real(fd, data, size / 2);  /* and then no more */
        return -1;
    }
    return real(fd, data, size);
}
#define OF_FILE(name)                                                                  \
    int name(int fd) {                                                                 \
        REAL(int, #name, int);                                                         \
        return inside(fd) && fails() ? -1 : real(fd);                                  \
    }
OF_FILE(fsync) OF_FILE(fdatasync)
#define TRUNCATE(name)                                                                 \
    int name(int fd, off_t size) {                                                     \
        REAL(int, #name, int, off_t);                                                  \
        return inside(fd) && fails() ? -1 : real(fd, size);                            \
    }
TRUNCATE(ftruncate) TRUNCATE(ftruncate64)
int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return below(from) && fails() ? -1 : real(from, to);
}
int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    return below(path) && fails() ? -1 : real(path, mode);
}
#define REMOVE(name)                                                                   \
    int name(const char *path) {                                                       \
        REAL(int, #name, const char *);                                                \
        return below(path) && error != ENOSPC && fails() ? -1 : real(path);            \
    }
REMOVE(unlink) REMOVE(rmdir)
int unlinkat(int folder, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    return inside(folder) && error != ENOSPC && fails() ? -1 : real(folder, path, flags);
}
"""


def build(folder: Path) -> Path:
    """Compile the library; a C compiler belongs to what the tests need."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    assert compiler, "there is no C compiler to build the failing disk with: apt install gcc"
    source, library = folder / "faulty_disk.c", folder / "faulty_disk.so"
    source.write_text(SOURCE, encoding="utf-8")
    options = ["-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    subprocess.run([compiler, *options], check=True, timeout=60)
    return library


def arm(folder: Path, at: int, error: int) -> None:
    """Let call number `at` below a folder, and those after it, fail; 0 counts alone.

    For a process that was started with the library preloaded.
    """
    ctypes.CDLL(None).faulty_arm(str(folder).encode(), at, error)


def calls() -> int:
    """Return the number of calls since `arm`."""
    return int(ctypes.CDLL(None).faulty_count())
