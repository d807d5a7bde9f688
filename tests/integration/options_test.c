/* Each row of options.def has a check of its effect here: a test of its own, or the name of the one elsewhere. A row without one fails to
 * compile or fails here. Also: what each daemon does with --check, and with options of parts that are not built. In a network namespace of
 * its own. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/env.h"
#include "libgateway/error.h"
#include "tests/harness/farm.h"
#include "tests/harness/net.h"

#define MAC "52:54:00:00:00:01"
#define DUT "/dut/" MAC

/* ---- a farm whose options are all unusual ---- */

static const char db[] = "pdus:\n"
			 "  DUMMY: {driver: dummy, config: {ports: [one]}}\n"
			 "duts:\n"
			 "  '" MAC "': {base_name: box, pdu: DUMMY, pdu_port_id: 0, pdu_off_delay: 0, ready_for_service: true}\n";

static const char job[] =
	"version: 1\n"
	"target: {id: " MAC "}\n"
	"console_patterns:\n"
	"  session_end: {regex: '^good bye'}\n"
	"  job_success: {regex: '^it works'}\n"
	"deployment:\n"
	"  start:\n"
	"    kernel:\n"
	"      data: a kernel\n"
	"      cmdline: 'power={{ dut.boot_sequence_power }} minio={{ minio_url }} http={{ job.http.url }} host={{ executor_host }}'\n";

static struct farm *farm;
static struct proc client; /* of the one job that passed */
static int console;
static char farm_log[512], cache[512];

/* Runs the job; the machine says this and is off. Returns executorctl's exit code. */
static int run_job(struct proc *p, const char *name, const char *says)
{
	farm_run_job(p, name, job, NULL, -1);
	proc_await(p, "Boot 1: the machine is powered");
	net_send(console, says);
	return proc_wait(p);
}

static void await_said(const char *pattern)
{
	char line[4096];
	size_t from = 0;

	assert_true(proc_await_file(farm->supervisor.log_path, &from, pattern, line, sizeof(line)));
}

static int setup(void **state)
{
	static char root[600], buckets[600];
	const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1",
				   "PRIVATE_INTERFACE=duts0",
				   "BOOTS_HTTP_PORT=8091",
				   "EXECUTOR_URL=http://ci-gateway:80/",
				   "SALAD_URL=http://10.42.0.1:8006",
				   "SALAD_TCPCONSOLE_PORT=8101",
				   "MINIO_URL=http://10.42.0.1:9999",
				   "MINIO_ROOT_USER=the-admin",
				   "MINIO_ROOT_PASSWORD=of-our-buckets",
				   "MINIO_ADMIN_ALIAS=ours",
				   buckets,
				   "DUT_DEFAULT_BOOT_SEQUENCE_POWER=42.5",
				   "CONSOLE_PATTERN_DEFAULT_MACHINE_UNFIT_FOR_SERVICE_REGEX=^kaput",
				   "LOG_FORMAT=json",
				   root,
				   NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};

	assert_int_equal(system("ip link add duts0 type bridge && ip addr add 10.43.0.1/16 dev duts0 && ip link set duts0 up"), 0);
	snprintf(cache, sizeof(cache), "%s", tmp_path("cache"));
	snprintf(root, sizeof(root), "EXECUTOR_ARTIFACT_CACHE_ROOT=%s", cache);
	snprintf(buckets, sizeof(buckets), "BUCKETD_CONFIG=%s", tmp_path("buckets.yml"));
	file_put(tmp_path("buckets.yml"), "buckets: {firmware: {public: true}}\n");
	farm = farm_start(&options);
	snprintf(farm_log, sizeof(farm_log), "%s", farm->supervisor.log_path);
	farm_await(farm, DUT, "state", "IDLE");
	farm_await_value(farm, DUT, "logs_endpoint/port");
	await_said("listening on *, port 9999"); /* bucketd's last word of its start */
	console = net_connect(8101);
	net_send(console, "\nSALAD.machine_id=" MAC "\n");
	assert_int_equal(run_job(&client, "passes", "it works\ngood bye\n"), 0);
	return 0;
}

