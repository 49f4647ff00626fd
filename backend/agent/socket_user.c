#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "socket.h"

#define USERS_MAX 65536u
#define LOOK_NS (10 * NS_PER_S)

struct socket_users {
	struct map *names;
	struct timespec changed; /* the file */
	int64_t looked_ns;
	char number[24];
};

struct socket_users *socket_users_new(void)
{
	return xcalloc(1, sizeof(struct socket_users));
}

static void users_clear(struct socket_users *u)
{
	size_t iter = 0;
	void *name;

	while (u->names && map_next(u->names, &iter, NULL, NULL, &name))
		free(name);
	map_free(u->names);
	u->names = NULL;
}

void socket_users_free(struct socket_users *u)
{
	if (!u)
		return;
	users_clear(u);
	free(u);
}

static void users_read(struct socket_users *u)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *p;

	users_clear(u);
	u->names = map_new(USERS_MAX);
	while (f && (p = fgetpwent(f)) != NULL) {
		char *name = map_get(u->names, &p->pw_uid, sizeof(p->pw_uid)) ? NULL
									      : xstrdup(p->pw_name);

		if (name && map_put(u->names, &p->pw_uid, sizeof(p->pw_uid), name))
			free(name);
	}
	if (f)
		fclose(f);
}

static void users_look(struct socket_users *u)
{
	const int64_t now_ns = clock_mono_ns();
	struct stat st;

	if (u->names && now_ns - u->looked_ns < LOOK_NS)
		return;
	u->looked_ns = now_ns;
	if (stat("/etc/passwd", &st))
		return;
	if (u->names && memcmp(&st.st_mtim, &u->changed, sizeof(u->changed)) == 0)
		return;
	u->changed = st.st_mtim;
	users_read(u);
}

const char *socket_user(struct socket_users *u, uid_t uid)
{
	const char *name;

	users_look(u);
	name = u->names ? map_get(u->names, &uid, sizeof(uid)) : NULL;
	if (name)
		return name;
	(void)snprintf(u->number, sizeof(u->number), "%lu", (unsigned long)uid); /* it fits */
	return u->number;
}
