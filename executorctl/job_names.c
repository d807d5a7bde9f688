#include "executorctl/job_names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "executorctl/rest.h"
#include "libgateway/env.h"

#define HTTP_URL  "http://10.42.0.1:8090"
#define MINIO_URL "http://10.42.0.1:9000"

static const char example[] = "{\"id\":\"52:54:00:11:22:00\",\"base_name\":\"example\",\"full_name\":\"farm-example-1\",\"tags\":[],"
			      "\"manual_tags\":[],\"mac_address\":\"52:54:00:11:22:00\",\"ip_address\":\"10.42.0.100\","
			      "\"local_tty_device\":\"ttyS0\",\"firmware_boot_time\":null,\"ready_for_service\":true,\"comment\":null}";

/* ---- what a gateway offers ---- */

static const struct value *path_to(struct value_pool *pool, void *front, const struct value *const *args, size_t n_args,
				   struct gw_error *err)
{
	const char *name = n_args == 1 ? value_text(args[0], NULL) : NULL;
	const struct value *v;
	char *path;

	if (!name) {
		gw_fail(err, GW_BAD_INPUT, "path_to takes one string");
		return NULL;
	}
	path = gw_sprintf("%s_/job/%s", (const char *)front, name);
	v = value_string(pool, path);
	free(path);
	return v;
}

static const struct value *same_name(struct value_pool *pool, void *data, const struct value *const *args, size_t n_args,
				     struct gw_error *err)
{
	((struct job_names *)data)->asked_proxy = true;
	if (n_args == 1 && value_text(args[0], NULL))
		return args[0];
	gw_fail(err, GW_BAD_INPUT, "registry.to_local_proxy takes one string");
	return NULL;
}

static struct value *served(struct value_pool *pool)
{
	static char http_front[] = HTTP_URL "/", tftp_front[] = "";
	struct value *job = value_dict(pool), *http = value_dict(pool), *tftp = value_dict(pool);

	value_set(pool, http, "url", value_string(pool, HTTP_URL));
	value_set(pool, http, "path_to", value_callable(pool, path_to, http_front));
	value_set(pool, tftp, "path_to", value_callable(pool, path_to, tftp_front));
	value_set(pool, job, "http", http);
	value_set(pool, job, "tftp", tftp);
	return job;
}

/* Each job has one; made up as the machine is, but for its secret's shape. */
static void add_bucket(struct job_names *names)
{
	static const struct {
		const char *name, *of_job, *text;
	} rows[] = {
		{"minio_url", "url", MINIO_URL},
		{"job_bucket", "name", "job-52-54-00-11-22-00-example"},
		{"job_bucket_access_key", "access_key", "job-52-54-00-11-22-00-example-dut"},
		{"job_bucket_secret_key", "secret_key", "00000000000000000000000000000000"},
	};
	struct value_pool *pool = &names->pool;
	struct value *bucket = value_dict(pool);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		value_set(pool, names->all, rows[i].name, value_string(pool, rows[i].text));
		value_set(pool, bucket, rows[i].of_job, value_string(pool, rows[i].text));
	}
	value_set(pool, names->job, "bucket", bucket);
}

static void add_variable(void *data, const char *name, const char *value)
{
	struct job_names *names = data;
	char *lower = gw_strdup(name);

	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	value_set(&names->pool, names->all, lower, value_string(&names->pool, value));
	free(lower);
}

/* EXECUTOR_JOB__ variables first: none of them hides one of ours. */
static void add_gateway(struct job_names *names)
{
	struct value_pool *pool = &names->pool;
	struct value *registry = value_dict(pool);

	env_job_variables(add_variable, names);
	value_set(pool, registry, "to_local_proxy", value_callable(pool, same_name, names));
	names->job = served(pool);
	value_set(pool, names->all, "job", names->job);
	add_bucket(names);
	value_set(pool, names->all, "executor_host", value_string(pool, "ci-gateway"));
	value_set(pool, names->all, "registry", registry);
	value_set(pool, names->all, "environ", value_dict(pool));
}

