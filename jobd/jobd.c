/* jobd: runs one job. executord hands it a job description and a machine; it fetches, deploys, powers, reads the console, talks to the
 * submitter, and ends with the machine OFF and one result. It knows no other job and never sees MarsDB.
 */
#include "jobd/jobd.h"

#include <stdlib.h>
#include <unistd.h>

#include "libgateway/files.h"
#include "libgateway/log.h"

static const struct env_program program = {
	.name = "jobd",
	.summary = "runs one job, that executord gives it",
	.reader = ENV_JOBD,
};

static bool join_bus(struct jobd *j, struct gw_error *err)
{
	char name[64];

	snprintf(name, sizeof(name), "jobd-%d", (int)getpid());
	return bus_join(&j->bus, &j->loop, env_text(&j->env, OPT_EXECUTOR_RUNTIME_DIR), BUS_JOBD, name, jobd_handlers, j, err);
}

/* Its name is its own, so nobody else waits for the lock; thousands of them would fill the folder. */
static void leave_bus(struct jobd *j)
{
	char *lock = j->bus.state ? env_runtime_path(&j->env, "%s.lock", bus_name(&j->bus)) : NULL;

	bus_finish(&j->bus);
	if (lock)
		file_remove(lock, NULL);
	free(lock);
}

static bool http_start(struct jobd *j, struct gw_error *err)
{
	j->http = http_client_create(&j->loop, err);
	return j->http != NULL;
}

static bool is_wanted(struct jobd *j)
{
	loop_on_stop(&j->loop, report_on_stop, j);
	return true;
}

static void description_finish(struct jobd *j)
{
	job_finish(&j->job);
	bus_body_free(&bus_body_job_go, j->go);
	bus_body_free(&bus_body_job_prepare, j->prepared);
}

int main(int argc, char **argv)
{
	struct jobd j = {.spare.fd = -1};
	struct gw_error err = {0};
	int code;

	if (!env_load(&j.env, &program, argc, argv, &err) || /* --help and bad values end here */
	    j.env.check_only ||                              /* so does --check */
	    !names_init(&j.names, &j.env, &err) ||           /* the gateway's addresses */
	    !console_init(&j, &err) ||                       /* where SALAD is */
	    !loop_init(&j.loop, &err) ||                     /* signals, watchdog */
	    !is_wanted(&j) ||                                /* a stop ends the job first */
	    !activation_take(&j.fds, &err) ||                /* the connection that says we are wanted */
	    !http_start(&j, &err) ||                         /* for SALAD */
	    !spare_start(&j, &err) ||                        /* ends with that connection */
	    !join_bus(&j, &err) ||                           /* executord asks us */
	    !peers_start(&j) ||                              /* we ask pdud, bootsd, artifactd, and tell executord */
	    !loop_run_until_stopped(&j.loop, &err))          /* sends READY, returns after the job or at SIGTERM */
		log_failure("jobd", &err);                   /* silent where nothing failed */
	drive_finish(&j);
	report_finish(&j);
	client_finish(&j);
	console_finish(&j);
	power_finish(&j);
	boot_finish(&j);
	artifacts_finish(&j);
	progress_finish(&j);
	asks_finish(&j.asks);
	job_log_finish(&j);
	leave_bus(&j);
	spare_finish(&j);
	http_client_destroy(j.http);
	activation_finish(&j.fds);
	loop_finish(&j.loop);
	description_finish(&j);
	names_finish(&j.names);
	code = env_exit_code(&j.env, &err);
	env_finish(&j.env);
	return code;
}
