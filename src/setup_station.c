#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/err.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/mem.h"
#include "chain.h"
#include "cmd.h"
#include "enrol.h"
#include "model/vocabulary.h"
#include "paper.h"
#include "recovery.h"
#include "setup_station.h"
#include "web/guard.h"
#include "web/qr.h"

#define MAKE_MS 120000 /* that a parent may let us wait */
#define ABOUT_MAX 4096
#define INVITATION_MAX 65536
#define KEY_LINES 4 /* of the recovery key, each with two signs to check */

static char *
place(const struct setup_station *s, const char *name)
{
	return mem_printf("%s/setup/%s", s->home, name);
}

static int
remove_file(const struct setup_station *s, const char *name, struct err *err)
{
	char *path = place(s, name);
	int rc = 0;

	if (unlink(path) != 0 && errno != ENOENT)
		rc = err_sys(err, "%s", path);
	free(path);
	return rc;
}

static int
write_file(const struct setup_station *s, const char *name, const void *data,
    size_t n, struct err *err)
{
	char *path = place(s, name);
	int rc = file_write(path, data, n, 0600, err);

	free(path);
	return rc;
}

static int
read_file(struct buf *out, const struct setup_station *s, const char *name,
    size_t max, struct err *err)
{
	char *path = place(s, name);
	int rc = file_read(out, path, max, err);

	free(path);
	return rc;
}

static int
write_about(
    const struct setup_station *s, const struct json *about, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	json_write(&text, about, 0);
	rc = write_file(s, "about", text.b, text.len, err);
	buf_free(&text);
	return rc;
}

/* --- making it ----------------------------------------------------------- */

/* What was made before, but not the code that lets in. */
static int
clear(const struct setup_station *s, struct err *err)
{
	static const char *const files[] = {
	    "about", "invitation", "sheet", "sheet.svg", "ready"};
	char *folder = place(s, "home");
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(files) / sizeof(files[0]); i++)
		rc = remove_file(s, files[i], err);
	if (rc == 0)
		rc = folder_remove(folder, err);
	free(folder);
	return rc;
}

/* "yizhan: init: no division is called 520999" as people read it. */
static int
say_why(const struct buf *said, struct err *err)
{
	const char *text = said->len == 0 ? "" : (const char *)said->b, *at;
	size_t n = said->len == 0 ? 0 : strcspn(text, "\n");
	int colons;

	for (colons = 0; colons < 2; colons++) {
		at = memchr(text, ':', n);
		if (at == NULL || at + 1 == text + n)
			break;
		at += 2;
		n -= (size_t)(at - text);
		text = at;
	}
	return n == 0 ? err_set(err, YZ_EIO, "it did not come to its end")
		      : err_set(err, YZ_EINVAL, "%.*s", (int)n, text);
}

/* The program makes it as a person at the terminal would; out, if not NULL,
 * gets the first line that it prints. */
static int
run(char **out, const struct setup_station *s, const char *const *args,
    struct err *err)
{
	struct child c = {.exe = s->exe,
	    .args = args,
	    .locale = s->zh ? "zh_CN.UTF-8" : "C.UTF-8",
	    .ms = MAKE_MS};
	const char *text;
	int rc;

	rc = child_run(&c, err);
	/* The texts end with a NUL that is not counted. */
	(void)buf_str(&c.out);
	(void)buf_str(&c.err);
	if (rc == 0 && c.status != CMD_DONE)
		rc = say_why(&c.err, err);
	if (rc == 0 && out != NULL) {
		text = buf_str(&c.out);
		*out = mem_strndup(text, strcspn(text, "\n"));
	}
	child_free(&c);
	return rc;
}

int
setup_station_found(const struct setup_station *s, const char *code,
    const char *name, const char *person, struct err *err)
{
	char *home = place(s, "home"), *sheet = place(s, "sheet");
	char *named = mem_printf("--name=%s", name);
	char *as = mem_printf("--as=%s", person);
	const char *args[] = {"yizhan", "-C", home, "init", code, "--top",
	    "--recovery", sheet, as, named, NULL};
	struct json *about = json_new_object();
	int rc;

	rc = chain_is_code(code, strlen(code))
		 ? clear(s, err)
		 : err_set(err, YZ_EINVAL,
		       "\"%.20s\" is not a station's code of six digits", code);
	if (rc == 0)
		rc = run(NULL, s, args, err);
	json_set(about, "how", json_text("found"));
	json_set(about, "code", json_text(code));
	json_set(about, "name", json_text(name));
	if (rc == 0)
		rc = write_about(s, about, err);
	json_free(about);
	free(home);
	free(sheet);
	free(named);
	free(as);
	return rc;
}

