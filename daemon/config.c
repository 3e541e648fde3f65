/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define MAIN_FILE	"migoffd.conf"
#define DROP_IN_DIR	"migoffd.conf.d"

/* Of the operator, of this boot, of the package: an earlier one hides files of a later one. */
static const char *const usual_dirs[] = { "/etc/migoffd", "/run/migoffd", "/usr/lib/migoffd", NULL };

/* A load under way. @path, @f and @line are of the file that is being read. */
struct load {
	const struct config_report *report;
	bool strict;
	bool failed;
	struct config *config;
	const char *path;
	FILE *f;
	unsigned int line;
};

static void __attribute__((format(printf, 3, 4)))
complain(const struct config_report *report, bool is_error, const char *fmt, ...)
{
	char text[2 * CONFIG_VALUE_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report->message(report->userdata, is_error, text);
}

static const struct config_key *key_find(const char *section, const char *name, size_t *ret_index)
{
	const struct config_key *keys;
	size_t n;

	keys = config_keys(&n);
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(keys[i].name, name) && (!section || !strcmp(keys[i].section, section))) {
			*ret_index = i;
			return &keys[i];
		}
	}
	return NULL;
}

static void unknown_key(struct load *l, const char *section, const char *name)
{
	const struct config_key *elsewhere;
	size_t index;

	elsewhere = key_find(NULL, name, &index);
	complain(l->report, l->strict, "%s:%u: [%s] has no key %s=%s%s%s", l->path, l->line, section,
		 name, elsewhere ? ", it belongs into [" : "", elsewhere ? elsewhere->section : "",
		 elsewhere ? "]" : "");
	l->failed |= l->strict;
}

/* Called by inih for each key=value. Return: 1, for what is wrong has been dealt with here. */
static int assign(void *userdata, const char *section, const char *name, const char *value)
{
	char expected[CONFIG_VALUE_LEN];
	struct load *l = userdata;
	const struct config_key *key;
	size_t index;

	key = key_find(section, name, &index);
	if (!key) {
		unknown_key(l, section, name);
		return 1;
	}
	if (key->type->parse(l->config, key, *value ? value : key->value) < 0) {
		key->type->expect(key, expected);
		complain(l->report, true, "%s:%u: [%s] %s=%s: expected %s", l->path, l->line, section,
			 name, value, expected);
		l->failed = true;
		return 1;
	}
	l->config->origins[index] = (struct config_origin){
		.file = *value ? (int)l->config->n_files - 1 : -1,
		.line = l->line,
	};
	return 1;
}

/*
 * What inih calls for each line. It neither reports what it cannot hold nor tells its handler the line,
 * so both are done here.
 */
static char *read_line(char *str, int size, void *stream)
{
	struct load *l = stream;
	int c, n = 0;

	l->line++;
	while ((c = getc(l->f)) != EOF && c != '\n') {
		if (!c || n >= size - 2) {
			complain(l->report, true, "%s:%u: the line %s", l->path, l->line,
				 c ? "is too long" : "contains a NUL byte");
			l->failed = true;
			return NULL;
		}
		str[n++] = (char)c;
	}
	if (c == EOF && !n)
		return NULL;
	str[n++] = '\n';
	str[n] = '\0';
	return str;
}

static int remember_file(struct config *c, const char *path)
{
	char **files;

	files = reallocarray(c->files, c->n_files + 1, sizeof(*files));
	if (!files)
		return -ENOMEM;
	c->files = files;
	files[c->n_files] = strdup(path);
	if (!files[c->n_files])
		return -ENOMEM;
	c->n_files++;
	return 0;
}

static int cannot_read(struct load *l, const char *path, int r)
{
	complain(l->report, true, "%s: cannot be read: %s", path, strerror(-r));
	l->failed = true;
	return r;
}

/* Return: 0 also for what is wrong in the file, see l->failed; -ENOENT if there is none, unreported. */
static int load_file(struct load *l, const char *path)
{
	_cleanup_fclose_ FILE *f = NULL;
	int r;

	f = fopen(path, "re");
	if (!f && errno == ENOENT)
		return -ENOENT;
	if (!f)
		return cannot_read(l, path, -errno);
	r = remember_file(l->config, path);
	if (r < 0)
		return cannot_read(l, path, r);

	l->path = path;
	l->f = f;
	l->line = 0;
	/* A line that begins with a blank is a line like any other. */
	ini_allow_multiline = false;
	errno = 0;
	r = ini_parse_stream(read_line, l, assign, l);
	if (ferror(f))
		return cannot_read(l, path, errno ? -errno : -EIO);
	if (r < 0)
		return cannot_read(l, path, -ENOMEM);
	if (r > 0) {
		complain(l->report, true, "%s:%d: neither [section] nor key=value", path, r);
		l->failed = true;
	}
	return 0;
}

static void strings_free(char **strings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(strings[i]);
	free(strings);
}

/* Names of drop-ins, sorted, each with the directory that matters most. */
struct drop_ins {
	char **names;
	const char **dirs;
	size_t n;
};

static void drop_ins_done(struct drop_ins *d)
{
	strings_free(d->names, d->n);
	free(d->dirs);
}

static bool is_drop_in(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > strlen(".conf") &&
	       !strcmp(name + len - strlen(".conf"), ".conf");
}