/* ---- the machine ---- */

static void copy(struct job_names *names, struct value *to, const struct value *from)
{
	for (size_t i = 0; i < value_len(from); i++)
		value_set_key(&names->pool, to, value_key_at(from, i), value_item_at(from, i));
}

static const struct value *all_tags(struct job_names *names, const struct value *dut)
{
	static const char *const kinds[] = {"tags", "manual_tags"};
	struct value *list = value_list(&names->pool);

	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < value_len(value_get(dut, kinds[k])); i++)
			value_append(&names->pool, list, value_at(value_get(dut, kinds[k]), i));
	return list;
}

static void add_machine(struct job_names *names, const struct value *described)
{
	struct value_pool *pool = &names->pool;
	struct value *dut = value_dict(pool);

	copy(names, dut, described);
	value_set(pool, dut, "hostname", value_get(described, "full_name"));
	value_set(pool, dut, "boot_sequence_power", value_float(pool, 10));
	value_set(pool, names->all, "dut", dut);
	value_set(pool, names->all, "machine", dut);
	value_set(pool, names->all, "machine_id", value_get(dut, "id"));
	value_set(pool, names->all, "machine_tags", all_tags(names, dut));
	value_set(pool, names->all, "ready_for_service", value_get(dut, "ready_for_service"));
	value_set(pool, names->all, "local_tty_device", value_get(dut, "local_tty_device"));
	names->firmware_boot_time = value_as_float(value_get(dut, "firmware_boot_time"));
}

static char *ask_machine(const struct ctl *ctl, const char *id, struct gw_error *err)
{
	char *path = rest_path("dut/%s", &id), *text;
	cJSON *answer = rest_ask(ctl, "GET", path, NULL, err);

	text = answer ? cJSON_PrintUnformatted(answer) : NULL;
	cJSON_Delete(answer);
	free(path);
	return text;
}

static bool describe_machine(struct job_names *names, const struct ctl *ctl, const char *id, struct gw_error *err)
{
	char *text = id ? ask_machine(ctl, id, err) : gw_strdup(example);
	const struct value *described = text ? value_from_json(&names->pool, text, err) : NULL;

	if (described)
		add_machine(names, described);
	free(text);
	return described != NULL;
}

/* ---- by hand ---- */

static const struct value *value_of(struct job_names *names, const char *text)
{
	struct gw_error ignored = {0};
	const struct value *json = value_from_json(&names->pool, text, &ignored);

	return json ? json : value_string(&names->pool, text);
}

bool job_names_set(struct job_names *names, const char *assignment, struct gw_error *err)
{
	const char *equals = strchr(assignment, '=');
	char *name, *rest, *part;
	struct value *in = names->all;

	if (!equals || equals == assignment)
		return gw_fail(err, GW_BAD_INPUT, "--set: '%.100s' is not of the form NAME=VALUE", assignment);
	name = rest = gw_strndup(assignment, (size_t)(equals - assignment));
	while ((part = strsep(&rest, ".")) && rest) {
		struct value *next = (struct value *)value_get(in, part); /* ours, from this pool */

		if (value_type(next) != VALUE_DICT) {
			next = value_dict(&names->pool);
			value_set(&names->pool, in, part, next);
		}
		in = next;
	}
	value_set(&names->pool, in, part, value_of(names, equals + 1));
	free(name);
	return true;
}

bool job_names_init(struct job_names *names, const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	const char *assignment;
	size_t at = 0;

	value_pool_init(&names->pool, 0);
	names->all = value_dict(&names->pool);
	add_gateway(names);
	if (!describe_machine(names, ctl, ctl_value(args, 'i'), err))
		return false;
	while ((assignment = ctl_next_value(args, 'd', &at)))
		if (!job_names_set(names, assignment, err))
			return false;
	return true;
}

void job_names_finish(struct job_names *names)
{
	value_pool_finish(&names->pool);
}
