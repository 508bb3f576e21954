#include "config.h"

#include <git2.h>

#include "base/err.h"
#include "lane.h"

#define CACHE_MAX (16ll << 20)   /* bytes of objects libgit2 keeps */
#define WINDOW (4ull << 20)      /* bytes of a pack it maps at once, */
#define MAPPED_MAX (16ull << 20) /* and in all */
#define OBJECTS_MAX (1ull << 24) /* objects in a pack */

/* Nothing outside HOME is ever read. */
static bool
set_paths(void)
{
	static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA,
	    GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
	    GIT_CONFIG_LEVEL_GLOBAL};
	bool good = true;
	size_t i;

	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		git_buf path = GIT_BUF_INIT;

		good &= git_libgit2_opts(
			    GIT_OPT_SET_SEARCH_PATH, levels[i], "") == 0 &&
			git_libgit2_opts(
			    GIT_OPT_GET_SEARCH_PATH, levels[i], &path) == 0 &&
			path.size == 0;
		git_buf_dispose(&path);
	}
	return good;
}

/* Set, and read back. */
static bool
set_sizes(void)
{
	static const struct {
		int set, get;
		size_t value;
	} sizes[] = {
		{GIT_OPT_SET_MWINDOW_SIZE, GIT_OPT_GET_MWINDOW_SIZE, WINDOW},
		{GIT_OPT_SET_MWINDOW_MAPPED_LIMIT,
		    GIT_OPT_GET_MWINDOW_MAPPED_LIMIT, MAPPED_MAX},
		{GIT_OPT_SET_PACK_MAX_OBJECTS, GIT_OPT_GET_PACK_MAX_OBJECTS,
		    OBJECTS_MAX},
#if HAVE_DECL_GIT_OPT_SET_PACK_MAX_OBJECT_SIZE
		{GIT_OPT_SET_PACK_MAX_OBJECT_SIZE,
		    GIT_OPT_GET_PACK_MAX_OBJECT_SIZE, LANE_OBJECT_MAX},
#endif
	};
	ssize_t used, most = 0;
	bool good = true;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t got = 0;

		good &= git_libgit2_opts(sizes[i].set, sizes[i].value) == 0 &&
			git_libgit2_opts(sizes[i].get, &got) == 0 &&
			got == sizes[i].value;
	}
	good &=
	    git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)CACHE_MAX) ==
		0 &&
	    git_libgit2_opts(GIT_OPT_GET_CACHED_MEMORY, &used, &most) == 0 &&
	    most == CACHE_MAX;
	return good;
}

/* What the appliance depends on; without it nothing is opened. */
int
lane_library(struct err *err)
{
	int owner = 0;
	bool good;

	git_libgit2_init();
	good = set_paths() && set_sizes();

	good &=
	    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1) == 0;
	good &= git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 1) == 0;
	good &= git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1) == 0;
	good &= git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, NULL, (size_t)0) == 0;
	good &= git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 1) == 0 &&
		git_libgit2_opts(GIT_OPT_GET_OWNER_VALIDATION, &owner) == 0 &&
		owner == 1;
	if (!good)
		return err_set(err, YZ_EIO, "libgit2 refuses its settings");
	return 0;
}

void
lane_library_end(void)
{
	git_libgit2_shutdown();
}
