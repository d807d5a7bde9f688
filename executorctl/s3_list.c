/* The list of a bucket, page by page. */
#include <stdlib.h>

#include "executorctl/s3_internal.h"
#include "libgateway/buffer.h"
#include "libgateway/percent.h"

enum { LIST_MAX = 4 * 1024 * 1024, /* bytes of one page */ OBJECTS_MAX = 1000000 };

struct page {
	struct buffer xml;
	bool asked;
};

static bool on_page_begins(void *data, struct gw_error *err)
{
	((struct page *)data)->xml.len = 0;
	return true;
}

static bool on_page_bytes(void *data, const void *bytes, size_t n, struct gw_error *err)
{
	return buffer_add(&((struct page *)data)->xml, bytes, n) ||
	       gw_fail(err, GW_UNREACHABLE, "the server's answer is too long; accepted: up to %d bytes", LIST_MAX);
}

static bool on_page_done(void *data, const struct gw_error *why, struct gw_error *err)
{
	return !why || gw_fail(err, why->kind, "%s", why->text);
}

static bool next_page(void *data, struct s3_fetch *fetch)
{
	struct page *page = data;
	bool first = !page->asked;

	page->asked = true;
	*fetch = (struct s3_fetch){"", page, on_page_begins, on_page_bytes, on_page_done};
	return first;
}

static bool list_page(struct s3_client *client, struct s3_objects *objects, const char *query, char **token, struct gw_error *err)
{
	struct page page = {.xml = {.max = LIST_MAX}};
	bool ok = s3_carry_out(client, &(struct s3_source){next_page, &page, query}, err);

	if (ok && !s3_page_decode(objects, token, page.xml.data ? page.xml.data : "", page.xml.len, err))
		ok = gw_context(err, "the server's answer makes no sense");
	buffer_finish(&page.xml);
	return ok;
}

bool s3_list(struct s3_client *client, struct s3_objects *objects, struct gw_error *err)
{
	char *token = NULL;
	bool ok;

	do {
		struct buffer query = {0};

		if (token) {
			buffer_printf(&query, "continuation-token=");
			url_escape(&query, token, "");
			buffer_printf(&query, "&");
		}
		buffer_printf(&query, "encoding-type=url&list-type=2");
		free(token);
		token = NULL;
		ok = list_page(client, objects, query.data, &token, err);
		if (ok && objects->n > OBJECTS_MAX)
			ok = gw_fail(err, GW_UNREACHABLE, "there are more than %d objects; accepted: up to that", OBJECTS_MAX);
		buffer_finish(&query);
	} while (ok && token);
	free(token);
	return ok || gw_context(err, "its objects could not be listed");
}