static void farm_ends(void)
{
	if (farm)
		farm_stop(farm);
	farm = NULL;
}

static int teardown(void **state)
{
	farm_ends();
	return 0;
}

static void jobs_know_the_boot_power_of_machines_that_tell_none(void)
{
	assert_true(proc_has_said(&client, "power=42.5 minio="));
}

static void registration_is_told_where_to_ask(void)
{
	assert_true(proc_has_said(&client, "host=ci-gateway:80*"));
}

static void jobs_know_where_the_buckets_are(void)
{
	assert_true(proc_has_said(&client, "minio=http://10.42.0.1:9999 http="));
}

/* Asks bucketd for `path` as the user; the status. */
static int bucketd_says(const char *user, const char *path)
{
	char *status;
	int code;

	shell("curl -s -o /dev/null -w '%%{http_code}' --aws-sigv4 aws:amz:us-east-1:s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "
	      "--user '%s' 'http://10.42.0.1:9999/%s' >%s",
	      user, path, tmp_path("status"));
	status = file_get(tmp_path("status"));
	code = atoi(status);
	free(status);
	return code;
}

static void buckets_have_that_administrator(void)
{
	assert_int_equal(bucketd_says("the-admin:of-our-buckets", ""), 200);
	assert_int_equal(bucketd_says("minioadmin:of-our-buckets", ""), 403);
	assert_int_equal(bucketd_says("the-admin:minio-root-password", ""), 403);
}

static void buckets_are_known_by_that_alias(void)
{
	char *text = file_get(tmp_path("state/buckets/mc/config.json"));

	assert_non_null(strstr(text, "\"ours\""));
	assert_null(strstr(text, "\"local\""));
	free(text);
}

static void the_farms_buckets_are_those_of_that_file(void)
{
	for (int tries = 0; bucketd_says("the-admin:of-our-buckets", "firmware") != 200;
	     tries++) { /* made by a thread, which says nothing */
		assert_true(tries * 50 < PROC_PATIENCE_MS);
		poll(NULL, 0, 50);
	}
	assert_int_equal(bucketd_says("the-admin:of-our-buckets", "software"), 404);
}

static void boot_http_is_on_that_port(void)
{
	int status;

	assert_true(proc_has_said(&client, "http=http://10.43.0.1:8091"));
	assert_true(proc_has_said(&farm->supervisor, "boot HTTP on port 8091"));
	status = system("curl -s -o /dev/null http://10.43.0.1:8091/boot/nothing");
	assert_int_equal(status, 0);
}

static void the_duts_network_is_that_interface(void)
{
	assert_true(proc_has_said(&farm->supervisor, "serving duts0 as 10.43.0.1"));
	assert_int_not_equal(system("curl -s -o /dev/null http://10.42.0.1:8091/boot/nothing"), 0);
}

static void consoles_connect_to_that_port(void)
{
	assert_true(proc_has_said(&farm->supervisor, "machine " MAC ": its console is connected"));
	assert_true(proc_has_said(&farm->supervisor, "TCP consoles on port 8101"));
}

static void salads_rest_is_where_its_url_says(void)
{
	int status;
	char *answer = net_http(8006, "GET", "/api/v1/machine/" MAC, NULL, &status);

	assert_int_equal(status, 200);
	assert_non_null(strstr(answer, "\"tcp_port\":"));
	free(answer);
}

static void artifacts_are_kept_there(void)
{
	assert_int_equal(system("[ -n \"$(find $TMPDIR/cache -type f -size 8c)\" ]"), 0); /* "a kernel" */
	assert_int_not_equal(access(tmp_path("state/artifacts"), F_OK), 0);
}

/* That the machine is then trained anew is tests/unit/dut_state_test.c's; this farm trains none. */
static void a_line_of_the_console_makes_a_machine_unfit(void)
{
	struct proc p;

	assert_int_not_equal(run_job(&p, "unfit", "it works\nkaput it is\n"), 0);
	assert_true(proc_has_said(&p, "Tear down: machine_unfit_for_service matched"));
	farm_await(farm, DUT, "state", "IDLE");
}

