/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "macros.h"
#include "test.h"

static char dir[] = "/tmp/test-config-XXXXXX";

/* What was complained of, a line each; errors begin with "E ", warnings with "W ". */
static char complaints[16384];

static void collect(void *userdata, bool is_error, const char *text)
{
	size_t len = strlen(complaints);

	snprintf(complaints + len, sizeof(complaints) - len, "%s %s\n", is_error ? "E" : "W", text);
}

static const struct config_report report = { .message = collect };

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_bytes(const char *name, const char *text, size_t len)
{
	_cleanup_fclose_ FILE *f = fopen(path_of(name), "we");

	EXPECT_TRUE(f);
	EXPECT_EQ(fwrite(text, 1, len, f), len);
}

static void write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static int load(const char *text, bool strict, struct config **ret)
{
	char path[256];
	struct config_source source = { .file = path, .strict = strict };

	write_file("only.conf", text);
	snprintf(path, sizeof(path), "%s", path_of("only.conf"));
	complaints[0] = '\0';
	return config_load(&source, &report, ret);
}

/* @expected: what is complained of after the file's name. */
static void expect_complaint(const char *text, bool strict, int result, const char *expected)
{
	_cleanup_(config_freep) struct config *c = NULL;
	char line[1024];

	EXPECT_EQ(load(text, strict, &c), result);
	snprintf(line, sizeof(line), "%c %s%s\n", expected[0], path_of("only.conf"), expected + 1);
	EXPECT_STR(complaints, line);
	/* Nothing is handed out unless everything is right. */
	EXPECT_EQ(!c, result < 0);
}

/* An empty file gives the defaults, which agree with each other. */
static void test_defaults(void)
{
	_cleanup_(config_freep) struct config *c = NULL;

	EXPECT_OK(load("", true, &c));
	EXPECT_STR(complaints, "");
	EXPECT_EQ(c->data.n_devices, 0);
	EXPECT_EQ(c->data.policy.min_folio, 4 << 10);
	EXPECT_EQ(c->data.deadline_ns, 1000000000);
	EXPECT_TRUE(!c->data.expire_copy);
	EXPECT_EQ(c->data.verify, DATAPLANE_VERIFY_AUTO);
	EXPECT_EQ(c->gid, (gid_t)-1);
	EXPECT_STR(c->data.hook, "/dev/migoff");
}

/* Each kind of value arrives where it belongs. */
static void test_values(void)
{
	_cleanup_(config_freep) struct config *c = NULL;

	EXPECT_OK(load("[engine]\n"
		       "devices=0000:00:05.0 06:1F.7\n"
		       "  max-errors = 7 ; not more\n"
		       "; a comment\n"
		       "# another\n"
		       "[policy]\n"
		       "min-folio=2M\n"
		       "deadline=1.5s\n"
		       "on-deadline=copy\n"
		       "verify=full\n"
		       "[access]\n"
		       "group=0\n"
		       "max-clients=3\n"
		       "[engine]\n"
		       "devices=0001:00:05.1",
		       true, &c));
	EXPECT_STR(complaints, "");
	EXPECT_EQ(c->data.n_devices, 3);
	EXPECT_STR(c->data.devices[0], "0000:00:05.0");
	EXPECT_STR(c->data.devices[1], "0000:06:1f.7");
	EXPECT_STR(c->data.devices[2], "0001:00:05.1");
	EXPECT_EQ(c->data.policy.max_errors, 7);
	EXPECT_EQ(c->data.policy.min_folio, 2 << 20);
	EXPECT_EQ(c->data.deadline_ns, 1500000000);
	EXPECT_TRUE(c->data.expire_copy);
	EXPECT_EQ(c->data.verify, DATAPLANE_VERIFY_FULL);
	EXPECT_EQ(c->gid, 0);
	EXPECT_EQ(c->data.max_clients, 3);
}

/* The last one counts; an empty value is the default again, and an empty list. */
static void test_reset(void)
{
	_cleanup_(config_freep) struct config *c = NULL;

	EXPECT_OK(load("[engine]\n"
		       "devices=0000:00:05.0\n"
		       "devices=\n"
		       "devices=0000:00:06.0\n"
		       "max-errors=5\n"
		       "max-errors=\n"
		       "[policy]\n"
		       "deadline=2s\n"
		       "deadline=3s\n",
		       true, &c));
	EXPECT_EQ(c->data.n_devices, 1);
	EXPECT_STR(c->data.devices[0], "0000:00:06.0");
	EXPECT_EQ(c->data.policy.max_errors, 3);
	EXPECT_EQ(c->data.deadline_ns, 3000000000);
}

