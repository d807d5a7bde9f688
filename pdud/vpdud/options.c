#include "pdud/vpdud/options.h"

#include <getopt.h>
#include <inttypes.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MIN_MIB 16
#define MEMORY_MAX_MIB 65536

/* One row an option: its reader, and what --help says of it. */
typedef bool read_fn(struct vpdud_options *out, const char *value, struct gw_error *err);
struct option_row {
	const char *name, *value; /* value NULL: a flag */
	read_fn *read;
	const char *meaning;
};

static bool read_help(struct vpdud_options *out, const char *value, struct gw_error *err)
{
	out->help = true;
	return true;
}

static bool read_listen(struct vpdud_options *out, const char *value, struct gw_error *err)
{
	return vpdud_address_parse("--listen", value, &out->listen, err);
}

static bool read_salad(struct vpdud_options *out, const char *value, struct gw_error *err)
{
	return vpdud_address_parse("--salad", value, &out->salad, err);
}

static bool read_bridge(struct vpdud_options *out, const char *value, struct gw_error *err)
{
	if (!*value || strlen(value) >= IFNAMSIZ)
		return gw_fail(err, GW_BAD_INPUT, "--bridge: '%s' is not a network interface's name; accepted: 1 to %d characters", value,
			       IFNAMSIZ - 1);
	out->bridge = value;
	return true;
}

static bool read_net(struct vpdud_options *out, const char *value, struct gw_error *err)
{
	if (strcmp(value, "none") == 0)
		out->bridge = NULL;
	else if (strcmp(value, "tap") == 0)
		out->net = VPDUD_NET_TAP;
	else if (strcmp(value, "veth") == 0)
		out->net = VPDUD_NET_VETH;
	else
		return gw_fail(err, GW_BAD_INPUT, "--net: '%s' is not known; accepted: none, tap, veth", value);
	return true;
}

static bool read_memory(struct vpdud_options *out, const char *value, struct gw_error *err)
{
	char *end;
	unsigned long mib = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || mib < MEMORY_MIN_MIB || mib > MEMORY_MAX_MIB)
		return gw_fail(err, GW_BAD_INPUT, "--memory: '%s' is not a size in MiB; accepted: %d to %d", value, MEMORY_MIN_MIB,
			       MEMORY_MAX_MIB);
	out->memory_mib = (unsigned)mib;
	return true;
}

static bool read_firmware(struct vpdud_options *out, const char *value, struct gw_error *err)
{
	if (strcmp(value, "bios") != 0 && strcmp(value, "uefi") != 0)
		return gw_fail(err, GW_BAD_INPUT, "--firmware: '%s' is not known; accepted: bios, uefi", value);
	out->firmware = *value == 'b' ? VPDUD_BIOS : VPDUD_UEFI;
	return true;
}

static bool read_accel(struct vpdud_options *out, const char *value, struct gw_error *err)
{
	static const char *const names[] = {[VPDUD_ACCEL_AUTO] = "auto", [VPDUD_ACCEL_KVM] = "kvm", [VPDUD_ACCEL_TCG] = "tcg"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(value, names[i]) == 0) {
			out->accel = (enum vpdud_accel)i;
			return true;
		}
	}
	return gw_fail(err, GW_BAD_INPUT, "--accel: '%s' is not known; accepted: auto, kvm, tcg", value);
}

static bool read_qemu(struct vpdud_options *out, const char *value, struct gw_error *err)
{
	out->qemu = value;
	return true;
}

static bool read_skip_prompt(struct vpdud_options *out, const char *value, struct gw_error *err)
{
	out->skip_ipxe_prompt = true;
	return true;
}

static bool read_qemu_arg(struct vpdud_options *out, const char *value, struct gw_error *err)
{
	if (out->n_qemu_args == VPDUD_QEMU_ARGS_MAX)
		return gw_fail(err, GW_BAD_INPUT, "--qemu-arg: given more than %d times", VPDUD_QEMU_ARGS_MAX);
	out->qemu_args[out->n_qemu_args++] = value;
	return true;
}

