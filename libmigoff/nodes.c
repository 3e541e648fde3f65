/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

static int parse_number(const char **s, unsigned int *ret)
{
	unsigned int n = 0;

	if (**s < '0' || **s > '9')
		return -EINVAL;
	for (; **s >= '0' && **s <= '9'; (*s)++) {
		n = n * 10 + (unsigned int)(**s - '0');
		if (n >= NODES_MAX)
			return -ERANGE;
	}
	*ret = n;
	return 0;
}

int nodes_parse(const char *s, struct nodes *ret)
{
	struct nodes set = {};
	unsigned int a, b;
	int r;

	while (*s && *s != '\n') {
		r = parse_number(&s, &a);
		if (r < 0)
			return r;
		b = a;
		if (*s == '-') {
			s++;
			r = parse_number(&s, &b);
			if (r < 0)
				return r;
			if (b < a)
				return -EINVAL;
		}
		for (; a <= b; a++)
			nodes_set(&set, a);
		if (*s == ',' && s[1] && s[1] != '\n')
			s++;
		else if (*s && *s != '\n')
			return -EINVAL;
	}
	*ret = set;
	return 0;
}

int nodes_read_sysfs(const char *name, struct nodes *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	char path[64];
	size_t size = 0;

	snprintf(path, sizeof(path), "/sys/devices/system/node/%s", name);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (getline(&line, &size, f) < 0)
		return -EIO;
	return nodes_parse(line, ret);
}

int nodes_read_allowed(pid_t pid, struct nodes *ret)
{
	static const char key[] = "Mems_allowed_list:\t";
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	char path[64] = "/proc/thread-self/status";
	size_t size = 0;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (getline(&line, &size, f) >= 0)
		if (!strncmp(line, key, sizeof(key) - 1))
			return nodes_parse(line + sizeof(key) - 1, ret);
	return -ENODATA;
}

static unsigned int next_node(const struct nodes *n, unsigned int i)
{
	while (i < NODES_MAX && !nodes_test(n, i))
		i++;
	return i;
}

unsigned int nodes_remap(unsigned int node, const struct nodes *from, const struct nodes *to)
{
	unsigned int weight = nodes_weight(to);
	unsigned int nth = 0, i;

	if (!weight || !nodes_test(from, node))
		return node;

	for (i = next_node(from, 0); i < node; i = next_node(from, i + 1))
		nth++;
	i = next_node(to, 0);
	for (nth %= weight; nth; nth--)
		i = next_node(to, i + 1);
	return i;
}

bool nodes_next_pair(struct nodes *left, const struct nodes *from, const struct nodes *to,
		     unsigned int *ret_source, unsigned int *ret_dest)
{
	bool same_weight = nodes_weight(from) == nodes_weight(to);
	bool found = false;
	unsigned int s, d, source = 0, dest = 0;

	for (s = next_node(left, 0); s < NODES_MAX; s = next_node(left, s + 1)) {
		/* Without a partner for each, what lies in the new set is well placed. */
		if (!same_weight && nodes_test(to, s))
			continue;
		d = nodes_remap(s, from, to);
		if (d == s)
			continue;
		source = s;
		dest = d;
		found = true;
		if (!nodes_test(left, d))
			break;
	}
	if (!found)
		return false;
	nodes_clear(left, source);
	*ret_source = source;
	*ret_dest = dest;
	return true;
}
