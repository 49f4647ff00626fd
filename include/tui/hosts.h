/* Everything that can be asked, by host: one client a host, opened when it is first wanted, opened again when it
 * is lost. "" or "local" is this machine (a child: tapdeckd --attach), "store" the history, else what ssh(1) understands.
 * Used by the console and the command line alike. */
#ifndef TUI_HOSTS_H
#define TUI_HOSTS_H

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"
#include "wire/client.h"

struct hosts;
struct host;

enum host_state { HOST_IDLE, HOST_OPENING, HOST_UP, HOST_RETRY, HOST_FAILED };

struct hosts_ops {
	void (*changed)(void *arg, struct host *h); /* state, rtt, error: draw again. May be NULL */
	void (*event)(void *arg, struct host *h, const struct msg_event *event); /* may be NULL */
};

/* `retry`: open again by itself, 1 s to 60 s apart (console); else a lost link stays lost (command line). */
struct hosts *hosts_new(uv_loop_t *loop, bool retry, const struct hosts_ops *ops, void *arg);
void hosts_free(struct hosts *h);
uv_loop_t *hosts_loop(const struct hosts *h);
/* The host of that name, known from now on. Never NULL. */
struct host *hosts_get(struct hosts *h, const char *name);
struct host *hosts_next(struct hosts *h, struct host *before); /* all that are known, "local" first; NULL at the end */
/* Its client; opens the link where it is not. NULL with a sentence when that failed at once. Requests wait for HELLO. */
struct client *host_client(struct host *h, struct err *e);
void host_close(struct host *h);
const char *host_name(const struct host *h);
enum host_state host_state(const struct host *h);
const struct err *host_error(const struct host *h); /* why it is down; ERR_NONE */
/* Bumped whenever its client is a new one: channels and requests of the former are gone. */
unsigned host_epoch(const struct host *h);

#endif
