#include "base/paths.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/xalloc.h"

#define ROOT_STATE "/var/lib/tapdeck"

/* The variable's value where it is an absolute path (XDG base directories ignore others), else
 * NULL. */
static const char *env_path(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] == '/' ? value : NULL;
}

static char *home_folder(void)
{
	const char *home = env_path("HOME");
	const struct passwd *pw;

	if (home)
		return xstrdup(home);
	pw = getpwuid(getuid());
	return xstrdup(pw && pw->pw_dir && pw->pw_dir[0] == '/' ? pw->pw_dir : "/");
}

/* $variable/tail, else home/usual/tail. */
static char *xdg_path(const char *variable, const char *usual, const char *tail)
{
	const char *base = env_path(variable);
	char *home, *path;

	if (base)
		return xasprintf("%s/%s", base, tail);
	home = home_folder();
	path = xasprintf("%s/%s/%s", home, usual, tail);
	free(home);
	return path;
}

char *paths_config(void)
{
	const char *own = getenv("TAPDECK_CONFIG");

	if (own && own[0])
		return xstrdup(own);
	return xdg_path("XDG_CONFIG_HOME", ".config", "tapdeck/tapdeck.conf");
}

/* Root's daemon keeps to /var/lib unless told otherwise: its home is no place for what it serves to
 * a group. */
static bool is_root_default(const char *variable)
{
	return geteuid() == 0 && !env_path(variable);
}

char *paths_state(void)
{
	if (is_root_default("XDG_STATE_HOME"))
		return xstrdup(ROOT_STATE);
	return xdg_path("XDG_STATE_HOME", ".local/state", "tapdeck");
}

char *paths_daemon_config(void)
{
	if (is_root_default("XDG_CONFIG_HOME"))
		return xstrdup("/etc/tapdeck/tapdeckd.conf");
	return xdg_path("XDG_CONFIG_HOME", ".config", "tapdeck/tapdeckd.conf");
}

char *paths_logs(void)
{
	return is_root_default("XDG_STATE_HOME") ? xstrdup("/var/log/tapdeck") : paths_state();
}

char *paths_data(void)
{
	return xdg_path("XDG_DATA_HOME", ".local/share", "tapdeck");
}

char *paths_cache(void)
{
	return xdg_path("XDG_CACHE_HOME", ".cache", "tapdeck");
}

char *paths_captures(void)
{
	if (is_root_default("XDG_DATA_HOME"))
		return xstrdup(ROOT_STATE "/captures");
	return xdg_path("XDG_DATA_HOME", ".local/share", "tapdeck/captures");
}

/* As tmux does for its socket: a folder, not a link, ours, and nobody else's to enter. */
static int folder_check(const char *path, int make, struct err *e)
{
	struct stat st;

	if (make && mkdir(path, 0700) && errno != EEXIST)
		return err_errno(e, ERR_REFUSED, "could not make the folder %s", path);
	if (lstat(path, &st)) {
		if (errno == ENOENT && !make)
			return 0;
		return err_errno(e, ERR_REFUSED, "could not look at the folder %s", path);
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_REFUSED, "%s is no folder: remove it, or set TAPDECK_SOCKET",
			       path);
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return err_set(e, ERR_REFUSED,
			       "the folder %s is not yours alone (it must be yours, mode 0700): "
			       "remove it, or set TAPDECK_SOCKET",
			       path);
	return 0;
}

char *paths_socket_own(int make, struct err *e)
{
	const char *own = getenv("TAPDECK_SOCKET");
	const unsigned long uid = geteuid();
	char *base, *folder, *path = NULL;
	struct stat st;

	if (own && own[0])
		return xstrdup(own);
	base = xasprintf("/run/user/%lu", uid);
	if (stat(base, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
		folder = xasprintf("%s/tapdeck", base);
	else
		folder = xasprintf("/tmp/tapdeck-%lu", uid);
	if (folder_check(folder, make, e) == 0)
		path = xasprintf("%s/socket", folder);
	free(folder);
	free(base);
	return path;
}

char *paths_socket_root(void)
{
	return xstrdup("/run/tapdeck/socket");
}
