/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model as a PCI device of a virtual machine: the server's side of the vfio-user protocol, as far
 * as QEMU speaks it (its docs/interop/vfio-user.rst, version 0.0).
 */
#ifndef MIGOFF_TESTS_MODELS_VFIO_USER_H
#define MIGOFF_TESTS_MODELS_VFIO_USER_H

#include "model.h"

/**
 * vfio_user_serve() - Be that device until the client is gone.
 * @sock: a connected stream socket; stays the caller's.
 * @m: the device; on return it reaches no memory and has no interrupts.
 *
 * Each request is answered at once, whatever the device is doing: QEMU lets the whole machine stand
 * still meanwhile. What copies are unmap waits for, and a reset, ends within one chunk.
 *
 * Return: 0 when the client has closed the connection; -EPROTO when it cannot be understood;
 * -EREMOTEIO when the machine's memory is not shared with us; or another negative errno.
 */
int vfio_user_serve(int sock, struct model *m);

#endif
