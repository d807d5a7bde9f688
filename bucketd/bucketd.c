/* bucketd: the buckets of jobs, and those of the farm, as an S3 service. executord says which jobs there are, and who submits them. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "bucketd/boot_files.h"
#include "bucketd/job_buckets.h"
#include "bucketd/live_config.h"
#include "bucketd/root_keys.h"
#include "bucketd/server.h"
#include "libgateway/activation.h"
#include "libgateway/env.h"
#include "libgateway/files.h"
#include "libgateway/log.h"
#include "libgateway/url.h"

enum { PORT = 9000, BACKLOG = 256, CALLS_AT_ONCE = 6, CALLS_WAITING = 4096, JOBS_AT_ONCE = 2, EXPIRY_DAYS = 7, HOUR_MS = 3600 * 1000 };
#define THREADS "10" /* of libuv: for all that may be at once, and one for what keeps house */
#define MIB     ((uint64_t)1 << 20)
#define DAY_NS  ((int64_t)86400 * 1000000000)

struct bucketd {
	struct env env;
	struct loop loop;
	struct activation fds;
	struct bus bus;
	struct url_host at; /* MINIO_URL's */
	const char *address;
	char *folder, *password; /* owned */
	struct store *store;
	struct work calls, jobs, house;
	struct uploads uploads;
	struct access access;
	struct live_config config;
	struct job_buckets buckets;
	struct server server;
	struct loop_timer expiry;
};

static const struct env_program program = {
	.name = "bucketd",
	.summary = "serves the buckets of jobs by S3",
	.reader = ENV_BUCKETD,
};

/* ---- the bus ---- */

static void on_configure(void *owner, const void *body, struct bus_call *call)
{
	struct bucketd *b = owner;
	const struct msg_bucket_configure *configure = body;

	job_buckets_configure(&b->buckets, &configure->jobs);
	bus_answer(call, &(struct msg_bucket_state){.port = b->server.port});
}

static void on_check(void *owner, const void *body, struct bus_call *call)
{
	struct bucketd *b = owner;

	job_buckets_check(&b->buckets, body, call);
}

static void on_create(void *owner, const void *body, struct bus_call *call)
{
	struct bucketd *b = owner;

	job_buckets_create(&b->buckets, body, call);
}

static void on_remove(void *owner, const void *body, struct bus_call *call)
{
	struct bucketd *b = owner;
	const struct msg_bucket_remove *removal = body;

	job_buckets_remove(&b->buckets, removal->job, call);
}

static const struct bus_handler handlers[] = {
	{MSG_BUCKET_CONFIGURE, on_configure},
	{MSG_BUCKET_CHECK, on_check},
	{MSG_BUCKET_CREATE, on_create},
	{MSG_BUCKET_REMOVE, on_remove},
	{0, NULL},
};

/* ---- what keeps house, on a thread ---- */

struct chore {
	struct store *store;
	char **names; /* owned: buckets to be there */
	size_t n;
	char *boot_files; /* owned: what is shipped; NULL: not now */
	int64_t expire_before_ns;
};

static void warn(const char *what, const struct s3_error *err)
{
	if (err->code != S3_OK && err->code != S3_BUCKET_EXISTS)
		log_warning("%s: %s", what, err->text);
}

static void do_chore(void *data)
{
	struct chore *chore = data;

	for (size_t i = 0; i < chore->n; i++) {
		struct s3_error err = {0};

		store_bucket_create(chore->store, chore->names[i], &err);
		warn(chore->names[i], &err);
	}
	if (chore->n)
		log_debug("the buckets of BUCKETD_CONFIG are there");
	if (chore->boot_files) {
		struct s3_error err = {0};

		if (boot_files_put(chore->store, chore->boot_files, &err))
			log_info("the bucket `boot` has what there is in %s", chore->boot_files);
		warn(chore->boot_files, &err);
	}
	if (chore->expire_before_ns) {
		struct s3_error err = {0};

		store_expire(chore->store, chore->expire_before_ns, &err);
		warn("uploads that nobody completed", &err);
	}
}

