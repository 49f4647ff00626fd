/* Inside of flow: where connections lie and how they are found. */
#ifndef FLOW_TABLE_H
#define FLOW_TABLE_H

#include "flow/flows.h"
#include "slot.h"

#define SLAB_SLOTS 2048u /* connections taken from the system at once (0.4 MB) */
#define SLOTS_MAX UINT32_C(0xfffffff0)
#define NONE UINT32_MAX
#define VIEWS 4u /* connections that are shown at once */

/* By last packet, when there is a budget; NONE at the ends. */
struct age {
	uint32_t older, newer;
};

/* A packet that was counted lately: half of its mark, the other half is the place; its time in units
 * of TWIN_SHIFT bits of ns. They fit into the nearest cache. */
struct twin {
	uint32_t mark, ts;
};
#define TWINS 4096u /* a power of two */

/* A packet's key: the two ends as they stand in it. */
struct key {
	const uint8_t *src, *dst;
	uint16_t sport, dport;
	uint8_t family, protocol;
	bool has_ports;
	uint64_t hash, second; /* the same for both directions; `second` only for those that left */
};

struct entry {
	uint32_t tag;  /* low half of the hash; its low bits are the place */
	uint32_t slot; /* number of the slot + 1, 0 is free */
};

/* A connection that left memory: 32 bytes. */
struct gone {
	uint64_t hash, second;
	uint64_t number; /* 0 is free */
	uint32_t isn;	 /* of A's SYN */
	uint16_t part;
	uint8_t flags; /* enum gone_flag (gone.h) */
	uint8_t state;
};

struct gone_table {
	struct gone *entry; /* a power of two */
	uint32_t room, count;
};

/* Slots of a run of numbers, when connections leave and return: NONE where absent. */
#define PAGE_NUMBERS 512u
struct page {
	uint32_t slot[PAGE_NUMBERS];
	uint32_t count;
};

struct fragments;
struct saved;
struct flows {
	struct flows_options o;
	uint64_t seed[4];
	struct slot **slab;
	uint32_t slabs, slabs_room;
	uint32_t slots;	     /* slots ever taken from the slabs */
	uint32_t free_slot;  /* chain through side[0].packets, NONE */
	struct entry *entry; /* a power of two, at most 3/4 full */
	uint32_t entries;    /* room */
	uint64_t given;	     /* numbers given, base included */
	uint64_t in_memory;
	uint64_t version;
	uint64_t more_bytes;	      /* of side allocations */
	struct figures *free_figures; /* chain through `sent` */
	struct figures **figures_slab;
	uint32_t figures_slabs, figures_used, figures_live;
	struct sent *free_sent; /* chain, of the first size */
	struct twin *twins;
	/* What flows_at and flows_number show: made when it is asked for. */
	struct connection view[VIEWS];
	uint32_t views;
	/* With a budget only: */
	uint32_t oldest, newest;
	struct age *age; /* by slot */
	uint32_t ages;
	struct page **page; /* by (number - base - 1) / PAGE_NUMBERS */
	uint64_t pages;
	uint64_t *before; /* connections in the pages before; made when it is asked for */
	bool before_valid;
	struct gone_table gone[2]; /* [0] takes new ones; when it is full [1] is dropped and they
				      change places */
	/* Changed since the last checkpoint, a bit a slot: */
	uint64_t *changed;
	uint64_t changed_words;
	uint32_t changed_at; /* where the next checkpoint goes on */
	struct fragments *fragments;
	struct saved *saved; /* NULL: nothing lies on disk */
};

static inline struct slot *flows_slot(const struct flows *f, uint32_t slot)
{
	return &f->slab[slot / SLAB_SLOTS][slot % SLAB_SLOTS];
}

static inline uint32_t family_bytes(uint8_t family)
{
	return family == 4 ? 4 : 16;
}

/* --- key.c --- */
/* What the packet belongs to; `has_ports` false: two addresses and the protocol. */
void key_make(const struct flows *f, struct key *k, const struct decoded *d);
void key_hash(const struct flows *f, struct key *k);
void key_second(const struct flows *f, struct key *k);
/* Whether src has the larger hash of the two ends. */
bool key_swapped(const struct flows *f, const struct key *k);
/* The key of a connection, from A to B. Borrows its addresses. */
void key_of(const struct flows *f, struct key *k, const struct slot *s);
/* Finds it; NONE if it is not in memory. */
uint32_t key_find(const struct flows *f, const struct key *k, uint8_t *direction);
void key_insert(struct flows *f, uint64_t hash, uint32_t slot);
void key_replace(struct flows *f, uint64_t hash, uint32_t old, uint32_t slot);
/* false: a later connection has taken the key over. */
bool key_remove(struct flows *f, uint64_t hash, uint32_t slot);

/* --- store.c --- */
uint32_t store_add(struct flows *f, uint64_t number); /* a cleared slot under the number */
void store_remove(struct flows *f, uint32_t slot);
void store_touch(struct flows *f, uint32_t slot); /* the latest packet was its */
void store_release(struct flows *f);
void store_changed(struct flows *f, uint32_t slot);
struct more *store_more(struct flows *f, struct slot *s);
uint32_t store_number(const struct flows *f, uint64_t number); /* its slot, NONE */
/* Room for figures, not cleared. */
struct figures *store_figures(struct flows *f);

void saved_piece(struct flows *f, uint32_t piece); /* saved.c: the slab is in memory then */

/* --- view.c --- */
/* Tells of a connection that leaves memory. */
void view_leave(struct flows *f, const struct slot *s, bool final);
/* The slot as others see it. */
void view_fill(const struct slot *s, struct connection *c);
uint64_t view_unique(const struct slot *s, unsigned direction);
/* The time of the connection's last packet. */
int64_t view_last_ns(const struct slot *s);

#endif
