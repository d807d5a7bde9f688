#include "pdud/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct resolve {
	uv_async_t *async; /* the loop's; closed by it alone */
	resolve_done *done;
	void *data;
	pthread_mutex_t lock; /* of what follows */
	char *host;
	struct addresses found;
	int rc;         /* getaddrinfo's */
	bool cancelled; /* `async` must not be touched */
	int users;      /* the loop and the thread: the last one frees */
};

static void release(struct resolve *r)
{
	bool last;

	pthread_mutex_lock(&r->lock);
	last = --r->users == 0;
	pthread_mutex_unlock(&r->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r->host);
	free(r);
}

static void *look_up(void *data)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct resolve *r = data;
	struct addrinfo *found = NULL;
	/* RFC 6761 section 6.3: localhost is this host, whatever /etc/hosts and DNS say, or when there is none */
	const char *host = strcasecmp(r->host, "localhost") == 0 ? "127.0.0.1" : r->host;
	int rc = getaddrinfo(host, NULL, &hints, &found);

	pthread_mutex_lock(&r->lock);
	r->rc = rc;
	for (const struct addrinfo *i = found; i && r->found.n < RESOLVE_MAX; i = i->ai_next)
		memcpy(&r->found.v[r->found.n++], i->ai_addr, i->ai_addrlen);
	if (!r->cancelled)
		uv_async_send(r->async);
	pthread_mutex_unlock(&r->lock);
	if (rc == 0)
		freeaddrinfo(found);
	release(r);
	return NULL;
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void on_looked_up(uv_async_t *async)
{
	struct resolve *r = async->data;

	uv_close((uv_handle_t *)async, free_handle);
	r->done(r->data, r->rc == 0 ? &r->found : NULL, r->rc == 0 ? NULL : gai_strerror(r->rc));
	release(r);
}

static bool start_thread(struct resolve *r)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool ok;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ok = pthread_create(&thread, &attr, look_up, r) == 0;
	pthread_attr_destroy(&attr);
	return ok;
}

struct resolve *resolve_start(struct loop *loop, const char *host, resolve_done *done, void *data)
{
	struct resolve *r = gw_calloc(1, sizeof(*r));

	*r = (struct resolve){.host = gw_strdup(host), .done = done, .data = data, .users = 2, .rc = EAI_AGAIN};
	pthread_mutex_init(&r->lock, NULL);
	r->async = gw_calloc(1, sizeof(*r->async));
	r->async->data = r;
	uv_async_init(&loop->uv, r->async, on_looked_up);
	if (!start_thread(r)) { /* as if the name server had failed for now */
		r->users = 1;
		uv_async_send(r->async);
	}
	return r;
}

void resolve_cancel(struct resolve *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->cancelled = true;
	pthread_mutex_unlock(&r->lock);
	uv_close((uv_handle_t *)r->async, free_handle);
	release(r);
}

bool resolve_literal(const char *text, struct addresses *found)
{
	void *address = &found->v[0];

	found->n = 1;
	return uv_ip4_addr(text, 0, address) == 0 || uv_ip6_addr(text, 0, address) == 0;
}
