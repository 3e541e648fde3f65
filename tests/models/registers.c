/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers, as a host gets at them: what a kind of device sees of its accesses.
 */
#include "macros.h"
#include "model_internal.h"

/* The table and the pending bits of MSI-X are the host's, which keeps them to itself. */
static bool is_msix(const struct model *m, unsigned int bar, uint64_t offset)
{
	const struct model_pci *pci = &m->pci;

	return pci->n_vectors > 0 && bar == pci->msix_bar && !pci->msix_own &&
	       (offset - pci->msix_table < 16 * (uint64_t)pci->n_vectors ||
		offset - pci->msix_pba < (pci->n_vectors + 63) / 64 * UINT64_C(8));
}

/* Whether a kind of device shall see this access. */
static bool access_valid(struct model *m, const char *what, unsigned int bar, uint64_t offset,
			 unsigned int width)
{
	bool valid = bar < MODEL_N_BARS && (width == 1 || width == 2 || width == 4 || width == 8) &&
		     IS_ALIGNED(offset, (uint64_t)width) && offset < m->pci.bar_size[bar];

	if (!valid)
		model_broken(m, "access to a BAR", "%s of %u bytes at BAR %u + %#llx", what, width,
			     bar, (unsigned long long)offset);
	return valid;
}

uint64_t model_bar_read(struct model *m, unsigned int bar, uint64_t offset, unsigned int width)
{
	MODEL_LOCKED(m);

	if (m->unplugged || !access_valid(m, "read", bar, offset, width))
		return UINT64_MAX >> (64 - 8 * width);
	if (is_msix(m, bar, offset))
		return 0;
	return m->ops->read(m, bar, offset, width);
}

void model_bar_write(struct model *m, unsigned int bar, uint64_t offset, unsigned int width,
		     uint64_t value)
{
	MODEL_LOCKED(m);

	if (!m->unplugged && access_valid(m, "write", bar, offset, width) &&
	    !is_msix(m, bar, offset))
		m->ops->write(m, bar, offset, width, value);
}