static int drop_ins_insert(struct drop_ins *d, const char *dir, const char *name)
{
	const char **dirs;
	size_t at = 0;
	char **names;

	while (at < d->n && strcmp(d->names[at], name) < 0)
		at++;
	if (at < d->n && !strcmp(d->names[at], name))
		return 0;

	names = reallocarray(d->names, d->n + 1, sizeof(*names));
	if (names)
		d->names = names;
	dirs = reallocarray(d->dirs, d->n + 1, sizeof(*dirs));
	if (dirs)
		d->dirs = dirs;
	if (!names || !dirs)
		return -ENOMEM;
	memmove(names + at + 1, names + at, (d->n - at) * sizeof(*names));
	memmove(dirs + at + 1, dirs + at, (d->n - at) * sizeof(*dirs));
	dirs[at] = dir;
	names[at] = strdup(name);
	d->n++;
	return names[at] ? 0 : -ENOMEM;
}

static int drop_ins_collect(struct drop_ins *d, const char *dir)
{
	_cleanup_closedir_ DIR *stream = NULL;
	_cleanup_free_ char *path = NULL;
	const struct dirent *entry;
	int r = 0;

	if (asprintf(&path, "%s/" DROP_IN_DIR, dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	stream = opendir(path);
	if (!stream)
		return errno == ENOENT ? 0 : -errno;
	while (r >= 0 && (entry = readdir(stream))) {
		if (is_drop_in(entry->d_name))
			r = drop_ins_insert(d, dir, entry->d_name);
	}
	return r;
}

static int load_in(struct load *l, const char *dir, const char *sub, const char *name)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s%s", dir, sub, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return load_file(l, path);
}

static int load_dirs(struct load *l, const char *const *dirs)
{
	_cleanup_(drop_ins_done) struct drop_ins d = {};
	int r = -ENOENT;

	for (size_t i = 0; dirs[i] && r == -ENOENT; i++)
		r = load_in(l, dirs[i], "", MAIN_FILE);
	if (r < 0 && r != -ENOENT)
		return r;

	for (size_t i = 0; dirs[i]; i++) {
		r = drop_ins_collect(&d, dirs[i]);
		if (r < 0)
			return cannot_read(l, dirs[i], r);
	}
	for (size_t i = 0; i < d.n; i++) {
		r = load_in(l, d.dirs[i], DROP_IN_DIR "/", d.names[i]);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static struct config *config_new(void)
{
	const struct config_key *keys;
	struct config *c;
	size_t n;

	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	strcpy(c->data.hook, "/dev/migoff");
	keys = config_keys(&n);
	for (size_t i = 0; i < n; i++) {
		int r = keys[i].type->parse(c, &keys[i], keys[i].value);

		assert(r >= 0);
		c->origins[i].file = -1;
	}
	return c;
}

int config_load(const struct config_source *source, const struct config_report *report,
		struct config **ret)
{
	_cleanup_(config_freep) struct config *c = NULL;
	struct load l = { .report = report, .strict = source->strict };
	int r;

	c = config_new();
	if (!c)
		return -ENOMEM;
	l.config = c;
	if (source->file) {
		r = load_file(&l, source->file);
		if (r == -ENOENT)
			cannot_read(&l, source->file, r);
	} else {
		r = load_dirs(&l, source->dirs ?: usual_dirs);
	}
	if (r < 0)
		return r;
	if (l.failed)
		return -EINVAL;
	r = config_check(c, report);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

/* A complaint about a key that is right by itself, with the place where it was set. */
static void complain_of_key(const struct config *c, const struct config_report *report, bool is_error,
			    const char *section, const char *name, const char *text)
{
	const struct config_origin *origin;
	const struct config_key *key;
	char value[CONFIG_VALUE_LEN];
	size_t index;

	key = key_find(section, name, &index);
	assert(key);
	key->type->format(c, key, value);
	origin = &c->origins[index];
	if (origin->file >= 0)
		complain(report, is_error, "%s:%u: [%s] %s=%s: %s", c->files[origin->file],
			 origin->line, section, name, value, text);
	else
		complain(report, is_error, "[%s] %s=%s (the default): %s", section, name, value, text);
}

int config_check(const struct config *c, const struct config_report *report)
{
	const struct policy_config *p = &c->data.policy;
	int r = 0;

	if (p->min_folio & (p->min_folio - 1)) {
		complain_of_key(c, report, true, "policy", "min-folio", "expected a power of two");
		r = -EINVAL;
	}
	if (p->max_page_blocked_ns >= c->data.deadline_ns) {
		complain_of_key(c, report, true, "policy", "max-page-blocked",
				"has to be less than deadline=");
		r = -EINVAL;
	}
	if (c->data.fault[0])
		complain_of_key(c, report, false, "engine", "fault", "engines will fail on purpose");
	return r;
}

struct config *config_free(struct config *c)
{
	if (!c)
		return NULL;
	strings_free(c->files, c->n_files);
	free(c);
	return NULL;
}

int config_dump(const struct config *c, FILE *f)
{
	const struct config_key *keys;
	const char *section = "";
	size_t n;

	keys = config_keys(&n);
	for (size_t i = 0; i < n; i++) {
		const struct config_origin *origin = &c->origins[i];
		char value[CONFIG_VALUE_LEN];

		if (strcmp(section, keys[i].section))
			fprintf(f, "%s[%s]\n", i ? "\n" : "", keys[i].section);
		section = keys[i].section;
		if (origin->file >= 0)
			fprintf(f, "# %s:%u\n", c->files[origin->file], origin->line);
		keys[i].type->format(c, &keys[i], value);
		fprintf(f, "%s=%s\n", keys[i].name, value);
	}
	return fflush(f) || ferror(f) ? -EIO : 0;
}
