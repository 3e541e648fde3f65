/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migoffctl: what an operator does with migoffd.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "macros.h"

static const struct command *const commands[] = {
	&command_status,
	&command_engines,
	&command_move,
};

static void help(void)
{
	printf("usage: migoffctl [OPTION...] COMMAND [ARGUMENT...]\n\n"
	       "Moves the memory of processes between NUMA nodes by migoffd's DMA engines.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->help);
	printf("\n"
	       "  --socket PATH   migoffd's socket (/run/migoff/io.migoff, or $MIGOFF_SOCKET)\n"
	       "  --help          this text; after a command: its own\n"
	       "  --version       print the version\n\n"
	       "exit status: 0 done; 1 failed; 2 wrong usage; 3 some pages were not moved;\n"
	       "4 migoffd is not running or is degraded; 130 interrupted. See migoffctl(1).\n");
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	/* Known from the start, so that a complaint about another option is an object too. */
	for (int i = 1; i < argc; i++)
		ctl->json |= !strcmp(argv[i], "--json");

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, argv[0])) {
			optind = 0; /* begin again, with the command's own options */
			return commands[i]->run(ctl, argc, argv);
		}
	return ctl_fail(ctl, CTL_USAGE, "see: migoffctl --help", "there is no command \"%s\"",
			argv[0]);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{},
	};
	struct ctl ctl = {};
	int c;

	/* A reader that goes away is noticed by what is written. */
	signal(SIGPIPE, SIG_IGN);
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:h", options, NULL)) >= 0)
		switch (c) {
		case 's':
			ctl.socket = optarg;
			break;
		case 'h':
			help();
			return CTL_OK;
		case 'V':
			printf("migoffctl %s\n", MIGOFF_VERSION);
			return CTL_OK;
		default:
			return ctl_bad_option(&ctl, c, argv);
		}
	if (optind == argc)
		return ctl_fail(&ctl, CTL_USAGE, "see: migoffctl --help", "a command is missing");
	return run(&ctl, argc - optind, argv + optind);
}
