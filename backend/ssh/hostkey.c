#include "hostkey.h"

#include <stdbool.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"

#define HOSTKEY_LINE_MAX (64u * 1024)
#define HOSTKEY_REVOKED_MAX (1u << 20) /* bytes of @revoked keys kept */

struct hostkey {
	LIBSSH2_SESSION *session;
	LIBSSH2_KNOWNHOSTS *known;
	struct buf revoked; /* base64 keys, one a line */
	const struct config *config;
	int port;
};

/* The key types that libssh2 and known_hosts both have, the stored type first in the host's preference. */
static const struct {
	int type;
	const char *method;
} hostkey_types[] = {
	{LIBSSH2_KNOWNHOST_KEY_ED25519, "ssh-ed25519"},
	{LIBSSH2_KNOWNHOST_KEY_ECDSA_256, "ecdsa-sha2-nistp256"},
	{LIBSSH2_KNOWNHOST_KEY_ECDSA_384, "ecdsa-sha2-nistp384"},
	{LIBSSH2_KNOWNHOST_KEY_ECDSA_521, "ecdsa-sha2-nistp521"},
	{LIBSSH2_KNOWNHOST_KEY_SSHRSA, "ssh-rsa"},
};

static const char *hostkey_name(const struct hostkey *h)
{
	return h->config->host_key_alias ? h->config->host_key_alias : h->config->hostname;
}

static void hostkey_line(struct hostkey *h, char *line)
{
	char *key, *end;

	line[strcspn(line, "\r\n")] = '\0';
	if (strncmp(line, "@revoked ", 9) == 0) {
		key = strstr(line, " AAAA");
		if (!key)
			return;
		end = key + 1 + strcspn(key + 1, " ");
		(void)buf_printf(&h->revoked, "%.*s\n", (int)(end - key - 1), key + 1);
		return;
	}
	if (line[0] == '@' || line[0] == '#' || line[0] == '\0')
		return;
	(void)libssh2_knownhost_readline(h->known, line, strlen(line), LIBSSH2_KNOWNHOST_FILE_OPENSSH);
}

static void hostkey_file(struct hostkey *h, const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	if (!f)
		return; /* none is none known */
	while (getline(&line, &room, f) >= 0)
		if (strlen(line) < HOSTKEY_LINE_MAX)
			hostkey_line(h, line);
	free(line);
	fclose(f);
}

struct hostkey *hostkey_new(LIBSSH2_SESSION *session, const struct config *c)
{
	struct hostkey *h = xcalloc(1, sizeof(*h));

	h->session = session;
	h->config = c;
	h->port = (int)strtol(c->port, NULL, 10);
	h->known = libssh2_knownhost_init(session);
	buf_init(&h->revoked, HOSTKEY_REVOKED_MAX);
	for (int i = 0; h->known && i < c->known_hosts_files; i++)
		hostkey_file(h, c->known_hosts[i]);
	return h;
}

void hostkey_free(struct hostkey *h)
{
	if (!h)
		return;
	if (h->known)
		libssh2_knownhost_free(h->known);
	buf_release(&h->revoked);
	free(h);
}

/* Whether some key of this type is known for the host: asked with a key that cannot match. */
static bool hostkey_has(struct hostkey *h, int type)
{
	static const char none[] = "tapdeck";
	struct libssh2_knownhost *found = NULL;
	int r = libssh2_knownhost_checkp(h->known, hostkey_name(h), h->port, none, sizeof(none) - 1,
					 LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW | type, &found);

	return r == LIBSSH2_KNOWNHOST_CHECK_MISMATCH;
}

