/*
 * The code that lets an administrator set a machine up from a browser, when
 * there is no station and so nobody to log in.  Who can read HOME can have it
 * printed (yizhan setup-code); nobody else on the network knows it.
 *
 *	HOME/setup/code: sixteen digits, until there is a station
 */
#ifndef WEB_SETUP_CODE_H
#define WEB_SETUP_CODE_H

#include <stdint.h>

struct err;

#define SETUP_CODE_LEN 19  /* "4821-0937-5566-1208" */
#define SETUP_CODE_TRIES 5 /* wrong ones from an address; then */
#define SETUP_CODE_SHUT_MS (15 * 60 * 1000) /* it is shut out for so long */
/* Wrong ones from the network, in all: then all of it is shut out, but not
 * this machine itself. */
#define SETUP_CODE_TRIES_ALL 20

/* The code; made if there is none yet. */
int setup_code_get(
    char out[SETUP_CODE_LEN + 1], const char *home, struct err *err);

/* Who has guessed.  One per process. */
struct setup_code;
struct setup_code *setup_code_new(void);
void setup_code_free(struct setup_code *c);
/* Is text the code, whatever stands between its digits?  YZ_EDENIED if not,
 * or if peer, an address, has guessed too often: then it is not even looked
 * at.  now is clock_mono(). */
int setup_code_check(struct setup_code *c, const char *home, const char *text,
    const char *peer, int64_t now, struct err *err);

#endif
