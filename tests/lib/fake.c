/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <systemd/sd-varlink.h>
#include <unistd.h>

#include "cleanup.h"
#include "clock.h"
#include "macros.h"
#include "test.h"

#define LEN (ALIGN_UP(sizeof(struct ring_head), 4096) + RING_DATA_LEN)

static struct fake_log *log_;
static uint32_t ready_;
static uint64_t min_request_;

/* One attached client. */
struct peer {
	sd_varlink *link;
	struct ring_head *ring;
	int memfd;
	int submit_fd;
	int done_fd;
	uint32_t taken;
	uint32_t n_done;
	bool held[RING_N_SLOTS];
};

/* One extent a range. */
static void tell_extents(struct peer *p, struct ring_slot *s)
{
	char *data = (char *)p->ring + p->ring->data_off;
	const struct ring_range *ranges = (struct ring_range *)(data + s->request.ranges);
	struct ring_extent *extents = (struct ring_extent *)(data + s->request.extents);

	for (uint64_t i = 0; i < MIN(s->request.n_ranges, s->request.n_extents); i++)
		extents[i] = (struct ring_extent){
			.va = ranges[i].start,
			.len = ranges[i].len,
			.status = s->request.to_node,
			.order = 9,
			.flags = RING_EXTENT_MOVED,
		};
	s->result.n_extents = s->request.n_ranges;
}

static void finish(struct peer *p, uint32_t slot, int error)
{
	struct ring_slot *s = &p->ring->slots[slot % RING_N_SLOTS];
	int mode = log_->mode;
	int32_t *status = (int32_t *)((char *)p->ring + p->ring->data_off + s->request.status);
	uint64_t one = 1;

	s->result = (struct ring_result){ .error = error, .pages_asked = s->request.n_status };
	tell_extents(p, s);
	for (uint64_t i = 0; !error && i < s->request.n_status; i++) {
		bool busy = mode == FAKE_NOTHING || (mode == FAKE_ODD_FAIL && i % 2);

		status[i] = busy ? -EBUSY : s->request.to_node;
		s->result.pages_moved += !busy;
	}
	atomic_store(&p->ring->done.entries[p->n_done % RING_N_SLOTS], slot);
	atomic_store(&p->ring->done.tail, ++p->n_done);
	EXPECT_EQ(write(p->done_fd, &one, sizeof(one)), sizeof(one));
}

static void take(struct peer *p, uint32_t slot)
{
	struct ring_request *q = &p->ring->slots[slot].request;
	struct fake_request *l = &log_->requests[log_->n_requests % FAKE_MAX_REQUESTS];

	l->request = *q;
	memcpy(l->ranges, (char *)p->ring + p->ring->data_off + q->ranges,
	       MIN(q->n_ranges, (uint64_t)FAKE_MAX_RANGES) * sizeof(struct ring_range));
	log_->n_requests++;

	switch ((enum fake_mode)log_->mode) {
	case FAKE_HOLD:
	case FAKE_STALL:
		p->held[slot] = true;
		break;
	case FAKE_DIE:
		_exit(0);
	case FAKE_GARBAGE:
		finish(p, 4711, 0);
		break;
	default:
		finish(p, slot, log_->mode == FAKE_ERROR ? log_->error : 0);
		if (log_->mode == FAKE_MOVE_AND_DIE)
			_exit(0);
	}
}

static int on_submit(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct peer *p = userdata;
	uint64_t n;

	(void)!read(fd, &n, sizeof(n));
	while (p->taken != atomic_load(&p->ring->submit.tail))
		take(p, atomic_load(&p->ring->submit.entries[p->taken++ % RING_N_SLOTS]));
	for (uint32_t i = 0; i < RING_N_SLOTS; i++)
		if (p->held[i] && log_->mode == FAKE_HOLD && atomic_load(&p->ring->slots[i].cancel)) {
			p->held[i] = false;
			finish(p, i, -ECANCELED);
		}
	return 0;
}

static struct peer *peer_new(sd_varlink *link)
{
	struct peer *p = calloc(1, sizeof(*p));

