/* A session: a tap, a reader, counters, segments, and what must be known of it when it is over. */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include "capfile/chunk.h"
#include "peer.h"
#include "persist.h"
#include "session_parts.h"
#include "spec.h"

#define SESSION_CHUNKS_RECORD 64u
#define SESSION_CHUNKS_COUNT 16u
#define SESSION_STOP_NS (15 * NS_PER_S)	  /* for the tap to drain */
#define SESSION_FINISH_NS (30 * NS_PER_S) /* for the reader to publish what is left */
#define SESSION_READER_DEATHS_MAX 5u	  /* within a minute: then it is let be */
#define SESSION_WAITING_MAX 64u		  /* clients that wait for one thing */

enum session_state {
	SESSION_STARTING,
	SESSION_RUNNING,
	SESSION_STOPPING,
	SESSION_FINISHING,
	SESSION_INTERRUPTED, /* found after the daemon was killed; to be mended */
	SESSION_ENDED
};

struct waiting {
	struct reply reply[SESSION_WAITING_MAX];
	unsigned count;
};

struct job;
struct session_note;
struct session {
	struct session *next;
	struct control *control;
	struct spec spec;
	char *name, *owner, *filter;
	uid_t uid;
	struct who who; /* asked for it: devices that come later are theirs to watch, or not */
	enum session_state state;
	char *reason;				  /* why it ended; NULL before */
	char *capture;				  /* unique: the stem of its files */
	char *folder;				  /* whole path */
	int64_t started_ns, ended_ns, running_ns; /* running: monotonic */
	bool failed;				  /* it did not end because somebody wanted it to */
	struct session_device device[SPEC_DEVICES_MAX];
	unsigned ndevices;
	char *devices; /* names joined by commas */

	struct msg_tap_stats total;
	struct history history;
	struct counter *counters, **counters_end; /* in their order; where the next one goes */
	struct map *counter_names;		  /* to struct counter */
	unsigned ncounters;
	struct segment *segment;
	unsigned nsegments;
	unsigned nmending;	/* of them; what comes at the end waits for it */
	uint64_t removed_files; /* by keep */
	uint32_t last_segment;	/* the highest number */
	struct filter_change *change;
	unsigned nchanges;
	struct own_use *own;
	bool recording;
	bool removing_failed; /* and that was told */
	struct session_disk disk;
	struct session_note *notes; /* records that the tap has not answered for */
	struct alerts *alerts;	    /* alert.h; NULL none */
	bool opening;		    /* its recording was asked for, and has no file yet */
	struct saves *saves;	    /* past.h; NULL none was asked for */
	struct outlets *outlets; /* outlet.h: the commands that its files go through; NULL none */
	struct sockets *sockets; /* socket.h: who here has its connections; NULL nobody asks */
	struct persist persist;	 /* of a session that comes back */
	struct usage_rate usage; /* of its tap and its reader */

	/* while it runs */
	struct channel *tap;
	pid_t tap_pid;
	bool tap_ended;
	struct err tap_error; /* what it said before it went */
	int chunks_fd, release_fd, wake_fd, tap_journal_fd, reader_journal_fd;
	struct chunks chunks;
	uint32_t last_id, start_id; /* start_id: of TAP_START */
	int64_t looked_ns;	    /* when devices were last looked for */
	struct netns_list *netns;   /* netns.h; NULL: its devices are all of this one */
	bool by_root;		    /* root asked for it */
	bool told_most;		    /* that there are more devices than a session can have */
	struct job *jobs;
	struct reader_child *reader;
	struct unpacking *unpacking; /* session_unpack.h */
	bool chunks_owed;	     /* the reader gets them when it has all files before them */
	unsigned reader_deaths;
	int64_t reader_death_ns, deadline_ns;
	struct reply started; /* who asked for it */
	unsigned start_step;
	struct waiting stops, seals,
		opens; /* who waits for its end, for a sealed and an open segment */
};

/* --- session.c: the list --- */
struct session *session_new(struct control *c, const char *name);
void session_free(struct session *s);
struct session *session_find(struct control *c, struct str name);
/* ERR_ABSENT with the nearest name. */
struct session *session_need(struct control *c, struct str name, struct err *e);
const char *session_state_text(const struct session *s);
bool session_runs(const struct session *s);
uint64_t session_file_bytes(const struct session *s);
void session_note_filter(struct session *s, const char *counter, const char *filter,
			 uint64_t packets, uint64_t bytes);
struct counter *session_counter(struct session *s, struct str name);
struct counter *session_counter_add(struct session *s, const char *name, const char *filter);
void session_counter_remove(struct session *s, struct counter *counter);
#include "session_work.h"

#endif
