/*
 * The first accounts of a station, which its set-up gives it.
 */
#ifndef SETUP_ACCOUNT_H
#define SETUP_ACCOUNT_H

struct err;

struct setup_account {
	const char *role, *login, *name, *password;
};
#define SETUP_ACCOUNTS 3 /* one for each of the three powers */

/* Is there one for each, in order? */
int setup_account_check(
    const struct setup_account accounts[SETUP_ACCOUNTS], struct err *err);
/* All of them, and into its audit log, or none; path is its HOME, peer from
 * which address they come. */
int setup_account_put(const char *path,
    const struct setup_account accounts[SETUP_ACCOUNTS], const char *peer,
    struct err *err);

#endif
