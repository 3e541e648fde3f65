/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clients of the data plane: who there is, whose requests are taken up, who pays.
 */
#ifndef MIGOFF_DAEMON_PLANE_CLIENTS_H
#define MIGOFF_DAEMON_PLANE_CLIENTS_H

#include "plane.h"

/**
 * plane_add_client() - DATAPLANE_ADD_CLIENT.
 * @p: the plane.
 * @spec: the client.
 *
 * Return: 0, or the message's result.
 */
int plane_add_client(struct plane *p, const struct dataplane_client *spec);

/**
 * plane_remove_client() - DATAPLANE_REMOVE_CLIENT.
 * @p: the plane.
 * @msg: the message.
 *
 * Return: 0 when the message is kept until the client is idle, or its result.
 */
int plane_remove_client(struct plane *p, struct dataplane_msg *msg);

/**
 * plane_find_client() - Find a client by its name.
 * @p: the plane.
 * @id: the name.
 *
 * Return: an index, or -ENOENT.
 */
int plane_find_client(const struct plane *p, uint64_t id);

/**
 * plane_tell_clients() - Let all clients know what there is at the moment.
 * @p: the plane.
 */
void plane_tell_clients(struct plane *p);

/**
 * plane_tell_cut() - Let the control plane know who was cut off.
 * @p: the plane.
 */
void plane_tell_cut(struct plane *p);

/**
 * plane_admit() - Take up the requests whose turn it is, and end those that do not wait for it.
 * @p: the plane.
 */
void plane_admit(struct plane *p);

/**
 * plane_end_requests() - End all that are worked on.
 * @p: the plane.
 * @error: why.
 */
void plane_end_requests(struct plane *p, int error);

/**
 * plane_free_idle() - Forget clients that are leaving and have nothing in use.
 * @p: the plane.
 */
void plane_free_idle(struct plane *p);

/**
 * plane_share_cpu() - Share out CPU time among those for whom there was work since the last time.
 * @p: the plane.
 */
void plane_share_cpu(struct plane *p);

#endif
