/* Boot HTTP: a DUT's own files and script, and what every machine may fetch. Who asks is told by address and MAC (peer.h); a file of
 * another DUT is as unknown as one that is not there. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bootsd/bootsd.h"
#include "bootsd/ipxe_script.h"
#include "libgateway/log.h"

#define CONNECTIONS             1024
#define CONNECTIONS_PER_ADDRESS 32
#define BACKLOG                 256
#define OCTETS                  "application/octet-stream"

static uint32_t ip_of(const struct http_request *rq)
{
	const struct sockaddr *peer = http_peer(rq);

	return peer->sa_family == AF_INET ? ntohl(((const struct sockaddr_in *)(const void *)peer)->sin_addr.s_addr) : 0;
}

/* The machine that asks; NULL: none that we know for sure. */
static struct machine *asking(struct bootsd *b, const struct http_request *rq)
{
	char ip_text[IP4_TEXT], mac_text[MAC_TEXT];
	struct machine *machine;
	struct mac mac;

	if (peers_find(&b->peers, ip_of(rq), &machine, &mac) == PEER_IMPOSTOR)
		log_warning("http: %s uses the address %s of another machine; it is served nothing of it", mac_print(mac_text, mac),
			    ip4_print(ip_text, ip_of(rq)));
	return machine;
}

static void tell(struct bootsd *b, const struct http_request *rq, struct machine *machine, bool netboot)
{
	seen_tell(&b->seen, &(struct seen_request){.mac = machine->mac,
						   .machine = machine,
						   .ip = ip_of(rq),
						   .how = "http",
						   .netboot = netboot,
						   .file = http_path(rq)});
}

static ssize_t read_file(void *data, void *out, size_t n, uint64_t at)
{
	return boot_file_read(data, out, n, at);
}

static void release_file(void *data)
{
	boot_file_release(data);
}

static void answer_boot_file(struct http_request *rq, struct boot_file *file)
{
	int fd = file->n_pieces == 1 ? dup(file->pieces[0].fd) : -1; /* the kernel sends it by itself */

	if (fd >= 0)
		http_answer_file(rq, fd, file->size, file->etag, OCTETS);
	else
		http_answer_source(
			rq,
			&(struct http_source){.size = file->size, .read = read_file, .done = release_file, .data = boot_file_hold(file)},
			file->etag, OCTETS);
}

static void not_found(struct http_request *rq)
{
	http_answer_status(rq, 404, "%s: there is no such file for the machine that asks", http_path(rq));
}

/* A file that is not deployed may be what a regex of the job stands for. True: it waits for the answer of its jobd. */
static bool waits_for_its_job(struct bootsd *b, struct http_request *rq, struct machine *machine)
{
	struct deployment *d = machine ? machine->deployment : NULL;
	bool is_new;

	if (!d || !deployment_may_have(d, http_path(rq), false) || !wanted_http(&d->wanted, http_path(rq), rq, &is_new))
		return false;
	if (is_new && !seen_want(&b->seen, machine, http_path(rq), false))
		boot_http_give(d, http_path(rq), NULL);
	return true;
}

/* GET /ANYTHING: a file of the asking DUT's job. */
static void get_job_file(void *owner, struct http_request *rq)
{
	struct bootsd *b = owner;
	struct machine *machine = asking(b, rq);
	struct boot_file *file = machine_file(machine, http_path(rq), false);

	if (machine)
		tell(b, rq, machine, file != NULL);
	if (file)
		answer_boot_file(rq, file);
	else if (!waits_for_its_job(b, rq, machine))
		not_found(rq);
}

static void give(void *data, struct http_request *rq, struct boot_file *file)
{
	if (file)
		answer_boot_file(rq, file);
	else
		not_found(rq);
}

void boot_http_give(struct deployment *d, const char *path, struct boot_file *file)
{
	static const struct wanted_answers answers = {.http = give};

	wanted_give(&d->wanted, path, false, file, &answers);
}

/* GET /boot/MAC/boot.ipxe: by the machine of that MAC itself. */
static void get_script(void *owner, struct http_request *rq)
{
	struct bootsd *b = owner;
	struct machine *machine = asking(b, rq);
	struct ipxe_boot boot = {.host = NULL, .port = b->http_port, .platform = http_query(rq, "platform")};
	char ip[IP4_TEXT], mac_text[MAC_TEXT], *script;
	struct mac mac;

	if (!mac_decode(&mac, http_arg(rq, "mac")) || (machine && !mac_equal(machine->mac, mac))) {
		not_found(rq);
		return;
	}
	if (machine)
		tell(b, rq, machine, true);
	boot.host = ip4_print(ip, b->net.ip);
	boot.mac = mac_print(mac_text, mac);
	boot.cmdline = machine && machine->deployment ? machine->deployment->cmdline : NULL;
	boot.initramfs = boot.cmdline && machine->deployment->initramfs;
	script = ipxe_script(&boot);
	http_answer(rq, 200, "text/plain", script, strlen(script));
	free(script);
}

/* GET /boot/NAME: a file of the gateway's own. */
static void get_static(void *owner, struct http_request *rq)
{
	struct bootsd *b = owner;
	uint64_t size;
	int fd = static_files_open(&b->statics, http_arg(rq, "name"), &size, NULL);
	struct stat st;
	char etag[64];

	if (fd < 0) {
		not_found(rq);
		return;
	}
	gw_assert(fstat(fd, &st) == 0); /* it was done before, to see that it is a file */
	snprintf(etag, sizeof(etag), "%llx-%llx.%lx", (unsigned long long)st.st_ino, (unsigned long long)st.st_mtim.tv_sec,
		 st.st_mtim.tv_nsec);
	http_answer_file(rq, fd, size, etag, OCTETS);
}

static const struct http_route routes[] = {
	{"GET", "/boot/{mac}/boot.ipxe", get_script, 0},
	{"GET", "/boot/{name}", get_static, 0},
	{"GET", "/{rest*}", get_job_file, 0},
	{NULL, NULL, NULL, 0},
};

bool boot_http_start(struct bootsd *b, struct gw_error *err)
{
	const struct http_limits limits = {.connections = CONNECTIONS, .connections_per_address = CONNECTIONS_PER_ADDRESS};
	char ip[IP4_TEXT];
	int fd = activation_find(&b->fds, "boot_http");

	if (fd < 0)
		fd = activation_tcp_listen(ip4_print(ip, b->net.ip), (uint16_t)env_integer(&b->env, OPT_BOOTS_HTTP_PORT), BACKLOG, err);
	if (fd < 0)
		return gw_context(err, "BOOTS_HTTP_PORT");
	b->http_port = activation_port_of(fd);
	b->http = http_server_start(&b->loop, fd, routes, &limits, b, err);
	return b->http != NULL;
}

void boot_http_stop(struct bootsd *b)
{
	http_server_stop(b->http);
	b->http = NULL;
}
