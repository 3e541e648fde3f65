/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "cleanup.h"
#include "config.h"

void list_done(struct list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct list){ NULL, 0 };
}

int list_add(struct list *list, const char *item)
{
	_cleanup_free_ char *copy = NULL;
	char **items;

	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->items[i], item))
			return 0;
	copy = strdup(item);
	items = reallocarray(list->items, list->n + 1, sizeof(*items));
	if (items)
		list->items = items;
	if (!copy || !items)
		return -ENOMEM;
	list->items[list->n++] = TAKE_PTR(copy);
	return 0;
}

static void complain(void *userdata, bool is_error, const char *text)
{
	fprintf(stderr, "%s\n", text);
}

int list_add_configured(struct list *list)
{
	static const struct config_source source = { .file = NULL };
	static const struct config_report report = { .message = complain };
	_cleanup_(config_freep) struct config *config = NULL;
	int r;

	r = config_load(&source, &report, &config);
	/* What is no PCI device is an engine in software, which needs no hand-over. */
	for (uint32_t i = 0; r == 0 && i < config->data.n_devices; i++)
		if (pci_bdf_valid(config->data.devices[i]))
			r = list_add(list, config->data.devices[i]);
	return r;
}

int list_add_recorded(struct list *list)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *e;
	int r = 0;

	dir = opendir(BIND_DIR);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (e = readdir(dir)))
		if (pci_bdf_valid(e->d_name))
			r = list_add(list, e->d_name);
	return r;
}
