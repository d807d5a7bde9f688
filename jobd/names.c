#include "jobd/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/log.h"
#include "libgateway/url.h"
#include "libjob/job.h"

#define BOOTS_DB_NAMES_MAX 65536 /* bytes of JSON */

/* ---- addresses ---- */

static bool interface_address(const char *name, char text[INET_ADDRSTRLEN], struct gw_error *err)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) != 0)
		return gw_fail_errno(err, GW_INTERNAL, errno, "the network interfaces cannot be listed");
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		found = i->ifa_addr && i->ifa_addr->sa_family == AF_INET && strcmp(i->ifa_name, name) == 0;
		if (found)
			inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, text, INET_ADDRSTRLEN);
	}
	freeifaddrs(all);
	return found ||
	       gw_fail(err, GW_BAD_INPUT, "PRIVATE_INTERFACE: '%s' has no IPv4 address; accepted: an interface that has one", name);
}

/* The registration speaks plain HTTP and IPv4 alone; its own name for the gateway stays where EXECUTOR_URL has neither. */
static char *host_and_port(const struct url_host *at)
{
	if (at->tls || strchr(at->host, ':'))
		return gw_strdup("ci-gateway");
	return at->has_port ? gw_sprintf("%s:%u", at->host, at->port) : gw_strdup(at->host);
}

bool names_init(struct names *names, const struct env *env, struct gw_error *err)
{
	struct url_host executor;

	if (!interface_address(env_text(env, OPT_PRIVATE_INTERFACE), names->address, err))
		return false;
	if (!url_host_of(env_text(env, OPT_EXECUTOR_URL), &executor, err))
		return gw_context(err, "EXECUTOR_URL");
	names->executor_host = host_and_port(&executor);
	names->http_url = gw_sprintf("http://%s:%d", names->address, (int)env_integer(env, OPT_BOOTS_HTTP_PORT));
	return true;
}

/* Without bucketd, boot HTTP serves what templates fetch from the `boot` bucket. */
static char *buckets_url(const struct names *names, const struct env *env, int64_t bucket_port)
{
	if (env_given(env, OPT_MINIO_URL))
		return gw_strdup(env_text(env, OPT_MINIO_URL));
	return bucket_port ? gw_sprintf("http://%s:%d", names->address, (int)bucket_port) : gw_strdup(names->http_url);
}

void names_prepare(struct names *names, const struct env *env, const struct msg_job_prepare *prepared)
{
	names->prepared = prepared;
	free(names->minio_url);
	names->minio_url = buckets_url(names, env, prepared->bucket_port);
}

/* ---- secrets ---- */

/* Of the gateway's own variables; of the submitter's any may be one. */
static bool sounds_secret(const char *name)
{
	static const char *const words[] = {"TOKEN", "SECRET", "PASSW", "KEY", "CREDENTIAL", "AUTH", "JWT"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasestr(name, words[i]))
			return true;
	return false;
}

static void note_secret(struct names *names, const char *value)
{
	names->secrets = gw_realloc(names->secrets, (names->n_secrets + 1) * sizeof(*names->secrets));
	names->secrets[names->n_secrets++] = gw_strdup(value);
}

static void forget_secrets(struct names *names)
{
	for (size_t i = 0; i < names->n_secrets; i++)
		gw_free_secret(names->secrets[i]);
	free(names->secrets);
	names->secrets = NULL;
	names->n_secrets = 0;
}

char *names_masked(const struct names *names, const char *text)
{
	return job_masked(text, (const char *const *)names->secrets, names->n_secrets);
}

void names_mask_error(const struct names *names, struct gw_error *err)
{
	char *masked = names_masked(names, err->text);

	snprintf(err->text, sizeof(err->text), "%s", masked);
	free(masked);
}

/* ---- the tree ---- */

struct making {
	struct names *names;
	struct value *dict;
};

static void set_text(struct names *names, struct value *dict, const char *name, const char *text)
{
	value_set(&names->pool, dict, name, value_string(&names->pool, text));
}

static void add_variable(void *data, const char *name, const char *value)
{
	struct making *m = data;
	char *lower = gw_strdup(name);

	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	set_text(m->names, m->dict, lower, value);
	if (sounds_secret(name))
		note_secret(m->names, value);
	free(lower);
}

static const struct value *texts(struct names *names, const struct bus_texts *from)
{
	struct value *list = value_list(&names->pool);

	for (size_t i = 0; i < from->n; i++)
		value_append(&names->pool, list, value_string(&names->pool, from->v[i]));
	return list;
}

static const struct value *seconds(struct names *names, double s)
{
	return s < 0 ? value_none() : value_float(&names->pool, s);
}

static const struct value *dut_dict(struct names *names, const struct msg_dut *dut)
{
	struct value_pool *pool = &names->pool;
	struct value *d = value_dict(pool);

	set_text(names, d, "id", dut->id);
	set_text(names, d, "base_name", dut->base_name);
	set_text(names, d, "full_name", dut->full_name);
	set_text(names, d, "hostname", dut->full_name);
	value_set(pool, d, "tags", texts(names, &dut->tags));
	value_set(pool, d, "manual_tags", texts(names, &dut->manual_tags));
	set_text(names, d, "mac_address", dut->mac_address);
	set_text(names, d, "ip_address", dut->ip_address);
	set_text(names, d, "local_tty_device", dut->local_tty_device);
	value_set(pool, d, "firmware_boot_time", seconds(names, dut->firmware_boot_time));
	value_set(pool, d, "boot_sequence_power", value_float(pool, dut->boot_sequence_power));
	value_set(pool, d, "ready_for_service", value_bool(dut->ready_for_service));
	set_text(names, d, "comment", dut->comment);
	return d;
}

