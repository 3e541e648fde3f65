/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cause.h"

#include <stddef.h>

#include "macros.h"

/* In the order of enum migoff_cause, which a test compares it with. */
static const char *const names[] = {
	"none",
	"already-there",
	"other-node",
	"hole",
	"zero-page",
	"small",
	"shared",
	"file",
	"hugetlb",
	"ksm",
	"mlocked",
	"pinned",
	"writeback",
	"swap-cache",
	"partially-mapped",
	"poisoned",
	"special",
	"busy",
	"changed",
	"no-memory",
	"left",
	"verify",
	"unmapped",
};

const char *cause_name(unsigned int cause)
{
	return cause < ARRAY_SIZE(names) ? names[cause] : NULL;
}
