/* rest: what executord serves of 1,000 and 10,000 DUTs, beside nginx that serves the same bytes as files, by the same load generator (wrk),
 *in turn: requests a second, CPU a request, memory; and what one good client waits while 300 slow and 2,000 idle ones are connected.
 *
 *	tests/in-namespace build/tests/bench/rest [DUTS]... */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libgateway/error.h"

#define EXECUTORD "" GW_BUILD_ROOT "/executord/executord"
#define GATEWAY   "10.42.0.1"
#define ROUNDS    5
#define SECONDS   "2"
#define SLOW      300
#define IDLE      2000
#define GOAL_MS   50.0
#define PORTS     100 /* of a PDU */
#define FIRST     "52:54:00:00:00:00"

enum { US, NGINX, SERVERS };
static const char *const server_names[SERVERS] = {[US] = "executord", [NGINX] = "nginx"};
static const unsigned ports[SERVERS] = {[US] = 80, [NGINX] = 8081};

static const char *const paths[] = {"/api/v1/dut/" FIRST, "/api/v1/pdus", "/api/v1/duts", "/api/v1/full-state"};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

static pid_t supervisor, nginx;

static void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1); /* the namespace's end kills the rest */
}

/* ---- what is compared ---- */

static void write_database(const char *path, unsigned duts)
{
	FILE *file = fopen(path, "we");

	if (!file)
		fail("%s: %s", path, strerror(errno));
	fprintf(file, "pdus:\n");
	for (unsigned pdu = 0; pdu * PORTS < duts; pdu++) {
		fprintf(file, "  PDU%u:\n    driver: dummy\n    config: {ports: [", pdu);
		for (unsigned port = 0; port < PORTS; port++)
			fprintf(file, "%sport %u", port ? ", " : "", port);
		fprintf(file, "]}\n");
	}
	fprintf(file, "duts:\n");
	for (unsigned i = 0; i < duts; i++)
		fprintf(file,
			"  '52:54:00:00:%02x:%02x':\n    base_name: gfx9\n    ip_address: 10.42.%u.%u\n    tags: "
			"[amdgpu:architecture:GCN5.1, "
			"amdgpu:family:RV, amdgpu:codename:RENOIR, amdgpu:gfxversion:gfx9, amdgpu:APU]\n    manual_tags: "
			"[freesync_display]\n"
			"    local_tty_device: ttyUSB0\n    pdu: PDU%u\n    pdu_port_id: %u\n    pdu_off_delay: 30\n    ready_for_service: "
			"true\n"
			"    first_seen: 2021-12-22 16:57:08.146275\n    comment: a note to the admins of this farm\n",
			i / 256, i % 256, 16 + i / 250, 1 + i % 250, i / PORTS, i % PORTS);
	fclose(file);
}

static void set_env(const char *name, const char *dir, const char *tail)
{
	char value[4096];

	snprintf(value, sizeof(value), "%.2000s%.100s", dir, tail);
	setenv(name, value, 1);
}

static pid_t start(const char *const *argv, const char *log_path)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644), STDERR_FILENO);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void start_executord(const char *dir, unsigned duts)
{
	static const char *const argv[] = {EXECUTORD, "--standalone", NULL};
	char log_path[4096];

	set_env("MARS_DB_FILE", dir, "/mars_db.yaml");
	set_env("EXECUTOR_STATE_DIR", dir, "/state");
	set_env("EXECUTOR_RUNTIME_DIR", dir, "/run");
	set_env("FARM_NAME", "bench", "");
	set_env("SALAD_URL", "http://" GATEWAY ":8005", "");
	set_env("SERGENT_HARTMAN_BOOT_COUNT", "-1", ""); /* no quick check: the DUTs are IDLE at once */
	set_env("LOG_LEVEL", "warning", "");
	write_database(getenv("MARS_DB_FILE"), duts);
	mkdir(getenv("EXECUTOR_RUNTIME_DIR"), 0755);
	snprintf(log_path, sizeof(log_path), "%.2000s/daemons.log", dir);
	supervisor = start(argv, log_path);
}

static void start_nginx(const char *dir)
{
	static char conf[4096], log_path[4096];
	const char *argv[] = {"/usr/sbin/nginx", "-c", conf, "-e", log_path, NULL};
	FILE *file;

	snprintf(conf, sizeof(conf), "%.2000s/nginx.conf", dir);
	snprintf(log_path, sizeof(log_path), "%.2000s/nginx.log", dir);
	file = fopen(conf, "we");
	if (!file)
		fail("%s: %s", conf, strerror(errno));
	fprintf(file,
		"daemon off; user root; worker_processes 1; worker_rlimit_nofile 10000; pid %s/nginx.pid; error_log %s/nginx.log;\n"
		"events { worker_connections 5000; }\n"
		"http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=100;\n"
		"  default_type application/json; client_body_temp_path %s/t1; proxy_temp_path %s/t2; fastcgi_temp_path %s/t3;\n"
		"  uwsgi_temp_path %s/t4; scgi_temp_path %s/t5;\n"
		"  server { listen " GATEWAY ":8081 backlog=512; root %s/files; } }\n",
		dir, dir, dir, dir, dir, dir, dir, dir);
	fclose(file);
	nginx = start(argv, log_path);
}

