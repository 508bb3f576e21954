/*
 * The desk: what stands behind the console's pages.  It finds the handler of
 * a request in a table, asks who is calling and whether he may, gives the
 * handler a replica of its own to work with, and says what went wrong in one
 * form.
 */
#ifndef WEB_DESK_H
#define WEB_DESK_H

#include <stdbool.h>

#include "http.h"
#include "login.h"

struct db;
struct desk;
struct err;
struct json;
struct local;
struct replica;
struct seat;

/* exe: this program, for what runs as a process of its own. */
int desk_open(
    struct desk **out, const char *home, const char *exe, struct err *err);
void desk_close(struct desk *desk);
/* http_options.handle; arg is the desk. */
void desk_handle(void *arg, const struct http_request *q, struct http_reply *p);
/* http_options.admit: bytes that may go somewhere, of somebody who may. */
bool desk_admit(void *arg, const struct http_request *q, char **owner);
/* Changes whenever any process has committed to the replica. */
int desk_version(struct desk *desk, int64_t *out, struct err *err);
/* How many changesets are held: sealing changes the version, but not this. */
int desk_held(struct desk *desk, int64_t *out, struct err *err);
/* Changes whenever a neighbour was met or lost, or something is known of it
 * that was not. */
int desk_contact(struct desk *desk, int64_t *out, struct err *err);

/* http_review(): may this listener go on?  arg is the desk. */
bool desk_stays(void *arg, const char *listener);

/* A request that is being answered. */
struct call {
	struct desk *desk;
	const struct http_request *q;
	struct http_reply *p;
	struct seat *seat;
	struct replica *r;   /* for the time of the call */
	struct local *local; /* likewise */
	struct login login;  /* who calls; not for open routes */
	char token[LOGIN_TOKEN_LEN + 1];
	const char *code;  /* of an error, where its kind says too little */
	const char *about; /* for the audit log, where no piece says it */
	char *arg[3];      /* what stood at the *s of the route */
	struct json *in;   /* the body, of routes that take JSON; never NULL */
};
/* The daemon has run for ms more; to be called every minute. */
int desk_tick(struct desk *desk, int64_t ms, struct err *err);
/* The pages are told to look again, where the replica has not changed. */
void desk_news(struct call *c);
/* An entry of the audit log. */
int desk_log(struct call *c, const char *login, const char *what,
    const char *about, const char *result, struct err *err);
/* One that may also only be counted (refusal.h). */
int desk_log_refused(struct call *c, const char *login, const char *what,
    const char *about, const char *result, bool shut, struct err *err);
struct db *desk_local(struct call *c); /* local.db */
const char *desk_home(const struct call *c);
const char *desk_exe(const struct call *c);

/* Handlers answer 0 with p->body filled, or an error.  A handler may set
 * p->status and add headers. */
#define DESK_HANDLER(name) int name(struct call *c, struct err *err)

/* page.c */
DESK_HANDLER(page_get);
/* api_kind.c */
DESK_HANDLER(api_kinds);
DESK_HANDLER(api_kind);
/* api_record.c */
DESK_HANDLER(api_records);
DESK_HANDLER(api_record);
DESK_HANDLER(api_find);
DESK_HANDLER(api_near);
DESK_HANDLER(api_box);
/* api_tally.c */
DESK_HANDLER(api_tally);
/* api_write.c */
DESK_HANDLER(api_create);
DESK_HANDLER(api_change);
DESK_HANDLER(api_drop);
/* May who calls write records of this kind? */
int api_write_may(struct call *c, const char *name, struct err *err);
/* api_blob.c */
DESK_HANDLER(api_blob_put);
DESK_HANDLER(api_blob_get);
/* api_ledger.c */
DESK_HANDLER(api_history);
DESK_HANDLER(api_changesets);
DESK_HANDLER(api_changeset);
/* api_station.c */
DESK_HANDLER(api_station);
DESK_HANDLER(api_stations);
DESK_HANDLER(api_conflicts);
/* api_quarantine.c */
DESK_HANDLER(api_quarantine);
DESK_HANDLER(api_quarantine_take);
DESK_HANDLER(api_quarantine_keep);
/* api_alike.c */
DESK_HANDLER(api_quarantine_alike);
DESK_HANDLER(api_quarantine_keep_alike);
/* api_enrol.c */
DESK_HANDLER(api_invitations);
DESK_HANDLER(api_invite);
DESK_HANDLER(api_uninvite);
DESK_HANDLER(api_confirm);
/* api_doctor.c */
DESK_HANDLER(api_doctor);
/* api_people.c */
DESK_HANDLER(api_login);
DESK_HANDLER(api_logout);
DESK_HANDLER(api_me);
DESK_HANDLER(api_users);
DESK_HANDLER(api_user_add);
DESK_HANDLER(api_user_role);
DESK_HANDLER(api_user_passwd);
DESK_HANDLER(api_user_unlock);
DESK_HANDLER(api_user_idle);
DESK_HANDLER(api_user_totp_off);
DESK_HANDLER(api_events);

/* api_self.c */
DESK_HANDLER(api_me_password);
DESK_HANDLER(api_totp_begin);
DESK_HANDLER(api_totp_confirm);
DESK_HANDLER(api_totp_off);
/* api_token.c */
DESK_HANDLER(api_tokens);
DESK_HANDLER(api_token_make);
DESK_HANDLER(api_token_revoke);
/* api_audit.c */
DESK_HANDLER(api_audit);
DESK_HANDLER(api_audit_export);
DESK_HANDLER(api_audit_prune);
/* api_openapi.c */
DESK_HANDLER(api_openapi);

#endif
