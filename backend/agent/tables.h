/* The tables of control: one row each. */
#ifndef AGENT_TABLES_H
#define AGENT_TABLES_H

#include "session.h"

struct table_arguments {
	char *session, *counter; /* NULL where the table has none */
	struct who who;		 /* asks */
};

struct control_table {
	struct table_type type;
	bool of_session; /* needs a session: by its words, or by the channel */
	void (*fill)(struct control *c, const struct table_arguments *a, struct rowset *rows);
};

extern const struct control_table control_tables[];
extern const size_t control_ntables;
const struct table_type *tables_type(const char *name); /* NULL: there is none */
/* One row each, as the tables sessions and counters have them. */
void tables_session_row(const struct session *s, struct rowset *rows);
void tables_counter_row(const struct counter *k, struct rowset *rows);

/* Unknown is null. */
struct rates {
	struct value pps, bps;
};
/* Of the last second that is there. */
struct rates tables_rates_last(const struct history *h);

/* That it is about; NULL: it is gone, or none of theirs any more. */
struct session *tables_session(struct control *c, const struct table_arguments *a);

/* table_wall.c */
#define WALL_COLUMNS 9
extern const struct column wall_columns[WALL_COLUMNS];
void wall_fill(struct control *c, const struct table_arguments *a, struct rowset *rows);

/* table_show.c */
void fact(struct rowset *rows, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* table_daemon.c */
void daemon_fill(struct control *c, const struct table_arguments *a, struct rowset *rows);
/* table_show.c */
void show_fill(struct control *c, const struct table_arguments *a, struct rowset *rows);

#endif
