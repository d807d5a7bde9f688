/* A reload decodes the entries whose bytes changed and shares the others: what an unchanged entry was decoded to stays the same memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libmars/fields.h"
#include "libmars/reload.h"
#include "libmars/save.h"

#define DUT_1 "52:54:00:00:00:01"
#define DUT_2 "52:54:00:00:00:02"

#define PDUS   "pdus:\n  A: {driver: dummy, config: {ports: [one]}}\n  B: {driver: dummy, config: {ports: [two]}}\n"
#define FIRST  "  " DUT_1 ":\n    tags: [x]\n    pdu: A\n    pdu_port_id: 0\n"
#define SECOND "  " DUT_2 ":\n    tags: [y]\n"

static char path[300];

static void put(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

struct held {
	struct mars_db *db;
	const struct mars_dut *first, *second;
	const struct mars_pdu *a, *b;
};

static int begin(void **state)
{
	static struct held h;
	struct gw_errors errs = {0};

	snprintf(path, sizeof(path), "%s/mars_incremental.%d.yaml", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", getpid());
	put(PDUS "duts:\n" FIRST SECOND);
	h.db = mars_db_open(path, NULL, &errs);
	assert_non_null(h.db);
	h.first = mars_db_find_dut(h.db, DUT_1);
	h.second = mars_db_find_dut(h.db, DUT_2);
	h.a = mars_db_find_pdu(h.db, "A");
	h.b = mars_db_find_pdu(h.db, "B");
	*state = &h;
	return 0;
}

static int end(void **state)
{
	struct held *h = *state;

	mars_db_destroy(h->db);
	return unlink(path);
}

/* The changes of a reload as "DUT 52:..: fields", one a line. */
static const char *reloaded(struct held *h, const char *text)
{
	static const char *const what[] = {"PDU", "DUT", "GITLAB"}, *const kind[] = {"added", "removed", "changed"};
	static char said[400];
	struct mars_changes changes = {0};
	struct gw_errors errs = {0};

	put(text);
	assert_true(mars_db_reload(h->db, &changes, &errs));
	said[0] = '\0';
	for (size_t i = 0; i < changes.n; i++)
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s %s %s %x\n", what[changes.v[i].what], changes.v[i].name,
			 kind[changes.v[i].kind], changes.v[i].fields);
	mars_changes_finish(&changes);
	return said;
}

static void a_changed_tag_decodes_that_dut_alone(void **state)
{
	struct held *h = *state;
	char expected[80];

	snprintf(expected, sizeof(expected), "DUT " DUT_1 " changed %x\n", 1U << MARS_DUT_TAGS);
	assert_string_equal(reloaded(h, PDUS "duts:\n  " DUT_1 ":\n    tags: [z]\n    pdu: A\n    pdu_port_id: 0\n" SECOND), expected);
	assert_ptr_not_equal(mars_db_find_dut(h->db, DUT_1), h->first);
	assert_ptr_equal(mars_db_find_dut(h->db, DUT_2), h->second);
	assert_ptr_equal(mars_db_find_pdu(h->db, "A"), h->a);
	assert_ptr_equal(mars_db_find_pdu(h->db, "B"), h->b);
}

static void a_changed_pdu_leaves_the_other_and_the_duts(void **state)
{
	struct held *h = *state;
	char expected[80];

	snprintf(expected, sizeof(expected), "PDU B changed %x\n", 1U << MARS_PDU_CONFIG);
	assert_string_equal(reloaded(h, "pdus:\n  A: {driver: dummy, config: {ports: [one]}}\n"
					"  B: {driver: dummy, config: {ports: [two, three]}}\nduts:\n" FIRST SECOND),
			    expected);
	assert_ptr_equal(mars_db_find_pdu(h->db, "A"), h->a);
	assert_ptr_equal(mars_db_find_dut(h->db, DUT_1), h->first);
	assert_ptr_equal(mars_db_find_dut(h->db, DUT_2), h->second);
}

static void comments_and_order_decode_nothing(void **state)
{
	struct held *h = *state;

	assert_string_equal(reloaded(h, "# moved\nduts:\n" SECOND "  # by hand\n" FIRST PDUS), "");
	assert_ptr_equal(mars_db_find_dut(h->db, DUT_1), h->first);
	assert_ptr_equal(mars_db_find_dut(h->db, DUT_2), h->second);
}

static void a_save_of_our_own_decodes_what_it_changed_alone(void **state)
{
	struct held *h = *state;
	const struct mars_edit edit = {MARS_SET, {"duts", DUT_2, "comment"}, MARS_V_TEXT("new"), false};
	struct mars_changes changes = {0};

	assert_true(mars_db_apply(h->db, &edit, 1, &changes, NULL));
	mars_changes_finish(&changes);
	assert_ptr_equal(mars_db_find_dut(h->db, DUT_1), h->first);
	assert_ptr_not_equal(mars_db_find_dut(h->db, DUT_2), h->second);
}

static void a_removed_dut_is_the_only_change(void **state)
{
	struct held *h = *state;

	assert_string_equal(reloaded(h, PDUS "duts:\n" FIRST), "DUT " DUT_2 " removed 0\n");
	assert_ptr_equal(mars_db_find_dut(h->db, DUT_1), h->first);
}

static void put_instances(int n)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "gitlab:\n");
	for (int i = 1; i <= n; i++)
		fprintf(file, "  i%02d:\n    url: https://gitlab-%d.example.org\n", i, i);
	assert_int_equal(fclose(file), 0);
}

/* All that the bus carries, and one more by an edit of the live file. */
static void one_gitlab_instance_too_many_is_refused_and_says_so(void **state)
{
	struct held *h = *state;
	struct mars_changes changes = {0};
	struct gw_errors errs = {0};

	put_instances(64);
	assert_true(mars_db_reload(h->db, &changes, &errs));
	mars_changes_finish(&changes);
	put_instances(65);
	assert_false(mars_db_reload(h->db, &changes, &errs));
	assert_int_equal(errs.n, 1);
	assert_non_null(strstr(errs.v[0].text, ".yaml:130:3: gitlab.i65: 65 GitLab instances are too many; accepted: at most 64"));
	assert_int_equal(mars_db_gitlab_count(h->db), 64);
	gw_errors_finish(&errs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_gitlab_instance_too_many_is_refused_and_says_so, begin, end),
		cmocka_unit_test_setup_teardown(a_changed_tag_decodes_that_dut_alone, begin, end),
		cmocka_unit_test_setup_teardown(a_changed_pdu_leaves_the_other_and_the_duts, begin, end),
		cmocka_unit_test_setup_teardown(comments_and_order_decode_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_save_of_our_own_decodes_what_it_changed_alone, begin, end),
		cmocka_unit_test_setup_teardown(a_removed_dut_is_the_only_change, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
