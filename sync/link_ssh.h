/*
 * A link over SSH to the parent's sshd (PROTOCOL.md, section 5).  The only
 * file that knows libssh2.  The server's host key is compared byte for byte
 * with the pinned one before anything is sent.
 */
#ifndef SYNC_LINK_SSH_H
#define SYNC_LINK_SSH_H

#include "link.h"
#include "sign.h"

/*
 * address is [USER@]HOST:PORT, with brackets around an IPv6 address; the
 * user is this process's own unless given.  host_key is an "ssh-ed25519
 * AAAA..." line.  Waits, at most 15 s in all, until the command runs.
 * YZ_EDENIED: another host key (sys is EKEYREJECTED then), or our
 * key is not let in (EACCES).
 */
int link_ssh_open(struct link **out, const char *address, const char *host_key,
    const struct sign_key *key, struct err *err);

/* What people compare by telephone of such a line: SHA-256 of the key as SSH
 * has it, as ssh-keygen -l hashes it. */
int link_ssh_fingerprint(
    char out[SIGN_FINGERPRINT_LEN], const char *host_key, struct err *err);

#endif
