/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "control.h"
#include "log.h"

#define DEFAULT_SOCKET "/run/migoff/io.migoff"

/* As migoffd(8) lists them. */
enum exit_code {
	EXIT_FINE,
	EXIT_FAILED,
	EXIT_USAGE,
	EXIT_CONFIG,
};

enum action {
	ACTION_RUN,
	ACTION_CHECK,
	ACTION_DUMP,
};

static struct control_options arg_options = { .socket = DEFAULT_SOCKET };
static enum action arg_action = ACTION_RUN;

static void help(void)
{
	printf("usage: migoffd [OPTION...]\n\n"
	       "Has the memory of processes moved between NUMA nodes by a DMA engine.\n\n"
	       "  --config=PATH      read only this file\n"
	       "  --strict           keys that are not known are errors\n"
	       "  --check-config     tell whether the configuration is right, and end\n"
	       "  --dump-config      write the configuration in effect, and end\n"
	       "  --socket=PATH      listen here unless a socket is passed (" DEFAULT_SOCKET ")\n"
	       "  --log-level=LEVEL  error, warning, notice, info or debug (info)\n"
	       "  --version          write the version, and end\n"
	       "  --help             write this, and end\n\n"
	       "exit status: 0 fine; 1 failed; 2 wrong usage; 3 wrong configuration\n\n"
	       "See migoffd(8) and migoffd.conf(5).\n");
}

static int usage_error(const char *what, const char *arg)
{
	fprintf(stderr, "migoffd: %s%s\nTry 'migoffd --help'.\n", what, arg);
	return EXIT_USAGE;
}

/* Return: -1 to go on, else the exit code. */
static int parse_options(int argc, char **argv)
{
	enum { OPT_CONFIG, OPT_STRICT, OPT_CHECK, OPT_DUMP, OPT_SOCKET, OPT_LEVEL, OPT_VERSION,
	       OPT_HELP };
	static const struct option options[] = {
		{ "config", required_argument, NULL, OPT_CONFIG },
		{ "strict", no_argument, NULL, OPT_STRICT },
		{ "check-config", no_argument, NULL, OPT_CHECK },
		{ "dump-config", no_argument, NULL, OPT_DUMP },
		{ "socket", required_argument, NULL, OPT_SOCKET },
		{ "log-level", required_argument, NULL, OPT_LEVEL },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ "help", no_argument, NULL, OPT_HELP },
		{},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPT_CONFIG:
			arg_options.config.file = optarg;
			break;
		case OPT_STRICT:
			arg_options.config.strict = true;
			break;
		case OPT_CHECK:
			arg_action = ACTION_CHECK;
			break;
		case OPT_DUMP:
			arg_action = ACTION_DUMP;
			break;
		case OPT_SOCKET:
			arg_options.socket = optarg;
			break;
		case OPT_LEVEL:
			if (log_set_level(optarg) < 0)
				return usage_error("there is no log level ", optarg);
			break;
		case OPT_VERSION:
			puts("migoffd " MIGOFF_VERSION);
			return EXIT_FINE;
		case OPT_HELP:
			help();
			return EXIT_FINE;
		default:
			/* getopt_long() has said what is wrong. */
			fprintf(stderr, "Try 'migoffd --help'.\n");
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return usage_error("unexpected argument ", argv[optind]);
	return -1;
}

static void report_to_person(void *userdata, bool is_error, const char *text)
{
	fprintf(stderr, "%s: %s\n", is_error ? "error" : "warning", text);
}

static void report_to_log(void *userdata, bool is_error, const char *text)
{
	log_event(is_error ? LOG_ERR : LOG_WARNING, NULL, "%s", text);
}

int main(int argc, char **argv)
{
	struct config_report report = { .message = report_to_log };
	struct config *config = NULL;
	int r;

	r = parse_options(argc, argv);
	if (r >= 0)
		return r;
	log_open();
	if (arg_action != ACTION_RUN)
		report.message = report_to_person;
	r = config_load(&arg_options.config, &report, &config);
	if (r < 0)
		return r == -ENOMEM ? EXIT_FAILED : EXIT_CONFIG;

	switch (arg_action) {
	case ACTION_CHECK:
		config_free(config);
		return EXIT_FINE;
	case ACTION_DUMP:
		r = config_dump(config, stdout);
		config_free(config);
		return r < 0 ? EXIT_FAILED : EXIT_FINE;
	case ACTION_RUN:
		break;
	}
	return control_run(&arg_options, config) < 0 ? EXIT_FAILED : EXIT_FINE;
}
