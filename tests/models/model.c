/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "macros.h"
#include "model_internal.h"

static const struct model_ops *const kinds[] = {
	&model_dsa_ops,
	&model_ioat_ops,
	&model_lsi_ops,
	&model_ptdma_ops,
	&model_sdxi_ops,
	&model_ae4dma_ops,
	&model_toy_ops,
};

void *model_state(struct model *m)
{
	return m->state;
}

void model_reset_locked(struct model *m)
{
	while (m->resetting)
		model_wait(m);
	m->resetting = true;
	model_units_stop(m);
	model_config_reset(m);
	m->ops->reset(m);
	m->resetting = false;
	model_kick(m);
}

void model_reset(struct model *m)
{
	MODEL_LOCKED(m);
	model_reset_locked(m);
}

/* --- what is ordered -------------------------------------------------------------------------- */

enum model_access model_begin(struct model *m, unsigned int unit, struct model_order *ret)
{
	struct model_unit *u = &m->units[unit];
	struct model_orders *o = &m->orders;
	bool hang = model_when(&o->hang);

	m->counts.descriptors++;
	*ret = (struct model_order) {
		.fail = model_when(&o->error),
		.code = (uint32_t)o->error_code,
		.lose = model_when(&o->lose_completion),
		.twice = model_when(&o->twice),
		.never = model_when(&o->unsubmitted),
		.senseless = model_when(&o->senseless),
		.late = model_when(&o->late),
	};
	u->wrong_byte = model_when(&o->wrong_byte);
	if (model_when(&o->unplug))
		model_unplug(m);
	if (hang)
		model_unit_hang(u);
	model_unit_spend(u, o->ns_per_descriptor);
	return model_unit_stopped(u) ? MODEL_STOPPED : MODEL_DONE;
}

bool model_absurd(const struct model *m, const char *what, uint64_t *ret)
{
	for (size_t i = 0; i < MODEL_ABSURD_MAX && m->orders.absurd[i].what; i++) {
		if (strcmp(m->orders.absurd[i].what, what))
			continue;
		*ret = m->orders.absurd[i].value;
		return true;
	}
	return false;
}

bool model_never_resets(const struct model *m)
{
	return m->orders.never_reset;
}

void model_interrupt(struct model *m, unsigned int vector)
{
	uint64_t one = 1;

	if (vector >= MODEL_VECTORS_MAX || m->vectors[vector] < 0 || m->unplugged ||
	    !model_bus_master(m) || model_when(&m->orders.lose_interrupt))
		return;
	if (write(m->vectors[vector], &one, sizeof(one)) == sizeof(one))
		m->counts.interrupts++;
}

static void signal_line(struct model *m)
{
	uint64_t one = 1;

	if (m->line.fd < 0 || m->line.masked || m->unplugged)
		return;
	m->line.masked = true;
	if (write(m->line.fd, &one, sizeof(one)) == sizeof(one))
		m->counts.interrupts++;
}

void model_line(struct model *m, bool high)
{
	bool rises = high && !m->line.high, comes_late = !high && m->line.late;

	m->line.high = high;
	m->line.late = (rises && model_when(&m->orders.late_interrupt)) || (high && m->line.late);
	if (comes_late || (high && !m->line.late))
		signal_line(m);
}

void model_broken(struct model *m, const char *rule, const char *fmt, ...)
{
	struct model_rule *known = m->rules;
	va_list args;

	if (m->orders.allow > 0)
		m->orders.allow--;
	else
		m->counts.broken++;
	m->last_broken = rule;
	while (known < m->rules + MODEL_RULES_MAX && known->name && strcmp(known->name, rule))
		known++;
	if (known == m->rules + MODEL_RULES_MAX || known->n++ > 0)
		return;
	known->name = rule;
	flockfile(stderr);
	fprintf(stderr, "model %s: broken rule: %s: ", m->ops->name, rule);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	funlockfile(stderr);
}

/* Each rule was printed when it was first broken; what is left to say is how often. */
static void print_rules(const struct model *m)
{
	for (size_t i = 0; i < MODEL_RULES_MAX && m->rules[i].name; i++)
		if (m->rules[i].n > 1)
			fprintf(stderr, "model %s: broken %llu times: %s\n", m->ops->name,
				(unsigned long long)m->rules[i].n, m->rules[i].name);
}

