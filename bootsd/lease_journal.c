#include "bootsd/lease_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libgateway/files.h"
#include "libgateway/log.h"

#define JOURNAL_MAX   (64 * 1024 * 1024) /* bytes that are read at start */
#define SYNC_EVERY_MS 1000
#define OUTDATED_AT   1000 /* lines more than twice the leases: written anew */

/* One at a time, in libuv's pool. */
struct lease_journal_work {
	uv_work_t uv;
	struct lease_journal *journal;
	int fd;            /* to be synced; or */
	char *path, *text; /* to be written anew: owned */
	size_t len;
	bool ok;
	struct gw_error err;
};

static void complain(struct lease_journal *j, const struct gw_error *err)
{
	if (!j->failed)
		log_error("the journal of leases: %s. DHCP goes on; leases of now may be forgotten at a restart", err->text);
	j->failed = true;
}

bool lease_line_decode(const char *line, struct mac *mac, uint32_t *ip, uint64_t *end)
{
	char mac_text[MAC_TEXT], ip_text[IP4_TEXT];
	int at = 0;

	return sscanf(line, "%17s %15s %20" SCNu64 "%n", mac_text, ip_text, end, &at) == 3 && line[at] == '\0' &&
	       mac_decode(mac, mac_text) && ip4_decode(ip, ip_text);
}

/* Wall time is only for the file: a clock that was wrong makes a lease neither endless nor, since its MAC keeps the address, lost. */
static uint64_t until_from_end(uint64_t end, uint64_t now_ms)
{
	uint64_t now = (uint64_t)time(NULL), left = end > now ? end - now : 0;

	if (left > LEASE_SECONDS)
		left = LEASE_SECONDS;
	return left ? now_ms + left * 1000 : 0;
}

static void restore(struct lease_journal *j, char *text)
{
	char *save = NULL;
	size_t bad = 0;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct mac mac;
		uint32_t ip;
		uint64_t end;

		j->n_lines++;
		if (lease_line_decode(line, &mac, &ip, &end))
			leases_restore(j->leases, mac, ip, until_from_end(end, loop_now_ms(j->loop)));
		else
			bad++;
	}
	if (bad)
		log_warning("%s: %zu of %zu lines are not leases; left out", j->path, bad, j->n_lines);
}

static void add_line(struct buffer *buf, struct mac mac, uint32_t ip, uint64_t until_ms, uint64_t now_ms)
{
	char mac_text[MAC_TEXT], ip_text[IP4_TEXT];
	uint64_t end = until_ms > now_ms ? (uint64_t)time(NULL) + (until_ms - now_ms) / 1000 : 0;

	buffer_printf(buf, "%s %s %" PRIu64 "\n", mac_print(mac_text, mac), ip4_print(ip_text, ip), end);
}

static void on_change(void *data, struct mac mac, uint32_t ip, uint64_t until_ms)
{
	struct lease_journal *j = data;

	add_line(&j->lines, mac, ip, until_ms, loop_now_ms(j->loop));
	j->n_lines++;
}

static bool open_file(struct lease_journal *j, struct gw_error *err)
{
	int fd = open(j->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "%s", j->path);
	if (j->fd)
		close(j->fd);
	j->fd = fd;
	return true;
}

bool lease_journal_open(struct lease_journal *j, const char *path, struct leases *leases, struct loop *loop, struct gw_error *err)
{
	struct gw_error why = {0};
	size_t len = 0;
	char *text;

	*j = (struct lease_journal){.leases = leases, .loop = loop, .path = gw_strdup(path)};
	text = file_read(path, JOURNAL_MAX, &len, &why);
	if (!text && why.kind != GW_NOT_FOUND)
		return gw_fail(err, why.kind, "%s", why.text);
	if (len && text[len - 1] != '\n')
		buffer_add(&j->lines, "\n", 1); /* the last line was torn by a loss of power: the next one does not join it */
	if (text)
		restore(j, text);
	free(text);
	leases->changed = on_change;
	leases->data = j;
	return open_file(j, err);
}

