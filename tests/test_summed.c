/*
 * Goal of this test: a file with a checksum in its last line reads as it was
 * written or is refused, whatever bit of it has turned.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/summed.h"
#include "tap.h"

#define LINES "code 520302\ninc 1f0c9a7e\n"
/* printf 'code 520302\ninc 1f0c9a7e\n' | sha256sum | cut -c 1-8 */
#define SUM "sum 69d0b30d\n"

int
main(void)
{
	char dir[] = "/tmp/yizhan-summed-XXXXXX";
	struct buf text = BUF_INIT, back = BUF_INIT;
	struct stat st;
	struct err err;
	size_t bit;
	int found = 0;

	if (mkdtemp(dir) == NULL || chdir(dir) != 0)
		return 1;
	buf_puts(&text, LINES);
	summed_end(&text);
	is_str(buf_str(&text), LINES SUM, "the sum is what sha256sum says");
	is_int(file_write("x", text.b, text.len, 0600, &err), 0, "write it");
	is_int(summed_read(&back, "x", 4096, &err), 0, "read it");
	is_str(buf_str(&back), LINES, "it says what it said");
	for (bit = 0; bit < 8 * text.len; bit++) {
		text.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		found += !summed_holds(buf_str(&text), text.len);
		text.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	is_int(found, (int)(8 * text.len), "every turned bit is found");
	text.b[3] ^= 4;
	is_int(file_write("x", text.b, text.len, 0600, &err), 0, "damage it");
	buf_clear(&back);
	is_int(summed_read(&back, "x", 4096, &err), YZ_ECORRUPT,
	    "then it is refused: %s", err.msg);
	is_int(file_write("x", LINES, strlen(LINES), 0640, &err), 0,
	    "a file of before there were sums");
	buf_clear(&back);
	is_int(summed_read(&back, "x", 4096, &err), 0, "reads");
	is_str(buf_str(&back), LINES, "as it is");
	ok(summed_lacks("x"), "lacks one");
	is_int(summed_add("x", &err), 0, "is given one");
	ok(!summed_lacks("x"), "then lacks none");
	is_int(summed_add("x", &err), 0, "and gets no second");
	buf_clear(&back);
	is_int(file_read(&back, "x", 4096, &err), 0, "it is");
	is_str(buf_str(&back), LINES SUM, "whole");
	ok(stat("x", &st) == 0 && (st.st_mode & 0777) == 0640,
	    "and of the same mode");
	buf_clear(&back);
	is_int(summed_read(&back, "y", 4096, &err), YZ_ENOTFOUND,
	    "one that is not there is not damaged");
	buf_free(&text);
	buf_free(&back);
	unlink("x");
	return rmdir(dir) == 0 ? tap_done() : 1;
}
