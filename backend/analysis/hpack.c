#include "hpack.h"

#include <nghttp2/nghttp2.h>

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct hpack_pool {
	nghttp2_mem memory;
	size_t bytes;
};

struct hpack {
	nghttp2_hd_inflater *inflater;
};

/* --- memory that is counted: its size stands before it --- */

#define SIZE_BYTES 16u /* so that what follows is aligned for everything */

static void *memory_realloc(void *p, size_t size, void *arg)
{
	struct hpack_pool *pool = arg;
	unsigned char *at = p ? (unsigned char *)p - SIZE_BYTES : NULL;
	size_t before = 0;

	if (at)
		memcpy(&before, at, sizeof(before));
	if (size > HPACK_POOL_BYTES_MAX || pool->bytes - before + size > HPACK_POOL_BYTES_MAX)
		return NULL;
	unsigned char *grown = realloc(at, SIZE_BYTES + size);

	if (!grown)
		return NULL;
	pool->bytes += size - before;
	memcpy(grown, &size, sizeof(size));
	return grown + SIZE_BYTES;
}

static void *memory_malloc(size_t size, void *arg)
{
	return memory_realloc(NULL, size, arg);
}

static void *memory_calloc(size_t count, size_t size, void *arg)
{
	void *p = size && count > SIZE_MAX / size ? NULL : memory_malloc(count * size, arg);

	return p ? memset(p, 0, count * size) : NULL;
}

static void memory_free(void *p, void *arg)
{
	struct hpack_pool *pool = arg;
	unsigned char *at = p ? (unsigned char *)p - SIZE_BYTES : NULL;
	size_t size;

	if (!at)
		return;
	memcpy(&size, at, sizeof(size));
	pool->bytes -= size;
	free(at);
}

/* --- */

struct hpack_pool *hpack_pool_new(void)
{
	struct hpack_pool *p = xcalloc(1, sizeof(*p));

	p->memory = (nghttp2_mem){p, memory_malloc, memory_free, memory_calloc, memory_realloc};
	return p;
}

void hpack_pool_free(struct hpack_pool *p)
{
	free(p);
}

struct hpack *hpack_new(struct hpack_pool *p)
{
	struct hpack *h = xcalloc(1, sizeof(*h));

	/* A sender says in the block itself when its table grows. */
	if (nghttp2_hd_inflate_new2(&h->inflater, &p->memory) == 0 &&
	    nghttp2_hd_inflate_change_table_size(h->inflater, HPACK_TABLE_MAX) == 0)
		return h;
	hpack_free(h);
	return NULL;
}

void hpack_free(struct hpack *h)
{
	if (h && h->inflater)
		nghttp2_hd_inflate_del(h->inflater);
	free(h);
}

static struct str text_of(const uint8_t *p, size_t length)
{
	return (struct str){(const char *)p, length};
}

bool hpack_read(struct hpack *h, const uint8_t *block, size_t length, hpack_fn fn, void *arg)
{
	int flags = 0;
	nghttp2_nv nv;

	while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
		ssize_t taken = nghttp2_hd_inflate_hd2(h->inflater, &nv, &flags, block, length, 1);

		if (taken < 0)
			return false;
		block += taken;
		length -= (size_t)taken;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			fn(arg, text_of(nv.name, nv.namelen), text_of(nv.value, nv.valuelen));
		else if (!(flags & NGHTTP2_HD_INFLATE_FINAL) && length == 0)
			return false;
	}
	return nghttp2_hd_inflate_end_headers(h->inflater) == 0;
}
