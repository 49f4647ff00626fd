#include "base/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"

int fdio_write_all(int fd, const void *p, size_t len)
{
	const char *at = p;

	while (len > 0) {
		const ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int fdio_pwrite_all(int fd, const void *p, size_t len, uint64_t offset)
{
	const char *at = p;

	while (len > 0) {
		const ssize_t n = pwrite(fd, at, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t fdio_pread(int fd, void *p, size_t len, uint64_t offset)
{
	char *at = p;
	size_t done = 0;

	while (done < len) {
		const ssize_t n = pread(fd, at + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int fdio_set_nonblock(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int fdio_set_cloexec(int fd)
{
	const int flags = fcntl(fd, F_GETFD);

	return flags < 0 ? -1 : fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

int fdio_socketpair(int fd[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
		return err_errno(e, ERR_REFUSED, "could not make a pair of sockets");
	return 0;
}

ssize_t fdio_send(int sock, const void *p, size_t len, const int *fd, size_t nfd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FDIO_PASS_MAX * sizeof(int))];
	} control = {0};
	struct iovec io = {.iov_base = (void *)(uintptr_t)p, .iov_len = len};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};
	ssize_t n;

	if (nfd > FDIO_PASS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (nfd > 0) {
		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(nfd * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(nfd * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fd, nfd * sizeof(int));
	}
	do
		n = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Takes what the kernel has put into our table; what is beyond the caller's room is closed. */
static void received_take(const struct cmsghdr *c, int *fd, size_t room, size_t *nfd)
{
	const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		int one;

		memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(one));
		if (*nfd < room)
			fd[(*nfd)++] = one;
		else
			close(one);
	}
}

ssize_t fdio_recv(int sock, void *p, size_t len, int *fd, size_t *nfd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FDIO_PASS_MAX * sizeof(int))];
	} control = {0};
	struct iovec io = {.iov_base = p, .iov_len = len};
	struct msghdr m = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof(control.room)};
	const size_t room = *nfd;
	ssize_t n;

	*nfd = 0;
	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			received_take(c, fd, room, nfd);
	return n;
}

int fdio_make_folder(const char *path, struct err *e)
{
	char *copy = xstrdup(path);
	struct stat st;
	int rc = 0;

	for (char *slash = strchr(copy + (copy[0] == '/'), '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = 0;
		if (copy[0] && mkdir(copy, 0700) && errno != EEXIST) {
			rc = err_errno(e, ERR_REFUSED, "could not make the folder %s", copy);
			break;
		}
		if (!slash)
			break;
		*slash = '/';
	}
	if (rc == 0 && (stat(path, &st) || !S_ISDIR(st.st_mode)))
		rc = err_set(e, ERR_REFUSED, "%s is in the way: it is no folder", path);
	free(copy);
	return rc;
}
