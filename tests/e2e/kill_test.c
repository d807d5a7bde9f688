/* kill -9 of the daemons in the middle of a job on a real (qemu) machine. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/farm.h"

#define DUT  "/dut/" FARM_MAC
#define PORT "/pdu/VPDU/port/0"

static const char *const grace[] = {"PDUD_LEASE_GRACE=10", NULL}; /* no daemon's start takes as long */

static int setup(void **state)
{
	const struct farm_options options = {.env = grace};
	struct farm *farm = farm_start(&options);

	farm_enroll(farm);
	*state = farm;
	return 0;
}

static int teardown(void **state)
{
	farm_stop(*state);
	return 0;
}

struct running { /* a job that waits for a line of input before it passes */
	struct proc client;
	int keyboard;
};

static void start_job(struct running *job, const char *name)
{
	int terminal = terminal_open(&job->keyboard);

	farm_run_job(&job->client, name, farm_job("go on?\n@read\nit works\n@poweroff", NULL), NULL, terminal);
	close(terminal);
	farm_await_console(&job->client, "go on?");
}

static int finish_job(struct running *job)
{
	int code;

	assert_int_equal(write(job->keyboard, "yes\n", 4), 4);
	code = proc_wait(&job->client);
	close(job->keyboard);
	if (code != 0)
		proc_show(&job->client);
	return code;
}

static void await_idle_and_off(struct farm *farm)
{
	farm_await(farm, DUT, "state", "IDLE");
	farm_await(farm, PORT, "state", "OFF");
}

static void a_killed_executord_finds_its_job_running_and_it_passes(void **state)
{
	struct farm *farm = *state;
	struct running job;

	start_job(&job, "kill-executord");
	farm_kill(farm, "executord");
	farm_await(farm, DUT, "state", "RUNNING");
	assert_int_equal(finish_job(&job), 0);
	await_idle_and_off(farm);
}

/* Promise 9, one daemon at a time: the job and its console go on. */
static void kill_one(struct farm *farm, const char *daemon)
{
	struct running job;
	char name[64], pid_key[64], pid[32];

	snprintf(name, sizeof(name), "kill-%s", daemon);
	start_job(&job, name);
	snprintf(pid_key, sizeof(pid_key), "daemons/%s/pid", daemon);
	snprintf(pid, sizeof(pid), "%s", farm_get("/full-state", pid_key));
	farm_kill(farm, daemon);
	farm_await_other(farm, "/full-state", pid_key, pid);
	assert_int_equal(finish_job(&job), 0);
	await_idle_and_off(farm);
}

static void a_killed_pdud_does_not_touch_the_job(void **state)
{
	kill_one(*state, "pdud");
}

static void a_killed_bootsd_does_not_touch_the_job(void **state)
{
	kill_one(*state, "bootsd");
}

static void a_killed_artifactd_does_not_touch_the_job(void **state)
{
	kill_one(*state, "artifactd");
}

static void a_killed_jobd_ends_its_job_with_the_port_off(void **state)
{
	struct farm *farm = *state;
	pid_t spare = farm_spare_jobd(farm); /* it takes the next job */
	struct running job;

	start_job(&job, "kill-jobd");
	kill(spare, SIGKILL);
	assert_int_equal(proc_wait(&job.client), 4);
	close(job.keyboard);
	proc_await(&farm->supervisor, "job=* is lost: its jobd * died");
	await_idle_and_off(farm);
	start_job(&job, "after-jobd");
	assert_int_equal(finish_job(&job), 0);
	await_idle_and_off(farm);
}

/* The port as the virtual PDU itself says, whoever else lives: 3 ON, 4 OFF. */
static int port_of_vpdu(void)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(9191), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned char state = 0;

	assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(write(fd, "\0\0\0\3", 4), 4);
	assert_int_equal(read(fd, &state, 1), 1);
	close(fd);
	return state;
}

static void when_only_pdud_is_left_it_switches_the_machine_off(void **state)
{
	struct farm *farm = *state;
	static const char *const others[] = {"executord", "bootsd", "saladd", "artifactd"};
	pid_t jobd = farm_spare_jobd(farm), pdud = farm_pid(farm, "pdud");
	struct running job;

	start_job(&job, "only-pdud");
	assert_int_equal(port_of_vpdu(), 3);
	proc_end(&farm->supervisor, SIGKILL);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		farm_kill(farm, others[i]);
	kill(jobd, SIGKILL);
	assert_int_equal(proc_wait(&job.client), 4);
	close(job.keyboard);
	proc_await(&farm->supervisor, "pdud*job=*port 0 of PDU *: the job has lost it: it was not renewed in time");
	proc_await(&farm->supervisor, "pdud*port 0 of PDU *: ON -> OFF");
	assert_int_equal(port_of_vpdu(), 4);

	farm_start_supervisor(farm);
	farm_await(farm, DUT, "state", "IDLE");
	assert_int_equal(farm_pid(farm, "pdud"), pdud); /* the one that lived on */
	start_job(&job, "after-all");
	assert_int_equal(finish_job(&job), 0);
	await_idle_and_off(farm);
}

static void a_new_supervisor_takes_over_the_daemons_and_the_job(void **state)
{
	struct farm *farm = *state;
	pid_t executord = farm_pid(farm, "executord");
	struct running job;

	start_job(&job, "supervisor");
	proc_end(&farm->supervisor, SIGKILL);
	farm_start_supervisor(farm);
	proc_await(&farm->supervisor, "executord.lock: process * is taken over");
	assert_int_equal(farm_pid(farm, "executord"), executord);
	assert_int_equal(finish_job(&job), 0);
	await_idle_and_off(farm);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_executord_finds_its_job_running_and_it_passes),
		cmocka_unit_test(a_killed_pdud_does_not_touch_the_job),
		cmocka_unit_test(a_killed_bootsd_does_not_touch_the_job),
		cmocka_unit_test(a_killed_artifactd_does_not_touch_the_job),
		cmocka_unit_test(a_killed_jobd_ends_its_job_with_the_port_off),
		cmocka_unit_test(a_new_supervisor_takes_over_the_daemons_and_the_job),
		cmocka_unit_test(when_only_pdud_is_left_it_switches_the_machine_off),
	};
	cmocka_set_test_filter(argv[1]); /* NULL: all */
	return cmocka_run_group_tests(tests, setup, teardown);
}
