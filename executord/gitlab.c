#include "executord/gitlab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"

static bool has_runner(const struct mars_dut *mars)
{
	const struct mars_dut_gitlab *own = mars ? mars->gitlab.v : NULL;

	for (size_t i = 0; mars && i < mars->gitlab.n; i++)
		if (own[i].token)
			return true;
	return false;
}

bool gitlab_may_remove(struct executord *ex, const struct dut *dut, struct gw_error *err)
{
	if (bus_peer_up(&ex->bus, "gitlabd") || !has_runner(registry_mars(ex, dut)))
		return true;
	return gw_fail(
		err, GW_UNREACHABLE,
		"gitlabd, which unregisters the machine's runners, does not run; try again once it does, or remove the entry from the "
		"file and the runners by `executorctl gitlab prune`");
}

/* ---- tokens: gitlabd's answer from GitLab becomes an AUTO field of the database ---- */

/* Whether MarsDB still has the token that gitlabd means to replace. */
static bool may_replace(struct executord *ex, const struct msg_gitlab_token *body, struct gw_error *err)
{
	const struct mars_gitlab *instance = mars_db_find_gitlab(ex->database.db, body->instance);
	const struct mars_dut *dut = body->dut ? mars_db_find_dut(ex->database.db, body->dut) : NULL;
	const struct mars_dut_gitlab *own = dut ? mars_dut_gitlab_find(dut, body->instance) : NULL;
	const char *has;

	if (!instance)
		return gw_fail(err, GW_NOT_FOUND, "the database has no GitLab instance '%s'", body->instance);
	if (body->dut && !dut)
		return gw_fail(err, GW_NOT_FOUND, "the database has no DUT '%s'", body->dut);
	if (!body->dut && !instance->gateway_runner.given)
		return gw_fail(err, GW_NOT_FOUND, "gitlab.%s has no gateway_runner", body->instance);
	has = body->dut ? own ? own->token : NULL : instance->gateway_runner.token;
	if (!gw_same_text(has, body->was) && !gw_same_text(has, body->token)) /* said twice is said once */
		return gw_fail(err, GW_REFUSED, "the database has another token by now");
	return true;
}

static void on_token_written(void *data, const struct gw_error *err)
{
	if (err->kind == GW_OK)
		bus_answer(data, NULL);
	else
		bus_answer_error(data, err);
}

static struct mars_edit edit_of(const struct msg_gitlab_token *body, const char *field, struct mars_value value)
{
	struct mars_edit edit = {.value = value, .path = {"duts", body->dut, "gitlab", body->instance, field}, .existing = 2};

	if (!body->dut)
		edit = (struct mars_edit){.value = value, .path = {"gitlab", body->instance, "gateway_runner", field}, .existing = 3};
	return edit;
}

void gitlab_on_token(void *owner, const void *body, struct bus_call *call)
{
	struct executord *ex = owner;
	const struct msg_gitlab_token *token = body;
	struct gw_error err = {0};

	if (may_replace(ex, token, &err)) {
		struct mars_edit edits[] = {edit_of(token, "token", token->token ? MARS_V_TEXT(token->token) : MARS_V_NULL),
					    edit_of(token, "runner_id", MARS_V_INTEGER(token->runner_id))};

		database_write(ex, edits, 2, "a runner's token", on_token_written, call);
	} else {
		bus_answer_error(call, &err);
	}
}
