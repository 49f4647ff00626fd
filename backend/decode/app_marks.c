/* How applications are recognised whose messages are read elsewhere: DNS, TLS, HTTP and what is
 * written like it, DHCP, NTP. */
#include <string.h>

#include "app.h"
#include "lines.h"

#define DNS_HEADER 12u
#define DNS_LABEL_MAX 63u
#define VERB_MAX 12u /* letters of "UNSUBSCRIBE", and one */

/* A record's head: type, version 3.0 to 3.4, a length that the protocol allows (RFC 8446 5.1). */
bool tls_looks(const uint8_t *p, size_t length)
{
	return length >= 5 && p[0] >= 20 && p[0] <= 24 && p[1] == 3 && p[2] <= 4 &&
	       get16(p + 3) > 0 && get16(p + 3) <= 16384 + 2048;
}

/* Where the first record ends here, the next must begin. */
bool tls_speaks(const struct probe *b)
{
	size_t next;

	if (!tls_looks(b->p, b->length))
		return false;
	next = 5u + get16(b->p + 3);
	return next + 5 > b->length || tls_looks(b->p + next, b->length - next);
}

/* A header whose counts and first name can be (RFC 1035 4.1). */
static bool dns_fits(const uint8_t *p, size_t length)
{
	unsigned opcode;

	if (length < DNS_HEADER)
		return false;
	opcode = p[2] >> 3 & 15;
	if (opcode > 6 || p[3] & 0x40 || get16(p + 4) > 32 || get16(p + 6) > 1024 ||
	    get16(p + 8) > 512)
		return false;
	if (!get16(p + 4) && !get16(p + 6) && !get16(p + 8) && !get16(p + 10))
		return p[2] & 0x80 && length == DNS_HEADER;
	return length > DNS_HEADER && (p[12] <= DNS_LABEL_MAX || p[12] >= 0xc0);
}

bool dns_looks(const struct probe *b)
{
	return b->tcp ? b->length >= 14 && dns_fits(b->p + 2, b->length - 2)
		      : dns_fits(b->p, b->length);
}

/* The name at `at` in letters, digits, hyphens and underscores; returns where it ends, 0 when it is
 * anything else. A name of one label is too little to believe. */
