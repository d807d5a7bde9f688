/* artifactd: fetches what jobs boot and keeps it in a cache. The only program that opens users' URLs; what an artifact is for it never
 * asks. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "artifactd/fetch.h"
#include "artifactd/images.h"
#include "artifactd/make.h"
#include "artifactd/nbd.h"
#include "libbus/capability.h"
#include "libbus/ended_jobs.h"
#include "libgateway/env.h"
#include "libgateway/files.h"
#include "libgateway/log.h"

#define MIB (1024 * 1024)

struct artifactd {
	struct env env;
	struct loop loop;
	struct bus bus;
	struct deny deny;
	struct file_lock lock; /* of the cache: two must not share it */
	struct store store;
	struct fetches fetches;
	struct makes makes;
	struct images images;
	struct nbds nbds;
	struct ended_jobs ended;
	char key[CAPABILITY_KEY_HEX + 1]; /* of the jobs' capabilities; "" until executord is heard */
};

static const struct env_program program = {
	.name = "artifactd",
	.summary = "fetches what jobs boot, and keeps it in a cache",
	.reader = ENV_ARTIFACTD,
};

/* Of a job that has a folder of its own. */
static bool may_make(const struct artifactd *a, const char *capability, struct capability *cap, struct gw_error *err)
{
	return capability_check(a->key, capability, cap, err) && ended_jobs_check(&a->ended, cap->job, err) &&
	       (store_job_name_fits(cap->job) || gw_fail(err, GW_REFUSED, "job '%s': not a name of a job", cap->job));
}

static bool has_one_source(const struct msg_artifact_get *get, struct gw_error *err)
{
	return !get->url != !get->data || gw_fail(err, GW_BAD_INPUT, "an artifact has one of: url, data");
}

static void on_get(void *owner, const void *body, struct bus_call *call)
{
	struct artifactd *a = owner;
	const struct msg_artifact_get *get = body;
	struct capability cap;
	struct gw_error err = {0};

	if (!may_make(a, get->capability, &cap, &err) || !has_one_source(get, &err))
		bus_answer_error(call, &err);
	else if (get->url)
		fetch_url(&a->fetches, get->url, cap.job, call);
	else
		fetch_data(&a->fetches, get->data, cap.job, call);
}

static void on_make(void *owner, const void *body, struct bus_call *call)
{
	struct artifactd *a = owner;
	const struct msg_artifact_make *make = body;
	struct capability cap;
	struct gw_error err = {0};

	if (may_make(a, make->capability, &cap, &err))
		make_artifact(&a->makes, make, cap.job, call);
	else
		bus_answer_error(call, &err);
}

static void on_nbd(void *owner, const void *body, struct bus_call *call)
{
	struct artifactd *a = owner;
	const struct msg_artifact_nbd_make *make = body;
	struct capability cap;
	struct gw_error err = {0};

	if (may_make(a, make->capability, &cap, &err))
		nbds_make(&a->nbds, make, cap.job, call);
	else
		bus_answer_error(call, &err);
}

static void on_image(void *owner, const void *body, struct bus_call *call)
{
	struct artifactd *a = owner;
	const struct msg_artifact_image_get *get = body;
	struct capability cap;
	struct gw_error err = {0};

	if (capability_check(a->key, get->capability, &cap, &err) && ended_jobs_check(&a->ended, cap.job, &err))
		images_get(&a->images, get, cap.job, call);
	else
		bus_answer_error(call, &err);
}

static void on_text(void *owner, const void *body, struct bus_call *call)
{
	struct artifactd *a = owner;
	const struct msg_artifact_text_get *get = body;

	fetch_text(&a->fetches, get->url, get->job, call);
}

static void on_release(void *owner, const void *body, struct bus_call *call)
{
	struct artifactd *a = owner;
	const struct msg_artifact_release *release = body;
	struct gw_error err = {0};

	if (store_job_name_fits(release->job)) {
		makes_release(&a->makes, release->job);
		images_release(&a->images, release->job);
		nbds_release(&a->nbds, release->job);
		ended_jobs_add(&a->ended, release->job);
		fetches_release(&a->fetches, release->job, call);
	} else {
		gw_fail(&err, GW_BAD_INPUT, "job '%s': not a name of a job", release->job);
		bus_answer_error(call, &err);
	}
}

static void on_configure(void *owner, const void *body, struct bus_call *call)
{
	struct artifactd *a = owner;
	const struct msg_artifact_configure *configure = body;
	struct gw_error err = {0};

	if (strlen(configure->capability_key) == CAPABILITY_KEY_HEX) {
		strcpy(a->key, configure->capability_key);
		nbds_release_others(&a->nbds, &configure->jobs);
		fetches_release_others(&a->fetches, &configure->jobs, call);
	} else {
		gw_fail(&err, GW_BAD_INPUT, "capability_key: accepted: %d hexadecimal digits", CAPABILITY_KEY_HEX);
		bus_answer_error(call, &err);
	}
}

