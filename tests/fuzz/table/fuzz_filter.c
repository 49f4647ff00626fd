/* Filter expressions over a table that has every kind of column. */
#include <stdlib.h>

#include "table/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct column columns[] = {
	{"id", KIND_COUNT, 0, "", ""},	  {"bytes", KIND_BYTES, 0, "", ""},
	{"proto", KIND_TEXT, 0, "", ""},  {"addr_a", KIND_ADDR, 0, "", ""},
	{"addr_b", KIND_ADDR, 0, "", ""}, {"port_a", KIND_PORT, 0, "", ""},
	{"port_b", KIND_PORT, 0, "", ""}, {"flow", KIND_FLOW, 0, "", ""},
	{"time", KIND_TIME, 0, "", ""},	  {"rel_s", KIND_SECONDS, 0, "", ""},
	{"rtt_ms", KIND_MS, 0, "", ""},	  {"pps", KIND_PPS, 0, "", ""},
	{"share", KIND_SHARE, 0, "", ""}, {"up", KIND_BOOL, 0, "", ""},
	{"real", KIND_REAL, 0, "", ""},	  {"trend", KIND_SERIES, 0, "", ""},
	{"app", KIND_TEXT, 0, "", ""},
};
static const struct table_type type = {"fuzzed", "", "", columns, 17};

static uint64_t rows(void *data)
{
	(void)data;
	return 4;
}

static struct value cell(void *data, uint64_t row, unsigned column)
{
	struct addr a = {.family = column == 3 ? ADDR_IP4 : ADDR_IP6,
			 .bytes = {10, 0, 0, (uint8_t)row}};

	(void)data;
	if (row == 0)
		return value_null();
	if (column == 3 || column == 4)
		return value_addr(&a);
	if (columns[column].kind == KIND_TEXT || columns[column].kind == KIND_SERIES)
		return value_text(row == 1 ? "tcp" : "");
	return row % 2 ? value_int((int64_t)row * 443) : value_real(0.5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct table t = {.type = &type, .rows = rows, .cell = cell};
	struct filter *f;
	struct err e;

	err_clear(&e);
	f = filter_parse(&type, (struct str){(const char *)data, size}, &e);
	if (!f && (e.code != ERR_CALL || e.at < 0 || (size_t)e.at > size || !e.text[0]))
		abort();
	for (uint64_t row = 0; f && row < rows(NULL); row++)
		(void)filter_match(f, &t, row);
	filter_free(f);
	return 0;
}
