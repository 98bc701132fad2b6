/* What one process does to the files below one folder: recorded in order, or made to fail.

   Loaded in front of libc (LD_PRELOAD), so that LevelDB's own writes pass here as well. Until `disk_record` or
   `disk_fail` names a folder, every call goes straight through. One lock is held over each call and its record: the
   record's order is the order in which things happened, whichever thread did them.

   A record is `kind(1) fd(4) number(8) first(4) second(4)`, little-endian, then `first` and `second` bytes:
     o open    fd, flags, path; number has CREATED where the file is new, EMPTIED where it was cut, FOLDER for a folder
     c close   fd
     w write   fd, offset, bytes
     s sync    fd; also after each write through a handle that syncs by itself
     t cut     number = length, path
     r rename  path, path         l link  path, path
     u unlink  path               m mkdir path           d rmdir  path
     ! mark    number, set by the recorded program

   What it cannot follow on such a file (a shared writable mapping, for one) ends the process: a record with a gap
   would prove nothing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define HANDLES 65536
#define LONGEST 4096
#define REAL(name) ((__typeof__(&name))real(#name))

enum { CREATED = 1, EMPTIED = 2, FOLDER = 4 };
enum { FOLLOWED = 1, SYNCS = 2, APPENDS = 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char below[LONGEST];
static size_t below_length;
static unsigned char handles[HANDLES];
static int recording;
static char *taken;
static size_t taken_length, taken_room;
static int64_t counted, fail_at;
static int fail_with, fail_lasts;

static void *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}

static void give_up(const char *what) {
  fprintf(stderr, "the disk shim cannot follow %s\n", what);
  abort();
}

static void append(const void *bytes, size_t length) {
  if (taken_length + length > taken_room) {
    taken_room = (taken_length + length) * 2 + 65536;
    taken = realloc(taken, taken_room);
    if (!taken) give_up("so long a record");
  }
  memcpy(taken + taken_length, bytes, length);
  taken_length += length;
}

static void record(char kind, int fd, uint64_t number, const void *first, size_t first_length, const void *second,
                   size_t second_length) {
  if (!recording) return;
  int32_t handle = fd;
  uint32_t lengths[2] = {(uint32_t)first_length, (uint32_t)second_length};
  append(&kind, 1);
  append(&handle, 4);
  append(&number, 8);
  append(lengths, 8);
  append(first, first_length);
  append(second, second_length);
}

static void record_path(char kind, int fd, uint64_t number, const char *path) {
  record(kind, fd, number, path, strlen(path), "", 0);
}

/* The absolute path in `out`; whether it is the folder or below it. */
static int inside(int folder, const char *path, char *out) {
  if (!below_length) return 0;
  char start[LONGEST] = "";
  if (path[0] != '/') {
    if (folder == AT_FDCWD) {
      if (!getcwd(start, sizeof start)) return 0;
    } else {
      char link[64];
      snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
      ssize_t length = readlink(link, start, sizeof start - 1);
      if (length < 0) return 0;
      start[length] = 0;
    }
  }
  size_t head = strlen(start), tail = strlen(path);
  if (head + tail + 2 > LONGEST) return 0;
  memcpy(out, start, head);
  if (head) out[head++] = '/';
  memcpy(out + head, path, tail + 1);
  return !strncmp(out, below, below_length) && (out[below_length] == '/' || out[below_length] == 0);
}

/* Whether this change of the disk is the one that fails; then errno is set. */
static int fails(void) {
  counted++;
  if (!fail_at || counted < fail_at || (!fail_lasts && counted > fail_at)) return 0;
  errno = fail_with;
  return 1;
}

/* Doors for the recorded program, reached by ctypes. */

void disk_record(const char *folder) {
  pthread_mutex_lock(&lock);
  snprintf(below, sizeof below, "%s", folder);
  below_length = strlen(below);
  memset(handles, 0, sizeof handles);
  taken_length = 0;
  recording = 1;
  pthread_mutex_unlock(&lock);
}

void disk_mark(uint64_t number) {
  pthread_mutex_lock(&lock);
  record('!', -1, number, "", 0, "", 0);
  pthread_mutex_unlock(&lock);
}

/* From now on the n-th change fails with this error, and with `lasts` every one after it. */
void disk_fail(const char *folder, int64_t n, int error, int lasts) {
  pthread_mutex_lock(&lock);
  snprintf(below, sizeof below, "%s", folder);
  below_length = strlen(below);
  memset(handles, 0, sizeof handles);
  counted = 0;
  fail_at = n;
  fail_with = error;
  fail_lasts = lasts;
  pthread_mutex_unlock(&lock);
}

