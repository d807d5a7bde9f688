/* farm: what a database of many DUTs costs the real daemons: the start, an edit of one line until REST shows it, a PATCH until its answer
 * (which is when it is durable), memory. Beside them, in the same run: a GET alone, and what the disk takes of a save.
 *
 *	tests/in-namespace build/tests/bench/farm [DUTS]... */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libgateway/error.h"

#define EXECUTORD   GW_BUILD_ROOT "/executord/executord"
#define GATEWAY     "10.42.0.1"
#define PATIENCE_MS 120000
enum { ROUNDS = 15, QUIET_MS = 300, NAMES_MAX = 16 };

static struct {
	pid_t supervisor;
	char dir[400], db[512];
	char *text;
	size_t len;
	int duts;
	double ms[ROUNDS];
} b;

static void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "; the daemons' log: %s/log\n", b.dir);
	if (b.supervisor > 0)
		kill(b.supervisor, SIGKILL);
	exit(1);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- the file ---- */

static void put_file(const char *name, bool durable)
{
	char temp[600];
	int fd;

	snprintf(temp, sizeof(temp), "%s.edit", name);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, b.text, b.len) != (ssize_t)b.len || (durable && fsync(fd) < 0) || close(fd) < 0 || rename(temp, name) < 0)
		fail("%s: %s", name, strerror(errno));
}

static void make_file(int duts)
{
	FILE *out = open_memstream(&b.text, &b.len);

	b.duts = duts;
	fprintf(out, "# A farm, as its admins keep it\npdus:\n");
	for (int i = 0; i * 16 < duts; i++)
		fprintf(out, "  PDU%d: {driver: dummy, config: {ports: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]}}\n", i);
	fprintf(out, "duts:\n");
	for (int i = 0; i < duts; i++)
		fprintf(out,
			"  '52:54:00:%02x:%02x:%02x': # rack %d\n    base_name: gfx%d\n    ip_address: 10.42.%d.%d\n"
			"    tags:\n    - amdgpu:family:RV\n    - amdgpu:codename:RENOIR\n    - amdgpu:gfxversion:gfx9\n"
			"    manual_tags: [freesync, 'round:000']\n    local_tty_device: ttyUSB0\n"
			"    pdu: PDU%d\n    pdu_port_id: %d\n    pdu_off_delay: 30 # slow capacitors\n    ready_for_service: true\n"
			"    is_retired: false\n    first_seen: 2021-12-22 12:55:37.001000\n    comment: null\n",
			i >> 16, i >> 8 & 255, i & 255, i / 40, i % 10, i / 250 + 1, i % 250 + 1, i / 16, i % 16);
	fclose(out);
	put_file(b.db, false);
}

static const char *dut_id(int i)
{
	static char id[20];

	snprintf(id, sizeof(id), "52:54:00:%02x:%02x:%02x", i >> 16, i >> 8 & 255, i & 255);
	return id;
}

/* ---- the daemons ---- */

static void set_env(const char *name, const char *fmt, const char *dir)
{
	char value[512];

	snprintf(value, sizeof(value), fmt, dir);
	setenv(name, value, 1);
}

static void start_daemons(void)
{
	char log[512];
	int fd;

	set_env("MARS_DB_FILE", "%s", b.db);
	set_env("EXECUTOR_STATE_DIR", "%s/state", b.dir);
	set_env("EXECUTOR_RUNTIME_DIR", "%s/run", b.dir);
	set_env("FARM_NAME", "bench%.0s", b.dir);
	set_env("EXECUTOR_URL", "http://" GATEWAY "%.0s", b.dir);
	set_env("SALAD_URL", "http://" GATEWAY ":8005%.0s", b.dir);
	set_env("SERGENT_HARTMAN_BOOT_COUNT", "-1%.0s", b.dir); /* DUTs are IDLE at once */
	mkdir(getenv("EXECUTOR_RUNTIME_DIR"), 0755);
	snprintf(log, sizeof(log), "%s/log", b.dir);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	b.supervisor = fork();
	if (b.supervisor == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, STDERR_FILENO);
		execl(EXECUTORD, EXECUTORD, "--standalone", (char *)NULL);
		_exit(127);
	}
	close(fd);
}

