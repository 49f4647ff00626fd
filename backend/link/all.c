/* The table of link types. */
#include <string.h>

#include "types.h"

static const struct link_type *const types[] = {&link_local, &link_store, &link_unix, &link_ssh,
						NULL};

const struct link_type *const *link_types(void)
{
	return types;
}

int link_open(const char *spec, struct link *l, struct err *e)
{
	const size_t scheme = strcspn(spec, ":");

	*l = (struct link){.fd = -1};
	for (size_t i = 0; types[i]; i++) {
		if (strlen(types[i]->scheme) != scheme ||
		    memcmp(types[i]->scheme, spec, scheme) != 0)
			continue;
		l->type = types[i];
		return types[i]->open(spec + scheme + (spec[scheme] == ':'), l, e);
	}
	return err_set(e, ERR_CALL,
		       "\"%s\" is no link: local, store, unix:PATH or ssh:[USER@]HOST[:PORT]",
		       spec);
}
