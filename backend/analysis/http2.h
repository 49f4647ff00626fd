/* A connection of HTTP/2 in clear (RFC 9113): frames of both sides, header blocks as rows. */
#ifndef ANALYSIS_HTTP2_H
#define ANALYSIS_HTTP2_H

#include "http_rows.h"

#define HTTP2_TALKS_MAX 16384u	     /* connections at once */
#define HTTP2_STREAMS_MAX 64u	     /* of a connection: requests that wait, or whose bodies last */
#define HTTP2_BLOCK_MAX (64u * 1024) /* bytes of a header block, and of a frame of headers */
#define HTTP2_BLOCKS_BYTES_MAX (64u << 20) /* of those that go on, in all connections together */

struct http2;

/* Whether one begins here, or goes on: by the preface, or by frames. */
bool http2_begins(const uint8_t *p, size_t length);
/* NULL: there are too many. */
struct http2 *http2_new(struct http *s);
void http2_free(struct http *s, struct http2 *h); /* NULL is fine */
/* A request of HTTP/1 that asked for this protocol is its first stream (RFC 7540 3.2). `client`:
 * the direction of the one who asked. */
void http2_upgraded(struct http2 *h, unsigned client, const struct tcp_stream_mark *asked);
/* As struct talk_type has them. */
uint64_t http2_parse(struct http *s, struct http2 *h, struct talk *t, const struct talk_bytes *b);
void http2_skipped(struct http *s, struct http2 *h, unsigned direction,
		   const struct tcp_stream_mark *m);

#endif
