/* What must be known of sessions when the daemon comes back: one small file each, lines of words,
 * written beside and renamed. Only this daemon writes the folder; what stands there is checked all
 * the same. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "alert.h"
#include "outlet.h"
#include "session.h"

#define STATE_BYTES_MAX (16u * 1024 * 1024)
#define STATE_SUFFIX ".session"

/* --- writing --- */

static void add_number(struct buf *b, long long n)
{
	(void)buf_printf(b, " %lld", n); /* a state that is too long is seen at the end */
}

static void add_word(struct buf *b, const char *word)
{
	(void)buf_add_byte(b, ' ');
	words_quote(b, word ? word : "");
}

static void add_line(struct buf *b, const char *key, const char *word)
{
	(void)buf_add_str(b, key);
	add_word(b, word);
	(void)buf_add_byte(b, '\n');
}

static void state_add_lists(struct buf *b, const struct session *s)
{
	const char *text;
	int64_t since_ns;

	for (unsigned i = 0; i < s->nsegments; i++) {
		const struct segment *g = &s->segment[i];

		(void)buf_printf(b, "segment %u", g->number);
		add_word(b, g->name);
		(void)buf_printf(b, " %d %llu %llu %llu %lld %lld", g->sealed | g->part << 1,
				 (unsigned long long)g->packets, (unsigned long long)g->bytes,
				 (unsigned long long)g->first_packet, (long long)g->first_ns,
				 (long long)g->last_ns);
		add_word(b, g->reason);
		(void)buf_printf(b, " %d\n", g->saved);
	}
	for (unsigned i = 0; i < s->nsegments; i++) {
		const struct segment *g = &s->segment[i];

		if (g->part || g->packed || g->taking)
			(void)buf_printf(b, "way %u %d %d %d %llu\n", g->number, g->part, g->packed,
					 g->taking || g->unnoted,
					 (unsigned long long)g->plain_bytes);
	}
	for (const struct counter *k = s->counters; k; k = k->next) {
		(void)buf_add_str(b, "counter");
		add_word(b, k->name);
		add_word(b, k->filter);
		(void)buf_printf(b, " %llu %llu %lld\n", (unsigned long long)k->packets,
				 (unsigned long long)k->bytes, (long long)k->last_ns);
	}
	for (unsigned i = 0; (text = alerts_at(s, i, &since_ns)); i++)
		add_line(b, "alert", text);
	for (unsigned i = 0; i < s->nchanges; i++) {
		const struct filter_change *x = &s->change[i];

		(void)buf_printf(b, "change %lld", (long long)x->time_ns);
		add_word(b, x->counter);
		add_word(b, x->filter);
		(void)buf_printf(b, " %llu %llu\n", (unsigned long long)x->packets,
				 (unsigned long long)x->bytes);
	}
}

static void state_put(struct buf *b, const struct session *s)
{
	const struct msg_tap_stats *t = &s->total;

	add_line(b, "name", s->name);
	(void)buf_printf(b, "uid %lu\nended %d\nfailed %d\n", (unsigned long)s->uid,
			 s->state == SESSION_ENDED, s->failed);
	add_line(b, "owner", s->owner);
	add_line(b, "capture", s->capture);
	add_line(b, "folder", s->folder);
	add_line(b, "devices", s->devices);
	add_line(b, "filter", s->filter);
	add_line(b, "note", s->spec.note);
	add_line(b, "words", s->spec.words);
	add_line(b, "reason", s->reason);
	if (s->spec.compress)
		add_line(b, "compress", s->spec.compress);
	(void)buf_printf(b, "flags %d %d %u %d\n", s->spec.record, s->spec.pcap, s->spec.snaplen,
			 s->spec.ephemeral);
	(void)buf_printf(b, "persist %d %d\nwho %d %d\n", s->spec.persist, s->persist.recorded,
			 s->who.owner, s->who.member);
	if (s->persist.gap_from_ns) {
		(void)buf_printf(b, "gap %lld", (long long)s->persist.gap_from_ns);
		add_word(b, s->persist.gap_why);
		(void)buf_add_byte(b, '\n');
	}
	(void)buf_printf(b, "times %lld %lld\n", (long long)s->started_ns, (long long)s->ended_ns);
	(void)buf_add_str(b, "total");
	add_number(b, t->time_ns);
	add_number(b, (long long)t->packets);
	add_number(b, (long long)t->bytes);
	add_number(b, (long long)t->dropped_device);
	add_number(b, (long long)t->dropped_kernel);
	add_number(b, (long long)t->dropped_buffer);
	add_number(b, (long long)t->dropped_disk);
	add_number(b, (long long)t->own_packets);
	add_number(b, (long long)t->own_bytes);
	add_number(b, (long long)t->written_bytes);
	(void)buf_printf(b, "\nremoved %llu\n", (unsigned long long)s->removed_files);
	(void)buf_printf(b, "late %llu\n", (unsigned long long)t->late_packets);
	state_add_lists(b, s);
	(void)buf_add_str(b, "end\n");
}