/* Each kind of mistake is named with file, line, key and what was expected. */
static void test_mistakes(void)
{
	expect_complaint("[policy]\ndeadline=17x\n", false, -EINVAL,
			 "E:2: [policy] deadline=17x: expected a time from 1ms to 10s");
	expect_complaint("[policy]\n\ndeadline=11s\n", false, -EINVAL,
			 "E:3: [policy] deadline=11s: expected a time from 1ms to 10s");
	expect_complaint("[policy]\nmin-folio=-64K\n", false, -EINVAL,
			 "E:2: [policy] min-folio=-64K: expected a size from 4K to 2M");
	expect_complaint("[policy]\nverify=some\n", false, -EINVAL,
			 "E:2: [policy] verify=some: expected one of auto, off, sampled, full");
	expect_complaint("[policy]\non-deadline=move\n", false, -EINVAL,
			 "E:2: [policy] on-deadline=move: expected one of leave, copy");
	expect_complaint("[access]\nmax-clients=many\n", false, -EINVAL,
			 "E:2: [access] max-clients=many: expected a number from 1 to 1024");
	expect_complaint("[access]\nmax-clients=0\n", false, -EINVAL,
			 "E:2: [access] max-clients=0: expected a number from 1 to 1024");
	expect_complaint("[access]\ngroup=no-such-group\n", false, -EINVAL,
			 "E:2: [access] group=no-such-group: expected the name or number of a group "
			 "that exists");
	expect_complaint("[engine]\nfault=sometimes\n", false, -EINVAL,
			 "E:2: [engine] fault=sometimes: expected faults such as error:every=7 or "
			 "delay:us=50");
	expect_complaint("nonsense\n", false, -EINVAL, "E:1: neither [section] nor key=value");
	expect_complaint("[policy\n", false, -EINVAL, "E:1: neither [section] nor key=value");
}

static void test_device_mistakes(void)
{
	static const char *const bad[] = { "0000:00:05", "0000:00:20.0", "0000:00:05.8", "00000:00:05.0",
					   "0000:00:05.0x", "nvme0", "0000:00:05.0 0000:00:05.0",
					   "0000:00:05.0 00:05.0", "-1:00:05.0", "0 00:05.0" };
	char text[256], expected[512];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "[engine]\ndevices=%s\n", bad[i]);
		snprintf(expected, sizeof(expected),
			 "E:2: [engine] devices=%s: expected PCI addresses such as 0000:00:05.0, each "
			 "once, at most 8 in all", bad[i]);
		expect_complaint(text, false, -EINVAL, expected);
	}
	expect_complaint("[engine]\ndevices=0:0.0 0:1.0 0:2.0 0:3.0\ndevices=0:4.0 0:5.0 0:6.0 0:7.0\n"
			 "devices=0:8.0\n", false, -EINVAL,
			 "E:4: [engine] devices=0:8.0: expected PCI addresses such as 0000:00:05.0, "
			 "each once, at most 8 in all");
}

/* Unknown keys are pointed out, and are errors only where that was asked for. */
static void test_unknown(void)
{
	expect_complaint("[policy]\nspeed=9\n", false, 0, "W:2: [policy] has no key speed=");
	expect_complaint("[policy]\nspeed=9\n", true, -EINVAL, "E:2: [policy] has no key speed=");
	expect_complaint("[engine]\ndeadline=1s\n", false, 0,
			 "W:2: [engine] has no key deadline=, it belongs into [policy]");
	expect_complaint("deadline=1s\n", true, -EINVAL,
			 "E:1: [] has no key deadline=, it belongs into [policy]");
}

/* Values that contradict each other are refused, at the place where they were set. */
static void test_contradictions(void)
{
	_cleanup_(config_freep) struct config *c = NULL;

	expect_complaint("[policy]\nmax-page-blocked=1h\n", false, -EINVAL,
			 "E:2: [policy] max-page-blocked=1h: expected a time from 0ns to 10s");
	expect_complaint("[policy]\nmax-page-blocked=-1ms\n", false, -EINVAL,
			 "E:2: [policy] max-page-blocked=-1ms: expected a time from 0ns to 10s");
	expect_complaint("[policy]\nmax-page-blocked=2s\n", false, -EINVAL,
			 "E:2: [policy] max-page-blocked=2s: has to be less than deadline=");
	expect_complaint("[policy]\nmin-folio=96K\n", false, -EINVAL,
			 "E:2: [policy] min-folio=96K: expected a power of two");
	expect_complaint("[engine]\nfault=lost:at=1\n", false, 0,
			 "W:2: [engine] fault=lost:at=1: engines will fail on purpose");
	EXPECT_EQ(load("[policy]\ndeadline=10ms\n", false, &c), -EINVAL);
	EXPECT_STR(complaints, "E [policy] max-page-blocked=20ms (the default): has to be less than "
			       "deadline=\n");
}

