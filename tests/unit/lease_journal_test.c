/* The journal across restarts: what was bound is bound again, whatever happened to the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "bootsd/lease_journal.h"
#include "libgateway/files.h"
#include "libgateway/log.h"

#define FIRST 0x0a2a0064u

static const struct mac one = {{0x52, 0x54, 0, 0, 0, 1}}, two = {{0x52, 0x54, 0, 0, 0, 2}};

static struct {
	char folder[64], path[128];
	struct loop loop;
	struct interface net;
	struct machines machines;
	struct leases leases;
	struct lease_journal journal;
} j;

static void start(void)
{
	struct gw_error err = {0};

	leases_init(&j.leases, (struct dhcp_range){FIRST, FIRST + 9}, &j.net, &j.machines);
	if (!loop_init(&j.loop, &err) || !lease_journal_open(&j.journal, j.path, &j.leases, &j.loop, &err))
		fail_msg("%s", err.text);
}

static void stop(void)
{
	lease_journal_finish(&j.journal);
	leases_finish(&j.leases);
	loop_finish(&j.loop);
}

static int setup(void **state)
{
	memset(&j, 0, sizeof(j));
	snprintf(j.folder, sizeof(j.folder), "/tmp/lease_journal_test.XXXXXX");
	if (!mkdtemp(j.folder))
		return -1;
	snprintf(j.path, sizeof(j.path), "%s/leases", j.folder);
	j.net = (struct interface){.name = "private", .ip = 0x0a2a0001, .mask = 0xffff0000};
	machines_init(&j.machines);
	return 0;
}

static int teardown(void **state)
{
	machines_finish(&j.machines);
	unlink(j.path);
	return rmdir(j.folder);
}

static uint64_t now(void)
{
	return loop_now_ms(&j.loop);
}

static void put(const char *text)
{
	FILE *file = fopen(j.path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void leases_outlive_a_restart(void **state)
{
	uint32_t first, second;

	start();
	first = leases_offer(&j.leases, one, 0, now());
	second = leases_offer(&j.leases, two, 0, now());
	assert_true(leases_bind(&j.leases, one, first, now()) && leases_bind(&j.leases, two, second, now()));
	lease_journal_flush(&j.journal);
	leases_release(&j.leases, two, second);
	stop();
	start();
	assert_int_equal(leases_address_of(&j.leases, one, now()), first);
	assert_int_equal(leases_address_of(&j.leases, two, now()), 0);
	assert_int_equal(leases_offer(&j.leases, two, 0, now()), second); /* given back, but remembered */
	stop();
}

static void an_offer_alone_is_not_written(void **state)
{
	size_t len;
	char *text;

	start();
	leases_offer(&j.leases, one, 0, now());
	stop();
	text = file_read(j.path, 1000, &len, NULL);
	assert_non_null(text);
	assert_int_equal(len, 0);
	free(text);
}

static void what_is_torn_or_foreign_is_left_out(void **state)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "52:54:00:00:00:01 10.42.0.101 %llu\n"
		 "nonsense\n"
		 "52:54:00:00:00:02 10.99.0.1 99999999999\n"   /* of another range */
		 "53:54:00:00:00:02 10.42.0.103 99999999999\n" /* a group's MAC */
		 "52:54:00:00:00:02 10.42.0.10",
		 (unsigned long long)time(NULL) + 1000);
	put(text);
	start();
	assert_int_equal(leases_address_of(&j.leases, one, now()), FIRST + 1);
	assert_true(leases_offer(&j.leases, two, FIRST + 5, now()) == FIRST + 5 && leases_bind(&j.leases, two, FIRST + 5, now()));
	stop();
	start(); /* the new line has not joined the torn one */
	assert_int_equal(leases_address_of(&j.leases, two, now()), FIRST + 5);
	stop();
}

static void a_wrong_clock_makes_no_lease_endless(void **state)
{
	put("52:54:00:00:00:01 10.42.0.101 99999999999\n52:54:00:00:00:02 10.42.0.102 1\n");
	start();
	assert_int_equal(leases_address_of(&j.leases, one, now()), FIRST + 1);
	assert_int_equal(leases_address_of(&j.leases, one, now() + LEASE_SECONDS * 1000), 0);
	assert_int_equal(leases_offer(&j.leases, two, 0, now()), FIRST + 2); /* over, but remembered */
	stop();
}

static void outdated_lines_are_dropped_and_none_is_lost(void **state)
{
	uint64_t at;
	size_t len;
	char *text;

	start();
	at = now();
	leases_offer(&j.leases, one, FIRST + 1, at);
	for (int i = 0; i < 3000; i++) {
		at += 120000; /* each renewal is worth a line */
		assert_true(leases_bind(&j.leases, one, FIRST + 1, at));
		lease_journal_flush(&j.journal);
		uv_run(&j.loop.uv, UV_RUN_NOWAIT);
	}
	leases_offer(&j.leases, two, FIRST + 2, at);
	assert_true(leases_bind(&j.leases, two, FIRST + 2, at));
	stop();
	text = file_read(j.path, 1000000, &len, NULL);
	assert_non_null(text);
	assert_in_range(len, 1, 2500 * 45);
	free(text);
	start();
	assert_int_equal(leases_address_of(&j.leases, one, now()), FIRST + 1);
	assert_int_equal(leases_address_of(&j.leases, two, now()), FIRST + 2);
	stop();
}

static void a_client_that_renews_all_the_time_writes_little(void **state)
{
	size_t len;
	char *text;

	start();
	leases_offer(&j.leases, one, FIRST + 1, now());
	for (uint64_t i = 0; i < 100; i++)
		assert_true(leases_bind(&j.leases, one, FIRST + 1, now() + i * 1000));
	stop();
	text = file_read(j.path, 1000, &len, NULL);
	assert_non_null(text);
	assert_int_equal(len, 2 * strlen("52:54:00:00:00:01 10.42.0.101 1764028800\n"));
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(leases_outlive_a_restart),
		TEST(an_offer_alone_is_not_written),
		TEST(what_is_torn_or_foreign_is_left_out),
		TEST(a_wrong_clock_makes_no_lease_endless),
		TEST(outdated_lines_are_dropped_and_none_is_lost),
		TEST(a_client_that_renews_all_the_time_writes_little),
	};

	log_init("test", "error");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