static const struct bus_handler handlers[] = {
	{MSG_ARTIFACT_GET, on_get},
	{MSG_ARTIFACT_MAKE, on_make},
	{MSG_ARTIFACT_IMAGE, on_image},
	{MSG_ARTIFACT_NBD, on_nbd},
	{MSG_ARTIFACT_TEXT, on_text},
	{MSG_ARTIFACT_RELEASE, on_release},
	{MSG_ARTIFACT_CONFIGURE, on_configure},
	{0, NULL},
};

static bool rules_load(struct artifactd *a, struct gw_error *err)
{
	if (!deny_parse(&a->deny, env_text(&a->env, OPT_EXECUTOR_ARTIFACT_DENY), err))
		return gw_context(err, "EXECUTOR_ARTIFACT_DENY");
	a->images = (struct images){.loop = &a->loop,
				    .path = env_text(&a->env, OPT_IMAGESTORE_PATH),
				    .pull_command = env_text(&a->env, OPT_IMAGESTORE_PULL_CMD),
				    .exists_command = env_text(&a->env, OPT_IMAGESTORE_IMAGE_EXISTS_CMD)};
	if (!images_check(&a->images, err))
		return false;
	if (a->env.check_only)
		return false; /* all is well so far, and nothing is opened */
	deny_exempt_host(&a->deny, env_text(&a->env, OPT_MINIO_URL));
	deny_exempt_host(&a->deny, env_text(&a->env, OPT_EXECUTOR_URL));
	return true;
}

/* Before anything there is touched: what is half done may be another artifactd's. */
static bool take_lock(struct artifactd *a, const char *root, struct gw_error *err)
{
	char *path = gw_sprintf("%s/.lock", root);
	bool ok = dir_make(root, 0755, err) && file_lock_take(&a->lock, path, err);

	free(path);
	return ok;
}

static bool cache_open(struct artifactd *a, struct gw_error *err)
{
	const char *given = env_text(&a->env, OPT_EXECUTOR_ARTIFACT_CACHE_ROOT);
	char *root = given ? gw_strdup(given) : env_state_path(&a->env, "artifacts");
	bool ok = take_lock(a, root, err) &&
		  store_open(&a->store, root, env_integer(&a->env, OPT_EXECUTOR_ARTIFACT_CACHE_SIZE) * MIB, err) &&
		  fetches_init(&a->fetches, &a->loop, &a->store, &a->deny, env_integer(&a->env, OPT_EXECUTOR_ARTIFACT_MAX_SIZE) * MIB, err);

	makes_init(&a->makes, &a->loop, &a->store, env_integer(&a->env, OPT_EXECUTOR_ARTIFACT_MAX_SIZE) * MIB);
	free(root);
	return ok;
}

static bool nbd_open(struct artifactd *a, struct gw_error *err)
{
	const char *given = env_text(&a->env, OPT_EXECUTOR_NBD_ROOT);
	char *root = given ? gw_strdup(given) : env_state_path(&a->env, "nbd");
	const struct nbd_bounds bounds = {.image = env_integer(&a->env, OPT_EXECUTOR_ARTIFACT_MAX_SIZE) * MIB,
					  .job = env_integer(&a->env, OPT_EXECUTOR_NBD_MAX_SIZE) * MIB};
	bool ok = nbds_open(&a->nbds, &a->loop, &a->store, root, &bounds, err);

	free(root);
	return ok;
}

int main(int argc, char **argv)
{
	struct artifactd a = {0};
	struct gw_error err = {0};
	int code;

	setlocale(LC_CTYPE, "C.UTF-8"); /* libarchive takes names of entries for text of this */
	if (!env_load(&a.env, &program, argc, argv, &err) || !rules_load(&a, &err) || !loop_init(&a.loop, &err) || !cache_open(&a, &err) ||
	    !nbd_open(&a, &err) ||
	    !bus_join(&a.bus, &a.loop, env_text(&a.env, OPT_EXECUTOR_RUNTIME_DIR), BUS_ARTIFACTD, NULL, handlers, &a, &err) ||
	    !loop_run_until_stopped(&a.loop, &err))
		log_failure("artifactd", &err);
	nbds_finish(&a.nbds);
	images_finish(&a.images);
	makes_finish(&a.makes);
	fetches_finish(&a.fetches);
	bus_finish(&a.bus);
	store_finish(&a.store);
	file_lock_finish(&a.lock);
	loop_finish(&a.loop);
	ended_jobs_finish(&a.ended);
	deny_finish(&a.deny);
	code = env_exit_code(&a.env, &err);
	env_finish(&a.env);
	return code;
}
