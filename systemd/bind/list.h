/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of devices: the configured ones, the ones that are bound.
 */
#ifndef MIGOFF_BIND_LIST_H
#define MIGOFF_BIND_LIST_H

#include <stddef.h>

/**
 * struct list - Texts, each once, in the order in which they came.
 * @items: the texts.
 * @n: how many.
 */
struct list {
	char **items;
	size_t n;
};

/**
 * list_done() - Free what a list holds.
 * @list: a list; may be zeroed.
 */
void list_done(struct list *list);

/**
 * list_add() - Add a text unless it is there already.
 * @list: the list.
 * @item: the text; copied.
 *
 * Return: 0 or -ENOMEM.
 */
int list_add(struct list *list, const char *item);

/**
 * list_add_configured() - Add the PCI devices of migoffd's configuration.
 * @list: the list.
 *
 * What is wrong with the configuration is told on standard error.
 *
 * Return: 0, -EINVAL when it is wrong, or another negative errno.
 */
int list_add_configured(struct list *list);

/**
 * list_add_recorded() - Add the devices that were taken and not put back.
 * @list: the list.
 *
 * Return: 0 or a negative errno.
 */
int list_add_recorded(struct list *list);

#endif
