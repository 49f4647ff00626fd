/* Why a text is no filter, and where. libpcap says "syntax error" and no place. The place is the
 * first word at which no continuation makes a filter of what stands so far: found by trying, with a
 * bound in time. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "bpf/program.h"
#include "bpf_private.h"

#define TOKENS_MAX 512u		     /* further words are not looked at */
#define OPEN_MAX 8u		     /* brackets that are closed in a trial */
#define TRIAL_TIME_NS (NS_PER_S / 2) /* then the sentence goes without a place */

/* clang-format off */
static const char *const words[] = {
	"ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "ether",
	"host", "net", "port", "portrange", "src", "dst", "proto", "protochain", "gateway",
	"broadcast", "multicast", "inbound", "outbound", "ifindex", "vlan", "mpls", "pppoed",
	"pppoes", "geneve", "and", "or", "not", "less", "greater", "len", "mask", "esp", "ah",
	"vrrp", "carp", "pim", "wlan", "link", "fddi", "tr", "type", "subtype", "iso", "llc",
	"stp", "tcpflags", "tcp-syn", "tcp-ack", "tcp-fin", "tcp-rst", "tcp-push", "tcp-urg",
	"icmptype", "icmpcode",
};
/* clang-format on */

/* What may follow a prefix that is right so far. */
static const char *const follow[] = {
	"",
	" 1",
	" ip",
	" host 1.1.1.1",
	" 1.1.1.1",
	" net 1.1.1.0/24",
	" port 1",
	" proto 1",
	" 1-2",
	" = 1",
	" 1 = 1",
	" 1:1:1:1:1:1",
	" host 1:1:1:1:1:1",
	" [0] = 1",
	" mgt",
	" 255.0.0.0",
	" [0",
};

struct search {
	const struct expression *x;
	struct token token[TOKENS_MAX];
	size_t tokens;
	int64_t until_ns;
};

static bool is_syntax(const char *why)
{
	return strstr(why, "syntax error") != NULL || strncmp(why, "illegal ", 8) == 0;
}

static bool follows_number_word(const struct search *s, size_t i)
{
	static const char *const before[] = {"port",	   "portrange", "proto",
					     "protochain", "type",	"subtype"};

	for (size_t k = 0; i > 0 && k < ARRAY_LEN(before); k++) {
		if (token_is(s->x->text, &s->token[i - 1], before[k]))
			return true;
	}
	return false;
}

static bool is_known(const char *text, const struct token *t)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (token_is(text, t, words[i]))
			return true;
	}
	return false;
}

/* A name that DNS might be asked for: in a trial another stands for it, so that nobody waits. */
static bool is_host_name(const struct search *s, size_t i)
{
	const char *p = s->x->text + s->token[i].at;

	return strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") > 0 &&
	       memchr(p, '.', s->token[i].len) && !is_known(s->x->text, &s->token[i]) &&
	       !follows_number_word(s, i);
}

static void prefix_text(const struct search *s, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct token *t = &s->token[i];
		bool glued = i > 0 && s->token[i - 1].at + s->token[i - 1].len == t->at;

		if (i > 0 && !glued)
			buf_add_byte(out, ' ');
		if (is_host_name(s, i))
			buf_add_str(out, "localhost");
		else
			buf_add(out, s->x->text + t->at, t->len);
	}
}

/* The brackets that are open behind the prefix, innermost last. */
static size_t open_brackets(const char *text, char open[OPEN_MAX])
{
	size_t n = 0;

	for (; *text; text++) {
		if ((*text == '(' || *text == '[') && n < OPEN_MAX)
			open[n++] = *text;
		else if ((*text == ')' || *text == ']') && n > 0)
			n--;
	}
	return n;
}

static bool trial(const struct search *s, struct buf *text)
{
	struct expression x = *s->x;
	char why[PCAP_ERRBUF_SIZE];
	struct bpf_program prog;

	x.text = buf_str(text);
	if (expression_compile(&x, false, &prog, why) == 0) {
		pcap_freecode(&prog);
		return true;
	}
	return !is_syntax(why);
}

/* The open brackets closed, with " = 1" behind the first `compare` of them. */
static void close_brackets(struct buf *text, const char *open, size_t n, size_t compare)
{
	for (size_t i = 0; i < n; i++) {
		buf_add_byte(text, open[n - 1 - i] == '[' ? ']' : ')');
		if (i + 1 == compare)
			buf_add_str(text, " = 1");
	}
}

