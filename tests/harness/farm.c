#include "tests/harness/farm.h"

#include <curl/curl.h>
#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "libgateway/files.h"

#define FILES_PORT "8999"

static const char default_db[] = "# the farm of a test\n"
				 "pdus:\n"
				 "  VPDU:\n"
				 "    driver: vpdu\n"
				 "    config:\n"
				 "      hostname: 127.0.0.1:9191\n";

/* Registration and boot loops of a machine that cannot register: tinydut only says that it did. */
static const char training_job[] = "version: 1\n"
				   "target:\n"
				   "  id: {{ machine_id }}\n"
				   "timeouts:\n"
				   "  overall: {minutes: 2}\n"
				   "  boot_cycle: {seconds: 40, retries: 2}\n"
				   "console_patterns:\n"
				   "  session_end:\n"
				   "    regex: >-\n"
				   "      reboot: Power down\\r?$\n"
				   "  job_success:\n"
				   "    regex: >-\n"
				   "      MaRS: (Registration complete|Check complete)\n"
				   "deployment:\n"
				   "  start:\n"
				   "    kernel:\n"
				   "      url: http://10.42.0.1:" FILES_PORT "/tinydut.bin\n"
				   "      cmdline: 'SALAD.machine_id={{ machine_id }} console=ttyS0'\n"
				   "    initramfs:\n"
				   "      data: |\n"
				   "        MaRS: Registration complete\n"
				   "        @poweroff\n";

/* ---- REST ---- */

struct collected {
	char *text;
	size_t n;
};

static size_t collect(char *bytes, size_t size, size_t count, void *data)
{
	struct collected *c = data;

	c->text = gw_realloc(c->text, c->n + size * count + 1);
	memcpy(c->text + c->n, bytes, size * count);
	c->n += size * count;
	c->text[c->n] = 0;
	return size * count;
}

int farm_request(const char *method, const char *path, const char *json, char **answer)
{
	struct collected got = {gw_strdup(""), 0};
	CURL *curl = curl_easy_init();
	char *url = gw_sprintf(FARM_URL "%s", path);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	long status = 0;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &got);
	if (json) {
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json);
	}
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	free(url);
	if (answer)
		*answer = got.text;
	else
		free(got.text);
	return (int)status;
}

cJSON *farm_json(const char *path)
{
	char *text;
	int status = farm_request("GET", path, NULL, &text);
	cJSON *json = cJSON_Parse(text);

	if (status != 200 || !json) {
		cJSON_Delete(json);
		json = cJSON_CreateObject();
	}
	free(text);
	return json;
}

/* Keys may have dots and colons, so they are parted by '/'. */
static const cJSON *follow(const cJSON *json, const char *key)
{
	while (json && *key) {
		char name[128];
		size_t n = strcspn(key, "/");
		snprintf(name, sizeof(name), "%.*s", (int)n, key);
		json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, atoi(name)) : cJSON_GetObjectItemCaseSensitive(json, name);
		key += n + (key[n] == '/');
	}
	return json;
}