/* ---- JSON ---- */

static const char *text_of(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return text ? text : "";
}

struct counted {
	unsigned lines, of_jobd, with_job, with_dut;
};

static void look_at(const char *line, struct counted *counted)
{
	cJSON *json = cJSON_Parse(line);

	if (!json)
		fail_msg("not JSON: %s", line);
	if (!text_of(json, "time")[0] || !text_of(json, "level")[0] || !text_of(json, "daemon")[0] || !text_of(json, "message")[0])
		fail_msg("a field is missing: %s", line);
	counted->lines++;
	counted->of_jobd += strcmp(text_of(json, "daemon"), "jobd") == 0;
	counted->with_job += text_of(json, "job")[0] != '\0';
	counted->with_dut += text_of(json, "dut")[0] != '\0';
	if (strcmp(text_of(json, "daemon"), "jobd") == 0 && strstr(text_of(json, "message"), "the machine is powered"))
		assert_int_equal(strncmp(text_of(json, "job"), "user-", 5), 0);
	if (strcmp(text_of(json, "daemon"), "executord") == 0 && strstr(text_of(json, "message"), "IDLE -> QUEUED")) {
		assert_string_equal(text_of(json, "dut"), "test-box-1");
		assert_int_equal(strncmp(text_of(json, "job"), "user-", 5), 0);
	}
	cJSON_Delete(json);
}

/* Every line of every daemon, from the first to the last. */
static void each_record_is_an_object_with_its_job_and_machine(void)
{
	struct counted counted = {0};
	char *text, *rest, *line;

	farm_ends();
	rest = text = file_get(farm_log);
	while ((line = strsep(&rest, "\n")))
		if (*line)
			look_at(line, &counted);
	free(text);
	assert_true(counted.lines > 50);
	assert_true(counted.of_jobd > 10);
	assert_true(counted.with_job >= counted.of_jobd / 2);
	assert_true(counted.with_dut > 3);
}

/* ---- a daemon alone ---- */

#define ALONE(name) "alone-" name

static const char *path_of(const char *daemon)
{
	static char path[512];

	snprintf(path, sizeof(path), GW_BUILD_ROOT "/%s/%s", daemon, daemon);
	return path;
}

/* In folders of its own, which are not there yet. */
static void start_io(struct proc *p, const char *name, const char *const *argv, const char *const *more, int in)
{
	const char *env[32] = {"EXECUTOR_PORT=8123", "SERGENT_HARTMAN_BOOT_COUNT=-1", "FARM_NAME=alone", "SALAD_URL=http://127.0.0.1:8005"};
	char file[600], states[600], runtime[600];
	size_t n = 4;

	snprintf(file, sizeof(file), "MARS_DB_FILE=%s", tmp_path("%s.yaml", name));
	snprintf(states, sizeof(states), "EXECUTOR_STATE_DIR=%s", tmp_path("%s-state", name));
	snprintf(runtime, sizeof(runtime), "EXECUTOR_RUNTIME_DIR=%s", tmp_path("%s-run", name));
	file_put(tmp_path("%s.yaml", name), db);
	env[n++] = file;
	env[n++] = states;
	env[n++] = runtime;
	while (more && *more)
		env[n++] = *more++;
	proc_start_io(p, name, argv, env, in, -1);
}

static void start(struct proc *p, const char *name, const char *const *argv, const char *const *more)
{
	start_io(p, name, argv, more, -1);
}

static void start_executord(struct proc *p, const char *name, const char *const *more)
{
	mkdir(tmp_path("%s-run", name), 0755);
	start(p, name, (const char *const[]){path_of("executord"), NULL}, more);
	proc_await(p, "REST on port");
}

static char *duts_at(uint16_t port)
{
	int status;
	char *answer = net_http(port, "GET", "/api/v1/duts", NULL, &status);

	assert_int_equal(status, 200);
	return answer;
}