/* All mistakes are reported in one go. */
static void test_all_reported(void)
{
	_cleanup_(config_freep) struct config *c = NULL;
	int n = 0;

	EXPECT_EQ(load("[policy]\ndeadline=x\nverify=y\nmin-folio=z\n", false, &c), -EINVAL);
	for (const char *s = complaints; (s = strchr(s, '\n')); s++)
		n++;
	EXPECT_EQ(n, 3);
}

/* Lines that cannot be held, and bytes that would end a string, are refused instead of cut. */
static void test_odd_bytes(void)
{
	static const char nul[] = "[policy]\ndeadline=1s\0ms\n";
	_cleanup_(config_freep) struct config *c = NULL;
	char path[256], text[600];
	struct config_source source = { .file = path };

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	expect_complaint(text, false, -EINVAL, "E:1: the line is too long");

	write_bytes("nul.conf", nul, sizeof(nul) - 1);
	snprintf(path, sizeof(path), "%s", path_of("nul.conf"));
	complaints[0] = '\0';
	EXPECT_EQ(config_load(&source, &report, &c), -EINVAL);
	EXPECT_TRUE(strstr(complaints, ":2: the line contains a NUL byte"));
}

/* A file that was named has to be there and be readable. */
static void test_unreadable(void)
{
	_cleanup_(config_freep) struct config *c = NULL;
	struct config_source source = { .file = "/nonexistent/migoffd.conf" };

	complaints[0] = '\0';
	EXPECT_EQ(config_load(&source, &report, &c), -ENOENT);
	EXPECT_STR(complaints, "E /nonexistent/migoffd.conf: cannot be read: No such file or "
			       "directory\n");
	source.file = dir;
	complaints[0] = '\0';
	EXPECT_EQ(config_load(&source, &report, &c), -EISDIR);
	EXPECT_TRUE(strstr(complaints, ": cannot be read: Is a directory\n"));
}

static void make_dir(const char *name)
{
	EXPECT_OK(mkdir(path_of(name), 0700));
}

/*
 * Of the main files the first counts; of drop-ins all, in the order of their names, and one hides
 * those of its name in directories that matter less, also by being a link to /dev/null.
 */
static void test_directories(void)
{
	_cleanup_(config_freep) struct config *c = NULL;
	char high[256], low[256];
	const char *const dirs[] = { high, low, NULL };
	struct config_source source = { .dirs = dirs, .strict = true };

	make_dir("high");
	make_dir("high/migoffd.conf.d");
	make_dir("low");
	make_dir("low/migoffd.conf.d");
	snprintf(high, sizeof(high), "%s", path_of("high"));
	snprintf(low, sizeof(low), "%s", path_of("low"));
	complaints[0] = '\0';
	EXPECT_OK(config_load(&source, &report, &c));
	EXPECT_EQ(c->n_files, 0);
	c = config_free(c);

	write_file("high/migoffd.conf", "[policy]\ndeadline=2s\n");
	write_file("low/migoffd.conf", "[policy]\ndeadline=3s\n[engine]\nmax-errors=9\n");
	write_file("low/migoffd.conf.d/10-a.conf", "[access]\nmax-clients=10\nmax-requests=10\n");
	write_file("high/migoffd.conf.d/20-b.conf", "[access]\nmax-clients=20\n");
	write_file("low/migoffd.conf.d/20-b.conf", "[access]\nmax-clients=21\n");
	write_file("low/migoffd.conf.d/30-c.conf", "[access]\nmax-clients=30\n");
	EXPECT_OK(symlink("/dev/null", path_of("high/migoffd.conf.d/30-c.conf")));
	write_file("high/migoffd.conf.d/40-d.conf~", "[access]\nmax-clients=40\n");
	write_file("high/migoffd.conf.d/.50.conf", "[access]\nmax-clients=50\n");
	EXPECT_OK(config_load(&source, &report, &c));
	EXPECT_STR(complaints, "");
	EXPECT_EQ(c->data.deadline_ns, 2000000000);
	EXPECT_EQ(c->data.policy.max_errors, 3);
	EXPECT_EQ(c->data.max_clients, 20);
	EXPECT_EQ(c->data.max_requests, 10);
	EXPECT_EQ(c->n_files, 4);
	EXPECT_STR(c->files[1], path_of("low/migoffd.conf.d/10-a.conf"));
}

