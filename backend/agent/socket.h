/* Who on this machine has which connections: the kernel is asked about once a second while a
 * session runs on devices of here (sock_diag(7)), and its reader is told what is new. Sockets that
 * live shorter than that may be missed. */
#ifndef AGENT_SOCKET_H
#define AGENT_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "control.h"

#define SOCKETS_MAX 65536u
#define SOCKETS_SLICE_NS (2 * NS_PER_MS) /* of work between two turns of the loop */
#define SOCKETS_PAUSE_MS 5u		 /* and until the next */
#define SOCKET_UNIT_MAX 128u

/* Compared as bytes: what lies between is 0. */
struct socket_key {
	uint8_t protocol;
	struct addr here, there; /* there: no family, where it takes what comes from anywhere */
	uint16_t port_here, port_there;
};

struct socket_entry {
	struct socket_key key;
	uint64_t inode;
	uid_t uid;
	pid_t pid; /* 0 not known (yet) */
	char process[16], unit[SOCKET_UNIT_MAX];
	uint32_t seen, changed; /* rounds */
	uint32_t place;		/* in the list */
	uint8_t walks;		/* over all processes that did not find it */
};

/* All that there are, of the last round. */
struct socket_list {
	struct map *by_key;
	struct socket_entry **at;
	uint32_t count, round;
	struct socket_key *gone; /* in this round */
	uint32_t ngone;
};

/* --- socket.c --- */
struct socket_watch;
struct socket_watch *socket_watch_new(struct control *c);
void socket_watch_free(struct socket_watch *w);
void socket_watch_tick(struct socket_watch *w);

/* --- socket_ask.c: the kernel's list --- */
/* A descriptor for questions, not blocking; -1: the kernel does not tell. */
int socket_ask_open(struct err *e);
#define SOCKET_QUESTIONS 4u /* TCP and UDP, IPv4 and IPv6 */
int socket_ask(int fd, unsigned question);
/* Takes what has come. 1: the answer is complete; 0: more comes; -1: there is none to this
 * question; -2: the descriptor is of no use any more. */
int socket_hear(int fd, struct socket_list *list);
void socket_list_init(struct socket_list *list);
void socket_list_release(struct socket_list *list);
/* The round is over: what it did not bring is gone. */
void socket_list_sweep(struct socket_list *list);

/* --- socket_owner.c: which process holds it --- */
struct socket_finder;
struct socket_finder *socket_finder_new(void);
void socket_finder_free(struct socket_finder *f);
/* Begins to look for the owners of those that have none yet. false: there is nothing to look for,
 * or it is too early for a walk over all processes again. */
bool socket_find_begin(struct socket_finder *f, struct socket_list *list);
/* A slice of it. true: there is more. */
bool socket_find_step(struct socket_finder *f, struct socket_list *list);

/* --- socket_user.c --- */
/* The name of a user by /etc/passwd alone, as anything else might wait for a network; else the
 * number. Borrowed until the next call. */
struct socket_users;
struct socket_users *socket_users_new(void);
void socket_users_free(struct socket_users *u);
const char *socket_user(struct socket_users *u, uid_t uid);

#endif
