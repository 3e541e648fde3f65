/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migoff-bind: hands the devices that migoffd is configured to use to it, and puts them back.
 *
 * It runs as root before migoffd, which does not, and is the only part that changes the binding of
 * devices.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-json.h>
#include <unistd.h>

#include "bind.h"
#include "cleanup.h"
#include "list.h"
#include "macros.h"

static const char *arg_user = SERVICE_USER;
static bool arg_json;

static void usage(FILE *f)
{
	fputs("usage: migoff-bind [OPTION...] COMMAND [DEVICE...]\n"
	      "\n"
	      "  bind           take the devices from their drivers, for VFIO, and give their\n"
	      "                 IOMMU groups to the service's user; without DEVICE: those of\n"
	      "                 migoffd's configuration\n"
	      "  unbind         put the devices back as they were; without DEVICE: all that\n"
	      "                 were bound\n"
	      "  status         show the devices configured or bound\n"
	      "\n"
	      "  --user=USER    who gets the groups (" SERVICE_USER ")\n"
	      "  --json         status in JSON\n"
	      "  -h, --help     show this help\n"
	      "  --version      show the version\n"
	      "\n"
	      "A DEVICE is a PCI address such as 0000:00:05.0.\n"
	      "Exit status: 0 done, 1 some device was refused (the others are done), 2 wrong usage.\n",
	      f);
}

static int complain(const char *address, const struct why *why)
{
	fprintf(stderr, "%s: %s%s%s\n", address, why->cause, why->remedy[0] ? "; " : "", why->remedy);
	return 1;
}

static int bind_all(const struct list *devices)
{
	const struct passwd *pw = getpwnam(arg_user);
	int status = 0;

	if (!pw) {
		fprintf(stderr, "there is no user %s: systemd-sysusers makes it\n", arg_user);
		return 1;
	}
	if (devices->n == 0)
		puts("no device is configured");
	for (size_t i = 0; i < devices->n; i++) {
		struct why why = { "", "" };
		int r = bind_take(devices->items[i], pw->pw_uid, &why);

		if (r < 0)
			status = complain(devices->items[i], &why);
		else
			printf("%s: %s %s\n", devices->items[i], r ? "given to" : "was given before to",
			       arg_user);
	}
	return status;
}

static int unbind_all(const struct list *devices)
{
	int status = 0;

	for (size_t i = 0; i < devices->n; i++) {
		struct why why = { "", "" };
		int r = bind_restore(devices->items[i], &why);

		if (r < 0)
			status = complain(devices->items[i], &why);
		else
			printf("%s: %s\n", devices->items[i], r ? "put back" : "was not bound by migoff-bind");
	}
	return status;
}

/* A device as status shows it. */
struct row {
	struct device dev;
	char owner[32];
	char was[PCI_DRIVER_LEN];
	const char *state;
};

static void look_at(struct row *row, const char *address)
{
	struct bind_record rec;
	const struct passwd *pw;
	bool vfio, ours;
	uid_t uid;

	*row = (struct row){ .dev.facts.group = -1, .state = "missing" };
	if (device_look(&row->dev, address, NULL) < 0) {
		snprintf(row->dev.address, sizeof(row->dev.address), "%s", address);
		return;
	}
	ours = bind_record_read(&rec, address) == 0;
	vfio = !strcmp(row->dev.facts.driver, "vfio-pci");
	row->state = ours ? vfio ? "bound" : "lost" : vfio ? "foreign" : "unbound";
	if (ours)
		strcpy(row->was, rec.driver);
	if (row->dev.facts.group < 0 || bind_node(row->dev.facts.group, &uid) < 0)
		return;
	pw = getpwuid(uid);
	if (pw)
		snprintf(row->owner, sizeof(row->owner), "%s", pw->pw_name);
	else
		snprintf(row->owner, sizeof(row->owner), "%" PRIu32, uid);
}

