/*
 * Joining (design.md section 8): invitation, request, confirmation.
 */
#ifndef SYNC_ENROL_H
#define SYNC_ENROL_H

#include <stdbool.h>
#include <stdint.h>

#include "chain.h"
#include "sign.h"

struct buf;
struct err;
struct home;
struct local;
struct replica;

/* What an invitation file says (JSON, base/json). */
struct enrol_invitation {
	char code[CHAIN_CODE_LEN + 1]; /* who is invited */
	char name[128];
	char parent[CHAIN_CODE_LEN + 1];
	char address[256];       /* the parent's HOST:PORT */
	char host_key[128];      /* its sshd's "ssh-ed25519 AAAA..." */
	int64_t roster_version;  /* of scope root, */
	uint8_t roster_hash[32]; /* and its hash: what the child pins */
	struct sign_key once;    /* logs in, only to ask to join */
};

#define ENROL_HOST_KEY_DEFAULT "/etc/ssh/ssh_host_ed25519_key.pub"
/* Append "TYPE KEY" of sshd's public key file, without its comment. */
int enrol_host_key(struct buf *out, const char *path, struct err *err);

/* Make an invitation, remember its key (local.db) and write the file's
 * text.  auto_confirm: the first who asks is confirmed at once. */
int enrol_invite(struct buf *out, struct replica *r, struct local *local,
    const char *code, const char *name, const char *address,
    const char *host_key, bool auto_confirm, struct err *err);
/* Take an open invitation back, and what came with it; YZ_ENOTFOUND. */
int enrol_uninvite(struct local *local, const char *code, struct err *err);
int enrol_read(
    struct enrol_invitation *out, const void *text, size_t n, struct err *err);

/* At the child: the request that goes up: its code, keys, incarnation, and
 * proof of possession. */
void enrol_request(struct buf *out, const struct home *home);
/* What child and parent compare, from a request's bytes. */
void enrol_fingerprint(
    char out[SIGN_FINGERPRINT_LEN], const void *request, size_t n);
/* At the parent: keep a request that came with the invitation's key for
 * code; *confirmed is set if the invitation was auto.  A code that is
 * enrolled already is YZ_EDENIED; a second, different request replaces the
 * first. */
int enrol_receive(struct replica *r, struct local *local, const char *code,
    const void *request, size_t n, bool *confirmed, struct err *err);
/* At the parent: a person has compared.  Writes the next roster version,
 * signed by the root key (scope root) or this station's key (its own
 * sub-roster); adopts it; forgets invitation and request. */
int enrol_confirm(struct replica *r, struct local *local, const char *code,
    const char *fingerprint, struct err *err);

/* Append authorized_keys lines: `restrict,command="EXE -C HOME peer --as
 * CODE" ssh-ed25519 ...` for every station that may call (children and
 * others the roster allows), and `... peer --invited CODE` for open
 * invitations. */
int enrol_authorized(struct buf *out, struct replica *r, struct local *local,
    const char *exe, struct err *err);

#endif
