/* After a death: what a killed tap had published is written, its files are cut at the last whole
 * record, named, and the journals get their ends. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "disk.h"
#include "folder.h"
#include "journal/journal.h"
#include "mend.h"
#include "outlet.h"
#include "salvage_counts.h"
#include "session.h"

#define SCAN_BYTES (256u * 1024)
/* Enhanced packet blocks, draft-ietf-opsawg-pcapng 4.3; the tap writes little-endian ones. */
#define BLOCK_PACKET 6u
#define BLOCK_MIN 12u
#define PACKET_WORDS                                                                               \
	7u /* type, block's length, interface, time (2), captured, length on the wire */

/* --- files --- */

/* Chunks that are not completely in their file, from the memory that control holds. */
static void salvage_chunks(struct session *s, struct segment *g)
{
	const uint64_t next = s->chunks.head ? atomic_load(&s->chunks.head->next) : 0;

	if (s->spec.pcap || g->saved) /* chunks are pcapng: what was not converted yet is lost */
		return;
	for (uint64_t n = next ? atomic_load(&s->chunks.head->written) : 0; n < next; n++) {
		const uint8_t *data;
		uint32_t length;
		const struct chunk_entry *entry = chunks_get(&s->chunks, n, &data, &length);

		if (!entry || entry->segment != g->number || length == 0)
			continue;
		if (fdio_pwrite_all(g->fd, data, length, entry->file_offset)) {
			session_event(s, "error", "%s: the last packets could not be written: %s",
				      g->name, strerror(errno));
			return;
		}
	}
}

static void segment_close(struct segment *g)
{
	close(g->fd);
	g->fd = -1;
	g->sealed = g->salvaged = true;
}

static void salvage_segment(struct session *s, struct segment *g, const char *reason)
{
	struct stat st;

	(void)snprintf(g->reason, sizeof(g->reason), "%.60s", reason);
	if (fstat(g->fd, &st) == 0 && st.st_size == 0) {
		char *part = segment_file(g, true);

		(void)folder_unlink(s->folder, part); /* nothing ever came into it */
		free(part);
		segment_close(g);
		return;
	}
	g->mending = true;
	s->nmending++;
	mend_start(s->control->mender, s, g->number, g->fd);
}

/* Whole, synced, named. */
static int segment_mend(struct session *s, struct segment *g, const struct repair *r, struct err *e)
{
	g->packets = r->packets;
	g->bytes = r->bytes;
	g->wire_bytes = r->wire_bytes;
	g->first_ns = r->first_ns;
	g->last_ns = r->last_ns;
	if (r->cut_bytes && (ftruncate(g->fd, (off_t)r->bytes) || fsync(g->fd)))
		return err_errno(e, ERR_PART, "it cannot be cut at byte %llu",
				 (unsigned long long)r->bytes);
	return segment_name(s, g, e);
}

static void mended_tell(struct session *s, const struct segment *g, const struct repair *r,
			const struct err *e)
{
	if (e)
		session_event(s, "error", "%s could not be mended and keeps its name .part: %s",
			      g->name, e->text);
	else if (r && r->cut_bytes)
		session_event(s, "warn",
			      "%s: %llu bytes of a packet that was not whole were cut off", g->name,
			      (unsigned long long)r->cut_bytes);
}

void salvage_mended(struct session *s, uint32_t number, const struct repair *r, const struct err *e)
{
	struct segment *g = NULL;
	struct err own;

	for (unsigned i = 0; i < s->nsegments; i++)
		if (s->segment[i].number == number && s->segment[i].mending)
			g = &s->segment[i];
	if (!g)
		return;
	if (r && segment_mend(s, g, r, &own))
		e = &own;
	g->mending = false;
	segment_close(g);
	mended_tell(s, g, r, e);
	outlets_sealed(s, g);
	control_changed(s->control);
	if (--s->nmending == 0)
		session_mended(s);
}

