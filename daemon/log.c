/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
/* Where in the source a message comes from would always be here. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "macros.h"

#define LIMIT_INTERVAL_NS	(10 * UINT64_C(1000000000))
#define LIMIT_MESSAGES		10

static int max_priority = LOG_INFO;
static bool to_journal;
static bool with_prefix = true;

void log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	with_prefix = !isatty(STDERR_FILENO);
	if (stream && sscanf(stream, "%ju:%ju", &dev, &ino) == 2 && !fstat(STDERR_FILENO, &st))
		to_journal = st.st_dev == dev && st.st_ino == ino;
}

int log_set_level(const char *name)
{
	static const struct {
		const char *name;
		int priority;
	} levels[] = {
		{ "error", LOG_ERR },
		{ "warning", LOG_WARNING },
		{ "notice", LOG_NOTICE },
		{ "info", LOG_INFO },
		{ "debug", LOG_DEBUG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (!strcmp(levels[i].name, name)) {
			max_priority = levels[i].priority;
			return 0;
		}
	}
	return -EINVAL;
}

static void log_to_journal(int priority, const char *id, const char *text)
{
	if (id)
		sd_journal_send("PRIORITY=%d", priority, "MESSAGE=%s", text, "MESSAGE_ID=%s", id, NULL);
	else
		sd_journal_send("PRIORITY=%d", priority, "MESSAGE=%s", text, NULL);
}

void log_event(int priority, const char *id, const char *fmt, ...)
{
	int saved = errno;
	char text[2048];
	va_list ap;

	if (priority > max_priority)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);

	if (to_journal)
		log_to_journal(priority, id, text);
	else if (with_prefix)
		fprintf(stderr, "<%d>%s\n", priority, text);
	else
		fprintf(stderr, "%s\n", text);
	errno = saved;
}

bool log_allowed(struct log_limit *limit, uint64_t now_ns)
{
	if (!limit->since_ns || now_ns - limit->since_ns >= LIMIT_INTERVAL_NS) {
		if (limit->suppressed)
			log_notice("%u messages of the following kind were left out",
				   limit->suppressed);
		*limit = (struct log_limit){ .since_ns = now_ns };
	}
	if (limit->n < LIMIT_MESSAGES) {
		limit->n++;
		return true;
	}
	limit->suppressed++;
	return false;
}