int hostkey_prefer(struct hostkey *h, struct err *e)
{
	struct buf methods;
	int r = 0;

	buf_init(&methods, 1024);
	for (size_t i = 0; i < ARRAY_LEN(hostkey_types); i++)
		if (hostkey_has(h, hostkey_types[i].type))
			(void)buf_printf(&methods, "%s%s", methods.len ? "," : "", hostkey_types[i].method);
	if (methods.len && libssh2_session_method_pref(h->session, LIBSSH2_METHOD_HOSTKEY, buf_str(&methods)) != 0)
		r = err_set(e, ERR_REFUSED, "the SSH library does not take the host key types %s", buf_str(&methods));
	buf_release(&methods);
	return r;
}

/* "SHA256:..." as ssh(1) prints it: base64 without padding. */
static char *hostkey_fingerprint(const void *key, size_t len)
{
	unsigned char digest[EVP_MAX_MD_SIZE], text[2 * EVP_MAX_MD_SIZE];
	unsigned n = 0;
	int count;

	if (EVP_Digest(key, len, digest, &n, EVP_sha256(), NULL) != 1)
		return xstrdup("SHA256:?");
	count = EVP_EncodeBlock(text, digest, (int)n);
	while (count > 0 && text[count - 1] == '=')
		count--;
	return xasprintf("SHA256:%.*s", count, (const char *)text);
}

static char *hostkey_stored_fingerprint(const struct libssh2_knownhost *known)
{
	size_t len = known->key ? strlen(known->key) : 0;
	unsigned char *raw = xmalloc(len + 4);
	int n = EVP_DecodeBlock(raw, (const unsigned char *)(known->key ? known->key : ""), (int)len);
	char *text;

	for (size_t i = len; n > 0 && i > 0 && known->key[i - 1] == '='; i--)
		n--;
	text = hostkey_fingerprint(raw, n > 0 ? (size_t)n : 0);
	free(raw);
	return text;
}

static bool hostkey_revoked(struct hostkey *h, const char *key, size_t len)
{
	size_t room = (len + 2) / 3 * 4 + 1;
	unsigned char *text = xmalloc(room + 2);
	bool found;
	int n = EVP_EncodeBlock(text, (const unsigned char *)key, (int)len);

	text[n] = '\n';
	text[n + 1] = '\0';
	found = strstr(buf_str(&h->revoked), (const char *)text) != NULL;
	free(text);
	return found;
}

static int hostkey_refuse(struct hostkey *h, int result, const struct libssh2_knownhost *found, const char *now, struct err *e)
{
	const char *name = hostkey_name(h);
	char *then;

	if (result == LIBSSH2_KNOWNHOST_CHECK_NOTFOUND)
		return err_set(e, ERR_REFUSED,
			       "the host key of %s is not known (%s): check it, then accept it once with 'ssh %s'",
			       name, now, h->config->host);
	if (result == LIBSSH2_KNOWNHOST_CHECK_MISMATCH && found) {
		then = hostkey_stored_fingerprint(found);
		err_set(e, ERR_REFUSED,
			"THE HOST KEY OF %s HAS CHANGED: was %s, is %s: refused. If that is meant, 'ssh-keygen -R %s'",
			name, then, now, name);
		free(then);
		return -1;
	}
	return err_set(e, ERR_REFUSED, "the host key of %s could not be checked", name);
}

int hostkey_check(struct hostkey *h, struct err *e)
{
	struct libssh2_knownhost *found = NULL;
	size_t len = 0;
	int type = 0, result, bits = LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW;
	const char *key = libssh2_session_hostkey(h->session, &len, &type);
	char *now;
	int r = 0;

	if (!key || !h->known)
		return err_set(e, ERR_REFUSED, "%s gave no host key", hostkey_name(h));
	now = hostkey_fingerprint(key, len);
	result = libssh2_knownhost_checkp(h->known, hostkey_name(h), h->port, key, len, bits, &found);
	if (hostkey_revoked(h, key, len))
		r = err_set(e, ERR_REFUSED, "the host key of %s (%s) is marked @revoked: refused", hostkey_name(h), now);
	else if (result != LIBSSH2_KNOWNHOST_CHECK_MATCH)
		r = hostkey_refuse(h, result, found, now, e);
	free(now);
	return r;
}
