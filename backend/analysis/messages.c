#include "messages.h"

void messages_init(struct messages *m, size_t row_bytes, const struct talk_type *talk, void *state)
{
	rows_init(&m->rows, row_bytes);
	talks_init(&m->talks, talk, state);
}

void messages_release(struct messages *m)
{
	talks_release(&m->talks);
	datagrams_release(&m->datagrams);
	rows_release(&m->rows);
}

const struct analysis_packet *messages_whole(struct messages *m, const struct analysis_packet *p)
{
	return datagrams_whole(&m->datagrams, p);
}

void messages_end(void *state)
{
	talks_end(&((struct messages *)state)->talks);
}

uint64_t messages_rows(const void *state)
{
	return ((const struct messages *)state)->rows.count;
}

uint64_t messages_version(const void *state)
{
	return ((const struct messages *)state)->rows.gone;
}

bool messages_lack(const void *state, char note[ANALYSIS_NOTE_MAX])
{
	const struct messages *m = state;

	return rows_lack(&m->rows, "messages", note) || talks_lack(&m->talks, note);
}
