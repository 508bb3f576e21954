/*
 * Streams, chain names, record ids, and who may hold and name what.
 *
 * A chain is WRITER-INC/STREAM@OWNER, or WRITER-INC/STREAM in the streams
 * that everyone holds: 520300-1f0c9a7e/oversight@520302.  WRITER and OWNER
 * are six digits (GB/T 2260), INC eight lower-case hex digits.
 */
#ifndef SYNC_CHAIN_H
#define SYNC_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct roster;

enum stream {
	STREAM_ROSTER,
	STREAM_COMMAND,
	STREAM_RESOURCE,
	STREAM_PERSONAL,
	STREAM_OVERSIGHT,
	STREAM_COUNT
};

#define CHAIN_CODE_LEN 6
#define CHAIN_INC_LEN 8
#define CHAIN_NAME_MAX 48 /* room for any chain's name, NUL included */
#define RECORD_ID_LEN 39  /* CODE-32hex */

struct chain_name {
	char writer[CHAIN_CODE_LEN + 1];
	char inc[CHAIN_INC_LEN + 1];
	enum stream stream;
	char owner[CHAIN_CODE_LEN + 1]; /* "" in streams everyone holds */
};

const char *stream_name(enum stream s);
/* false when no stream is called that */
bool stream_parse(enum stream *out, const char *name, size_t n);
bool stream_everyone(enum stream s); /* may everyone hold it? */
int stream_priority(enum stream s);  /* 0 first */

/* Six digits. */
bool chain_is_code(const char *s, size_t n);
/* CODE-32 lower-case hex digits. */
bool chain_is_record_id(const char *s, size_t n);

void chain_format(char out[CHAIN_NAME_MAX], const struct chain_name *c);
/* Strict; YZ_EINVAL with the name shown. */
int chain_parse(
    struct chain_name *out, const char *text, size_t n, struct err *err);
bool chain_equal(const struct chain_name *a, const struct chain_name *b);

/* May station code hold chain c?  (design.md section 4; computed from the
 * owner, never from the writer.) */
bool chain_reaches(
    const struct roster *roster, const struct chain_name *c, const char *code);

/* May a changeset of chain c carry a Seen line about chain other: may every
 * station in reach of c hold other? */
bool chain_nameable(const struct roster *roster, const struct chain_name *c,
    const struct chain_name *other);

/* May writer write records of owner: is it the owner or its ancestor? */
bool chain_may_write(
    const struct roster *roster, const char *writer, const char *owner);

#endif
