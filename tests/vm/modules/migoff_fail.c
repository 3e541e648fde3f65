// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For hook-faults only, where the kernel injects no faults: has a call fail that the migoff module makes.
 *
 *	/sys/module/migoff_fail/parameters/
 *	nth	written: so many calls from now on one fails, 0: none does; read: how many are still to come
 *
 * Those of all threads count, to the functions in the table below. What they call in turn does not fail.
 */
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/objtool.h>

static atomic_t left = ATOMIC_INIT(0);

void migoff_fail_return(void);
/* What a function that fails does instead: nothing. */
asm(".text\n"
    ".type migoff_fail_return, @function\n"
    ".globl migoff_fail_return\n"
    "migoff_fail_return:\n"
    ANNOTATE_NOENDBR "\n"
    ASM_RET
    ".size migoff_fail_return, .-migoff_fail_return\n");

/* At the first instruction of a function the stack has its return address, and nothing above it. */
static bool is_called_by_hook(const struct pt_regs *regs)
{
	char name[KSYM_SYMBOL_LEN];

	sprint_symbol(name, *(unsigned long *)regs->sp);
	return strstr(name, "[migoff]");
}

static int fail(struct pt_regs *regs, unsigned long result)
{
	if (atomic_read(&left) <= 0 || !is_called_by_hook(regs) ||
	    atomic_dec_if_positive(&left) != 0)
		return 0;
	regs->ax = result;
	regs->ip = (unsigned long)migoff_fail_return;
	return 1;
}

static int return_null(struct kprobe *kp, struct pt_regs *regs)
{
	return fail(regs, 0);
}

static int return_error(struct kprobe *kp, struct pt_regs *regs)
{
	return fail(regs, -ENOMEM);
}

/* The third argument is how many bytes there are to copy, the result how many were not. */
static int return_length(struct kprobe *kp, struct pt_regs *regs)
{
	return fail(regs, regs->dx);
}

static struct kprobe probes[] = {
	{ .symbol_name = "__folio_alloc_noprof", .pre_handler = return_null },
	{ .symbol_name = "__kmalloc_cache_noprof", .pre_handler = return_null },
	{ .symbol_name = "__kvmalloc_node_noprof", .pre_handler = return_null },
	{ .symbol_name = "vmalloc_user_noprof", .pre_handler = return_null },
	{ .symbol_name = "alloc_workqueue_noprof", .pre_handler = return_null },
	{ .symbol_name = "shrinker_alloc", .pre_handler = return_null },
	{ .symbol_name = "filp_open", .pre_handler = return_error },
	{ .symbol_name = "iommu_get_group_resv_regions", .pre_handler = return_error },
	{ .symbol_name = "iommu_map", .pre_handler = return_error },
	{ .symbol_name = "_copy_from_user", .pre_handler = return_length },
	{ .symbol_name = "_copy_to_user", .pre_handler = return_length },
};

static int nth_set(const char *value, const struct kernel_param *kp)
{
	int n, r = kstrtoint(value, 0, &n);

	if (!r)
		atomic_set(&left, n);
	return r;
}

static int nth_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&left));
}

static const struct kernel_param_ops nth_ops = { .set = nth_set, .get = nth_get };

module_param_cb(nth, &nth_ops, NULL, 0600);

static int __init fail_init(void)
{
	int i, r = 0;

	for (i = 0; i < ARRAY_SIZE(probes) && !r; i++)
		r = register_kprobe(&probes[i]);
	if (!r)
		return 0;
	pr_err("%s: %d\n", probes[i - 1].symbol_name, r);
	while (--i)
		unregister_kprobe(&probes[i - 1]);
	return r;
}

static void __exit fail_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		unregister_kprobe(&probes[i]);
}

module_init(fail_init);
module_exit(fail_exit);

MODULE_DESCRIPTION("Has calls fail that the migoff module makes, to test that it can live with that");
MODULE_LICENSE("GPL");