static size_t dns_name_end(const uint8_t *p, size_t length, size_t at)
{
	unsigned labels = 0;

	while (at < length && p[at]) {
		size_t end = at + 1 + p[at];

		if (p[at] > DNS_LABEL_MAX || end >= length)
			return 0;
		for (size_t i = at + 1; i < end; i++) {
			if (!((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'z') &&
			    !(p[i] >= '0' && p[i] <= '9') && p[i] != '-' && p[i] != '_')
				return 0;
		}
		labels++;
		at = end;
	}
	return at < length && labels >= 2 ? at + 1 : 0;
}

/* Away from its port: one question with a plain name of the Internet's class, which ends the
 * message, or what belongs behind it does. */
bool dns_speaks(const struct probe *b)
{
	const uint8_t *p = b->p;
	size_t end;

	if (b->tcp || b->length < DNS_HEADER + 9 || get16(p + 4) != 1 || p[2] & 0x78 ||
	    p[3] & 0x40 || p[12] < 1 || p[12] > DNS_LABEL_MAX)
		return false;
	if (!(p[2] & 0x80) && (p[3] & 0x0f || get16(p + 6) || get16(p + 8) || get16(p + 10) > 2))
		return false;
	if (get16(p + 6) > 64 || get16(p + 8) > 64 || get16(p + 10) > 64)
		return false;
	end = dns_name_end(p, b->length, DNS_HEADER);
	if (!end || end + 4 > b->length || !get16(p + end) || get16(p + end) > 260 ||
	    get16(p + end + 2) != 1)
		return false;
	return get16(p + 6) || get16(p + 8) || get16(p + 10) ? end + 4 + 11 <= b->wire
							     : end + 4 == b->wire;
}

static const char http_verbs[] =
	" GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE "
	"LOCK UNLOCK REPORT SEARCH MERGE CHECKOUT SUBSCRIBE UNSUBSCRIBE NOTIFY PURGE LINK UNLINK ";
static const char sip_verbs[] = " INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK SUBSCRIBE NOTIFY "
				"PUBLISH INFO REFER MESSAGE UPDATE ";

/* The first line, whole or as far as it is here; `whole` says which. */
static bool first_line(const struct probe *b, struct str *line, bool *whole)
{
	struct cursor c = probe_cursor(b);

	if (!line_next(&c, line))
		return false;
	*whole = c.data[-1] == '\n';
	return true;
}

static bool ends_with(struct str line, const char *end)
{
	size_t n = strlen(end);

	return line.len >= n && !memcmp(line.p + line.len - n, end, n);
}

/* Few capitals and a blank: all that most payloads are asked. */
static bool verb_here(const struct probe *b)
{
	size_t i = 0;

	while (i < b->length && i < VERB_MAX &&
	       ((b->p[i] >= 'A' && b->p[i] <= 'Z') || b->p[i] == '-'))
		i++;
	return i >= 3 && i < b->length && b->p[i] == ' ';
}

/* A verb that the list has, a target that it may have, and the version at the line's end. */
static bool request_line(const struct probe *b, const char *verbs, const char *const *targets,
			 const char *const *versions)
{
	struct str line, rest;
	bool whole;

	if (!verb_here(b) || !first_line(b, &line, &whole))
		return false;
	rest = line;
	if (!word_in(line_word(&rest), verbs) || !rest.len)
		return false;
	for (; *targets; targets++) {
		if (rest.len >= strlen(*targets) &&
		    !strncasecmp(rest.p, *targets, strlen(*targets)))
			break;
	}
	if (!*targets)
		return false;
	for (; whole && *versions; versions++) {
		if (ends_with(rest, *versions))
			return true;
	}
	return !whole;
}

static bool status_line(const struct probe *b, const char *version)
{
	size_t n = strlen(version);

	return b->length >= n + 3 && !memcmp(b->p, version, n) && b->p[n] >= '1' &&
	       b->p[n] <= '6' && b->p[n + 1] >= '0' && b->p[n + 1] <= '9' && b->p[n + 2] >= '0' &&
	       b->p[n + 2] <= '9';
}

static const char *const http_targets[] = {"/", "http://", "https://", "*", NULL};
static const char *const http_versions[] = {" HTTP/1.1", " HTTP/1.0", NULL};
static const char *const sip_targets[] = {"sip:", "sips:", "tel:", "urn:", NULL};
static const char *const sip_versions[] = {" SIP/2.0", NULL};

/* "CONNECT host:port HTTP/1.1" has a target of its own form; and version 0.9 had no version. */
static bool http_other(const struct probe *b)
{
	struct str line, target;
	bool whole, connect;

	if (!verb_here(b) || !first_line(b, &line, &whole) || !whole || !b->tcp)
		return false;
	connect = line.len > 8 && !memcmp(line.p, "CONNECT ", 8);
	if (connect)
		return ends_with(line, http_versions[0]) || ends_with(line, http_versions[1]);
	if (line.len < 5 || memcmp(line.p, "GET /", 5) != 0)
		return false;
	line_word(&line);
	target = line_word(&line);
	return target.len && !line.len;
}

bool http_speaks(const struct probe *b)
{
	if (status_line(b, "HTTP/1.1 ") || status_line(b, "HTTP/1.0 "))
		return true;
	return request_line(b, http_verbs, http_targets, http_versions) || http_other(b);
}

/* Simple Service Discovery (UPnP Device Architecture 2.0, 1.2): HTTP's words in datagrams. */
bool ssdp_speaks(const struct probe *b)
{
	static const char verbs[] = " M-SEARCH NOTIFY ";
	static const char *const targets[] = {"* HTTP", NULL};

	if (b->tcp)
		return false;
	return request_line(b, verbs, targets, http_versions) || status_line(b, "HTTP/1.1 ");
}

bool sip_speaks(const struct probe *b)
{
	return status_line(b, "SIP/2.0 ") || request_line(b, sip_verbs, sip_targets, sip_versions);
}

bool dhcp_speaks(const struct probe *b)
{
	return b->length >= 240 && (b->p[0] == 1 || b->p[0] == 2) &&
	       get32(b->p + 236) == 0x63825363;
}

/* Mode and version as RFC 5905 has them, and a length of its packets; intervals up to 2^17 s, and a
 * precision below a second, or one of the two that clients write who keep theirs for themselves. */
bool ntp_looks(const struct probe *b)
{
	unsigned version = b->p[0] >> 3 & 7, mode = b->p[0] & 7;

	if (version < 1 || version > 4 || !mode || b->wire % 4)
		return false;
	if (mode > 5)
		return b->length >= 8;
	return b->length >= 48 && b->p[1] <= 16 && (b->p[2] <= 17 || b->p[2] >= 0xfa) &&
	       (!b->p[3] || b->p[3] == 32 || b->p[3] >= 0xc0);
}
