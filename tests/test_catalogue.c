/*
 * Goal of this test: a line that was made of the program's formats, put
 * together of several, or sent or kept long ago, is shown in Chinese with the
 * same figures and names, in the order of its own grammar; what has no
 * translation is said as it is; hostile lines cost nothing; and a catalogue
 * that is cut off or damaged is refused, never read beyond its end.
 */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/catalogue.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "tap.h"

#define PATH_MO "src/po/zh_CN/LC_MESSAGES/yizhan.mo"

static struct err err;

static void
says(const char *line, const char *want, const char *what)
{
	struct buf out = BUF_INIT;

	catalogue_line(&out, line);
	is_str(buf_str(&out), want, "%s", what);
	buf_free(&out);
}

static void
reads(void)
{
	char line[200];

	says("a password has at least 10 characters", "密码至少 10 个字符",
	    "a line with a figure");
	says("sys1: a password has at least 10 characters",
	    "sys1: 密码至少 10 个字符", "and where it happened");
	says("no code R99 in kinds", "代码表 kinds 中没有代码“R99”",
	    "in the order of its own grammar");
	says("what nobody ever says: 7", "what nobody ever says: 7",
	    "what has no translation is said all the same");
	says("520300 (10.0.0.1:22): 520300 ended the session: the key of "
	     "520302 was revoked",
	    "520300 (10.0.0.1:22): 520300 结束了会话：520302 的密钥已撤销",
	    "a reason within a reason");
	says("over 500000 changesets of 520302 within an hour, commands aside: "
	     "try again later",
	    "一小时内来自 520302 的变更集超过 500000 个（指挥流除外）：请稍后再试",
	    "a part of a sentence");
	says("/srv/a: b/backup: No space left on device",
	    "/srv/a: b/backup: 磁盘空间不足", "names are left alone");
	says("roster is no stream: roster, command, resource, personal or "
	     "oversight",
	    "roster 不是流：应为 roster、command、resource、personal 或 "
	    "oversight",
	    "a word that is a name is left alone, too");
	says("", "", "nothing is nothing");
	says("%s%n%*d", "%s%n%*d", "signs of a format are text here");
	memset(line, ':', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (size_t i = 1; i < sizeof(line) - 1; i += 2)
		line[i] = ' ';
	says(line, line, "signs without an end are nothing");
}

/* What another station sends may be anything. */
static void
hostile(void)
{
	static const char *const parts[] = {"%s", ": ", " at ", " of ",
	    "520302", "is not in the roster", "ended the session: ", " seq 7",
	    "roster ", "station ", "\xe5", "the key of "};
	const size_t n_parts = sizeof(parts) / sizeof(parts[0]);
	struct buf in = BUF_INIT, out = BUF_INIT;
	unsigned seed = 1;
	int i;

	for (i = 0; i < 2000; i++) {
		buf_clear(&in);
		while (in.len < 200) {
			seed = seed * 1103515245u + 12345u;
			buf_puts(&in, parts[seed / 65536 % n_parts]);
		}
		buf_clear(&out);
		catalogue_line(&out, buf_str(&in));
		if (out.len > 2000)
			break;
	}
	is_int(i, 2000, "what makes no sense stays short");
	buf_free(&in);
	buf_free(&out);
}

/* Cut off at every length, and each byte of the head turned. */
static void
damaged(const struct buf *good, const char *path)
{
	struct buf bad = BUF_INIT;
	size_t n, taken = 0;
	int i;

	for (n = 0; n < good->len; n += n < 200 ? 1 : 997) {
		file_write(path, good->b, n, 0600, &err);
		taken += catalogue_load(path, &err) == 0;
	}
	is_int((long long)taken, 0, "none that is cut off is taken");
	is_str(catalogue_find("host key"), "host key", "then all is English");
	for (n = 0; n < 200; n++)
		for (i = 0; i < 8; i++) {
			buf_clear(&bad);
			buf_put(&bad, good->b, good->len);
			bad.b[n] ^= (uint8_t)(1 << i);
			file_write(path, bad.b, bad.len, 0600, &err);
			if (catalogue_load(path, &err) == 0)
				(void)catalogue_find("host key");
		}
	ok(true, "1,600 turned bits are refused or harmless");
	buf_free(&bad);
}

int
main(void)
{
	const char *build = getenv("top_builddir");
	char *path = mem_printf("%s/%s", build == NULL ? "." : build, PATH_MO);
	char temp[] = "/tmp/yizhan-test.XXXXXX";
	struct buf good = BUF_INIT;
	int fd = mkstemp(temp);

	is_int(catalogue_load(path, &err), 0, "the catalogue is read");
	reads();
	hostile();
	is_int(file_read(&good, path, 4u << 20, &err), 0, "and copied");
	damaged(&good, temp);
	is_int(catalogue_load(path, &err), 0, "the good one is read again");
	is_str(catalogue_find("host key"), "主机密钥", "and speaks");
	close(fd);
	unlink(temp);
	buf_free(&good);
	free(path);
	return tap_done();
}
