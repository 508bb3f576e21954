/* What "yizhan doctor" says of this machine and this station. */
#include "config.h"

#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "desk.h"
#include "lang.h"

#define ANSWER_MS 120000
#define FRESH_MS 30000 /* how long its last word is good enough */
#define DONE 0         /* its exit statuses */
#define LOOK 3

/* One runs at a time; who asks soon after gets what it said. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct said {
	struct buf text;
	int64_t at; /* mono ms; 0: never */
} answers[2];       /* in English, in Chinese */

static int
ask(struct buf *out, const char *home, const char *exe, bool zh,
    struct err *err)
{
	const char *args[] = {"yizhan", "-C", home, "doctor", "--json", NULL};
	struct child c = {.exe = exe,
	    .args = args,
	    .locale = zh ? "zh_CN.UTF-8" : "C.UTF-8",
	    .ms = ANSWER_MS};
	int rc;

	rc = child_run(&c, err);
	if (rc == 0 && c.status != DONE && c.status != LOOK)
		rc = err_set(err, YZ_EIO, "doctor did not come to its end");
	if (rc == 0)
		buf_put(out, c.out.b, c.out.len);
	child_free(&c);
	return rc;
}

static int
put_findings(struct buf *out, const struct buf *lines, struct err *err)
{
	const char *p = (const char *)lines->b, *end = p + lines->len, *nl;
	struct json *o = json_new_object(), *list = json_new_array(), *one;
	char when[CLOCK_LEN];
	int64_t bad = 0;
	int rc = 0;

	json_set(o, "findings", list);
	while (rc == 0 && p < end &&
	       (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		rc = json_parse(&one, p, (size_t)(nl - p), err);
		if (rc == 0) {
			bad += !json_get_bool(one, "good");
			json_add(list, one);
		}
		p = nl + 1;
	}
	clock_format(when, clock_wall());
	json_set(o, "bad", json_int(bad));
	json_set(o, "time", json_text(when));
	if (rc == 0)
		json_write(out, o, 0);
	json_free(o);
	return rc;
}

DESK_HANDLER(api_doctor)
{
	bool zh = lang_zh(c);
	struct said *said = &answers[zh];
	struct buf lines = BUF_INIT;
	int rc = 0;

	if (pthread_mutex_trylock(&lock) != 0) {
		c->p->status = 503; /* no other request waits for it */
		return err_set(
		    err, YZ_EIO, "doctor is at work: ask again in a moment");
	}
	if (said->at == 0 || clock_mono() - said->at > FRESH_MS) {
		rc = ask(&lines, desk_home(c), desk_exe(c), zh, err);
		buf_clear(&said->text);
		said->at = 0;
		if (rc == 0)
			rc = put_findings(&said->text, &lines, err);
		if (rc == 0)
			said->at = clock_mono();
	}
	if (rc == 0)
		buf_put(&c->p->body, said->text.b, said->text.len);
	pthread_mutex_unlock(&lock);
	buf_free(&lines);
	return rc;
}
