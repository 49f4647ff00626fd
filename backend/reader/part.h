/* One file of a source, and how files are merged. */
#ifndef READER_PART_H
#define READER_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "capfile/capfile.h"

/* The source's numbers of the interfaces of one walk over blocks. */
struct interface_map {
	uint32_t *number;
	uint32_t count;
};

/* A file. */
struct part {
	struct capfile *file;
	int fd; /* the file's own, for second looks that run forward; -1: it was let go */
	char *name;
	uint64_t place;	       /* address of its first byte */
	uint64_t first_packet; /* packets of the capture before it */
	uint32_t segment;      /* its number in the recording; 0: it is none */
	struct interface_map map;
	uint64_t file_bytes; /* of what it was unpacked from; 0: it is the file itself */
	uint64_t grows_to;   /* bytes at most; 0: not known */
	char *why;	     /* what could not be unpacked of it; NULL nothing */
	struct packet head;  /* merging: its next packet */
	int64_t head_ns;     /* its time, or that of the one before it */
	bool growing, ended;
};

/* Files that are one capture, by time: of each the next packet is known. */
struct merge {
	uint32_t wanted; /* files in all; 0: they follow one another */
	uint32_t *heap;	 /* parts, the one that is next first; room for `wanted` */
	uint32_t count, begun;
	uint32_t taken; /* the part whose head was given out; UINT32_MAX none */
	bool done;
};

#endif
