#include "base/raw.h"

#include <elf.h>
#include <link.h>

#include "base/xalloc.h"

#define NO_TEXT UINT32_MAX
#define NOTE_ALIGN(n) (((n) + 3u) & ~(size_t)3)

void *raw_take_array(struct raw *r, size_t count, size_t item_bytes)
{
	void *copy;

	if (count > r->left / item_bytes)
		r->failed = true;
	const uint8_t *at = raw_bytes(r, r->failed ? 0 : count * item_bytes);

	if (!at)
		return NULL;
	copy = xmalloc(count * item_bytes);
	if (count)
		memcpy(copy, at, count * item_bytes);
	return copy;
}

int raw_put_text(struct buf *b, const char *s)
{
	const uint32_t len = s ? (uint32_t)strlen(s) : NO_TEXT;

	if (buf_add(b, &len, sizeof(len)))
		return -1;
	return s ? buf_add(b, s, len) : 0;
}

char *raw_take_text(struct raw *r, size_t max)
{
	uint32_t len;
	const uint8_t *at;

	if (!raw_take(r, &len, sizeof(len)) || len == NO_TEXT)
		return NULL;
	if (len > max)
		r->failed = true;
	at = raw_bytes(r, len);
	return at ? xstrndup((const char *)at, len) : NULL;
}

/* The notes of a segment: name's length, contents' length, type; name and contents to multiples of
 * four bytes (ELF, gABI "Note Section"). */
static bool note_find(const uint8_t *p, size_t left, uint8_t id[RAW_BUILD_BYTES])
{
	ElfW(Nhdr) n;

	while (left >= sizeof(n)) {
		memcpy(&n, p, sizeof(n));
		const size_t name = NOTE_ALIGN((size_t)n.n_namesz),
			     bytes = NOTE_ALIGN((size_t)n.n_descsz);

		if (name > left - sizeof(n) || bytes > left - sizeof(n) - name)
			return false;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_descsz >= RAW_BUILD_BYTES) {
			memcpy(id, p + sizeof(n) + name, RAW_BUILD_BYTES);
			return true;
		}
		p += sizeof(n) + name + bytes;
		left -= sizeof(n) + name + bytes;
	}
	return false;
}

/* The first object is the program itself. */
static int on_object(struct dl_phdr_info *info, size_t size, void *id)
{
	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];

		if (h->p_type == PT_NOTE &&
		    note_find((const uint8_t *)(info->dlpi_addr + h->p_vaddr), h->p_memsz, id))
			return 1;
	}
	return -1;
}

bool raw_build(uint8_t id[RAW_BUILD_BYTES])
{
	return dl_iterate_phdr(on_object, id) == 1;
}
