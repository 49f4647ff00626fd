/* A capture that no file holds: connections of one packet each, all to one address. */
#ifndef TESTS_READER_MADE_CAPTURE_H
#define TESTS_READER_MADE_CAPTURE_H

#include "../../../backend/reader/capture.h"

/* The times run backwards, to 0. */
static inline void made_capture(struct capture *c, uint32_t connections)
{
	const struct flows_options o = {0};

	capture_init(c, &o, false, false);
	for (uint32_t i = 0; i < connections; i++) {
		const uint8_t dst[4] = {10, 0, 0, 1},
			      src[4] = {10, 1, (uint8_t)(i >> 8), (uint8_t)i};
		const struct decoded d = {.flags = DECODE_IP | DECODE_PORTS,
					  .family = 4,
					  .ip_protocol = 17,
					  .src = src,
					  .dst = dst,
					  .sport = 1000,
					  .dport = 53,
					  .ip_bytes = 86};
		const struct packet pk = {.number = i + 1,
					  .length = 100,
					  .captured = 100,
					  .has_time = true,
					  .ts_ns = connections - 1 - i};

		capture_count(c, &d, &pk, 0, 0, false);
	}
}

#endif
