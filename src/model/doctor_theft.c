/* Does HOME lie on an encrypted disk?  Threat T11, a stolen machine. */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/doctor_impl.h"

#define DEVICES "/sys/dev/block/"
#define DEPTH_MAX 8 /* of volumes that lie on others */

/*
 * A device mapper's volume says of what sort it is in dm/uuid ("CRYPT-LUKS2-
 * ..."), and any device on which others it lies in slaves/.  It is encrypted if
 * itself or all that it lies on is.
 */
static bool
is_encrypted(const char *device, int depth)
{
	char *path = mem_printf("%s/dm/uuid", device);
	FILE *f = fopen(path, "re");
	char sort[8] = "";
	struct dirent *e;
	bool all = false;
	DIR *dir;

	if (f != NULL) {
		(void)!fread(sort, 1, sizeof(sort) - 1, f);
		fclose(f);
	}
	free(path);
	if (strncmp(sort, "CRYPT-", 6) == 0)
		return true;
	path = mem_printf("%s/slaves", device);
	dir = depth < DEPTH_MAX ? opendir(path) : NULL;
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		char *below;

		if (e->d_name[0] == '.')
			continue;
		below = mem_printf("%s/%s", path, e->d_name);
		all = is_encrypted(below, depth + 1);
		free(below);
		if (!all)
			break;
	}
	if (dir != NULL)
		closedir(dir);
	free(path);
	return all;
}

void
doctor_theft(struct doctor *d)
{
	struct stat st;
	char *device;

	if (stat(d->home, &st) != 0)
		return;
	device =
	    mem_printf(DEVICES "%u:%u", major(st.st_dev), minor(st.st_dev));
	/* Of what is no disk of this machine's nothing is known. */
	if (access(device, F_OK) == 0)
		doctor_good(d, "disk",
		    is_encrypted(device, 0)
			? _("it is encrypted: who steals it reads nothing")
			: _("it is not encrypted: who steals the machine reads "
			    "all that is on it, its keys too (README: choose "
			    "encryption when Debian is installed)"));
	free(device);
}
