/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of migoffctl share: the way to the daemon, and one way to fail.
 *
 * A command returns its exit status. With --json it writes exactly one object to standard output,
 * also when it fails; people's text of a failure goes to standard error in any case.
 */
#ifndef MIGOFF_MIGOFFCTL_CTL_H
#define MIGOFF_MIGOFFCTL_CTL_H

#include <stdbool.h>
#include <systemd/sd-json.h>

/* Exit statuses; migoffctl(1) lists them. */
enum {
	CTL_OK		= 0,
	CTL_FAILED	= 1,
	CTL_USAGE	= 2,
	CTL_INCOMPLETE	= 3,	/* pages that should have been moved were not */
	CTL_NO_DAEMON	= 4,	/* or it is degraded */
	CTL_INTERRUPTED	= 130,
};

struct ctl {
	const char *socket;	/* NULL: the usual one */
	bool json;		/* noted by main() wherever it stands among the arguments */
};

struct command {
	const char *name;
	const char *help;	/* one line */
	int (*run)(const struct ctl *ctl, int argc, char **argv);
};

extern const struct command command_engines;
extern const struct command command_move;
extern const struct command command_status;

/**
 * ctl_fail() - Report a failure.
 * @ctl: how.
 * @status: the exit status.
 * @remedy: what to do about it, or NULL.
 * @format: what is wrong.
 *
 * Return: @status.
 */
int ctl_fail(const struct ctl *ctl, int status, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * ctl_fail_connect() - Report that the daemon cannot be reached.
 * @ctl: how.
 * @error: negative errno of the attempt.
 *
 * Return: CTL_NO_DAEMON, or CTL_FAILED when there is one which the caller may not use.
 */
int ctl_fail_connect(const struct ctl *ctl, int error);

/**
 * ctl_print_json() - Write the one object.
 * @object: it.
 *
 * Return: CTL_OK, or CTL_FAILED when it could not be written.
 */
int ctl_print_json(sd_json_variant *object);

/**
 * ctl_query() - Ask the daemon something without parameters.
 * @ctl: where.
 * @method: such as "io.migoff.GetStatus".
 * @ret: receives the answer, to be unreferenced.
 *
 * Return: CTL_OK, or an exit status after the failure has been reported.
 */
int ctl_query(const struct ctl *ctl, const char *method, sd_json_variant **ret);

/**
 * struct question - A command that asks the daemon something, and takes no option but --json and --help.
 * @method: such as "io.migoff.GetStatus"; it has no parameters.
 * @help: printed for --help.
 * @print: writes the answer for people; with --json the answer is the object.
 * @judge: the exit status that an answer means; NULL: CTL_OK.
 */
struct question {
	const char *method;
	const char *help;
	void (*print)(sd_json_variant *answer);
	int (*judge)(sd_json_variant *answer);
};

/**
 * ctl_ask() - All of such a command.
 * @ctl: how, and where.
 * @argc: of the command.
 * @argv: of the command.
 * @q: what is asked.
 *
 * Return: the exit status.
 */
int ctl_ask(const struct ctl *ctl, int argc, char **argv, const struct question *q);

/**
 * ctl_bad_option() - Report what getopt_long() stumbled over.
 * @ctl: how.
 * @c: what it returned: '?' or ':'.
 * @argv: its argument.
 *
 * Return: CTL_USAGE.
 */
int ctl_bad_option(const struct ctl *ctl, int c, char **argv);

/* Fields of an answer; 0 and "" when they are not there, as in one of another version. */
uint64_t json_uint(sd_json_variant *v, const char *key);
const char *json_string(sd_json_variant *v, const char *key);
bool json_bool(sd_json_variant *v, const char *key);

#endif
