#include "bootsd/boots_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libjob/job.h"

/* How iPXE and Go call what we call otherwise; no name: they have none for it. */
static const struct {
	const char *name, *ipxe, *go;
} architectures[] = {{"x86", "i386", "386"},      {"x86_64", "x86_64", "amd64"}, {"arm32", "arm32", "arm"},
		     {"arm64", "arm64", "arm64"}, {"riscv32", "riscv32", NULL},  {"riscv64", "riscv64", "riscv64"}};
static const struct {
	const char *name, *ipxe;
} firmwares[] = {{"bios", "pcbios"}, {"uefi", "efi"}, {"uboot", NULL}, {"rpi", NULL}};
#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void set_text(struct value_pool *pool, struct value *dict, const char *name, const char *text)
{
	if (text)
		value_set(pool, dict, name, value_string(pool, text));
}

/* A client's bytes: what is no printable ASCII is escaped. */
static void set_bytes(struct value_pool *pool, struct value *dict, const char *name, struct dhcp_bytes bytes)
{
	char text[4 * 255 + 1];
	size_t n = 0;

	for (size_t i = 0; i < bytes.n && i < 255; i++) {
		if (bytes.v[i] >= 0x20 && bytes.v[i] < 0x7f)
			text[n++] = (char)bytes.v[i];
		else
			n += (size_t)sprintf(text + n, "\\x%02x", bytes.v[i]);
	}
	if (bytes.v)
		value_set(pool, dict, name, value_string_n(pool, text, n));
}

static const struct value *architecture_of(struct value_pool *pool, const char *name)
{
	struct value *dict = value_dict(pool);

	set_text(pool, dict, "name", name);
	for (size_t i = 0; name && i < ROWS(architectures); i++) {
		if (strcmp(name, architectures[i].name) == 0) {
			set_text(pool, dict, "ipxe_buildarch", architectures[i].ipxe);
			set_text(pool, dict, "goarch", architectures[i].go);
		}
	}
	return dict;
}

static const struct value *firmware_of(struct value_pool *pool, const char *name)
{
	struct value *dict = value_dict(pool);

	set_text(pool, dict, "name", name);
	for (size_t i = 0; name && i < ROWS(firmwares); i++)
		if (strcmp(name, firmwares[i].name) == 0)
			set_text(pool, dict, "to_ipxe_platform", firmwares[i].ipxe);
	return dict;
}

static const struct value *request_dict(struct value_pool *pool, const struct boots_request *request)
{
	const struct dhcp_class *class = request->class;
	struct value *dict = value_dict(pool);
	char mac[MAC_TEXT];

	value_set(pool, dict, "architecture", architecture_of(pool, class->architecture));
	value_set(pool, dict, "firmware", firmware_of(pool, class->firmware));
	set_text(pool, dict, "protocol", class->protocol);
	set_text(pool, dict, "mac_address", mac_print(mac, request->mac));
	set_text(pool, dict, "uuid", class->uuid[0] ? class->uuid : NULL);
	set_bytes(pool, dict, "vendor_class", class->vendor_class);
	set_bytes(pool, dict, "user_class", class->user_class);
	value_set(pool, dict, "ipxe", value_bool(class->ipxe));
	return dict;
}

static char *http_url(const struct boots_place *place)
{
	char ip[IP4_TEXT];

	return gw_sprintf("http://%s:%u", ip4_print(ip, place->net->ip), *place->http_port);
}

static const char *argument(const struct value *const *args, size_t n_args, const char *function, struct gw_error *err)
{
	const char *text = n_args == 1 ? value_text(args[0], NULL) : NULL;

	if (!text)
		gw_fail(err, GW_BAD_INPUT, "%s takes one string", function);
	return text;
}

static const struct value *http_path_to(struct value_pool *pool, void *data, const struct value *const *args, size_t n_args,
					struct gw_error *err)
{
	const char *name = argument(args, n_args, "job.http.path_to", err);
	const struct value *path = NULL;
	char *url = http_url(data), *text;

	if (name) {
		text = gw_sprintf("%s/_/job/%s", url, name);
		path = value_string(pool, text);
		free(text);
	}
	free(url);
	return path;
}

static const struct value *tftp_path_to(struct value_pool *pool, void *data, const struct value *const *args, size_t n_args,
					struct gw_error *err)
{
	const char *name = argument(args, n_args, "job.tftp.path_to", err);
	char *text = name ? gw_sprintf("_/job/%s", name) : NULL;
	const struct value *path = text ? value_string(pool, text) : NULL;

	free(text);
	return path;
}

static const struct value *job_dict(struct value_pool *pool, const struct boots_place *place, const char *cmdline)
{
	struct value *job = value_dict(pool), *http = value_dict(pool), *tftp = value_dict(pool), *deployment = value_dict(pool),
		     *kernel = value_dict(pool);
	char *url = http_url(place);

	set_text(pool, http, "url", url);
	free(url);
	value_set(pool, http, "path_to", value_callable(pool, http_path_to, (void *)place));
	value_set(pool, tftp, "path_to", value_callable(pool, tftp_path_to, (void *)place));
	set_text(pool, kernel, "cmdline", cmdline);
	value_set(pool, deployment, "kernel", kernel);
	value_set(pool, job, "http", http);
	value_set(pool, job, "tftp", tftp);
	value_set(pool, job, "deployment", deployment);
	return job;
}

static const struct value *binaries_there(struct value_pool *pool, const struct boots_place *place)
{
	struct value *list = value_list(pool);
	const char *name;

	for (size_t i = 0; (name = dhcp_ipxe_binary_name(i)); i++)
		if (static_files_has(place->statics, name))
			value_append(pool, list, value_string(pool, name));
	return list;
}

const struct value *boots_names(struct value_pool *pool, const struct boots_place *place, const struct boots_request *request)
{
	const struct value *of_job = request->names ? value_from_json(pool, request->names, NULL) : NULL;
	struct value *all = value_dict(pool);
	char ip[IP4_TEXT];

	if (!of_job || value_type(of_job) != VALUE_DICT)
		of_job = job_names_for_target(pool, NULL);
	for (size_t i = 0; i < value_len(of_job); i++)
		value_set_key(pool, all, value_key_at(of_job, i), value_item_at(of_job, i));
	value_set(pool, all, "dhcp_request", request_dict(pool, request));
	value_set(pool, all, "job", job_dict(pool, place, request->cmdline));
	value_set(pool, all, "gateway", value_string(pool, ip4_print(ip, place->net->ip)));
	value_set(pool, all, "ipxe_binaries", binaries_there(pool, place));
	return all;
}
