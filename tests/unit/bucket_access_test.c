/* Who may do what, from where: the whole table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "bucketd/access.h"

#define T(text) ((char[]){text})

static char *mesa_users[] = {T("alice")};
static struct bucket_grant mesa_grants[] = {{T("traces"), false}, {T("results"), true}};
static char *other_users[] = {T("bob")};
static struct bucket_grant other_grants[] = {{T("private"), true}};
static struct bucket_user users[] = {{T("alice"), T("alice-secret")}, {T("bob"), T("bob-secret")}};
static struct bucket_group groups[] = {{T("mesa"), mesa_users, 1, mesa_grants, 2}, {T("other"), other_users, 1, other_grants, 1}};
static struct farm_bucket buckets[] = {{T("boot"), true}, {T("private"), false}};
static const struct bucketd_config config = {users, groups, buckets, 2, 2, 2};
static const struct store_job jobs[] = {
	{"17", "job-a-17", "client-17", "dut-17", "10.42.0.17", T("mesa\ngone\n")},
	{"18", "job-b-18", "client-18", "dut-18", "10.42.0.18", T("")},
	{"19", "job-c-19", "client-19", "dut-19", "", T("mesa\n")}, /* its DUT has no address */
};
static const struct access all = {&config, "minioadmin", "root-secret", jobs, 3};

static const struct sockaddr *from(const char *text)
{
	static struct sockaddr_in v4;
	static struct sockaddr_in6 v6;

	v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(4000)};
	v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(4000)};
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return (const struct sockaddr *)&v4;
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return (const struct sockaddr *)&v6;
}

/* One letter a verb: r(ead) w(rite) l(ist buckets) m(ake bucket) d(elete bucket); a dot where it is refused. */
static const char *rights(const struct access *access, const char *key, const char *address, const char *bucket)
{
	static const enum access_verb verbs[] = {ACCESS_READ, ACCESS_WRITE, ACCESS_LIST_BUCKETS, ACCESS_MAKE_BUCKET, ACCESS_REMOVE_BUCKET};
	static char text[8];

	for (size_t i = 0; i < 5; i++)
		text[i] = access_allows(access, key, from(address), verbs[i] == ACCESS_LIST_BUCKETS ? NULL : bucket, verbs[i]) ? "rwlmd"[i]
															       : '.';
	text[5] = '\0';
	return text;
}

#define ANYWHERE "192.0.2.1"

