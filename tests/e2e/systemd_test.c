/* The units, under a real systemd that boots in a container: installed as the README says, a farm with a real (qemu) machine runs jobs on
 * them, each unit is restarted in the middle of a job, and the sandbox is in force. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/booted.h"
#include "tests/harness/farm.h"

#define DUT  "/dut/" FARM_MAC
#define PORT "/pdu/VPDU/port/0"

static const char *const daemons[] = {"executord", "bootsd", "pdud", "saladd", "artifactd", "gitlabd", "bucketd"};
#define DAEMONS (sizeof(daemons) / sizeof(daemons[0]))

struct gateway {
	struct booted booted;
	struct farm *farm; /* its machine, and what serves tinydut */
};

static void put_configuration(struct gateway *gw)
{
	char *settings = farm_settings(gw->farm), *job = file_get(tmp_path("training.yml.j2")), *db = file_get(gw->farm->db_path);
	/* A leak check takes ptrace, which the sandbox does not allow. */
	char *base = gw_sprintf("%sASAN_OPTIONS=detect_leaks=0\nPDUD_LEASE_GRACE=1\nMINIO_ROOT_PASSWORD=of-an-admin\n", settings);

	booted_put(&gw->booted, "/etc/base_config.env", base);
	booted_put(&gw->booted, "/config/config.env",
		   "PDUD_LEASE_GRACE=10\nSALAD_SERIAL_PORTS=/dev/ttyUSB*\nMARS_DB_FILE=/config/"
		   "mars_db.yaml\nEXECUTOR_STATE_DIR=\nEXECUTOR_RUNTIME_DIR=\n"
		   "EXECUTOR_REGISTRATION_JOB=/config/training.yml.j2\nEXECUTOR_BOOTLOOP_JOB=/config/training.yml.j2\n");
	booted_put(&gw->booted, "/config/training.yml.j2", job);
	booted_put(&gw->booted, "/config/mars_db.yaml", db);
	free(settings);
	free(base);
	free(job);
	free(db);
}

static void follow_journal(struct gateway *gw)
{
	char pid[16];
	const char *const argv[] = {"nsenter", "--all", "--wd=/", "--target", pid, "--", "journalctl", "-b", "-f", "-n", "all", NULL};

	snprintf(pid, sizeof(pid), "%d", (int)gw->booted.init);
	proc_start(&gw->booted.journal, "journal", argv, NULL);
	gw->farm->supervisor = gw->booted.journal;
	gw->farm->supervisor.pid = 0; /* its end is not the farm's matter */
}

/* The README's commands. */
static void install(struct gateway *gw)
{
	booted_run(&gw->booted, "systemd-sysusers");
	booted_run(&gw->booted, "systemd-tmpfiles --create executor.conf");
	booted_run(&gw->booted, "systemctl daemon-reload");
	booted_run(&gw->booted, "systemctl enable --now executor.target");
}

static int setup(void **state)
{
	const struct farm_options options = {.no_daemons = true};
	struct gateway *gw = gw_calloc(1, sizeof(*gw));

	gw->farm = farm_start(&options);
	booted_start(&gw->booted);
	put_configuration(gw);
	follow_journal(gw);
	install(gw);
	farm_await(gw->farm, "/pdus", "pdus/VPDU/state", "OK");
	farm_enroll(gw->farm);
	*state = gw;
	return 0;
}

static int teardown(void **state)
{
	struct gateway *gw = *state;

	booted_stop(&gw->booted);
	farm_stop(gw->farm);
	free(gw);
	return 0;
}

struct running { /* a job that waits for a line of input before it passes */
	struct proc client;
	int keyboard;
};

static void start_job_of(struct running *job, const char *name, const char *yaml)
{
	int terminal = terminal_open(&job->keyboard);

	farm_run_job(&job->client, name, yaml, NULL, terminal);
	close(terminal);
	farm_await_console(&job->client, "go on?");
}

static void start_job(struct running *job, const char *name)
{
	start_job_of(job, name, farm_job("go on?\n@read\nit works\n@poweroff", NULL));
}

static void finish_job(struct gateway *gw, struct running *job)
{
	int code;

	assert_int_equal(write(job->keyboard, "yes\n", 4), 4);
	code = proc_wait(&job->client);
	close(job->keyboard);
	if (code != 0) {
		proc_show(&job->client);
		proc_show(&gw->booted.journal);
		fail_msg("the job ended with %d", code);
	}
	farm_await(gw->farm, DUT, "state", "IDLE");
	farm_await(gw->farm, PORT, "state", "OFF");
}

