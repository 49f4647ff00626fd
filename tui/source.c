#include "tui/source.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"

#define SSH_SCHEME "ssh://"

/* What a word may begin with, so that nothing has to be guessed. */
static const struct {
	const char *prefix;
	enum source_kind kind;
} prefixes[] = {
	{"file:", SOURCE_FILE},
	{"session:", SOURCE_SESSION},
	{"dev:", SOURCE_DEVICE},
};

/* Places that packets come from which this program has words for, but no way to yet. */
static const char *const later[] = {"rpcap://", "rpcaps://", "tcpdump+ssh://"};

static bool begins(const char *word, const char *prefix)
{
	return strncmp(word, prefix, strlen(prefix)) == 0;
}

/* Takes `host`; NULL is here. */
static int source_set(struct source *s, enum source_kind kind, char *host, const char *name)
{
	if (!host)
		host = xstrdup("");
	if (strcmp(host, "local") == 0)
		host[0] = 0;
	*s = (struct source){.kind = kind, .host = host, .name = xstrdup(name)};
	return 0;
}

/* True when `word` says its kind by a prefix; takes `host` then. */
static bool source_prefixed(struct source *s, const char *word, char *host)
{
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		size_t len = strlen(prefixes[i].prefix);

		if (begins(word, prefixes[i].prefix) && word[len]) {
			source_set(s, prefixes[i].kind, host, word + len);
			return true;
		}
	}
	return false;
}

/* ssh(1) would take a name with a dash in front for an option. */
static int host_check(const char *host, const char *word, struct err *e)
{
	if (host[0] == '-' || host[0] == 0)
		return err_set(e, ERR_CALL, "'%s' names no host: HOST:NAME or HOST:/PATH, or ./ in front of a file's name", word);
	return 0;
}

/* What stands behind a host: a path, or a name that the host must be asked about. Takes `host`. */
static int source_on_host(struct source *s, char *host, const char *rest, const char *word, int *ask, struct err *e)
{
	if (host_check(host, word, e))
		goto bad;
	if (!rest[0]) {
		err_set(e, ERR_CALL, "'%s' names a host, but nothing on it: HOST:/PATH or HOST:NAME", word);
		goto bad;
	}
	if (source_prefixed(s, rest, host))
		return 0;
	if (strchr(rest, '/'))
		return source_set(s, SOURCE_FILE, host, rest);
	*ask = 1;
	return source_set(s, SOURCE_SESSION, host, rest);
bad:
	free(host);
	return -1;
}

/* ssh://[USER@]HOST[:PORT]/REST: REST is a path from the root, or `session:NAME`, `dev:NAME`. */
static int source_ssh(struct source *s, const char *word, int *ask, struct err *e)
{
	const char *host = word + strlen(SSH_SCHEME), *slash = strchr(host, '/');
	const char *rest = slash;

	if (!slash)
		return err_set(e, ERR_CALL, "'%s' names a host, but nothing on it: ssh://HOST/PATH", word);
	if (begins(slash + 1, "session:") || begins(slash + 1, "dev:") || begins(slash + 1, "file:") || !slash[1])
		rest++;
	return source_on_host(s, xstrndup(host, (size_t)(slash - host)), rest, word, ask, e);
}

/* The colon that ends a host's name: before the first slash, behind the bracket of an IPv6 address. NULL: none. */
static const char *host_colon(const char *word)
{
	const char *from = word, *slash, *colon;

	if (word[0] == '[' || strstr(word, "@[")) {
		from = strchr(word, ']');
		if (!from)
			return NULL;
	}
	slash = strchr(word, '/');
	colon = strchr(from, ':');
	return colon && (!slash || colon < slash) ? colon : NULL;
}

int source_parse(struct source *s, const char *word, int *ask, struct err *e)
{
	const char *colon;

	*s = (struct source){0};
	*ask = 0;
	if (source_prefixed(s, word, NULL))
		return 0;
	if (strcmp(word, "-") == 0)
		return source_set(s, SOURCE_STDIN, NULL, word);
	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		if (begins(word, later[i]))
			return err_set(e, ERR_REFUSED, "'%s': this version opens no %s source yet", word, later[i]);
	if (begins(word, SSH_SCHEME))
		return source_ssh(s, word, ask, e);
	colon = host_colon(word);
	if (colon)
		return source_on_host(s, xstrndup(word, (size_t)(colon - word)), colon + 1, word, ask, e);
	if (strchr(word, '/') || access(word, F_OK) == 0)
		return source_set(s, SOURCE_FILE, NULL, word);
	if (!word[0])
		return err_set(e, ERR_CALL, "an empty word is no source: a file, a session or a device");
	*ask = 1;
	return source_set(s, SOURCE_SESSION, NULL, word);
}

int source_split(const char *word, char **host, char **name, struct err *e)
{
	const char *colon = host_colon(word);

	*host = *name = NULL;
	if (!colon) {
		*host = xstrdup("");
		*name = xstrdup(word);
		return 0;
	}
	*host = xstrndup(word, (size_t)(colon - word));
	if (host_check(*host, word, e)) {
		free(*host);
		*host = NULL;
		return -1;
	}
	if (strcmp(*host, "local") == 0)
		(*host)[0] = 0;
	*name = xstrdup(colon + 1);
	return 0;
}

void source_release(struct source *s)
{
	free(s->host);
	free(s->name);
	*s = (struct source){0};
}

char *source_target(const struct source *s)
{
	char *folder, *target;

	if (s->kind == SOURCE_SESSION)
		return xasprintf("session:%s", s->name);
	if (s->kind != SOURCE_FILE)
		return NULL;
	if (s->host[0] || s->name[0] == '/')
		return xasprintf("file:%s", s->name);
	folder = getcwd(NULL, 0); /* NULL: the folder is gone; the name is then tried as it is */
	target = folder ? xasprintf("file:%s/%s", folder, s->name) : xasprintf("file:%s", s->name);
	free(folder);
	return target;
}

char *source_targets(const struct source *s, size_t count)
{
	char *list = xstrdup("files:"), *one, *more;

	for (size_t i = 0; i < count; i++) {
		one = source_target(&s[i]);
		const char *path = one + strlen("file:");

		more = xasprintf("%s%zu:%s", list, strlen(path), path);
		free(one);
		free(list);
		list = more;
	}
	return list;
}
