/*
 * The sheet with a recovery key, for the commands that make one.
 */
#ifndef PAPER_H
#define PAPER_H

struct err;
struct home;
struct sign_key;

/* Write path, text with a QR code of block characters, and path.svg; both
 * must be new.  The program forgets the key; people print and shred. */
int paper_write(const char *path, const char *code, const struct sign_key *key,
    struct err *err);
/* Make a recovery key for a station that has not joined yet, write its sheet,
 * and keep its hash in HOME for the request, and its backup key. */
int paper_make(const char *path, const struct home *home, struct err *err);
/* Read back what was written or typed; it must be code's, if it says and code
 * is not NULL. */
int paper_read(
    struct sign_key *out, const char *path, const char *code, struct err *err);

/* Ask for its four lines at the terminal, each again until it is right. */
int paper_ask(struct sign_key *out, struct err *err);

#endif
