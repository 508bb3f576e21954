/*
 * Signatures: Ed25519 keys, and SSHSIG as stock git and ssh-keygen make and
 * check it (OpenSSH PROTOCOL.sshsig; FORMAT.md has the bytes).  Namespaces
 * keep a signature of one sort from passing as another.
 */
#ifndef SYNC_SIGN_H
#define SYNC_SIGN_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

#define SIGN_NS_CHANGESET "git" /* what git itself uses */
#define SIGN_NS_ROSTER "yizhan-roster"
#define SIGN_NS_RECEIPT "yizhan-receipt"
#define SIGN_NS_JOIN "yizhan-join"
#define SIGN_NS_ROTATE "yizhan-rotate"
#define SIGN_NS_BACKUP "yizhan-backup"
#define SIGN_NS_AUDIT "yizhan-audit" /* the console's log: audit_head.c */

struct sign_key {
	uint8_t pub[32];
	uint8_t seed[32]; /* private */
};

void sign_generate(struct sign_key *out);
void sign_from_seed(struct sign_key *out, const uint8_t seed[32]);
/* Seed file of 64 hex digits and newline, with a checksum (base/summed.h),
 * mode 0600. */
int sign_save(const struct sign_key *key, const char *path, struct err *err);
int sign_load(struct sign_key *out, const char *path, struct err *err);

/* A key that people keep: a seed file, or a private key of ssh-keygen without
 * passphrase (sign_file.c). */
int sign_load_file(struct sign_key *out, const char *path, struct err *err);

/* Refuse low-order and non-canonical points: YZ_EDENIED. */
int sign_check_public(const uint8_t pub[32], struct err *err);

/*
 * Does libcrypto do what all else rests on?  Known keys, signatures and
 * refusals, once a process; YZ_EIO if not, and then nothing is opened.
 */
int sign_check_library(struct err *err);

/* The raw Ed25519 signature over the SSHSIG to-be-signed blob of message. */
int sign_make(uint8_t sig[64], const struct sign_key *key, const char *ns,
    const void *message, size_t n, struct err *err);
/* 0 if it holds, else YZ_EDENIED. */
int sign_verify(const uint8_t sig[64], const uint8_t pub[32], const char *ns,
    const void *message, size_t n, struct err *err);

/* Append the armoured SSHSIG, lines of 70, each ended by \n, the END line's
 * newline included. */
void sign_armour(struct buf *out, const uint8_t sig[64], const uint8_t pub[32],
    const char *ns);
/* Inverse of the above, canonical form only. */
int sign_unarmour(uint8_t sig[64], uint8_t pub[32], const char *ns,
    const char *text, size_t n, struct err *err);

/* "ssh-ed25519 AAAA..." without comment, and back. */
void sign_public_line(struct buf *out, const uint8_t pub[32]);
int sign_public_parse(
    uint8_t pub[32], const char *line, size_t n, struct err *err);
/* An unencrypted OpenSSH private key (PEM), as libssh2 and ssh(1) read it. */
void sign_openssh_private(struct buf *out, const struct sign_key *key);

/*
 * What two people compare over the telephone: SHA-256 of data in 8 groups of
 * 5 decimal digits, "12345-..." (133 bits); NUL-terminated.
 */
#define SIGN_FINGERPRINT_LEN 48
void sign_fingerprint(
    char out[SIGN_FINGERPRINT_LEN], const void *data, size_t n);

#endif
