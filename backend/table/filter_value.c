#include "filter_value.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

struct service {
	const char *name;
	uint16_t port;
};

/* The names that tcpdump's users type. Not getservbyname(3): the sandboxed reader may open no file.
 */
static const struct service services[] = {
	{"ftp-data", 20},
	{"ftp", 21},
	{"ssh", 22},
	{"telnet", 23},
	{"smtp", 25},
	{"time", 37},
	{"whois", 43},
	{"tacacs", 49},
	{"domain", 53},
	{"dns", 53},
	{"bootps", 67},
	{"bootpc", 68},
	{"tftp", 69},
	{"gopher", 70},
	{"finger", 79},
	{"http", 80},
	{"www", 80},
	{"kerberos", 88},
	{"pop3", 110},
	{"sunrpc", 111},
	{"nntp", 119},
	{"ntp", 123},
	{"netbios-ns", 137},
	{"netbios-dgm", 138},
	{"netbios-ssn", 139},
	{"imap", 143},
	{"imap2", 143},
	{"snmp", 161},
	{"snmp-trap", 162},
	{"snmptrap", 162},
	{"bgp", 179},
	{"ldap", 389},
	{"https", 443},
	{"microsoft-ds", 445},
	{"submissions", 465},
	{"isakmp", 500},
	{"syslog", 514},
	{"submission", 587},
	{"ipp", 631},
	{"ldaps", 636},
	{"domain-s", 853},
	{"rsync", 873},
	{"ftps", 990},
	{"imaps", 993},
	{"pop3s", 995},
	{"openvpn", 1194},
	{"ms-sql-s", 1433},
	{"radius", 1812},
	{"radius-acct", 1813},
	{"mqtt", 1883},
	{"nfs", 2049},
	{"mysql", 3306},
	{"ms-wbt-server", 3389},
	{"rdp", 3389},
	{"stun", 3478},
	{"ipsec-nat-t", 4500},
	{"sip", 5060},
	{"sips", 5061},
	{"mdns", 5353},
	{"postgresql", 5432},
	{"amqp", 5672},
	{"redis", 6379},
	{"http-alt", 8080},
};

static int shown(struct str s)
{
	return s.len > 100 ? 100 : (int)s.len;
}

/* Puts the place to an error that a parser of base has made. */
static int placed(struct err *e, int at)
{
	if (e)
		e->at = at;
	return -1;
}

int filter_port_parse(struct str text, int at, int64_t *port, struct err *e)
{
	uint64_t n;

	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		if (str_is(text, services[i].name)) {
			*port = services[i].port;
			return 0;
		}
	}
	if (text_parse_count(text, &n, NULL) || n > UINT16_MAX)
		return err_at(e, at,
			      "\"%.*s\" is no port: give 0 to 65535, or a name such as https",
			      shown(text), text.p);
	*port = (int64_t)n;
	return 0;
}

/* -12, 0x1f, 10k, 1.5M; fractions where nothing smaller fits. */
static int number_parse(struct str text, struct value *v)
{
	const bool negative = text.len > 0 && text.p[0] == '-';
	const struct str digits = {text.p + negative, text.len - negative};
	char copy[40];
	char *end;
	uint64_t n;

	if (text_parse_count(digits, &n, NULL) == 0 && n <= INT64_MAX) {
		*v = value_int(negative ? -(int64_t)n : (int64_t)n);
		return 0;
	}
	if (digits.len == 0 || digits.len >= sizeof(copy) || digits.p[0] < '0' || digits.p[0] > '9')
		return -1;
	memcpy(copy, digits.p, digits.len);
	copy[digits.len] = 0;
	if (digits.len > 2 && digits.p[0] == '0' && (digits.p[1] == 'x' || digits.p[1] == 'X')) {
		*v = value_int((int64_t)(strtoull(copy, &end, 16) & INT64_MAX));
		return *end ? -1 : 0;
	}
	*v = value_real(strtod(copy, &end) * (negative ? -1 : 1));
	return *end ? -1 : 0;
}

/* 50% or 0.5 */
static int share_parse(struct str text, struct value *v)
{
	const bool percent = text.len > 0 && text.p[text.len - 1] == '%';

	if (number_parse((struct str){text.p, text.len - percent}, v))
		return -1;
	*v = value_real((v->type == VALUE_INT ? (double)v->i : v->r) / (percent ? 100 : 1));
	return 0;
}

/* 1500, 10k, and also 1.5MB */
static int bytes_parse(struct str text, struct value *v)
{
	if (text.len > 1 && text.p[text.len - 1] == 'B')
		text.len--;
	return number_parse(text, v);
}

