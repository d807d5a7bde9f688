/* A writer is killed at any moment: what it was answered is whole afterwards, what it was about to do is done or not, nothing else is left.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "bucketd/jobs.h"
#include "tests/unit/bucket_store_kit.h"

enum { KEYS = 6, ROUNDS = 25, TAR_FILES = 5, BYTES_MAX = 40000 }; /* BUCKET_KILL_ROUNDS, BUCKET_KILL_SEED of the environment: others */

/* ---- what is done, and said over a pipe before and after ---- */

enum op { PUT, PARTS, COPY, DELETE, JOB_MAKE, JOB_REMOVE, OPS };
struct step {
	bool done; /* else: is about to be done */
	enum op op;
	int key, from, version;
};
static char tarball[256];

static size_t size_of(int version)
{
	return (size_t)version * 7919 % BYTES_MAX;
}

/* Whoever kills us must not see half a test's report. */
static void must(bool ok, const struct s3_error *err)
{
	if (ok)
		return;
	fprintf(stderr, "the writer: %s: %s\n", s3_code_name(err->code), err->text);
	_exit(3);
}

static void upload_version(struct store_upload *upload, int version)
{
	char bytes[BYTES_MAX];
	struct s3_error err = {0};

	memset(bytes, version, sizeof(bytes));
	must(store_upload_begin(kit.store, upload, &err), &err);
	must(write(upload->fd, bytes, size_of(version)) == (ssize_t)size_of(version), &err);
}

static void do_put(const char *key, int version)
{
	struct store_object object = {0};
	struct store_upload upload;
	struct s3_error err = {0};

	upload_version(&upload, version);
	must(store_put(kit.store, "one", key, &upload, &object, &err), &err);
}

static void do_parts(const char *key, int version)
{
	struct store_object object = {0};
	struct store_upload upload;
	struct s3_error err = {0};
	char id[33], etag[ETAG_SIZE];

	must(store_multipart_begin(kit.store, "one", key, &object, id, &err), &err);
	upload_version(&upload, version);
	must(store_part(kit.store, "one", key, id, 1, &upload, etag, &err), &err);
	must(store_multipart_complete(kit.store, "one", key, id, &(struct store_part_ref){1, etag}, 1, &object, &err), &err);
}

static void do_job(bool make)
{
	struct store_job job = {.job = "17", .bucket = "job-17"};
	struct s3_error err = {0};

	if (make)
		must(job_bucket_create(kit.store, &job, tarball, &err) || err.code == S3_BUCKET_EXISTS, &err);
	else
		must(job_bucket_remove(kit.store, "17", &err), &err);
}

static void perform(const struct step *step)
{
	const char key[2] = {(char)('a' + step->key)}, from[2] = {(char)('a' + step->from)};
	struct store_object object = {0};
	struct s3_error err = {0};

	if (step->op == PUT)
		do_put(key, step->version);
	else if (step->op == PARTS)
		do_parts(key, step->version);
	else if (step->op == COPY)
		must(store_copy(kit.store, "one", from, "one", key, &object, &err) || err.code == S3_NO_SUCH_KEY, &err);
	else if (step->op == DELETE)
		must(store_delete(kit.store, "one", key, &err), &err);
	else
		do_job(step->op == JOB_MAKE);
}

static void say(int fd, const struct step *step)
{
	if (write(fd, step, sizeof(*step)) != sizeof(*step)) /* at once: less than PIPE_BUF */
		_exit(4);
}

static void write_until_killed(int fd, unsigned seed, int version)
{
	kit_open(&kit);
	for (;; version++) {
		struct step step = {.op = (enum op)(rand_r(&seed) % OPS), .version = version};

		step.key = rand_r(&seed) % KEYS;
		step.from = rand_r(&seed) % KEYS;
		say(fd, &step);
		perform(&step);
		step.done = true;
		say(fd, &step);
	}
}

/* ---- what is to be there ---- */

struct model {
	int versions[KEYS]; /* 0: no such key */
	bool job;
};

static void apply(struct model *model, const struct step *step)
{
	if (step->op == PUT || step->op == PARTS)
		model->versions[step->key] = step->version;
	else if (step->op == COPY)
		model->versions[step->key] = model->versions[step->from] ? model->versions[step->from] : model->versions[step->key];
	else if (step->op == DELETE)
		model->versions[step->key] = 0;
	else
		model->job = step->op == JOB_MAKE;
}

static bool holds_version(int fd, uint64_t size, int version)
{
	char bytes[BYTES_MAX + 1], expected[BYTES_MAX];

	memset(expected, version, sizeof(expected));
	return size == size_of(version) && read(fd, bytes, sizeof(bytes)) == (ssize_t)size && memcmp(bytes, expected, size) == 0;
}

static bool is_version(int key, int version)
{
	const char name[2] = {(char)('a' + key)};
	struct store_object object;
	struct s3_error err = {0};
	bool ok;
	int fd;

	if (!store_get(kit.store, "one", name, &object, &fd, &err)) {
		assert_int_equal(err.code, S3_NO_SUCH_KEY);
		return version == 0;
	}
	ok = version && holds_version(fd, object.size, version);
	close(fd);
	return ok;
}

