/* `dhcp` of a deployment: which requests an entry is for, and the options that answer them. */
#include "libjob/job_deployment.h"

#include "libgateway/shared_bounds.h"
#include "libjob/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const architectures[] = {"x86", "x86_64", "arm32", "arm64", "riscv32", "riscv64", NULL};
static const char *const firmwares[] = {"bios", "uefi", "uboot", "rpi", NULL};
static const char *const protocols[] = {"tftp", "http", NULL};

static const struct {
	const char *name;
	int code; /* RFC 2132, 4702, 4578 */
} option_names[] = {
	{"subnet_mask", 1},  {"router", 3},    {"time_server", 4},        {"name_server", 5},  {"domain_server", 6},
	{"log_server", 7},   {"hostname", 12}, {"broadcast_address", 28}, {"ntp_servers", 42}, {"lease_time", 51},
	{"dhcp_server", 54}, {"class_id", 60}, {"client_id", 61},         {"tftp_server", 66}, {"bootfile", 67},
	{"client_fqdn", 81}, {"uuid", 97},
};
static const char option_list[] = "1 to 254, or subnet_mask, router, time_server, name_server, domain_server, log_server, hostname, "
				  "broadcast_address, ntp_servers, lease_time, dhcp_server, class_id, client_id, tftp_server, bootfile, "
				  "client_fqdn, uuid";

static void read_word(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out, const char *wanted,
		      const char *const *words)
{
	int i = reader_choice(r, node, path, wanted, words);

	if (i >= 0)
		*(char **)out = gw_strdup(words[i]);
}

static void read_architecture(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_word(r, node, path, out, "an architecture", architectures);
}

static void read_firmware(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_word(r, node, path, out, "a firmware", firmwares);
}

static void read_protocol(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_word(r, node, path, out, "a protocol", protocols);
}

static void read_regex(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	reader_regex(r, node, path, out);
	reader_within(r, node, path, *(char **)out, JOB_DHCP_REGEX_MAX);
}

static const struct reader_field match_fields[] = {
	{"architecture", read_architecture, JOB_DHCP_ARCHITECTURE * sizeof(char *)},
	{"firmware", read_firmware, JOB_DHCP_FIRMWARE * sizeof(char *)},
	{"protocol", read_protocol, JOB_DHCP_PROTOCOL * sizeof(char *)},
	{"mac_address", read_regex, JOB_DHCP_MAC * sizeof(char *)},
	{"vendor_class", read_regex, JOB_DHCP_VENDOR * sizeof(char *)},
	{"user_class", read_regex, JOB_DHCP_USER * sizeof(char *)},
	{"uuid", read_regex, JOB_DHCP_UUID * sizeof(char *)},
	{NULL},
};

void read_dhcp_match(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	reader_map(r, node, path, "a match", match_fields, ((struct job_dhcp *)out)->match);
}

/* 0: none */
static int option_code(const struct tree_node *key)
{
	int code = 0;

	for (size_t i = 0; i < sizeof(option_names) / sizeof(option_names[0]); i++)
		if (tree_is(key, option_names[i].name))
			return option_names[i].code;
	for (uint32_t i = 0; i < key->len; i++) {
		if (key->text[i] < '0' || key->text[i] > '9' || code > 254)
			return 0;
		code = code * 10 + (key->text[i] - '0');
	}
	return code <= 254 ? code : 0;
}

static void read_option(struct reader *r, const struct tree_node *value, const struct tree_path *path, struct job_dhcp *dhcp)
{
	int code = option_code(value->key);
	char shown[80], *text;

	if (!code)
		return reader_complain(r, value->key, path->up, "'%s' is not a DHCP option; accepted: %s",
				       tree_show(value->key->text, value->key->len, shown, sizeof(shown)), option_list);
	for (size_t i = 0; i < dhcp->n_options; i++)
		if (dhcp->options[i].code == code)
			return reader_complain(r, value->key, path, "option %d is given twice, by its name and by its number", code);
	text = reader_joined(r, value, path, ",");
	if (!text)
		return;
	dhcp->options = gw_realloc(dhcp->options, (dhcp->n_options + 1) * sizeof(*dhcp->options));
	dhcp->options[dhcp->n_options++] = (struct job_dhcp_option){code, text};
}

static void read_options(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	const struct tree_node *map = tree_resolve(node);

	if (map->kind != TREE_MAP)
		return reader_refuse(r, node, path, "DHCP options", "a mapping of names or numbers to values");
	for (const struct tree_node *value = map->first; value; value = value->next) {
		struct tree_path here = reader_step(path, value);

		if (!tree_is_null(value))
			read_option(r, value, &here, out);
	}
}

static const struct reader_field dhcp_fields[] = {{"match", read_dhcp_match}, {"options", read_options}, {NULL}};

static void read_dhcp(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	reader_map(r, node, path, "a DHCP entry", dhcp_fields, out);
}

static void dhcp_copy(void *to, const void *from)
{
	const struct job_dhcp *old = from;
	struct job_dhcp *new = to;

	*new = *old;
	new->category = gw_strdup(old->category);
	for (int i = 0; i < JOB_DHCP_MATCHES; i++)
		new->match[i] = gw_strdup(old->match[i]);
	new->options = gw_calloc(old->n_options, sizeof(*new->options));
	for (size_t i = 0; i < old->n_options; i++)
		new->options[i] = (struct job_dhcp_option){old->options[i].code, gw_strdup(old->options[i].value)};
}

static void dhcp_finish(void *item)
{
	struct job_dhcp *dhcp = item;

	free(dhcp->category);
	for (int i = 0; i < JOB_DHCP_MATCHES; i++)
		free(dhcp->match[i]);
	for (size_t i = 0; i < dhcp->n_options; i++)
		free(dhcp->options[i].value);
	free(dhcp->options);
}

const struct item_kind kind_dhcp = {"a DHCP entry", dhcp_fields, sizeof(struct job_dhcp), read_dhcp, dhcp_copy, dhcp_finish, false};
