/* What is told of a device: its number in the files, that it is there, that it lags. */
#include "base/clock.h"
#include "tap_private.h"

int input_fits(const struct input *in, struct err *e)
{
	const struct output *o = &in->tap->output;

	if (o->pcap && o->interfaces > 0 && o->interface[0].link_type != in->facts.link_type)
		return err_set(e, ERR_CALL,
			       "%s and %s have different link types, which a pcap file cannot "
			       "hold: record as pcapng",
			       o->interface[0].name, in->name);
	if (o->interfaces == OUTPUT_INTERFACES_MAX)
		return err_set(e, ERR_PART,
			       "%s: so many devices have come and changed that the files have no "
			       "number left for it (%u are the most): begin another session",
			       in->name, OUTPUT_INTERFACES_MAX);
	return 0;
}

int input_interface(struct input *in, struct err *e)
{
	struct output *o = &in->tap->output;

	if (input_fits(in, e))
		return -1;
	if (output_add_interface(o, in->name, in->facts.link_type, in->facts.snaplen, ""))
		return err_set(e, ERR_PART, "%s: no room for its interface", in->name);
	input_stats(in, &in->elsewhere);
	in->elsewhere_device = in->dropped_device;
	in->interface = o->interfaces - 1;
	in->has_interface = true;
	return 0;
}

static void journal_gap(struct input *in, int64_t to_ns)
{
	struct msg_j_gap m = {.from_ns = in->gone_ns,
			      .to_ns = to_ns,
			      .where = str_of(in->name),
			      .why = str_of(in->joined ? "the device had just appeared"
						    : "the device was not there")};

	(void)journal_add_j_gap(in->tap->journal, &m, NULL);
}

/* It was not there, and is now. */
void input_told_start(struct input *in)
{
	journal_gap(in, clock_now_ns());
	tap_event(in->tap, "note", in->name, in->joined ? "%s has appeared and is captured now"
				    : in->changed
					    ? "%s is back with another link type and captured again"
					    : "%s is back and captured again",
		  in->name);
	in->gone_ns = 0;
	in->told_down = false;
}

void input_look_at_lag(struct input *in)
{
	bool lags = in->tap->merge && merge_lags(in->tap->merge, in->index);

	if (lags == in->told_lags)
		return;
	in->told_lags = lags;
	if (lags)
		tap_event(in->tap, "warn", in->name,
			  "%s is longer behind than packets may wait: the others do not wait for "
			  "it, and what comes of it is marked late",
			  in->name);
	else
		tap_event(in->tap, "note", in->name, "%s has caught up", in->name);
}
