/* GET /api/v1/events of a real executord: what its watchers are told, what becomes of one that does not read, and how many there may be. */
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

#include "libgateway/buffer.h"
#include "libgateway/error.h"
#include "tests/harness/farm.h"
#include "tests/harness/net.h"

#define MAC    "52:54:00:00:00:01"
#define CROWD  600
#define PLACES 64

static const char head[] = "pdus:\n"
			   "  DUMMY: {driver: dummy, config: {ports: [left, right]}}\n"
			   "duts:\n"
			   "  '" MAC "': {base_name: box, pdu: DUMMY, pdu_port_id: 0, ready_for_service: true}\n"
			   "  '52:54:00:00:00:02': {base_name: spare}\n";

/* The farm's database, with CROWD retired machines that all have `comment`. */
static char *crowd(const char *comment)
{
	struct buffer db = {0};

	buffer_printf(&db, "%s", head);
	for (int i = 0; i < CROWD; i++)
		buffer_printf(&db, "  '52:54:00:01:%02x:%02x': {base_name: idler, is_retired: true, comment: %s}\n", i / 256, i % 256,
			      comment);
	return buffer_take(&db);
}

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_QUICK_CHECK=0", NULL};
	char *db = crowd("first");
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};

	signal(SIGPIPE, SIG_IGN);
	*state = farm_start(&options);
	farm_await(*state, "/pdus", "pdus/DUMMY/state", "OK");
	farm_await(*state, "/dut/" MAC, "state", "IDLE");
	free(db);
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	return 0;
}

/* A connection and what of it was not awaited yet. */
struct peer {
	int fd;
	struct buffer got;
};

static struct peer ask(const char *more)
{
	struct peer p = {.fd = net_connect(80)};
	char *request = gw_sprintf("GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n", more);

	net_send(p.fd, request);
	free(request);
	return p;
}

static bool take(struct peer *p)
{
	char bytes[65536];
	ssize_t n;
	struct pollfd poller = {.fd = p->fd, .events = POLLIN};

	if (poll(&poller, 1, 20000) != 1) /* a heartbeat comes every 15 s */
		return false;
	n = read(p->fd, bytes, sizeof(bytes));
	if (n > 0)
		buffer_add(&p->got, bytes, (size_t)n);
	return n > 0;
}

/* The next place where `text` comes, which is what is behind what was awaited before. Four heartbeats without it are too many. */
static void expect(struct peer *p, const char *text)
{
	const char *at;

	for (int heartbeats = 0; !p->got.data || !(at = memmem(p->got.data, p->got.len, text, strlen(text)));) {
		size_t before = p->got.len;

		if (!take(p) || (heartbeats += p->got.len - before < 16) > 3)
			fail_msg("'%s' never came, but: %.*s", text, (int)p->got.len, p->got.data ? p->got.data : "");
	}
	buffer_drop(&p->got, (size_t)(at - p->got.data) + strlen(text));
}

static void leave(struct peer *p)
{
	close(p->fd);
	buffer_finish(&p->got);
}

static struct peer watch(void)
{
	struct peer p = ask("");

	expect(&p, "\nevent: hello\ndata: {\"farm\":\"test\",\"version\":\"");
	return p;
}

