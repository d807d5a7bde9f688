/* gitlabd: keeps each exposed machine a runner on each GitLab instance of MarsDB, and gitlab-runner's config.toml true. Who may do what on
 * a machine, and how it is, executord tells. */
#include "gitlabd/model.h"
#include "libbus/bus.h"
#include "libgateway/env.h"
#include "libgateway/farm_name.h"
#include "libgateway/log.h"

struct gitlabd {
	struct env env;
	struct loop loop;
	struct bus bus;
	struct model model;
	char farm[FARM_NAME_SIZE];
};

static const struct env_program program = {
	.name = "gitlabd",
	.summary = "keeps the machines registered as GitLab runners",
	.reader = ENV_GITLABD,
};

static void on_configure(void *owner, const void *body, struct bus_call *call)
{
	struct gitlabd *d = owner;

	model_configure(&d->model, body);
	bus_answer(call, NULL);
}

static void on_change(void *owner, const void *body, struct bus_call *call)
{
	struct gitlabd *d = owner;

	model_change(&d->model, body);
	bus_answer(call, NULL);
}

static void on_status(void *owner, const void *body, struct bus_call *call)
{
	struct gw_error err = {0};

	gw_fail(&err, GW_REFUSED, "gitlabd does not register runners yet");
	bus_answer_error(call, &err);
}

static const struct bus_handler handlers[] = {
	{MSG_GITLAB_CONFIGURE, on_configure},
	{MSG_GITLAB_CHANGE, on_change},
	{MSG_GITLAB_STATUS, on_status},
	{MSG_GITLAB_PRUNE, on_status},
	{0, NULL},
};

static bool run(struct gitlabd *d, struct gw_error *err)
{
	if (!farm_name(&d->env, d->farm, err) || d->env.check_only)
		return false;
	return loop_init(&d->loop, err) &&
	       bus_join(&d->bus, &d->loop, env_text(&d->env, OPT_EXECUTOR_RUNTIME_DIR), BUS_GITLABD, NULL, handlers, d, err) &&
	       loop_run_until_stopped(&d->loop, err);
}

int main(int argc, char **argv)
{
	struct gitlabd d = {0};
	struct gw_error err = {0};
	int code;

	if (!env_load(&d.env, &program, argc, argv, &err) || !run(&d, &err))
		log_failure("gitlabd", &err);
	bus_finish(&d.bus);
	loop_finish(&d.loop);
	model_finish(&d.model);
	code = env_exit_code(&d.env, &err);
	env_finish(&d.env);
	return code;
}
