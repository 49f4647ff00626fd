/* The tables that an analysis makes on a second look. */
#include "tables.h"

static uint64_t rows(void *ask)
{
	const struct survey *v = ((const struct ask *)ask)->survey;

	return v->type->rows(v->state);
}

static uint64_t version(void *ask)
{
	const struct survey *v = ((const struct ask *)ask)->survey;

	return v->type->version ? v->type->version(v->state) : 0;
}

static struct value cell(void *ask, uint64_t row, unsigned column)
{
	const struct survey *v = ((const struct ask *)ask)->survey;

	return v->type->cell(v->state, row, column);
}

const struct table_kind table_endpoints = {
	.type = &type_endpoints,
	.analysis = &analysis_endpoints,
	.rows = rows,
	.version = version,
	.cell = cell,
};
const struct table_kind table_protocols = {
	.type = &type_protocols,
	.analysis = &analysis_protocols,
	.rows = rows,
	.version = version,
	.cell = cell,
};
const struct table_kind table_icmp = {
	.type = &type_icmp,
	.analysis = &analysis_icmp,
	.rows = rows,
	.version = version,
	.cell = cell,
	.stands = true,
};

const struct table_kind table_dns = {
	.type = &type_dns,
	.analysis = &analysis_dns,
	.rows = rows,
	.version = version,
	.cell = cell,
	.stands = true,
};

const struct table_kind table_tls = {
	.type = &type_tls,
	.analysis = &analysis_tls,
	.rows = rows,
	.version = version,
	.cell = cell,
	.stands = true,
};

const struct table_kind table_http = {
	.type = &type_http,
	.analysis = &analysis_http,
	.rows = rows,
	.version = version,
	.cell = cell,
};