static void a_watcher_is_told_what_happens_as_it_happens(void **state)
{
	struct farm *farm = *state;
	struct peer fd = watch();

	farm_do("PATCH", "/dut/" MAC, "{\"comment\": \"a fan is loud\"}");
	expect(&fd, "\nevent: dut\ndata: {\"id\":\"" MAC "\",\"state\":\"IDLE\",");
	expect(&fd, "\"comment\":\"a fan is loud\"");
	farm_do("PATCH", "/dut/" MAC, "{\"is_retired\": true}");
	expect(&fd, "\nevent: step\ndata: {\"dut\":\"" MAC
		    "\",\"full_name\":\"test-box-1\",\"from\":\"IDLE\",\"to\":\"RETIRED\",\"event\":\"RETIRE\",");
	farm_do("PATCH", "/pdu/DUMMY/port/0", "{\"state\": \"off\"}");
	expect(&fd, "\nevent: pdu\ndata: {\"name\":\"DUMMY\",\"pdu\":{\"ports\":{\"0\":{\"label\":\"left\"");
	farm_do("DELETE", "/dut/52:54:00:00:00:02", NULL);
	expect(&fd, "\nevent: dut_gone\ndata: {\"id\":\"52:54:00:00:00:02\"}");
	farm_edit_db(farm, "driver: dummy", "driver: dumy");
	expect(&fd, "\nevent: database\ndata: {\"error\":\"mars_db.yaml:2:19: pdus.DUMMY.driver: 'dumy' is not a PDU driver;");
	farm_edit_db(farm, "driver: dumy", "driver: dummy");
	expect(&fd, "\nevent: database\ndata: {\"error\":null}");
	leave(&fd);
}

static void full_state_says_up_to_which_event_it_is_true(void **state)
{
	struct peer fd = watch();
	long before = strtol(farm_get("/full-state", "event_id"), NULL, 10), after;

	farm_do("PATCH", "/dut/" MAC, "{\"comment\": \"twice\"}");
	expect(&fd, "\"comment\":\"twice\"");
	after = strtol(farm_get("/full-state", "event_id"), NULL, 10);
	assert_true(after > before);
	assert_string_equal(farm_get("/full-state", "jobs"), "{}");
	leave(&fd);
}

/* What a connection takes before it stalls is the kernel's to say: edits until nothing more comes through. */
static void a_watcher_that_does_not_read_loses_events_and_is_told_so(void **state)
{
	struct farm *farm = *state;
	struct peer lazy = watch();
	int small = 4096;
	char comment[32];

	setsockopt(lazy.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (int i = 0; !proc_has_said(&farm->supervisor, "a watcher of events does not read; it loses some"); i++) {
		char *db;

		assert_true(i < 200);
		snprintf(comment, sizeof(comment), "edit-%d", i);
		db = crowd(comment); /* an event for each machine */
		file_put(farm->db_path, db);
		free(db);
		farm_await(farm, "/dut/52:54:00:01:00:00", "comment", comment);
	}
	expect(&lazy, "\nevent: gap\ndata: {}\n");
	farm_do("PATCH", "/dut/" MAC, "{\"comment\": \"told again\"}");
	expect(&lazy, "\"comment\":\"told again\"");
	leave(&lazy);
}

static bool is_let_in(struct peer *p)
{
	*p = ask("");
	expect(p, "HTTP/1.1 ");
	while (p->got.len < 3)
		assert_true(take(p));
	return memcmp(p->got.data, "200", 3) == 0;
}

/* The ends of those who have left are seen in the loop's next turns. */
static struct peer watch_where_others_left(void)
{
	struct peer p;

	while (!is_let_in(&p))
		leave(&p);
	return p;
}

static void there_is_a_most_of_watchers(void **state)
{
	struct peer peers[PLACES], late;

	for (int i = 0; i < PLACES; i++)
		peers[i] = watch_where_others_left();
	late = ask("");
	expect(&late, "HTTP/1.1 503 ");
	expect(&late, "{\"error\":\"64 clients watch the events already, which is the most; try later\"}");
	leave(&late);
	for (int i = 0; i < PLACES; i++)
		leave(&peers[i]);
	late = watch_where_others_left();
	leave(&late);
}

static void another_sites_page_may_not_watch(void **state)
{
	struct peer p = ask("Origin: http://evil.example\r\n");

	expect(&p, "HTTP/1.1 400 ");
	expect(&p, "a page of another site (http://evil.example) may not");
	leave(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_watcher_is_told_what_happens_as_it_happens),
		cmocka_unit_test(full_state_says_up_to_which_event_it_is_true),
		cmocka_unit_test(a_watcher_that_does_not_read_loses_events_and_is_told_so),
		cmocka_unit_test(there_is_a_most_of_watchers),
		cmocka_unit_test(another_sites_page_may_not_watch),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
