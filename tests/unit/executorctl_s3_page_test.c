#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executorctl/mirror_files.h"
#include "executorctl/s3_page.h"

#define LIST(inner)                                                                                                                        \
	"<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" inner "</ListBucketResult>"
#define OBJECT(key, size) "<Contents><Key>" key "</Key><ETag>&quot;0&quot;</ETag><Owner><ID>x</ID></Owner><Size>" size "</Size></Contents>"
#define ESCAPED           "<EncodingType>url</EncodingType>"

static bool decode(struct s3_objects *objects, char **token, const char *xml, struct gw_error *err)
{
	return s3_page_decode(objects, token, xml, strlen(xml), err);
}

static void a_page_is_added_with_the_way_to_the_next(void **state)
{
	struct s3_objects objects = {0};
	struct gw_error err = {0};
	char *token;

	assert_true(decode(&objects, &token,
			   LIST("<Name>b</Name><Prefix/><IsTruncated>true</IsTruncated>" OBJECT("a &amp; b+%", "3")
					OBJECT("c", "9007199254740993") "<NextContinuationToken>c&lt;=</NextContinuationToken>"),
			   &err));
	assert_string_equal(token, "c<=");
	free(token);
	assert_true(decode(&objects, &token, LIST(OBJECT("\xc3\xa9", "0") "<IsTruncated>false</IsTruncated>"), &err));
	assert_null(token);
	assert_int_equal(objects.n, 3);
	assert_string_equal(objects.v[0].key, "a & b+%"); /* not escaped: no EncodingType */
	assert_int_equal(objects.v[0].size, 3);
	assert_true(objects.v[1].size == UINT64_C(9007199254740993));
	assert_string_equal(objects.v[2].key, "\xc3\xa9");
	s3_objects_finish(&objects);
}

static void escaped_keys_are_any_bytes(void **state)
{
	struct s3_objects objects = {0};
	struct gw_error err = {0};
	char *token;

	assert_true(decode(&objects, &token, LIST(OBJECT("a+b%2B%25/%c3%A9", "1") OBJECT("n%00l", "1") ESCAPED), &err));
	assert_string_equal(objects.v[0].key, "a b+%/\xc3\xa9");
	assert_int_equal(objects.v[1].len, 3);
	assert_memory_equal(objects.v[1].key, "n\0l", 3);
	s3_objects_finish(&objects);
}

static void an_empty_bucket_is_a_page_too(void **state)
{
	struct s3_objects objects = {0};
	struct gw_error err = {0};
	char *token;

	assert_true(decode(&objects, &token, LIST("<KeyCount>0</KeyCount>"), &err));
	assert_int_equal(objects.n, 0);
	assert_null(token);
	s3_objects_finish(&objects);
}

static const struct {
	const char *xml, *why;
} bad[] = {
	{"", "line 1: no element found"},
	{"<html>no</html>", "it is no list of a bucket"},
	{"<ListBucketResult>", "line 1: no element found"},
	{"<ListBucketResult>\n<Contents></ListBucketResult>", "line 2: mismatched tag"},
	{"<!DOCTYPE a [<!ENTITY b \"c\">]>\n<ListBucketResult>&b;</ListBucketResult>", "line 1: it has a document type"},
	{LIST("<Contents></Contents>"), "line 2: an object has no key"},
	{LIST("<Contents/>"), "line 2: an object has no key"},
	{LIST("<Contents><Key>a</Key><Key>b</Key></Contents>"), "line 2: an object has two keys"},
	{LIST(OBJECT("a", "-1")), "line 2: a size is no number of bytes"},
	{LIST(OBJECT("a", "")), "line 2: a size is no number of bytes"},
	{LIST(OBJECT("a", "18446744073709551615")), "line 2: a size is no number of bytes"},
	{LIST(OBJECT("a", "1") "<IsTruncated>perhaps</IsTruncated>"), "line 2: IsTruncated is neither true nor false"},
	{LIST(OBJECT("a", "1") "<IsTruncated>true</IsTruncated>"), "it is not the last page, but has no way to the next"},
	{LIST("<IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken>"),
	 "it is not the last page, but has no way to the next"},
	{LIST(OBJECT("100%", "1") ESCAPED), "a key has a % that is not followed by two hexadecimal digits"},
	{LIST(OBJECT("%4", "1") ESCAPED), "a key has a % that is not followed by two hexadecimal digits"},
	{LIST("<EncodingType>rot13</EncodingType>"), "line 2: EncodingType is not url"},
	{LIST("<a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a>"),
	 "line 2: elements are nested too deep, or have names that are too long"},
};