/* The output of a command, at most size - 1 bytes; false: it failed. */
static bool output_of(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static bool output_of(char *out, size_t size, const char *fmt, ...)
{
	char command[2048];
	va_list args;
	FILE *pipe;
	size_t n;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	pipe = popen(command, "re");
	n = pipe ? fread(out, 1, size - 1, pipe) : 0;
	out[n] = '\0';
	return pipe && pclose(pipe) == 0;
}

/* Until each DUT has its console's port, so that nothing more is changed. */
static void await_duts(const char *dir, unsigned duts)
{
	char count[64] = "";

	for (int i = 0; i < 600; i++) {
		if (output_of(count, sizeof(count),
			      "curl -sf http://" GATEWAY "/api/v1/duts | grep -o '\"state\":\"IDLE\",' | wc -l && "
			      "! curl -sf http://" GATEWAY "/api/v1/pdus | grep -q -e UNKNOWN -e INITIALIZING -e CREATED") &&
		    strtoul(count, NULL, 10) == duts)
			return;
		usleep(100000);
	}
	fail("%s of %u DUTs are IDLE; see %s/daemons.log", count, duts, dir);
}

static void save_files(const char *dir)
{
	char nothing[64];

	for (size_t i = 0; i < PATHS; i++)
		if (!output_of(nothing, sizeof(nothing), "curl -sf --create-dirs -o '%s/files%s' 'http://" GATEWAY "%s'", dir, paths[i],
			       paths[i]))
			fail("cannot save %s", paths[i]);
}

/* ---- processes ---- */

/* Clock ticks of CPU. */
static double cpu_of(pid_t pid)
{
	char path[64], text[1024], *p;
	unsigned long user = 0, system = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file || !fgets(text, sizeof(text), file))
		fail("%s: gone", path);
	fclose(file);
	p = strrchr(text, ')');
	if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		fail("%s: not understood", path);
	return (double)(user + system);
}

/* KiB of a line of /proc/PID/status. */
static long status_of(pid_t pid, const char *key)
{
	char path[64], line[256];
	long value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtol(line + strlen(key) + 1, NULL, 10);
	if (file)
		fclose(file);
	return value;
}

static void name_of(pid_t pid, char name[64])
{
	char path[64];
	FILE *file;

	name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (file && fgets(name, 64, file))
		name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
}

static pid_t child_of(pid_t parent, const char *name)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;
	char comm[64];

	while (dir && !found && (entry = readdir(dir))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (pid <= 0 || status_of(pid, "PPid") != parent)
			continue;
		name_of(pid, comm);
		if (strcmp(comm, name) == 0)
			found = pid;
	}
	closedir(dir);
	return found;
}

static void print_memory(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	long all = 0;
	char name[64];

	printf("memory, MiB (of it shared with others: libraries, memfds):\n");
	while (dir && (entry = readdir(dir))) {
		pid_t pid = (pid_t)atoi(entry->d_name);
		long total, shared;

		if (pid <= 0)
			continue;
		name_of(pid, name);
		total = status_of(pid, "VmRSS");
		shared = status_of(pid, "RssFile") + status_of(pid, "RssShmem");
		if (!strstr("executord jobd bootsd pdud saladd artifactd nginx", name) || !*name || !total)
			continue;
		printf("  %-10s %6.1f (%.1f), peak %.1f\n", name, (double)total / 1024, (double)shared / 1024,
		       (double)status_of(pid, "VmHWM") / 1024);
		all += strcmp(name, "nginx") ? total : 0;
	}
	closedir(dir);
	printf("  all daemons %5.1f\n", (double)all / 1024);
}

/* ---- load ---- */

struct load {
	double per_second, p99_ms, cpu_us; /* CPU a request */
};

static double ms_of(const char *text)
{
	char *unit;
	double value = strtod(text, &unit);

	return strncmp(unit, "us", 2) == 0 ? value / 1000 : strncmp(unit, "ms", 2) == 0 ? value : value * 1000;
}

static struct load run_load(int server, pid_t pid, const char *path, int connections)
{
	char out[4096];
	const char *rate, *p99, *total;
	double cpu = cpu_of(pid);
	struct load load;