static bool write_lines(struct lease_journal *j, const struct buffer *lines, struct gw_error *err)
{
	return file_write_all(j->fd, lines->data, lines->len) || gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: cannot write", j->path);
}

static void run_work(uv_work_t *uv)
{
	struct lease_journal_work *work = uv->data;

	if (work->path)
		work->ok = file_save(work->path, work->text, work->len, 0640, &work->err);
	else
		work->ok = fdatasync(work->fd) == 0 || gw_fail_errno(&work->err, GW_UNREACHABLE, errno, "fdatasync");
}

static void work_finish(struct lease_journal_work *work)
{
	if (!work->path)
		close(work->fd);
	free(work->path);
	free(work->text);
	free(work);
}

/* The new file is in place: what was written meanwhile went to the old one only. */
static void go_on_in_new_file(struct lease_journal *j)
{
	struct gw_error err = {0};

	if (!open_file(j, &err) || !write_lines(j, &j->late, &err))
		complain(j, &err);
	j->dirty = true;
}

static void schedule_sync(struct lease_journal *j);

static void after_work(uv_work_t *uv, int status)
{
	struct lease_journal_work *work = uv->data;
	struct lease_journal *j = work->journal;

	j->work = NULL;
	if (!work->ok)
		complain(j, &work->err);
	else if (work->path)
		go_on_in_new_file(j);
	buffer_drop(&j->late, j->late.len);
	if (j->dirty)
		schedule_sync(j);
	work_finish(work);
}

static void start_work(struct lease_journal *j, struct lease_journal_work *work)
{
	work->uv.data = work;
	work->journal = j;
	j->work = work;
	uv_queue_work(&j->loop->uv, &work->uv, run_work, after_work);
}

static void on_sync(void *data)
{
	struct lease_journal *j = data;
	struct lease_journal_work *work;

	if (j->work || !j->dirty)
		return;
	work = gw_calloc(1, sizeof(*work));
	work->fd = fcntl(j->fd, F_DUPFD_CLOEXEC, 3);
	j->dirty = false;
	start_work(j, work);
}

static void schedule_sync(struct lease_journal *j)
{
	if (!loop_timer_active(&j->sync) && !j->work)
		loop_timer_start(j->loop, &j->sync, SYNC_EVERY_MS, on_sync, j);
}

static size_t print_leases(struct lease_journal *j, struct buffer *buf)
{
	size_t n = 0;

	for (size_t i = 0; i < j->leases->n; i++) {
		const struct lease *lease = &j->leases->v[i];

		if (lease->kind == LEASE_BOUND || lease->kind == LEASE_RELEASED) {
			add_line(buf, lease->mac, j->leases->range.first + (uint32_t)i, lease->until_ms, loop_now_ms(j->loop));
			n++;
		}
	}
	return n;
}

static void write_anew(struct lease_journal *j)
{
	struct lease_journal_work *work = gw_calloc(1, sizeof(*work));
	struct buffer buf = {0};

	j->n_lines = print_leases(j, &buf);
	work->len = buf.len;
	work->text = buffer_take(&buf);
	work->path = gw_strdup(j->path);
	start_work(j, work);
}

void lease_journal_flush(struct lease_journal *j)
{
	struct gw_error err = {0};

	if (!j->lines.len)
		return;
	if (write_lines(j, &j->lines, &err))
		j->failed = false;
	else
		complain(j, &err);
	if (j->work && j->work->path)
		buffer_add(&j->late, j->lines.data, j->lines.len);
	buffer_drop(&j->lines, j->lines.len);
	j->dirty = true;
	if (!j->work && j->n_lines > 2 * j->leases->n + OUTDATED_AT)
		write_anew(j);
	else
		schedule_sync(j);
}

void lease_journal_finish(struct lease_journal *j)
{
	if (!j->path)
		return;
	lease_journal_flush(j);
	while (j->work) /* what was written meanwhile must follow into the new file */
		uv_run(&j->loop->uv, UV_RUN_ONCE);
	loop_timer_finish(&j->sync);
	if (j->fd)
		close(j->fd);
	buffer_finish(&j->lines);
	buffer_finish(&j->late);
	free(j->path);
	*j = (struct lease_journal){0};
}