static bool prefix_viable(const struct search *s, size_t count)
{
	char open[OPEN_MAX];
	struct buf text;
	bool viable = false;
	size_t len, n;

	buf_init(&text, BPF_TEXT_MAX + 4096u);
	prefix_text(s, count, &text);
	len = text.len;
	for (size_t i = 0; i < ARRAY_LEN(follow) && !viable; i++) {
		buf_add_str(&text, follow[i]);
		n = open_brackets(buf_str(&text), open);
		for (size_t compare = 0; compare <= n && !viable; compare++) {
			size_t before = text.len;

			close_brackets(&text, open, n, compare);
			viable = trial(s, &text) || clock_mono_ns() > s->until_ns;
			text.len = before;
			text.data[before] = 0;
		}
		text.len = len;
		text.data[len] = 0;
	}
	buf_release(&text);
	return viable;
}

static int explain_syntax(struct search *s, struct err *e)
{
	size_t right = 0, wrong = s->tokens + 1; /* prefixes of so many words */
	const char *text = s->x->text, *near;
	const struct token *t;

	while (wrong - right > 1) {
		size_t middle = right + (wrong - right) / 2;

		if (prefix_viable(s, middle))
			right = middle;
		else
			wrong = middle;
	}
	if (clock_mono_ns() > s->until_ns)
		return err_set(e, ERR_CALL, "the filter is not in BPF's language (pcap-filter(7))");
	if (right == s->tokens)
		return err_at(
			e, (int)strlen(text),
			"the filter ends too early: something is missing behind its last word");
	t = &s->token[right];
	near = is_known(text, t)
		       ? NULL
		       : text_nearest((struct str){text + t->at, t->len}, words, ARRAY_LEN(words));
	if (near)
		return err_at(e, (int)t->at, "\"%.*s\" does not fit here; did you mean \"%s\"?",
			      (int)t->len, text + t->at, near);
	return err_at(e, (int)t->at, "\"%.*s\" does not fit here (pcap-filter(7) has the language)",
		      (int)t->len, text + t->at);
}

/* A sentence of libpcap that names a word of the text is about that word. */
static int place_of_quoted(const struct search *s, const char *why)
{
	for (size_t i = 0; i < s->tokens; i++) {
		char *word = xstrndup(s->x->text + s->token[i].at, s->token[i].len);
		const char *in = strstr(why, word);
		size_t len = s->token[i].len;
		bool whole = in && (in == why || strchr(" '\"", in[-1])) &&
			     (!in[len] || strchr(" '\",", in[len]));

		free(word);
		if (whole && !is_known(s->x->text, &s->token[i]))
			return (int)s->token[i].at;
	}
	return -1;
}

/* Else it is about the last word of the shortest beginning that is refused for the same reason. */
static int place_of_reason(const struct search *s, const char *why)
{
	struct expression x = *s->x;
	char got[PCAP_ERRBUF_SIZE];
	struct bpf_program prog;
	struct buf text;
	int place = -1;

	buf_init(&text, BPF_TEXT_MAX + 4096u);
	for (size_t count = 1; count <= s->tokens && place < 0 && clock_mono_ns() < s->until_ns;
	     count++) {
		buf_clear(&text);
		prefix_text(s, count, &text);
		x.text = buf_str(&text);
		if (expression_compile(&x, false, &prog, got) == 0)
			pcap_freecode(&prog);
		else if (strcmp(got, why) == 0)
			place = (int)s->token[count - 1].at;
	}
	buf_release(&text);
	return place;
}

int expression_explain(const struct expression *x, const char *why, struct err *e)
{
	struct search *s = xcalloc(1, sizeof(*s));
	size_t at = 0;
	int rc;

	s->x = x;
	s->until_ns = clock_mono_ns() + TRIAL_TIME_NS;
	while (s->tokens < TOKENS_MAX && token_next(x->text, &at, &s->token[s->tokens]))
		s->tokens++;
	if (is_syntax(why)) {
		rc = explain_syntax(s, e);
	} else {
		int place = place_of_quoted(s, why);

		if (place < 0)
			place = place_of_reason(s, why);
		rc = place >= 0 ? err_at(e, place, "the filter cannot be used: %s", why)
				: err_set(e, ERR_CALL, "the filter cannot be used: %s", why);
	}
	free(s);
	return rc;
}