static bool has_unit(struct str text)
{
	return text.len > 0 && (text.p[text.len - 1] < '0' || text.p[text.len - 1] > '9');
}

/* A number without unit is in the column's own: milliseconds where its name ends in _ms. */
static int duration_parse(struct str text, enum kind kind, struct value *v, int at, struct err *e)
{
	int64_t ns;

	if (text_parse_duration(text, &ns, e))
		return placed(e, at);
	if (kind == KIND_MS && !has_unit(text))
		ns /= 1000;
	*v = value_int(ns);
	return 0;
}

/* N.M is a flow, N both of a connection. */
static int flow_parse(struct filter_value *v, struct str text)
{
	const char *dot = text.len ? memchr(text.p, '.', text.len) : NULL;
	const struct str number = {text.p, dot ? (size_t)(dot - text.p) : text.len};
	uint64_t n;

	if (text_parse_count(number, &n, NULL) || n > INT64_MAX / 2 - 1)
		return -1;
	v->value = value_int((int64_t)n * 2);
	if (!dot) {
		v->is_range = true;
		v->high = v->value.i + 1;
		return 0;
	}
	if (text.len != number.len + 2 || (dot[1] != '1' && dot[1] != '2'))
		return -1;
	v->value.i += dot[1] - '1';
	return 0;
}

static int bool_parse(struct str text, struct value *v)
{
	static const char *const words[] = {"no", "yes", "false", "true", "0", "1"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_is(text, words[i])) {
			*v = value_int((int64_t)(i & 1));
			return 0;
		}
	}
	return -1;
}

static int addr_value_parse(struct filter_value *v, struct str text, int at, struct err *e)
{
	struct addr a;

	if (addr_parse(text, &a, NULL) == 0) {
		v->value = value_addr(&a);
		return 0;
	}
	v->is_net = true;
	if (addr_parse_net(text, &a, &v->prefix_bits, NULL))
		return err_at(e, at,
			      "\"%.*s\" is no address and no net: give it as 10.1.2.3, 10.0.0.0/8 "
			      "or 2001:db8::1",
			      shown(text), text.p);
	v->value = value_addr(&a);
	return 0;
}

static int text_value_parse(struct value *v, struct str text)
{
	char *copy = xmalloc(text.len);

	if (text.len > 0)
		memcpy(copy, text.p, text.len);
	*v = value_str((struct str){copy, text.len});
	return 0;
}

static int kind_parse(struct filter_value *v, const struct column *c, struct str text, int at,
		      struct err *e)
{
	int64_t n;

	switch (c->kind) {
	case KIND_TEXT:
	case KIND_SERIES:
		return text_value_parse(&v->value, text);
	case KIND_ADDR:
		return addr_value_parse(v, text, at, e);
	case KIND_PORT:
		if (filter_port_parse(text, at, &n, e))
			return -1;
		v->value = value_int(n);
		return 0;
	case KIND_TIME:
		if (text_parse_time(text, clock_now_ns(), &n, e))
			return placed(e, at);
		v->value = value_int(n);
		return 0;
	case KIND_SECONDS:
	case KIND_MS:
		return duration_parse(text, c->kind, &v->value, at, e);
	case KIND_FLOW:
		return flow_parse(v, text);
	case KIND_BOOL:
		return bool_parse(text, &v->value);
	case KIND_SHARE:
		return share_parse(text, &v->value);
	case KIND_BYTES:
		return bytes_parse(text, &v->value);
	case KIND_COUNT:
	case KIND_PPS:
	case KIND_BPS:
	case KIND_REAL:
		return number_parse(text, &v->value);
	}
	return -1;
}

int filter_value_parse(struct filter_value *v, const struct column *c, struct str text, int at,
		       struct err *e)
{
	*v = (struct filter_value){.value = value_null()};
	if (e)
		err_clear(e);
	if (kind_parse(v, c, text, at, e) == 0)
		return 0;
	if (e && e->code != ERR_NONE)
		return -1;
	return err_at(e, at, "\"%.*s\" is no value for %s, which holds %s", shown(text), text.p,
		      c->name, c->kind == KIND_FLOW ? "flows such as 12.1" : kind_name(c->kind));
}

void filter_value_release(struct filter_value *v)
{
	if (v->value.type == VALUE_TEXT)
		free((void *)(uintptr_t)v->value.s.p); /* made by text_value_parse */
	*v = (struct filter_value){.value = value_null()};
}