/* Packets of a chunk that the totals do not have yet; their number before it is `before`. */
static void totals_add(struct msg_tap_stats *total, uint64_t before, const uint8_t *p, uint32_t len)
{
	uint32_t word[PACKET_WORDS];

	for (uint32_t at = 0, bytes; len - at >= sizeof(word); at += bytes) {
		memcpy(word, p + at, sizeof(word));
		bytes = le32toh(word[1]);
		if (bytes < BLOCK_MIN || bytes > len - at)
			return; /* what is published is whole: this is no block */
		if (le32toh(word[0]) != BLOCK_PACKET || before++ < total->packets)
			continue;
		total->packets++;
		total->bytes += le32toh(word[PACKET_WORDS - 1]);
	}
}

/* The totals that were told are up to a second old; the chunks are not. */
static void totals_catch_up(struct session *s)
{
	const uint64_t next = s->chunks.head ? atomic_load(&s->chunks.head->next) : 0;

	for (uint64_t n = next > s->chunks.slots ? next - s->chunks.slots : 0; n < next; n++) {
		const uint8_t *data;
		uint32_t length;
		const struct chunk_entry *entry = chunks_get(&s->chunks, n, &data, &length);

		if (entry && entry->first_packet + atomic_load(&entry->packets) > s->total.packets)
			totals_add(&s->total, entry->first_packet, data, length);
	}
}

void salvage_tap(struct session *s, const char *reason)
{
	for (unsigned i = 0; i < s->nsegments; i++) {
		struct segment *g = &s->segment[i];

		if (g->sealed || g->mending || g->fd < 0)
			continue;
		salvage_chunks(s, g);
		salvage_segment(s, g, reason);
	}
	totals_catch_up(s);
	if (s->chunks.head)
		atomic_store(&s->chunks.head->ended, 1); /* what the tap cannot say any more */
	if (s->wake_fd >= 0) {
		const uint64_t one = 1;

		(void)!write(s->wake_fd, &one, sizeof(one)); /* a full eventfd wakes as well */
	}
	control_changed(s->control);
}

/* --- journals --- */

struct ending {
	struct session *session; /* NULL: nobody's segments are asked for */
	bool ended;
	uint64_t connections;
	struct msg_j_second last;
	struct map *counts;	      /* salvage_counts.h */
	struct msg_j_segment segment; /* the last one whose place is known: its numbers */
};

/* The tap alone may have known how many packets were before a file when the daemon died. */
static void begun_note(struct session *s, const struct msg_j_segment *m)
{
	for (unsigned i = 0; s && i < s->nsegments; i++) {
		struct segment *g = &s->segment[i];

		if (g->number == m->number && g->salvaged && g->first_packet == 0)
			g->first_packet = m->first_packet;
	}
}

/* A file that was opened, or the one behind it when that is complete. What is saved of the past
 * stands nowhere in the order. */
static void place_note(struct msg_j_segment *place, const struct msg_j_segment *m)
{
	if (m->number < place->number || str_is(m->reason, "save"))
		return;
	*place = (struct msg_j_segment){.number = m->number,
					.first_packet = m->first_packet,
					.first_bytes = m->first_bytes};
	if (m->sealed == SEGMENT_OPENED)
		return;
	place->number++;
	place->first_packet += m->packets;
	place->first_bytes += m->wire_bytes;
}

static void ending_note(struct ending *x, const struct journal_record *r)
{
	struct msg_j_connection connection;
	struct msg_j_segment segment;
	struct msg_j_second second;

	counts_note(&x->counts, r);
	if (r->type == MSG_J_END)
		x->ended = true;
	else if (r->type == MSG_J_SEGMENT &&
		 msg_get_j_segment(r->payload, r->len, &segment, NULL) == 0) {
		begun_note(x->session, &segment);
		place_note(&x->segment, &segment);
	} else if (r->type == MSG_J_SECOND &&
		   msg_get_j_second(r->payload, r->len, &second, NULL) == 0)
		x->last = second;
	else if (r->type == MSG_J_CONNECTION &&
		 msg_get_j_connection(r->payload, r->len, &connection, NULL) == 0 &&
		 connection.id > x->connections)
		x->connections = connection.id;
}

