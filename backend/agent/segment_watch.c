/* What ends with time, not with a packet: the tap sees to the rest. */
#include "base/clock.h"
#include "disk.h"
#include "session.h"

bool session_watches(const struct session *s)
{
	return s->state == SESSION_RUNNING && (s->spec.stop.time_ns || disk_near(s));
}

void segment_watch(struct session *s)
{
	if (s->state != SESSION_RUNNING || !s->tap)
		return;
	if (s->spec.stop.time_ns && clock_mono_ns() - s->running_ns >= s->spec.stop.time_ns) {
		session_stop(s, "stop-after");
		return;
	}
	disk_watch(s);
}
