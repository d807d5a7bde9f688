/* submit: how long a job takes from its POST until its DUT is RUNNING, and until its power is ON, on an idle DUT at the dummy PDU, with the
 * real daemons. Beside it, in the same run, what one HTTP POST to the same server costs by itself.
 *
 *	tests/in-namespace build/tests/bench/submit [ROUNDS]
 *
 * The daemons' log comes here through a pipe: a line's arrival is the time of what it tells. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
#define REST_PORT   80
#define CALLBACK    9999
#define PATIENCE_MS 30000
#define REST_MS     30 /* between two rounds, so that the machine is as idle as a farm's gateway */
#define GOAL_MS     10.0

static const char database[] = "pdus:\n"
			       "  D:\n"
			       "    driver: dummy\n"
			       "    config: {ports: [bench]}\n"
			       "duts:\n"
			       "  '52:54:00:00:00:01':\n"
			       "    base_name: bench\n"
			       "    ip_address: 10.42.7.7\n"
			       "    pdu: D\n"
			       "    pdu_port_id: '0'\n"
			       "    pdu_off_delay: 0\n"
			       "    ready_for_service: true\n";

static const char job[] = "version: 1\n"
			  "target: {id: '52:54:00:00:00:01'}\n"
			  "console_patterns:\n"
			  "  session_end: {regex: never}\n"
			  "deployment:\n"
			  "  start:\n"
			  "    kernel: {data: kernel, cmdline: console=ttyS0}\n"
			  "    initramfs: {data: initramfs}\n";

/* What a round measures, in the order in which it mostly happens. */
enum mark { BARE_POST, ANSWERED, CALLED_BACK, RUNNING, POWER_ON, MARKS };
static const char *const mark_names[MARKS] = {[BARE_POST] = "a bare POST, answered with 404",
					      [ANSWERED] = "job: POST until its answer",
					      [CALLED_BACK] = "job: POST until the submitter is called back",
					      [RUNNING] = "job: POST until RUNNING",
					      [POWER_ON] = "job: POST until power ON"};

static struct {
	pid_t supervisor;
	int log; /* the daemons' standard error */
	char text[65536];
	size_t len;
	int callback; /* listening */
	double *ms[MARKS];
	int rounds;
} b;

static void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nthe daemons' last words:\n%.*s\n", (int)b.len, b.text);
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

/* ---- the daemons and their log ---- */

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail("%s: %s", path, strerror(errno));
	close(fd);
}

static void set_env(const char *name, const char *fmt, const char *dir)
{
	char value[512];

	snprintf(value, sizeof(value), fmt, dir);
	setenv(name, value, 1);
}

static void start_daemons(const char *dir)
{
	int ends[2];

	set_env("MARS_DB_FILE", "%s/mars_db.yaml", dir);
	set_env("EXECUTOR_STATE_DIR", "%s/state", dir);
	set_env("EXECUTOR_RUNTIME_DIR", "%s/run", dir);
	set_env("FARM_NAME", "bench%.0s", dir);
	set_env("EXECUTOR_URL", "http://" GATEWAY "%.0s", dir);
	set_env("SALAD_URL", "http://" GATEWAY ":8005%.0s", dir);
	set_env("SERGENT_HARTMAN_BOOT_COUNT", "-1%.0s", dir); /* no quick check: the DUT is IDLE at once */
	write_file(getenv("MARS_DB_FILE"), database);
	mkdir(getenv("EXECUTOR_RUNTIME_DIR"), 0755);
	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("pipe: %s", strerror(errno));
	b.supervisor = fork();
	if (b.supervisor == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDERR_FILENO);
		execl(EXECUTORD, EXECUTORD, "--standalone", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	b.log = ends[0];
}

/* Reads what there is. Returns the time at which it came. */
static double read_log(void)
{
	double at = now_ms();
	ssize_t n;

	if (b.len > sizeof(b.text) / 2) { /* old words go */
		memmove(b.text, b.text + b.len / 2, b.len - b.len / 2);
		b.len -= b.len / 2;
	}
	n = read(b.log, b.text + b.len, sizeof(b.text) - 1 - b.len);
	if (n <= 0)
		fail("the daemons have ended");
	b.len += (size_t)n;
	b.text[b.len] = '\0';
	return at;
}

static void forget_log(void)
{
	b.len = 0;
	b.text[0] = '\0';
}

static void await_log(const char *text)
{
	struct pollfd p = {.fd = b.log, .events = POLLIN};

	while (!strstr(b.text, text)) {
		if (poll(&p, 1, PATIENCE_MS) != 1)
			fail("'%s' was never logged", text);
		read_log();
	}
}

/* ---- one POST ---- */

static int connect_rest(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(REST_PORT)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, GATEWAY, &address.sin_addr);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("REST: %s", strerror(errno));
	return fd;
}