static bool has_job(bool wanted)
{
	struct store_jobs jobs;
	struct store_listing listing;
	struct s3_error err = {0};
	bool row, bucket;

	assert_true(store_jobs_list(kit.store, &jobs, &err));
	row = jobs.n == 1;
	store_jobs_finish(&jobs);
	bucket = store_bucket_exists(kit.store, "job-17", &err);
	assert_int_equal(row, bucket);
	if (bucket) {
		assert_true(store_list(kit.store, "job-17", "", "", "", 100, &listing, &err));
		assert_int_equal(listing.n, TAR_FILES);
		store_listing_finish(&listing);
	}
	return row == wanted;
}

static bool fits(const struct model *model)
{
	bool ok = has_job(model->job);

	for (int key = 0; key < KEYS; key++)
		ok = ok && is_version(key, model->versions[key]);
	return ok;
}

static size_t count_parts(void)
{
	struct store_multiparts list;
	struct store_parts parts;
	struct s3_error err = {0};
	size_t n = 0;

	assert_true(store_multiparts_list(kit.store, "one", "", &list, &err));
	for (size_t i = 0; i < list.n; i++) {
		assert_true(store_parts_list(kit.store, "one", list.v[i].key, list.v[i].id, &parts, &err));
		n += parts.n;
		store_parts_finish(&parts);
	}
	store_multiparts_finish(&list);
	return n;
}

/* Each data file is an object's or a part's. */
static void no_file_is_left_over(const struct model *model)
{
	size_t files = count_parts() + (model->job ? TAR_FILES : 0);

	for (int key = 0; key < KEYS; key++)
		files += model->versions[key] != 0;
	assert_int_equal(kit_data_files(&kit), files);
}

/* ---- killing ---- */

/* Reads what the writer says until `steps` are done, kills it a moment later, reads the rest. True: `*last` was begun and not answered. */
static bool follow(int fd, pid_t writer, int steps, struct model *model, struct step *last)
{
	bool begun = false;

	while (read(fd, last, sizeof(*last)) == sizeof(*last)) {
		begun = !last->done;
		if (last->done)
			apply(model, last);
		if (last->done && steps-- == 0) {
			nanosleep(&(struct timespec){.tv_nsec = rand() % 1500000}, NULL); /* at any moment of what it does next */
			kill(writer, SIGKILL);
		}
	}
	return begun;
}

static void round_of(struct model *model, unsigned seed, int *version)
{
	struct step last = {0};
	struct model after;
	int fds[2], status;
	pid_t writer;
	bool begun;

	assert_int_equal(pipe(fds), 0);
	if (!(writer = fork())) {
		close(fds[0]);
		write_until_killed(fds[1], seed, *version + 1);
	}
	close(fds[1]);
	begun = follow(fds[0], writer, rand() % 12, model, &last);
	close(fds[0]);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	*version = last.version;
	kit_open(&kit);
	after = *model;
	if (begun)
		apply(&after, &last);
	if (!fits(model)) {
		assert_true(begun && fits(&after));
		*model = after;
	}
	no_file_is_left_over(model);
	store_close(kit.store);
	kit.store = NULL;
}

static void make_tar(void)
{
	struct archive *tar = archive_write_new();
	char name[16];

	snprintf(tarball, sizeof(tarball), "%s/tarball", kit.root);
	archive_write_set_format_gnutar(tar);
	assert_int_equal(archive_write_open_filename(tar, tarball), ARCHIVE_OK);
	for (int i = 0; i < TAR_FILES; i++) {
		struct archive_entry *entry = archive_entry_new();

		snprintf(name, sizeof(name), "f%d", i);
		archive_entry_set_pathname(entry, name);
		archive_entry_set_filetype(entry, AE_IFREG);
		archive_entry_set_size(entry, 5);
		assert_int_equal(archive_write_header(tar, entry), ARCHIVE_OK);
		assert_int_equal(archive_write_data(tar, "hello", 5), 5);
		archive_entry_free(entry);
	}
	archive_write_close(tar);
	archive_write_free(tar);
}

static void promise_8_what_was_answered_is_whole_after_a_kill_at_any_moment(void **state)
{
	struct model model = {0};
	const char *given = getenv("BUCKET_KILL_ROUNDS"), *other = getenv("BUCKET_KILL_SEED");
	unsigned seed = other ? (unsigned)strtoul(other, NULL, 10) : 1;
	int version = 0, rounds = given ? atoi(given) : ROUNDS;

	print_message("seed %u\n", seed);
	srand(seed);
	kit_begin(&kit, UINT64_C(1) << 40);
	kit_bucket(&kit, "one");
	make_tar();
	store_close(kit.store);
	for (int i = 0; i < rounds; i++)
		round_of(&model, seed + (unsigned)i, &version);
	kit_open(&kit);
	kit_end(&kit);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_8_what_was_answered_is_whole_after_a_kill_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