static void on_chore(void *data, bool done)
{
	struct chore *chore = data;

	for (size_t i = 0; i < chore->n; i++)
		free(chore->names[i]);
	free(chore->names);
	free(chore->boot_files);
	free(chore);
}

static struct chore *chore_create(struct bucketd *b)
{
	struct chore *chore = gw_calloc(1, sizeof(*chore));

	chore->store = b->store;
	return chore;
}

static void add_name(struct chore *chore, const char *name)
{
	chore->names = gw_realloc(chore->names, (chore->n + 1) * sizeof(*chore->names));
	chore->names[chore->n++] = gw_strdup(name);
}

static void on_config(void *data)
{
	struct bucketd *b = data;
	const struct bucketd_config *config = &b->config.config;
	struct chore *chore = chore_create(b);

	for (size_t i = 0; i < config->n_buckets; i++)
		add_name(chore, config->buckets[i].name);
	for (size_t i = 0; i < config->n_groups; i++)
		for (size_t j = 0; j < config->groups[i].n_grants; j++)
			add_name(chore, config->groups[i].grants[j].bucket);
	work_add(&b->house, "house", do_chore, on_chore, chore);
}

static void put_boot_files(struct bucketd *b)
{
	struct chore *chore = chore_create(b);

	chore->boot_files = env_built_path("boot", "boot");
	work_add(&b->house, "house", do_chore, on_chore, chore);
}

static void on_expiry(void *data)
{
	struct bucketd *b = data;
	struct chore *chore = chore_create(b);

	chore->expire_before_ns = (int64_t)(loop_wall_now() * 1e9) - EXPIRY_DAYS * DAY_NS;
	work_add(&b->house, "house", do_chore, on_chore, chore);
	loop_timer_start(&b->loop, &b->expiry, HOUR_MS, on_expiry, b);
}

static void on_reload(void *data)
{
	struct bucketd *b = data;

	live_config_read_again(&b->config);
}

/* ---- the start, in order ---- */

/* What cannot be reached from elsewhere anyway is not offered there. */
static bool names_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0;
}

/* True if there is something to do here; false after --check and if the service is another host's, which is no failure. Blocks on the
 * resolver: before the loop. */
static bool is_wanted(struct bucketd *b, struct gw_error *err)
{
	if (!url_host_of(env_text(&b->env, OPT_MINIO_URL), &b->at, err))
		return gw_context(err, "MINIO_URL");
	if (b->env.check_only) {
		live_config_check(env_text(&b->env, OPT_BUCKETD_CONFIG), env_text(&b->env, OPT_MINIO_ROOT_USER), err);
		return false;
	}
	if (!url_host_is_here(b->at.host)) {
		log_info("MINIO_URL names another host, %s: not started here", b->at.host);
		return false;
	}
	if (b->at.tls) {
		log_info("MINIO_URL is https, which another service must answer: not started here");
		return false;
	}
	b->address = names_loopback(b->at.host) ? "127.0.0.1" : "0.0.0.0";
	return true;
}

/* Before the first of libuv's threads starts. */
static bool threads_set(struct gw_error *err)
{
	return setenv("UV_THREADPOOL_SIZE", THREADS, true) == 0 || gw_fail(err, GW_INTERNAL, "UV_THREADPOOL_SIZE cannot be set");
}

static bool state_open(struct bucketd *b, struct gw_error *err)
{
	b->folder = env_state_path(&b->env, "buckets");
	if (!dir_make(b->folder, 0700, err))
		return false;
	b->store = store_open(b->folder, (uint64_t)env_integer(&b->env, OPT_BUCKETD_BUCKET_SIZE) * MIB, err);
	if (!b->store)
		return false;
	b->password = root_password(b->folder, env_text(&b->env, OPT_MINIO_ROOT_PASSWORD), err);
	b->access.root_user = env_text(&b->env, OPT_MINIO_ROOT_USER);
	b->access.root_password = b->password;
	return b->password != NULL;
}