static void dump_to_file(const struct config *c, const char *name)
{
	_cleanup_fclose_ FILE *f = fopen(path_of(name), "we");

	EXPECT_TRUE(f);
	EXPECT_OK(config_dump(c, f));
}

/* What is dumped reads as what it was. */
static void test_dump(void)
{
	_cleanup_(config_freep) struct config *c = NULL, *again = NULL;
	char path[256];
	struct config_source source = { .file = path, .strict = true };

	EXPECT_OK(load("[engine]\ndevices=0000:00:05.0 0000:00:06.0\nretry-after=90s\n"
		       "[policy]\nmin-folio=128K\nverify=sampled\non-deadline=copy\n"
		       "max-page-blocked=250us\n[access]\ngroup=0\n",
		       true, &c));
	dump_to_file(c, "dump.conf");
	snprintf(path, sizeof(path), "%s", path_of("dump.conf"));
	EXPECT_OK(config_load(&source, &report, &again));
	EXPECT_EQ(memcmp(&c->data, &again->data, sizeof(c->data)), 0);
	EXPECT_STR(again->group, "0");
	EXPECT_EQ(again->gid, 0);
	EXPECT_EQ(again->max_clients_per_user, c->max_clients_per_user);
}

/* Reads the shipped file as if nothing in it were commented out; returns how many keys that made. */
static int uncomment(FILE *in, FILE *out)
{
	char line[256];
	int n = 0;

	while (fgets(line, sizeof(line), in)) {
		bool key = line[0] == '#' && line[1] != ' ' && strchr(line, '=');

		n += key;
		fputs(key ? line + 1 : line, out);
		EXPECT_TRUE(key || line[0] == '#' || line[0] == '[' || line[0] == '\n');
	}
	return n;
}

/* The shipped file names each key, commented out, with its default. */
static void test_shipped_file(void)
{
	_cleanup_fclose_ FILE *in = fopen(MIGOFF_SOURCE_DIR "/config/migoffd.conf", "re");
	_cleanup_(config_freep) struct config *c = NULL, *defaults = NULL;
	char path[256];
	struct config_source source = { .file = path, .strict = true };
	FILE *out;
	size_t n;

	EXPECT_TRUE(in);
	out = fopen(path_of("shipped.conf"), "we");
	EXPECT_TRUE(out);
	config_keys(&n);
	EXPECT_EQ(uncomment(in, out), n);
	fclose(out);

	snprintf(path, sizeof(path), "%s", path_of("shipped.conf"));
	complaints[0] = '\0';
	config_load(&source, &report, &c);
	EXPECT_STR(complaints, "");
	EXPECT_TRUE(c);
	EXPECT_OK(load("", true, &defaults));
	EXPECT_EQ(memcmp(&c->data, &defaults->data, sizeof(c->data)), 0);
	EXPECT_STR(c->group, defaults->group);
	EXPECT_EQ(c->max_clients_per_user, defaults->max_clients_per_user);
	/* Each was there once, with a value unless the default is none. */
	for (size_t i = 0; i < n; i++)
		EXPECT_EQ(c->origins[i].file >= 0, *config_keys(&n)[i].value != '\0');
}

/* The manual has each key, under the name that the table gives it. */
static void test_manual(void)
{
	_cleanup_fclose_ FILE *f = fopen(MIGOFF_SOURCE_DIR "/man/migoffd.conf.5.scd", "re");
	const struct config_key *keys;
	char text[65536];
	size_t n, len;

	EXPECT_TRUE(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	EXPECT_TRUE(len > 0 && len < sizeof(text) - 1);
	text[len] = '\0';
	keys = config_keys(&n);
	for (size_t i = 0; i < n; i++) {
		char entry[128];

		snprintf(entry, sizeof(entry), "*%s=*", keys[i].name);
		if (!strstr(text, entry))
			TEST_FAIL("migoffd.conf(5) has no %s", entry);
	}
}

int main(void)
{
	EXPECT_TRUE(mkdtemp(dir));
	RUN(test_defaults);
	RUN(test_values);
	RUN(test_reset);
	RUN(test_mistakes);
	RUN(test_device_mistakes);
	RUN(test_unknown);
	RUN(test_contradictions);
	RUN(test_all_reported);
	RUN(test_odd_bytes);
	RUN(test_unreadable);
	RUN(test_directories);
	RUN(test_dump);
	RUN(test_shipped_file);
	RUN(test_manual);
	return 0;
}
