#include "config.h"

#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/caller.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

static bool stepped_down, raised;
static uid_t uid; /* as whom we go on */
static gid_t gid;

int
caller_step_down(const struct passwd *user, struct err *err)
{
	uid = user->pw_uid;
	gid = user->pw_gid;
	if (initgroups(user->pw_name, gid) != 0 ||
	    setresgid(gid, gid, 0) != 0 || setresuid(uid, uid, 0) != 0)
		return err_sys(err, "%s", user->pw_name);
	stepped_down = true;
	return 0;
}

int
caller_forget(struct err *err)
{
	if (!stepped_down)
		return 0;
	caller_begin();
	if (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return err_sys(err, "user %u", (unsigned)uid);
	stepped_down = raised = false;
	return 0;
}

/* To go on as the wrong user would be worse than not to go on. */
void
caller_begin(void)
{
	if (!stepped_down)
		return;
	if (seteuid(0) != 0 || setegid(0) != 0)
		abort();
	raised = true;
}

void
caller_begin_at(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL
			   ? mem_strdup(".")
			   : mem_strndup(path, (size_t)(slash - path) + 1);

	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0)
		caller_begin();
	free(folder);
}

void
caller_end(void)
{
	if (raised && (setegid(gid) != 0 || seteuid(uid) != 0))
		abort();
	raised = false;
}

int
caller_read(struct buf *out, const char *path, size_t max, struct err *err)
{
	int rc;

	caller_begin();
	rc = file_read(out, path, max, err);
	caller_end();
	return rc;
}

int
caller_write(
    const char *path, const void *data, size_t n, mode_t mode, struct err *err)
{
	int rc;

	caller_begin_at(path);
	rc = file_write(path, data, n, mode, err);
	caller_end();
	return rc;
}

bool
caller_has(const char *path)
{
	bool has;

	caller_begin();
	has = file_exists(path);
	caller_end();
	return has;
}
