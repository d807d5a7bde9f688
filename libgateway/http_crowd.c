/* Many connections: counted in all and per address. Where there is no room, the one that has waited longest without a request makes it, of
 * the address that has the most: so a client that opens thousands and sends nothing (or not enough) drives away its own alone. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "libgateway/http_internal.h"
#include "libgateway/log.h"

enum { FILES_BESIDE = 256 /* descriptors that a daemon needs for all else */ };

/* IPv4 as ::ffff:A.B.C.D; of IPv6 the network, since each host has 2^64 addresses. */
static struct in6_addr network_of(const struct sockaddr *address)
{
	struct in6_addr net = {0};

	if (address->sa_family == AF_INET) {
		net.s6_addr[10] = net.s6_addr[11] = 0xff;
		memcpy(&net.s6_addr[12], &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		net = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
		if (!IN6_IS_ADDR_V4MAPPED(&net))
			memset(&net.s6_addr[8], 0, 8);
	}
	return net;
}

static struct http_address **bucket_of(struct http_server *server, const struct in6_addr *net)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < sizeof(net->s6_addr); i++)
		hash = (hash ^ net->s6_addr[i]) * 16777619u;
	return &server->addresses[hash % (sizeof(server->addresses) / sizeof(server->addresses[0]))];
}

static struct http_address *find(struct http_server *server, const struct in6_addr *net)
{
	struct http_address *a = *bucket_of(server, net);

	while (a && memcmp(&a->net, net, sizeof(*net)) != 0)
		a = a->next;
	return a;
}

void http_crowd_join(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	struct in6_addr net = network_of((const struct sockaddr *)&connection->peer);
	struct http_address *a = find(server, &net), **bucket = bucket_of(server, &net);

	if (!a) {
		a = gw_calloc(1, sizeof(*a));
		a->net = net;
		a->next = *bucket;
		*bucket = a;
	}
	a->n++;
	server->n_counted++;
	connection->address = a;
}

void http_crowd_leave(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	struct http_address *a = connection->address, **link;

	http_crowd_works(connection);
	if (!a)
		return;
	connection->address = NULL;
	server->n_counted--;
	if (--a->n)
		return;
	for (link = bucket_of(server, &a->net); *link != a; link = &(*link)->next)
		;
	*link = a->next;
	free(a);
}

void http_crowd_waits(struct http_connection *connection)
{
	struct http_server *server = connection->server;

	http_crowd_works(connection);
	connection->waiting = true;
	connection->waits_behind = server->last_waiting;
	*(server->last_waiting ? &server->last_waiting->waits_before : &server->first_waiting) = connection;
	server->last_waiting = connection;
}

void http_crowd_works(struct http_connection *connection)
{
	struct http_server *server = connection->server;

	if (!connection->waiting)
		return;
	*(connection->waits_behind ? &connection->waits_behind->waits_before : &server->first_waiting) = connection->waits_before;
	*(connection->waits_before ? &connection->waits_before->waits_behind : &server->last_waiting) = connection->waits_behind;
	connection->waits_behind = connection->waits_before = NULL;
	connection->waiting = false;
}

static const struct http_address *greediest(const struct http_server *server)
{
	const struct http_address *most = NULL;

	for (size_t i = 0; i < sizeof(server->addresses) / sizeof(server->addresses[0]); i++)
		for (const struct http_address *a = server->addresses[i]; a; a = a->next)
			if (!most || a->n > most->n)
				most = a;
	return most;
}

/* Of `address`, or of anybody for NULL. */
static bool drop_oldest(struct http_server *server, const struct http_address *address)
{
	struct http_connection *c = server->first_waiting;

	while (c && address && c->address != address)
		c = c->waits_before;
	if (!c)
		return false;
	log_debug("http: %u connections are open, so one that waits is closed", server->n_counted);
	http_crowd_leave(c);
	c->phase = HTTP_PHASE_CUT;
	http_connection_cut(c);
	return true;
}

bool http_crowd_has_room(struct http_server *server, const struct sockaddr *address)
{
	struct in6_addr net = network_of(address);
	const struct http_address *a = find(server, &net);

	if (a && a->n >= server->per_address_max)
		return drop_oldest(server, a);
	if (server->n_counted < server->connections_max)
		return true;
	return drop_oldest(server, greediest(server)) || drop_oldest(server, NULL);
}

/* The descriptors that this process may have, raised to what `wanted` connections need as far as the hard limit allows. */
unsigned http_crowd_limit(unsigned wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return wanted;
	if (limit.rlim_cur < wanted + FILES_BESIDE) {
		limit.rlim_cur = limit.rlim_max < wanted + FILES_BESIDE ? limit.rlim_max : wanted + FILES_BESIDE;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= wanted + FILES_BESIDE)
		return wanted;
	log_warning("http: %u connections would need RLIMIT_NOFILE %u; it is %llu, so fewer are taken", wanted, wanted + FILES_BESIDE,
		    (unsigned long long)limit.rlim_cur);
	return limit.rlim_cur > 2 * FILES_BESIDE ? (unsigned)limit.rlim_cur - FILES_BESIDE : (unsigned)limit.rlim_cur / 2;
}
