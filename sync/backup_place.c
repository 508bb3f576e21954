#include "config.h"

#include <string.h>

#include "backup.h"
#include "chain.h"
#include "base/digest.h"
#include "limit.h"

#define REF_MAX 256  /* bytes of a ref's file */
#define KEY_MAX 4096 /* of a key's */
#define HEX "0123456789abcdef"

/* Exactly n hex digits, then what end says. */
static bool
is_hex(const char *s, size_t n, const char *end)
{
	return strspn(s, HEX) == n && strcmp(s + n, end) == 0;
}

/* Of a repository: objects, packs and refs.  Its config and HEAD are made. */
static int64_t
repo_place(const char *s)
{
	if (strncmp(s, "refs/", 5) == 0 && strstr(s, "..") == NULL &&
	    strstr(s, "/.") == NULL && strstr(s, "//") == NULL &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		      "0123456789-_./") == strlen(s) &&
	    s[strlen(s) - 1] != '/')
		return REF_MAX;
	if (strncmp(s, "objects/", 8) != 0)
		return -1;
	s += 8;
	if (strncmp(s, "pack/pack-", 10) == 0 &&
	    (is_hex(s + 10, 40, ".pack") || is_hex(s + 10, 40, ".idx")))
		return LIMIT_BACKUP;
	if (strspn(s, HEX) == 2 && s[2] == '/' && is_hex(s + 3, 38, ""))
		return LIMIT_BACKUP;
	return -1;
}

int64_t
backup_place(const char *name)
{
	enum stream stream;
	const char *end;

	if (strcmp(name, BACKUP_INFO) == 0 || strcmp(name, "station") == 0 ||
	    strcmp(name, BACKUP_KEYS) == 0 || strcmp(name, BACKUP_AUDIT) == 0 ||
	    strcmp(name, "pins") == 0)
		return KEY_MAX;
	if (strcmp(name, "yizhan.db") == 0 || strcmp(name, "local.db") == 0)
		return LIMIT_BACKUP;
	if (strncmp(name, "keys/", 5) == 0 && name[5] != '\0' &&
	    strspn(name + 5, "abcdefghijklmnopqrstuvwxyz-") == strlen(name + 5))
		return KEY_MAX;
	if (strncmp(name, "blobs/", 6) == 0) {
		name += 6;
		if (strspn(name, HEX) != 2 || name[2] != '/' ||
		    !is_hex(name + 3, DIGEST_HEX_LEN, "") ||
		    memcmp(name, name + 3, 2) != 0)
			return -1;
		return LIMIT_BLOB;
	}
	if (strncmp(name, "ledger/", 7) != 0)
		return -1;
	name += 7;
	end = strstr(name, ".git/");
	if (end == NULL || !stream_parse(&stream, name, (size_t)(end - name)))
		return -1;
	return repo_place(end + 5);
}
