/* Inside of the analysis http: its rows, whatever version says them. */
#ifndef ANALYSIS_HTTP_ROWS_H
#define ANALYSIS_HTTP_ROWS_H

#include "hpack.h"
#include "http_head.h"
#include "messages.h"

struct http_row {
	uint64_t packet, connection, last_packet;
	int64_t latency_ns;
	struct row_text method, host, uri;
	uint16_t status; /* 0: not known */
	bool request, has_latency;
	uint8_t direction;
};

struct http {
	struct messages m;
	struct hpack_pool *hpack;
	uint32_t http2;	 /* connections that speak it now */
	uint64_t blocks; /* bytes taken for header blocks that go on in another frame */
	struct buf text; /* of the header block that is read */
};

struct http_row *http_row_add(struct http *s, uint64_t connection, unsigned direction,
			      const struct http_head *h, const struct tcp_stream_mark *m);
/* The number that a row keeps when others go; the one that was added last. */
uint64_t http_row_number(const struct http *s);
/* The message of this row ended here; nothing happens when the row is gone. */
void http_row_ended(struct http *s, uint64_t number, const struct tcp_stream_mark *m);

#endif