static void a_job_passes_and_its_jobd_is_a_unit_of_its_own(void **state)
{
	struct gateway *gw = *state;
	struct running job;

	start_job(&job, "one");
	assert_non_null(strstr(booted_run(&gw->booted, "systemctl list-units --no-legend --plain jobd@*"), "jobd@"));
	finish_job(gw, &job);
}

static void restart_in_a_job(void **state, const char *unit)
{
	struct gateway *gw = *state;
	struct running job;
	char before[32], last_exit[64];

	start_job(&job, unit);
	snprintf(before, sizeof(before), "%s", booted_run(&gw->booted, "systemctl show -P MainPID %s", unit));
	booted_run(&gw->booted, "systemctl restart %s", unit);
	assert_string_not_equal(booted_run(&gw->booted, "systemctl show -P MainPID %s", unit), before);
	snprintf(last_exit, sizeof(last_exit), "daemons/%.*s/last_exit", (int)strcspn(unit, "."), unit);
	farm_await(gw->farm, "/full-state", last_exit, "exit code 0");
	finish_job(gw, &job);
}

static void a_job_survives_a_restart_of_executord(void **state)
{
	restart_in_a_job(state, "executord.service");
}

static void a_job_survives_a_restart_of_bootsd(void **state)
{
	restart_in_a_job(state, "bootsd.service");
}

static void a_job_survives_a_restart_of_pdud(void **state)
{
	restart_in_a_job(state, "pdud.service");
}

static void a_job_survives_a_restart_of_saladd(void **state)
{
	restart_in_a_job(state, "saladd.service");
}

static void a_job_survives_a_restart_of_artifactd(void **state)
{
	restart_in_a_job(state, "artifactd.service");
}

static void a_job_survives_a_restart_of_gitlabd(void **state)
{
	restart_in_a_job(state, "gitlabd.service");
}

static void a_job_survives_a_restart_of_bucketd(void **state)
{
	restart_in_a_job(state, "bucketd.service");
}

/* What /proc/PID/status says of a process in the container. */
static void status_of(struct gateway *gw, const char *unit, const char *field, char value[64])
{
	const char *text = booted_run(&gw->booted, "cat /proc/%s/status", booted_run(&gw->booted, "systemctl show -P MainPID %s", unit));
	char name[32];
	const char *at;

	snprintf(name, sizeof(name), "\n%s:\t", field);
	at = strstr(text, name);
	assert_non_null(at);
	at += strlen(name);
	snprintf(value, 64, "%.*s", (int)strcspn(at, "\n\t"), at);
}

static void assert_confined(struct gateway *gw, const char *unit)
{
	char value[64];

	status_of(gw, unit, "CapEff", value);
	assert_string_equal(value, "0000000000000000");
	status_of(gw, unit, "CapPrm", value);
	assert_string_equal(value, "0000000000000000");
	status_of(gw, unit, "NoNewPrivs", value);
	assert_string_equal(value, "1");
	status_of(gw, unit, "Seccomp", value); /* 2: a filter */
	assert_string_equal(value, "2");
	status_of(gw, unit, "Gid", value);
	assert_int_equal(atoi(value), atoi(strchr(strchr(booted_run(&gw->booted, "getent group executor"), ':') + 1, ':') + 1));
}

static void promise_41_each_daemon_is_its_user_without_capabilities(void **state)
{
	struct gateway *gw = *state;
	char value[64];

	for (size_t i = 0; i < DAEMONS; i++) {
		assert_confined(gw, daemons[i]);
		status_of(gw, daemons[i], "Uid", value);
		assert_string_equal(value, booted_run(&gw->booted, "id -u %s", daemons[i]));
	}
}

/* Looks at the files as that process sees them. `groups`: setpriv's option for its supplementary groups. */
static int seen_by(struct gateway *gw, const char *unit, const char *groups, const char *command)
{
	const char *pid = booted_run(&gw->booted, "systemctl show -P MainPID %s", unit);
	char uid[64];

	status_of(gw, unit, "Uid", uid);
	return booted_try(&gw->booted, NULL, "nsenter --mount --target %s -- setpriv --reuid %s --regid executor %s %s", pid, uid, groups,
			  command);
}

