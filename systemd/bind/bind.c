/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bind.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "sysfs.h"

#define VFIO_PCI "vfio-pci"

#define RECORD_PATH_MAX 64

int bind_lock(void)
{
	_cleanup_close_ int fd = -1;

	if (mkdir(BIND_DIR, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(BIND_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	return TAKE_FD(fd);
}

static int name_copy(char ret[PCI_DRIVER_LEN], const char *name)
{
	if (strlen(name) >= PCI_DRIVER_LEN)
		return -EBADMSG;
	strcpy(ret, name);
	return 0;
}

int bind_record_read(struct bind_record *ret, const char *address)
{
	_cleanup_fclose_ FILE *f = NULL;
	struct bind_record rec = { .owner = 0 };
	char path[RECORD_PATH_MAX], line[PCI_DRIVER_LEN + 16];

	snprintf(path, sizeof(path), BIND_DIR "/%s", address);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		int r = 0;

		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "driver=", 7))
			r = name_copy(rec.driver, line + 7);
		else if (!strncmp(line, "override=", 9))
			r = name_copy(rec.override, line + 9);
		else if (sscanf(line, "owner=%" SCNu32, &rec.owner) != 1)
			r = -EBADMSG;
		if (r < 0)
			return r;
	}
	*ret = rec;
	return 0;
}

/* The record appears whole or not at all: the device is changed only after. */
static int record_write(const struct bind_record *rec, const char *address)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[RECORD_PATH_MAX];
	bool bad;

	f = fopen(BIND_DIR "/.new", "we");
	if (!f)
		return -errno;
	fprintf(f, "driver=%s\noverride=%s\nowner=%" PRIu32 "\n", rec->driver, rec->override, rec->owner);
	bad = fflush(f) || ferror(f);
	snprintf(path, sizeof(path), BIND_DIR "/%s", address);
	if (bad || rename(BIND_DIR "/.new", path) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

static int record_remove(const char *address)
{
	char path[RECORD_PATH_MAX];

	snprintf(path, sizeof(path), BIND_DIR "/%s", address);
	return unlink(path) < 0 ? -errno : 0;
}

static void node_path(char ret[32], int group)
{
	snprintf(ret, 32, "/dev/vfio/%d", group);
}

int bind_node(int group, uid_t *ret)
{
	char path[32];
	struct stat st;

	node_path(path, group);
	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISCHR(st.st_mode))
		return -ENOTTY;
	*ret = st.st_uid;
	return 0;
}

/*
 * Until udev has seen the new node it may still apply a rule of the site to it, and undo what we do.
 * Where there is no udev, nobody does.
 */
static void wait_for_udev(const char *node)
{
	const char *argv[] = { "udevadm", "wait", "--timeout=5", "--initialized=yes", node, NULL };
	char *envp[] = { NULL };
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, (char **)argv, envp) == 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

static int node_give(int group, uid_t user, struct why *why)
{
	char path[32];
	uid_t owner;
	int r;

	node_path(path, group);
	wait_for_udev(path);
	r = bind_node(group, &owner);
	if (r < 0)
		return why_fail(why, r, "VFIO made no node %s: %s", path, strerror(-r));
	if (owner == user)
		return 0;
	if (lchown(path, user, -1) < 0)
		return why_fail(why, -errno, "cannot give %s away: %m", path);
	return 0;
}

/* Bring a device under @driver, or under none. @dev is how it is now. */
static int set_driver(const struct device *dev, const char *driver, const char *override, struct why *why)
{
	struct device now;
	int r;

	r = sysfs_write(override, SYSFS "/bus/pci/devices/%s/driver_override", dev->address);
	if (r < 0)
		return why_fail(why, r, "cannot set its driver_override: %s", strerror(-r));
	if (!strcmp(dev->facts.driver, driver))
		return 0;
	if (dev->facts.driver[0]) {
		r = sysfs_write(dev->address, SYSFS "/bus/pci/devices/%s/driver/unbind", dev->address);
		if (r < 0 && r != -ENOENT && r != -ENODEV)
			return why_fail(why, r, "%s does not let go of it: %s", dev->facts.driver, strerror(-r));
	}
	if (!driver[0])
		return 0;
	r = sysfs_write(dev->address, SYSFS "/bus/pci/drivers/%s/bind", driver);
	if (r == -ENOENT)
		return why_fail(why, -ENODEV, "there is no driver %s", driver);
	if (r < 0)
		return why_fail(why, r, "%s does not take it: %s", driver, strerror(-r));
	r = device_look(&now, dev->address, why);
	if (r < 0)
		return r;
	if (strcmp(now.facts.driver, driver))
		return why_fail(why, -ENODEV, "%s did not take it", driver);
	return 0;
}