static void end_daemons(void)
{
	kill(b.supervisor, SIGTERM);
	waitpid(b.supervisor, NULL, 0);
	b.supervisor = 0;
}

/* ---- REST ---- */

static int connect_rest(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, GATEWAY, &address.sin_addr);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The status, and the answer in *answer (borrowed); 0 if nobody answers. */
static int request(const char *method, const char *id, const char *body, const char **answer)
{
	static char text[65536];
	size_t len = 0;
	ssize_t n = 1;
	int fd = connect_rest(), status = 0;

	*answer = "";
	if (fd < 0)
		return 0;
	len = (size_t)snprintf(text, sizeof(text),
			       "%s /api/v1/dut/%s HTTP/1.1\r\nHost: " GATEWAY
			       "\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
			       "Connection: close\r\n\r\n%s",
			       method, id, strlen(body), body);
	n = send(fd, text, len, MSG_NOSIGNAL);
	for (len = 0; n > 0 && len < sizeof(text) - 1; len += (size_t)n)
		if ((n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) <= 0)
			break;
	close(fd);
	text[len] = '\0';
	sscanf(text, "HTTP/1.1 %d", &status);
	*answer = text;
	return status;
}

static void await_answer(const char *id, const char *part)
{
	double until = now_ms() + PATIENCE_MS;
	const char *answer;

	while (request("GET", id, "", &answer) != 200 || !strstr(answer, part))
		if (now_ms() > until)
			fail("%s never had %s: %s", id, part, answer);
}

/* ---- memory ---- */

static struct {
	char name[32];
	double mib, share; /* share: a page that several have in memory counts as a part */
} resident[NAMES_MAX];

static bool is_ours(pid_t pid, int depth)
{
	char path[64], line[512] = "", *end;
	FILE *in;
	int parent = 0;

	if (pid == b.supervisor)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	in = fopen(path, "re");
	if (in && fgets(line, sizeof(line), in) && (end = strrchr(line, ')')))
		sscanf(end + 1, " %*c %d", &parent);
	if (in)
		fclose(in);
	return parent > 1 && depth < 8 && is_ours(parent, depth + 1);
}

static void add_resident(pid_t pid)
{
	char path[64], line[256], name[32] = "";
	double kib = 0, share = 0;
	FILE *in;
	int i = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	in = fopen(path, "re");
	while (in && fgets(line, sizeof(line), in)) {
		sscanf(line, "Name: %31s", name);
		sscanf(line, "VmRSS: %lf", &kib);
	}
	if (in)
		fclose(in);
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	in = fopen(path, "re");
	while (in && fgets(line, sizeof(line), in))
		sscanf(line, "Pss: %lf", &share);
	if (in)
		fclose(in);
	while (i < NAMES_MAX - 1 && resident[i].name[0] && strcmp(resident[i].name, name) != 0)
		i++;
	snprintf(resident[i].name, sizeof(resident[i].name), "%s", name);
	resident[i].mib += kib / 1024;
	resident[i].share += share / 1024;
}

static void print_resident(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	double sum = 0, share = 0;

	memset(resident, 0, sizeof(resident));
	while ((entry = readdir(proc)))
		if (atoi(entry->d_name) > 1 && is_ours(atoi(entry->d_name), 0))
			add_resident(atoi(entry->d_name));
	closedir(proc);
	printf("  resident, MiB (with pages that several have counted in parts):");
	for (int i = 0; i < NAMES_MAX && resident[i].name[0]; i++) {
		printf(" %s %.1f (%.1f),", resident[i].name, resident[i].mib, resident[i].share);
		sum += resident[i].mib;
		share += resident[i].share;
	}
	printf(" all %.1f (%.1f)\n", sum, share);
}

/* ---- what is measured ---- */

static void bare_get(int round)
{
	await_answer(dut_id(b.duts / 2), "round:");
}

static void bare_save(int round)
{
	char name[600];

	snprintf(name, sizeof(name), "%s.bare", b.db);
	put_file(name, true);
}

