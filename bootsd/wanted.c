#include "bootsd/wanted.h"

#include <stdlib.h>
#include <string.h>

#include "bootsd/tftp_packet.h"

struct waiter {
	struct waiter *next;     /* in wanted.waiters */
	struct http_request *rq; /* NULL: by TFTP */
	struct sockaddr_in from;
	size_t n;
	unsigned char bytes[]; /* of a TFTP request */
};

struct wanted {
	struct wanted *next; /* in files.first */
	char *path;          /* owned */
	bool tftp;
	struct waiter *waiters; /* owned */
};

struct boot_file *wanted_given(const struct wanted_files *files, const char *path, bool tftp)
{
	for (unsigned i = 0; i < files->n_given; i++)
		if (files->given[i]->tftp == tftp && strcmp(files->given[i]->path, path) == 0)
			return files->given[i];
	return NULL;
}

static struct wanted *find(const struct wanted_files *files, const char *path, bool tftp)
{
	struct wanted *w = files->first;

	while (w && (w->tftp != tftp || strcmp(w->path, path) != 0))
		w = w->next;
	return w;
}

/* NULL: there is no room for one more. */
static struct wanted *find_or_add(struct wanted_files *files, const char *path, bool tftp, bool *is_new)
{
	struct wanted *w = find(files, path, tftp);

	*is_new = false;
	if (w || files->n == WANTED_MAX || files->n_given == WANTED_GIVEN)
		return w;
	w = gw_calloc(1, sizeof(*w));
	*w = (struct wanted){.next = files->first, .path = gw_strdup(path), .tftp = tftp};
	files->first = w;
	files->n++;
	*is_new = true;
	return w;
}

static struct waiter *add_waiter(struct wanted_files *files, struct wanted *w, size_t n)
{
	struct waiter *waiter = gw_calloc(1, sizeof(*waiter) + n);

	waiter->next = w->waiters;
	w->waiters = waiter;
	files->waiters++;
	return waiter;
}

bool wanted_http(struct wanted_files *files, const char *path, struct http_request *rq, bool *is_new)
{
	struct wanted *w = files->waiters < WANTED_WAITERS ? find_or_add(files, path, false, is_new) : NULL;

	if (w)
		add_waiter(files, w, 0)->rq = rq;
	return w != NULL;
}

static bool waits_already(const struct wanted *w, const struct sockaddr_in *from)
{
	for (const struct waiter *waiter = w->waiters; waiter; waiter = waiter->next)
		if (waiter->from.sin_addr.s_addr == from->sin_addr.s_addr && waiter->from.sin_port == from->sin_port)
			return true;
	return false;
}

bool wanted_tftp(struct wanted_files *files, const char *path, const struct sockaddr_in *from, const void *bytes, size_t n, bool *is_new)
{
	struct wanted *w = files->waiters < WANTED_WAITERS ? find_or_add(files, path, true, is_new) : NULL;
	struct waiter *waiter;

	if (!w || waits_already(w, from))
		return w != NULL;
	waiter = add_waiter(files, w, n);
	waiter->from = *from;
	waiter->n = n;
	memcpy(waiter->bytes, bytes, n);
	return true;
}

static void wanted_free(struct wanted_files *files, struct wanted *w, const struct wanted_answers *answers, struct boot_file *file)
{
	struct waiter *waiter;

	while ((waiter = w->waiters)) {
		w->waiters = waiter->next;
		files->waiters--;
		if (waiter->rq)
			answers->http(answers->data, waiter->rq, file);
		else
			answers->tftp(answers->data, &waiter->from, waiter->bytes, waiter->n, file);
		free(waiter);
	}
	free(w->path);
	free(w);
}

static void unlink_wanted(struct wanted_files *files, const struct wanted *w)
{
	struct wanted **at = &files->first;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	files->n--;
}

void wanted_give(struct wanted_files *files, const char *path, bool tftp, struct boot_file *file, const struct wanted_answers *answers)
{
	struct wanted *w = find(files, path, tftp);
	struct boot_file *held = file ? boot_file_hold(file) : NULL;

	if (file && files->n_given < WANTED_GIVEN && !wanted_given(files, path, tftp))
		files->given[files->n_given++] = file;
	else
		boot_file_release(file);
	if (w) {
		unlink_wanted(files, w);
		wanted_free(files, w, answers, held);
	}
	boot_file_release(held);
}

void wanted_each(const struct wanted_files *files, void (*each)(void *data, const char *path, bool tftp), void *data)
{
	for (const struct wanted *w = files->first; w; w = w->next)
		each(data, w->path, w->tftp);
}

static void answer_gone(void *data, struct http_request *rq, struct boot_file *file)
{
	http_answer_status(rq, 404, "%s: the job that may have it is over", http_path(rq));
}

static void answer_nothing(void *data, const struct sockaddr_in *from, const void *bytes, size_t n, struct boot_file *file)
{
}

void wanted_finish(struct wanted_files *files)
{
	static const struct wanted_answers gone = {answer_gone, answer_nothing, NULL};
	struct wanted *w;

	while ((w = files->first)) {
		unlink_wanted(files, w);
		wanted_free(files, w, &gone, NULL);
	}
	for (unsigned i = 0; i < files->n_given; i++)
		boot_file_release(files->given[i]);
	files->n_given = 0;
}
