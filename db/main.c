/* tapdeck-store: the history. Descriptor 0 speaks messages. The first one of a folder is its only
 * writer and listens on FOLDER/socket besides; another one only carries bytes between its
 * descriptor and that socket. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "store.h"

static int usage(FILE *out)
{
	fputs("usage: tapdeck-store [--folder FOLDER] [--log FILE]\n"
	      "The history of tapdeck: keeps captures, files and connections, and answers "
	      "questions. Started by tapdeck.\n",
	      out);
	return out == stdout ? 0 : ERR_CALL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"folder", required_argument, NULL, 'f'},
						{"ask", required_argument, NULL, 'a'},
						{"ask-still", required_argument, NULL, 's'},
						{"log", required_argument, NULL, 'l'},
						{"version", no_argument, NULL, 'V'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	struct err e = {0};
	char *folder = NULL, *data;
	int option, status = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'a' || option == 's')
			return ask_main(optarg, option == 's');
		if (option == 'V')
			return puts("tapdeck-store " TAPDECK_VERSION) < 0;
		if (option == 'h' || option == '?')
			return usage(option == 'h' ? stdout : stderr);
		if (option == 'f') {
			free(folder);
			folder = xstrdup(optarg);
		}
	}
	log_open(STDERR_FILENO, LOG_LEVEL_WARN, "tapdeck-store");
	if (!folder) {
		data = paths_data();
		folder = xasprintf("%s/history", data);
		free(data);
	}
	if (fdio_make_folder(folder, &e) != 0 || store_run(folder, &e) != 0) {
		store_say_error(STDIN_FILENO, &e);
		status = e.code ? (int)e.code : ERR_REFUSED;
	}
	free(folder);
	return status;
}