/* --- for hosts -------------------------------------------------------------------------------- */

/* What is ordered to be at once. */
static void apply_orders(struct model *m)
{
	if (m->orders.stale && m->ops->stale)
		m->ops->stale(m);
	if (m->orders.unplug_now)
		model_unplug(m);
	m->orders.stale = m->orders.unplug_now = false;
	model_kick(m);
}

static int model_power_on(struct model *m, const char *options)
{
	int r;

	m->state = calloc(1, MAX(m->ops->state_size, (size_t)1));
	if (!m->state)
		return -ENOMEM;
	m->orders.n_vectors = MODEL_VECTORS_MAX;
	r = model_options(m, options, true, &m->orders);
	if (r < 0)
		return r;
	m->ops->pci(m, &m->pci, &m->n_units);
	m->pci.n_vectors = MIN(m->pci.n_vectors, (unsigned int)m->orders.n_vectors);
	m->pci.has_line &= m->orders.n_vectors > 0;
	model_config_reset(m);
	m->ops->reset(m);
	apply_orders(m);
	return model_units_start(m);
}

int model_new_kind(const struct model_ops *ops, const char *options, struct model **ret)
{
	_cleanup_(model_freep) struct model *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->ops = ops;
	m->last_broken = "";
	for (size_t i = 0; i < MODEL_VECTORS_MAX; i++)
		m->vectors[i] = -1;
	m->line.fd = -1;
	model_units_init(m);
	r = model_power_on(m, options);
	if (r == 0)
		*ret = TAKE_PTR(m);
	return r;
}

int model_new(const char *spec, struct model **ret)
{
	size_t len = strcspn(spec, ",");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i]->name) == len && !strncmp(kinds[i]->name, spec, len))
			return model_new_kind(kinds[i], spec + len, ret);
	fprintf(stderr, "there is no model of \"%s\", only:", spec);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		fprintf(stderr, " %s", kinds[i]->name);
	fputc('\n', stderr);
	return -EINVAL;
}

struct model *model_free(struct model *m)
{
	if (!m)
		return NULL;
	model_units_done(m);
	print_rules(m);
	memory_done(&m->memory);
	free(m->state);
	free(m);
	return NULL;
}

int model_order_faults(struct model *m, const char *spec)
{
	MODEL_LOCKED(m);

	return model_order_faults_locked(m, spec);
}

int model_order_faults_locked(struct model *m, const char *spec)
{
	struct model_orders orders;
	int r;

	orders = m->orders;
	r = model_options(m, spec, false, &orders);
	if (r < 0)
		return r;
	m->orders = orders;
	apply_orders(m);
	return 0;
}

void model_unplug(struct model *m)
{
	m->unplugged = true;
	for (unsigned int i = 0; i < m->n_units; i++)
		model_stop(m, i);
}

const struct model_pci *model_pci(const struct model *m)
{
	return &m->pci;
}

const char *model_name(const struct model *m)
{
	return m->ops->name;
}

void model_set_vector(struct model *m, unsigned int vector, int fd)
{
	MODEL_LOCKED(m);

	if (vector < MODEL_VECTORS_MAX)
		m->vectors[vector] = fd;
}

void model_set_line(struct model *m, int fd)
{
	MODEL_LOCKED(m);

	m->line.fd = fd;
	m->line.masked = false;
	model_line(m, m->line.high);
}

void model_unmask_line(struct model *m)
{
	MODEL_LOCKED(m);

	m->line.masked = false;
	model_line(m, m->line.high);
}

void model_counts(struct model *m, struct model_counts *ret)
{
	MODEL_LOCKED(m);

	*ret = m->counts;
}

const char *model_last_broken(struct model *m)
{
	MODEL_LOCKED(m);

	return m->last_broken;
}

bool model_lenient(const struct model *m)
{
	return m->orders.lenient;
}

bool model_can_reset(const struct model *m)
{
	return !m->orders.no_flr;
}

bool model_can_post64(const struct model *m)
{
	return !m->orders.no_post64;
}
