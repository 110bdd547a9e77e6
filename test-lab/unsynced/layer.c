// SPDX-License-Identifier: Apache-2.0
//
// A disk that loses at a power cut what was not synced. LD_PRELOAD puts this into ceph-osd, whose disk is the file UNSYNCED_DISK. Before each write
// to it, what the write replaces goes to the log UNSYNCED_LOG; `take-back` puts some of that back after the process has died.
//
//   record    u64 offset | u64 length | length bytes that were there        a write
//             u64 position | u64 SYNCED                                    what the log had before this position is durable
//
// A write counts as durable when it was asked for before a sync began that succeeded. One that was asked for and had not ended by then, could be lost on
// a real disk, and is not lost here. A log whose writes are all durable is emptied.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SYNCED UINT64_MAX
#define MOST_SEGMENTS 1024
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int disk = -1, log_file = -1;  // guarded by lock
static struct stat disk_is;           // written once, under lock
static uint64_t log_end;              // guarded by lock

static void fail(const char *what) {
  fprintf(stderr, "unsynced: %s: %s\n", what, strerror(errno));
  abort();
}

// Whether a descriptor is the disk. Opens disk and log when it is asked first.
static int is_disk(int fd) {
  pthread_mutex_lock(&lock);
  if (disk < 0) {
    disk = open(getenv("UNSYNCED_DISK"), O_RDONLY | O_CLOEXEC);
    log_file = open(getenv("UNSYNCED_LOG"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (disk < 0 || log_file < 0 || fstat(disk, &disk_is)) fail("disk or log");
  }
  pthread_mutex_unlock(&lock);
  struct stat is;
  return fstat(fd, &is) == 0 && is.st_ino == disk_is.st_ino && is.st_dev == disk_is.st_dev;
}

static void append(const void *bytes, size_t length) {
  for (const char *at = bytes; length;) {
    ssize_t n = write(log_file, at, length);
    if (n < 0) fail("log");
    at += n;
    length -= n;
    log_end += n;
  }
}

// Logs what is at the place of a write.
static void before(uint64_t offset, uint64_t length) {
  char *old = calloc(1, length);  // what is behind the end of the file reads as zeros
  if (!old) fail("memory");
  pthread_mutex_lock(&lock);
  for (uint64_t got = 0; got < length;) {
    ssize_t n = pread(disk, old + got, length - got, offset + got);
    if (n < 0) fail("read");
    if (n == 0) break;
    got += n;
  }
  uint64_t head[] = {offset, length};
  append(head, sizeof head);
  append(old, length);
  pthread_mutex_unlock(&lock);
  free(old);
}

static uint64_t total(const struct iovec *segments, uint64_t count) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < count && i < MOST_SEGMENTS; i++) sum += segments[i].iov_len;
  return sum;
}

int io_submit(void *context, long count, struct iocb **requests) {
  for (long i = 0; i < count; i++) {
    struct iocb *each = requests[i];
    int vector = each->aio_lio_opcode == IOCB_CMD_PWRITEV;
    if ((vector || each->aio_lio_opcode == IOCB_CMD_PWRITE) && is_disk(each->aio_fildes))
      before(each->aio_offset, vector ? total((struct iovec *)(uintptr_t)each->aio_buf, each->aio_nbytes) : each->aio_nbytes);
  }
  return NEXT(io_submit)(context, count, requests);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  if (is_disk(fd)) before(offset, length);
  return NEXT(pwrite)(fd, bytes, length, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
  if (is_disk(fd)) before(offset, length);
  return NEXT(pwrite64)(fd, bytes, length, offset);
}

ssize_t pwritev(int fd, const struct iovec *segments, int count, off_t offset) {
  if (is_disk(fd)) before(offset, total(segments, count));
  return NEXT(pwritev)(fd, segments, count, offset);
}

ssize_t pwritev64(int fd, const struct iovec *segments, int count, off_t offset) {
  if (is_disk(fd)) before(offset, total(segments, count));
  return NEXT(pwritev64)(fd, segments, count, offset);
}

static int synced(int fd, int (*sync)(int)) {
  if (!is_disk(fd)) return sync(fd);
  pthread_mutex_lock(&lock);
  uint64_t position = log_end;
  pthread_mutex_unlock(&lock);
  int result = sync(fd);
  if (result == 0 && !getenv("UNSYNCED_LIES")) {
    pthread_mutex_lock(&lock);
    if (position == log_end) {
      if (ftruncate(log_file, 0) || lseek(log_file, 0, SEEK_SET)) fail("log");
      log_end = 0;
    } else if (position < log_end) {
      uint64_t mark[] = {position, SYNCED};
      append(mark, sizeof mark);
    }
    pthread_mutex_unlock(&lock);
  }
  return result;
}

int fdatasync(int fd) { return synced(fd, NEXT(fdatasync)); }

int fsync(int fd) { return synced(fd, NEXT(fsync)); }
