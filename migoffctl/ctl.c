/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-varlink.h>

#include "cleanup.h"

#define DEFAULT_SOCKET	"/run/migoff/io.migoff"
#define CALL_TIMEOUT_US	(5 * 1000 * 1000)

static void unrefp(sd_json_variant **v)
{
	sd_json_variant_unref(*v);
}

int ctl_print_json(sd_json_variant *object)
{
	int r;

	r = sd_json_variant_dump(object, SD_JSON_FORMAT_NEWLINE | SD_JSON_FORMAT_PRETTY_AUTO, stdout,
				 NULL);
	if (r >= 0 && fflush(stdout))
		r = -errno;
	if (r < 0) {
		fprintf(stderr, "migoffctl: cannot write: %s\n", strerror(-r));
		return CTL_FAILED;
	}
	return CTL_OK;
}

int ctl_fail(const struct ctl *ctl, int status, const char *remedy, const char *format, ...)
{
	_cleanup_(unrefp) sd_json_variant *v = NULL;
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = vasprintf(&text, format, ap);
	va_end(ap);
	if (r < 0) {
		text = NULL;
		return status;
	}

	fprintf(stderr, "migoffctl: %s\n", text);
	if (remedy)
		fprintf(stderr, "migoffctl: %s\n", remedy);
	if (ctl->json &&
	    sd_json_buildo(&v, SD_JSON_BUILD_PAIR_STRING("error", text),
			   SD_JSON_BUILD_PAIR_CONDITION(!!remedy, "remedy",
							SD_JSON_BUILD_STRING(remedy)),
			   SD_JSON_BUILD_PAIR_INTEGER("exitStatus", status)) >= 0)
		(void)ctl_print_json(v);
	return status;
}

static const char *socket_path(const struct ctl *ctl)
{
	const char *path = ctl->socket ?: getenv("MIGOFF_SOCKET");

	return path && *path ? path : DEFAULT_SOCKET;
}

int ctl_fail_connect(const struct ctl *ctl, int error)
{
	const char *path = socket_path(ctl);

	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		return ctl_fail(ctl, CTL_NO_DAEMON, "start it: systemctl start migoffd",
				"migoffd is not running: nothing listens on %s", path);
	case -EACCES:
		return ctl_fail(ctl, CTL_FAILED,
				"be root, or become a member of the group that migoffd.conf(5) names",
				"you may not use migoffd (%s)", path);
	case -EPROTONOSUPPORT:
		return ctl_fail(ctl, CTL_FAILED, "restart it: systemctl restart migoffd",
				"migoffd at %s is of another version than migoffctl", path);
	case -EUSERS:
		return ctl_fail(ctl, CTL_FAILED, "wait, or raise the limit in migoffd.conf(5)",
				"migoffd has as many clients as it allows");
	case -EHOSTDOWN:
		return ctl_fail(ctl, CTL_NO_DAEMON, "see: systemctl status migoffd",
				"migoffd at %s does not answer", path);
	default:
		return ctl_fail(ctl, CTL_NO_DAEMON, "see: systemctl status migoffd",
				"cannot reach migoffd at %s: %s", path, strerror(-error));
	}
}

static void link_unrefp(sd_varlink **link)
{
	sd_varlink_close_unref(*link);
}

int ctl_query(const struct ctl *ctl, const char *method, sd_json_variant **ret)
{
	_cleanup_(link_unrefp) sd_varlink *link = NULL;
	sd_json_variant *reply = NULL;
	const char *error = NULL;
	int r;

	r = sd_varlink_connect_address(&link, socket_path(ctl));
	if (r < 0)
		return ctl_fail_connect(ctl, r);
	r = sd_varlink_set_relative_timeout(link, CALL_TIMEOUT_US);
	if (r >= 0)
		r = sd_varlink_call(link, method, NULL, &reply, &error);
	if (r < 0)
		return ctl_fail_connect(ctl, -EHOSTDOWN);
	if (error && !strcmp(error, SD_VARLINK_ERROR_TIMEOUT))
		return ctl_fail_connect(ctl, -EHOSTDOWN);
	if (error)
		return ctl_fail(ctl, CTL_FAILED, NULL, "migoffd answers %s with %s", method, error);
	*ret = sd_json_variant_ref(reply);
	return CTL_OK;
}

int ctl_bad_option(const struct ctl *ctl, int c, char **argv)
{
	return ctl_fail(ctl, CTL_USAGE, "see --help", c == ':' ? "%s wants a value" :
			"there is no option %s", argv[optind - 1]);
}

/* Return: -1 to go on, or an exit status. */
static int plain_options(const struct ctl *ctl, int argc, char **argv, const char *help)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int c;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) >= 0)
		switch (c) {
		case 'j':
			break;
		case 'h':
			fputs(help, stdout);
			return CTL_OK;
		default:
			return ctl_bad_option(ctl, c, argv);
		}
	if (optind != argc)
		return ctl_fail(ctl, CTL_USAGE, "see --help", "%s takes no argument: \"%s\"",
				argv[0], argv[optind]);
	return -1;
}

int ctl_ask(const struct ctl *ctl, int argc, char **argv, const struct question *q)
{
	_cleanup_(unrefp) sd_json_variant *answer = NULL;
	int r;

	r = plain_options(ctl, argc, argv, q->help);
	if (r >= 0)
		return r;
	r = ctl_query(ctl, q->method, &answer);
	if (r)
		return r;
	if (ctl->json) {
		r = ctl_print_json(answer);
		if (r)
			return r;
	} else {
		q->print(answer);
	}
	return q->judge ? q->judge(answer) : CTL_OK;
}

uint64_t json_uint(sd_json_variant *v, const char *key)
{
	v = sd_json_variant_by_key(v, key);
	return v && sd_json_variant_is_unsigned(v) ? sd_json_variant_unsigned(v) : 0;
}

const char *json_string(sd_json_variant *v, const char *key)
{
	v = sd_json_variant_by_key(v, key);
	return v && sd_json_variant_is_string(v) ? sd_json_variant_string(v) : "";
}

bool json_bool(sd_json_variant *v, const char *key)
{
	v = sd_json_variant_by_key(v, key);
	return v && sd_json_variant_is_boolean(v) && sd_json_variant_boolean(v);
}