static void what_is_no_page_adds_nothing_and_is_said(void **state)
{
	struct s3_objects objects = {0};
	char *token;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gw_error err = {0};

		assert_false(decode(&objects, &token, bad[i].xml, &err));
		assert_string_equal(err.text, bad[i].why);
		assert_int_equal(objects.n, 0);
	}
}

static void texts_are_bounded(void **state)
{
	static char xml[8192], key[5000];
	struct s3_objects objects = {0};
	struct gw_error err = {0};
	char *token;

	memset(key, 'k', 1025);
	snprintf(xml, sizeof(xml), LIST(OBJECT("%s", "1")), key);
	assert_false(decode(&objects, &token, xml, &err));
	assert_string_equal(err.text, "a key of 1025 bytes; accepted: up to 1024");
	memset(key, 'k', sizeof(key) - 1);
	snprintf(xml, sizeof(xml), LIST(OBJECT("%s", "1")), key);
	err = (struct gw_error){0};
	assert_false(decode(&objects, &token, xml, &err));
	assert_string_equal(err.text, "line 2: a text is too long");
	snprintf(xml, sizeof(xml), "<%s/>", key);
	err = (struct gw_error){0};
	assert_false(decode(&objects, &token, xml, &err));
	assert_string_equal(err.text, "line 1: elements are nested too deep, or have names that are too long");
}

static void errors_say_their_code_and_message(void **state)
{
	static const struct {
		const char *xml, *said;
	} rows[] = {
		{"<Error><Code>NoSuchKey</Code><Message>It is &lt;gone&gt;.</Message><Resource>/a</Resource></Error>",
		 "NoSuchKey: It is <gone>."},
		{"<Error><Code>SlowDown</Code></Error>", "SlowDown"},
		{"<Error><Message>no code</Message></Error>", NULL},
		{"<html><Code>x</Code></html>", NULL},
		{"not found", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *said = s3_error_decode(rows[i].xml, strlen(rows[i].xml));

		if (rows[i].said)
			assert_string_equal(said, rows[i].said);
		else
			assert_null(said);
		free(said);
	}
}

static const char *refused(const char *key, size_t len)
{
	return mirror_key_refused(&(struct s3_object){.key = (char *)(uintptr_t)key, .len = len});
}

static void keys_are_paths_or_are_refused(void **state)
{
	static const char *const fine[] = {"a", "a/b", "...", ".hidden", "a/..b", "a\\b", "a b", "\xff", "..a/b"};
	static const char *const no[] = {"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "./a", "a/./b", "a/."};

	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		assert_null(refused(fine[i], strlen(fine[i])));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_non_null(refused(no[i], strlen(no[i])));
	assert_string_equal(refused("a\0/../b", 7), "has a NUL in it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_added_with_the_way_to_the_next),
		cmocka_unit_test(escaped_keys_are_any_bytes),
		cmocka_unit_test(an_empty_bucket_is_a_page_too),
		cmocka_unit_test(what_is_no_page_adds_nothing_and_is_said),
		cmocka_unit_test(texts_are_bounded),
		cmocka_unit_test(errors_say_their_code_and_message),
		cmocka_unit_test(keys_are_paths_or_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
