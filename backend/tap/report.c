/* What the tap says of itself: each second, and at the end. To control, and to the journal. */
#include "base/clock.h"
#include "tap_private.h"

static struct msg_tap_stats totals(struct tap *t)
{
	struct msg_tap_stats m = {.time_ns = clock_now_ns(),
				  .packets = t->packets,
				  .bytes = t->bytes,
				  .dropped_buffer = t->output.dropped_buffer,
				  .dropped_disk = t->output.dropped_disk,
				  .own_packets = t->own_packets,
				  .own_bytes = t->own_bytes,
				  .ended = t->ended,
				  .late_packets = t->merge ? merge_late(t->merge) : 0};

	past_held(t, &m.past_bytes, &m.past_ns);

	for (uint32_t i = 0; i < t->inputs; i++) {
		struct output_interface *n = &t->output.interface[t->input[i].interface];
		struct source_stats st;

		input_stats(&t->input[i], &st);
		m.dropped_kernel += st.dropped_kernel;
		m.dropped_device += t->input[i].dropped_device;
		if (!t->input[i].has_interface)
			continue;
		n->received = st.received - t->input[i].elsewhere.received;
		n->dropped_kernel =
			st.dropped_kernel - t->input[i].elsewhere.dropped_kernel;
		n->dropped_device =
			t->input[i].dropped_device - t->input[i].elsewhere_device;
	}
	if (t->output.writer) {
		m.written_bytes = writer_bytes(t->output.writer);
		m.safe_ns = writer_safe_ns(t->output.writer);
	}
	return m;
}

static void send_totals(struct tap *t, const struct msg_tap_stats *m)
{
	if (!t->control)
		return;
	report_send_counts(t, m->time_ns);
	channel_put_tap_stats(t->control, 0, 0, m);
}

/* Things that happen by the thousand are told once a second, as what is new. */
static void tell_new(struct tap *t, uint64_t now, uint64_t *told, const char *severity,
		     const char *what)
{
	if (now == *told)
		return;
	tap_event(t, severity, t->session, "%llu %s", (unsigned long long)(now - *told), what);
	*told = now;
}

static void tell_troubles(struct tap *t)
{
	const struct output *o = &t->output;

	if (t->merge)
		tell_new(t, merge_late(t->merge), &t->late_told, "note",
			 "packets came later than they may be waited for: recorded out of order, "
			 "marked \"late\"");
	tell_new(t, t->stalls, &t->stalls_told, "note",
		 "times the disk was behind and packets waited in the kernel's ring");
	tell_new(t, o->dropped_buffer, &t->dropped_buffer_told, "warn",
		 "packets were dropped: the disk is slower than the traffic and no memory is left "
		 "(more `buffer`, a filter "
		 "or a smaller `snaplen` help)");
	tell_new(t, o->not_for_reader, &t->not_for_reader_told, "note",
		 "chunks are recorded or counted without being decoded live: the reader is behind");
	tell_new(t, t->crowded, &t->crowded_told, "warn",
		 "packets are in the file before theirs: files follow each other faster than the "
		 "disk takes them");
	tell_new(t, o->cut, &t->cut_told, "warn", "packets were longer than a chunk and are cut");
}

void report_device(struct tap *t, const struct input *in)
{
	struct msg_j_device m = {.index = in->interface,
				 .name = str_of(in->name),
				 .link_type = in->facts.link_type,
				 .filter = str_of(in->filter_text)};

	(void)journal_add_j_device(t->journal, &m, NULL);
}

void report_second(struct tap *t)
{
	struct msg_tap_stats m = totals(t);
	struct err e;

	tell_troubles(t);
	counters_settle(&t->counters);
	counters_ready(&t->counters);
	send_totals(t, &m);
	report_journal_totals(t, &m);
	if (journal_flush(t->journal, &e) && t->control) {
		struct msg_event ev = {.time_ns = m.time_ns,
				       .severity = str_of("error"),
				       .where = str_of(t->session),
				       .sentence = str_of(e.text)};

		channel_put_event(t->control, 0, 0, &ev);
	}
}

void report_end(struct tap *t)
{
	struct msg_tap_stats m;
	struct msg_j_end end = {.reason = str_of(t->stop_reason)};

	t->ended = true;
	m = totals(t);
	tell_troubles(t);
	counters_settle(&t->counters);
	for (size_t i = 0; i < t->own.count; i++) {
		const struct own *c = t->own.list[i];
		struct msg_j_own j = {.time_ns = m.time_ns,
				      .op = str_of("remove"),
				      .connection = str_of(c->text),
				      .packets = c->packets,
				      .bytes = c->bytes};

		(void)journal_add_j_own(t->journal, &j, NULL);
	}
	segment_lose_end(t);
	report_journal_totals(t, &m);
	end.time_ns = m.time_ns;
	end.packets = m.packets;
	end.bytes = m.bytes;
	end.dropped = m.dropped_device + m.dropped_kernel + m.dropped_buffer + m.dropped_disk;
	(void)journal_add_j_end(t->journal, &end, NULL);
	(void)journal_sync(t->journal, NULL);
	send_totals(t, &m);
}
