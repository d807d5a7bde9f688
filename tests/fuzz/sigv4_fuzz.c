#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bucketd/sigv4.h"

enum { HEADERS_MAX = 100 };

struct request {
	const char *method, *uri;
	struct {
		const char *name, *value;
	} headers[HEADERS_MAX];
	size_t n;
};

static bool header_at(const void *data, size_t i, const char **name, const char **value)
{
	const struct request *rq = data;

	if (i >= rq->n)
		return false;
	*name = rq->headers[i].name;
	*value = rq->headers[i].value;
	return true;
}

/* METHOD\nURI\nNAME: VALUE\n..., cut up in place. */
static void parse(struct request *rq, char *text)
{
	char *rest = text, *line;

	rq->method = strsep(&rest, "\n");
	rq->uri = rest ? strsep(&rest, "\n") : "/";
	while (rq->n < HEADERS_MAX && rest && (line = strsep(&rest, "\n"))) {
		char *value = strstr(line, ": ");

		if (!value)
			continue;
		*value = '\0';
		rq->headers[rq->n].name = line;
		rq->headers[rq->n++].value = value + 2;
	}
}

static void check(const struct sigv4 *sig, const struct sigv4_request *rq)
{
	const time_t then = 1369353600; /* 2013-05-24T00:00:00Z, the seeds' */
	struct s3_error err = {0};
	struct sigv4_chain chain;

	gw_assert(sig->key[0] && sig->date[0] && sig->region[0] && sig->at[0] && strlen(sig->signature) == 64);
	gw_assert(sigv4_check(sig, rq, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", then, &err) == (err.code == S3_OK));
	err = (struct s3_error){0};
	gw_assert(!sigv4_check(sig, rq, "another", then, &err) && err.code != S3_OK && err.text[0]);
	sigv4_chain_begin(&chain, sig, "another");
	gw_assert(!sigv4_chain_next(&chain, sig->hash, sig->signature));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *text = gw_strndup((const char *)bytes, n);
	struct request rq = {0};
	struct sigv4_request view = {.header_at = header_at, .data = &rq};
	struct s3_error err = {0};
	struct sigv4 sig;

	parse(&rq, text);
	view.method = rq.method;
	view.uri = rq.uri;
	if (!sigv4_read(&sig, &view, &err))
		gw_assert(err.code != S3_OK && err.text[0]);
	else if (!sig.anonymous)
		check(&sig, &view);
	free(text);
	return 0;
}
