/* Where things lie: XDG folders, the daemon's sockets, the capture folder. All strings are the caller's. */
#ifndef BASE_PATHS_H
#define BASE_PATHS_H

#include "base/err.h"

char *paths_config(void);   /* TAPDECK_CONFIG, else XDG_CONFIG_HOME/tapdeck/tapdeck.conf */
/* The daemon's: XDG_CONFIG_HOME/tapdeck/tapdeckd.conf (root: /etc/tapdeck/tapdeckd.conf) */
char *paths_daemon_config(void);
char *paths_logs(void); /* root's daemon: /var/log/tapdeck; else as paths_state */
char *paths_state(void);    /* XDG_STATE_HOME/tapdeck (root's daemon: /var/lib/tapdeck) */
char *paths_data(void);	    /* XDG_DATA_HOME/tapdeck: the history's databases */
char *paths_cache(void);    /* XDG_CACHE_HOME/tapdeck: what can be made again */
char *paths_captures(void); /* where recordings go: XDG_DATA_HOME/tapdeck/captures (root: /var/lib/tapdeck/captures) */
/* The socket of the user's own daemon: TAPDECK_SOCKET, else by uid /run/user/UID/tapdeck/socket, else
 * /tmp/tapdeck-UID/socket (folder 0700 and ours, checked as tmux does, else an error). The folder is made when `make`. */
char *paths_socket_own(int make, struct err *e);
char *paths_socket_root(void); /* /run/tapdeck/socket */

#endif
