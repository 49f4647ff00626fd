/* The compressed files of a session on their way to its reader: unpacked one after another into
 * files without a name. */
#ifndef AGENT_SESSION_UNPACK_H
#define AGENT_SESSION_UNPACK_H

#include "session.h"

/* A compressed segment. false: not yet; session_reader_segments is called when there is more to
 * say. */
bool session_unpack_tell(struct session *s, struct segment *g);
/* A file was sent to the reader: the one before it is complete. */
void session_unpack_sent(struct session *s);
/* All were: so is the last one. */
void session_unpack_all(struct session *s);
/* Of this segment's file the reader is not to think that it is the last. */
bool session_unpack_behind(const struct session *s, unsigned i);
/* One is being unpacked. */
bool session_unpacks(const struct session *s);
/* Its file was removed: it is not unpacked any further. true: the reader has a part of it. */
bool session_unpack_gone(struct session *s, const struct segment *g);
/* The reader is another one, or none. */
void session_unpack_drop(struct session *s);

#endif
