/* Loaded before libc: stops a process before each call that changes a folder, and logs what a power cut may lose.
 *
 * The log has a line for each change: `dirty INODE` (content not flushed), `entry INODE FOLDER_INODE PATH` (a name that its
 * folder may not remember yet), `clean INODE` (flushed: a file's content, or a folder's names).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t stopping = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static char root[PATH_MAX];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void power_cut_arm(const char *folder, const char *log) {
    snprintf(root, sizeof root, "%s/", folder);
    log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static int watched(const char *path) { return log_fd >= 0 && strncmp(path, root, strlen(root)) == 0; }

static int watched_fd(int fd) {
    char link[64], path[PATH_MAX];
    if (log_fd < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 2);
    if (length <= 0) return 0;
    path[length] = '/'; /* the root itself counts too */
    path[length + 1] = 0;
    return strncmp(path, root, strlen(root)) == 0;
}

/* Stops all threads until SIGCONT, which drops further stops: so one thread after the other. */
static void cut(void) {
    pthread_mutex_lock(&stopping);
    raise(SIGSTOP);
    pthread_mutex_unlock(&stopping);
}

static void note(const char *line) { syscall(SYS_write, log_fd, line, strlen(line)); }

static void note_fd(const char *what, int fd) {
    struct stat found;
    char line[64];
    if (fstat(fd, &found)) return;
    snprintf(line, sizeof line, "%s %lu\n", what, (unsigned long)found.st_ino);
    note(line);
}

static void note_entry(const char *path) {
    struct stat found, folder;
    char parent[PATH_MAX], line[PATH_MAX + 64];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (!slash) return;
    *slash = 0;
    if (lstat(path, &found) || stat(parent, &folder)) return;
    snprintf(line, sizeof line, "entry %lu %lu %s\n", (unsigned long)found.st_ino, (unsigned long)folder.st_ino, path);
    note(line);
}

static int opened(int fd, const char *path, int flags) {
    if (fd >= 0 && watched(path) && (flags & (O_CREAT | O_TRUNC))) {
        note_fd("dirty", fd);
        note_entry(path);
    }
    return fd;
}

#define OPEN(name)                                                        \
    int name(const char *path, int flags, ...) {                          \
        va_list more;                                                     \
        va_start(more, flags);                                            \
        mode_t mode = va_arg(more, mode_t);                               \
        va_end(more);                                                     \
        if (watched(path) && (flags & (O_CREAT | O_TRUNC))) cut();        \
        return opened(REAL(name)(path, flags, mode), path, flags);        \
    }
#define OPENAT(name)                                                      \
    int name(int at, const char *path, int flags, ...) {                  \
        va_list more;                                                     \
        va_start(more, flags);                                            \
        mode_t mode = va_arg(more, mode_t);                               \
        va_end(more);                                                     \
        if (watched(path) && (flags & (O_CREAT | O_TRUNC))) cut();        \
        return opened(REAL(name)(at, path, flags, mode), path, flags);    \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

#define WRITE(name, parameters, ...)                                      \
    ssize_t name parameters {                                             \
        int inside = watched_fd(fd);                                      \
        if (inside) cut();                                                \
        ssize_t done = REAL(name)(__VA_ARGS__);                           \
        if (inside) note_fd("dirty", fd);                                 \
        return done;                                                      \
    }
WRITE(write, (int fd, const void *data, size_t size), fd, data, size)
WRITE(pwrite, (int fd, const void *data, size_t size, off_t at), fd, data, size, at)
WRITE(pwrite64, (int fd, const void *data, size_t size, off64_t at), fd, data, size, at)
WRITE(writev, (int fd, const struct iovec *parts, int count), fd, parts, count)

#define SYNC(name)                                                        \
    int name(int fd) {                                                    \
        int inside = watched_fd(fd);                                      \
        if (inside) cut();                                                \
        int result = REAL(name)(fd);                                      \
        if (inside && result == 0) note_fd("clean", fd);                  \
        return result;                                                    \
    }
SYNC(fsync)
SYNC(fdatasync)

#define NAME(name, parameters, to, ...)                                   \
    int name parameters {                                                 \
        int inside = watched(to);                                         \
        if (inside) cut();                                                \
        int result = REAL(name)(__VA_ARGS__);                             \
        if (inside && result == 0) note_entry(to);                        \
        return result;                                                    \
    }
NAME(rename, (const char *from, const char *to), to, from, to)
NAME(link, (const char *from, const char *to), to, from, to)
NAME(linkat, (int at, const char *from, int at_to, const char *to, int flags), to, at, from, at_to, to, flags)
NAME(renameat2, (int at, const char *from, int at_to, const char *to, unsigned flags), to, at, from, at_to, to, flags)
NAME(mkdir, (const char *path, mode_t mode), path, path, mode)
NAME(unlink, (const char *path), path, path)