/* Ends both; returns how many changes of the disk were counted since `disk_fail`. */
int64_t disk_end(void) {
  pthread_mutex_lock(&lock);
  below_length = 0;
  recording = 0;
  fail_at = 0;
  memset(handles, 0, sizeof handles);
  int64_t found = counted;
  pthread_mutex_unlock(&lock);
  return found;
}

const char *disk_taken(uint64_t *length) {
  *length = taken_length;
  return taken;
}

/* Handles. */

static int follow(int fd, int flags, uint64_t number, const char *path) {
  if (fd < 0) return fd;
  if (fd >= HANDLES) give_up("so many open files");
  struct stat found;
  if (!fstat(fd, &found) && S_ISDIR(found.st_mode)) number |= FOLDER;
  handles[fd] = FOLLOWED;
  if ((flags & O_DSYNC) && (flags & O_ACCMODE) != O_RDONLY) handles[fd] |= SYNCS;
  if (flags & O_APPEND) handles[fd] |= APPENDS;
  record_path('o', fd, number, path);
  return fd;
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
  char whole[LONGEST];
  pthread_mutex_lock(&lock);
  if (!inside(folder, path, whole)) {
    pthread_mutex_unlock(&lock);
    return REAL(openat)(folder, path, flags, mode);
  }
  struct stat before;
  int there = !stat(whole, &before), fd = -1;
  uint64_t number = 0;
  if (!there && (flags & O_CREAT)) number |= CREATED;
  if (there && (flags & O_TRUNC) && before.st_size) number |= EMPTIED;
  if (!number || !fails()) fd = follow(REAL(openat)(folder, path, flags, mode), flags, number, whole);
  pthread_mutex_unlock(&lock);
  return fd;
}

#define MODE                                        \
  mode_t mode = 0;                                  \
  if (flags & (O_CREAT | __O_TMPFILE)) {            \
    va_list rest;                                   \
    va_start(rest, flags);                          \
    mode = va_arg(rest, mode_t);                    \
    va_end(rest);                                   \
  }

int open(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE return opened(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE return opened(folder, path, flags, mode); }
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

static int followed(int fd) { return below_length && fd >= 0 && fd < HANDLES && handles[fd]; }

int close(int fd) {
  pthread_mutex_lock(&lock);
  if (followed(fd)) {
    record('c', fd, 0, "", 0, "", 0);
    handles[fd] = 0;
  }
  pthread_mutex_unlock(&lock);
  return REAL(close)(fd);
}

/* Content. */

static ssize_t written(int fd, const void *bytes, size_t count, off_t offset) {
  pthread_mutex_lock(&lock);
  int at_place = offset < 0;
  if (at_place) offset = lseek(fd, 0, handles[fd] & APPENDS ? SEEK_END : SEEK_CUR);
  ssize_t done = -1;
  int failing = fails();
  if (failing && fail_with == ENOSPC && counted == fail_at && count > 1) { /* what still fits, as a full disk takes it */
    failing = 0;
    count /= 2;
  }
  if (!failing) done = at_place ? REAL(write)(fd, bytes, count) : REAL(pwrite)(fd, bytes, count, offset);
  if (done > 0) {
    record('w', fd, (uint64_t)offset, "", 0, bytes, (size_t)done);
    if (handles[fd] & SYNCS) record('s', fd, 0, "", 0, "", 0);
  }
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  return followed(fd) ? written(fd, bytes, count, -1) : REAL(write)(fd, bytes, count);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  return followed(fd) ? written(fd, bytes, count, offset) : REAL(pwrite)(fd, bytes, count, offset);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) { return pwrite(fd, bytes, count, offset); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (followed(fd)) give_up("writev");
  return REAL(writev)(fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  if (followed(fd)) give_up("pwritev");
  return REAL(pwritev)(fd, parts, count, offset);
}
ssize_t sendfile(int to, int from, off_t *offset, size_t count) {
  if (followed(to)) { /* Python then copies by read and write */
    errno = EINVAL;
    return -1;
  }
  return REAL(sendfile)(to, from, offset, count);
}
ssize_t sendfile64(int to, int from, off64_t *offset, size_t count) { return sendfile(to, from, offset, count); }
ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *place, size_t count, unsigned flags) {
  if (followed(to)) give_up("copy_file_range");
  return REAL(copy_file_range)(from, at, to, place, count, flags);
}
int fallocate(int fd, int mode, off_t offset, off_t length) {
  if (followed(fd)) give_up("fallocate");
  return REAL(fallocate)(fd, mode, offset, length);
}
int posix_fallocate(int fd, off_t offset, off_t length) {
  if (followed(fd)) give_up("posix_fallocate");
  return REAL(posix_fallocate)(fd, offset, length);
}
void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
  if (followed(fd) && (protection & PROT_WRITE) && (flags & MAP_SHARED)) give_up("a shared writable mapping");
  return REAL(mmap)(at, length, protection, flags, fd, offset);
}
void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset) {
  return mmap(at, length, protection, flags, fd, offset);
}

