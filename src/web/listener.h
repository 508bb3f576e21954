/*
 * Who listens to the stream of events.  A stream stays open for days, so what
 * let it in is looked at again and again: it ends with the session or token
 * that opened it, and when the account gets another role or is shut; whoever
 * calls again is judged anew.
 */
#ifndef WEB_LISTENER_H
#define WEB_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct login;

/* Whom http_review() is to ask about: who calls, by the text that let him in,
 * a session's or a machine's.  To be freed. */
char *listener_name(const struct login *who, const char *token, int64_t now);
/* May he go on? */
bool listener_stays(struct db *db, const char *name, int64_t now);

#endif
