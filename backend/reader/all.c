/* The table of tables, and what the server of tables asks. */
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "reader/reader.h"
#include "tables.h"

static const struct table_kind *const kinds[] = {
	&table_summary, &table_interfaces, &table_connections, &table_flows,
	&table_packets, &table_packet,	   &table_hex,	       &table_columns,
	&table_endpoints, &table_protocols, &table_dns, &table_tls, &table_http, &table_icmp,
};

const struct table_kind *const *table_kinds(size_t *count)
{
	*count = ARRAY_LEN(kinds);
	return kinds;
}

uint64_t ask_packet(const struct msg_query *q)
{
	uint64_t number;

	if (!str_is(q->table, "packet") && !str_is(q->table, "hex"))
		return 0;
	if (q->words.count != 1 || text_parse_count(q->words.at[0], &number, NULL) < 0)
		return 0;
	return number;
}

static const struct table_kind *table_find(struct str name, struct err *e)
{
	const char *names[ARRAY_LEN(kinds)];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		names[i] = kinds[i]->type->name;
		if (str_is(name, names[i]))
			return kinds[i];
	}
	const char *near = text_nearest(name, names, ARRAY_LEN(kinds));

	(void)err_set(e, ERR_ABSENT, "a capture has no table %.*s%s%s%s", (int)name.len, name.p,
		      near ? ": is it " : "", near ? near : "", near ? "?" : "");
	return NULL;
}

static void ask_release(void *data)
{
	struct ask *a = data;

	if (a->kind->close)
		a->kind->close(a);
	rowset_free(a->rows);
	if (a->survey)
		surveys_leave(a->reader, a->survey);
	if (a->pass)
		a->pass->users--;
	free(a);
}

static int ask_words(const struct table_kind *k, const struct msg_query *q, struct err *e)
{
	unsigned most = k->type->arguments[0] ? 1 : 0;

	if (q->words.count <= most)
		return 0;
	return err_set(e, ERR_CALL, "the table %s takes %s: what is %.*s?", k->type->name,
		       most ? "one word" : "no words", (int)q->words.at[most].len,
		       q->words.at[most].p);
}

static int on_table(void *arg, uint32_t channel, const struct msg_query *q, struct table *t,
		    struct err *e)
{
	struct reader *r = arg;
	const struct table_kind *k = table_find(q->table, e);
	struct pass *p = NULL;

	(void)channel;
	if (!k || ask_words(k, q, e) < 0)
		return -1;
	if (q->bpf.len && !k->fixed && !(p = passes_find(r, q->bpf, q->flags & QUERY_OUTER, e)))
		return -1;
	struct ask *a = xcalloc(1, sizeof(*a));

	a->reader = r;
	a->kind = k;
	a->capture = pipeline_capture(r, q->flags & QUERY_OUTER);
	if (k->open && k->open(a, q, e) < 0) {
		rowset_free(a->rows);
		free(a);
		return -1;
	}
	a->pass = p;
	if (p)
		p->users++;
	if (k->analysis)
		a->survey = surveys_find(r, k->analysis, a->capture, p);
	*t = (struct table){.type = k->type,
			    .data = a,
			    .rows = k->rows,
			    .version = k->version,
			    .cell = k->cell,
			    .fixed = k->fixed || k->stands,
			    .release = ask_release};
	return 0;
}

/* What an analysis lacks. */
static bool ask_survey_lacks(struct ask *a)
{
	const struct survey *v = a->survey;

	if (v->type->lacks && v->type->lacks(v->state, a->text))
		return true;
	if (v->skipped == 0)
		return false;
	(void)snprintf(a->text, sizeof(a->text),
		       "%llu packets could not be looked at: they are not there any more",
		       (unsigned long long)v->skipped);
	return true;
}

/* What the table lacks besides what the source lacks; false: nothing. */
static bool ask_lacks(struct ask *a)
{
	const struct reader *r = a->reader;
	const struct flows *f = a->capture->flows;
	uint64_t gone = flows_count(f) - a->capture->base - flows_in_memory(f);
	bool of_connections = a->kind == &table_connections || a->kind == &table_flows ||
			      a->kind == &table_endpoints;
	bool of_packets = a->pass || a->capture->decode.outer || a->kind == &table_packets ||
			  (a->survey && !of_connections);

	if (a->pass && a->pass->skipped)
		(void)snprintf(
			a->text, sizeof(a->text),
			"%llu packets could not be looked at: their link type does not take this "
			"filter, or they are not there any more",
			(unsigned long long)a->pass->skipped);
	else if (a->pass && !source_is_live(&r->source) && source_before(&r->source))
		(void)snprintf(a->text, sizeof(a->text),
			       "packets 1 to %llu could not be looked at: no file has them (any "
			       "more)",
			       (unsigned long long)source_before(&r->source));
	else if (of_packets && index_count(&r->index) < r->capture.totals.packets)
		(void)snprintf(a->text, sizeof(a->text),
			       "only the first %llu packets can be listed, the limit of memory; "
			       "connections count all",
			       (unsigned long long)index_count(&r->index));
	else if (of_connections && gone)
		(void)snprintf(a->text, sizeof(a->text),
			       "%llu connections that were idle longest have left the memory: the "
			       "journal has them",
			       (unsigned long long)gone);
	else
		return a->survey && ask_survey_lacks(a);
	return true;
}

/* Everything that is there now has been looked at. */
static bool ask_done(const struct ask *a)
{
	const struct reader *r = a->reader;

	if (a->survey)
		return surveys_done(r, a->survey);
	return a->pass ? passes_done(r, a->pass)
		       : pipeline_current(r, a->capture->decode.outer);
}

static void on_state(void *arg, uint32_t channel, const struct table *t, struct table_state *s)
{
	struct reader *r = arg;
	struct ask *a = t->data;
	bool outer = a->capture->decode.outer;
	uint64_t rows = pipeline_rows(r, outer);

	(void)channel;
	if (a->kind->fixed) {
		*s = (struct table_state){.state = WINDOW_COMPLETE};
		return;
	}
	source_state(&r->source, s);
	if (ask_lacks(a))
		s->note = a->text;
	/* A session that runs on is complete when what it has sent so far was looked at. */
	if (ask_done(a)) {
		s->state = s->note && s->note[0] ? WINDOW_PARTIAL : WINDOW_COMPLETE;
		return;
	}
	s->state = WINDOW_READING;
	/* The file was read, the filter or the second look still runs over it. */
	if (a->pass && pipeline_done(r) && !passes_done(r, a->pass) && rows)
		s->done = (uint64_t)((double)s->of * (double)a->pass->row / (double)rows);
	else if (a->survey && pipeline_done(r))
		s->done = (uint64_t)((double)s->of * survey_share(a->survey, rows));
}

const struct table_server_ops reader_tables = {.table = on_table, .state = on_state};

const struct table_type *const *reader_table_types(void)
{
	static const struct table_type *const types[] = {
		&type_summary, &type_interfaces, &type_connections, &type_flows, &type_packets,
		&type_packet,  &type_hex,	 &type_columns,	    &type_endpoints, &type_protocols,
		&type_dns, &type_tls, &type_http, &type_icmp, NULL,
	};

	return types;
}