/* One line of the DUT in the middle; what it has now. */
static const char *change_text(int number)
{
	static char part[20];
	char *at = strstr(b.text, dut_id(b.duts / 2));

	at = strstr(at, "round:");
	snprintf(part, sizeof(part), "round:%03d", number);
	memcpy(at, part, strlen(part));
	return part;
}

/* By rename. */
static void edit(int round)
{
	const char *part = change_text(round + 1);

	put_file(b.db, false);
	b.ms[round] = now_ms();
	await_answer(dut_id(b.duts / 2), part);
}

/* The file's folder is a symlink: it comes to lead to another one. */
static void swap_folder(int round)
{
	const char *part = change_text(100 + round);
	char folder[500], file[600], next[500];

	snprintf(folder, sizeof(folder), "%s/config.%d", b.dir, round);
	snprintf(file, sizeof(file), "%s/mars_db.yaml", folder);
	snprintf(next, sizeof(next), "%s/next", b.dir);
	mkdir(folder, 0755);
	put_file(file, false);
	if (symlink(folder, next) < 0)
		fail("%s: %s", next, strerror(errno));
	b.ms[round] = now_ms();
	snprintf(file, sizeof(file), "%s/config", b.dir);
	if (rename(next, file) < 0)
		fail("%s: %s", file, strerror(errno));
	await_answer(dut_id(b.duts / 2), part);
}

static void patch(int round)
{
	const char *answer;
	char body[64];

	snprintf(body, sizeof(body), "{\"comment\": \"patched %d\"}", round);
	if (request("PATCH", dut_id(b.duts / 3), body, &answer) != 200)
		fail("PATCH: %s", answer);
}

static int by_value(const void *a, const void *c)
{
	return (*(const double *)a > *(const double *)c) - (*(const double *)a < *(const double *)c);
}

static void measure(const char *what, void (*action)(int round))
{
	double begin;

	for (int i = 0; i < ROUNDS; i++) {
		b.ms[i] = 0;
		begin = now_ms();
		action(i);
		b.ms[i] = now_ms() - (b.ms[i] > 0 ? b.ms[i] : begin);
		usleep(QUIET_MS * 1000 / 10);
	}
	qsort(b.ms, ROUNDS, sizeof(double), by_value);
	printf("  %-32s %9.2f %9.2f %9.2f\n", what, b.ms[ROUNDS / 2], b.ms[ROUNDS * 9 / 10], b.ms[0]);
	fflush(stdout);
}

static void bench(int duts)
{
	char command[2048];
	double begin;

	snprintf(command, sizeof(command), "rm -rf '%s' && mkdir -p '%s/first' && ln -s first '%s/config'", b.dir, b.dir, b.dir);
	if (system(command))
		fail("%s", command);
	make_file(duts);
	begin = now_ms();
	start_daemons();
	await_answer(dut_id(duts - 1), "IDLE");
	printf("%d DUTs, %.2f MiB\n  %-32s %9.2f\n", duts, (double)b.len / 1048576, "start until REST has the last", now_ms() - begin);
	sleep(duts > 1000 ? 6 : 2); /* all have found each other */
	printf("  %-32s %9s %9s %9s\n", "milliseconds", "median", "p90", "least");
	measure("a GET", bare_get);
	measure("edit until REST shows it", edit);
	measure("folder's symlink until REST does", swap_folder);
	measure("a save: write, fsync, rename", bare_save);
	measure("PATCH until its answer", patch);
	print_resident();
	end_daemons();
	free(b.text);
}

int main(int argc, char **argv)
{
	static const int usual[] = {10, 1000, 10000};

	if (!getenv("TMPDIR")) {
		fprintf(stderr, "Usage: tests/in-namespace build/tests/bench/farm [DUTS]...\n");
		return 2;
	}
	snprintf(b.dir, sizeof(b.dir), "%s/farm", getenv("TMPDIR"));
	snprintf(b.db, sizeof(b.db), "%s/config/mars_db.yaml", b.dir);
	for (int i = 1; i < argc; i++)
		bench(atoi(argv[i]));
	for (int i = 0; argc == 1 && i < 3; i++)
		bench(usual[i]);
	return 0;
}