static const char *argument(const struct value *const *args, size_t n_args, const char *function, struct gw_error *err)
{
	const char *text = n_args == 1 ? value_text(args[0], NULL) : NULL;

	if (!text)
		gw_fail(err, GW_BAD_INPUT, "%s takes one string", function);
	return text;
}

static const struct value *joined(struct value_pool *pool, const char *front, const char *name)
{
	char *path = gw_sprintf("%s/_/job/%s", front, name);
	const struct value *v = value_string(pool, path[0] == '/' ? path + 1 : path);

	free(path);
	return v;
}

static const struct value *http_path_to(struct value_pool *pool, void *data, const struct value *const *args, size_t n_args,
					struct gw_error *err)
{
	const char *name = argument(args, n_args, "job.http.path_to", err);

	return name ? joined(pool, ((struct names *)data)->http_url, name) : NULL;
}

static const struct value *tftp_path_to(struct value_pool *pool, void *data, const struct value *const *args, size_t n_args,
					struct gw_error *err)
{
	const char *name = argument(args, n_args, "job.tftp.path_to", err);

	return name ? joined(pool, "", name) : NULL;
}

static struct value *served_dict(struct names *names)
{
	struct value_pool *pool = &names->pool;
	struct value *job = value_dict(pool), *http = value_dict(pool), *tftp = value_dict(pool);

	set_text(names, http, "url", names->http_url);
	value_set(pool, http, "path_to", value_callable(pool, http_path_to, names));
	value_set(pool, tftp, "path_to", value_callable(pool, tftp_path_to, names));
	value_set(pool, job, "http", http);
	value_set(pool, job, "tftp", tftp);
	return job;
}

static const struct value *environ_dict(struct names *names, const struct msg_job_go *go)
{
	struct value *d = value_dict(&names->pool);

	for (size_t i = 0; i < go->environ.n; i++) {
		set_text(names, d, go->environ.v[i].name, go->environ.v[i].value);
		note_secret(names, go->environ.v[i].value);
	}
	return d;
}

/* What does not depend on the machine. The environment's first: none of them hides one of ours. */
static void add_gateway(struct names *names, struct value *all)
{
	env_job_variables(add_variable, &(struct making){names, all});
	set_text(names, all, "minio_url", names->minio_url);
	set_text(names, all, "executor_host", names->executor_host);
	names->job = served_dict(names);
	value_set(&names->pool, all, "job", names->job);
	value_set(&names->pool, all, "imagestore", names_imagestore(names));
	value_set(&names->pool, all, "registry", names_registry(names));
}

/* A job may fetch from the gateway: those names are true for any machine. */
const struct value *names_for_target(struct names *names)
{
	struct value_pool *pool = &names->pool;
	const struct value *nobody;
	struct value *all;

	value_pool_finish(pool);
	forget_secrets(names);
	value_pool_init(pool, 0);
	all = value_dict(pool);
	add_gateway(names, all);
	nobody = job_names_for_target(pool, NULL);
	for (size_t i = 0; i < value_len(nobody); i++)
		value_set_key(pool, all, value_key_at(nobody, i), value_item_at(nobody, i));
	return all;
}

/* As its machine sees it. Without a bucket these names are not defined. */
static void add_bucket(struct names *names, struct value *all, const struct msg_job_bucket *bucket)
{
	const struct {
		const char *name, *of_job, *text;
	} rows[] = {
		{NULL, "url", names->minio_url},
		{"job_bucket", "name", bucket->name},
		{"job_bucket_access_key", "access_key", bucket->dut_key},
		{"job_bucket_secret_key", "secret_key", bucket->dut_secret},
	};
	struct value *d = value_dict(&names->pool);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		set_text(names, d, rows[i].of_job, rows[i].text);
		if (rows[i].name)
			set_text(names, all, rows[i].name, rows[i].text);
	}
	value_set(&names->pool, names->job, "bucket", d);
	note_secret(names, bucket->dut_secret);
}

void names_make(struct names *names, const struct msg_job_go *go)
{
	const struct msg_dut *dut = &go->dut.v[0];
	struct value_pool *pool = &names->pool;
	const struct value *machine;
	struct value *all;

	value_pool_finish(pool);
	forget_secrets(names);
	value_pool_init(pool, 0);
	all = value_dict(pool);
	add_gateway(names, all);
	machine = dut_dict(names, dut);
	value_set(pool, all, "dut", machine);
	value_set(pool, all, "machine", machine);
	set_text(names, all, "machine_id", dut->id);
	value_set(pool, all, "machine_tags", texts(names, &go->machine_tags));
	value_set(pool, all, "ready_for_service", value_bool(dut->ready_for_service));
	set_text(names, all, "local_tty_device", dut->local_tty_device);
	value_set(pool, all, "environ", environ_dict(names, go));
	if (go->bucket.n)
		add_bucket(names, all, &go->bucket.v[0]);
	names->all = all;
}

char *names_for_boots_db(const struct names *names)
{
	static const char *const kept[] = {"dut",       "machine",           "machine_id",       "machine_tags",
					   "minio_url", "ready_for_service", "local_tty_device", NULL};
	struct value_pool pool = {0};
	struct value *some;
	char *json;

	value_pool_init(&pool, 0);
	some = value_dict(&pool);
	for (int i = 0; kept[i]; i++)
		value_set(&pool, some, kept[i], value_get(names->all, kept[i]));
	json = value_to_json(some);
	value_pool_finish(&pool);
	if (json && strlen(json) <= BOOTS_DB_NAMES_MAX)
		return json;
	free(json);
	return NULL;
}

void names_finish(struct names *names)
{
	value_pool_finish(&names->pool);
	forget_secrets(names);
	free(names->http_url);
	free(names->executor_host);
	free(names->minio_url);
}