static void the_database_is_that_file(void)
{
	struct proc p;
	char *duts;

	start_executord(&p, ALONE("db"), (const char *const[]){"FARM_NAME=named", NULL});
	duts = duts_at(8123);
	assert_non_null(strstr(duts, "\"full_name\":\"named-box-1\""));
	free(duts);
	assert_int_equal(proc_end(&p, SIGTERM), 0);
}

static void start_as_host(struct proc *p, const char *name, const char *hostname, const char *last)
{
	char command[700];
	const char *const argv[] = {"unshare", "-u", "sh", "-c", command, NULL};

	snprintf(command, sizeof(command), "hostname %s && exec %s %s", hostname, path_of("executord"), last);
	mkdir(tmp_path("%s-run", name), 0755);
	start(p, name, argv, (const char *const[]){"FARM_NAME=", NULL});
}

static void the_farm_is_named_by_the_option_or_by_the_host(void)
{
	struct proc p;
	char *duts;

	start_as_host(&p, ALONE("host"), "lab7-gateway", "");
	proc_await(&p, "REST on port");
	duts = duts_at(8123);
	assert_non_null(strstr(duts, "\"full_name\":\"lab7-box-1\""));
	free(duts);
	assert_int_equal(proc_end(&p, SIGTERM), 0);
	start_as_host(&p, ALONE("nameless"), "lab7", "--check");
	assert_int_equal(proc_wait(&p), 2);
	assert_true(proc_has_said(&p, "executord: FARM_NAME is not set, and the hostname 'lab7' does not give it: it is no NAME-gateway; "
				      "accepted: 1 to 63 characters"));
}

static void sockets_are_made_in_that_folder(void)
{
	struct proc p;

	start_executord(&p, ALONE("run"), NULL);
	await_socket(tmp_path(ALONE("run") "-run/executord.bus"));
	assert_int_equal(proc_end(&p, SIGTERM), 0);
}

static void what_lasts_is_kept_in_that_folder(void)
{
	struct proc p;
	char *key;

	start_executord(&p, ALONE("state"), NULL);
	key = file_get(tmp_path(ALONE("state") "-state/capability.key"));
	assert_true(strlen(key) >= 32);
	free(key);
	assert_int_equal(proc_end(&p, SIGTERM), 0);
}

static void rest_is_on_that_address_and_port(void)
{
	struct proc p;

	start_executord(&p, ALONE("at"), (const char *const[]){"EXECUTOR_HOST=127.0.0.1", "EXECUTOR_PORT=8124", NULL});
	free(duts_at(8124));
	assert_int_equal(system("curl -s -o /dev/null http://10.42.0.1:8124/api/v1/duts") >> 8, 7); /* cannot connect */
	assert_int_equal(proc_end(&p, SIGTERM), 0);
	start(&p, ALONE("nowhere"), (const char *const[]){path_of("executord"), "--check", NULL},
	      (const char *const[]){"EXECUTOR_HOST=localhost", NULL});
	assert_int_equal(proc_wait(&p), 2);
	assert_true(proc_has_said(&p, "EXECUTOR_HOST: 'localhost' is not an IP address; accepted: an IPv4 or IPv6 address"));
}

/* As systemd would: `listening` is descriptor 3, of this name. */
static void start_activated(struct proc *p, const char *name, int listening, const char *fd_name, const char *const *more)
{
	char command[700];
	const char *env[8];
	size_t n = 0;

	snprintf(command, sizeof(command), "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=%s exec %s", fd_name,
		 path_of("executord"));
	mkdir(tmp_path("%s-run", name), 0755);
	while (more && *more)
		env[n++] = *more++;
	env[n] = NULL;
	start_io(p, name, (const char *const[]){"sh", "-c", command, NULL}, env, listening);
	proc_await(p, "REST on port");
}

