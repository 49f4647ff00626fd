#include "tui/command.h"

#include <stddef.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli.h"

const struct command shell_commands[] = {
	{.name = "devices", .words = "[HOST]", .contexts = COMMAND_SHELL,
	 .summary = "the devices of this machine or of a host", .shell = verb_devices},
	{.name = "new", .words = "NAME [on HOST] [filter F] [device D] [record] ...", .contexts = COMMAND_SHELL,
	 .summary = "starts a session", .shell = verb_new},
	{.name = "check", .words = "new NAME WORDS", .contexts = COMMAND_SHELL,
	 .summary = "what such a session would write, and how long the disk would last", .shell = verb_check},
	{.name = "modify", .words = "NAME FILTER", .contexts = COMMAND_SHELL,
	 .summary = "gives a session another filter, without losing a packet", .shell = verb_act},
	{.name = "stop", .words = "NAME", .contexts = COMMAND_SHELL,
	 .summary = "ends a session; it stays on the list", .shell = verb_act},
	{.name = "dismiss", .words = "NAME", .contexts = COMMAND_SHELL,
	 .summary = "takes an ended session off the list", .shell = verb_act},
	{.name = "list", .words = "[HOST]", .contexts = COMMAND_SHELL,
	 .summary = "the sessions of this machine or of a host", .shell = verb_list},
	{.name = "daemon", .words = "[HOST]", .contexts = COMMAND_SHELL,
	 .summary = "what the daemon is and holds: version, clients, CPU, memory, limits", .shell = verb_daemon},
	{.name = "show", .words = "NAME", .contexts = COMMAND_SHELL,
	 .summary = "all that is known of a session", .shell = verb_of_session},
	{.name = "poll", .words = "NAME", .contexts = COMMAND_SHELL,
	 .summary = "a session's totals, and rates of the last second", .shell = verb_of_session},
	{.name = "watch", .words = "NAME [frequency SECONDS]", .contexts = COMMAND_SHELL,
	 .summary = "polls until the session ends or ctrl-c; rates are since the row before", .shell = verb_watch},
	{.name = "counter", .words = "NAME add C=FILTER | change C=FILTER | remove C", .contexts = COMMAND_SHELL,
	 .summary = "counters of a running session", .shell = verb_counter},
	{.name = "record", .words = "NAME on|off", .contexts = COMMAND_SHELL,
	 .summary = "starts or ends recording of a running session", .shell = verb_act},
	{.name = "rotate", .words = "NAME", .contexts = COMMAND_SHELL,
	 .summary = "begins a new file now", .shell = verb_act},
	{.name = "save", .words = "NAME", .contexts = COMMAND_SHELL,
	 .summary = "writes the past that a session holds into a file", .shell = verb_act},
	{.name = "alert", .words = "NAME EXPR | remove EXPR|N | off", .contexts = COMMAND_SHELL,
	 .summary = "tells when the expression is true, and may act", .shell = verb_act},
	{.name = "files", .words = "NAME", .contexts = COMMAND_SHELL,
	 .summary = "the files that a session has recorded", .shell = verb_of_session},
	{.name = "fetch", .words = "NAME|HOST:/PATH [DIR]", .contexts = COMMAND_SHELL,
	 .summary = "brings files home, from where it left off", .shell = verb_fetch},
	{.name = "cat", .words = "SOURCE...", .contexts = COMMAND_SHELL,
	 .summary = "pcapng on standard output, live too", .shell = verb_cat},
	{.name = "analyze", .words = "MODULE FILE", .contexts = COMMAND_SHELL,
	 .summary = "captcp's spelling of a table", .shell = verb_analyze},
	{.name = "hosts", .words = "", .contexts = COMMAND_SHELL,
	 .summary = "the hosts that are known, and how they are", .shell = verb_hosts},
	{.name = "host", .words = "add|remove|test NAME", .contexts = COMMAND_SHELL,
	 .summary = "adds, removes or tries a host", .shell = verb_host},
	{.name = "history", .words = "[QUESTION]", .contexts = COMMAND_SHELL,
	 .summary = "asks the history of all captures", .shell = verb_history},
	{.name = "help", .words = "[WORD]", .contexts = COMMAND_SHELL,
	 .summary = "this list, or what a word means", .shell = verb_help},
	{.name = NULL},
};

static const struct command *const arrays[] = {shell_commands, console_commands};

static bool command_is_good(const struct command *c, unsigned contexts)
{
	if (c->shell && (contexts & COMMAND_SHELL))
		return true;
	return c->run && (contexts & (COMMAND_CONSOLE | COMMAND_CONFIG)) && (contexts & c->contexts);
}

const struct command *command_find(const char *name, unsigned contexts)
{
	for (size_t a = 0; a < ARRAY_LEN(arrays); a++)
		for (const struct command *c = arrays[a]; c->name; c++)
			if (strcmp(c->name, name) == 0 && command_is_good(c, contexts))
				return c;
	return NULL;
}

const struct command *command_next(const struct command *before)
{
	size_t a = 0;

	if (before) {
		before++;
		for (; a < ARRAY_LEN(arrays); a++) {
			const struct command *c = arrays[a];

			while (c->name && c != before)
				c++;
			if (c == before)
				break;
		}
	} else {
		before = arrays[0];
	}
	while (a < ARRAY_LEN(arrays) && !before->name)
		before = ++a < ARRAY_LEN(arrays) ? arrays[a] : NULL;
	return a < ARRAY_LEN(arrays) ? before : NULL;
}
