/* executord: the farm's coordinator. It knows the machines and what they are up to, trains them, gives them jobs, and answers REST; power,
 * netboot, consoles and the run of a job are other daemons'. */
#include "executord/executord.h"

#include <stdlib.h>

#include "executord/config_push.h"
#include "executord/rest.h"
#include "executord/supervise.h"
#include "libgateway/log.h"

#define STOP_PATIENCE_MS 5000 /* for the ports that are ours to be OFF */

static bool standalone;
static const struct env_flag flags[] = {
	{"--standalone", "Be a small supervisor that starts executord and the other daemons, for hosts without systemd.", &standalone},
	{0},
};
static const struct env_program program = {"executord", "Coordinates a farm of test machines.", ENV_EXECUTORD, flags};

/* clang-format off */
static const struct bus_handler handlers[] = {
	{MSG_JOB_HELLO, jobs_on_hello_message},           {MSG_JOB_RUNNING, jobs_on_running_message},
	{MSG_JOB_ENDED, jobs_on_ended_message},           {MSG_JOB_LEARNT, jobs_on_learnt_message},
	{MSG_PORT_STATE, config_on_port_state},           {MSG_PDU_STATE, config_on_pdu_state},
	{MSG_LEASE_LOST, discovery_on_lease_lost},        {MSG_BOOT_SEEN, discovery_on_boot_seen},
	{MSG_CONSOLE_CHANGED, config_on_console_changed}, {MSG_GITLAB_TOKEN, gitlab_on_token},
	{0},
};
/* clang-format on */

static bool take_lock(struct executord *ex, struct gw_error *err)
{
	char *dir = env_state_path(&ex->env, "executord"), *path = env_state_path(&ex->env, "executord/lock");
	bool ok = dir_make(dir, 0700, err) && file_lock_take(&ex->lock, path, err);

	free(dir);
	free(path);
	return ok;
}

static bool join_bus(struct executord *ex, struct gw_error *err)
{
	return bus_join(&ex->bus, &ex->loop, env_text(&ex->env, OPT_EXECUTOR_RUNTIME_DIR), BUS_EXECUTORD, NULL, handlers, ex, err);
}

static void stop_now(void *data)
{
	struct executord *ex = data;

	loop_stop(&ex->loop);
}

static void settle_database(void *data)
{
	database_settle(data, stop_now, data);
}

static void settle_jobs(void *data)
{
	jobs_settle(data, settle_database, data);
}

/* Jobs are carried on by their jobds; a discovery's port is ours, and so is that of a job whose jobd is dead. */
static void on_stop(void *data)
{
	struct executord *ex = data;

	loop_timer_start(&ex->loop, &ex->stop_patience, STOP_PATIENCE_MS, stop_now, ex);
	discovery_stop(ex, settle_jobs, ex);
}

static void on_reload(void *data)
{
	database_read_again(data);
	registries_read_again(data);
	imagestore_read_again(data);
}

static bool begin(struct executord *ex, struct gw_error *err)
{
	loop_on_stop(&ex->loop, on_stop, ex);
	loop_on_reload(&ex->loop, on_reload, ex);
	daemons_start(ex);
	jobs_start(ex);
	registry_start(ex);
	config_push_start(ex);
	if (!state_store_start(ex, err))
		return false;
	jobd_pool_fill(ex);
	return true;
}

static void serve(struct executord *ex, struct gw_error *err)
{
	if (!loop_init(&ex->loop, err) || !activation_take(&ex->fds, err) || /* systemd's sockets */
	    !take_lock(ex, err) ||                                           /* a second one ends here, before it touches anything */
	    !join_bus(ex, err) ||                                            /* the other daemons may speak from now on */
	    !settings_key(&ex->settings, &ex->env, err) ||                   /* of the jobs' capabilities */
	    !database_start(ex, err) ||                                      /* mars_db.yaml, and its edits */
	    !registries_start(ex, err) ||                                    /* rules for jobs' images, and their edits */
	    !imagestore_start(ex, err) ||                                    /* how machines mount it, and its edits */
	    !buckets_start(ex, err) ||                                       /* where job buckets are */
	    !begin(ex, err) ||                                               /* the machines, as they were */
	    !rest_start(ex, err) || !loop_run_until_stopped(&ex->loop, err))
		log_failure("executord", err);
	rest_finish(ex);
	events_finish(ex);
	state_store_finish(ex);
	jobd_pool_finish(ex);
	jobs_finish(ex);
	job_logs_finish(ex);
	discovery_finish(ex);
	loop_timer_finish(&ex->stop_patience);
	buckets_finish(ex);
	imagestore_finish(ex);
	registries_finish(ex);
	database_finish(ex);
	registry_finish(ex);
	bus_finish(&ex->bus);
	file_lock_finish(&ex->lock);
	activation_finish(&ex->fds);
	loop_finish(&ex->loop);
}

static void supervise(struct executord *ex, struct gw_error *err)
{
	if (!supervise_run(&ex->env, err))
		log_failure("executord --standalone", err);
}

static bool check(struct executord *ex, struct gw_error *err)
{
	return (!standalone || supervise_check(&ex->env, err)) && registries_check(ex, err) && imagestore_check(ex, err) &&
	       database_check(ex, err);
}

static void coordinate(struct executord *ex, struct gw_error *err)
{
	if (!settings_load(&ex->settings, &ex->env, err))
		log_failure("executord", err);
	else if (!ex->env.check_only)
		serve(ex, err);
	else if (!check(ex, err))
		log_failure("executord --check", err);
}

int main(int argc, char **argv)
{
	struct executord *ex = gw_calloc(1, sizeof(*ex));
	struct gw_error err = {0};
	int code;

	if (!env_load(&ex->env, &program, argc, argv, &err)) /* --help and bad values end here */
		log_failure("executord", &err);
	else if (standalone && !ex->env.check_only)
		supervise(ex, &err);
	else
		coordinate(ex, &err);
	settings_finish(&ex->settings);
	code = env_exit_code(&ex->env, &err);
	env_finish(&ex->env);
	free(ex);
	return code;
}
