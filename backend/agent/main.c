/* tapdeckd: the backend, on this machine and on every other. `--attach` serves one user's console,
 * `--daemon` keeps the sessions; the others are its own children. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "daemon.h"
#include "mend.h"
#include "packing.h"
#include "peer.h"
#include "pump.h"
#include "reader_child.h"
#include "session.h"
#include "tap/tap.h"
#include "watch.h"

enum mode { MODE_NONE, MODE_ATTACH, MODE_DAEMON, MODE_READ, MODE_COMPILE, MODE_MEND,
	    MODE_PUMP, MODE_SYNC, MODE_WATCH };

struct options {
	enum mode mode;
	struct daemon_options daemon;
	const char *pump;
	int fd;
};

static const struct option long_options[] = {
	{"attach", no_argument, NULL, 'a'},
	{"daemon", no_argument, NULL, 'd'},
	{"read", required_argument, NULL, 'r'},
	{"compile", no_argument, NULL, 'c'},
	{"mend", no_argument, NULL, 'm'},
	{"pump", required_argument, NULL, 'P'},
	{"sync", no_argument, NULL, 'S'},
	{"watch", no_argument, NULL, 'W'},
	{"on-demand", no_argument, NULL, 'o'},
	{"ready", required_argument, NULL, 'R'},
	{"config", required_argument, NULL, 'f'},
	{"group", required_argument, NULL, 'g'},
	{"log", required_argument, NULL, 'l'},
	{"socket", required_argument, NULL, 's'},
	{"captures", required_argument, NULL, 'C'},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *out)
{
	fputs("usage: tapdeckd --attach | --daemon [options]\n"
	      "  --attach            serve messages on descriptor 0 (and 1), with the rights of "
	      "who runs it\n"
	      "  --daemon            keep sessions: listen at a unix socket\n"
	      "  -f, --config FILE   its configuration (usual: as tapdeckd.conf(5) says)\n"
	      "  -g, --group GROUP   who may ask besides the owner (name or number)\n"
	      "  -s, --socket PATH   the daemon's socket (usual: as tapdeckd(8) says)\n"
	      "  -C, --captures DIR  where recordings go\n"
	      "  -l, --log FILE      log there (usual: standard error)\n"
	      "  -v, --verbose       log more\n"
	      "      --on-demand     end when nothing runs and nobody is connected\n"
	      "      --version, --help\n",
	      out);
}

static int descriptor_parse(const char *text)
{
	char *end;
	const long n = strtol(text, &end, 10);

	return *text && !*end && n >= 3 && n < 1024 ? (int)n : -1;
}

/* What the daemon starts itself as. */
static void option_child(int key, struct options *o)
{
	static const struct {
		int key;
		enum mode mode;
	} modes[] = {{'r', MODE_READ}, {'c', MODE_COMPILE}, {'m', MODE_MEND},
		     {'P', MODE_PUMP}, {'S', MODE_SYNC},    {'W', MODE_WATCH}};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (modes[i].key == key)
			o->mode = modes[i].mode;
	if (key == 'r')
		o->fd = descriptor_parse(optarg);
	if (key == 'P')
		o->pump = optarg;
}