static char *state_folder(const struct control *c)
{
	return xasprintf("%s/sessions", c->state);
}

static int state_write(const char *folder, const char *name, const struct buf *b, struct err *e)
{
	char *path = xasprintf("%s/%s%s", folder, name, STATE_SUFFIX),
	     *temporary = xasprintf("%s/.%s.new", folder, name);
	int fd, r = -1;

	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fdio_write_all(fd, b->data, b->len) || fdatasync(fd) ||
	    rename(temporary, path))
		err_errno(e, ERR_REFUSED, "could not write %s", path);
	else
		r = 0;
	if (fd >= 0)
		close(fd);
	free(path);
	free(temporary);
	return r;
}

void state_save(struct session *s)
{
	char *folder = state_folder(s->control);
	struct buf b;
	struct err e;

	buf_init(&b, STATE_BYTES_MAX);
	state_put(&b, s);
	if (b.len < 4 || memcmp(b.data + b.len - 4, "end\n", 4) != 0)
		log_error("session %s: its state is longer than %u bytes and is not kept", s->name,
			  STATE_BYTES_MAX);
	else if (fdio_make_folder(folder, &e) || state_write(folder, s->name, &b, &e))
		log_error("session %s would not be known after a restart: %s", s->name, e.text);
	buf_release(&b);
	free(folder);
}

void state_forget(struct session *s)
{
	char *folder = state_folder(s->control),
	     *path = xasprintf("%s/%s%s", folder, s->name, STATE_SUFFIX);

	if (unlink(path) && errno != ENOENT)
		log_error("could not remove %s: %s", path, strerror(errno));
	free(path);
	free(folder);
}

/* --- reading --- */

/* A line's words: those that are missing are empty. */
static const char *at(const struct words *w, int i)
{
	return i < w->count ? w->word[i] : "";
}

static uint64_t number(const struct words *w, int i)
{
	return strtoull(at(w, i), NULL, 10);
}

static void replace(char **text, const char *with)
{
	free(*text);
	*text = xstrdup(with);
}

static void take_segment(struct session *s, const struct words *w)
{
	struct segment *g;

	if (!capture_name_ok(str_of(at(w, 2))))
		return;
	g = segment_add(s, (uint32_t)number(w, 1), at(w, 2));
	g->sealed = number(w, 3) & 1;
	g->part = number(w, 3) & 2;
	g->packets = number(w, 4);
	g->bytes = number(w, 5);
	g->first_packet = number(w, 6);
	g->first_ns = strtoll(at(w, 7), NULL, 10);
	g->last_ns = strtoll(at(w, 8), NULL, 10);
	(void)snprintf(g->reason, sizeof(g->reason), "%.60s", at(w, 9));
	g->saved = number(w, 10) != 0;
}

static void take_way(struct session *s, const struct words *w)
{
	for (unsigned i = 0; i < s->nsegments; i++) {
		struct segment *g = &s->segment[i];

		if (g->number != number(w, 1))
			continue;
		g->part = number(w, 2) != 0;
		g->packed = number(w, 3) != 0;
		g->taking = number(w, 4) != 0;
		g->plain_bytes = number(w, 5);
	}
}

static void take_counter(struct session *s, const struct words *w)
{
	struct counter *k;

	if (spec_name_check(str_of(at(w, 1)), "counter", NULL))
		return;
	k = session_counter_add(s, at(w, 1), at(w, 2));
	k->packets = number(w, 3);
	k->bytes = number(w, 4);
	k->last_ns = strtoll(at(w, 5), NULL, 10);
}

static void take_change(struct session *s, const struct words *w)
{
	session_note_filter(s, at(w, 2), at(w, 3), number(w, 4), number(w, 5));
	s->change[s->nchanges - 1].time_ns = strtoll(at(w, 1), NULL, 10);
}

static void take_total(struct session *s, const struct words *w)
{
	s->total = (struct msg_tap_stats){
		.time_ns = strtoll(at(w, 1), NULL, 10),
		.packets = number(w, 2),
		.bytes = number(w, 3),
		.dropped_device = number(w, 4),
		.dropped_kernel = number(w, 5),
		.dropped_buffer = number(w, 6),
		.dropped_disk = number(w, 7),
		.own_packets = number(w, 8),
		.own_bytes = number(w, 9),
		.written_bytes = number(w, 10),
	};
}

/* Where a text of the file belongs; NULL: nowhere. */
static char **text_of(struct session *s, const char *key)
{
	static const char *const keys[] = {"owner", "capture", "folder", "devices", "filter",
					   "note",  "words",   "reason", "compress"};
	char **const texts[] = {&s->owner,	&s->capture, &s->folder,
				&s->devices,	&s->filter,  &s->spec.note,
				&s->spec.words, &s->reason,  &s->spec.compress};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return texts[i];
	return NULL;
}

