/* Another host: the relay tapdeck-ssh as a child; what goes wrong over there it says as an ERROR
 * message. */
#include <stddef.h>

#include "types.h"

static int ssh_open(const char *spec, struct link *l, struct err *e)
{
	const char *argv[] = {"tapdeck-ssh", spec, NULL};

	if (!spec[0])
		return err_set(e, ERR_CALL,
			       "the link \"ssh\" needs a host: ssh:[USER@]HOST[:PORT]");
	if (spec[0] == '-') /* would be an option of ssh(1) */
		return err_set(e, ERR_CALL, "a host's name does not begin with \"-\": %s", spec);
	return link_child(l, argv, e);
}

const struct link_type link_ssh = {"ssh", "another host: [USER@]HOST[:PORT], by SSH", ssh_open};
