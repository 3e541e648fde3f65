/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Property: no file whatever makes the reader of the configuration misbehave; it is refused with a
 * complaint, or what was read is within its limits and reads the same after a dump.
 *
 * By itself the program tries mutations of a few files (fuzz.h). For a search that learns:
 *
 *	clang -fsanitize=fuzzer,address,undefined -DFUZZ_BY_LIBFUZZER ...
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "fuzz.h"
#include "macros.h"
#include "test.h"

#define MAX_LEN	4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *userdata, bool is_error, const char *text)
{
	unsigned int *n_errors = userdata;

	EXPECT_TRUE(*text && !strchr(text, '\n'));
	*n_errors += is_error;
}

static int load(int fd, struct config **ret)
{
	unsigned int n_errors = 0;
	char path[64];
	const struct config_report report = { .message = count, .userdata = &n_errors };
	const struct config_source source = { .file = path };
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = config_load(&source, &report, ret);
	/* Whatever is refused was complained of, and nothing else. */
	EXPECT_EQ(r < 0, n_errors > 0);
	return r;
}

static void check_limits(const struct config *c)
{
	EXPECT_GE(DATAPLANE_MAX_DEVICES, c->data.n_devices);
	for (uint32_t i = 0; i < c->data.n_devices; i++)
		EXPECT_TRUE(c->data.devices[i][0] &&
			    memchr(c->data.devices[i], '\0', DATAPLANE_SPEC_LEN));
	EXPECT_TRUE(c->data.n_slots >= 1 && c->data.n_slots <= 64);
	EXPECT_TRUE(c->data.deadline_ns >= 1 && c->data.deadline_ns <= 10000000000);
	EXPECT_TRUE(c->data.policy.max_page_blocked_ns < c->data.deadline_ns);
	EXPECT_EQ(c->data.policy.min_folio & (c->data.policy.min_folio - 1), 0);
	EXPECT_TRUE(c->data.max_requests >= 1 && c->data.max_requests <= RING_N_SLOTS);
	EXPECT_TRUE(c->data.verify <= DATAPLANE_VERIFY_FULL);
}

static void check_dump(const struct config *c)
{
	_cleanup_(config_freep) struct config *again = NULL;
	_cleanup_close_ int fd = memfd_create("dump", MFD_CLOEXEC);
	FILE *f;

	EXPECT_GE(fd, 0);
	f = fdopen(dup(fd), "w");
	EXPECT_TRUE(f);
	EXPECT_OK(config_dump(c, f));
	fclose(f);
	EXPECT_OK(load(fd, &again));
	EXPECT_EQ(memcmp(&c->data, &again->data, sizeof(c->data)), 0);
	EXPECT_STR(c->group, again->group);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(config_freep) struct config *c = NULL;
	_cleanup_close_ int fd = memfd_create("input", MFD_CLOEXEC);

	EXPECT_GE(fd, 0);
	EXPECT_EQ(write(fd, data, size), (ssize_t)size);
	if (load(fd, &c) < 0) {
		EXPECT_TRUE(!c);
		return 0;
	}
	check_limits(c);
	check_dump(c);
	return 0;
}

#ifndef FUZZ_BY_LIBFUZZER

static const char *const seeds[] = {
	"[engine]\ndevices=0000:00:05.0 06:00.1\nmax-errors=7\nretry-after=1min 30s\n",
	"[engine]\nfault=error:every=7,delay:us=50:ns_per_kib=100\ndevices=\ndevices=soft\n",
	"[policy]\nmin-folio=128K\nmin-request=0\nmax-batch=64M\nmax-batches=64\n",
	"[policy]\nmax-page-blocked=0\ndeadline=1.5s\non-deadline=copy\nverify=sampled\n",
	"[access]\ngroup=0\nmax-clients=1024 ; all\nmax-clients-per-user=1\nmax-requests=64\n",
	"; nothing\n# here\n[ policy ]\n deadline : 99ms\r\n\n[]\n=\n[x\ny\n",
	"\xef\xbb\xbf[policy]\nverify=\nverify=full\ndeadline=00000000000000000000009s\n",
};

static const char *const words[] = { "\n", "=", "[", "]", "[policy]\n", "[engine]\n", "[access]\n",
				     "devices=", "deadline=", "18446744073709551616", "K", "us",
				     "0000:ff:1f.7", "group=", "fault=", ":", ";", " ", ".", "-1", "" };

static size_t splice(uint8_t *data, size_t len, size_t at, const void *what, size_t n)
{
	if (len + n > MAX_LEN)
		return len;
	memmove(data + at + n, data + at, len - at);
	memcpy(data + at, what, n);
	return len + n;
}

static size_t mutate(uint8_t *data, size_t len, struct fuzz *f)
{
	size_t at = len ? fuzz_random(f) % len : 0, n;
	const char *text;

	switch (fuzz_random(f) % 5) {
	case 0:
		if (len)
			data[at] = (uint8_t)fuzz_random(f);
		return len;
	case 1:
		n = MIN((size_t)fuzz_random(f) % 16, len - at);
		memmove(data + at, data + at + n, len - at - n);
		return len - n;
	case 2:
		text = words[fuzz_random(f) % ARRAY_SIZE(words)];
		/* The last one stands for a NUL byte. */
		return splice(data, len, at, text, *text ? strlen(text) : 1);
	case 3:
		text = seeds[fuzz_random(f) % ARRAY_SIZE(seeds)];
		return splice(data, len, at, text, strlen(text));
	default:
		if (len)
			data[at] ^= (uint8_t)(1 << fuzz_random(f) % 8);
		return len;
	}
}

int main(void)
{
	struct fuzz f = fuzz_begin(20000);
	uint8_t data[MAX_LEN];
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(seeds); i++)
		LLVMFuzzerTestOneInput((const uint8_t *)seeds[i], strlen(seeds[i]));
	for (unsigned long i = 0; fuzz_more(&f); i++) {
		if (i % 8 == 0) {
			const char *seed = seeds[fuzz_random(&f) % ARRAY_SIZE(seeds)];

			len = strlen(seed);
			memcpy(data, seed, len);
		}
		len = mutate(data, len, &f);
		LLVMFuzzerTestOneInput(data, len);
	}
	return 0;
}

#endif