	EXPECT_TRUE(p);
	p->link = link;
	p->memfd = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	EXPECT_EQ(ftruncate(p->memfd, (off_t)LEN), 0);
	EXPECT_EQ(fcntl(p->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	p->ring = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, p->memfd, 0);
	EXPECT_TRUE(p->ring != MAP_FAILED);
	p->ring->magic = RING_MAGIC;
	p->ring->version = RING_VERSION + (log_->mode == FAKE_VERSION);
	p->ring->n_slots = RING_N_SLOTS;
	p->ring->data_off = LEN - RING_DATA_LEN;
	p->ring->data_len = RING_DATA_LEN;
	p->ring->ready = ready_;
	p->ring->min_request = min_request_;
	p->ring->deadline_ns = NSEC_PER_SEC;
	p->submit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return p;
}

static int vl_attach(sd_varlink *link, sd_json_variant *parameters, sd_varlink_method_flags_t flags,
		     void *userdata)
{
	struct peer *p;
	int ring, submit, done;

	if (log_->mode == FAKE_REFUSE_ATTACH)
		return sd_varlink_errorbo(link, "io.migoff.NotAllowed",
					  SD_JSON_BUILD_PAIR_STRING("message", "no"));
	p = peer_new(link);
	sd_varlink_set_userdata(link, p);
	EXPECT_OK(sd_event_add_io(sd_varlink_get_event(link), NULL, p->submit_fd, EPOLLIN,
				  on_submit, p));
	log_->n_attach++;
	ring = (int)EXPECT_OK(sd_varlink_push_dup_fd(link, p->memfd));
	submit = (int)EXPECT_OK(sd_varlink_push_dup_fd(link, p->submit_fd));
	done = (int)EXPECT_OK(sd_varlink_push_dup_fd(link, p->done_fd));
	return sd_varlink_replybo(link, SD_JSON_BUILD_PAIR_UNSIGNED("version", p->ring->version),
				  SD_JSON_BUILD_PAIR_INTEGER("ring", ring),
				  SD_JSON_BUILD_PAIR_INTEGER("submit", submit),
				  SD_JSON_BUILD_PAIR_INTEGER("done", done));
}

static int vl_open_target(sd_varlink *link, sd_json_variant *parameters,
			  sd_varlink_method_flags_t flags, void *userdata)
{
	if (log_->mode == FAKE_REFUSE_TARGET)
		return sd_varlink_error(link, "io.migoff.NoSuchProcess", NULL);
	return sd_varlink_replybo(link,
				  SD_JSON_BUILD_PAIR_UNSIGNED("target", ++log_->n_open));
}

static int vl_close_target(sd_varlink *link, sd_json_variant *parameters,
			   sd_varlink_method_flags_t flags, void *userdata)
{
	log_->n_close++;
	return sd_varlink_reply(link, NULL);
}

static int on_connect(sd_varlink_server *server, sd_varlink *link, void *userdata)
{
	EXPECT_OK(sd_varlink_set_allow_fd_passing_input(link, true));
	EXPECT_OK(sd_varlink_set_allow_fd_passing_output(link, true));
	return 0;
}

static void on_disconnect(sd_varlink_server *server, sd_varlink *link, void *userdata)
{
	log_->n_gone++;
}

static void serve(const char *path, int started)
{
	sd_varlink_server *server;
	sd_event *event;

	EXPECT_OK(sd_event_new(&event));
	EXPECT_OK(sd_varlink_server_new(&server, SD_VARLINK_SERVER_INHERIT_USERDATA));
	EXPECT_OK(sd_varlink_server_bind_method_many(server, "io.migoff.Attach", vl_attach,
						     "io.migoff.OpenTarget", vl_open_target,
						     "io.migoff.CloseTarget", vl_close_target));
	EXPECT_OK(sd_varlink_server_bind_connect(server, on_connect));
	EXPECT_OK(sd_varlink_server_bind_disconnect(server, on_disconnect));
	EXPECT_OK(sd_varlink_server_listen_address(server, path, 0600));
	EXPECT_OK(sd_varlink_server_attach_event(server, event, 0));
	EXPECT_EQ(write(started, "", 1), 1);
	EXPECT_OK(sd_event_loop(event));
	_exit(0);
}

static void launch(struct fake *f, enum fake_mode mode, uint32_t ready, uint64_t min_request)
{
	int started[2];
	char c;

	f->log->mode = mode;
	EXPECT_EQ(pipe2(started, O_CLOEXEC), 0);
	f->pid = fork();
	EXPECT_TRUE(f->pid >= 0);
	if (!f->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		log_ = f->log;
		ready_ = ready;
		min_request_ = min_request;
		serve(f->path, started[1]);
	}
	close(started[1]);
	if (read(started[0], &c, 1) != 1)
		TEST_FAIL("the daemon of the test does not start");
	close(started[0]);
}

void fake_start(struct fake *f, enum fake_mode mode, uint32_t ready, uint64_t min_request)
{
	static unsigned int n;

	snprintf(f->path, sizeof(f->path), "/tmp/migoff-fake-%d-%u", (int)getpid(), n++);
	f->log = mmap(NULL, sizeof(*f->log), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	EXPECT_TRUE(f->log != MAP_FAILED);
	launch(f, mode, ready, min_request);
	EXPECT_EQ(setenv("MIGOFF_SOCKET", f->path, 1), 0);
}

static void kill_child(struct fake *f)
{
	kill(f->pid, SIGKILL);
	EXPECT_EQ(waitpid(f->pid, NULL, 0), f->pid);
	unlink(f->path);
}

void fake_restart(struct fake *f, enum fake_mode mode)
{
	kill_child(f);
	launch(f, mode, 1, 0);
}

void fake_stop(struct fake *f)
{
	kill_child(f);
	munmap(f->log, sizeof(*f->log));
}