const char *farm_get(const char *path, const char *key)
{
	static char values[16][1024];
	static unsigned next;
	char *value = values[next++ % 16], *printed;
	cJSON *json = farm_json(path);
	const cJSON *at = follow(json, key);

	printed = !at ? gw_strdup("(none)") : cJSON_IsString(at) ? gw_strdup(at->valuestring) : cJSON_PrintUnformatted(at);
	snprintf(value, sizeof(values[0]), "%s", printed);
	free(printed);
	cJSON_Delete(json);
	return value;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What is awaited is logged when it happens; half a second is for what nobody logs (an error that went away). */
static void await(struct farm *farm, const char *path, const char *key, bool (*is)(const char *value, const char *with), const char *with,
		  const char *what)
{
	int64_t until = now_ms() + PROC_PATIENCE_MS;
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	const char *value;

	inotify_add_watch(watch, farm->supervisor.log_path, IN_MODIFY);
	while (value = farm_get(path, key), !is(value, with)) {
		struct pollfd p = {.fd = watch, .events = POLLIN};
		char events[4096];
		if (now_ms() > until) {
			proc_show(&farm->supervisor);
			fail_msg("%s %s never was %s'%s'; last seen: '%s'", path, key, what, with, value);
		}
		poll(&p, 1, 500);
		while (read(watch, events, sizeof(events)) > 0)
			;
	}
	close(watch);
}

static bool has_pattern(const char *value, const char *pattern)
{
	return glob_line(pattern, value, strlen(value));
}

static bool is_value(const char *value, const char *none)
{
	return strcmp(value, "(none)") != 0 && strcmp(value, none) != 0;
}

static bool is_value_other_than(const char *value, const char *old)
{
	return is_value(value, "null") && strcmp(value, old) != 0;
}

void farm_await(struct farm *farm, const char *path, const char *key, const char *pattern)
{
	await(farm, path, key, has_pattern, pattern, "");
}

void farm_await_value(struct farm *farm, const char *path, const char *key)
{
	await(farm, path, key, is_value, "null", "other than ");
}

void farm_await_other(struct farm *farm, const char *path, const char *key, const char *old)
{
	await(farm, path, key, is_value_other_than, old, "other than ");
}

void farm_do(const char *method, const char *path, const char *json)
{
	char *answer;
	int status = farm_request(method, path, json, &answer);

	if (status != 200)
		fail_msg("%s %s %s: %d %s", method, path, json ? json : "", status, answer);
	free(answer);
}

/* ---- the daemons ---- */

static void add_env(struct farm *farm, char *owned, const char *text)
{
	assert_true(farm->n_env < 63);
	if (owned)
		farm->owned[farm->n_owned++] = owned;
	farm->env[farm->n_env++] = owned ? owned : text;
}

static void set_env(struct farm *farm, const struct farm_options *options)
{
	add_env(farm, NULL, "FARM_NAME=test");
	add_env(farm, NULL, "LOG_LEVEL=debug");
	add_env(farm, NULL, "EXECUTOR_URL=http://10.42.0.1");
	add_env(farm, NULL, "SALAD_URL=http://10.42.0.1:8005");
	add_env(farm, NULL, "SALAD_SERIAL_PORTS=none"); /* this host's are not the test's */
	add_env(farm, NULL, "SERGENT_HARTMAN_BOOT_COUNT=1");
	add_env(farm, NULL, "SERGENT_HARTMAN_QUALIFYING_BOOT_COUNT=1");
	add_env(farm, NULL, "SERGENT_HARTMAN_REGISTRATION_RETRIAL_DELAY=1");
	add_env(farm, gw_sprintf("MARS_DB_FILE=%s", farm->db_path), NULL);
	add_env(farm, gw_sprintf("EXECUTOR_STATE_DIR=%s", farm->state_dir), NULL);
	add_env(farm, gw_sprintf("GITLAB_CONF_FILE=%s", tmp_path("config.toml")), NULL);
	add_env(farm, gw_sprintf("EXECUTOR_RUNTIME_DIR=%s", farm->runtime_dir), NULL);
	add_env(farm, gw_sprintf("EXECUTOR_REGISTRATION_JOB=%s", tmp_path("training.yml.j2")), NULL);
	add_env(farm, gw_sprintf("EXECUTOR_BOOTLOOP_JOB=%s", tmp_path("training.yml.j2")), NULL);
	for (const char *const *e = options->env; e && *e; e++)
		add_env(farm, NULL, *e);
}

static void start_files(struct farm *farm)
{
	static const char *const argv[] = {"python3",     "-u",          "-m",
					   "http.server", FILES_PORT,    "--bind",
					   "10.42.0.1",   "--directory", GW_BUILD_ROOT "/tests/harness/tinydut",
					   NULL};

	proc_start(&farm->files, "files", argv, NULL);
	proc_await(&farm->files, "Serving HTTP on");
}

static void start_vpdud(struct farm *farm, const char *memory)
{
	const char *argv[] = {GW_BUILD_ROOT "/pdud/vpdud/vpdud",
			      "--listen",
			      "127.0.0.1:9191",
			      "--salad",
			      "127.0.0.1:8100",
			      "--bridge",
			      "private",
			      "--memory",
			      memory ? memory : "64",
			      "--skip-ipxe-prompt",
			      NULL};

	proc_start(&farm->vpdud, "vpdud", argv, NULL);
	proc_await(&farm->vpdud, "vpdud: listening on");
}

void farm_start_supervisor(struct farm *farm)
{
	static const char *const argv[] = {GW_BUILD_ROOT "/executord/executord", "--standalone", NULL};

	proc_start(&farm->supervisor, "farm", argv, farm->env);
}

/* As the daemons get it: what the test gives counts before what it has itself. NULL: nowhere. */
static const char *setting(const struct farm *farm, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = farm->n_env; i > 0; i--)
		if (strncmp(farm->env[i - 1], name, n) == 0 && farm->env[i - 1][n] == '=')
			return farm->env[i - 1] + n + 1;
	return getenv(name);
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	while (*(list += strspn(list, " "))) {
		if (strcspn(list, " ") == n && strncmp(list, word, n) == 0)
			return true;
		list += strcspn(list, " ");
	}
	return false;
}

