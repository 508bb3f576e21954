/*
 * Goal of this test: an invitation, a request and a confirmation make a
 * station a child, and nothing less does; sshd is told of exactly those who
 * may call.
 */
#include "config.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "enrol.h"
#include "home.h"
#include "local.h"
#include "replica.h"
#include "roster_change.h"
#include "request.h"
#include "tap.h"

#define HOST_KEY \
	"ssh-ed25519 " \
	"AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"

static char dir[] = "/tmp/test_enrol.XXXXXX";

struct station { /* one that runs */
	char *path;
	struct home *home; /* the replica's, or ours before it is opened */
	struct replica *r;
	struct local *local;
};

static void
must(int rc, const struct err *err)
{
	if (rc == 0)
		return;
	printf("Bail out! %s\n", err->msg);
	exit(1);
}

static void
start(struct station *s, const char *name, const char *code)
{
	struct err err = {0};

	s->path = mem_printf("%s/%s", dir, name);
	must(home_create(&s->home, s->path, code, &err), &err);
	must(replica_open(&s->r, s->home, &err), &err);
	must(local_open(&s->local, s->path, &err), &err);
}

static void
stop(struct station *s)
{
	local_close(s->local);
	replica_close(s->r);
	free(s->path);
}

/* A station with a root key of its own. */
static void
found(struct station *s)
{
	struct roster_station st = {.name = (char *)"贵州省", .n_keys = 1};
	struct roster_key key = {.n_incs = 1};
	char inc[1][CHAIN_INC_LEN + 1];
	struct roster_doc doc;
	struct sign_key root;
	struct err err = {0};
	char *path;

	start(s, "top", "520000");
	path = home_file(s->home, "keys/root");
	sign_generate(&root);
	must(sign_save(&root, path, &err), &err);
	free(path);
	memcpy(st.code, s->home->code, sizeof(st.code));
	memcpy(inc[0], s->home->inc, sizeof(inc[0]));
	memcpy(key.sign, s->home->sign.pub, 32);
	memcpy(key.ssh, s->home->ssh.pub, 32);
	key.incs = inc;
	st.keys = &key;
	must(roster_enrol(
		 &doc, replica_roster(s->r), NULL, "root", &st, &root, &err),
	    &err);
	must(replica_adopt(s->r, &doc, &err), &err);
	roster_doc_free(&doc);
}

static int
invite(struct station *s, struct buf *out, const char *code,
    const char *address, bool is_auto, struct err *err)
{
	buf_clear(out);
	return enrol_invite(out, s->r, s->local, code, "遵义市", address,
	    HOST_KEY, is_auto, err);
}

static void
invitations(struct station *top)
{
	struct enrol_invitation in;
	struct buf text = BUF_INIT;
	struct err err = {0};
	size_t n, bad = 0;

	is_int(invite(top, &text, "5203", "a:22", false, &err), YZ_EINVAL,
	    "a code has six digits: %s", err.msg);
	is_int(invite(top, &text, "520000", "a:22", false, &err), YZ_ECONFLICT,
	    "we are enrolled already: %s", err.msg);
	is_int(invite(top, &text, "520300", "a", false, &err), YZ_EINVAL,
	    "an address has a port: %s", err.msg);
	is_int(invite(top, &text, "520300", "a b:22", false, &err), YZ_EINVAL,
	    "and no space: %s", err.msg);
	is_int(invite(top, &text, "520300", "127.0.0.1:2222", false, &err), 0,
	    "an invitation");
	is_int(enrol_read(&in, text.b, text.len, &err), 0, "it reads back");
	is_str(in.code, "520300", "who is invited");
	is_str(in.name, "遵义市", "by its name");
	is_str(in.parent, "520000", "by whom");
	is_str(in.address, "127.0.0.1:2222", "where");
	is_str(in.host_key, HOST_KEY, "the host key");
	is_int(in.roster_version, 1, "the roster pinned");
	for (n = 0; n + 1 < text.len; n++)
		if (enrol_read(&in, text.b, n, &err) == 0)
			bad++;
	is_int((long long)bad, 0, "none of %zu shorter files passes", n);
	buf_free(&text);
}

static void
requests(struct station *city)
{
	struct buf text = BUF_INIT;
	struct request q;
	struct err err = {0};
	size_t i, bad = 0;

	enrol_request(&text, city->home);
	is_int(request_read(&q, (char *)text.b, text.len, &err), 0,
	    "a request reads back");
	is_str(q.code, "520300", "with its code");
	for (i = 0; i < text.len; i++) {
		text.b[i] ^= 1;
		if (request_read(&q, (char *)text.b, text.len, &err) == 0)
			bad++;
		text.b[i] ^= 1;
	}
	is_int((long long)bad, 0, "a bit altered in any of %zu bytes is found",
	    text.len);
	buf_free(&text);
}