static int synced(int fd, int (*call)(int)) {
  pthread_mutex_lock(&lock);
  int answer = -1;
  if (!followed(fd)) {
    answer = call(fd);
  } else if (!fails() && !(answer = call(fd))) {
    record('s', fd, 0, "", 0, "", 0);
  }
  pthread_mutex_unlock(&lock);
  return answer;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

static int cut(const char *path, off_t length) {
  pthread_mutex_lock(&lock);
  char whole[LONGEST];
  int answer = -1, ours = inside(AT_FDCWD, path, whole);
  if (!ours || !fails()) {
    answer = REAL(truncate)(path, length);
    if (ours && !answer) record_path('t', -1, (uint64_t)length, whole);
  }
  pthread_mutex_unlock(&lock);
  return answer;
}

static int cut_open(int fd, off_t length) {
  if (!followed(fd)) return REAL(ftruncate)(fd, length);
  char link[64], path[LONGEST];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) give_up("a file without a name");
  path[size] = 0;
  return cut(path, length);
}

int truncate(const char *path, off_t length) { return cut(path, length); }
int truncate64(const char *path, off64_t length) { return cut(path, length); }
int ftruncate(int fd, off_t length) { return cut_open(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut_open(fd, length); }

/* Names. */

static int named(char kind, int answer, const char *first, const char *second) {
  if (!answer) record(kind, -1, 0, first, strlen(first), second, strlen(second));
  return answer;
}

#define ONE(kind, folder, path, call)                                    \
  pthread_mutex_lock(&lock);                                             \
  char whole[LONGEST];                                                   \
  int answer = -1;                                                       \
  if (!inside(folder, path, whole)) answer = call;                       \
  else if (!fails()) answer = named(kind, call, whole, "");              \
  pthread_mutex_unlock(&lock);                                           \
  return answer;

#define TWO(kind, folder, path, other, name, call)                       \
  pthread_mutex_lock(&lock);                                             \
  char whole[LONGEST], there[LONGEST];                                   \
  int answer = -1, from = inside(folder, path, whole), to = inside(other, name, there); \
  if (from != to) give_up("a name that crosses the folder's border");    \
  if (!from) answer = call;                                              \
  else if (!fails()) answer = named(kind, call, whole, there);           \
  pthread_mutex_unlock(&lock);                                           \
  return answer;

int unlink(const char *path) { ONE('u', AT_FDCWD, path, REAL(unlink)(path)) }
int unlinkat(int folder, const char *path, int flags) {
  ONE(flags & AT_REMOVEDIR ? 'd' : 'u', folder, path, REAL(unlinkat)(folder, path, flags))
}
int rmdir(const char *path) { ONE('d', AT_FDCWD, path, REAL(rmdir)(path)) }
int mkdir(const char *path, mode_t mode) { ONE('m', AT_FDCWD, path, REAL(mkdir)(path, mode)) }
int mkdirat(int folder, const char *path, mode_t mode) { ONE('m', folder, path, REAL(mkdirat)(folder, path, mode)) }
int rename(const char *path, const char *name) {
  TWO('r', AT_FDCWD, path, AT_FDCWD, name, REAL(rename)(path, name))
}
int renameat(int folder, const char *path, int other, const char *name) {
  TWO('r', folder, path, other, name, REAL(renameat)(folder, path, other, name))
}
int link(const char *path, const char *name) { TWO('l', AT_FDCWD, path, AT_FDCWD, name, REAL(link)(path, name)) }
int linkat(int folder, const char *path, int other, const char *name, int flags) {
  TWO('l', folder, path, other, name, REAL(linkat)(folder, path, other, name, flags))
}
