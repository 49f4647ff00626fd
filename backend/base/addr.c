#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* The longest run of zero groups, at least two, the first of equals (RFC 5952, 4.2.2 and 4.2.3). */
static void ip6_zero_run(const uint16_t group[8], int *first, int *count)
{
	*first = -1;
	*count = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && group[i + n] == 0)
			n++;
		if (n > *count) {
			*first = i;
			*count = n;
		}
		i += n;
	}
}

static const char hex_digit[] = "0123456789abcdef";

static char *hex_group(char *to, uint16_t v)
{
	bool begun = false;

	for (int shift = 12; shift >= 0; shift -= 4) {
		const unsigned d = (v >> shift) & 15u;

		begun = begun || d || shift == 0;
		if (begun)
			*to++ = hex_digit[d];
	}
	return to;
}

static char *decimal_byte(char *to, unsigned v)
{
	if (v >= 100)
		*to++ = (char)('0' + v / 100);
	if (v >= 10)
		*to++ = (char)('0' + v / 10 % 10);
	*to++ = (char)('0' + v % 10);
	return to;
}

static char *ip4_text(const uint8_t *bytes, char *to)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			*to++ = '.';
		to = decimal_byte(to, bytes[i]);
	}
	return to;
}

static char *ip6_text(const uint8_t *bytes, char *to)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	uint16_t group[8];
	int zero, zeros;

	for (int i = 0; i < 8; i++)
		group[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0) { /* RFC 5952, 5 */
		/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): the rest follows */
		memcpy(to, "::ffff:", 7);
		return ip4_text(bytes + 12, to + 7);
	}
	ip6_zero_run(group, &zero, &zeros);
	for (int i = 0; i < 8; i++) {
		if (i == zero) {
			*to++ = ':';
			i += zeros - 1;
			if (i == 7)
				*to++ = ':';
			continue;
		}
		if (i)
			*to++ = ':';
		to = hex_group(to, group[i]);
	}
	return to;
}

static char *mac_text(const uint8_t *bytes, char *to)
{
	for (int i = 0; i < 6; i++) {
		if (i)
			*to++ = ':';
		*to++ = hex_digit[bytes[i] >> 4];
		*to++ = hex_digit[bytes[i] & 15];
	}
	return to;
}

const char *addr_text(const struct addr *a, char text[ADDR_TEXT_MAX])
{
	char *end = text;

	if (a->family == ADDR_IP4)
		end = ip4_text(a->bytes, text);
	else if (a->family == ADDR_IP6)
		end = ip6_text(a->bytes, text);
	else if (a->family == ADDR_MAC)
		end = mac_text(a->bytes, text);
	*end = 0;
	return text;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool mac_parse(struct str s, struct addr *a)
{
	*a = (struct addr){.family = ADDR_MAC};
	if (s.len != 17)
		return false;
	for (int i = 0; i < 6; i++) {
		const int high = hex_value(s.p[3 * i]), low = hex_value(s.p[3 * i + 1]);

		if (high < 0 || low < 0 ||
		    (i < 5 && s.p[3 * i + 2] != ':' && s.p[3 * i + 2] != '-'))
			return false;
		a->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool addr_try(struct str text, struct addr *a)
{
	char copy[ADDR_TEXT_MAX];

	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.p, 0, text.len))
		return false;
	memcpy(copy, text.p, text.len);
	copy[text.len] = 0;
	*a = (struct addr){.family = ADDR_IP4};
	if (inet_pton(AF_INET, copy, a->bytes) == 1)
		return true;
	*a = (struct addr){.family = ADDR_IP6};
	if (inet_pton(AF_INET6, copy, a->bytes) == 1)
		return true;
	return mac_parse(text, a);
}

static int text_cut(struct str s)
{
	return s.len > 100 ? 100 : (int)s.len;
}

int addr_parse(struct str text, struct addr *a, struct err *e)
{
	if (addr_try(text, a))
		return 0;
	*a = (struct addr){0};
	return err_set(e, ERR_CALL, "\"%.*s\" is no address: give it as 10.1.2.3 or 2001:db8::1",
		       text_cut(text), text.p);
}

/* "10.1" as tcpdump's net takes it: octets that are missing are 0, and the mask covers those given.
 */
static bool octets_parse(struct str s, struct addr *a, unsigned *octets)
{
	unsigned n = 0, v = 0, digits = 0;

	*a = (struct addr){.family = ADDR_IP4};
	for (size_t i = 0; i <= s.len; i++) {
		if (i < s.len && s.p[i] >= '0' && s.p[i] <= '9' && digits < 3) {
			v = v * 10 + (unsigned)(s.p[i] - '0');
			digits++;
			continue;
		}
		if ((i < s.len && s.p[i] != '.') || digits == 0 || v > 255 || n == 4)
			return false;
		a->bytes[n++] = (uint8_t)v;
		v = digits = 0;
	}
	*octets = n;
	return true;
}

static bool prefix_parse(struct str s, unsigned most, unsigned *bits)
{
	unsigned v = 0;

	if (s.len == 0 || s.len > 3)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(s.p[i] - '0');
	}
	*bits = v;
	return v <= most;
}

static unsigned family_bits(const struct addr *a)
{
	if (a->family == ADDR_IP4)
		return 32;
	return a->family == ADDR_IP6 ? 128 : 48;
}

int addr_parse_net(struct str text, struct addr *net, unsigned *prefix_bits, struct err *e)
{
	const char *slash = text.len ? memchr(text.p, '/', text.len) : NULL;
	struct str host = {text.p, slash ? (size_t)(slash - text.p) : text.len};
	unsigned octets = 0;

	if (addr_try(host, net)) {
		*prefix_bits = family_bits(net);
	} else if (octets_parse(host, net, &octets)) {
		*prefix_bits = octets * 8;
	} else {
		goto wrong;
	}
	if (slash) {
		const struct str bits = {slash + 1, text.len - host.len - 1};

		if (!prefix_parse(bits, family_bits(net), prefix_bits))
			goto wrong;
	}
	return 0;
wrong:
	*net = (struct addr){0};
	*prefix_bits = 0;
	return err_set(e, ERR_CALL, "\"%.*s\" is no net: give it as 10.0.0.0/8 or 2001:db8::/32",
		       text_cut(text), text.p);
}

bool addr_in_net(const struct addr *a, const struct addr *net, unsigned prefix_bits)
{
	const unsigned whole = prefix_bits / 8, rest = prefix_bits % 8;

	if (a->family != net->family || prefix_bits > family_bits(net))
		return false;
	if (memcmp(a->bytes, net->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	       ((a->bytes[whole] ^ net->bytes[whole]) & (0xff00u >> rest) & 0xffu) == 0;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}
