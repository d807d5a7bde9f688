#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bucketd/xml.h"

#define WHY "The XML you provided was not well-formed or did not validate: "

/* ---- writing ---- */

static void expect(struct buffer *out, const char *text)
{
	assert_string_equal(out->data, text);
	buffer_finish(out);
}

static void a_document_has_amazons_namespace(void **state)
{
	struct buffer out = {0};

	xml_begin(&out, "ListBucketResult");
	xml_open(&out, "Contents");
	xml_number(&out, "Size", -12345678901LL);
	xml_close(&out, "Contents");
	xml_close(&out, "ListBucketResult");
	expect(&out,
	       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Contents>"
	       "<Size>-12345678901</Size></Contents></ListBucketResult>");
}

static void a_text_is_escaped_so_that_it_comes_back_the_same(void **state)
{
	struct buffer out = {0};

	xml_text(&out, "Key", "a<b>&\"c'\r\n\t d\xc3\xa4\xf0\x9f\x98\x80/%41");
	expect(&out, "<Key>a&lt;b&gt;&amp;&#34;c&#39;&#13;&#10;&#9; d\xc3\xa4\xf0\x9f\x98\x80/%41</Key>");
	xml_text(&out, "Key", "");
	expect(&out, "<Key></Key>");
}

static void what_xml_cannot_hold_becomes_the_replacement_character(void **state)
{
	struct buffer out = {0};

	xml_text(&out, "K", "a\x01z\x1f\xffz\xc3");
	expect(&out, "<K>a\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd</K>");
	xml_text(&out, "K", "\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd");
	expect(&out, "<K>\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</K>");
}

static void a_url_encoded_text_keeps_its_slashes(void **state)
{
	struct buffer out = {0};

	xml_url_text(&out, "Key", "a b/c+d%\x01\xc3\xa4~-._<&");
	expect(&out, "<Key>a%20b/c%2Bd%25%01%C3%A4~-._%3C%26</Key>");
}

static void a_time_is_utc_with_milliseconds(void **state)
{
	struct buffer out = {0};

	xml_time(&out, "T", 1795608000123999999LL);
	expect(&out, "<T>2026-11-25T12:00:00.123Z</T>");
	xml_time(&out, "T", 0);
	expect(&out, "<T>1970-01-01T00:00:00.000Z</T>");
	xml_time(&out, "T", -1);
	expect(&out, "<T>1969-12-31T23:59:59.999Z</T>");
}

static void an_error_is_a_document_of_its_own(void **state)
{
	struct s3_error err;
	struct buffer out = {0};

	s3_fail(&err, S3_NO_SUCH_KEY, NULL);
	xml_error(&out, &err, "/bucket/a&b");
	expect(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not "
		     "exist.</Message>"
		     "<Resource>/bucket/a&amp;b</Resource></Error>");
}

/* ---- reading ---- */

