/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reason.h"

#include <stddef.h>

#include "macros.h"

static const char *const names[_REASON_MAX] = {
	[REASON_NONE] = "none",
	[REASON_PROMOTION] = "promotion",
	[REASON_DEMOTION] = "demotion",
	[REASON_BALANCING] = "balancing",
	[REASON_EVACUATION] = "evacuation",
	[REASON_OPERATOR] = "operator",
};

const char *reason_name(unsigned int reason)
{
	return reason < ARRAY_SIZE(names) ? names[reason] : NULL;
}
