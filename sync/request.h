/*
 * A request to join (FORMAT.md, "Rosters"): a line of canonical JSON with a
 * station's code, incarnation and keys, and a proof by each key that whoever
 * asks has it.
 */
#ifndef SYNC_REQUEST_H
#define SYNC_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "chain.h"

struct buf;
struct err;

struct request {
	char code[CHAIN_CODE_LEN + 1];
	char inc[CHAIN_INC_LEN + 1];
	uint8_t sign[32], ssh[32];
	uint8_t proof[64], proof_ssh[64];
	struct digest recovery; /* hash of its recovery key, or zero */
};

/* Append the line; without its proofs it is what they sign. */
void request_write(struct buf *out, const struct request *q, bool proofs);
/* Read it and check everything: form, keys, proofs.  YZ_ECORRUPT for what is
 * no request, YZ_EDENIED for one that proves nothing. */
int request_read(
    struct request *q, const char *text, size_t n, struct err *err);

#endif
