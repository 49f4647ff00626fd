/* Files of a session: made, named, removed, noted. Included by session_work.h. */
#ifndef AGENT_SEGMENT_H
#define AGENT_SEGMENT_H

#include "session.h"

struct journal;

/* --- segment.c --- */
void segment_need(struct session *s, const struct msg_tap_need *m);
void segment_sealed(struct session *s, const struct msg_tap_sealed *m);
struct segment *segment_open(struct session *s); /* the one that is recorded to; NULL */
/* Asks the tap for it; it is done when a file is there, or whole. */
void session_record(struct session *s, bool on);
void session_rotate(struct session *s);
/* Whether all that it saw may be in its files. */
bool session_recorded(const struct session *s);
struct segment *segment_add(struct session *s, uint32_t number, const char *name);
/* Packets of the session before it: as the chunks say, else as the files before it say. */
uint64_t segment_first_packet(struct session *s, struct segment *g);
/* Its file is named .part: it is written, or could not or must not have its last name yet. */
bool segment_is_part(const struct segment *g);
/* Takes its last name; the folder is synced. */
int segment_name(struct session *s, struct segment *g, struct err *e);
/* --- segment_names.c --- */
/* A name by the pattern of `names`, owned by the caller; NULL: it is none. */
char *segment_pattern(const char *pattern, int64_t now_ns, bool utc, uint32_t number);
/* A name that nothing has yet, owned by the caller. */
char *segment_choose(const struct session *s, uint32_t number);
char *segment_path(const struct session *s, const struct segment *g, bool part);
/* The name in its folder, owned by the caller. */
char *segment_file(const struct segment *g, bool part);
/* --- segment_keep.c --- */
void segments_expire(struct session *s); /* `keep` */
/* The oldest goes, for room: its bytes. false: there is none that may. */
bool segments_let_go(struct session *s, uint64_t *bytes);
/* Files that somebody has removed: whoever holds them open lets go. */
void segments_missed(struct session *s);
/* The file goes; whoever holds a pointer to a segment has none any more. -1: it cannot. */
int segment_remove(struct session *s, struct segment *g, const char *why);
/* --- segment_note.c --- */
/* What is known of it, as a record; its texts are borrowed. */
struct msg_j_segment segment_record(const struct segment *g, const char *name,
				    enum segment_sealed sealed);
/* A record about a segment for the tap's journal, under the name that its file has now. */
void segment_journal(struct session *s, const struct segment *g, const char *name,
		     enum segment_sealed sealed);
/* A record for the tap's journal, by the tap while it lives: kept until that has answered. */
void session_note(struct session *s, uint16_t type, const struct buf *payload);
/* An answer of the tap's (e NULL: done). false: it is to somebody else. */
bool session_noted(struct session *s, uint32_t id, const struct err *e);
/* Those without an answer, where the tap is gone. */
int session_notes_add(struct session *s, struct journal *j, struct err *e);
void session_notes_forget(struct session *s);
/* --- segment_watch.c --- */
void segment_watch(struct session *s);	       /* time, room, limits */
bool session_watches(const struct session *s); /* it is looked more than once a second */

#endif
