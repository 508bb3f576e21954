/*
 * Receipts: a station's signed statement that it holds another's chains up
 * to named places (FORMAT.md, "Receipts").  Kept in the ledger by whoever
 * was given one, as commits under refs/receipts/FROM/TO.
 */
#ifndef SYNC_RECEIPT_H
#define SYNC_RECEIPT_H

#include <stdint.h>

#include "base/buf.h"
#include "chain.h"
#include "peer.h"

struct err;
struct ledger;
struct roster;

struct receipt {
	char from[CHAIN_CODE_LEN + 1];
	char to[CHAIN_CODE_LEN + 1];
	enum stream stream;
	int64_t time;            /* wall clock of from, ms */
	struct peer_head *heads; /* sorted by chain name, at least one */
	size_t n;
};

void receipt_free(struct receipt *r);

/* Append the text that is signed. */
void receipt_write(struct buf *out, const struct receipt *r);
/* Its inverse; only what receipt_write() writes.  YZ_ECORRUPT. */
int receipt_parse(
    struct receipt *out, const void *text, size_t n, struct err *err);
/* Is it signed, by a key that the roster gives its sender and has not
 * ended?  YZ_EDENIED. */
int receipt_verify(const struct roster *roster, const struct receipt *r,
    const void *text, size_t n, const uint8_t key[32], const uint8_t sig[64],
    struct err *err);
/* Put it into the ledger, after the last one of the same two, and flush. */
int receipt_store(struct ledger *ledger, const struct receipt *r,
    const void *text, size_t n, const uint8_t key[32], const uint8_t sig[64],
    struct err *err);

#endif