static void rest_is_on_systemds_socket_of_that_name(void)
{
	int listening = net_listen(8125);
	struct proc p;

	start_activated(&p, ALONE("socket"), listening, "my_rest", (const char *const[]){"EXECUTOR_HTTP_IPv4_SOCKET_NAME=my_rest", NULL});
	free(duts_at(8125));
	assert_int_equal(system("curl -s -o /dev/null http://127.0.0.1:8123/api/v1/duts") >> 8, 7);
	assert_int_equal(proc_end(&p, SIGTERM), 0);
	start_activated(&p, ALONE("socket"), listening, "my_rest", NULL); /* not of the default name: it opens its own */
	free(duts_at(8123));
	assert_int_equal(proc_end(&p, SIGTERM), 0);
	close(listening);
}

static void a_job_file_that_is_not_there_is_refused(enum env_option option, const char *name)
{
	char setting[128], expected[256];
	struct proc p;

	snprintf(setting, sizeof(setting), "%s=/nowhere/job.yml.j2", name);
	start(&p, name, (const char *const[]){path_of("executord"), NULL}, (const char *const[]){setting, NULL});
	assert_int_equal(proc_wait(&p), 2);
	snprintf(expected, sizeof(expected), "executord: %s: /nowhere/job.yml.j2: No such file or directory", name);
	assert_true(proc_has_said(&p, expected));
}

static void the_registration_job_is_that_file(void)
{
	a_job_file_that_is_not_there_is_refused(OPT_EXECUTOR_REGISTRATION_JOB, "EXECUTOR_REGISTRATION_JOB");
}

static void the_boot_loops_job_is_that_file(void)
{
	a_job_file_that_is_not_there_is_refused(OPT_EXECUTOR_BOOTLOOP_JOB, "EXECUTOR_BOOTLOOP_JOB");
}

static void what_is_less_severe_is_not_logged(void)
{
	struct proc p;
	char *log;

	mkdir(tmp_path(ALONE("quiet") "-run"), 0755);
	start(&p, ALONE("quiet"), (const char *const[]){path_of("artifactd"), NULL}, (const char *const[]){"LOG_LEVEL=error", NULL});
	await_socket(tmp_path(ALONE("quiet") "-run/artifactd.bus"));
	assert_int_equal(proc_end(&p, SIGTERM), 0);
	log = proc_log(&p);
	assert_string_equal(log, "");
	free(log);
	assert_true(proc_has_said(&farm->supervisor, "\"level\":\"debug\"")); /* the farm's harness has it so */
}

/* ---- the table ---- */

