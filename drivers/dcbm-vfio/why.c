/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "why.h"

#include <stdarg.h>
#include <stdio.h>

int why_fail(struct why *why, int error, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return error;
	va_start(ap, fmt);
	vsnprintf(why->cause, sizeof(why->cause), fmt, ap);
	va_end(ap);
	why->remedy[0] = '\0';
	return error;
}

int why_remedy(struct why *why, int error, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return error;
	va_start(ap, fmt);
	vsnprintf(why->remedy, sizeof(why->remedy), fmt, ap);
	va_end(ap);
	return error;
}
