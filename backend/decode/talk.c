/* Talk of commands and replies in lines: FTP (RFC 959), SMTP (RFC 5321), POP3 (RFC 1939), IMAP
 * (RFC 9051). */
#include <string.h>

#include "app.h"
#include "lines.h"

static const char ftp_verbs[] =
	" USER PASS ACCT CWD XCWD CDUP XCUP SMNT REIN QUIT PORT PASV TYPE STRU MODE RETR STOR STOU "
	"APPE ALLO REST RNFR RNTO ABOR DELE RMD XRMD MKD XMKD PWD XPWD LIST NLST SITE SYST STAT "
	"HELP NOOP FEAT OPTS AUTH ADAT PROT PBSZ CCC MIC CONF ENC EPRT EPSV LANG MDTM MLSD MLST "
	"SIZE CLNT HOST ";
static const char smtp_verbs[] = " EHLO HELO LHLO MAIL RCPT DATA RSET NOOP QUIT VRFY EXPN HELP "
				 "STARTTLS AUTH BDAT ETRN TURN XCLIENT XFORWARD ";
static const char pop3_verbs[] = " USER PASS STAT LIST RETR DELE NOOP RSET QUIT TOP UIDL APOP CAPA "
				 "AUTH STLS XTND UTF8 LANG ";
static const char imap_verbs[] =
	" CAPABILITY NOOP LOGOUT STARTTLS AUTHENTICATE LOGIN ENABLE SELECT EXAMINE CREATE DELETE "
	"RENAME SUBSCRIBE UNSUBSCRIBE LIST LSUB NAMESPACE STATUS APPEND IDLE CLOSE UNSELECT "
	"EXPUNGE SEARCH FETCH STORE COPY MOVE UID CHECK ID COMPRESS GETQUOTA GETQUOTAROOT "
	"SETQUOTA GETACL SETACL MYRIGHTS SORT THREAD OK NO BAD ";
static const char imap_words[] =
	" OK NO BAD BYE PREAUTH CAPABILITY ENABLED ID LIST LSUB NAMESPACE STATUS SEARCH FLAGS "
	"ESEARCH QUOTA QUOTAROOT ACL MYRIGHTS SORT THREAD VANISHED ";

static bool probe_line(const struct probe *b, struct str *line)
{
	struct cursor c = probe_cursor(b);

	return line_whole(&c, line) && line->len;
}

/* A reply, or a command that the list has. */
static bool speaks_codes(const struct probe *b, const char *verbs)
{
	struct str line;

	if (!probe_line(b, &line))
		return false;
	return line_reply(line) || word_in(line_word(&line), verbs);
}

bool ftp_looks(const struct probe *b)
{
	return speaks_codes(b, ftp_verbs);
}

bool smtp_looks(const struct probe *b)
{
	return speaks_codes(b, smtp_verbs);
}

/* A greeting that names the protocol. */
static bool greets(const struct probe *b, const char *name)
{
	struct str line;

	return b->length >= 4 && b->p[0] == '2' && b->p[1] == '2' && b->p[2] == '0' &&
	       probe_line(b, &line) && line_reply(line) && line_has(line, name);
}

bool ftp_speaks(const struct probe *b)
{
	return greets(b, "FTP") && !greets(b, "SMTP");
}

bool smtp_speaks(const struct probe *b)
{
	struct str line, word;

	if (greets(b, "SMTP"))
		return true;
	if (b->length < 6 || b->p[4] != ' ' || !probe_line(b, &line))
		return false;
	word = line_word(&line);
	if (str_is(word, "MAIL"))
		return line.len > 5 && !memcmp(line.p, "FROM:", 5);
	if (str_is(word, "RCPT"))
		return line.len > 3 && !memcmp(line.p, "TO:", 3);
	return line.len && (str_is(word, "EHLO") || str_is(word, "HELO") || str_is(word, "LHLO"));
}

bool pop3_looks(const struct probe *b)
{
	struct str line, word;

	if (!probe_line(b, &line))
		return false;
	word = line_word(&line);
	return str_is(word, "+OK") || str_is(word, "-ERR") || word_in(word, pop3_verbs);
}

bool pop3_speaks(const struct probe *b)
{
	struct str line;

	return probe_line(b, &line) && line.len > 4 && !memcmp(line.p, "+OK ", 4) &&
	       line_has(line, "POP3");
}

/* A tag is of characters that no list, string or wildcard has (RFC 9051 9). */
static bool imap_tag(struct str word)
{
	if (!word.len || word.len > 32)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if (word.p[i] <= ' ' || word.p[i] > '~' || strchr("(){%*\"\\+", word.p[i]))
			return false;
	}
	return true;
}

bool imap_looks(const struct probe *b)
{
	struct str line, word;

	if (!probe_line(b, &line))
		return false;
	word = line_word(&line);
	if (str_is(word, "+"))
		return true;
	if (str_is(word, "*"))
		return line.len && ((line.p[0] >= '0' && line.p[0] <= '9') ||
				    word_in(line_word(&line), imap_words));
	return imap_tag(word) && word_in(line_word(&line), imap_verbs);
}

bool imap_speaks(const struct probe *b)
{
	struct str line, word;

	if (!probe_line(b, &line) || line.len < 4 || memcmp(line.p, "* ", 2) != 0)
		return false;
	line_word(&line);
	word = line_word(&line);
	return (str_is(word, "OK") || str_is(word, "PREAUTH")) && line_has(line, "IMAP");
}

/* The first line, and how many follow it. */
void talk_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct str line;
	unsigned more = 0;

	if (!line_next(&c, &line))
		return;
	line_add(out, line);
	while (more < LINES_MAX && line_next(&c, &line))
		more++;
	if (more)
		buf_printf(out, " [and %u line%s]", more, more > 1 ? "s" : "");
}

void talk_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct str line;

	for (unsigned i = 0; i < LINES_MAX; i++) {
		uint32_t at = cursor_offset(&c);
		bool reply;

		if (!line_next(&c, &line))
			return;
		reply = line_reply(line) || (line.len && strchr("*+-", line.p[0]));
		view_text(v, reply ? "reply" : "command", at, (uint32_t)line.len, line);
	}
}
