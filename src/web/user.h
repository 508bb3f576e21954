/*
 * The people of the console: accounts, roles, and who may do what.
 *
 * The three powers are separate (GB/T 22239-2019, 8.1.4.2): who runs the
 * system cannot give rights, who gives rights cannot run it, and the log is
 * read by a third.  An account has one role, so nobody holds two.
 */
#ifndef WEB_USER_H
#define WEB_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "limit.h"

struct db;
struct err;

enum role {
	ROLE_SYSTEM, /* 系统管理员: accounts, stations, settings */
	ROLE_SECURITY, /* 安全管理员: roles, unlocking, confirming stations */
	ROLE_AUDIT,    /* 审计管理员: the audit log, verification */
	ROLE_OFFICER, /* 值班员: reads and writes everything of the trade */
	ROLE_EDITOR,  /* 录入员: reads; writes the register */
	ROLE_VIEWER,  /* 查看: reads */
	ROLE_NONE     /* made by the system administrator, without rights yet */
};
#define ROLE_COUNT (ROLE_NONE + 1)
const char *user_role_name(enum role role); /* "system", "security" ... */
int user_role_parse(enum role *out, const char *name, struct err *err);

/* What can be asked for; the table in user.c says which role may. */
enum power {
	POWER_READ,     /* records, history, changesets, status */
	POWER_REGISTER, /* write kinds of the streams resource, personal */
	POWER_WRITE,    /* write kinds of every stream */
	POWER_USERS,    /* make accounts, set passwords */
	POWER_RIGHTS,   /* give roles, unlock */
	POWER_STATIONS, /* invite */
	POWER_CONFIRM,  /* confirm a station */
	POWER_AUDIT     /* read and verify the audit log */
};
#define POWER_COUNT (POWER_AUDIT + 1)
const char *user_power_name(enum power power); /* "read", "write" ... */
bool user_may(enum role role, enum power power);
/* Does it hold one of the three powers? */
bool user_is_administrator(enum role role);
/* May role do nothing that other may not? */
bool user_role_within(enum role role, enum role other);

#define USER_LOGIN_MAX 32
struct user {
	char login[USER_LOGIN_MAX + 1]; /* [a-z0-9][a-z0-9._-]* */
	char name[LIMIT_NAME + 1];
	enum role role;
	int64_t failures; /* from where it is not known (attempt.h) */
	int64_t locked;   /* until then (wall ms), 0: open */
	int64_t last;     /* last login, 0: never */
	int64_t changed;  /* when the password was set */
	int64_t idle;     /* a session's end without requests, ms; 0: usual */
	bool totp;        /* has a second factor */
	bool once;        /* another knows the password: a new one at login */
};

/* once: another than the person has typed the password. */
int user_add(struct db *db, const char *login, const char *name, enum role role,
    const char *password, bool once, struct err *err);
#define USER_PASSWORDS 5                              /* none is taken again */
#define USER_PASSWORD_MS (90ll * 24 * 60 * 60 * 1000) /* good for so long */
#define USER_IDLE_MAX_MS (7ll * 24 * 60 * 60 * 1000)  /* of a duty screen */
/* May he take this one?  Not the one there is, nor one of those before it. */
int user_password_new(
    struct db *db, const char *login, const char *password, struct err *err);
int user_passwd(struct db *db, const char *login, const char *password,
    int64_t now, struct err *err);
/* Another sets it.  What the account had opened, sessions and tokens, ends;
 * the person chooses a password of his own when he logs in.  For who is not at
 * the machine itself (here) an administrator's account is out of reach. */
int user_reset(struct db *db, const char *login, const char *password,
    bool here, int64_t now, struct err *err);
bool user_password_old(const struct user *user, int64_t now);
int user_unlock(struct db *db, const char *login, struct err *err);
int user_set_idle(
    struct db *db, const char *login, int64_t ms, struct err *err);
/* here: at the machine itself. */
int user_set_role(struct db *db, const char *login, enum role role, bool here,
    struct err *err);
int user_get(struct db *db, struct user *out, const char *login,
    struct err *err); /* YZ_ENOTFOUND */
int user_list(struct db *db,
    int (*fn)(void *arg, const struct user *user, struct err *err), void *arg,
    struct err *err);

#endif