/* clang-format off */
static const struct option_row rows[] = {
	{"listen",           "HOST:PORT", read_listen,      "where the PDU's clients connect to (default: 127.0.0.1:9191)"},
	{"salad",            "HOST:PORT", read_salad,       "where the machines' serial consoles go (default: nowhere)"},
	{"bridge",           "IFACE",     read_bridge,      "the bridge that each machine's network card joins"},
	{"net",              "none|tap|veth", read_net,     "how: by a tap, or where /dev/net/tun is not for us by a veth pair; none: not at all"},
	{"memory",           "MIB",       read_memory,      "memory of each machine (default: 512)"},
	{"firmware",         "bios|uefi", read_firmware,    "SeaBIOS with iPXE's ROM, or OVMF with iPXE's ROM (default: bios)"},
	{"accel",            "auto|kvm|tcg", read_accel,    "auto: KVM where the processor has it, else TCG (default: auto)"},
	{"qemu",             "PATH",      read_qemu,        "the emulator (default: qemu-system-x86_64)"},
	{"skip-ipxe-prompt", NULL,        read_skip_prompt, "press Enter at iPXE's \"Press Ctrl-B\" prompt: saves 2 s a boot"},
	{"qemu-arg",         "ARG",       read_qemu_arg,    "one more argument for each qemu; may be repeated"},
	{"help",             NULL,        read_help,        "show this"},
};
/* clang-format on */
#define N_ROWS (sizeof(rows) / sizeof(*rows))

static void print_help(void)
{
	printf("Usage: vpdud [OPTION]...\n"
	       "A virtual PDU: each of its 16 ports powers a qemu machine, MAC 52:54:00:11:22:NN (NN: the port, in hex).\n\n");
	for (size_t i = 0; i < N_ROWS; i++)
		printf("  --%-16s %-12s  %s\n", rows[i].name, rows[i].value ? rows[i].value : "", rows[i].meaning);
	printf("\nExit code: 0 stopped by SIGTERM or SIGINT (all ports OFF), 1 failed, 2 bad usage.\n");
}

/* Splits "HOST:PORT" at the last colon, taking the brackets of an IPv6 address off. */
static bool split_address(const char *text, char *host, size_t host_size, const char **port)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;

	if (!n || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")])
		return false;
	if (text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n >= host_size)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	*port = colon + 1;
	return true;
}

bool vpdud_address_parse(const char *what, const char *text, struct sockaddr_storage *out, struct gw_error *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
	char host[256];
	const char *port;
	int rc;

	if (!split_address(text, host, sizeof(host), &port) || strlen(port) > 5 || atoi(port) > 65535)
		return gw_fail(err, GW_BAD_INPUT, "%s: '%s' is not HOST:PORT", what, text);
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc != 0)
		return gw_fail(err, GW_BAD_INPUT, "%s: host '%s' does not resolve: %s", what, host, gai_strerror(rc));
	memset(out, 0, sizeof(*out));
	memcpy(out, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return true;
}

void vpdud_address_print(const struct sockaddr_storage *address, char *out, size_t size)
{
	char host[NI_MAXHOST], port[NI_MAXSERV];
	bool v6 = address->ss_family == AF_INET6;
	socklen_t n = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	if (getnameinfo((const struct sockaddr *)address, n, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(out, size, "?");
	else
		snprintf(out, size, v6 ? "[%s]:%s" : "%s:%s", host, port);
}

bool vpdud_options_load(struct vpdud_options *out, int argc, char **argv, struct gw_error *err)
{
	struct option longs[N_ROWS + 1] = {{0}};
	int c, row = 0;

	*out = (struct vpdud_options){.memory_mib = 512, .qemu = "qemu-system-x86_64"};
	if (!read_listen(out, "127.0.0.1:9191", err))
		return false;
	for (size_t i = 0; i < N_ROWS; i++)
		longs[i] = (struct option){.name = rows[i].name, .has_arg = rows[i].value ? required_argument : no_argument};
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", longs, &row)) != -1) {
		if (c == ':')
			return gw_fail(err, GW_BAD_INPUT, "%s needs a value; see vpdud --help", argv[optind - 1]);
		if (c != 0)
			return gw_fail(err, GW_BAD_INPUT, "'%s' is not an option of vpdud; see vpdud --help", argv[optind - 1]);
		if (!rows[row].read(out, optarg, err))
			return false;
	}
	if (optind < argc)
		return gw_fail(err, GW_BAD_INPUT, "'%s' is not an option of vpdud; see vpdud --help", argv[optind]);
	if (out->help)
		print_help();
	return true;
}