static const struct check {
	const char *file, *function; /* of a test elsewhere, below tests/ */
	void (*here)(void);
} checks[ENV_OPTIONS] = {
#define HERE(option, check)            [OPT_##option] = {.here = check}
#define THERE(option, where, test)     [OPT_##option] = {where, test, NULL}
#define BOTH(option, where, test, own) [OPT_##option] = {where, test, own}
	HERE(FARM_NAME, the_farm_is_named_by_the_option_or_by_the_host),
	HERE(MARS_DB_FILE, the_database_is_that_file),
	HERE(EXECUTOR_RUNTIME_DIR, sockets_are_made_in_that_folder),
	HERE(EXECUTOR_STATE_DIR, what_lasts_is_kept_in_that_folder),
	HERE(EXECUTOR_HOST, rest_is_on_that_address_and_port),
	HERE(EXECUTOR_PORT, rest_is_on_that_address_and_port),
	HERE(EXECUTOR_HTTP_IPv4_SOCKET_NAME, rest_is_on_systemds_socket_of_that_name),
	THERE(EXECUTOR_HOST_NAMES, "integration/rest_abuse_test.c", "promise_37_rest_is_served_by_its_names_alone"),
	BOTH(EXECUTOR_URL, "integration/artifactd_test.c", "the_gateways_own_hosts_are_exempt_and_an_empty_list_denies_nothing",
	     registration_is_told_where_to_ask),
	THERE(EXECUTOR_WATCHDOG, "integration/watchdog_test.c", "promise_15_a_stuck_daemon_is_killed_and_started_again"),
	THERE(EXECUTOR_STANDALONE_DAEMONS, "integration/standalone_test.c", "only_the_daemons_named_are_started"),
	BOTH(EXECUTOR_REGISTRATION_JOB, "integration/training_test.c", "a_registration_that_fails_is_tried_again_after_its_delay",
	     the_registration_job_is_that_file),
	BOTH(EXECUTOR_BOOTLOOP_JOB, "integration/training_test.c", "loops_that_fail_are_shown_with_their_logs",
	     the_boot_loops_job_is_that_file),
	THERE(SERGENT_HARTMAN_BOOT_COUNT, "integration/training_test.c", "a_boot_count_of_0_makes_it_ready_once_registered"),
	THERE(SERGENT_HARTMAN_QUALIFYING_BOOT_COUNT, "integration/training_test.c", "too_few_good_loops_train_it_anew"),
	THERE(SERGENT_HARTMAN_REGISTRATION_RETRIAL_DELAY, "integration/training_test.c",
	      "a_registration_that_fails_is_tried_again_after_its_delay"),
	THERE(SERGENT_HARTMAN_QUICK_CHECK, "integration/training_test.c", "without_quick_checks_it_is_idle_at_once"),
	THERE(EXECUTOR_JOB_LOGS_SIZE, "integration/states_test.c", "old_logs_of_jobs_make_room_for_new_ones"),
	THERE(EXECUTOR_VPDU_ENDPOINT, "integration/executord_test.c", "a_virtual_pdu_is_there_without_being_in_the_file"),
	HERE(CONSOLE_PATTERN_DEFAULT_MACHINE_UNFIT_FOR_SERVICE_REGEX, a_line_of_the_console_makes_a_machine_unfit),
	THERE(REGISTRIES_CFG, "integration/job_options_test.c", "images_are_led_to_a_local_proxy_by_rules_that_are_edited_live"),
	THERE(IMAGESTORE_PATH, "integration/imagestore_test.c", "how_a_store_is_mounted_is_told_by_config_yml_which_is_edited_live"),
	THERE(IMAGESTORE_PULL_CMD, "integration/imagestore_test.c",
	      "an_image_is_pulled_before_the_machine_boots_and_templates_have_its_id"),
	THERE(IMAGESTORE_IMAGE_EXISTS_CMD, "integration/imagestore_test.c", "an_image_is_pulled_if_missing_and_only_then"),
	HERE(DUT_DEFAULT_BOOT_SEQUENCE_POWER, jobs_know_the_boot_power_of_machines_that_tell_none),
	BOTH(PRIVATE_INTERFACE, "integration/bootsd_ways_test.c", "a_missing_interface_is_said_at_start",
	     the_duts_network_is_that_interface),
	THERE(BOOTS_DISABLE_SERVERS, "integration/bootsd_ways_test.c", "servers_can_be_left_to_others"),
	THERE(BOOTS_DHCP_RANGE, "integration/bootsd_ways_test.c", "machines_without_an_address_get_one_of_the_range"),
	THERE(BOOTS_DHCP_IPv4_SOCKET_NAME, "integration/bootsd_ways_test.c", "sockets_of_other_names_are_found_by_the_options"),
	THERE(BOOTS_TFTP_IPv4_SOCKET_NAME, "integration/bootsd_ways_test.c", "sockets_of_other_names_are_found_by_the_options"),
	THERE(BOOTS_DB_USER_FILE, "integration/bootsd_ways_test.c", "a_users_boots_db_changes_what_a_dut_is_served"),
	THERE(BOOTS_DB_FILE, "integration/bootsd_ways_test.c", "a_users_boots_db_changes_what_a_dut_is_served"),
	HERE(BOOTS_HTTP_PORT, boot_http_is_on_that_port),
	THERE(PDUD_LEASE_GRACE, "integration/pdud_test.c", "a_lease_that_is_not_renewed_ends_in_off"),
	BOTH(SALAD_URL, "integration/saladd_test.c", "a_salad_on_another_host_is_not_started", salads_rest_is_where_its_url_says),
	THERE(SALAD_PORT, "integration/saladd_test.c", "rest_makes_a_machine_that_is_asked_for"),
	HERE(SALAD_TCPCONSOLE_PORT, consoles_connect_to_that_port),
	THERE(SALAD_SERIAL_PORTS, "integration/saladd_tty_test.c", "with_none_and_without_a_folder_saladd_runs_on"),
	THERE(SALAD_CONSOLE_USB_RESET_POWER_OFF_TIME, "integration/saladd_tty_test.c",
	      "a_reset_switches_the_port_off_and_on_and_waits_for_the_console"),
	THERE(SALAD_CONSOLE_USB_RESET_DISABLE, "integration/saladd_tty_test.c", "an_admin_can_forbid_resets"),
	HERE(EXECUTOR_ARTIFACT_CACHE_ROOT, artifacts_are_kept_there),
	THERE(EXECUTOR_ARTIFACT_DENY, "integration/artifactd_test.c", "denied_addresses_are_refused_at_each_redirect"),
	THERE(EXECUTOR_ARTIFACT_MAX_SIZE, "integration/artifactd_test.c", "an_endless_answer_is_cut_off"),
	THERE(EXECUTOR_NBD_ROOT, "integration/nbd_test.c", "a_readonly_device_refuses_writes"),
	THERE(EXECUTOR_NBD_MAX_SIZE, "integration/nbd_test.c", "the_devices_of_a_job_have_a_bound_together"),
	THERE(EXECUTOR_ARTIFACT_CACHE_SIZE, "integration/artifactd_test.c", "what_no_job_uses_is_pruned_oldest_first"),
	HERE(MINIO_URL, jobs_know_where_the_buckets_are),
	HERE(MINIO_ROOT_USER, buckets_have_that_administrator),
	BOTH(MINIO_ROOT_PASSWORD, "integration/standalone_test.c", "promise_38_the_password_of_the_buckets_is_for_bucketd_alone",
	     buckets_have_that_administrator),
	HERE(MINIO_ADMIN_ALIAS, buckets_are_known_by_that_alias),
	HERE(BUCKETD_CONFIG, the_farms_buckets_are_those_of_that_file),
	THERE(BUCKETD_BUCKET_SIZE, "integration/rest_jobs_test.c", "each_part_has_its_bound"),
	THERE(GITLAB_ALLOW_INSECURE, "integration/database_test.c", "executord_accepts_an_insecure_gitlab_only_with_the_option"),
	THERE(GITLAB_CONF_FILE, "unit/config_toml_test.c", "each_runner_of_a_farm_is_in_it"),
	THERE(GITLAB_CONF_TEMPLATE_FILE, "unit/config_toml_test.c", "a_template_of_an_admin_sees_the_farm"),
	HERE(LOG_LEVEL, what_is_less_severe_is_not_logged),
	HERE(LOG_FORMAT, each_record_is_an_object_with_its_job_and_machine),
};

