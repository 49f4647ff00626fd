/* After the death of the daemon: of each file there is one, under its last name, and the journal
 * knows it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "folder.h"
#include "outlet_private.h"

/* It was being given its last name when the daemon died, which is done only with what is complete
 * and on the disk. */
static void recover_taking(struct session *s, struct segment *g, char *packed)
{
	const int fd = folder_open(s->folder, packed, O_RDONLY);
	char *plain = g->name;
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		if (fd >= 0)
			close(fd);
		free(packed);
		return; /* it had not come so far: the plain one stays */
	}
	close(fd);
	(void)folder_unlink(s->folder, plain); /* it may have been done */
	free(plain);
	g->name = packed;
	g->plain_bytes = g->bytes;
	g->bytes = (uint64_t)st.st_size;
	g->packed = true;
	outlet_journal(s, g);
}

static void recover_packing(struct session *s, struct segment *g, const struct compressor *k)
{
	char *packed = xasprintf("%s%s", g->name, k->suffix);
	char *part = xasprintf("%s.part", packed);

	(void)folder_unlink(s->folder, part);
	free(part);
	if (g->taking && !g->packed)
		recover_taking(s, g, packed);
	else
		free(packed);
}

static unsigned recover_held(struct session *s, struct segment *g)
{
	struct err e;

	if (!g->sealed || !g->part)
		return 0;
	if (folder_has(s->folder, g->name)) {
		g->part = false; /* only the note of it was lost */
		return 0;
	}
	if (segment_name(s, g, &e) == 0)
		return 1;
	session_event(s, "error", "a complete file keeps its name .part: %s", e.text);
	return 0;
}

void outlets_recover(struct session *s)
{
	const struct compressor *k = s->spec.compress ? compressor_named(s->spec.compress) : NULL;
	unsigned shown = 0;
	bool any = false;

	for (unsigned i = 0; i < s->nsegments; i++) {
		struct segment *g = &s->segment[i];

		any = any || g->taking || (g->sealed && g->part);
		shown += recover_held(s, g);
		if (k && !g->packed)
			recover_packing(s, g, k);
		else if (g->taking)
			outlet_journal(s, g); /* it may not know of it yet */
		g->taking = false;
	}
	if (shown)
		session_event(s, "note",
			      "%u complete files that were held back are shown, as the daemon was "
			      "killed",
			      shown);
	if (any)
		state_save(s);
}
