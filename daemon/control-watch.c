/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notices that the hook's device or a VFIO group appeared, or was handed to our user, and has the
 * data plane look again.
 */
#include "control.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

#define CHANGES (IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR)

static void retried(struct order *order);

/* At most one such message is out; what happens meanwhile makes for one more. */
static void retry(struct control *c)
{
	struct order *order;

	c->retry_again = c->retry_posted;
	if (c->retry_posted || c->stopping)
		return;
	order = order_new(c, DATAPLANE_RETRY, retried, NULL);
	if (!order)
		return;
	c->retry_posted = true;
	order_post(order);
}

static void retried(struct order *order)
{
	struct control *c = order->control;

	c->retry_posted = false;
	if (c->retry_again)
		retry(c);
}

static int vfio_changed(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	retry(userdata);
	return 0;
}

static void watch_vfio(struct control *c)
{
	int r;

	c->watch_vfio = sd_event_source_disable_unref(c->watch_vfio);
	r = sd_event_add_inotify(c->event, &c->watch_vfio, "/dev/vfio", CHANGES, vfio_changed, c);
	if (r < 0 && r != -ENOENT)
		log_warning("cannot watch /dev/vfio: %s", strerror(-r));
}

static int dev_changed(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	struct control *c = userdata;
	bool is_vfio;

	/* What happened could not be held: it may have been what we wait for. */
	if (event->mask & IN_Q_OVERFLOW) {
		watch_vfio(c);
		retry(c);
		return 0;
	}
	if (!event->len)
		return 0;
	is_vfio = !strcmp(event->name, "vfio");
	if (is_vfio)
		watch_vfio(c);
	if (is_vfio || !strcmp(event->name, "migoff"))
		retry(c);
	return 0;
}

void control_watch(struct control *c)
{
	int r;

	r = sd_event_add_inotify(c->event, &c->watch_dev, "/dev", CHANGES, dev_changed, c);
	if (r < 0)
		log_warning("cannot watch /dev: %s", strerror(-r));
	watch_vfio(c);
}
