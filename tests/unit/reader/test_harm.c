/* What harm does to captures: cut at any place, a byte changed anywhere. Whatever lies before the
 * harm is read as if there were none, what lies behind it is found again, and nothing that reads
 * the bytes goes astray. Each capture gets so many places as fit into a share of work;
 * TAPDECK_HARM=full takes each byte of the small ones and 1000 places of the others, and with
 * TAPDECK_HARM_PART=K/N only every Nth of them from the Kth on. */
#include <dirent.h>

#include "rig.h"

#include "capfile/capfile.h"
#include "flow/flows.h"

#define SMALL_BYTES 4096u /* captures that are cut at every byte */
#define PLACES_MAX 1000u  /* of harm, in one capture */
#define PLACES_MIN 4u
#define SHARE_BYTES 400000u  /* to be read of a capture in all, in a short run */
#define RECORD_BYTES_MIN 16u /* no record of a packet is shorter */
#define NEIGHBOURS 250u	     /* packets each side of harm that are decoded anew */
#define LOST_MAX                                                                                   \
	3u		/* packets that one wrong byte may cost: its own, and what its record      \
			 * then seems to hold */
#define LOST_MORE 1000u /* one change in so many may cost more: bytes that look like records */
#define SEED UINT64_C(0x9e3779b97f4a7c15)

/* One packet of a sound capture. */
struct mark {
	uint64_t offset;
	uint64_t digest; /* of what was said of it and of all before it */
};

struct sound {
	const char *name;
	struct buf bytes;
	struct mark *mark;
	uint64_t packets;
};

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t digest_add(uint64_t digest, uint64_t word)
{
	digest = (digest ^ word) * UINT64_C(0x100000001b3);
	return digest ^ digest >> 29;
}

static uint64_t packet_digest(uint64_t digest, const struct packet *pk)
{
	digest = digest_add(digest, pk->offset);
	digest = digest_add(digest, pk->has_time ? (uint64_t)pk->ts_ns : 1);
	digest = digest_add(digest, pk->length);
	return digest_add(digest, (uint64_t)pk->captured << 32 | pk->link_type);
}

/* --- one reading --- */

struct reading {
	struct flows *flows;
	uint64_t packets, captured, digest;
	uint64_t before, behind; /* packets of the sound capture found at their place; of `harm` */
	uint64_t harm;
	uint64_t from,
		to; /* packets between these bytes are taken apart: the others were, unharmed */
	const struct sound *sound;
	struct mark *mark; /* where marks are wanted */
	struct buf line;
	size_t fields;
};

static void take_field(void *arg, unsigned depth, const char *name, struct str value,
		       uint32_t offset, uint32_t length)
{
	struct reading *r = arg;

	(void)offset;
	(void)length;
	assert_true(depth < 64 && name[0]);
	r->fields += value.len ? (unsigned char)value.p[value.len - 1] : 1;
}

/* Everything that may be said of a packet. Its bytes are copied to a place of just their size, so
 * that a sanitizer sees one too far. */
static void take_packet(struct reading *r, const struct packet *pk)
{
	static const struct decode_options inner = {.checksums = true, .app = true};
	static const struct decode_options outer = {.outer = true};
	const struct flow_place place = {pk->number, pk->offset,   0,
					 pk->ts_ns,  pk->has_time, pk->length};
	const struct info_context context = {.scale = -1};
	struct flow_note note;
	struct decoded d;
	uint8_t *own = xmalloc(pk->captured + !pk->captured);

	memcpy(own, pk->data, pk->captured);
	decode_packet(&d, &outer, pk->link_type, own, pk->captured, pk->length);
	decode_packet(&d, &inner, pk->link_type, own, pk->captured, pk->length);
	flows_packet(r->flows, &d, &place, &note);
	assert_true(note.number <= flows_count(r->flows));
	buf_consume(&r->line, r->line.len);
	decode_info(&r->line, &d, own, pk->captured, &context);
	decode_fields(&d, own, pk->captured, pk->length, take_field, r);
	free(own);
}

static int mark_order(const void *offset, const void *mark)
{
	const uint64_t a = *(const uint64_t *)offset, b = ((const struct mark *)mark)->offset;

	return a < b ? -1 : a > b;
}

static void place_packet(struct reading *r, const struct packet *pk)
{
	const struct sound *s = r->sound;

	if (!s->packets || !bsearch(&pk->offset, s->mark, s->packets, sizeof(*s->mark), mark_order))
		return;
	if (pk->offset < r->harm)
		r->before++;
	else
		r->behind++;
}

