#include "bucketd/jobs.h"

#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include "bucketd/jobs_tar.h"

enum { NAME_CUT = 56, RANDOM_LEN = 6 };

/* ---- the name ---- */

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* What a bucket's name may not have becomes `-`: upper case is another letter, not another name. Two dots are no name either. */
static void clean(char *name)
{
	for (char *at = name; *at; at++) {
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
		else if (!is_alphanumeric(*at) && (*at != '.' || at[-1] == '.'))
			*at = '-';
	}
}

void job_bucket_name(char name[BUCKET_NAME_MAX + 1], const char *dut_id, const char *job_id, const char *job)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789"; /* 36: an even choice of 252 of a byte's 256 */
	char front[NAME_CUT + 1];
	size_t len;
	uint8_t random;

	snprintf(front, sizeof(front), "job-%s-%s", dut_id, job_id ? job_id : job);
	clean(front);
	len = (size_t)snprintf(name, BUCKET_NAME_MAX + 1, "%s-", front);
	for (size_t i = 0; i < RANDOM_LEN;) {
		gw_assert(RAND_bytes(&random, 1) == 1);
		if (random < 252)
			name[len + i++] = letters[random % 36];
	}
	name[len + RANDOM_LEN] = '\0';
}

/* ---- the bucket ---- */

static void make_secret(char secret[33])
{
	uint8_t bytes[16];

	gw_assert(RAND_bytes(bytes, sizeof(bytes)) == 1);
	hex(secret, bytes, sizeof(bytes));
}

static void remove_files(struct store *store, const struct tar_items *items)
{
	struct data_files files = {0};

	for (size_t i = 0; i < items->n; i++)
		data_files_add(&files, items->v[i].file);
	data_remove(store, &files);
	data_files_finish(&files);
}

bool job_bucket_create(struct store *store, struct store_job *job, const char *tarball, struct s3_error *err)
{
	struct tar_items items = {0};
	bool ok;

	make_secret(job->client_secret);
	make_secret(job->dut_secret);
	ok = (!tarball || tar_read(store, tarball, &items, err)) && store_job_make(store, job, items.v, items.n, err);
	if (!ok)
		remove_files(store, &items);
	tar_items_finish(&items);
	return ok;
}

bool job_bucket_remove(struct store *store, const char *job, struct s3_error *err)
{
	return store_job_remove_whole(store, job, err);
}