	if (!output_of(out, sizeof(out), "wrk -t1 -c%d -d" SECONDS " --timeout 60s --latency 'http://" GATEWAY ":%u%s' 2>&1", connections,
		       ports[server], path) ||
	    strstr(out, "Non-2xx") || strstr(out, "Socket errors"))
		fail("wrk: %s", out);
	rate = strstr(out, "Requests/sec:");
	p99 = strstr(out, "99%");
	total = strstr(out, " requests in ");
	if (!rate || !p99 || !total)
		fail("wrk: %s", out);
	while (total > out && total[-1] != ' ')
		total--;
	load.per_second = strtod(rate + strlen("Requests/sec:"), NULL);
	load.p99_ms = ms_of(p99 + 3);
	load.cpu_us = (cpu_of(pid) - cpu) * 1e6 / (double)sysconf(_SC_CLK_TCK) / strtod(total, NULL);
	return load;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), by_value);
	return v[ROUNDS / 2];
}

static off_t size_of(const char *dir, const char *path)
{
	char name[4096];
	struct stat st;

	snprintf(name, sizeof(name), "%.2000s/files%s", dir, path);
	return stat(name, &st) == 0 ? st.st_size : 0;
}

static void compare(const char *dir, const pid_t *pids, const char *path, int connections)
{
	double rate[SERVERS][ROUNDS], p99[SERVERS][ROUNDS], cpu[SERVERS][ROUNDS], ratio[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		for (int s = 0; s < SERVERS; s++) {
			struct load load = run_load(s, pids[s], path, connections);

			rate[s][round] = load.per_second;
			p99[s][round] = load.p99_ms;
			cpu[s][round] = load.cpu_us;
		}
		ratio[round] = rate[US][round] / rate[NGINX][round];
	}
	printf("%-30s %9ld", path, (long)size_of(dir, path));
	for (int s = 0; s < SERVERS; s++)
		printf(" %9.0f %7.2f %7.0f", median(rate[s]), median(p99[s]), median(cpu[s]));
	printf("   %.2f\n", median(ratio));
	fflush(stdout);
}

/* ---- the crowd ---- */

static int crowd_connect(unsigned port, unsigned host)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000 + host)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	if (port == ports[NGINX])
		inet_pton(AF_INET, GATEWAY, &to.sin_addr);
	else if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		fail("crowd: %s", strerror(errno));
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("crowd: %s", strerror(errno));
	return fd;
}

/* For ever: each slow one sends a byte a second, and comes again when it is cut. */
static void crowd(unsigned port, int ready)
{
	static int slow[SLOW];
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < IDLE; i++)
		crowd_connect(port, 2);
	for (int i = 0; i < SLOW; i++)
		slow[i] = crowd_connect(port, 3);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;; sleep(1)) {
		for (int i = 0; i < SLOW; i++) {
			if (send(slow[i], "G", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
				continue;
			close(slow[i]);
			slow[i] = crowd_connect(port, 3);
		}
	}
}

static pid_t start_crowd(unsigned port)
{
	int ends[2];
	char byte;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		crowd(port, ends[1]);
	}
	if (read(ends[0], &byte, 1) != 1)
		fail("the crowd did not come together");
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void in_a_crowd(const pid_t *pids)
{
	printf("one client, with %d slow and %d idle ones connected: p99 in ms (goal: %.0f), CPU us a request\n", SLOW, IDLE, GOAL_MS);
	for (int s = 0; s < SERVERS; s++) {
		pid_t pid = start_crowd(ports[s]);

		for (size_t i = 0; i < PATHS; i++) {
			struct load load = run_load(s, pids[s], paths[i], 1);

			printf("  %-10s %-30s %7.2f %7.0f\n", server_names[s], paths[i], load.p99_ms, load.cpu_us);
		}
		printf("  %-10s memory then: %.1f MiB\n", server_names[s], (double)status_of(pids[s], "VmRSS") / 1024);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void stop(pid_t pid)
{
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

static void bench(unsigned duts)
{
	char dir[512];
	pid_t pids[SERVERS];

	snprintf(dir, sizeof(dir), "%s/rest-%u", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", duts);
	mkdir(dir, 0755);
	start_executord(dir, duts);
	await_duts(dir, duts);
	save_files(dir);
	start_nginx(dir);
	while (!(pids[NGINX] = child_of(nginx, "nginx")))
		usleep(10000);
	pids[US] = child_of(supervisor, "executord");
	printf("\n%u DUTs. Requests a second, p99 in ms, CPU us a request, of executord and of nginx; ratio of the rates\n", duts);
	for (size_t i = 0; i < PATHS; i++)
		compare(dir, pids, paths[i], 16);
	print_memory();
	in_a_crowd(pids);
	stop(nginx);
	stop(supervisor);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		bench(1000);
		bench(10000);
	}
	for (int i = 1; i < argc; i++)
		bench((unsigned)strtoul(argv[i], NULL, 10));
	return 0;
}