static void assert_sees_only_its_own(struct gateway *gw, const char *unit, const char *log, const char *owner)
{
	static const char *const hidden[] = {"ls /config",
					     "cat /config/mars_db.yaml",
					     "cat /config/config.env",
					     "ls /var/lib/executor/jobs",
					     "ls /var/lib/executor/executord",
					     "cat /var/lib/executor/capability.key",
					     "ls /var/lib/executor/artifacts",
					     "ls /var/lib/executor/pdud",
					     "ls /var/lib/executor/buckets",
					     "ls /var/lib/executor/uploads",
					     "ls /var/lib/executor/nbd",
					     "cat /proc/1/environ",
					     "rm /run/executor/pdud.bus",
					     "touch /run/executor/pdud.lock",
					     "touch /etc/mine",
					     "touch /usr/mine"};
	char uid[64], command[512];

	assert_confined(gw, unit);
	status_of(gw, unit, "Uid", uid);
	assert_true(atoi(uid) >= 61184 && atoi(uid) <= 65519); /* a dynamic one */
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (seen_by(gw, unit, "--clear-groups", hidden[i]) == 0)
			fail_msg("a jobd may: %s", hidden[i]);
	assert_int_equal(seen_by(gw, unit, "--clear-groups", "test -S /run/executor/pdud.bus"), 0);
	snprintf(command, sizeof(command), "cat %s", log);
	assert_int_equal(seen_by(gw, unit, "--clear-groups", command) == 0, strcmp(uid, owner) == 0);
}

/* The job's and the spare, one a line: the one before may still end, and the spare may still start. */
static void list_both_jobds(struct gateway *gw, char *units, size_t size)
{
	for (int tries = 0; tries < PROC_PATIENCE_MS / 100; tries++) {
		const char *lf;

		snprintf(units, size, "%s", booted_run(&gw->booted, "systemctl list-units --state=active --no-legend --plain jobd@*"));
		lf = strchr(units, '\n');
		if (lf && !strchr(lf + 1, '\n'))
			return;
		poll(NULL, 0, 100); /* no file tells of it */
	}
	fail_msg("these are not two jobds:\n%s", units);
}

static void promise_34_a_jobd_sees_no_database_no_tokens_and_no_other_job(void **state)
{
	struct gateway *gw = *state;
	struct running job;
	char log[256], owner[32], command[512], units[1024], *rest = units, *line;
	size_t n = 0;

	start_job(&job, "secret");
	snprintf(log, sizeof(log), "%s", booted_run(&gw->booted, "find /var/lib/executor/jobs -name *.log"));
	snprintf(owner, sizeof(owner), "%s", booted_run(&gw->booted, "stat -c %%u %s", log));
	list_both_jobds(gw, units, sizeof(units));
	while ((line = strtok_r(rest, "\n", &rest))) {
		line[strcspn(line, " ")] = '\0';
		assert_sees_only_its_own(gw, line, log, owner);
		n++;
	}
	assert_int_equal(n, 2); /* the job's and the spare */
	snprintf(command, sizeof(command), "cat %s", log);
	assert_int_equal(seen_by(gw, "executord", "--groups executord", command), 0); /* it answers REST with them */
	finish_job(gw, &job);
}

/* The kernel of the machine is no client of that protocol: a namespace with its address stands for it. */
static void answer_for_the_machine(const char *address)
{
	shell("ip netns add disk && ip link add disk0 type veth peer name eth0 netns disk && ip link set disk0 master private up && "
	      "ip -n disk addr add %s/16 dev eth0 && ip -n disk link set eth0 up && ip neigh replace %s dev private lladdr "
	      "$(ip netns exec disk cat /sys/class/net/eth0/address)",
	      address, address);
}

