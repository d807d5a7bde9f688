/* gitlabd: keeps each exposed machine a runner on each GitLab instance of MarsDB, and gitlab-runner's config.toml true. Who may do what on
 * a machine, and how it is, executord tells. */
#include "gitlabd/gitlabd.h"

#include "libgateway/log.h"

static const struct env_program program = {
	.name = "gitlabd",
	.summary = "keeps the machines registered as GitLab runners",
	.reader = ENV_GITLABD,
};

static void on_configure(void *owner, const void *body, struct bus_call *call)
{
	struct gitlabd *d = owner;

	model_configure(&d->model, body);
	slots_sync_all(&d->slots);
	orphans_sweep(&d->orphans);
	config_writer_soon(&d->config);
	bus_answer(call, NULL);
}

static void on_change(void *owner, const void *body, struct bus_call *call)
{
	struct gitlabd *d = owner;
	struct gw_error err = {0};

	if (!d->slots.configured) {
		gw_fail(&err, GW_REFUSED, "gitlab.configure comes first");
		bus_answer_error(call, &err);
		return;
	}
	model_change(&d->model, body);
	slots_sync_change(&d->slots, body);
	orphans_review(&d->orphans);
	config_writer_soon(&d->config);
	bus_answer(call, NULL);
}

static void on_prune(void *owner, const void *body, struct bus_call *call)
{
	struct gitlabd *d = owner;

	orphans_prune(&d->orphans, body, call);
}

static const struct bus_handler handlers[] = {
	{MSG_GITLAB_CONFIGURE, on_configure},
	{MSG_GITLAB_CHANGE, on_change},
	{MSG_GITLAB_STATUS, on_status},
	{MSG_GITLAB_PRUNE, on_prune},
	{0, NULL},
};

static void on_executord(void *owner, const char *peer, enum bus_peer_event what)
{
	struct gitlabd *d = owner;

	if (what == BUS_PEER_UP)
		slots_step_all(&d->slots);
}

static void on_settle(void *data)
{
	struct gitlabd *d = data;

	orphans_review(&d->orphans);
}

static void on_check(void *data)
{
	struct gitlabd *d = data;

	orphans_sweep(&d->orphans);
	config_writer_soon(&d->config);
}

static void on_tokens(void *data)
{
	struct gitlabd *d = data;

	config_writer_soon(&d->config);
}

static void on_removals_saved(void *data)
{
	slots_step_all(data);
}

static bool parts_init(struct gitlabd *d, struct gw_error *err)
{
	if (!servers_init(&d->servers, &d->loop, env_boolean(&d->env, OPT_GITLAB_ALLOW_INSECURE), err))
		return false;
	d->removals.held = slots_hold;
	d->removals.saved = on_removals_saved;
	d->removals.data = &d->slots;
	d->config = (struct config_writer){
		.loop = &d->loop, .env = &d->env, .model = &d->model, .host = config_host_of_this_machine(d->farm)};
	d->slots = (struct slots){.loop = &d->loop,
				  .bus = &d->bus,
				  .servers = &d->servers,
				  .removals = &d->removals,
				  .model = &d->model,
				  .farm = d->farm,
				  .facts = gateway_facts_of_here(),
				  .access = {.of_access = true},
				  .on_settle = on_settle,
				  .on_check = on_check,
				  .on_change = on_tokens,
				  .data = d};
	d->orphans.slots = &d->slots;
	gateway_name(d->farm, d->slots.gateway_name);
	return true;
}

static bool run(struct gitlabd *d, struct gw_error *err)
{
	if (!farm_name(&d->env, d->farm, err))
		return false;
	if (d->env.check_only) {
		const struct config_host host = config_host_of_this_machine(d->farm);

		config_toml_check(&d->env, &host, err);
		return false;
	}
	if (!loop_init(&d->loop, err) || !parts_init(d, err) ||
	    !bus_join(&d->bus, &d->loop, env_text(&d->env, OPT_EXECUTOR_RUNTIME_DIR), BUS_GITLABD, NULL, handlers, d, err) ||
	    !removals_init(&d->removals, &d->servers, &d->env, err)) /* once no other gitlabd can be running */
		return false;
	bus_watch(&d->bus, "executord", on_executord, d);
	slots_start(&d->slots);
	config_writer_start(&d->config);
	return loop_run_until_stopped(&d->loop, err);
}

int main(int argc, char **argv)
{
	struct gitlabd d = {0};
	struct gw_error err = {0};
	int code;

	if (!env_load(&d.env, &program, argc, argv, &err) || !run(&d, &err))
		log_failure("gitlabd", &err);
	prunes_stop(&d.orphans);
	bus_finish(&d.bus);
	servers_finish(&d.servers);
	orphans_finish(&d.orphans);
	slots_finish(&d.slots);
	removals_finish(&d.removals);
	config_writer_finish(&d.config);
	loop_finish(&d.loop);
	model_finish(&d.model);
	code = env_exit_code(&d.env, &err);
	env_finish(&d.env);
	return code;
}
