#include "capfile/chunk.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_BYTES 4096u
#define RELEASE_BYTES PAGE_BYTES
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
/* The slots begin on a page behind the head. */
#define SLOTS_OFFSET                                                                               \
	((uint32_t)((sizeof(struct chunk_head) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES))

static uint64_t bytes_of(uint32_t slots)
{
	return SLOTS_OFFSET + (uint64_t)slots * CHUNK_BYTES;
}

/* A memfd of this size that nobody can make another size, and that only a descriptor opened for
 * writing can write: its mode keeps a holder of a read-only one from opening it again through
 * /proc. */
static int memory_new(const char *name, uint64_t bytes, struct err *e)
{
	const int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0 && fchmod(fd, 0400) == 0 &&
	    fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	(void)err_errno(e, ERR_REFUSED, "%llu bytes of shared memory for packets cannot be had",
			(unsigned long long)bytes);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* Nothing is published yet, and no reader is there. */
static int memory_fill(int chunks_fd, int release_fd, uint32_t slots, struct err *e)
{
	struct chunk_head *head =
		mmap(NULL, sizeof(*head), PROT_READ | PROT_WRITE, MAP_SHARED, chunks_fd, 0);
	struct chunk_release *release =
		mmap(NULL, sizeof(*release), PROT_READ | PROT_WRITE, MAP_SHARED, release_fd, 0);
	const bool mapped = head != MAP_FAILED && release != MAP_FAILED;

	if (!mapped)
		(void)err_errno(e, ERR_REFUSED, "shared memory for packets cannot be mapped");
	if (mapped) {
		head->magic = CHUNK_MAGIC;
		head->slots = slots;
		head->slots_offset = SLOTS_OFFSET;
		for (uint32_t i = 0; i < CHUNK_ENTRIES; i++)
			atomic_store(&head->entry[i].sequence, UINT64_MAX);
		atomic_store(&release->released, UINT64_MAX);
	}
	if (head != MAP_FAILED)
		(void)munmap(head, sizeof(*head));
	if (release != MAP_FAILED)
		(void)munmap(release, sizeof(*release));
	return mapped ? 0 : -1;
}

int chunks_create(uint32_t slots, int *chunks_fd, int *release_fd, struct err *e)
{
	int chunks = -1, release = -1;

	if (slots < 2 || slots > CHUNK_SLOTS_MAX)
		return err_set(e, ERR_CALL, "%u chunks cannot be: 2 to %u can", slots,
			       CHUNK_SLOTS_MAX);
	chunks = memory_new("tapdeck-chunks", bytes_of(slots), e);
	if (chunks < 0)
		goto out;
	release = memory_new("tapdeck-release", RELEASE_BYTES, e);
	if (release < 0 || memory_fill(chunks, release, slots, e) < 0)
		goto out;
	*chunks_fd = chunks;
	*release_fd = release;
	return 0;
out:
	if (chunks >= 0)
		(void)close(chunks);
	if (release >= 0)
		(void)close(release);
	return -1;
}

int chunks_readonly_fd(int fd, struct err *e)
{
	char path[64];
	int readonly;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readonly = open(path, O_RDONLY | O_CLOEXEC);
	if (readonly < 0)
		return err_errno(e, ERR_REFUSED,
				 "%s cannot be opened for reading: is /proc mounted?", path);
	return readonly;
}

/* A size that its maker can still change would let him kill whoever maps it. */
static int check_memory(int fd, uint64_t *bytes, struct err *e)
{
	struct stat st;
	const int seals = fcntl(fd, F_GET_SEALS);

	if (fstat(fd, &st) < 0 || seals < 0)
		return err_errno(e, ERR_REFUSED, "descriptor %d is no shared memory", fd);
	if ((seals & (F_SEAL_SHRINK | F_SEAL_GROW)) != (F_SEAL_SHRINK | F_SEAL_GROW))
		return err_set(e, ERR_REFUSED,
			       "descriptor %d is shared memory that can change its size", fd);
	*bytes = (uint64_t)st.st_size;
	return 0;
}

static int map_one(int fd, uint64_t bytes, bool writable, void **at, struct err *e)
{
	*at = mmap(NULL, (size_t)bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
		   fd, 0);
	if (*at != MAP_FAILED)
		return 0;
	*at = NULL;
	(void)err_errno(e, ERR_REFUSED, "%llu bytes of shared memory cannot be mapped",
			(unsigned long long)bytes);
	return -1;
}

/* Each field is read once: whoever writes it may do so while we look. */
static int check_head(struct chunks *c, struct err *e)
{
	const volatile struct chunk_head *head = c->head;
	const uint32_t magic = head->magic, slots = head->slots, slots_offset = head->slots_offset;

	if (magic != CHUNK_MAGIC || slots < 2 || slots > CHUNK_SLOTS_MAX ||
	    slots_offset != SLOTS_OFFSET || bytes_of(slots) != c->map_bytes)
		return err_set(e, ERR_REFUSED,
			       "shared memory does not hold chunks of this version");
	c->slots = slots;
	c->slot_base = (uint8_t *)c->head + SLOTS_OFFSET;
	return 0;
}

int chunks_map(struct chunks *c, int chunks_fd, int release_fd, enum chunks_who who, struct err *e)
{
	uint64_t bytes = 0, release_bytes = 0;
	void *head, *release;

	*c = (struct chunks){0};
	if (check_memory(chunks_fd, &bytes, e) < 0 ||
	    check_memory(release_fd, &release_bytes, e) < 0)
		return -1;
	if (bytes < bytes_of(2) || bytes > bytes_of(CHUNK_SLOTS_MAX) ||
	    release_bytes != RELEASE_BYTES)
		return err_set(e, ERR_REFUSED, "shared memory of %llu bytes is none of chunks",
			       (unsigned long long)bytes);
	const bool looks_on = who == CHUNKS_READER || who == CHUNKS_ASIDE;

	if (map_one(chunks_fd, bytes, !looks_on, &head, e) < 0)
		return -1;
	c->head = head;
	c->map_bytes = bytes;
	if (map_one(release_fd, RELEASE_BYTES, who == CHUNKS_READER || who == CHUNKS_CONTROL,
		    &release, e) < 0)
		goto out;
	c->release = release;
	if (check_head(c, e) < 0)
		goto out;
	return 0;
out:
	chunks_unmap(c);
	return -1;
}

void chunks_unmap(struct chunks *c)
{
	if (c->head)
		(void)munmap(c->head, (size_t)c->map_bytes);
	if (c->release)
		(void)munmap(c->release, RELEASE_BYTES);
	*c = (struct chunks){0};
}

const struct chunk_entry *chunks_get(const struct chunks *c, uint64_t sequence,
				     const uint8_t **data, uint32_t *length)
{
	const struct chunk_entry *entry = &c->head->entry[sequence % CHUNK_ENTRIES];
	uint32_t slot, published;

	if (sequence == UINT64_MAX ||
	    atomic_load_explicit(&entry->sequence, memory_order_acquire) != sequence)
		return NULL;
	slot = *(const volatile uint32_t *)&entry->slot;
	published = atomic_load_explicit(&entry->length, memory_order_acquire);
	/* Was the place taken while we read it? */
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&entry->sequence, memory_order_relaxed) != sequence)
		return NULL;
	if (slot >= c->slots || published > CHUNK_BYTES)
		return NULL;
	*data = c->slot_base + (size_t)slot * CHUNK_BYTES;
	*length = published;
	return entry;
}