static bool parts_start(struct bucketd *b, struct gw_error *err)
{
	work_init(&b->calls, &b->loop, CALLS_AT_ONCE, CALLS_WAITING);
	work_init(&b->jobs, &b->loop, JOBS_AT_ONCE, 0);
	work_init(&b->house, &b->loop, 2, 0);
	uploads_init(&b->uploads, &b->house, b->store);
	b->access.config = &b->config.config;
	if (!live_config_start(&b->config, &b->loop, env_text(&b->env, OPT_BUCKETD_CONFIG), b->access.root_user, on_config, b, err) ||
	    !job_buckets_load(&b->buckets, &b->access, b->store, &b->jobs, err))
		return false;
	put_boot_files(b);
	on_expiry(b);
	loop_on_reload(&b->loop, on_reload, b);
	return true;
}

static bool service_start(struct bucketd *b, struct gw_error *err)
{
	int fd = activation_find(&b->fds, "bucketd_http");

	if (fd < 0)
		fd = activation_tcp_listen(b->address, b->at.has_port ? b->at.port : PORT, BACKLOG, err);
	if (fd < 0)
		return false;
	b->server.access = &b->access;
	b->server.store = b->store;
	b->server.work = &b->calls;
	b->server.uploads = &b->uploads;
	return server_start(&b->server, &b->loop, fd, (uint64_t)env_integer(&b->env, OPT_BUCKETD_BUCKET_SIZE) * MIB, err);
}

/* From here the service is reached by itself: the name in MINIO_URL may be one that only DUTs can resolve. */
static bool alias_save(struct bucketd *b, struct gw_error *err)
{
	char *url = gw_sprintf("http://127.0.0.1:%u", b->server.port);
	bool ok = root_alias_save(b->folder, env_text(&b->env, OPT_MINIO_ADMIN_ALIAS), url, b->access.root_user, b->password, err);

	free(url);
	if (ok)
		log_info("listening on %s, port %u", b->address, b->server.port);
	return ok;
}

static void finish(struct bucketd *b)
{
	loop_timer_finish(&b->expiry);
	server_stop(&b->server);
	work_finish(&b->calls);
	work_finish(&b->jobs);
	bus_finish(&b->bus);
	work_finish(&b->house); /* the last: what the others leave is dropped there */
	uploads_finish(&b->uploads);
	job_buckets_finish(&b->buckets);
	live_config_finish(&b->config);
	store_close(b->store);
	activation_finish(&b->fds);
	loop_finish(&b->loop);
	gw_free_secret(b->password);
	free(b->folder);
}

int main(int argc, char **argv)
{
	struct bucketd b = {0};
	struct gw_error err = {0};
	int code;

	setlocale(LC_CTYPE, "C.UTF-8");                      /* libarchive takes names of entries for text of this */
	if (!env_load(&b.env, &program, argc, argv, &err) || /* --help, --check and bad values end here */
	    !is_wanted(&b, &err) ||                          /* so does a MINIO_URL of another host */
	    !threads_set(&err) ||                            /* where the disk is waited for */
	    !loop_init(&b.loop, &err) ||                     /* signals, watchdog */
	    !activation_take(&b.fds, &err) ||                /* systemd's socket */
	    !state_open(&b, &err) ||                         /* the store, with its lock; the administrator's password */
	    !parts_start(&b, &err) ||                        /* bucketd.yml, the jobs' buckets, the boot files */
	    !service_start(&b, &err) ||                      /* S3 */
	    !alias_save(&b, &err) ||                         /* for the administrator's mcli */
	    !bus_join(&b.bus, &b.loop, env_text(&b.env, OPT_EXECUTOR_RUNTIME_DIR), BUS_BUCKETD, NULL, handlers, &b, &err) ||
	    !loop_run_until_stopped(&b.loop, &err)) /* sends READY, returns at SIGTERM */
		log_failure("bucketd", &err);       /* silent where nothing failed */
	finish(&b);
	code = env_exit_code(&b.env, &err);
	env_finish(&b.env);
	return code;
}
