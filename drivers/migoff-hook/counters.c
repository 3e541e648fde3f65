// SPDX-License-Identifier: GPL-2.0-only
#include <linux/device.h>
#include <linux/sysfs.h>

#include "migoff.h"

atomic64_t migoff_counters[COUNTER_NR];

static ssize_t counter_show(struct device *dev, struct device_attribute *attr, char *buf);

static struct device_attribute counter_attributes[] = {
#define COUNTER_ATTRIBUTE(name) __ATTR(name, 0444, counter_show, NULL),
	COUNTERS(COUNTER_ATTRIBUTE)
};

static ssize_t counter_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(&migoff_counters[attr - counter_attributes]));
}

static struct attribute *counter_attrs[] = {
#define COUNTER_ENTRY(name) &counter_attributes[COUNTER_##name].attr,
	COUNTERS(COUNTER_ENTRY)
	NULL
};

static const struct attribute_group counter_group = { .name = "counters", .attrs = counter_attrs };

const struct attribute_group *migoff_counter_groups[] = { &counter_group, NULL };

/**
 * count_cause() - Count pages that stay where they are.
 * @cause: why; MIGOFF_CAUSE_NONE counts nothing.
 * @pages: how many of them were asked for.
 */
void count_cause(enum migoff_cause cause, u64 pages)
{
	/* The counters of causes stand in the order of the causes. */
	BUILD_BUG_ON(COUNTER_NR - COUNTER_cause_already !=
		     MIGOFF_CAUSE_NR - MIGOFF_CAUSE_ALREADY);

	if (cause != MIGOFF_CAUSE_NONE)
		atomic64_add(pages, &migoff_counters[COUNTER_cause_already +
						     cause - MIGOFF_CAUSE_ALREADY]);
}