/* The same invitation again: then the station that has asked asks again. */
static int
begin_join(
    const struct setup_station *s, const char *text, size_t n, struct err *err)
{
	struct buf had = BUF_INIT;
	int rc;

	rc = read_file(&had, s, "invitation", INVITATION_MAX, err);
	if (rc == 0 && had.len == n && memcmp(had.b, text, n) == 0) {
		buf_free(&had);
		return 0;
	}
	buf_free(&had);
	if (rc != 0 && rc != YZ_ENOTFOUND)
		return rc;
	rc = clear(s, err);
	return rc != 0 ? rc : write_file(s, "invitation", text, n, err);
}

static int
about_joined(const struct setup_station *s, const struct enrol_invitation *in,
    const char *fingerprint, struct err *err)
{
	struct json *about = json_new_object();
	int rc;

	json_set(about, "how", json_text("join"));
	json_set(about, "code", json_text(in->code));
	json_set(about, "name", json_text(in->name));
	json_set(about, "parent", json_text(in->parent));
	json_set(about, "address", json_text(in->address));
	json_set(about, "fingerprint", json_text(fingerprint));
	rc = write_about(s, about, err);
	json_free(about);
	return rc;
}

int
setup_station_join(
    const struct setup_station *s, const char *text, size_t n, struct err *err)
{
	char *home = place(s, "home"), *sheet = place(s, "sheet");
	char *file = place(s, "invitation"), *fingerprint = NULL;
	const char *args[] = {
	    "yizhan", "-C", home, "join", file, NULL, NULL, NULL};
	struct enrol_invitation in;
	int rc;

	rc = n > INVITATION_MAX
		 ? err_set(err, YZ_EINVAL, "the invitation is too long")
		 : enrol_read(&in, text, n, err);
	if (rc == 0)
		rc = begin_join(s, text, n, err);
	if (rc == 0 && !file_exists(sheet)) {
		args[5] = "--recovery";
		args[6] = sheet;
	}
	if (rc == 0)
		rc = run(&fingerprint, s, args, err);
	if (rc == 0)
		rc = about_joined(s, &in, fingerprint, err);
	explicit_bzero(&in, sizeof(in));
	free(home);
	free(sheet);
	free(file);
	free(fingerprint);
	return rc;
}

/* --- what is made -------------------------------------------------------- */

static int
read_about(struct json **out, const struct setup_station *s, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	rc = read_file(&text, s, "about", ABOUT_MAX, err);
	if (rc == 0)
		rc = json_parse(out, buf_str(&text), text.len, err);
	buf_free(&text);
	return rc;
}

static int
read_sheet(struct buf *digits, char line[RECOVERY_LINE_MAX],
    const struct setup_station *s, const char *code, struct err *err)
{
	char *path = place(s, "sheet");
	struct sign_key key;
	int rc;

	rc = paper_read(&key, path, code, err);
	if (rc == 0) {
		recovery_digits(digits, &key);
		recovery_line(line, code, &key);
	}
	explicit_bzero(&key, sizeof(key));
	free(path);
	return rc;
}

/* People ring somebody, not a number. */
static void
name_parent(struct json *o, const struct json *about)
{
	const char *parent = json_get_text(about, "parent");
	struct buf name = BUF_INIT;
	struct err ignored;

	if (parent == NULL)
		return;
	if (vocabulary_division(&name, NULL, parent, &ignored) != 0)
		buf_clear(&name);
	json_set(o, "parent_name", json_text(buf_str(&name)));
	buf_free(&name);
}

static void
forget(struct buf *b)
{
	if (b->b != NULL)
		explicit_bzero(b->b, b->cap);
	buf_free(b);
}

int
setup_station_about(
    struct json *o, const struct setup_station *s, struct err *err)
{
	static const char *const members[] = {
	    "how", "code", "name", "parent", "address", "fingerprint"};
	struct buf digits = BUF_INIT, svg = BUF_INIT;
	char line[RECOVERY_LINE_MAX];
	struct json *about = NULL;
	const char *text;
	size_t i;
	int rc;

	rc = read_about(&about, s, err);
	if (rc == YZ_ENOTFOUND)
		return 0;
	if (rc == 0)
		rc = read_sheet(
		    &digits, line, s, json_get_text(about, "code"), err);
	if (rc == 0)
		rc = qr_svg(&svg, line, err);
	for (i = 0; rc == 0 && i < sizeof(members) / sizeof(members[0]); i++) {
		text = json_get_text(about, members[i]);
		if (text != NULL)
			json_set(o, members[i], json_text(text));
	}
	if (rc == 0) {
		name_parent(o, about);
		json_set(o, "digits", json_text(buf_str(&digits)));
		json_set(o, "svg", json_text(buf_str(&svg)));
	}
	explicit_bzero(line, sizeof(line));
	forget(&digits);
	forget(&svg);
	json_free(about);
	return rc;
}

/* --- the last step ---------------------------------------------------------
 */

static int
check_sheet(const struct setup_station *s, const char *code, const char *check,
    struct err *err)
{
	char line[RECOVERY_LINE_MAX], want[2 * KEY_LINES + 1];
	struct buf digits = BUF_INIT;
	const char *p;
	size_t n = 0;
	int rc;

