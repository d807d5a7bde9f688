/* What a GitLab's answer means. Pure: from the status, the type, the body and the transport's error; thread-safe. What answers otherwise
 * than the runners API does is no GitLab just now, and costs nobody a token. */
#ifndef GITLABD_API_ANSWER_H
#define GITLABD_API_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libgateway/error.h"

#define API_ANSWER_MAX (1024 * 1024) /* bytes */
#define API_TOKEN_MAX  512
#define API_TAGS_MAX   50

enum api_what { API_REGISTER, API_VERIFY, API_DETAILS, API_REMOVE, API_REMOVE_ID, API_LIST, API_WHATS };

enum api_class {
	API_OK,
	API_INVALID_TOKEN, /* 403 on verify */
	API_GONE,          /* there is no such runner */
	API_TRY_LATER,     /* unreachable, 429, 5xx */
	API_REFUSED,       /* 4xx */
	API_NOT_GITLAB,    /* a redirect, HTML, JSON that does not fit */
	API_CLASSES
};

struct api_raw {
	int status; /* 0: none came */
	const char *content_type, *next_page, *body;
	size_t len;
	int64_t retry_after_s;      /* 0: none */
	const struct gw_error *err; /* GW_OK if a status came */
};

struct api_details {
	int64_t id;
	char *description; /* owned, as all texts are; "" for null */
	char **tags;
	size_t n_tags;
	int64_t maximum_timeout; /* seconds; -1: none */
};

struct api_listed {
	int64_t id;
	char *description;
};

struct api_answer { /* zeroed memory is an empty one */
	enum api_class class;
	bool is_about_secret;    /* API_REFUSED: whoever asks with it is refused (401, 403) */
	bool may_be_about_asked; /* it is, but another runner, or another kind of request, may be answered all the same */
	int64_t retry_after_s;   /* with API_TRY_LATER; 0: it did not say */
	char text[384];          /* why it is not API_OK; printable, and without `secret` */
	int64_t id;              /* API_REGISTER; API_VERIFY: -1 if it did not tell */
	char *token;             /* API_REGISTER */
	struct api_details details;
	struct api_listed *listed; /* API_LIST */
	size_t n_listed;
	int64_t next_page; /* API_LIST; 0: that was the last */
};

/* `secret`: the token that the request carried. */
void api_answer_read(struct api_answer *answer, enum api_what what, const struct api_raw *raw, const char *secret);
void api_answer_finish(struct api_answer *answer);
void api_details_finish(struct api_details *details);

#endif
