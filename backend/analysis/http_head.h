/* The head of a message of HTTP/1 (RFC 9112): start line and the headers that say how long the body
 * is. */
#ifndef ANALYSIS_HTTP_HEAD_H
#define ANALYSIS_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define HTTP_STATUS_SWITCHING 101u

/* Borrowed from the message; empty where it does not say. */
struct http_head {
	bool request;
	struct str method, uri, host;
	uint16_t status;
	bool chunked, has_length;
	bool http2;	 /* "Upgrade: h2c" (RFC 7540 3.2) */
	uint64_t length; /* of the body, when has_length */
};

/* Whether a message may begin here; `whole`: what its start line says is all here. */
bool http_starts(const uint8_t *p, size_t length, bool *whole);
/* Whether a request of version 0.9, or one that forgot its version, is all of the first line: to be
 * believed where a message must begin. `length` is not 0. */
bool http_starts_bare(const uint8_t *p, size_t length);
/* Bytes before the next line that begins a message; of one that is only begun, before that.
 * `length` when there is none. */
size_t http_seek(const uint8_t *p, size_t length);
/* Bytes of the head with the empty line at its end, 0 when that is not here. */
size_t http_head_length(const uint8_t *p, size_t length);
/* What is here of a head that http_starts. */
void http_head_read(struct http_head *h, const uint8_t *p, size_t length);
/* The size of a chunk in hexadecimal (RFC 9112 7.1): bytes of its line, 0 when that is not all
 * here; false: it is no such line. */
bool http_chunk_read(const uint8_t *p, size_t length, size_t *line, uint64_t *size);

#endif
