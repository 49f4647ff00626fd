#include "epoch.h"

bool epoch_look(struct epoch *ep, int64_t mono_before_ns, int64_t now_ns, int64_t mono_after_ns,
		int64_t *by_ns)
{
	const int64_t offset = now_ns - mono_before_ns, by = offset - ep->offset_ns;
	const bool known = ep->known;

	*by_ns = 0;
	if (mono_after_ns - mono_before_ns > EPOCH_DOUBT_NS)
		return false;
	ep->offset_ns = offset;
	ep->known = true;
	if (!known || (by <= EPOCH_STEP_NS && by >= -EPOCH_STEP_NS))
		return false;
	*by_ns = by;
	return true;
}
