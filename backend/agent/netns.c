#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/xalloc.h"

#define PATH_BYTES 128u
#define NAME_MAX_BYTES 64u

struct netns {
	char *name; /* "netns:NAME" */
	char path[PATH_BYTES];
	dev_t dev;
	ino_t ino;
	int fd; /* -1: closed */
	bool gone;
};

struct netns_list {
	unsigned count;
	struct netns at[NETNS_MAX];
};

bool netns_is(const char *device)
{
	return strncmp(device, NETNS_PREFIX, sizeof(NETNS_PREFIX) - 1) == 0;
}

struct str netns_part(const char *device)
{
	const char *slash = strrchr(device, '/');

	return slash ? (struct str){device, (size_t)(slash - device)} : str_of("");
}

/* A name is one of a file, and never a path. */
static int name_check(const char *device, struct str part, struct err *e)
{
	static const char usual[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@:-";
	const size_t skip = sizeof(NETNS_PREFIX) - 1;

	if (part.len <= skip || part.len - skip > NAME_MAX_BYTES || device[part.len + 1] == 0)
		return err_set(e, ERR_CALL,
			       "\"%s\": say netns:PID/DEVICE or netns:NAME/DEVICE, for example "
			       "netns:4711/eth0",
			       device);
	for (size_t i = skip; i < part.len; i++)
		if (!strchr(usual, part.p[i]) || part.p[skip] == '.')
			return err_set(e, ERR_CALL,
				       "\"%s\": a namespace is named as in /run/netns or by the "
				       "number of a process; only its devices may be a pattern",
				       device);
	return 0;
}

static int path_open(struct netns *n, const char *before, const char *name, const char *behind)
{
	(void)snprintf(n->path, sizeof(n->path), "%s%s%s", before, name, behind); /* it is short */
	return open(n->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* A number is a process; where there is none of it, a name. */
static int find(struct netns *n, struct err *e)
{
	const char *name = n->name + sizeof(NETNS_PREFIX) - 1;
	const bool number = strspn(name, "0123456789") == strlen(name);
	struct statfs fs;
	struct stat st;

	n->fd = number ? path_open(n, "/proc/", name, "/ns/net") : -1;
	if (n->fd < 0)
		n->fd = path_open(n, "/run/netns/", name, "");
	if (n->fd < 0 && errno == ENOENT)
		return err_set(e, ERR_ABSENT,
			       "there is no %s: neither a process of that number nor a namespace "
			       "of that name (`ip netns`) is here",
			       n->name);
	if (n->fd < 0)
		return err_errno(e, ERR_REFUSED, "%s cannot be opened", n->name);
	if (fstatfs(n->fd, &fs) || fs.f_type != NSFS_MAGIC || fstat(n->fd, &st))
		return err_set(e, ERR_REFUSED, "%s is no network namespace", n->path);
	n->dev = st.st_dev;
	n->ino = st.st_ino;
	return 0;
}

int netns_need(struct netns_list **list, const char *device, bool allowed, struct err *e)
{
	const struct str part = netns_part(device);
	struct netns *n;

	if (!allowed)
		return err_set(e, ERR_REFUSED,
			       "\"%s\": a namespace of others is entered by a daemon of root's, "
			       "which root asks; `sudo tapdeck new ...` does",
			       device);
	if (name_check(device, part, e))
		return -1;
	if (!*list)
		*list = xcalloc(1, sizeof(**list));
	for (unsigned i = 0; i < (*list)->count; i++)
		if (str_is(part, (*list)->at[i].name))
			return 0;
	if ((*list)->count == NETNS_MAX)
		return err_set(e, ERR_CALL, "a session has devices of at most %u namespaces",
			       NETNS_MAX);
	n = &(*list)->at[(*list)->count++];
	*n = (struct netns){.name = xstrndup(part.p, part.len), .fd = -1};
	return find(n, e);
}

void netns_close(struct netns_list *list)
{
	for (unsigned i = 0; list && i < list->count; i++) {
		if (list->at[i].fd >= 0)
			close(list->at[i].fd);
		list->at[i].fd = -1;
	}
}

void netns_free(struct netns_list *list)
{
	if (!list)
		return;
	netns_close(list);
	for (unsigned i = 0; i < list->count; i++)
		free(list->at[i].name);
	free(list);
}

unsigned netns_count(const struct netns_list *list)
{
	return list ? list->count : 0;
}

const char *netns_name(const struct netns_list *list, unsigned i)
{
	return list->at[i].name;
}

int netns_fd(const struct netns_list *list, unsigned i)
{
	return list->at[i].fd;
}

bool netns_gone(struct netns_list *list, unsigned i)
{
	struct netns *n = &list->at[i];
	struct stat st;

	if (n->gone || (stat(n->path, &st) == 0 && st.st_dev == n->dev && st.st_ino == n->ino))
		return false;
	n->gone = true;
	return true;
}

/* --- its devices --- */

struct look {
	int fd;
	struct if_nameindex *names;
};

/* Entering is for a thread alone, and this one does nothing else. */
static void *look_there(void *arg)
{
	struct look *look = arg;

	if (setns(look->fd, CLONE_NEWNET) == 0)
		look->names = if_nameindex();
	return NULL;
}

struct if_nameindex *netns_devices(const struct netns_list *list, unsigned i)
{
	const struct netns *n = &list->at[i];
	struct look look = {.fd = n->fd};
	pthread_t thread;

	if (n->gone)
		return NULL;
	if (n->fd < 0)
		look.fd = open(n->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (look.fd >= 0 && pthread_create(&thread, NULL, look_there, &look) == 0)
		pthread_join(thread, NULL);
	if (look.fd >= 0 && look.fd != n->fd)
		close(look.fd);
	return look.names;
}
