/*
 * A rotation (FORMAT.md, "Rotation"): a station asks for a further key.  The
 * request is a line of canonical JSON with the new keys, the places at which
 * the old one ends, and a signature by the old key, or by the recovery key on
 * paper, and by each of the new.
 *
 * A part of it goes into the roster with the key, as its proof: so whoever
 * enrols the station cannot give it a key of his own.
 */
#ifndef SYNC_ROTATION_H
#define SYNC_ROTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "roster.h"
#include "sign.h"

struct buf;
struct err;

struct rotation {
	char code[CHAIN_CODE_LEN + 1];
	char inc[CHAIN_INC_LEN + 1]; /* what the new key writes under */
	uint8_t after[32];           /* the signing key before it */
	uint8_t by[32];              /* after, or the recovery key: proves */
	uint8_t sign[32], ssh[32];   /* the new keys */
	struct digest recovery;      /* hash of the recovery key from now on */
	bool restored; /* it came from a backup, and may have written more */
	struct digest roster; /* the station's last sub-roster, or zero */
	struct roster_end *ends;
	size_t n_ends;
	uint8_t proof[64]; /* by `by`, over rotation_proof_text() */
	uint8_t sig_by[64], sig_sign[64], sig_ssh[64]; /* over all of it */
};

void rotation_free(struct rotation *q);

/* Fill by, sign, ssh and the signatures. */
int rotation_sign(struct rotation *q, const struct sign_key *by,
    const struct sign_key *sign, const struct sign_key *ssh, struct err *err);
void rotation_write(struct buf *out, const struct rotation *q);
/* Form, keys and signatures: YZ_ECORRUPT, YZ_EDENIED.  Whether `by` may
 * prove is for the roster to say. */
int rotation_read(
    struct rotation *q, const void *text, size_t n, struct err *err);

/* Does the proof of key, which follows after in code's entry, hold? */
int rotation_check_proof(const struct roster_key *key, const char *code,
    const uint8_t after[32], const struct digest *recovery, struct err *err);

#endif