static void promise_41_a_jobs_block_device_is_served_in_its_jobs_sandbox(void **state)
{
	const char *yaml = farm_job("go on?\n@read\nit works\n@poweroff", NULL), *place = strstr(yaml, "    kernel:\n"), *said;
	char *with = gw_sprintf("%.*s    storage: {nbd: {disk: {size: 1M}}}\n%s", (int)(place - yaml), yaml, place), address[16], port[16];
	struct gateway *gw = *state;
	struct running job;

	start_job_of(&job, "disk", with);
	said = booted_run(&gw->booted, "journalctl -q -o cat -n 1 -g disk.is.at -u jobd@*");
	assert_non_null(strrchr(said, ' '));
	snprintf(port, sizeof(port), "%s", strrchr(said, ' ') + 1);
	snprintf(address, sizeof(address), "%s", farm_get(DUT, "ip_address"));
	assert_string_equal(booted_run(&gw->booted, "find /var/lib/executor/nbd -name *.img -printf %%m:%%u:%%g:%%s"),
			    "660:artifactd:executor:1048576");
	answer_for_the_machine(address);
	shell("head -c 1M /dev/urandom >%s && ip netns exec disk nbdcopy %s nbd://10.42.0.1:%s && ip netns exec disk nbdcopy "
	      "nbd://10.42.0.1:%s "
	      "%s && cmp %s %s",
	      tmp_path("disk"), tmp_path("disk"), port, port, tmp_path("copied"), tmp_path("disk"), tmp_path("copied"));
	shell("ip neigh del %s dev private; ip link del disk0; ip netns del disk", address);
	finish_job(gw, &job);
	free(with);
}

static bool has_a_file_there(const char *daemon)
{
	return strcmp(daemon, "executord") == 0 || strcmp(daemon, "bootsd") == 0 || strcmp(daemon, "bucketd") == 0;
}

static void only_executord_reads_the_database_and_only_those_with_a_file_there_see_its_folder(void **state)
{
	struct gateway *gw = *state;

	for (size_t i = 0; i < DAEMONS; i++) {
		char groups[64];

		snprintf(groups, sizeof(groups), "--groups executord,%s", daemons[i]);
		assert_int_equal(seen_by(gw, daemons[i], groups, "ls /config") == 0, has_a_file_there(daemons[i]));
		assert_int_equal(seen_by(gw, daemons[i], groups, "cat /config/mars_db.yaml") == 0, i == 0);
	}
}

/* A pseudo terminal stands for it, with the owner and mode that udev gives. */
static void saladd_takes_a_serial_port_of_the_group_dialout(void **state)
{
	struct gateway *gw = *state;

	booted_put(&gw->booted, "/etc/cable.py",
		   "import os, shutil\n"
		   "machine, port = os.openpty()\n"
		   "name = os.ttyname(port)\n"
		   "shutil.chown(name, 'root', 'dialout')\n"
		   "os.chmod(name, 0o660)\n"
		   "os.symlink(name, '/dev/ttyUSB0')\n"
		   "os.write(machine, b'SALAD.machine_id=at-a-serial-port\\n')\n"
		   "while os.read(machine, 100):\n"
		   "    pass\n");
	booted_run(&gw->booted, "systemd-run --quiet --unit cable python3 /etc/cable.py");
	proc_await(&gw->booted.journal, "machine at-a-serial-port: its console is at ttyUSB0");
	booted_run(&gw->booted, "systemctl stop cable");
	proc_await(&gw->booted.journal, "machine at-a-serial-port: its console is disconnected");
	booted_run(&gw->booted, "rm /dev/ttyUSB0");
}

static void machines_find_the_gateway_by_its_name(void **state)
{
	struct gateway *gw = *state;
	const char *const argv[] = {"busybox", "nslookup", "ci-gateway", "10.42.0.1", NULL};
	struct proc asks;

	booted_run(&gw->booted, "systemctl enable --now ci-gateway-dns");
	proc_await(&gw->booted.journal, "dnsmasq*: started, version"); /* it does not tell systemd */
	proc_start(&asks, "nslookup", argv, NULL);
	proc_wait(&asks); /* nslookup asks for IPv6, too, and minds an answer without */
	if (!proc_has_said(&asks, "Name:*ci-gateway")) {
		proc_show(&asks);
		proc_show(&gw->booted.journal);
		fail_msg("the name ci-gateway is not answered");
	}
}

static void short_watchdogs(struct gateway *gw)
{
	static const char *const units[] = {"executord", "bootsd", "pdud", "saladd", "artifactd", "gitlabd", "bucketd", "jobd@"};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		char *path = gw_sprintf("/etc/systemd/system/%s.service.d/test.conf", units[i]);

		booted_put(&gw->booted, path, "[Service]\nWatchdogSec=5\n");
		free(path);
	}
	booted_run(&gw->booted, "systemctl daemon-reload");
	booted_run(&gw->booted, "systemctl restart executord bootsd pdud saladd artifactd gitlabd bucketd");
}