/* Connects and sends the job's form to `path`. */
static int post(const char *path)
{
	static char body[4096], request[8192];
	int fd = connect_rest(), n, len;

	n = snprintf(
		body, sizeof(body),
		"--x\r\nContent-Disposition: form-data; name=\"metadata\"; filename=\"metadata\"\r\nContent-Type: application/json\r\n\r\n"
		"{\"version\":1,\"callback\":{\"host\":\"" GATEWAY "\",\"port\":%d}}\r\n"
		"--x\r\nContent-Disposition: form-data; name=\"job\"; filename=\"job\"\r\nContent-Type: "
		"application/x-yaml\r\n\r\n%s\r\n--x--\r\n",
		CALLBACK, job);
	len = snprintf(request, sizeof(request),
		       "POST %s HTTP/1.1\r\nHost: " GATEWAY "\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n"
		       "Connection: close\r\n\r\n%s",
		       path, n, body);
	if (send(fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		fail("REST: %s", strerror(errno));
	return fd;
}

/* The status line is enough; its number must be `status`. */
static void take_answer(int fd, int status)
{
	char answer[4096] = "";
	ssize_t n = recv(fd, answer, sizeof(answer) - 1, 0);
	int got = 0;

	if (n <= 0 || sscanf(answer, "HTTP/1.1 %d", &got) != 1 || got != status)
		fail("POST was answered with: %s", answer);
	close(fd);
}

static double bare_post(void)
{
	double begin = now_ms();

	take_answer(post("/api/v1/nothing"), 404);
	return now_ms() - begin;
}

/* ---- a round ---- */

static void listen_for_callbacks(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(CALLBACK)};
	int one = 1;

	inet_pton(AF_INET, GATEWAY, &address.sin_addr);
	b.callback = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(b.callback, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(b.callback, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(b.callback, 8) < 0)
		fail("port %d: %s", CALLBACK, strerror(errno));
}

static void note_log(double *marks, double begin)
{
	double at = read_log() - begin;

	if (marks[RUNNING] < 0 && strstr(b.text, " QUEUED -> RUNNING "))
		marks[RUNNING] = at;
	if (marks[POWER_ON] < 0 && strstr(b.text, "port 0 of PDU 'D': OFF -> ON"))
		marks[POWER_ON] = at;
}

static bool all_marked(const double *marks)
{
	for (int m = 0; m < MARKS; m++)
		if (marks[m] < 0)
			return false;
	return true;
}

/* Submits a job and waits for its marks; then the submitter leaves, which ends the job, and all is as it was. */
static void run_round(double *marks)
{
	double begin;
	int client = -1;
	struct pollfd p[3] = {{.fd = b.log, .events = POLLIN}, {.fd = b.callback, .events = POLLIN}, {.events = POLLIN}};

	marks[ANSWERED] = marks[CALLED_BACK] = marks[RUNNING] = marks[POWER_ON] = -1;
	forget_log();
	begin = now_ms();
	p[2].fd = post("/api/v1/jobs");
	while (!all_marked(marks)) {
		if (poll(p, 3, PATIENCE_MS) < 1)
			fail("a job did not come to power ON");
		if (p[2].revents) {
			marks[ANSWERED] = now_ms() - begin;
			take_answer(p[2].fd, 200);
			p[2].fd = -1;
		}
		if (p[1].revents) {
			marks[CALLED_BACK] = now_ms() - begin;
			client = accept4(b.callback, NULL, NULL, SOCK_CLOEXEC);
		}
		if (p[0].revents)
			note_log(marks, begin);
	}
	close(client);
	await_log(" RUNNING -> IDLE ");
	await_log("jobd info: bus: executord "); /* the next spare one */
	usleep(REST_MS * 1000);
}

/* ---- the result ---- */

static int compare(const void *a, const void *c)
{
	double x = *(const double *)a, y = *(const double *)c;

	return x < y ? -1 : x > y;
}

static void print_result(void)
{
	double bare = 0, median;

	printf("%-46s %8s %8s %8s %9s\n", "milliseconds", "median", "p90", "least", "to a POST");
	for (int m = 0; m < MARKS; m++) {
		qsort(b.ms[m], (size_t)b.rounds, sizeof(double), compare);
		median = b.ms[m][b.rounds / 2];
		bare = m == BARE_POST ? median : bare;
		printf("%-46s %8.2f %8.2f %8.2f %8.1fx\n", mark_names[m], median, b.ms[m][b.rounds * 9 / 10], b.ms[m][0], median / bare);
	}
	for (int m = RUNNING; m <= POWER_ON; m++) {
		median = b.ms[m][b.rounds / 2];
		printf("%s: %.2f ms median of %d; goal: under %.0f ms: %s\n", mark_names[m], median, b.rounds, GOAL_MS,
		       median < GOAL_MS ? "met" : "missed");
	}
}

static void end_daemons(void)
{
	char bytes[4096];

	kill(b.supervisor, SIGTERM);
	while (read(b.log, bytes, sizeof(bytes)) > 0) /* nobody must block on a full pipe */
		;
	waitpid(b.supervisor, NULL, 0);
}

int main(int argc, char **argv)
{
	double marks[MARKS];

	b.rounds = argc > 1 ? atoi(argv[1]) : 100;
	if (b.rounds < 1 || !getenv("TMPDIR")) {
		fprintf(stderr, "Usage: tests/in-namespace build/tests/bench/submit [ROUNDS]\n");
		return 2;
	}
	for (int m = 0; m < MARKS; m++)
		b.ms[m] = gw_calloc((size_t)b.rounds, sizeof(double));
	listen_for_callbacks();
	start_daemons(getenv("TMPDIR"));
	await_log("-> IDLE ");
	await_log("port 0 of PDU 'D': UNKNOWN -> ON");
	await_log("jobd info: bus: executord ");
	sleep(1);                             /* all have found each other */
	for (int i = -3; i < b.rounds; i++) { /* the first three warm up */
		marks[BARE_POST] = bare_post();
		run_round(marks);
		for (int m = 0; m < MARKS; m++)
			b.ms[m][i < 0 ? 0 : i] = marks[m];
	}
	print_result();
	end_daemons();
	return 0;
}