/* Until REST answers and those that answer on the bus are there: all that this farm starts. */
static void await_rest(struct farm *farm)
{
	static const char *const daemons[] = {"pdud", "bootsd", "saladd", "artifactd", "gitlabd"};
	const char *wanted = setting(farm, "EXECUTOR_STANDALONE_DAEMONS");

	farm_await_value(farm, "/full-state", "now");
	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++)
		if (!wanted || has_word(wanted, daemons[i]))
			await_socket(tmp_path("run/%s.bus", daemons[i]));
}

struct farm *farm_start(const struct farm_options *given)
{
	static const struct farm_options defaults;
	const struct farm_options *options = given ? given : &defaults;
	struct farm *farm = gw_calloc(1, sizeof(*farm));

	snprintf(farm->db_path, sizeof(farm->db_path), "%s", tmp_path("config/mars_db.yaml"));
	snprintf(farm->state_dir, sizeof(farm->state_dir), "%s", tmp_path("state"));
	snprintf(farm->runtime_dir, sizeof(farm->runtime_dir), "%s", tmp_path("run"));
	mkdir(tmp_path("config"), 0755);
	mkdir(farm->runtime_dir, 0755);
	file_put(farm->db_path, options->db ? options->db : default_db);
	file_put(tmp_path("training.yml.j2"), training_job);
	set_env(farm, options);
	if (!options->no_files)
		start_files(farm);
	if (!options->no_vpdu)
		start_vpdud(farm, options->memory);
	if (options->no_daemons)
		return farm;
	farm_start_supervisor(farm);
	await_rest(farm);
	if (!options->no_vpdu)
		farm_await(farm, "/pdus", "pdus/VPDU/state", "OK");
	return farm;
}

char *farm_settings(const struct farm *farm)
{
	char *text = gw_strdup("");

	for (size_t i = 0; i < farm->n_env; i++) {
		char *longer = gw_sprintf("%s%s\n", text, farm->env[i]);
		free(text);
		text = longer;
	}
	return text;
}

static void assert_nothing_is_left(const struct farm *farm)
{
	DIR *dir = opendir(farm->runtime_dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');
		char *path = gw_sprintf("%s/%s", farm->runtime_dir, entry->d_name);
		if (dot && strcmp(dot, ".lock") == 0 && file_lock_holder(path))
			fail_msg("%s: process %d is left", path, (int)file_lock_holder(path));
		if (dot && (strcmp(dot, ".bus") == 0 || strcmp(dot, ".sock") == 0))
			fail_msg("%s is left", path);
		free(path);
	}
	if (dir)
		closedir(dir);
}

/* The sanitizers' findings in any daemon. */
static void assert_clean(const struct proc *p)
{
	static const char *const findings[] = {"Sanitizer:", "runtime error:", "broken promise"};
	char *log = p->log_path[0] ? proc_log(p) : gw_strdup(""), *at;

	for (size_t i = 0; i < sizeof(findings) / sizeof(findings[0]); i++)
		if ((at = strstr(log, findings[i])))
			fail_msg("%s's log has a sanitizer's report:\n%.6000s", p->name, at - log > 300 ? at - 300 : log);
	free(log);
}

void farm_stop(struct farm *farm)
{
	int code = proc_end(&farm->supervisor, SIGTERM);

	if (code != 0) {
		proc_show(&farm->supervisor);
		fail_msg("the supervisor ended with %d", code);
	}
	assert_nothing_is_left(farm);
	assert_clean(&farm->supervisor);
	assert_clean(&farm->vpdud);
	proc_end(&farm->vpdud, SIGTERM);
	proc_end(&farm->files, SIGTERM);
	for (size_t i = 0; i < farm->n_owned; i++)
		free(farm->owned[i]);
	free(farm);
}

pid_t farm_pid(const struct farm *farm, const char *daemon)
{
	char *path = gw_sprintf("%s/%s.lock", farm->runtime_dir, daemon);
	pid_t pid = file_lock_holder(path);

	free(path);
	return pid;
}

/* It has the job's log open until its end. */
static bool has_a_job(pid_t jobd)
{
	char folder[32], path[64], file[600];
	DIR *dir;
	struct dirent *entry;
	bool found = false;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)jobd);
	dir = opendir(folder);
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t n;

		snprintf(path, sizeof(path), "%s/%.20s", folder, entry->d_name);
		n = readlink(path, file, sizeof(file) - 1);
		file[n > 0 ? n : 0] = '\0';
		found = strstr(file, "/jobs/") != NULL;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* How many hold a RUNTIME/jobd-*.lock, and the last of them. */