/* Goes through a journal that was cut at its last whole record. */
static void journal_scan(int fd, struct ending *x)
{
	uint8_t *p = xmalloc(JOURNAL_RECORD_MAX + SCAN_BYTES);
	uint64_t offset = 0;
	struct journal_record r;
	ssize_t n;

	while ((n = fdio_pread(fd, p, JOURNAL_RECORD_MAX + SCAN_BYTES, offset)) > 0) {
		const uint64_t base = offset;

		while (journal_get(p + (offset - base), (size_t)n - (size_t)(offset - base), offset,
				   &r, NULL) == 1) {
			ending_note(x, &r);
			offset = r.next;
			if (offset - base >= (uint64_t)n)
				break;
		}
		if (offset == base)
			break;
	}
	free(p);
}

uint64_t salvage_connections(int fd)
{
	struct ending x = {0};

	journal_scan(fd, &x);
	counts_free(x.counts);
	return x.connections;
}

/* Files that were never sealed may hold more than the last second told of. `place`: of the last one
 * that the tap noted; those behind it, which it had no time to note, follow without a gap. */
static void totals_of_files(struct session *s, const struct msg_j_segment *place)
{
	uint64_t packets = place->first_packet, bytes = place->first_bytes;

	for (unsigned i = 0; i < s->nsegments; i++) {
		const struct segment *g = &s->segment[i];

		if (g->saved || g->number < place->number || !g->salvaged)
			continue;
		packets += g->packets;
		bytes += g->wire_bytes;
	}
	if (packets <= s->total.packets)
		return;
	s->total.packets = packets;
	s->total.bytes = bytes;
}

/* The daemon was dead: what the journal says last is all there is. */
static void totals_restore(struct session *s, const struct msg_j_second *last)
{
	if (s->total.packets >= last->packets)
		return;
	s->total.packets = last->packets;
	s->total.bytes = last->bytes;
	s->total.dropped_device = last->dropped_device;
	s->total.dropped_kernel = last->dropped_kernel;
	s->total.dropped_buffer = last->dropped_buffer;
	s->total.dropped_disk = last->dropped_disk;
}

static int journal_add_salvaged(struct journal *j, const struct session *s, struct err *e)
{
	int r = 0;

	for (unsigned i = 0; i < s->nsegments; i++) {
		const struct segment *g = &s->segment[i];
		char *name = segment_file(g, g->part);
		const struct msg_j_segment m = segment_record(g, name, SEGMENT_COMPLETE);

		if (r == 0 && g->salvaged)
			r = journal_add_j_segment(j, &m, e);
		free(name);
	}
	return r;
}

static struct msg_j_second totals_at(const struct session *s, int64_t time_ns)
{
	return (struct msg_j_second){.time_ns = time_ns,
				     .packets = s->total.packets,
				     .bytes = s->total.bytes,
				     .dropped_device = s->total.dropped_device,
				     .dropped_kernel = s->total.dropped_kernel,
				     .dropped_buffer = s->total.dropped_buffer,
				     .dropped_disk = s->total.dropped_disk,
				     .own_packets = s->total.own_packets};
}

/* The second that the tap did not live to tell of, and what ends its minute and its hour with it.
 */
static int journal_add_totals(struct journal *j, const struct session *s, const struct ending *x,
			      struct err *e)
{
	const struct msg_j_second now = totals_at(s, clock_now_ns()),
				  last = totals_at(s, x->last.time_ns);

	/* Ended within its first second: nothing told of totals so far, and none is not unknown. */
	if ((s->total.packets > x->last.packets || !x->last.time_ns) &&
	    journal_add_j_second(j, &now, e))
		return -1;
	return x->ended || !x->last.time_ns ? 0 : counts_add(j, x->counts, &last, e);
}

static int journal_add_ending(struct journal *j, const struct session *s, uint64_t connections,
			      struct err *e)
{
	const struct msg_j_end m = {.time_ns = clock_now_ns(),
				    .reason = str_of(s->reason ? s->reason : "stop"),
				    .packets = s->total.packets,
				    .bytes = s->total.bytes,
				    .dropped = s->total.dropped_device + s->total.dropped_kernel +
					       s->total.dropped_buffer + s->total.dropped_disk,
				    .connections = connections};

	return journal_add_j_end(j, &m, e);
}

