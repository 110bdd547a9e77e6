// SPDX-License-Identifier: Apache-2.0
//
// Makes system calls of a process fail, by LD_PRELOAD. A test maps the file that FAULTS names, and
// says in it which calls on which files fail, how, and from which call on. Java reaches its own
// calls by the JDK's libraries, and those of java.lang.foreign by dlsym: both find the ones here.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// Calls, as bits. The test has the same.
enum { READ = 1, WRITE = 2, SYNC = 4, LENGTH = 8, NAME = 16, THREAD = 32 };
// What happens to a call that is chosen.
enum { COUNT_ONLY = 0, ERROR = 1, SHORT = 2, HANG = 3 };
// What happens after it: nothing, or to all calls of the same kind on the same file.
enum { ONCE = 0, FROM_NOW_ON = 1 };

struct control {
  _Atomic int32_t armed;
  int32_t kind;
  int32_t error;
  int32_t calls;
  int32_t after;
  int32_t reserved;
  int64_t number;
  _Atomic int64_t count;
  _Atomic int64_t hits;
  char match[256];
  char except[256];
  char hit_path[256];
  _Atomic int32_t hit_call;
};

static struct control *control;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void attach(void) {
  const char *path = getenv("FAULTS");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd >= 0) {
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) control = at;
    close(fd);
  }
}

static void *real(const char *name) {
  static void *(*find)(void *, const char *);
  if (!find) find = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
  if (!find) find = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
  if (!find) find = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17");
  return find(RTLD_NEXT, name);
}

#define REAL(name) \
  static __typeof__(&name) next; \
  if (!next) next = (__typeof__(&name))real(#name)

// Whether this call has its fault now. If it hangs, it does so in here, until the test disarms it.
static int chosen(int call, const char *path) {
  if (!control || !control->armed || !(control->calls & call)) return 0;
  if (path && control->match[0] && !strstr(path, control->match)) return 0;
  if (path && control->except[0] && strstr(path, control->except)) return 0;
  int hit = 0;
  pthread_mutex_lock(&lock);
  int64_t number = control->count++;
  if (control->kind != COUNT_ONLY) {
    if (number == control->number) {
      hit = 1;
      control->hit_call = call;
      strncpy(control->hit_path, path ? path : "", sizeof control->hit_path - 1);
    } else if (number > control->number && control->after == FROM_NOW_ON) {
      hit = control->hit_call == call && !strcmp(control->hit_path, path ? path : "");
    }
  }
  if (hit) control->hits++;
  pthread_mutex_unlock(&lock);
  if (hit && control->kind == HANG) {
    while (control->armed) nanosleep(&(struct timespec){0, 5000000}, NULL);
    return 0;
  }
  return hit;
}

static int chosen_fd(int call, int fd) {
  if (!control || !control->armed || !(control->calls & call)) return 0;
  char link[64], path[256];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0 || path[0] != '/') return 0;
  path[length] = 0;
  return chosen(call, path);
}

static int fails(void) {
  errno = control->error;
  return -1;
}

static size_t half(size_t length) { return length > 1 ? (length / 2 + 511) & ~511UL : length; }

// SHORT halves a transfer; a call without a length has nothing to halve and succeeds.
#define TRANSFER(call, fd, length, ...) \
  if (chosen_fd(call, fd)) { \
    if (control->kind == ERROR) return fails(); \
    if (half(length) < (size_t)(length)) length = half(length); \
  } \
  return next(__VA_ARGS__)

ssize_t read(int fd, void *data, size_t length) {
  REAL(read);
  TRANSFER(READ, fd, length, fd, data, length);
}

ssize_t pread64(int fd, void *data, size_t length, off64_t at) {
  REAL(pread64);
  TRANSFER(READ, fd, length, fd, data, length, at);
}

ssize_t write(int fd, const void *data, size_t length) {
  REAL(write);
  TRANSFER(WRITE, fd, length, fd, data, length);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
  REAL(pwrite64);
  TRANSFER(WRITE, fd, length, fd, data, length, at);
}

ssize_t preadv2(int fd, const struct iovec *to, int count, off_t at, int flags) {
  REAL(preadv2);
  struct iovec part = to[0];
  if ((flags & RWF_NOWAIT) && control && control->armed) {
    errno = EAGAIN; // what it would say when nothing is cached: the call that counts comes next
    return -1;
  }
  if (count != 1) return next(fd, to, count, at, flags);
  TRANSFER(READ, fd, part.iov_len, fd, &part, 1, at, flags);
}

ssize_t pwritev2(int fd, const struct iovec *from, int count, off_t at, int flags) {
  REAL(pwritev2);
  struct iovec part = from[0];
  if (count != 1) return next(fd, from, count, at, flags);
  TRANSFER(WRITE, fd, part.iov_len, fd, &part, 1, at, flags);
}

#define WHOLE(call, fd, ...) \
  if (chosen_fd(call, fd) && control->kind == ERROR) return fails(); \
  return next(__VA_ARGS__)

int fsync(int fd) {
  REAL(fsync);
  WHOLE(SYNC, fd, fd);
}

int fdatasync(int fd) {
  REAL(fdatasync);
  WHOLE(SYNC, fd, fd);
}

int ftruncate(int fd, off_t length) {
  REAL(ftruncate);
  WHOLE(LENGTH, fd, fd, length);
}

int ftruncate64(int fd, off64_t length) {
  REAL(ftruncate64);
  WHOLE(LENGTH, fd, fd, length);
}

int fallocate(int fd, int mode, off_t at, off_t length) {
  REAL(fallocate);
  WHOLE(LENGTH, fd, fd, mode, at, length);
}

#define NAMED(path, ...) \
  if (chosen(NAME, path) && control->kind == ERROR) return fails(); \
  return next(__VA_ARGS__)

int rename(const char *from, const char *to) {
  REAL(rename);
  NAMED(to, from, to);
}

int unlink(const char *path) {
  REAL(unlink);
  NAMED(path, path);
}

// Only those that may make a file: who only looks finds it.
int open64(const char *path, int flags, ...) {
  REAL(open64);
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
    if (chosen(NAME, path) && control->kind == ERROR) return fails();
  }
  return next(path, flags, mode);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  REAL(pthread_create);
  if (chosen(THREAD, NULL) && control->kind == ERROR) return control->error;
  return next(thread, attributes, run, argument);
}

void *dlsym(void *handle, const char *name) {
  static void *(*next)(void *, const char *);
  if (!next) next = (void *(*)(void *, const char *))real("dlsym");
  if (!strcmp(name, "preadv2")) return preadv2;
  if (!strcmp(name, "pwritev2")) return pwritev2;
  if (!strcmp(name, "fdatasync")) return fdatasync;
  if (!strcmp(name, "ftruncate")) return ftruncate;
  if (!strcmp(name, "fallocate")) return fallocate;
  return next(handle, name);
}