static void the_keys_to_delete_are_read(void **state)
{
	static const char text[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n"
		" <Object><Key>a &lt;b&gt;/&#10;&#xe4;</Key></Object>\n <Object><VersionId></VersionId><Key> c </Key></Object>"
		"<Object><Key><![CDATA[<d>]]>e</Key><VersionId>null</VersionId><New><x>y</x></New></Object><Quiet>true</Quiet></Delete>";
	struct s3_error err = {0};
	struct xml_keys keys;

	assert_true(xml_read_delete(&keys, text, strlen(text), &err));
	assert_int_equal(keys.n, 3);
	assert_true(keys.quiet);
	assert_string_equal(keys.v[0], "a <b>/\n\xc3\xa4");
	assert_string_equal(keys.v[1], " c ");
	assert_string_equal(keys.v[2], "<d>e");
	xml_keys_finish(&keys);
}

static void a_key_that_was_written_is_read_the_same(void **state)
{
	struct s3_error err = {0};
	struct xml_keys keys;

	for (int c = 1; c < 128; c++) {
		struct buffer out = {0};
		char key[] = {'a', (char)c, ' ', (char)c, '\0'};
		bool held = c >= 0x20 || c == '\t' || c == '\n' || c == '\r';

		xml_begin(&out, "Delete");
		xml_open(&out, "Object");
		xml_text(&out, "Key", key);
		xml_close(&out, "Object");
		xml_close(&out, "Delete");
		assert_true(xml_read_delete(&keys, out.data, out.len, &err));
		assert_string_equal(keys.v[0], held ? key : "a\xef\xbf\xbd \xef\xbf\xbd");
		xml_keys_finish(&keys);
		buffer_finish(&out);
	}
}

static void the_parts_of_an_upload_are_read(void **state)
{
	static const char text[] =
		"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"aa\"</ETag></Part><Part><ETag>&quot;bb&quot;</ETag>"
		"<PartNumber>10000</PartNumber><ChecksumCRC32C>x</ChecksumCRC32C></Part></CompleteMultipartUpload>";
	struct s3_error err = {0};
	struct xml_parts parts;

	assert_true(xml_read_parts(&parts, text, strlen(text), &err));
	assert_int_equal(parts.n, 2);
	assert_int_equal(parts.v[0].number, 1);
	assert_string_equal(parts.v[0].etag, "aa");
	assert_int_equal(parts.v[1].number, 10000);
	assert_string_equal(parts.v[1].etag, "bb");
	xml_parts_finish(&parts);
}

struct bad {
	const char *text;
	enum s3_code code;
	const char *why;
};

static void what_is_no_list_of_keys_is_refused_and_says_why(void **state)
{
	static const struct bad bad[] = {
		{"", S3_MALFORMED_XML, WHY "line 1, column 1: no element found"},
		{"<Delete>", S3_MALFORMED_XML, WHY "line 1, column 9: no element found"},
		{"<Delete><Object></Delete>", S3_MALFORMED_XML, WHY "line 1, column 19: mismatched tag"},
		{"<Remove/>", S3_MALFORMED_XML, WHY "the root is <Remove>; accepted: <Delete>"},
		{"<Delete/>", S3_MALFORMED_XML, WHY "no Object"},
		{"<Delete><Object/></Delete>", S3_MALFORMED_XML, WHY "an Object has no Key"},
		{"<Delete><Object><Key/></Object></Delete>", S3_MALFORMED_XML, WHY "an Object's Key is empty, or there twice"},
		{"<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>", S3_MALFORMED_XML,
		 WHY "an Object's Key is empty, or there twice"},
		{"<Delete><Object><Key>a<b/>c</Key></Object></Delete>", S3_MALFORMED_XML, WHY "an Object's Key is empty, or there twice"},
		{"<Delete><Quiet>yes</Quiet></Delete>", S3_MALFORMED_XML, WHY "Quiet; accepted: true or false"},
		{"<Delete><Object><Key>a</Key><VersionId>1</VersionId></Object></Delete>", S3_NOT_IMPLEMENTED,
		 "Delete: an Object's VersionId is not built; accepted: Key alone"},
		{"<Delete><Object><ETag>1</ETag><Key>a</Key></Object></Delete>", S3_NOT_IMPLEMENTED,
		 "Delete: an Object's ETag is not built; accepted: Key alone"},
		{"<!DOCTYPE Delete [<!ENTITY a \"b\">]><Delete><Object><Key>&a;</Key></Object></Delete>", S3_MALFORMED_XML,
		 WHY "a document type declaration is not accepted"},
		{"<!DOCTYPE Delete SYSTEM \"file:///etc/passwd\"><Delete/>", S3_MALFORMED_XML,
		 WHY "a document type declaration is not accepted"},
		{"<Delete><Object><Key>&a;</Key></Object></Delete>", S3_MALFORMED_XML, WHY "line 1, column 22: undefined entity"},
		{"<Delete><a><b><c><d><e><f><g><h/></g></f></e></d></c></b></a></Delete>", S3_MALFORMED_XML,
		 WHY "more than 8 elements in each other"},
		{"<Delete><Object><Key>\xff</Key></Object></Delete>", S3_MALFORMED_XML,
		 WHY "line 1, column 22: not well-formed (invalid token)"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct s3_error err = {0};
		struct xml_keys keys;

		assert_false(xml_read_delete(&keys, bad[i].text, strlen(bad[i].text), &err));
		assert_int_equal(err.code, bad[i].code);
		assert_string_equal(err.text, bad[i].why);
		assert_null(keys.v);
	}
}

static void what_is_no_list_of_parts_is_refused_and_says_why(void **state)
{
#define PARTS(text)   "<CompleteMultipartUpload>" text "</CompleteMultipartUpload>"
#define PART(n, etag) "<Part><PartNumber>" n "</PartNumber><ETag>" etag "</ETag></Part>"
#define BAD_NUMBER(n)                                                                                                                      \
	{                                                                                                                                  \
		PARTS(PART(n, "a")), S3_MALFORMED_XML, WHY "a PartNumber; accepted: one, 1 to 10000"                                       \
	}
#define LONG_ETAG "123456789012345678901234567890123456789012345678"
	static const struct bad bad[] = {
		{"<Delete/>", S3_MALFORMED_XML, WHY "the root is <Delete>; accepted: <CompleteMultipartUpload>"},
		{PARTS(""), S3_MALFORMED_XML, WHY "no Part"},
		BAD_NUMBER(""),
		BAD_NUMBER("0"),
		BAD_NUMBER("-1"),
		BAD_NUMBER("10001"),
		BAD_NUMBER("4294967297"),
		BAD_NUMBER("1 "),
		{PARTS("<Part><PartNumber>1</PartNumber><PartNumber>1</PartNumber></Part>"), S3_MALFORMED_XML,
		 WHY "a PartNumber; accepted: one, 1 to 10000"},
		{PARTS("<Part><PartNumber>1</PartNumber></Part>"), S3_MALFORMED_XML, WHY "a Part needs a PartNumber and an ETag"},
		{PARTS("<Part><ETag>a</ETag></Part>"), S3_MALFORMED_XML, WHY "a Part needs a PartNumber and an ETag"},
		{PARTS(PART("1", "\"\"")), S3_MALFORMED_XML, WHY "a Part's ETag is empty, or there twice"},
		{PARTS("<Part><ETag>a</ETag><ETag>a</ETag></Part>"), S3_MALFORMED_XML, WHY "a Part's ETag is empty, or there twice"},
		{PARTS(PART("1", LONG_ETAG)), S3_INVALID_PART, NULL},
		{PARTS(PART("2", "a") PART("1", "b")), S3_INVALID_PART_ORDER, NULL},
		{PARTS(PART("2", "a") PART("2", "b")), S3_INVALID_PART_ORDER, NULL},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct s3_error err = {0};
		struct xml_parts parts;

		assert_false(xml_read_parts(&parts, bad[i].text, strlen(bad[i].text), &err));
		assert_int_equal(err.code, bad[i].code);
		if (bad[i].why)
			assert_string_equal(err.text, bad[i].why);
		assert_null(parts.v);
	}
}

static void a_thousand_keys_may_be_deleted_at_once_and_no_more(void **state)
{
	for (size_t n = 1000; n <= 1001; n++) {
		struct s3_error err = {0};
		struct buffer out = {0};
		struct xml_keys keys;

		xml_begin(&out, "Delete");
		for (size_t i = 0; i < n; i++)
			buffer_printf(&out, "<Object><Key>%01024zu</Key></Object>", i);
		xml_close(&out, "Delete");
		assert_int_equal(xml_read_delete(&keys, out.data, out.len, &err), n == 1000);
		assert_int_equal(keys.n, n == 1000 ? 1000 : 0);
		assert_string_equal(err.text, n == 1000 ? "" : WHY "more than 1,000 objects");
		xml_keys_finish(&keys);
		buffer_finish(&out);
	}
}

static void ten_thousand_parts_may_be_completed_and_no_more(void **state)
{
	for (int n = 10000; n <= 10001; n++) {
		struct s3_error err = {0};
		struct buffer out = {0};
		struct xml_parts parts;

		xml_begin(&out, "CompleteMultipartUpload");
		for (int i = 1; i <= n; i++)
			buffer_printf(&out, "<Part><ETag>&quot;%032d&quot;</ETag><PartNumber>%d</PartNumber></Part>", i, i);
		xml_close(&out, "CompleteMultipartUpload");
		assert_int_equal(xml_read_parts(&parts, out.data, out.len, &err), n == 10000);
		assert_int_equal(parts.n, n == 10000 ? 10000 : 0);
		assert_string_equal(err.text, n == 10000 ? "" : WHY "more than 10,000 parts");
		xml_parts_finish(&parts);
		buffer_finish(&out);
	}
}

static void a_document_of_more_than_2_mib_is_refused(void **state)
{
	char *text = malloc(XML_BODY_MAX + 1);
	struct s3_error err = {0};
	struct xml_keys keys;

	memset(text, ' ', XML_BODY_MAX + 1);
	assert_false(xml_read_delete(&keys, text, XML_BODY_MAX + 1, &err));
	assert_int_equal(err.code, S3_ENTITY_TOO_LARGE);
	assert_string_equal(err.text, "the document has 2097153 bytes; accepted: 2097152");
	assert_false(xml_read_delete(&keys, text, XML_BODY_MAX, &err));
	assert_int_equal(err.code, S3_MALFORMED_XML);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_has_amazons_namespace),
		cmocka_unit_test(a_text_is_escaped_so_that_it_comes_back_the_same),
		cmocka_unit_test(what_xml_cannot_hold_becomes_the_replacement_character),
		cmocka_unit_test(a_url_encoded_text_keeps_its_slashes),
		cmocka_unit_test(a_time_is_utc_with_milliseconds),
		cmocka_unit_test(an_error_is_a_document_of_its_own),
		cmocka_unit_test(the_keys_to_delete_are_read),
		cmocka_unit_test(a_key_that_was_written_is_read_the_same),
		cmocka_unit_test(the_parts_of_an_upload_are_read),
		cmocka_unit_test(what_is_no_list_of_keys_is_refused_and_says_why),
		cmocka_unit_test(what_is_no_list_of_parts_is_refused_and_says_why),
		cmocka_unit_test(a_thousand_keys_may_be_deleted_at_once_and_no_more),
		cmocka_unit_test(ten_thousand_parts_may_be_completed_and_no_more),
		cmocka_unit_test(a_document_of_more_than_2_mib_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