static void promise_33_every_principal_has_its_rights_on_every_bucket_and_no_others(void **state)
{
	static const char *const names[] = {"job-a-17", "job-b-18", "traces", "results", "private", "boot", "missing"};
	static const struct {
		const char *key, *address, *rights[7];
	} rows[] = {
		/*                                   job-a-17  job-b-18 traces   results  private  boot     missing */
		{NULL, ANYWHERE, {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		{"nobody", ANYWHERE, {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		{"", ANYWHERE, {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		{"minioadmin", ANYWHERE, {"rwlmd", "rwlmd", "rwlmd", "rwlmd", "rwlmd", "rwlmd", "rwlmd"}},
		{"alice", ANYWHERE, {"..l..", "..l..", "r.l..", "rwl..", "..l..", "r.l..", "..l.."}},
		{"bob", ANYWHERE, {"..l..", "..l..", "..l..", "..l..", "rwl..", "r.l..", "..l.."}},
		{"job-a-17-client", ANYWHERE, {"rwl..", "..l..", "..l..", "..l..", "..l..", "r.l..", "..l.."}},
		{"job-b-18-client", ANYWHERE, {"..l..", "rwl..", "..l..", "..l..", "..l..", "r.l..", "..l.."}},
		{"job-a-17-dut", "10.42.0.17", {"rwl..", "..l..", "r.l..", "rwl..", "..l..", "r.l..", "..l.."}},
		{"job-a-17-dut", "::ffff:10.42.0.17", {"rwl..", "..l..", "r.l..", "rwl..", "..l..", "r.l..", "..l.."}},
		{"job-b-18-dut", "10.42.0.18", {"..l..", "rwl..", "..l..", "..l..", "..l..", "r.l..", "..l.."}},
		/* the DUT's key from elsewhere is nobody's */
		{"job-a-17-dut", ANYWHERE, {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		{"job-a-17-dut", "10.42.0.18", {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		{"job-a-17-dut", "127.0.0.1", {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		{"job-a-17-dut", "::ffff:10.42.0.18", {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		{"job-a-17-dut", "::10.42.0.17", {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		{"job-a-17-dut", "fd77::a2a:11", {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		{"job-c-19-dut", "0.0.0.0", {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		{"job-c-19-dut", "::", {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		/* what only looks like a key */
		{"job-a-17", "10.42.0.17", {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		{"job-a-17-", "10.42.0.17", {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		{"job-a-17-dut2", "10.42.0.17", {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
		{"job-a-1-dut", "10.42.0.17", {".....", ".....", ".....", ".....", ".....", "r....", "....."}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t b = 0; b < 7; b++) {
			const char *got = rights(&all, rows[i].key, rows[i].address, names[b]);
			if (strcmp(got, rows[i].rights[b]) != 0)
				fail_msg("%s from %s on %s: %s, not %s", rows[i].key, rows[i].address, names[b], got, rows[i].rights[b]);
		}
}

static void promise_33_credentials_end_with_their_job(void **state)
{
	const struct access after = {&config, "minioadmin", "root-secret", jobs + 1, 2};

	assert_string_equal(access_secret(&all, "job-a-17-client"), "client-17");
	assert_null(access_secret(&after, "job-a-17-client"));
	assert_null(access_secret(&after, "job-a-17-dut"));
	assert_string_equal(rights(&after, "job-a-17-client", ANYWHERE, "job-a-17"), ".....");
	assert_string_equal(rights(&after, "job-a-17-dut", "10.42.0.17", "job-a-17"), ".....");
	assert_string_equal(rights(&after, "job-a-17-dut", "10.42.0.17", "traces"), ".....");
	assert_string_equal(rights(&after, "job-b-18-client", ANYWHERE, "job-b-18"), "rwl..");
}

static void a_dut_from_no_known_address_is_nobody(void **state)
{
	assert_false(access_allows(&all, "job-a-17-dut", NULL, "job-a-17", ACCESS_READ));
	assert_true(access_allows(&all, "job-a-17-client", NULL, "job-a-17", ACCESS_READ));
}

static void each_key_has_its_own_secret(void **state)
{
	assert_string_equal(access_secret(&all, "minioadmin"), "root-secret");
	assert_string_equal(access_secret(&all, "alice"), "alice-secret");
	assert_string_equal(access_secret(&all, "job-b-18-client"), "client-18");
	assert_string_equal(access_secret(&all, "job-b-18-dut"), "dut-18");
	assert_null(access_secret(&all, "nobody"));
	assert_null(access_secret(&all, ""));
	assert_null(access_secret(&all, NULL));
}

static void a_group_is_for_its_users_who_know_their_secret(void **state)
{
	static const char *const mesa[] = {"mesa"}, *const both[] = {"mesa", "other"}, *const none[] = {"none"};
	static const struct {
		const char *user, *secret;
		const char *const *groups;
		size_t n;
		const char *refused;
	} rows[] = {
		{"alice", "alice-secret", mesa, 1, NULL},
		{"alice", "alice-secret", NULL, 0, NULL},
		{NULL, NULL, NULL, 0, NULL},
		{NULL, NULL, mesa, 1, "groups of buckets are asked for, but no user of the bucket service is named"},
		{"alice", "bob-secret", mesa, 1, "the bucket service knows no user 'alice' of this secret"},
		{"alice", "alice-secretx", mesa, 1, "the bucket service knows no user 'alice' of this secret"},
		{"alice", "", mesa, 1, "the bucket service knows no user 'alice' of this secret"},
		{"alice", NULL, NULL, 0, "the bucket service knows no user 'alice' of this secret"},
		{"carol", "alice-secret", NULL, 0, "the bucket service knows no user 'carol' of this secret"},
		{"job-a-17-client", "client-17", mesa, 1, "the bucket service knows no user 'job-a-17-client' of this secret"},
		{"alice", "alice-secret", both, 2, "the user 'alice' is not in the group 'other' of the bucket service"},
		{"alice", "alice-secret", none, 1, "the user 'alice' is not in the group 'none' of the bucket service"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct gw_error err = {0};
		bool ok = access_check_groups(&all, rows[i].user, rows[i].secret, rows[i].groups, rows[i].n, &err);

		assert_int_equal(ok, rows[i].refused == NULL);
		assert_int_equal(err.kind, ok ? GW_OK : GW_REFUSED);
		assert_string_equal(err.text, ok ? "" : rows[i].refused);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_33_every_principal_has_its_rights_on_every_bucket_and_no_others),
		cmocka_unit_test(promise_33_credentials_end_with_their_job),
		cmocka_unit_test(a_dut_from_no_known_address_is_nobody),
		cmocka_unit_test(each_key_has_its_own_secret),
		cmocka_unit_test(a_group_is_for_its_users_who_know_their_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
