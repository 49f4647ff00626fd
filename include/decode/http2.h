/* Frames of HTTP/2 (RFC 9113 4, 6) apart from any packet. */
#ifndef DECODE_HTTP2_H
#define DECODE_HTTP2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP2_FRAME_HEADER 9u
#define HTTP2_PREFACE_BYTES 24u

enum http2_frame {
	HTTP2_DATA,
	HTTP2_HEADERS,
	HTTP2_PRIORITY,
	HTTP2_RESET,
	HTTP2_SETTINGS,
	HTTP2_PUSH,
	HTTP2_PING,
	HTTP2_GOAWAY,
	HTTP2_WINDOW,
	HTTP2_CONTINUATION,
	HTTP2_FRAME_KINDS
};

/* Whether a client's side begins here, as far as it is here. */
bool http2_preface(const uint8_t *p, size_t length);
/* Whether these bytes are frames to their very end: all that tells where nobody saw the beginning.
 */
bool http2_frames(const uint8_t *p, size_t length);

#endif
