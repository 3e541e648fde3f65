/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's log: to the journal with structure, or to standard error, one line each.
 *
 * Only the control plane's thread logs. It can be held up by the journal, and the data plane must
 * never be.
 */
#ifndef MIGOFF_DAEMON_LOG_H
#define MIGOFF_DAEMON_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

/* What happened, for whoever filters the journal: `journalctl MESSAGE_ID=...`. Never reused. */
#define LOG_ID_READY		"0ed47ad3053a40c5a8426063832ed9dd"
#define LOG_ID_DEGRADED		"5ea30d26360c450c9e8041eef1a4c7d5"
#define LOG_ID_ENGINE		"ccb19c822daf42019225593bab18a60c"
#define LOG_ID_RELOADED		"d5af5ae9fa034690a90ea902854e7717"
#define LOG_ID_RELOAD_FAILED	"c7c0354d7ce24fc39a83a75258ee5bac"
#define LOG_ID_CLIENT_CUT	"80b5ecce479e4ba3ad1f125fe0cc298e"
#define LOG_ID_REFUSED		"d7bca95591bf4a49bd1e85401697f641"
#define LOG_ID_STUCK		"0e8215b89e344c23b9776c2c014de8a2"
#define LOG_ID_STOPPING		"f26253e41a9e4571ae4b1087ad57581f"

/**
 * log_open() - Find out where the log goes.
 *
 * The journal if standard error is connected to it (JOURNAL_STREAM names it), else standard error,
 * with "<n>" before each line unless a person is reading.
 */
void log_open(void);

/**
 * log_set_level() - Leave out what is less important.
 * @name: "error", "warning", "notice", "info" or "debug".
 *
 * Return: 0, or -EINVAL for another word.
 */
int log_set_level(const char *name);

/**
 * log_event() - Log.
 * @priority: LOG_ERR to LOG_DEBUG.
 * @id: LOG_ID_* or NULL.
 * @fmt: the message, without a final newline.
 */
void log_event(int priority, const char *id, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...) log_event(LOG_ERR, NULL, __VA_ARGS__)
#define log_warning(...) log_event(LOG_WARNING, NULL, __VA_ARGS__)
#define log_notice(...) log_event(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_info(...) log_event(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_event(LOG_DEBUG, NULL, __VA_ARGS__)

/**
 * struct log_limit - Keeps clients from filling the log. All zero to begin with.
 * @since_ns: when the present interval began.
 * @n: messages in it.
 * @suppressed: messages left out.
 */
struct log_limit {
	uint64_t since_ns;
	unsigned int n;
	unsigned int suppressed;
};

/**
 * log_allowed() - Whether a message of a kind may be logged: ten in ten seconds.
 * @limit: of this kind.
 * @now_ns: CLOCK_MONOTONIC.
 *
 * Says first how many were left out, when the next interval begins.
 */
bool log_allowed(struct log_limit *limit, uint64_t now_ns);

#endif