static const char *key(const char *daemon, const char *field)
{
	static char keys[4][64];
	static unsigned next;
	char *text = keys[next++ % 4];

	snprintf(text, sizeof(keys[0]), "daemons/%s/%s", daemon, field);
	return text;
}

static void promise_15_what_is_stuck_is_killed_and_started_again(void **state)
{
	struct gateway *gw = *state;
	struct running job;

	short_watchdogs(gw);
	for (size_t i = 0; i < DAEMONS; i++)
		booted_run(&gw->booted, "systemctl kill --kill-who=main --signal=STOP %s.service", daemons[i]);
	for (size_t i = 0; i < DAEMONS; i++) {
		farm_await(gw->farm, "/full-state", key(daemons[i], "last_exit"), "watchdog: it was silent for too long");
		farm_await(gw->farm, "/full-state", key(daemons[i], "state"), "up");
	}
	farm_await(gw->farm, DUT, "state", "IDLE");
	start_job(&job, "after-watchdog");
	finish_job(gw, &job);
}

static void promise_15_a_stuck_jobd_ends_its_job(void **state)
{
	struct gateway *gw = *state;
	struct running job;
	const char *owner;

	start_job(&job, "stuck");
	owner = booted_run(&gw->booted, "find /var/lib/executor/jobs -name *.log -printf %%U");
	booted_run(&gw->booted, "pkill -STOP -U %s", owner); /* each jobd is a user of its own */
	proc_await(&gw->booted.journal, "jobd@*: Watchdog timeout");
	assert_int_equal(proc_wait(&job.client), 4);
	close(job.keyboard);
	farm_await(gw->farm, DUT, "state", "IDLE");
	farm_await(gw->farm, PORT, "state", "OFF");
}

/* A folder where its socket belongs lets no saladd start. */
static void promise_15_a_crash_loop_backs_off_and_shows_in_rest(void **state)
{
	struct gateway *gw = *state;

	booted_run(&gw->booted, "rm /run/executor/saladd.bus");
	booted_run(&gw->booted, "mkdir /run/executor/saladd.bus");
	booted_run(&gw->booted, "systemctl kill --signal=KILL saladd.service");
	while (atof(farm_get("/full-state", key("saladd", "back_off"))) < 0.4) /* it doubles at each end */
		proc_await(&gw->booted.journal, "saladd");
	assert_string_equal(farm_get("/full-state", key("saladd", "state")), "failing");
	assert_string_equal(farm_get("/full-state", key("saladd", "last_exit")), "exit code 1");
	booted_run(&gw->booted, "rmdir /run/executor/saladd.bus");
	farm_await(gw->farm, "/full-state", key("saladd", "state"), "up");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_passes_and_its_jobd_is_a_unit_of_its_own),
		cmocka_unit_test(promise_41_each_daemon_is_its_user_without_capabilities),
		cmocka_unit_test(promise_34_a_jobd_sees_no_database_no_tokens_and_no_other_job),
		cmocka_unit_test(promise_41_a_jobs_block_device_is_served_in_its_jobs_sandbox),
		cmocka_unit_test(only_executord_reads_the_database_and_only_those_with_a_file_there_see_its_folder),
		cmocka_unit_test(saladd_takes_a_serial_port_of_the_group_dialout),
		cmocka_unit_test(machines_find_the_gateway_by_its_name),
		cmocka_unit_test(a_job_survives_a_restart_of_executord),
		cmocka_unit_test(a_job_survives_a_restart_of_bootsd),
		cmocka_unit_test(a_job_survives_a_restart_of_pdud),
		cmocka_unit_test(a_job_survives_a_restart_of_saladd),
		cmocka_unit_test(a_job_survives_a_restart_of_artifactd),
		cmocka_unit_test(a_job_survives_a_restart_of_gitlabd),
		cmocka_unit_test(a_job_survives_a_restart_of_bucketd),
		cmocka_unit_test(promise_15_what_is_stuck_is_killed_and_started_again),
		cmocka_unit_test(promise_15_a_stuck_jobd_ends_its_job),
		cmocka_unit_test(promise_15_a_crash_loop_backs_off_and_shows_in_rest),
	};
	char why[512];

	if (!booted_possible(why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		return 77; /* meson: skipped */
	}
	cmocka_set_test_filter(argv[1]); /* NULL: all */
	return cmocka_run_group_tests(tests, setup, teardown);
}
