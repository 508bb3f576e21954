/*
 * Goal of this test: one thread's reader is refused in Chinese while the
 * other's is refused in English, with the same figures in both; what has no
 * translation is said as it is; and a catalogue that is cut off or damaged is
 * refused, never read beyond its end.
 */
#include "config.h"

#include <pthread.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/catalogue.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "tap.h"

#define PATH_MO "src/po/zh_CN/LC_MESSAGES/yizhan.mo"

static struct err err;

static void *
speak_english(void *arg)
{
	struct err *other = arg;

	err_set(other, YZ_EINVAL, "a password has at least %d characters", 10);
	return NULL;
}

static void
speaks(void)
{
	struct err other;
	pthread_t thread;

	err_speak(catalogue_find);
	err_set(&err, YZ_EINVAL, "a password has at least %d characters", 10);
	is_str(err.said, "密码至少 10 个字符", "Chinese for who asks for it");
	is_str(err.msg, "a password has at least 10 characters",
	    "for programs it stays as it is");
	err_within(&err, "%s", "sys1");
	is_str(err.said, "sys1: 密码至少 10 个字符", "where, too");
	err_set(&err, YZ_EINVAL, "no code %.64s in %.64s", "R99", "kinds");
	is_str(err.said, "代码表 kinds 中没有代码“R99”",
	    "in the order of its own grammar");
	err_set(&err, YZ_EINVAL, "what nobody ever says: %d", 7);
	is_str(err.said, "what nobody ever says: 7",
	    "what has no translation is said all the same");
	pthread_create(&thread, NULL, speak_english, &other);
	pthread_join(thread, NULL);
	is_str(other.said, "", "another thread's reader is another");
	err_speak(NULL);
	err_set(&err, YZ_EINVAL, "a password has at least %d characters", 10);
	is_str(err.said, "", "and nobody gets what he did not ask for");
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
	speaks();
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