static unsigned count_jobds(const struct farm *farm, pid_t *last)
{
	DIR *dir = opendir(farm->runtime_dir);
	struct dirent *entry;
	unsigned n = 0;

	while (dir && (entry = readdir(dir))) {
		char *path = gw_sprintf("%s/%s", farm->runtime_dir, entry->d_name);
		pid_t holder = strncmp(entry->d_name, "jobd-", 5) == 0 && strstr(entry->d_name, ".lock") ? file_lock_holder(path) : 0;
		if (holder) {
			*last = holder;
			n++;
		}
		free(path);
	}
	if (dir)
		closedir(dir);
	return n;
}

pid_t farm_spare_jobd(const struct farm *farm)
{
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	pid_t found = 0;

	inotify_add_watch(watch, farm->runtime_dir, IN_CREATE | IN_DELETE | IN_CLOSE_WRITE);
	while (count_jobds(farm, &found) != 1 || has_a_job(found)) { /* the last job's may be there, and the next one not yet */
		struct pollfd p = {.fd = watch, .events = POLLIN};
		char events[4096];
		if (poll(&p, 1, PROC_PATIENCE_MS) != 1)
			fail_msg("no jobd alone waits for a job");
		while (read(watch, events, sizeof(events)) > 0)
			;
	}
	close(watch);
	return found;
}

static void kill_and_wait(pid_t pid)
{
	struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

	if (p.fd < 0) /* it has just ended */
		return;
	kill(pid, SIGKILL);
	poll(&p, 1, PROC_PATIENCE_MS);
	close(p.fd);
}

void farm_kill(const struct farm *farm, const char *daemon)
{
	pid_t pid = farm_pid(farm, daemon);

	if (pid <= 0)
		fail_msg("%s does not run", daemon);
	kill_and_wait(pid);
}

void farm_kill_jobds(const struct farm *farm)
{
	DIR *dir = opendir(farm->runtime_dir);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char *path = gw_sprintf("%s/%s", farm->runtime_dir, entry->d_name);
		pid_t holder = strncmp(entry->d_name, "jobd-", 5) == 0 && strstr(entry->d_name, ".lock") ? file_lock_holder(path) : 0;

		if (holder > 0)
			kill_and_wait(holder);
		free(path);
	}
	closedir(dir);
}

void farm_edit_db(struct farm *farm, const char *from, const char *to)
{
	char *text = file_get(farm->db_path), *at = strstr(text, from), *edited, *beside = gw_sprintf("%s.new", farm->db_path);

	if (!at)
		fail_msg("%s does not have '%s':\n%s", farm->db_path, from, text);
	edited = gw_sprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	file_put(beside, edited);
	assert_int_equal(rename(beside, farm->db_path), 0);
	free(edited);
	free(beside);
	free(text);
}

/* ---- jobs ---- */

void farm_run_job(struct proc *client, const char *name, const char *yaml, const char *const *arguments, int in)
{
	const char *argv[32] = {GW_BUILD_ROOT "/executorctl/executorctl", "-e", "http://10.42.0.1", "run"};
	size_t n = 4;

	while (arguments && *arguments && n < 30)
		argv[n++] = *arguments++;
	argv[n++] = gw_strdup(tmp_path("%s.yml", name));
	file_put(argv[n - 1], yaml);
	proc_start_io(client, name, argv, NULL, in, -1);
	free((char *)argv[n - 1]);
}

static void add_indented(char *out, size_t size, const char *text, const char *indent)
{
	while (*text) {
		size_t n = strcspn(text, "\n"), used = strlen(out);
		snprintf(out + used, size - used, "%s%.*s\n", indent, (int)n, text);
		text += n + (text[n] == '\n');
	}
}

const char *farm_job(const char *script, const char *more)
{
	static char job[65536];

	snprintf(job, sizeof(job),
		 "version: 1\n"
		 "target: {tags: []}\n"
		 "%s"
		 "deployment:\n"
		 "  start:\n"
		 "    kernel:\n"
		 "      url: http://10.42.0.1:" FILES_PORT "/tinydut.bin\n"
		 "      cmdline: 'SALAD.machine_id={{ machine_id }} console=ttyS0'\n"
		 "    initramfs:\n"
		 "      data: |\n",
		 more ? more
		      : "console_patterns:\n"
			"  session_end: {regex: 'reboot: Power down'}\n"
			"  job_success: {regex: 'it works'}\n");
	add_indented(job, sizeof(job), script, "        ");
	return job;
}

void farm_await_console(struct proc *client, const char *pattern)
{
	proc_await(client, "initramfs: * bytes, sum");
	proc_await(client, pattern);
}

void farm_enroll(struct farm *farm)
{
	farm_do("POST", "/dut/discover", "{\"pdu\": \"VPDU\", \"port_id\": \"0\"}");
	farm_await(farm, "/duts", "duts/" FARM_MAC "/state", "IDLE");
}