/* A node that somebody else was given is not ours to give. */
static int check_owner(const struct device *dev, uid_t user, uid_t *ret_owner, struct why *why)
{
	uid_t owner = 0;
	int r;

	r = bind_node(dev->facts.group, &owner);
	if (r < 0 && r != -ENOENT)
		return why_fail(why, r, "cannot look at /dev/vfio/%d: %s", dev->facts.group, strerror(-r));
	if (owner != 0 && owner != user)
		return why_fail(why, -EBUSY, "its node /dev/vfio/%d was given to user %" PRIu32, dev->facts.group,
				owner);
	*ret_owner = owner;
	return 0;
}

static int put_back(const struct device *dev, const struct bind_record *rec, struct why *why)
{
	uid_t owner;
	int r;

	r = set_driver(dev, rec->driver, rec->override, why);
	if (r < 0)
		return r;
	/* The node is gone now, unless the group is still VFIO's. */
	if (dev->facts.group >= 0 && bind_node(dev->facts.group, &owner) == 0 && owner != rec->owner)
		r = node_give(dev->facts.group, rec->owner, why);
	if (r < 0)
		return r;
	r = record_remove(dev->address);
	if (r < 0)
		return why_fail(why, r, "cannot remove its record: %s", strerror(-r));
	return 0;
}

/* Undo an attempt that failed with @error, which @why explains. */
static int undo(const char *address, const struct bind_record *rec, int error, struct why *why)
{
	struct why second = { "", "" };
	struct device dev;
	int r;

	r = device_look(&dev, address, &second);
	if (r == 0)
		r = put_back(&dev, rec, &second);
	if (r < 0)
		why_remedy(why, error, "it could not be put back either: %s", second.cause);
	return error;
}

int bind_take(const char *address, uid_t user, struct why *why)
{
	struct bind_record rec = { .owner = 0 };
	struct device dev;
	bool ours, done;
	uid_t owner = 0;
	int r;

	r = device_look(&dev, address, why);
	if (r < 0)
		return r;
	r = bind_record_read(&rec, address);
	if (r < 0 && r != -ENOENT)
		return why_fail(why, r, "cannot read its record in " BIND_DIR ": %s", strerror(-r));
	ours = r == 0;
	r = device_group_check(&dev, why);
	if (r < 0)
		return r;
	r = check_owner(&dev, user, &owner, why);
	if (r < 0)
		return r;
	done = !strcmp(dev.facts.driver, VFIO_PCI);
	if (ours && done && owner == user)
		return 0;
	if (access(SYSFS "/bus/pci/drivers/" VFIO_PCI, F_OK) < 0) {
		why_fail(why, -ENODEV, "there is no driver " VFIO_PCI);
		return why_remedy(why, -ENODEV, "modprobe " VFIO_PCI);
	}
	if (!done) {
		r = device_idle_check(&dev, why);
		if (r < 0)
			return r;
	}
	if (!ours) {
		strcpy(rec.driver, dev.facts.driver);
		strcpy(rec.override, dev.override);
		rec.owner = owner;
		r = record_write(&rec, address);
		if (r < 0)
			return why_fail(why, r, "cannot write its record in " BIND_DIR ": %s", strerror(-r));
	}
	r = set_driver(&dev, VFIO_PCI, VFIO_PCI, why);
	if (r < 0)
		why_remedy(why, r, "see `dmesg`; some devices are on a list of vfio-pci's that only "
				   "vfio_pci.disable_denylist=1 overrules");
	else
		r = node_give(dev.facts.group, user, why);
	return r < 0 ? undo(address, &rec, r, why) : 1;
}

int bind_restore(const char *address, struct why *why)
{
	struct bind_record rec;
	struct device dev;
	int r;

	if (!pci_bdf_valid(address))
		return why_fail(why, -EINVAL, "not a PCI address");
	r = bind_record_read(&rec, address);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return why_fail(why, r, "cannot read its record in " BIND_DIR ": %s", strerror(-r));
	r = device_look(&dev, address, why);
	/* Unplugged: there is nothing to put back. */
	if (r == -ENODEV)
		r = record_remove(address);
	else if (r == 0)
		r = put_back(&dev, &rec, why);
	return r < 0 ? r : 1;
}
