#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "model/doctor_impl.h"

/* Debian 12's versions that carry the fixes for what was published of the
 * libraries that meet bytes from outside. */
static const struct {
	const char *package, *least;
} libraries[] = {
    {"libarchive13", "3.6.2-1+deb12u5"},
    {"libgit2-1.5", "1.5.1+ds-1+deb12u2"},
    {"libsqlite3-0", "3.40.1-2+deb12u2"},
    {"libssh2-1", "1.10.0-3+deb12u1"},
    {"libssl3", "3.0.22-1~deb12u2"},
};

static void
look_at(struct doctor *d, const char *package, const char *least)
{
	struct buf version = BUF_INIT;
	const char *query[] = {
	    "dpkg-query", "-W", "-f", "${Version}", package, NULL};
	const char *compare[] = {
	    "dpkg", "--compare-versions", NULL, "ge", least, NULL};
	int rc = doctor_run(&version, query);

	while (version.len > 0 && version.b[version.len - 1] == '\n')
		version.b[--version.len] = '\0';
	compare[2] = buf_str(&version);
	if (rc < 0)
		doctor_good(d, "library",
		    _("%s: this system has no dpkg, so its version is not "
		      "known"),
		    package);
	else if (rc != 0 || version.len == 0)
		doctor_good(d, "library",
		    _("%s is not installed: another package has its place"),
		    package);
	else if (doctor_run(&version, compare) != 0)
		doctor_find(d, "library",
		    _("%s %s is older than %s, which closes known holes: "
		      "apt-get install %s"),
		    package, compare[2], least, package);
	else
		doctor_good(d, "library", "%s %s", package, compare[2]);
	buf_free(&version);
}

void
doctor_libraries(struct doctor *d)
{
	size_t i;

	for (i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		look_at(d, libraries[i].package, libraries[i].least);
}