/* `tap`: it is the tap's journal, which has the segments and the seconds. */
static int journal_end(struct session *s, int fd, bool tap, struct err *e)
{
	struct ending x = {.session = tap ? s : NULL};
	struct journal *j;
	uint64_t end;
	int copy, r = 0;

	if (journal_repair(fd, &end, e))
		return -1;
	journal_scan(fd, &x);
	if (tap) {
		totals_restore(s, &x.last);
		totals_of_files(s, &x.segment);
	}
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	j = copy < 0 ? NULL : journal_new(copy, e);
	if (!j) {
		counts_free(x.counts);
		return copy < 0 ? err_errno(e, ERR_REFUSED, "could not end a journal") : -1;
	}
	if (tap)
		r = journal_add_salvaged(j, s, e);
	if (r == 0 && tap)
		r = session_notes_add(s, j, e);
	if (r == 0 && tap)
		r = journal_add_totals(j, s, &x, e);
	counts_free(x.counts);
	if (r == 0 && !x.ended)
		r = journal_add_ending(j, s, x.connections, e);
	if (r == 0)
		r = journal_sync(j, e);
	journal_close(j);
	return r;
}

/* A save that died before its first byte left no file: none is listed. */
static void saves_unlist(struct session *s)
{
	for (unsigned i = s->nsegments; i > 0; i--) {
		struct segment *g = &s->segment[i - 1];
		char *part = segment_file(g, true);
		const bool there = g->bytes || !g->saved || folder_has(s->folder, g->name) ||
				   folder_has(s->folder, part);

		free(part);
		if (there)
			continue;
		free(g->name);
		memmove(g, g + 1, (s->nsegments - i) * sizeof(*g));
		s->nsegments--;
	}
}

void salvage_journals(struct session *s)
{
	struct err e;

	saves_unlist(s);
	if (s->tap_journal_fd >= 0 && journal_end(s, s->tap_journal_fd, true, &e))
		control_event(s->control, "warn", s->name, "tap.journal could not be ended: %s",
			      e.text);
	if (s->reader_journal_fd >= 0 && journal_end(s, s->reader_journal_fd, false, &e))
		control_event(s->control, "warn", s->name, "reader.journal could not be ended: %s",
			      e.text);
	session_notes_forget(s);
	disk_end(s);
	for (unsigned i = 0; i < s->nsegments; i++)
		s->segment[i].salvaged = false;
	session_notes_forget(s);
	if (s->tap_journal_fd >= 0)
		close(s->tap_journal_fd);
	if (s->reader_journal_fd >= 0)
		close(s->reader_journal_fd);
	s->tap_journal_fd = s->reader_journal_fd = -1;
}

/* --- after the daemon's own death --- */

/* A file that nobody had sealed: under its last name where only the daemon's note of it was lost.
 */
static void segment_reopen(struct session *s, struct segment *g)
{
	char *part = segment_file(g, true);

	/* The mending names it: so it goes back to .part first, where there is none. */
	(void)folder_rename(s->folder, g->name, part);
	g->fd = folder_open(s->folder, part, O_RDWR);
	if (g->fd >= 0)
		salvage_segment(s, g, "interrupted");
	else
		g->sealed = true; /* what is not there is missed (segments_missed) */
	free(part);
}

int salvage_session(struct session *s)
{
	bool busy = false;
	struct err e;

	if (s->tap_journal_fd < 0)
		s->tap_journal_fd = capture_journal_open(s, "tap.journal", &busy, &e);
	if (busy)
		return 1; /* its tap still drains what it had */
	if (s->reader_journal_fd < 0)
		s->reader_journal_fd = capture_journal_open(s, "reader.journal", &busy, &e);
	if (busy)
		return 1;
	if (s->tap_journal_fd < 0 || s->reader_journal_fd < 0)
		log_warn("session %s: %s", s->name, e.text);
	for (unsigned i = 0; i < s->nsegments; i++)
		if (!s->segment[i].sealed)
			segment_reopen(s, &s->segment[i]);
	outlets_recover(s);
	segments_missed(s);
	free(s->reason);
	s->reason = xstrdup("interrupted: the daemon was killed, or the machine went down; files "
			    "and journals are mended");
	s->failed = true;
	return 0;
}
