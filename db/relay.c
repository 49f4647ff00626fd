#include "relay.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/xalloc.h"

#define RELAY_BYTES (256u * 1024)

int relay_address(const char *folder, struct sockaddr_un *a, struct err *e)
{
	const size_t len = strlen(folder);

	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len + sizeof("/socket") > sizeof(a->sun_path))
		return err_set(e, ERR_REFUSED,
			       "the folder %s has too long a name for a socket: set XDG_DATA_HOME "
			       "to a shorter one",
			       folder);
	memcpy(a->sun_path, folder, len);
	memcpy(a->sun_path + len, "/socket", sizeof("/socket"));
	return 0;
}

int relay_connect(const char *folder, struct err *e)
{
	struct sockaddr_un a;
	int sock;

	if (relay_address(folder, &a, e) != 0)
		return -1;
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock >= 0 && connect(sock, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return sock;
	err_errno(e, ERR_REFUSED,
		  "another tapdeck keeps the history in %s, but does not answer: end it, or wait",
		  folder);
	if (sock >= 0)
		close(sock);
	return -1;
}

static int relay_piece(int from, int to, char *piece)
{
	const ssize_t n = read(from, piece, RELAY_BYTES);

	if (n < 0 && errno == EINTR)
		return 0;
	return n > 0 && fdio_write_all(to, piece, (size_t)n) == 0 ? 0 : -1;
}

int relay_run(int sock)
{
	struct pollfd fd[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
			       {.fd = sock, .events = POLLIN}};
	char *piece;
	int r = 0;

	piece = xmalloc(RELAY_BYTES);
	while (r == 0) {
		if (poll(fd, 2, -1) < 0) {
			r = errno == EINTR ? 0 : -1;
			continue;
		}
		if (fd[0].revents)
			r = relay_piece(STDIN_FILENO, sock, piece);
		if (r == 0 && fd[1].revents)
			r = relay_piece(sock, STDIN_FILENO, piece);
	}
	free(piece);
	close(sock);
	return 0; /* an end is no error, whosever it was */
}
