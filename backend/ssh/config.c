#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "base/spawn.h"
#include "base/xalloc.h"

#define CONFIG_TEXT_MAX (256u * 1024) /* bytes that `ssh -G` may print */

/* The destination's parts, as far as the user gave them. */
struct destination {
	char *user, *host, *port;
};

static void destination_release(struct destination *d)
{
	free(d->user);
	free(d->host);
	free(d->port);
}

/* A name that begins with '-' would be an option of ssh(1); blanks and controls are no names at all. */
static int name_check(const char *name, const char *what, struct err *e)
{
	if (*name == '\0' || *name == '-')
		return err_set(e, ERR_CALL, "'%s' is no %s name", name, what);
	for (const char *p = name; *p; p++)
		if (!isgraph((unsigned char)*p) || strchr("'\"`$\\;&<>|(){}", *p))
			return err_set(e, ERR_CALL, "'%s' is no %s name", name, what);
	return 0;
}

static int destination_parse(struct destination *d, const char *text, struct err *e)
{
	const char *at = strrchr(text, '@');
	const char *host = at ? at + 1 : text;
	const char *colon = strrchr(host, ':');

	memset(d, 0, sizeof(*d));
	if (at)
		d->user = xstrndup(text, (size_t)(at - text));
	if (*host == '[' && strchr(host, ']')) {
		const char *end = strchr(host, ']');
		d->host = xstrndup(host + 1, (size_t)(end - host - 1));
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (colon && strchr(host, ':') == colon) {
		d->host = xstrndup(host, (size_t)(colon - host));
	} else {
		d->host = xstrdup(host); /* no port, or a bare IPv6 address */
		colon = NULL;
	}
	if (colon)
		d->port = xstrdup(colon + 1);
	if (name_check(d->host, "host", e) != 0 || (d->user && name_check(d->user, "user", e) != 0))
		return -1;
	if (d->port && strspn(d->port, "0123456789") != strlen(d->port))
		return err_set(e, ERR_CALL, "'%s' is no port", d->port);
	return 0;
}

static void config_set(char **slot, const char *value)
{
	free(*slot);
	*slot = strcmp(value, "none") == 0 ? NULL : xstrdup(value);
}

static char *config_expand_home(const char *path)
{
	const char *home = getenv("HOME");

	if (path[0] != '~' || path[1] != '/')
		return xstrdup(path);
	if (!home) {
		struct passwd *pw = getpwuid(getuid());
		home = pw ? pw->pw_dir : "/";
	}
	return xasprintf("%s%s", home, path + 1);
}

static void config_add_list(char **list, int *count, char *words)
{
	char *rest = words;

	for (char *word; (word = strsep(&rest, " ")) && *count < CONFIG_LIST_MAX;)
		if (*word && strcmp(word, "none") != 0)
			list[(*count)++] = config_expand_home(word);
}

static void config_line(struct config *c, char *key, char *value)
{
	const struct {
		const char *key;
		char **slot;
	} plain[] = {
		{"hostname", &c->hostname},
		{"port", &c->port},
		{"user", &c->user},
		{"hostkeyalias", &c->host_key_alias},
		{"proxyjump", &c->proxy_jump},
		{"proxycommand", &c->proxy_command},
		{"certificatefile", &c->certificate},
	};

	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (strcmp(key, plain[i].key) == 0)
			config_set(plain[i].slot, value);
	if (strcmp(key, "identityagent") == 0) {
		free(c->identity_agent);
		c->identity_agent = config_expand_home(value);
	} else if (strcmp(key, "identityfile") == 0 && c->identities < CONFIG_LIST_MAX) {
		c->identity[c->identities++] = config_expand_home(value);
	} else if (strcmp(key, "identitiesonly") == 0) {
		c->identities_only = strcmp(value, "yes") == 0;
	} else if (strcmp(key, "userknownhostsfile") == 0 || strcmp(key, "globalknownhostsfile") == 0) {
		config_add_list(c->known_hosts, &c->known_hosts_files, value);
	}
}

static void config_lines(struct config *c, char *text)
{
	char *rest = text;

	for (char *line; (line = strsep(&rest, "\n"));) {
		char *blank = strchr(line, ' ');
		if (!blank)
			continue;
		*blank = '\0';
		config_line(c, line, blank + 1);
	}
}

/* Runs ssh -G; what it prints on stderr is its reason. */
static int config_ask(const char **argv, struct buf *out, struct err *e)
{
	int fd[2], status = 0;
	struct spawn s = {.path = "ssh", .argv = (char *const *)(uintptr_t)argv, .nfd = 3};
	pid_t pid;
	ssize_t n;

	if (pipe2(fd, O_CLOEXEC) != 0)
		return err_errno(e, ERR_REFUSED, "no pipe for ssh -G");
	s.fd[0] = -1;
	s.fd[1] = fd[1];
	s.fd[2] = fd[1];
	pid = spawn_start(&s, e);
	close(fd[1]);
	if (pid < 0) {
		close(fd[0]);
		return err_wrap(e, "ssh(1) reads the user's own configuration");
	}
	for (;;) {
		uint8_t *room = buf_reserve(out, 4096);
		n = room ? read(fd[0], room, 4096) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		out->len += (size_t)n;
	}
	close(fd[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, ERR_REFUSED, "ssh -G: %s", buf_str(out));
	return 0;
}

int config_arguments(const struct config *c, const char **argv, int room)
{
	int n = 0;

	if (room < 6)
		return 0;
	argv[n++] = "-p";
	argv[n++] = c->port;
	argv[n++] = "-l";
	argv[n++] = c->user;
	argv[n++] = "--";
	argv[n++] = c->host;
	return n;
}

int config_read(struct config *c, const char *destination, struct err *e)
{
	struct destination d;
	struct buf text;
	const char *argv[10];
	int n = 0, r = -1;

	memset(c, 0, sizeof(*c));
	buf_init(&text, CONFIG_TEXT_MAX);
	if (destination_parse(&d, destination, e) != 0)
		goto out;
	argv[n++] = "ssh";
	argv[n++] = "-G";
	if (d.port) {
		argv[n++] = "-p";
		argv[n++] = d.port;
	}
	if (d.user) {
		argv[n++] = "-l";
		argv[n++] = d.user;
	}
	argv[n++] = "--";
	argv[n++] = d.host;
	argv[n] = NULL;
	if (config_ask(argv, &text, e) != 0 || buf_add_byte(&text, 0) != 0)
		goto out;
	c->host = xstrdup(d.host);
	config_lines(c, (char *)text.data);
	if (!c->hostname || !c->port || !c->user) {
		err_set(e, ERR_REFUSED, "ssh -G %s gave no host name, port and user", d.host);
		goto out;
	}
	r = 0;
out:
	destination_release(&d);
	buf_release(&text);
	return r;
}

void config_release(struct config *c)
{
	char *all[] = {c->host, c->hostname, c->port, c->user, c->host_key_alias, c->identity_agent,
		       c->proxy_jump, c->proxy_command, c->certificate};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(all[i]);
	for (int i = 0; i < c->identities; i++)
		free(c->identity[i]);
	for (int i = 0; i < c->known_hosts_files; i++)
		free(c->known_hosts[i]);
	memset(c, 0, sizeof(*c));
}
