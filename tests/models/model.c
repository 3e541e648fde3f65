/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cleanup.h"
#include "clock.h"
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

/* --- the lock ------------------------------------------------------------------------------- */

void model_lock(struct model *m)
{
	atomic_fetch_add(&m->n_hosts, 1);
	pthread_mutex_lock(&m->lock);
	atomic_fetch_sub(&m->n_hosts, 1);
}

void model_unlock(struct model *m)
{
	if (m->n_yielding > 0)
		pthread_cond_broadcast(&m->turn);
	pthread_mutex_unlock(&m->lock);
}

/*
 * A mutex goes to whoever is quick, which is a unit that has just let go of it. Whoever is counted
 * in n_hosts takes the lock after this, and so wakes us when it lets go of it. One turn is enough: a
 * driver that polls is counted all the time, and would wait for ever for what it keeps us from.
 */
static void yield_to_hosts(struct model *m)
{
	if (atomic_load(&m->n_hosts) > 0) {
		m->n_yielding++;
		pthread_cond_wait(&m->turn, &m->lock);
		m->n_yielding--;
	}
}

/* --- units ------------------------------------------------------------------------------------ */

bool model_unit_stopped(const struct model_unit *u)
{
	return u->stop != u->stop_seen || u->m->closing;
}

/* Wait for a change, until @until_ns at most. */
static void wait_until(struct model *m, uint64_t until_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(until_ns / NSEC_PER_SEC),
		.tv_nsec = (long)(until_ns % NSEC_PER_SEC),
	};

	pthread_cond_timedwait(&m->changed, &m->lock, &ts);
}

static void unit_wait(struct model_unit *u, uint64_t until_ns)
{
	while (!model_unit_stopped(u) && clock_now_ns() < until_ns)
		wait_until(u->m, until_ns);
}

void model_unit_spend(struct model_unit *u, uint64_t ns)
{
	if (ns == 0)
		return;
	if (u->until_ns == 0)
		u->until_ns = clock_now_ns();
	u->until_ns += ns;
	unit_wait(u, u->until_ns);
}

/* The write that was on its way when the device was reset. Return: when to come again, or 0. */
static uint64_t write_late(struct model *m)
{
	struct model_write *w = &m->late_write;

	if (w->len == 0 || !model_bus_master(m))
		return 0;
	if (clock_now_ns() < w->at_ns)
		return w->at_ns;
	model_dma_write(m, w->iova, w->bytes, w->len);
	w->len = 0;
	return 0;
}

/* Nothing to do: until something changes, or at @until_ns, unless that is 0. */
static void unit_rest(struct model_unit *u, uint64_t until_ns)
{
	u->until_ns = 0;
	if (until_ns)
		wait_until(u->m, until_ns);
	else
		pthread_cond_wait(&u->m->changed, &u->m->lock);
}

static void *unit_thread(void *arg)
{
	struct model_unit *u = arg;
	struct model *m = u->m;

	/* Set costs are short: sleep as exactly as can be. */
	prctl(PR_SET_TIMERSLACK, 1);
	pthread_mutex_lock(&m->lock);
	while (!m->closing) {
		uint64_t late_ns = u->number == 0 && !m->resetting ? write_late(m) : 0;

		if (m->resetting || m->unplugged || !m->ops->ready(m, u->number)) {
			unit_rest(u, late_ns);
			continue;
		}
		u->stop_seen = u->stop;
		u->working = true;
		m->ops->work(m, u->number);
		u->working = false;
		pthread_cond_broadcast(&m->changed);
		yield_to_hosts(m);
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

void *model_state(struct model *m)
{
	return m->state;
}

void model_kick(struct model *m)
{
	pthread_cond_broadcast(&m->changed);
}

bool model_working(const struct model *m, unsigned int unit)
{
	return m->units[unit].working;
}

/* What was written last may be on its way still. */
static void order_late_write(struct model *m)
{
	if (!m->orders.late_write || m->last_write.len == 0)
		return;
	m->late_write = m->last_write;
	m->late_write.at_ns = clock_now_ns() + m->orders.late_write_us * NSEC_PER_USEC;
	m->last_write.len = 0;
	m->orders.late_write = false;
}

void model_stop(struct model *m, unsigned int unit)
{
	m->units[unit].stop++;
	order_late_write(m);
	model_kick(m);
}

static bool is_working(const struct model *m)
{
	for (unsigned int i = 0; i < m->n_units; i++)
		if (m->units[i].working)
			return true;
	return false;
}

void model_reset_locked(struct model *m)
{
	while (m->resetting)
		pthread_cond_wait(&m->changed, &m->lock);
	m->resetting = true;
	for (unsigned int i = 0; i < m->n_units; i++)
		model_stop(m, i);
	while (is_working(m))
		pthread_cond_wait(&m->changed, &m->lock);
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
		unit_wait(u, UINT64_MAX);
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

static int model_start(struct model *m)
{
	for (; m->n_threads < m->n_units; m->n_threads++) {
		struct model_unit *u = &m->units[m->n_threads];

		u->m = m;
		u->number = m->n_threads;
		if (pthread_create(&u->thread, NULL, unit_thread, u))
			return -EAGAIN;
	}
	return 0;
}

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
	return model_start(m);
}

int model_new_kind(const struct model_ops *ops, const char *options, struct model **ret)
{
	_cleanup_(model_freep) struct model *m = calloc(1, sizeof(*m));
	pthread_condattr_t attr;
	int r;

	if (!m)
		return -ENOMEM;
	m->ops = ops;
	m->last_broken = "";
	for (size_t i = 0; i < MODEL_VECTORS_MAX; i++)
		m->vectors[i] = -1;
	m->line.fd = -1;
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->changed, &attr);
	pthread_cond_init(&m->turn, &attr);
	pthread_condattr_destroy(&attr);
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
	model_lock(m);
	m->closing = true;
	model_kick(m);
	model_unlock(m);
	while (m->n_threads > 0)
		pthread_join(m->units[--m->n_threads].thread, NULL);
	print_rules(m);
	pthread_cond_destroy(&m->turn);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
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