static void assert_test_exists(const struct check *check)
{
	char path[512], definition[256], listed[256];
	char *source;

	snprintf(path, sizeof(path), TEST_DATA "/../%s", check->file);
	snprintf(definition, sizeof(definition), "static void %s(void **state)", check->function);
	snprintf(listed, sizeof(listed), "(%s", check->function); /* and it is run */
	source = file_get(path);
	if (!strstr(source, definition) || !strstr(source, listed))
		fail_msg("%s has no test %s", check->file, check->function);
	free(source);
}

static void has_its_effect(void **state)
{
	const struct check *check = *state;

	if (!check->here && !check->function)
		fail_msg("this option has no check of its effect: add a row to options_test.c");
	if (check->function)
		assert_test_exists(check);
	if (check->here)
		check->here();
}

/* ---- --check ---- */

static const char *const daemons[] = {"executord", "jobd", "bootsd", "pdud", "saladd", "artifactd", "gitlabd", "bucketd"};
#define DAEMONS (sizeof(daemons) / sizeof(daemons[0]))

/* What a trace says of a call that is allowed, of the end of one that another thread's interrupted, or of a process. */
static bool is_harmless(const char *line)
{
	return strstr(line, "AF_NETLINK") || strstr(line, " resumed>") || strstr(line, "+++");
}