	rc = read_sheet(&digits, line, s, code, err);
	for (p = buf_str(&digits); rc == 0 && n < 2 * KEY_LINES;) {
		p = strchr(p, '\n');
		if (p == NULL)
			break;
		want[n++] = p[-2];
		want[n++] = p[-1];
		p++;
	}
	want[n] = '\0';
	if (rc == 0 && !guard_same(check, want))
		rc = err_set(err, YZ_EINVAL,
		    "these are not the last two signs of each line of the "
		    "recovery key");
	explicit_bzero(line, sizeof(line));
	explicit_bzero(want, sizeof(want));
	forget(&digits);
	return rc;
}

/* Move what is in one folder into the other, but not the file last. */
static int
move_into(const char *from, const char *to, const char *last, struct err *err)
{
	char *a, *b;
	struct dirent *e;
	struct stat st;
	DIR *dir = opendir(from);
	int rc = 0;

	if (dir == NULL)
		return errno == ENOENT ? 0 : err_sys(err, "%s", from);
	while (rc == 0 && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 ||
		    strcmp(e->d_name, last) == 0)
			continue;
		a = mem_printf("%s/%s", from, e->d_name);
		b = mem_printf("%s/%s", to, e->d_name);
		if (stat(b, &st) == 0 && S_ISDIR(st.st_mode))
			rc = move_into(a, b, "", err);
		else if (rename(a, b) != 0)
			rc = err_sys(err, "%s", b);
		else
			rc = file_sync_folder(b, err);
		free(a);
		free(b);
	}
	closedir(dir);
	return rc;
}

/* Nobody makes a station there by command meanwhile (home.h). */
static int
claim(int *fd, const char *unmade, const char *home, struct err *err)
{
	int rc = file_lock(fd, unmade, false, err);

	return rc != YZ_ECONFLICT
		   ? rc
		   : err_set(err, YZ_ECONFLICT,
			 "another set-up is under way in %s", home);
}

/* It is HOME's once HOME/station is there, which comes last. */
static int
move(const char *home, struct err *err)
{
	char *from = mem_printf("%s/setup/home", home);
	char *a = mem_printf("%s/station", from);
	char *b = mem_printf("%s/station", home);
	int rc;

	rc = move_into(from, home, "station", err);
	if (rc == 0 && rename(a, b) != 0)
		rc = err_sys(err, "%s", b);
	if (rc == 0)
		rc = file_sync_folder(b, err);
	free(from);
	free(a);
	free(b);
	return rc;
}

int
setup_station_finish(const struct setup_station *s,
    const struct setup_account accounts[SETUP_ACCOUNTS], const char *check,
    const char *peer, struct err *err)
{
	char *station = mem_printf("%s/station", s->home);
	char *unmade = mem_printf("%s/unmade", s->home);
	char *made = place(s, "home");
	struct json *about = NULL;
	int rc, fd = -1;

	rc = read_about(&about, s, err);
	if (rc == YZ_ENOTFOUND)
		rc = err_set(err, YZ_ECONFLICT, "no station is made yet");
	if (rc == 0)
		rc = check_sheet(s, json_get_text(about, "code"), check, err);
	if (rc == 0)
		rc = setup_account_check(accounts, err);
	if (rc == 0)
		rc = claim(&fd, unmade, s->home, err);
	if (rc == 0 && file_exists(station))
		rc = err_set(err, YZ_ECONFLICT,
		    "there is a station in %s already", s->home);
	if (rc == 0)
		rc = setup_account_put(made, accounts, peer, err);
	if (rc == 0)
		rc = write_file(s, "ready", "", 0, err);
	if (rc == 0)
		rc = move(s->home, err);
	if (fd >= 0) {
		(void)unlink(unmade);
		close(fd);
	}
	json_free(about);
	free(station);
	free(unmade);
	free(made);
	return rc;
}

int
setup_station_drop(const char *home, struct err *err)
{
	const struct setup_station s = {.home = home};

	return clear(&s, err);
}

/* Browsers know it by now; but one that came with the station is the one. */
static int
keep_certificate(const struct setup_station *s, struct err *err)
{
	char *from = place(s, "keys"), *to = mem_printf("%s/keys", s->home);
	char *had = mem_printf("%s/console.crt", to);
	int rc = file_exists(had) ? 0 : move_into(from, to, "", err);

	free(from);
	free(to);
	free(had);
	return rc;
}

int
setup_station_settle(const char *home, struct err *err)
{
	const struct setup_station s = {.home = home};
	char *station = mem_printf("%s/station", home);
	char *ready = place(&s, "ready"), *folder = place(&s, "");
	int rc = 0;

	if (!file_exists(station) && file_exists(ready))
		rc = move(home, err);
	if (rc == 0 && file_exists(station))
		rc = keep_certificate(&s, err);
	if (rc == 0 && file_exists(station))
		rc = folder_remove(folder, err);
	free(station);
	free(ready);
	free(folder);
	return rc;
}