static void
confirmation(struct station *top, struct station *city)
{
	struct buf file = BUF_INIT, text = BUF_INIT;
	char fp[SIGN_FINGERPRINT_LEN], spaced[SIGN_FINGERPRINT_LEN];
	bool confirmed = true;
	struct err err = {0};
	size_t i;

	enrol_request(&text, city->home);
	enrol_fingerprint(fp, text.b, text.len);
	is_int(enrol_receive(top->r, top->local, "520100", text.b, text.len,
		   &confirmed, &err),
	    YZ_EDENIED, "with another's invitation: %s", err.msg);
	is_int(enrol_confirm(top->r, top->local, "520300", fp, &err),
	    YZ_ENOTFOUND, "nothing came yet: %s", err.msg);
	is_int(enrol_receive(top->r, top->local, "520300", text.b, text.len,
		   &confirmed, &err),
	    0, "the request is kept: %s", err.msg);
	ok(!confirmed, "but not confirmed");
	ok(roster_find(replica_roster(top->r), "520300") == NULL,
	    "and nobody is enrolled");
	is_int(enrol_confirm(top->r, top->local, "520300",
		   "00000-00000-00000-00000-00000-00000-00000-00000", &err),
	    YZ_EDENIED, "another fingerprint: %s", err.msg);
	memcpy(spaced, fp, sizeof(spaced));
	for (i = 0; spaced[i] != '\0'; i++)
		if (spaced[i] == '-')
			spaced[i] = ' ';
	is_int(enrol_confirm(top->r, top->local, "520300", spaced, &err), 0,
	    "the right one, with spaces: %s", err.msg);
	is_str(roster_find(replica_roster(top->r), "520300")->name, "遵义市",
	    "the city is enrolled by the name of its invitation");
	is_str(roster_find(replica_roster(top->r), "520300")->scope, "root",
	    "in the root part");
	is_int(
	    roster_version(replica_roster(top->r), "root"), 2, "of version 2");
	is_int(enrol_receive(top->r, top->local, "520300", text.b, text.len,
		   &confirmed, &err),
	    0, "the same request again");
	ok(confirmed, "is answered so");
	is_int(enrol_confirm(top->r, top->local, "520300", fp, &err),
	    YZ_ECONFLICT, "there is nothing to confirm: %s", err.msg);
	buf_free(&file);
	buf_free(&text);
}

static void
copy_roster(
    struct station *to, struct station *from, const char *scope, int64_t last)
{
	struct roster_doc doc;
	struct err err = {0};
	int64_t v;

	for (v = 1; v <= last; v++) {
		must(replica_roster_doc(from->r, &doc, scope, v, &err), &err);
		must(replica_adopt(to->r, &doc, &err), &err);
		roster_doc_free(&doc);
	}
}

static void
sub_roster(struct station *top, struct station *city)
{
	struct station county, thief;
	struct buf file = BUF_INIT, text = BUF_INIT;
	bool confirmed = false;
	struct err err = {0};

	is_int(invite(city, &file, "520302", "a:22", true, &err), YZ_EDENIED,
	    "who has no roster invites nobody: %s", err.msg);
	copy_roster(city, top, "root", 2);
	is_int(invite(city, &file, "520302", "a:22", true, &err), 0,
	    "the city invites a county, without asking");
	start(&county, "county", "520302");
	enrol_request(&text, county.home);
	is_int(enrol_receive(city->r, city->local, "520302", text.b, text.len,
		   &confirmed, &err),
	    0, "its request: %s", err.msg);
	ok(confirmed, "is confirmed at once");
	is_str(roster_find(replica_roster(city->r), "520302")->scope, "520300",
	    "in the city's sub-roster");
	start(&thief, "thief", "520302");
	buf_clear(&text);
	enrol_request(&text, thief.home);
	is_int(enrol_receive(city->r, city->local, "520302", text.b, text.len,
		   &confirmed, &err),
	    YZ_EDENIED, "a second one of that code: %s", err.msg);
	copy_roster(top, city, "520300", 1);
	ok(roster_is_ancestor(replica_roster(top->r), "520000", "520302"),
	    "the province takes the sub-roster");
	stop(&county);
	stop(&thief);
	buf_free(&file);
	buf_free(&text);
}

static void
authorized(struct station *top)
{
	struct buf got = BUF_INIT, want = BUF_INIT, file = BUF_INIT;
	const struct roster_station *city;
	struct enrol_invitation in;
	struct err err = {0};

	must(invite(top, &file, "520100", "a:22", false, &err), &err);
	must(enrol_read(&in, file.b, file.len, &err), &err);
	city = roster_find(replica_roster(top->r), "520300");
	is_int(
	    enrol_authorized(&got, top->r, top->local, "/usr/bin/yizhan", &err),
	    0, "authorized keys");
	buf_printf(&want,
	    "restrict,command=\"/usr/bin/yizhan -C %s peer --as 520300\" ",
	    top->path);
	sign_public_line(&want, city->keys[0].ssh);
	buf_printf(&want,
	    " 520300\n"
	    "restrict,command=\"/usr/bin/yizhan -C %s peer --invited "
	    "520100\" ",
	    top->path);
	sign_public_line(&want, in.once.pub);
	buf_puts(&want, " 520100\n");
	is_str(buf_str(&got), buf_str(&want),
	    "its child and its open invitation, and nobody else");
	buf_clear(&got);
	is_int(enrol_authorized(
		   &got, top->r, top->local, "/opt/our $(tools)/yizhan", &err),
	    0, "a path for which a shell needs quotes");
	ok(strstr(buf_str(&got), "command=\"'/opt/our $(tools)/yizhan' -C ") !=
		NULL,
	    "gets them");
	is_int(enrol_authorized(&got, top->r, top->local, "/a\"b", &err),
	    YZ_EINVAL, "a path with quotes is refused: %s", err.msg);
	is_int(enrol_authorized(&got, top->r, top->local, "/a\nb", &err),
	    YZ_EINVAL, "and one with a newline");
	buf_free(&got);
	buf_free(&want);
	buf_free(&file);
}

int
main(void)
{
	struct station top, city;
	char *line;

	if (mkdtemp(dir) == NULL)
		return 1;
	found(&top);
	start(&city, "city", "520300");
	invitations(&top);
	requests(&city);
	confirmation(&top, &city);
	sub_roster(&top, &city);
	authorized(&top);
	stop(&top);
	stop(&city);
	line = mem_printf("rm -r %s", dir);
	is_int(system(line), 0, "clean up");
	free(line);
	return tap_done();
}
