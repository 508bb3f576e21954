/*
 * Members of a roster document's objects, each with the bounds that it has;
 * what is not so is YZ_ECORRUPT, with a line that names the member.
 */
#ifndef SYNC_ROSTER_MEMBER_H
#define SYNC_ROSTER_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "canon.h"
#include "chain.h"

struct err;

int roster_member(struct canon *out, struct canon object, const char *key,
    enum canon_type type, struct err *err);
int roster_member_int(int64_t *out, struct canon object, const char *key,
    int64_t min, int64_t max, struct err *err);
/* A list of at most max, whose length goes to *n. */
int roster_member_list(struct canon *out, size_t *n, struct canon object,
    const char *key, size_t max, struct err *err);
/* The characters of a text of at most max bytes, malloced. */
int roster_member_text(char **out, struct canon object, const char *key,
    size_t max, struct err *err);
/* A name of people's, malloced. */
int roster_member_name(char **out, struct canon object, struct err *err);
int roster_member_code(char out[CHAIN_CODE_LEN + 1], struct canon object,
    const char *key, bool may_be_empty, struct err *err);
/* 64 hex digits, or "" for zero. */
int roster_member_hash(
    struct digest *out, struct canon object, const char *key, struct err *err);
int roster_member_key(
    uint8_t out[32], struct canon object, const char *key, struct err *err);

/* The same of an element v of the list called key. */
int roster_member_text_of(
    char **out, struct canon v, const char *key, size_t max, struct err *err);
int roster_member_code_of(char out[CHAIN_CODE_LEN + 1], struct canon v,
    const char *key, struct err *err);
int roster_member_key_of(
    uint8_t out[32], struct canon v, const char *key, struct err *err);
/* That list is not in order, or has one twice. */
int roster_member_unsorted(const char *key, struct err *err);

#endif