static void take_text(struct session *s, const char *key, const char *text)
{
	char **place = text_of(s, key);

	if (place && (place != &s->reason || text[0]))
		replace(place, text);
}

static void take_line(struct session *s, const struct words *w)
{
	const char *key = at(w, 0);

	if (strcmp(key, "uid") == 0)
		s->uid = (uid_t)number(w, 1);
	else if (strcmp(key, "ended") == 0)
		s->state = number(w, 1) ? SESSION_ENDED : SESSION_INTERRUPTED;
	else if (strcmp(key, "failed") == 0)
		s->failed = number(w, 1) != 0;
	else if (strcmp(key, "flags") == 0) {
		s->spec.record = number(w, 1) != 0;
		s->spec.pcap = number(w, 2) != 0;
		s->spec.snaplen = (uint32_t)number(w, 3);
		s->spec.ephemeral = number(w, 4) != 0;
	} else if (strcmp(key, "persist") == 0) {
		s->spec.persist = number(w, 1) != 0;
		s->persist.recorded = number(w, 2) != 0;
	} else if (strcmp(key, "gap") == 0) {
		s->persist.gap_from_ns = strtoll(at(w, 1), NULL, 10);
		replace(&s->persist.gap_why, at(w, 2));
	} else if (strcmp(key, "who") == 0) {
		s->who.owner = number(w, 1) != 0;
		s->who.member = number(w, 2) != 0;
	} else if (strcmp(key, "times") == 0) {
		s->started_ns = strtoll(at(w, 1), NULL, 10);
		s->ended_ns = strtoll(at(w, 2), NULL, 10);
	} else if (strcmp(key, "total") == 0)
		take_total(s, w);
	else if (strcmp(key, "late") == 0)
		s->total.late_packets = number(w, 1);
	else if (strcmp(key, "removed") == 0)
		s->removed_files = number(w, 1);
	else if (strcmp(key, "segment") == 0)
		take_segment(s, w);
	else if (strcmp(key, "way") == 0)
		take_way(s, w);
	else if (strcmp(key, "counter") == 0)
		take_counter(s, w);
	else if (strcmp(key, "change") == 0)
		take_change(s, w);
	else if (strcmp(key, "alert") == 0)
		(void)alerts_add(s, at(w, 1), NULL); /* one that is no alert any more is left out */
	else
		take_text(s, key, at(w, 1));
}

/* What somebody said may have lines of its own: they are in quotes, and are none of ours. */
static char *line_end(char *p)
{
	for (char quote = 0; *p && (quote || *p != '\n'); p++) {
		if (quote == '"' && *p == '\\' && p[1])
			p++;
		else if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
	}
	return *p ? p : NULL;
}

/* Written to its end: that is what stands there. */
static bool state_whole(const char *text)
{
	static const char end[] = "\nend\n";
	const size_t len = strlen(text);

	return len >= sizeof(end) - 1 && strcmp(text + len - (sizeof(end) - 1), end) == 0;
}

static void state_parse(struct session *s, char *text)
{
	struct words w;

	s->state = SESSION_ENDED;
	s->spec.note = xstrdup("");
	s->spec.words = xstrdup("");
	for (char *line = text, *next; line && *line; line = next) {
		next = line_end(line);
		if (next)
			*next++ = 0;
		if (words_parse(&w, line, NULL))
			continue;
		take_line(s, &w);
		words_release(&w);
	}
}

/* The whole file, ended by 0; NULL. */
static char *file_read(int fd)
{
	struct stat st;
	char *text;
	ssize_t n;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > STATE_BYTES_MAX)
		return NULL;
	text = xmalloc((size_t)st.st_size + 1);
	n = fdio_pread(fd, text, (size_t)st.st_size, 0);
	text[n > 0 ? n : 0] = 0;
	return text;
}

static void state_load_one(struct control *c, int folder, const char *file)
{
	const size_t len = strlen(file), suffix = strlen(STATE_SUFFIX);
	struct str name;
	char *text = NULL, *own;
	struct session *s;
	int fd;

	if (len <= suffix || strcmp(file + len - suffix, STATE_SUFFIX) != 0)
		return;
	name = (struct str){file, len - suffix};
	if (spec_name_check(name, "session", NULL) || session_find(c, name) ||
	    c->nsessions >= CONTROL_SESSIONS_MAX)
		return;
	fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		text = file_read(fd);
		close(fd);
	}
	if (!text || !state_whole(text)) {
		log_error("%s/sessions/%s holds no session: it is left alone", c->state, file);
		free(text);
		return;
	}
	own = xstrndup(name.p, name.len);
	s = session_new(c, own);
	state_parse(s, text);
	if (s->state == SESSION_ENDED && c->role == CONTROL_DAEMON)
		outlets_recover(s); /* of the others, once nobody writes */
	free(own);
	free(text);
}

void state_load(struct control *c)
{
	char *path = state_folder(c);
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
		state_load_one(c, dirfd(dir), entry->d_name);
	if (dir)
		closedir(dir);
	free(path);
}
