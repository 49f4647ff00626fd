/* The catalog as a question sees it: which captures are meant, where their files lie, which shards
 * hold them. */
#ifndef DB_PLACES_H
#define DB_PLACES_H

#include "question.h"
#include "table/table.h"

struct place {
	int64_t id;
	char *host, *session, *folder;
	bool marked; /* a row of it was found */
};

struct places;

/* Opens FOLDER/catalog.db read-only; only captures that the question's place, session, number and
 * time leave. */
int places_open(struct places **p, const char *folder, const struct question *q, struct err *e);
void places_close(struct places *p);
const struct place *places_find(const struct places *p, int64_t capture); /* NULL: not meant */
void places_mark(struct places *p, int64_t capture);
/* The file of a segment, the caller's; NULL where there is none. */
char *places_path(struct places *p, const struct place *place, int64_t segment);
/* The numbers of the captures that are meant, as JSON: "[1,2,3]"; "" when every capture is; NULL
 * when none is. The caller's. */
char *places_list(const struct places *p);
int64_t places_only(const struct places *p); /* the one capture that is meant; 0: not just one */
struct place_shard {
	int64_t number, max_ns, rows;
};
/* Shards with connections between the times, the newest first; *shard is the caller's. Returns how
 * many, -1. */
int places_shards(struct places *p, int64_t from_ns, int64_t to_ns, struct place_shard **shard,
		  struct err *e);
/* Fill the tables; `marked`: only what was marked. */
int places_captures(struct places *p, struct rowset *rows, bool marked, struct err *e);
int places_files(struct places *p, struct rowset *rows, bool marked, int64_t from_ns, int64_t to_ns,
		 struct err *e);
int places_events(struct places *p, struct rowset *rows, bool marked, int64_t from_ns,
		  int64_t to_ns, struct err *e);
int places_totals(struct places *p, struct rowset *rows, const struct question *q, struct err *e);
/* How far each journal was taken up; the table is the caller's. */
int places_journals(const char *folder, struct table *t, struct err *e);

#endif
