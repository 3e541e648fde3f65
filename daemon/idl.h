/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The varlink interface io.migoff, as clients can read it with `varlinkctl introspect`.
 *
 * sd-varlink checks each call against it before the method runs, and formats it for introspection;
 * the methods are in control-attach.c and control-status.c.
 */
#ifndef MIGOFF_DAEMON_IDL_H
#define MIGOFF_DAEMON_IDL_H

#include <systemd/sd-varlink-idl.h>

extern const sd_varlink_interface vl_interface_io_migoff;

/* The names of errors; their parameters are in idl.c. */
#define IDL_ERROR_NOT_ALLOWED		"io.migoff.NotAllowed"
#define IDL_ERROR_LIMIT			"io.migoff.Limit"
#define IDL_ERROR_ALREADY_ATTACHED	"io.migoff.AlreadyAttached"
#define IDL_ERROR_NOT_ATTACHED		"io.migoff.NotAttached"
#define IDL_ERROR_BAD_DESCRIPTOR	"io.migoff.BadDescriptor"
#define IDL_ERROR_NO_SUCH_PROCESS	"io.migoff.NoSuchProcess"
#define IDL_ERROR_NO_SUCH_TARGET	"io.migoff.NoSuchTarget"
#define IDL_ERROR_STOPPING		"io.migoff.Stopping"

#endif
