/*
 * Errors.
 *
 * A function that can fail returns 0 or a negative YZ_E* code and takes a
 * struct err as its last argument.  The place that detects the failure sets
 * it, once; callers pass the code on, and may say what they were doing with
 * err_within().  A struct err lives on its owner's stack, allocates nothing
 * and needs no release.
 *
 * The message is English, whatever the locale: it goes into logs and over the
 * wire, and programs read it.  People get it as catalogue_line() has it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum {
	YZ_EINVAL = -1,    /* the request makes no sense */
	YZ_ENOTFOUND = -2, /* no such object, record, peer */
	YZ_ECORRUPT = -3,  /* bytes do not parse or do not hash to their name */
	YZ_EDENIED = -4,   /* bad signature, unknown key, no permission */
	YZ_ECONFLICT = -5, /* a newer change is already here */
	YZ_EPEER = -6,     /* the other side is absent or broke protocol */
	YZ_EIO = -7,       /* the system refused; sys holds errno, or 0 */
};

struct err {
	int code;      /* 0, or YZ_E* */
	int sys;       /* errno, or 0 */
	char msg[256]; /* one line, no final period, always terminated */
};

/* Record a failure and return code, so callers write return err_set(...). */
int err_set(struct err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Record errno; the message ends in ": " and its meaning. */
int err_sys(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Put "what: " before the message already there and return its code. */
int err_within(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * What the three return is a failure whatever it was given.  Said here, in
 * the open, so that compilers and analysers know it too: after
 * "if (rc != 0) return rc" an out parameter is set.
 */
static inline int
err_failed(int code)
{
	return code < 0 ? code : YZ_EIO;
}
/* A message, or a part of one, that stands elsewhere than in a call of these:
 * src/po/extract finds it, and it is translated when it is shown. */
#define N_(text) text

#define err_set(...) err_failed(err_set(__VA_ARGS__))
#define err_sys(...) err_failed(err_sys(__VA_ARGS__))
#define err_within(...) err_failed(err_within(__VA_ARGS__))

#endif
