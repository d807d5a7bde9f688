/* The database: what is loaded against a text or the file, and what an edit would lead to. Its text never leaves, since it holds tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/effects.h"
#include "executord/executord.h"
#include "executord/names.h"
#include "executord/rest.h"

#define AT_ONCE 2 /* of the thread pool's four threads: writes must get on */

struct comparison {
	struct executord *ex;
	struct http_request *rq;
	uv_work_t work;
	char name[129]; /* what messages call it */
	char *text;     /* owned; NULL: the file is read */
	size_t len;
	const char *path; /* borrowed from the environment */
	struct mars_options options;
	struct gw_errors errs;
	struct mars_db *db; /* owned; NULL: not valid */
};

static void on_compare(uv_work_t *work)
{
	struct comparison *c = work->data;

	c->db = c->text ? mars_db_parse(c->text, c->len, c->name, &c->options, &c->errs) : mars_db_read(c->path, &c->options, &c->errs);
}

static void add_messages(cJSON *answer, const char *key, const struct gw_errors *messages)
{
	cJSON *list = cJSON_AddArrayToObject(answer, key);

	for (size_t i = 0; messages && i < messages->n; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(messages->v[i].text));
}

static cJSON *answer_json(struct comparison *c)
{
	struct executord *ex = c->ex;
	struct mars_changes changes = {0};
	cJSON *answer = cJSON_CreateObject();
	char date[40];

	names_date_text((double)mars_db_loaded_at(ex->database.db), date);
	cJSON_AddStringToObject(answer, "file", c->name);
	cJSON_AddStringToObject(answer, "loaded_at", date);
	cJSON_AddBoolToObject(answer, "valid", c->db != NULL);
	add_messages(answer, "errors", &c->errs);
	if (c->errs.left_out)
		cJSON_AddNumberToObject(answer, "errors_left_out", (double)c->errs.left_out);
	add_messages(answer, "warnings", c->db ? mars_db_warnings(c->db) : NULL);
	if (c->db) {
		mars_db_diff(ex->database.db, c->db, &changes);
		cJSON_AddItemToObject(answer, "changes", effects_json(ex, c->db, &changes));
	}
	mars_changes_finish(&changes);
	return answer;
}

static void on_compared(uv_work_t *work, int status)
{
	struct comparison *c = work->data;

	c->ex->database.comparing--;
	http_answer_json(c->rq, 200, answer_json(c));
	mars_db_destroy(c->db);
	gw_errors_finish(&c->errs);
	free(c->text);
	free(c);
}

static void compare(struct executord *ex, struct http_request *rq, const char *name, const char *text, size_t len)
{
	struct comparison *c;

	if (ex->database.comparing == AT_ONCE) {
		http_answer_status(rq, 409, "%d databases are being checked already; try again", AT_ONCE);
		return;
	}
	c = gw_calloc(1, sizeof(*c));
	c->ex = ex;
	c->rq = rq;
	c->work.data = c;
	c->options = database_options(ex);
	c->path = env_text(&ex->env, OPT_MARS_DB_FILE);
	snprintf(c->name, sizeof(c->name), "%s", name);
	if (text) {
		c->text = gw_calloc(len + 1, 1);
		memcpy(c->text, text, len);
		c->len = len;
	}
	ex->database.comparing++;
	gw_assert(uv_queue_work(&ex->loop.uv, &c->work, on_compare, on_compared) == 0);
}

/* GET /api/v1/database: what is loaded against the file as it is on disk. It costs time, and quotes the file: not for the DUTs. */
void rest_get_database(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	struct gw_error err = {0};
	const char *path = env_text(&ex->env, OPT_MARS_DB_FILE), *slash = strrchr(path, '/');

	if (!rest_may_change(ex, rq, &err))
		http_answer_error(rq, &err);
	else
		compare(ex, rq, slash ? slash + 1 : path, NULL, 0);
}

/* POST /api/v1/database/check?name=NAME: what is loaded against the body, a database's text; nothing is changed */
void rest_check_database(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	struct gw_error err = {0};
	const char *name = http_query(rq, "name");
	size_t len;
	const char *text = http_body(rq, &len);

	if (!rest_may_change(ex, rq, &err)) /* it costs time, so other sites and the DUTs are kept out */
		http_answer_error(rq, &err);
	else if (name && (strlen(name) > 128 || strpbrk(name, "\r\n")))
		http_answer_status(rq, 400, "name: accepted: up to 128 bytes, without line ends");
	else
		compare(ex, rq, name && *name ? name : "database", text ? text : "", text ? len : 0);
}
