/* What bounds saladd, in a build of it (saladd_small) whose limits are soon reached: 8 machines, 4 consoles that have not said whose they
 * are, 1 s for an end that takes nothing. */
#include <cjson/cJSON.h>
#include <poll.h>
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

#include "libgateway/error.h"
#include "tests/harness/net.h"
#include "tests/harness/proc.h"

#define SALADD   GW_BUILD_ROOT "/saladd/saladd_small"
#define REST     8005
#define CONSOLES 8100
#define MACHINES 8
#define NAMELESS 4
#define MEGABYTE (1024 * 1024)

static struct proc salad;

static int setup(void **state)
{
	char *runtime = gw_sprintf("EXECUTOR_RUNTIME_DIR=%s", getenv("TMPDIR"));

	proc_start(&salad, "saladd", (const char *[]){SALADD, NULL}, (const char *[]){"LOG_LEVEL=debug", runtime, NULL});
	proc_await(&salad, "saladd info: listening on");
	free(runtime);
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(proc_end(&salad, SIGTERM), 0);
	unlink(tmp_path("saladd.clients"));
	return 0;
}

static int get(const char *id, char **answer)
{
	char *path = gw_sprintf("/api/v1/machine/%s", id);
	int status;

	*answer = net_http(REST, "GET", path, NULL, &status);
	free(path);
	return status;
}

static int client_of(const char *id)
{
	char *answer;
	cJSON *json;
	int fd;

	assert_int_equal(get(id, &answer), 200);
	json = cJSON_Parse(answer);
	fd = net_connect((uint16_t)cJSON_GetObjectItemCaseSensitive(json, "tcp_port")->valueint);
	proc_await(&salad, "a client has come");
	cJSON_Delete(json);
	free(answer);
	return fd;
}

static int machine(const char *id)
{
	int fd = net_connect(CONSOLES);
	char *line = gw_sprintf("SALAD.machine_id=%s\nSALAD.ping", id);

	net_send(fd, line);
	net_expect(fd, "SALAD.pong\n");
	free(line);
	return fd;
}

static bool was_said_since(const char *pattern)
{
	char *log = proc_log(&salad);
	bool said = glob_line(pattern, log + salad.seen, strlen(log + salad.seen));

	free(log);
	return said;
}

/* Until nothing more is taken, although saladd has had its turn; or it has said `end`, behind which it takes all. */
static void flood(int fd, const char *end)
{
	static char bytes[MEGABYTE];
	char *answer;

	memset(bytes, 'x', sizeof(bytes));
	for (int held_back = 0; held_back < 3 && !was_said_since(end); held_back++) {
		while (!was_said_since(end) && send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			held_back = 0;
		get("", &answer); /* what it could read before, it has read */
		free(answer);
	}
}

#define DEAF "saladd warning: machine m: its client has read nothing for 1 s; it is disconnected"
#define FULL "saladd warning: machine m: takes no input for 1 s; * bytes that wait for it are dropped"

static void a_client_that_reads_nothing_makes_room_for_another(void **state)
{
	int console = machine("m"), deaf = client_of("m"), client;

	flood(console, DEAF);
	proc_await(&salad, DEAF);
	client = client_of("m");
	net_send(console, "live again");
	free(net_await(client, "live again"));
	close(client);
	close(deaf);
	close(console);
}

static void a_client_of_a_machine_that_takes_nothing_may_leave(void **state)
{
	int console = machine("m"), client = client_of("m"), next;

	flood(client, FULL);
	close(client); /* its end waits behind what it typed */
	proc_await(&salad, FULL);
	proc_await(&salad, "machine m: its client has left");
	next = client_of("m");
	net_send(console, "still here");
	net_expect(next, "still here");
	close(next);
	close(console);
}

static void a_machine_that_took_nothing_for_a_while_hears_again(void **state)
{
	int console = machine("m"), client = client_of("m");
	char *got;

	flood(client, FULL);
	proc_await(&salad, FULL);
	got = net_read(console, MEGABYTE); /* awake again */
	free(got);
	for (int told = 0; !told;) { /* what the sockets still hold comes first */
		struct pollfd p = {.fd = console, .events = POLLIN};
		char bytes[65536];
		ssize_t n;
		net_send(client, "anew");
		while (!told && poll(&p, 1, 100) == 1 && (n = recv(console, bytes, sizeof(bytes), 0)) > 0)
			told = memmem(bytes, (size_t)n, "anew", 4) != NULL;
	}
	close(client);
	close(console);
}

static void one_machine_too_many_takes_the_place_of_one_that_nobody_uses(void **state)
{
	char id[16], *answer;
	int consoles[MACHINES], status;

	for (int i = 0; i < MACHINES; i++) {
		snprintf(id, sizeof(id), "unused-%d", i);
		get(id, &answer);
		free(answer);
	}
	consoles[0] = machine("used-0");
	proc_await(&salad, "saladd info: machine unused-0: forgotten, since there are 8 machines and nobody uses it");
	for (int i = 1; i < MACHINES; i++) {
		snprintf(id, sizeof(id), "used-%d", i);
		consoles[i] = machine(id);
	}
	status = get("one-more", &answer);
	assert_string_equal(answer, "{\"error\":\"there are 8 machines and all are in use: no more are accepted\"}");
	assert_int_equal(status, 409);
	free(answer);
	for (int i = 0; i < MACHINES; i++)
		close(consoles[i]);
}

static void a_refused_id_is_told_once_a_connection(void **state)
{
	char id[16];
	int consoles[MACHINES], late;

	for (int i = 0; i < MACHINES; i++) {
		snprintf(id, sizeof(id), "used-%d", i);
		consoles[i] = machine(id);
	}
	late = machine("late");
	proc_await(&salad, "saladd error: a TCP console: there are 8 machines and all are in use: no more are accepted");
	close(consoles[3]);
	proc_await(&salad, "machine used-3: its console is disconnected");
	net_send(late, "SALAD.machine_id=late\n");
	proc_await(&salad, "machine late: its console is connected");
	for (int i = 0; i < MACHINES; i++)
		if (i != 3)
			close(consoles[i]);
	close(late);
}

static void of_too_many_consoles_without_an_id_the_oldest_is_closed(void **state)
{
	int known = machine("known"), nameless[NAMELESS], one_more;

	for (int i = 0; i < NAMELESS; i++) {
		nameless[i] = net_connect(CONSOLES);
		net_send(nameless[i], "SALAD.ping");
		net_expect(nameless[i], "SALAD.pong\n");
	}
	one_more = net_connect(CONSOLES);
	proc_await(&salad, "saladd warning: more than 4 TCP consoles have not said whose they are; the oldest is closed");
	net_expect_end(nameless[0]);
	net_send(nameless[1], "SALAD.ping");
	net_expect(nameless[1], "SALAD.pong\n");
	net_send(known, "SALAD.ping");
	net_expect(known, "SALAD.pong\n");
	for (int i = 1; i < NAMELESS; i++)
		close(nameless[i]);
	close(one_more);
	close(known);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_client_that_reads_nothing_makes_room_for_another),
		TEST(a_client_of_a_machine_that_takes_nothing_may_leave),
		TEST(a_machine_that_took_nothing_for_a_while_hears_again),
		TEST(one_machine_too_many_takes_the_place_of_one_that_nobody_uses),
		TEST(a_refused_id_is_told_once_a_connection),
		TEST(of_too_many_consoles_without_an_id_the_oldest_is_closed),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