/* -1: go on; else the exit status. */
static int options_read(int argc, char **argv, struct options *o)
{
	int key;

	while ((key = getopt_long(argc, argv, "f:g:l:s:C:vVh", long_options, NULL)) != -1) {
		switch (key) {
		case 'a':
			o->mode = MODE_ATTACH;
			break;
		case 'd':
			o->mode = MODE_DAEMON;
			break;
		case 'r':
		case 'c':
		case 'm':
		case 'P':
		case 'S':
		case 'W':
			option_child(key, o);
			break;
		case 'o':
			o->daemon.on_demand = true;
			break;
		case 'R':
			o->daemon.ready = descriptor_parse(optarg);
			break;
		case 'f':
			o->daemon.config = optarg;
			break;
		case 'g':
			o->daemon.group = optarg;
			break;
		case 'l':
			o->daemon.log = optarg;
			break;
		case 's':
			o->daemon.socket = optarg;
			break;
		case 'C':
			o->daemon.captures = optarg;
			break;
		case 'v':
			o->daemon.verbose = true;
			break;
		case 'V':
			puts("tapdeckd " TAPDECK_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return ERR_CALL;
		}
	}
	if (optind == argc && o->mode != MODE_NONE && !(o->mode == MODE_READ && o->fd < 0))
		return -1;
	usage(stderr);
	return ERR_CALL;
}

/* The daemon opens its own, when it knows its configuration. */
static int log_start(const struct options *o, struct err *e)
{
	int fd = STDERR_FILENO;

	if (o->daemon.log)
		fd = open(o->daemon.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
			  0600);
	if (fd < 0)
		return err_errno(e, ERR_REFUSED, "could not open the log %s", o->daemon.log);
	if (o->daemon.log && dup2(fd, STDERR_FILENO) < 0) /* children's words go there too */
		return err_errno(e, ERR_REFUSED, "could not use the log %s", o->daemon.log);
	log_open(fd,
		 o->daemon.verbose ? LOG_LEVEL_DEBUG
		 : o->daemon.log   ? LOG_LEVEL_INFO
				   : LOG_LEVEL_WARN,
		 "tapdeckd");
	return 0;
}

/* Sessions have some ten descriptors each. */
static void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* the usual number is enough for some */
}

/* --- attach --- */

static bool is_socket(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

/* Descriptors 0 to 2 stay taken, so that no file ever becomes one of them. */
static int stream_take(int from, int *taken)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	*taken = fcntl(from, F_DUPFD_CLOEXEC, 3);
	if (*taken < 0 || null < 0 || dup2(null, from) < 0 || fdio_set_nonblock(*taken))
		return -1;
	close(null);
	return 0;
}

static int attach_run(struct control *c, struct err *e)
{
	const struct who who = {.uid = geteuid(), .pid = getpid(), .owner = true};
	int in = -1, out = -1;
	const bool both = is_socket(STDIN_FILENO);

	if (stream_take(STDIN_FILENO, &in) || (!both && stream_take(STDOUT_FILENO, &out)))
		return err_errno(e, ERR_REFUSED, "descriptors 0 and 1 carry no messages");
	(void)prctl(PR_SET_NAME, "tapdeckd-attach", 0, 0, 0);
	(void)peer_new(c, in, both ? -1 : out, &who);
	(void)uv_run(c->loop, UV_RUN_DEFAULT);
	return 0;
}

static int control_run(const struct options *o, struct err *e)
{
	uv_loop_t loop;
	struct control *c;
	int r;

	descriptors_raise();
	if (uv_loop_init(&loop))
		return err_set(e, ERR_REFUSED, "no event loop");
	c = control_new(&loop, o->mode == MODE_DAEMON ? CONTROL_DAEMON : CONTROL_ATTACH, e);
	if (o->mode == MODE_DAEMON) {
		r = daemon_run(c, &o->daemon, e);
		if (r)
			control_free(c);
	} else {
		if (o->daemon.captures) {
			free(c->captures);
			c->captures = xstrdup(o->daemon.captures);
		}
		r = attach_run(c, e);
		control_free(c);
	}
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop);
	return r;
}

static bool is_tap(const char *name)
{
	const char *slash = name ? strrchr(name, '/') : NULL;

	return name && strcmp(slash ? slash + 1 : name, "tapdeck-tap") == 0;
}

int main(int argc, char **argv)
{
	struct options o = {.fd = -1, .daemon = {.ready = -1}};
	struct err e = {0};
	int status;

	if (is_tap(argv[0]))
		return tap_main(argc, argv);
	status = options_read(argc, argv, &o);
	if (status >= 0)
		return status;
	(void)signal(SIGPIPE, SIG_IGN);
	if (o.mode == MODE_COMPILE)
		return compile_main();
	if (o.mode == MODE_MEND)
		return mend_main();
	if (o.mode == MODE_PUMP)
		return pump_main(o.pump);
	if (o.mode == MODE_SYNC)
		return packing_sync_main();
	if (o.mode == MODE_WATCH)
		return watch_main();
	if ((o.mode == MODE_DAEMON || log_start(&o, &e) == 0) && o.mode == MODE_READ)
		return reader_child_main(o.fd);
	if (e.code == ERR_NONE && control_run(&o, &e) == 0)
		return 0;
	fprintf(stderr, "tapdeckd: %s\n", e.text);
	return (int)e.code;
}
