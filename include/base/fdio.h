/* Descriptors: whole writes, reads at a place, passing over a unix socket, names that fit. */
#ifndef BASE_FDIO_H
#define BASE_FDIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define FDIO_PASS_MAX 24 /* descriptors in one message */

/* All of it or -1 (errno says why); EINTR and short writes are dealt with. */
int fdio_write_all(int fd, const void *p, size_t len);
int fdio_pwrite_all(int fd, const void *p, size_t len, uint64_t offset);
/* Up to len bytes; fewer only at the end of the file. -1 with errno. */
ssize_t fdio_pread(int fd, void *p, size_t len, uint64_t offset);
int fdio_set_nonblock(int fd);
int fdio_set_cloexec(int fd);
/* Two connected unix stream sockets, CLOEXEC. */
int fdio_socketpair(int fd[2], struct err *e);
/* sendmsg/recvmsg once, with descriptors. Return bytes, 0 at the end, -1 with errno (EAGAIN included).
 * recv: *nfd is room in, count out; they are CLOEXEC and the caller's. */
ssize_t fdio_send(int sock, const void *p, size_t len, const int *fd, size_t nfd);
ssize_t fdio_recv(int sock, void *p, size_t len, int *fd, size_t *nfd);
/* A folder and its parents, 0700 for what is made. */
int fdio_make_folder(const char *path, struct err *e);

#endif