static void read_all(struct reading *r, struct capfile *f, size_t len)
{
	struct packet pk;
	struct err e;
	size_t turns = 0;

	for (;;) {
		int n = capfile_next(f, &pk, &e);

		if (n == 0) {
			capfile_end(f);
			n = capfile_next(f, &pk, &e);
		}
		assert_true(n >= 0 && turns++ <= len);
		if (n == 0)
			return;
		if (n > 1) /* much damage was passed over, and more is to come */
			continue;
		r->packets++;
		r->captured += pk.captured;
		assert_true(r->packets <= len / RECORD_BYTES_MIN && r->captured <= len);
		assert_int_equal(pk.number, r->packets);
		r->digest = packet_digest(r->digest, &pk);
		if (r->mark)
			r->mark[r->packets - 1] = (struct mark){pk.offset, r->digest};
		if (r->packets <= r->sound->packets && pk.offset < r->harm &&
		    r->digest == r->sound->mark[r->packets - 1].digest)
			r->before++;
		else
			place_packet(r, &pk);
		if (pk.offset >= r->from && pk.offset <= r->to)
			take_packet(r, &pk);
	}
}

static void check_connections(struct flows *f, uint64_t packets)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < flows_in_memory(f); i++) {
		const struct connection *c = flows_at(f, i);

		assert_int_equal(c->number, i + 1);
		for (int k = 0; k < 2; k++) {
			sum += c->flow[k].packets;
			assert_true(c->flow[k].unique <= c->flow[k].payload);
			assert_true(c->flow[k].last_ns >= c->flow[k].first_ns);
		}
		assert_true(c->last_ns >= c->start_ns);
	}
	assert_true(sum <= packets);
}

/* -1: no capture at all, which was said. */
static int read_bytes(struct reading *r, const void *bytes, size_t len)
{
	const struct capfile_hole *hole;
	static const struct flows_options options;
	struct capfile *f;
	struct err e;
	uint64_t lost = 0;

	if (capfile_open(&f, rig_temp(bytes, len), "capture", &e) < 0) {
		assert_true(e.text[0]);
		return -1;
	}
	r->flows = flows_new(&options);
	buf_init(&r->line, 65536);
	read_all(r, f, len);
	flows_finish(r->flows);
	check_connections(r->flows, r->packets);
	for (uint32_t i = 0; i < capfile_holes(f, &hole); i++) {
		assert_true(hole[i].offset <= len && hole[i].bytes <= len - hole[i].offset);
		assert_true(hole[i].packet <= r->packets && hole[i].why[0]);
		lost += hole[i].bytes;
	}
	assert_true(lost + r->captured <= len);
	assert_true(blocks_interfaces(capfile_blocks(f)) <= len / 16 + 1);
	flows_free(r->flows);
	buf_release(&r->line);
	capfile_close(f);
	return 0;
}

/* --- harm --- */

