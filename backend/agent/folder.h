/* The folder of a capture. A daemon of root makes it for the session's owner, and touches what is
 * in it with the rights of whom it belongs to: a name that leads elsewhere leads nowhere that they
 * could not go. All give -1 and errno. */
#ifndef AGENT_FOLDER_H
#define AGENT_FOLDER_H

#include <stdbool.h>
#include <sys/types.h>

/* EEXIST: there is one. */
int folder_make(const char *path, uid_t owner);
/* A regular file, no link, made with 0600 where `flags` say so; never waits for another's end. */
int folder_open(const char *path, const char *name, int flags);
int folder_unlink(const char *path, const char *name);
/* Never over another file. */
int folder_rename(const char *path, const char *from, const char *to);
/* true also where that cannot be known. */
bool folder_has(const char *path, const char *name);
int folder_sync(const char *path);

#endif