static int add_json(sd_json_variant **array, const struct row *row)
{
	return sd_json_variant_append_arraybo(
		array, SD_JSON_BUILD_PAIR_STRING("device", row->dev.address),
		SD_JSON_BUILD_PAIR_STRING("state", row->state),
		SD_JSON_BUILD_PAIR_CONDITION(row->dev.facts.driver[0], "driver",
					     SD_JSON_BUILD_STRING(row->dev.facts.driver)),
		SD_JSON_BUILD_PAIR_CONDITION(row->dev.facts.group >= 0, "group",
					     SD_JSON_BUILD_INTEGER(row->dev.facts.group)),
		SD_JSON_BUILD_PAIR_CONDITION(row->owner[0], "owner", SD_JSON_BUILD_STRING(row->owner)),
		SD_JSON_BUILD_PAIR_CONDITION(row->was[0], "was", SD_JSON_BUILD_STRING(row->was)));
}

static const char *or_dash(const char *text)
{
	return text[0] ? text : "-";
}

static int show_status(const struct list *devices)
{
	sd_json_variant *array = NULL;
	struct row row;
	int r;

	if (!arg_json)
		printf("%-13s %-8s %-10s %6s %-10s %s\n", "DEVICE", "STATE", "DRIVER", "GROUP", "OWNER", "WAS");
	else if ((r = sd_json_variant_new_array(&array, NULL, 0)) < 0)
		return complain("status", &(struct why){ .cause = "out of memory" });
	for (size_t i = 0; i < devices->n; i++) {
		look_at(&row, devices->items[i]);
		if (arg_json && add_json(&array, &row) < 0) {
			sd_json_variant_unref(array);
			return complain(row.dev.address, &(struct why){ .cause = "out of memory" });
		}
		if (!arg_json)
			printf("%-13s %-8s %-10s %6d %-10s %s\n", row.dev.address, row.state,
			       or_dash(row.dev.facts.driver), row.dev.facts.group, or_dash(row.owner),
			       or_dash(row.was));
	}
	if (arg_json)
		sd_json_variant_dump(array, SD_JSON_FORMAT_PRETTY_AUTO | SD_JSON_FORMAT_NEWLINE, stdout,
				     NULL);
	sd_json_variant_unref(array);
	return 0;
}

/* What a command does, and which devices it means when none is named. */
static const struct command {
	const char *name;
	int (*run)(const struct list *devices);
	bool changes, configured, recorded;
} commands[] = {
	{ "bind", bind_all, .changes = true, .configured = true },
	{ "unbind", unbind_all, .changes = true, .recorded = true },
	{ "status", show_status, .configured = true, .recorded = true },
};

static int choose(const struct command *command, char **names, struct list *ret)
{
	int r = 0;

	for (; *names; names++) {
		r = list_add(ret, *names);
		if (r < 0)
			return r;
	}
	if (ret->n > 0)
		return 0;
	if (command->configured)
		r = list_add_configured(ret);
	if (r == 0 && command->recorded)
		r = list_add_recorded(ret);
	return r;
}

static int run(const struct command *command, char **names)
{
	_cleanup_(list_done) struct list devices = { NULL, 0 };
	_cleanup_close_ int lock = -1;
	int r;

	if (command->changes) {
		lock = bind_lock();
		if (lock < 0) {
			fprintf(stderr, "cannot use %s: %s\n", BIND_DIR, strerror(-lock));
			return 1;
		}
	}
	r = choose(command, names, &devices);
	if (r < 0) {
		fprintf(stderr, "cannot tell which devices are meant: %s\n", strerror(-r));
		return 1;
	}
	return command->run(&devices);
}

int main(int argc, char *argv[])
{
	enum { ARG_USER = 256, ARG_JSON, ARG_VERSION };
	static const struct option options[] = {
		{ "user", required_argument, NULL, ARG_USER },
		{ "json", no_argument, NULL, ARG_JSON },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, ARG_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (c) {
		case ARG_USER:
			arg_user = optarg;
			break;
		case ARG_JSON:
			arg_json = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case ARG_VERSION:
			puts("migoff-bind " VERSION);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	for (size_t i = 0; optind < argc && i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[optind], commands[i].name))
			return run(&commands[i], argv + optind + 1);
	usage(stderr);
	return 2;
}