/* No socket but those that ask the kernel for addresses and the resolver for names, and no file. */
static void assert_opens_nothing(const char *daemon)
{
	const char *trace = tmp_path("%s.trace", daemon);
	const char *const argv[] = {"strace",  "-f",          "-qq", "-e",  "trace=bind,listen,mkdir,rename,unlink",
				    "-e",      "signal=none", "-o",  trace, path_of(daemon),
				    "--check", NULL};
	char name[64], *calls, *rest, *line;
	struct proc p;

	snprintf(name, sizeof(name), "check-%s", daemon);
	start(&p, name, argv, (const char *const[]){"ASAN_OPTIONS=detect_leaks=0", NULL}); /* not under ptrace */
	if (proc_wait(&p) != 0) {
		proc_show(&p);
		fail_msg("%s --check: %d", daemon, p.status);
	}
	rest = calls = file_get(trace);
	while ((line = strsep(&rest, "\n")))
		if (*line && !is_harmless(line))
			fail_msg("%s --check: %s", daemon, line);
	free(calls);
	assert_int_not_equal(access(tmp_path("%s-run", name), F_OK), 0);
	assert_int_not_equal(access(tmp_path("%s-state", name), F_OK), 0);
}

static void check_of_every_daemon_opens_nothing_and_is_content(void **state)
{
	for (size_t i = 0; i < DAEMONS; i++)
		assert_opens_nothing(daemons[i]);
}

static void check_of_every_daemon_says_what_is_wrong(void **state)
{
	for (size_t i = 0; i < DAEMONS; i++) {
		char name[64];
		struct proc p;

		snprintf(name, sizeof(name), "wrong-%s", daemons[i]);
		start(&p, name, (const char *const[]){path_of(daemons[i]), "--check", NULL},
		      (const char *const[]){"LOG_FORMAT=xml", "LOG_LEVEL=chatty", NULL});
		assert_int_equal(proc_wait(&p), 2);
		assert_true(proc_has_said(&p, "LOG_FORMAT: 'xml' is not known; accepted: text, json"));
		assert_true(proc_has_said(&p, "LOG_LEVEL: 'chatty' is not known; accepted: debug, info, warning, error"));
	}
}

static void executords_check_reads_the_jobs_the_database_and_the_list_of_daemons(void **state)
{
	static const struct {
		const char *setting, *says;
	} rows[] = {
		{"MARS_DB_FILE=/etc/hostname", "hostname:1:1: this is not a database; accepted: *"},
		{"EXECUTOR_BOOTLOOP_JOB=/nowhere", "EXECUTOR_BOOTLOOP_JOB: /nowhere: No such file or directory"},
		{"CONSOLE_PATTERN_DEFAULT_MACHINE_UNFIT_FOR_SERVICE_REGEX=a(",
		 "CONSOLE_PATTERN_DEFAULT_MACHINE_UNFIT_FOR_SERVICE_REGEX*a(*"},
		{"EXECUTOR_STANDALONE_DAEMONS=salad", "EXECUTOR_STANDALONE_DAEMONS: 'salad' is not a daemon; accepted: *"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct proc p;
		char name[32];

		snprintf(name, sizeof(name), "reads-%zu", i);
		start(&p, name, (const char *const[]){path_of("executord"), "--standalone", "--check", NULL},
		      (const char *const[]){rows[i].setting, NULL});
		assert_int_equal(proc_wait(&p), 2);
		if (!proc_has_said(&p, rows[i].says)) {
			proc_show(&p);
			fail_msg("%s: never said '%s'", rows[i].setting, rows[i].says);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define OPTION(readers, name, type, dflt, min, max, meaning) {#name, has_its_effect, NULL, NULL, (void *)&checks[OPT_##name]},
#include "libgateway/options.def"
#undef OPTION
		cmocka_unit_test(check_of_every_daemon_opens_nothing_and_is_content),
		cmocka_unit_test(check_of_every_daemon_says_what_is_wrong),
		cmocka_unit_test(executords_check_reads_the_jobs_the_database_and_the_list_of_daemons),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