/* Packets whose record surely ends at or before `place`, and those that begin before it. */
static uint64_t marks_before(const struct sound *s, uint64_t place)
{
	uint64_t low = 0, high = s->packets;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (s->mark[middle].offset < place)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct reading reading_of(const struct sound *s, uint64_t harm, uint64_t begun)
{
	const uint64_t last = begun + NEIGHBOURS;

	return (struct reading){.sound = s,
				.harm = harm,
				.from = begun > NEIGHBOURS ? s->mark[begun - NEIGHBOURS].offset : 0,
				.to = last < s->packets ? s->mark[last].offset : UINT64_MAX};
}

static void cut_at(const struct sound *s, size_t len)
{
	const uint64_t begun = marks_before(s, len);
	struct reading r = reading_of(s, len, begun);

	if (read_bytes(&r, s->bytes.data, len) < 0) {
		if (begun > 1)
			fail_msg("%s cut at %zu is refused", s->name, len);
		return;
	}
	if (r.before + 1 < begun || r.packets > begun)
		fail_msg("%s cut at %zu: %llu packets, %llu as they were, of %llu", s->name, len,
			 (unsigned long long)r.packets, (unsigned long long)r.before,
			 (unsigned long long)begun);
}

/* Packets that a changed byte costs, of those behind it. */
static uint64_t change_at(const struct sound *s, size_t at, uint8_t with)
{
	const uint64_t begun = marks_before(s, at);
	struct reading r = reading_of(s, at, begun);

	s->bytes.data[at] ^= with;
	int opened = read_bytes(&r, s->bytes.data, s->bytes.len);

	s->bytes.data[at] ^= with;
	/* What the head says holds for all packets: without it there may be none. */
	if (begun == 0)
		return 0;
	if (opened < 0 || r.before + 1 < begun)
		fail_msg("%s, byte %zu ^ 0x%02x: %llu of the %llu packets before it", s->name, at,
			 with, (unsigned long long)r.before, (unsigned long long)begun);
	return s->packets - r.before - r.behind;
}

static bool full_run(void)
{
	const char *word = getenv("TAPDECK_HARM");

	return word && strcmp(word, "full") == 0;
}

/* Which places are this process's own. */
struct share {
	unsigned part, parts;
};

static struct share share_of(void)
{
	const char *word = getenv("TAPDECK_HARM_PART");
	struct share share = {0, 1};

	if (!word)
		return share;
	assert_int_equal(sscanf(word, "%u/%u", &share.part, &share.parts), 2);
	assert_in_range(share.part, 1, share.parts);
	share.part--;
	return share;
}

static size_t places_of(const struct sound *s, size_t all)
{
	size_t places = full_run() ? all : SHARE_BYTES / (s->bytes.len + 1);

	if (places < PLACES_MIN)
		places = PLACES_MIN;
	return places < all ? places : all;
}

static void harm_cuts(const struct sound *s)
{
	const bool each = s->bytes.len <= SMALL_BYTES;
	const size_t places = places_of(s, each ? s->bytes.len : PLACES_MAX);
	const struct share share = share_of();

	for (size_t i = share.part; i < places; i += share.parts)
		cut_at(s, s->bytes.len * i / places);
}

/* How often, and how often it cost more than it should. */
struct changes {
	uint64_t made, costly;
};

static void harm_changes(const struct sound *s, struct changes *changes)
{
	const size_t places = places_of(s, PLACES_MAX);
	const struct share share = share_of();
	uint64_t state = SEED;

	for (size_t i = 0; s->bytes.len && i < places; i++) {
		const size_t at = random_next(&state) % s->bytes.len;
		const uint8_t with = (uint8_t)(1 + random_next(&state) % 255);

		if (i % share.parts != share.part)
			continue;
		const uint64_t lost = change_at(s, at, with);

		changes->made++;
		if (lost <= LOST_MAX)
			continue;
		changes->costly++;
		print_message("%s, byte %zu ^ 0x%02x: %llu packets behind it are lost\n", s->name,
			      at, with, (unsigned long long)lost);
	}
}

static void harm_file(const char *path, struct changes *changes)
{
	struct sound s = {.name = path};
	struct reading r = {.sound = &s, .to = UINT64_MAX};

	rig_load(path, &s.bytes);
	s.mark = xcalloc(s.bytes.len / RECORD_BYTES_MIN + 1, sizeof(*s.mark));
	r.mark = s.mark;
	if (read_bytes(&r, s.bytes.data, s.bytes.len) == 0)
		s.packets = r.packets;
	harm_cuts(&s);
	harm_changes(&s, changes);
	free(s.mark);
	buf_release(&s.bytes);
}

static unsigned harm_folder(const char *folder, struct changes *changes)
{
	struct dirent **entry = NULL;
	int n = scandir(folder, &entry, NULL, alphasort);
	unsigned files = 0;

	if (n < 0)
		fail_msg("%s cannot be read", folder);
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", folder, entry[i]->d_name);

		if (strstr(path, ".pcap")) {
			harm_file(path, changes);
			files++;
		}
		free(path);
		free(entry[i]);
	}
	free(entry);
	return files;
}

static void test_shared(void **state)
{
	const char *folder = rig_captures();
	struct changes changes = {0};

	(void)state;
	if (!folder)
		return;
	assert_true(harm_folder(folder, &changes) >= 50);
	assert_true(changes.costly <= changes.made / LOST_MORE);
	char *malformed = xasprintf("%s/malformed", folder);

	assert_true(harm_folder(malformed, &changes) >= 20);
	free(malformed);
}

static void remove_files(const char *folder)
{
	struct dirent **entry = NULL;
	int n = scandir(folder, &entry, NULL, NULL);

	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", folder, entry[i]->d_name);

		(void)unlink(path);
		free(path);
		free(entry[i]);
	}
	free(entry);
	assert_int_equal(rmdir(folder), 0);
}

/* The project's own captures, which hold what the others do not. */
static void test_made(void **state)
{
	const char *build = getenv("B");
	char folder[] = "/tmp/tapdeck-harm-XXXXXX";
	struct changes changes = {0};
	int status;

	(void)state;
	if (!build)
		skip();
	assert_non_null(mkdtemp(folder));
	char *maker = xasprintf("%s/tests/tools/make_captures", build);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)execl(maker, maker, folder, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(harm_folder(folder, &changes) > 5);
	assert_true(changes.costly <= changes.made / LOST_MORE);
	remove_files(folder);
	free(maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
