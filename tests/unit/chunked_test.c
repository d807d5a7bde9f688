#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "bucketd/checksums.h"
#include "bucketd/chunked.h"
#include "libgateway/buffer.h"
#include "libgateway/error.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define NOT    "The body is not aws-chunked: "
#define ZEROS  "0000000000000000000000000000000000000000000000000000000000000000"

/* ---- a client ---- */

static struct sigv4_chain chain_behind(const char *seed)
{
	struct sigv4 sig = {.date = "20130524", .region = "us-east-1", .at = "20130524T000000Z"};
	struct sigv4_chain chain;

	snprintf(sig.signature, sizeof(sig.signature), "%s", seed);
	sigv4_chain_begin(&chain, &sig, SECRET);
	return chain;
}

static void hex_hash(char hex[65], const char *bytes, size_t n)
{
	uint8_t hash[32];

	EVP_Digest(bytes, n, hash, NULL, EVP_sha256(), NULL);
	for (int i = 0; i < 32; i++)
		sprintf(hex + (size_t)2 * i, "%02x", hash[i]);
}

/* Signs, and goes on from there; `what` is "PAYLOAD\n" or "TRAILER\n". */
static const char *sign(struct sigv4_chain *chain, const char *what, const char *bytes, size_t n)
{
	char text[600], hash[65], nothing[65];
	uint8_t mac[32];

	hex_hash(hash, bytes, n);
	hex_hash(nothing, "", 0);
	snprintf(text, sizeof(text), "AWS4-HMAC-SHA256-%s20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n%s\n%s%s%s", what,
		 chain->previous, *what == 'P' ? nothing : "", *what == 'P' ? "\n" : "", hash);
	HMAC(EVP_sha256(), chain->key, 32, (uint8_t *)text, strlen(text), mac, NULL);
	for (int i = 0; i < 32; i++)
		sprintf(chain->previous + (size_t)2 * i, "%02x", mac[i]);
	return chain->previous;
}

static void add_chunk(struct buffer *body, struct sigv4_chain *chain, const char *bytes, bool end)
{
	size_t n = strlen(bytes);

	buffer_printf(body, "%zx", n);
	if (chain)
		buffer_printf(body, ";chunk-signature=%s", sign(chain, "PAYLOAD\n", bytes, n));
	buffer_printf(body, "\r\n%s%s", bytes, end ? "\r\n" : "");
}

/* "hello " and "world\r\n" in two chunks. */
static struct buffer small_body(const struct sigv4_chain *chain, const char *trailer)
{
	struct sigv4_chain own = chain ? *chain : (struct sigv4_chain){0};
	struct buffer body = {0};

	add_chunk(&body, chain ? &own : NULL, "hello ", true);
	add_chunk(&body, chain ? &own : NULL, "world\r\n", true);
	add_chunk(&body, chain ? &own : NULL, "", !trailer);
	if (!trailer)
		return body;
	buffer_printf(&body, "%s\r\n", trailer);
	if (chain) {
		char *signed_text = gw_sprintf("%s\n", trailer);

		buffer_printf(&body, "x-amz-trailer-signature:%s\r\n", sign(&own, "TRAILER\n", signed_text, strlen(signed_text)));
		free(signed_text);
	}
	buffer_add(&body, "\r\n", 2);
	return body;
}

/* ---- decoding ---- */

static bool collect(void *data, const void *bytes, size_t n, struct s3_error *err)
{
	return buffer_add(data, bytes, n);
}

/* In pieces of `piece` bytes, the first of `first`. The content is in `out`. */
static enum s3_code decode(const struct sigv4_chain *chain, bool trailer, const char *body, size_t n, size_t first, size_t piece,
			   struct buffer *out, struct s3_error *err)
{
	struct chunked *chunked = chunked_begin(chain, trailer, collect, out);
	bool ok = true;

	*err = (struct s3_error){0};
	for (size_t at = 0, size = first ? first : piece; ok && at < n; at += size, size = piece) {
		if (size > n - at)
			size = n - at;
		ok = chunked_add(chunked, body + at, size, err);
	}
	ok = ok && chunked_end(chunked, err);
	chunked_free(chunked);
	return ok ? S3_OK : err->code;
}

static enum s3_code decode_text(bool trailer, const char *text, struct s3_error *err)
{
	struct buffer out = {0};
	enum s3_code code = decode(NULL, trailer, text, strlen(text), 0, strlen(text) + 1, &out, err);

	buffer_finish(&out);
	return code;
}

/* In two pieces, cut at each byte; and byte by byte. */
static void expect_small(const struct sigv4_chain *chain, const char *trailer)
{
	struct buffer body = small_body(chain, trailer);

	for (size_t first = 0; first <= body.len; first++) {
		struct buffer out = {0};
		struct s3_error err;

		assert_int_equal(decode(chain, trailer, body.data, body.len, first, first ? body.len : 1, &out, &err), S3_OK);
		assert_string_equal(out.data, "hello world\r\n");
		buffer_finish(&out);
	}
	buffer_finish(&body);
}

static void a_body_split_at_any_byte_decodes_alike(void **state)
{
	struct sigv4_chain chain = chain_behind(ZEROS);

	expect_small(NULL, NULL);
	expect_small(&chain, NULL);
	expect_small(NULL, "x-other:1");
	expect_small(&chain, "x-other:1");
}

/* Amazon's example: 65,536 and 1,024 bytes of `a`. */
static struct buffer amazons_body(const char *const signatures[3], const char *end)
{
	static const size_t sizes[] = {65536, 1024, 0};
	struct buffer body = {0};
	char *bytes = malloc(65536);

	memset(bytes, 'a', 65536);
	for (size_t i = 0; i < 3; i++) {
		buffer_printf(&body, "%zx;chunk-signature=%s\r\n", sizes[i], signatures[i]);
		buffer_add(&body, bytes, sizes[i]);
		buffer_printf(&body, "%s", i < 2 ? "\r\n" : end);
	}
	free(bytes);
	return body;
}

static const char *const plain_signatures[] = {"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
					       "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
					       "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"};
static const char *const trailer_signatures[] = {"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
						 "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
						 "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"};
#define TRAILER_SIGNATURE "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"

static void amazons_example_decodes(void **state)
{
	struct sigv4_chain chain = chain_behind("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
	struct buffer body = amazons_body(plain_signatures, "\r\n");

	assert_int_equal(body.len, 66824); /* the Content-Length that Amazon's example has */
	for (size_t piece = 1; piece <= 100000; piece = piece * 7 + 10) {
		struct buffer out = {0};
		struct s3_error err;

		assert_int_equal(decode(&chain, false, body.data, body.len, 0, piece, &out, &err), S3_OK);
		assert_int_equal(out.len, 66560);
		assert_int_equal(strspn(out.data, "a"), 66560);
		buffer_finish(&out);
	}
	buffer_finish(&body);
}

static void amazons_example_with_a_signed_trailer_decodes_as_its_clients_write_it(void **state)
{
	static const char *const ends[] = {
		"x-amz-checksum-crc32c:sOO8/Q==\r\n" TRAILER_SIGNATURE "\r\n\r\n",
		"x-amz-checksum-crc32c:sOO8/Q==\n\r\n" TRAILER_SIGNATURE "\r\n\r\n", /* minio-go */
		"\r\nX-Amz-Checksum-Crc32c: sOO8/Q==\r\n" TRAILER_SIGNATURE "\r\n",
	};
	struct sigv4_chain chain = chain_behind("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct buffer body = amazons_body(trailer_signatures, ends[i]), out = {0};
		struct s3_error err;

		assert_int_equal(decode(&chain, true, body.data, body.len, 0, 1000, &out, &err), S3_OK);
		assert_int_equal(out.len, 66560);
		buffer_finish(&out);
		buffer_finish(&body);
	}
}

/* ---- forged ---- */

static void a_changed_byte_anywhere_in_a_signed_body_makes_it_fail(void **state)
{
	static const enum s3_code accepted[] = {S3_SIGNATURE_MISMATCH, S3_INVALID_ARGUMENT, S3_INCOMPLETE_BODY};
	struct sigv4_chain chain = chain_behind(ZEROS);
	struct buffer body = small_body(&chain, "x-other:1");

	for (size_t i = 0; i + 2 < body.len; i++) { /* the last empty line says nothing */
		char was = body.data[i];
		struct buffer out = {0};
		struct s3_error err;
		enum s3_code code;

		body.data[i] ^= 1;
		code = decode(&chain, true, body.data, body.len, 0, body.len, &out, &err);
		if (code != accepted[0] && code != accepted[1] && code != accepted[2]) {
			print_message("byte %zu of: %s\n", i, body.data);
			fail();
		}
		body.data[i] = was;
		buffer_finish(&out);
	}
	buffer_finish(&body);
}

static void a_wrong_signature_fails_at_its_chunk_and_stays_failed(void **state)
{
	struct sigv4_chain chain = chain_behind(ZEROS);
	struct buffer body = small_body(&chain, NULL), out = {0};
	struct chunked *chunked = chunked_begin(&chain, false, collect, &out);
	size_t second = (size_t)(strstr(body.data, "7;chunk") - body.data), content = (size_t)(strstr(body.data, "world") - body.data);
	struct s3_error err = {0};

	body.data[content] = 'W';
	assert_true(chunked_add(chunked, body.data, second, &err));
	assert_string_equal(out.data, "hello ");
	assert_true(chunked_add(chunked, body.data + second, content + 6 - second, &err)); /* all of its content but the last byte */
	assert_false(chunked_add(chunked, body.data + content + 6, 1, &err));
	assert_int_equal(err.code, S3_SIGNATURE_MISMATCH);
	err = (struct s3_error){0};
	assert_false(chunked_add(chunked, body.data + content + 7, body.len - content - 7, &err));
	assert_int_equal(err.code, S3_SIGNATURE_MISMATCH);
	err = (struct s3_error){0};
	assert_false(chunked_end(chunked, &err));
	assert_int_equal(err.code, S3_SIGNATURE_MISMATCH);
	chunked_free(chunked);
	buffer_finish(&out);
	buffer_finish(&body);
}

static void chunks_that_are_left_out_or_swapped_do_not_verify(void **state)
{
	struct sigv4_chain chain = chain_behind(ZEROS), own = chain;
	struct buffer one = {0}, two = {0}, last = {0}, body = {0}, out = {0};
	struct s3_error err;

	add_chunk(&one, &own, "one", true);
	add_chunk(&two, &own, "two", true);
	add_chunk(&last, &own, "", true);
	buffer_printf(&body, "%s%s%s", two.data, one.data, last.data);
	assert_int_equal(decode(&chain, false, body.data, body.len, 0, 9, &out, &err), S3_SIGNATURE_MISMATCH);
	body.len = 0;
	buffer_printf(&body, "%s%s", one.data, last.data);
	assert_int_equal(decode(&chain, false, body.data, body.len, 0, 9, &out, &err), S3_SIGNATURE_MISMATCH);
	body.len = 0;
	buffer_printf(&body, "%s%s%s%s", one.data, one.data, two.data, last.data);
	assert_int_equal(decode(&chain, false, body.data, body.len, 0, 9, &out, &err), S3_SIGNATURE_MISMATCH);
	buffer_finish(&one);
	buffer_finish(&two);
	buffer_finish(&last);
	buffer_finish(&body);
	buffer_finish(&out);
}

static void a_body_that_breaks_off_is_incomplete_wherever_it_does(void **state)
{
	struct sigv4_chain chain = chain_behind(ZEROS);

	for (int form = 0; form < 4; form++) {
		const struct sigv4_chain *own = form & 1 ? &chain : NULL;
		const char *trailer = form & 2 ? "x-other:1" : NULL;
		struct buffer body = small_body(own, trailer);

		for (size_t n = 0; n < body.len - (trailer ? 2 : 0); n++) {
			struct buffer out = {0};
			struct s3_error err;

			assert_int_equal(decode(own, trailer, body.data, n, 0, 1000, &out, &err), S3_INCOMPLETE_BODY);
			buffer_finish(&out);
		}
		buffer_finish(&body);
	}
}

/* ---- checksums ---- */

static void the_checksums_of_a_trailer_are_checked(void **state)
{
#define FIVE(trailer) "5\r\nhello\r\n0\r\n" trailer "\r\n\r\n"
	static const struct {
		const char *body;
		enum s3_code code;
	} cases[] = {
		{FIVE("x-amz-checksum-crc32:NhCmhg=="), S3_OK},
		{FIVE("x-amz-checksum-crc32c:mnG7TA=="), S3_OK},
		{FIVE("x-amz-checksum-sha1:qvTGHdzF6KLavt4PO0gs2a6pQ00="), S3_OK},
		{FIVE("x-amz-checksum-sha256:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="), S3_OK},
		{FIVE("x-amz-checksum-crc32:NhCmhg==\r\nx-amz-checksum-sha1:qvTGHdzF6KLavt4PO0gs2a6pQ00="), S3_OK},
		{FIVE("x-amz-checksum-crc64nvme:anything"), S3_OK},
		{FIVE("x-amz-checksum-crc32:NhCmhQ=="), S3_BAD_DIGEST},
		{FIVE("x-amz-checksum-crc32c:NhCmhg=="), S3_BAD_DIGEST},
		{FIVE("x-amz-checksum-sha1:"), S3_BAD_DIGEST},
		{FIVE("x-amz-checksum-sha256:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCR="), S3_BAD_DIGEST},
		{FIVE("x-amz-checksum-crc32:NhCmhg==\nx-amz-checksum-sha1:AAAA"), S3_BAD_DIGEST},
		{"0\r\nx-amz-checksum-crc32:AAAAAA==\n\r\n\r\n", S3_OK}, /* minio-go; nothing at all */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct s3_error err;

		assert_int_equal(decode_text(true, cases[i].body, &err), cases[i].code);
	}
}

static void the_checksums_are_those_of_their_standards(void **state)
{
	static const char digits[] = "123456789"; /* the catalogues' check input */
	struct checksums sums;

	checksums_begin(&sums, SUM_NAMED);
	checksums_add(&sums, digits, 4);
	checksums_add(&sums, digits + 4, 5);
	assert_int_equal(sums.crc32, 0xcbf43926);
	assert_int_equal(sums.crc32c, 0xe3069283);
	assert_true(checksums_match(&sums, "crc32c", "4waSgw=="));
	assert_true(checksums_match(&sums, "sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="));
	assert_false(checksums_match(&sums, "sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiV="));
	checksums_finish(&sums);
}

/* ---- not chunked ---- */

static void what_is_not_so_encoded_is_refused_and_says_why(void **state)
{
	static const struct {
		bool trailer;
		const char *body;
		const char *why;
	} bad[] = {
		{false, "hello\r\n", NOT "a chunk's size; accepted: 1 to 16 hexadecimal digits"},
		{false, "\r\n", NOT "a chunk's size; accepted: 1 to 16 hexadecimal digits"},
		{false, "-1\r\n", NOT "a chunk's size; accepted: 1 to 16 hexadecimal digits"},
		{false, "0x5\r\nhello\r\n", NOT "what follows a chunk's size; accepted: ; or the line's end"},
		{false, "5 \r\nhello\r\n", NOT "what follows a chunk's size; accepted: ; or the line's end"},
		{false, "00000000000000005\r\n", NOT "a chunk's size; accepted: 1 to 16 hexadecimal digits"},
		{false, "140000001\r\n", NOT "a chunk of more than 5 GiB"},
		{false, "ffffffffffffffff\r\n", NOT "a chunk of more than 5 GiB"},
		{false, "5\nhello\r\n", NOT "a chunk's head that does not end in CR LF"},
		{false, "\n", NOT "a chunk's head that does not end in CR LF"},
		{false, "5\r\nhello0\r\n\r\n", NOT "no CR LF where a chunk ends"},
		{false, "5\r\nhello\n0\r\n\r\n", NOT "no CR LF where a chunk ends"},
		{false, "0\r\nx-a:1\r\n\r\n", NOT "no CR LF where a chunk ends"},
		{false, "0\r\n\r\nmore", NOT "bytes behind its end"},
		{true, "0\r\nx-a\r\n\r\n", NOT "a trailing header; accepted: name:value"},
		{true, "0\r\n:1\r\n\r\n", NOT "a trailing header; accepted: name:value"},
		{true, "0\r\nx-amz-trailer-signature:12\r\n\r\n",
		 NOT "an x-amz-trailer-signature; accepted: one, of 64 hexadecimal digits"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct s3_error err;

		assert_int_equal(decode_text(bad[i].trailer, bad[i].body, &err), S3_INVALID_ARGUMENT);
		assert_string_equal(err.text, bad[i].why);
	}
}

static void a_signed_body_needs_its_signatures(void **state)
{
	static const char *const bodies[] = {"5\r\nhello\r\n", "5;chunk-signature=12\r\nhello\r\n", "5;signature=" ZEROS "\r\nhello\r\n",
					     "5;chunk-signature=" ZEROS "0\r\nhello\r\n"};
	struct sigv4_chain chain = chain_behind(ZEROS);
	struct buffer body = {0}, out = {0};
	struct s3_error err;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_int_equal(decode(&chain, false, bodies[i], strlen(bodies[i]), 0, 100, &out, &err), S3_INVALID_ARGUMENT);
		assert_string_equal(err.text, NOT "a chunk's head has no ;chunk-signature= of 64 hexadecimal digits");
	}
	assert_int_equal(out.len, 0);
	add_chunk(&body, &chain, "", false);
	chain = chain_behind(ZEROS);
	buffer_printf(&body, "x-other:1\r\n\r\n");
	assert_int_equal(decode(&chain, true, body.data, body.len, 0, 100, &out, &err), S3_INCOMPLETE_BODY);
	buffer_finish(&body);
	buffer_finish(&out);
}

static void a_head_of_512_bytes_and_trailers_of_4_kib_are_the_longest(void **state)
{
	char ext[600], trailer[5000];
	struct s3_error err;

	memset(ext, 'x', sizeof(ext));
	memset(trailer, 'x', sizeof(trailer));
	for (int over = 0; over <= 1; over++) {
		char *body = gw_sprintf("0;%.*s\r\n\r\n", 512 - 4 + over, ext);

		assert_int_equal(decode_text(false, body, &err), over ? S3_INVALID_ARGUMENT : S3_OK);
		assert_string_equal(err.text, over ? NOT "a chunk's head of more than 512 bytes" : "");
		free(body);
		body = gw_sprintf("0\r\nx:%.*s\r\n\r\n", 4096 - 6 + over, trailer);
		assert_int_equal(decode_text(true, body, &err), over ? S3_INVALID_ARGUMENT : S3_OK);
		assert_string_equal(err.text, over ? NOT "trailing headers of more than 4 KiB" : "");
		free(body);
	}
}

static bool full(void *data, const void *bytes, size_t n, struct s3_error *err)
{
	return s3_fail(err, S3_FULL, NULL);
}

static void a_sink_that_fails_ends_the_decoding_with_its_error(void **state)
{
	struct chunked *chunked = chunked_begin(NULL, false, full, NULL);
	struct s3_error err = {0};

	assert_false(chunked_add(chunked, "5\r\nhello\r\n", 10, &err));
	assert_int_equal(err.code, S3_FULL);
	err = (struct s3_error){0};
	assert_false(chunked_end(chunked, &err));
	assert_int_equal(err.code, S3_FULL);
	chunked_free(chunked);
	chunked_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_split_at_any_byte_decodes_alike),
		cmocka_unit_test(amazons_example_decodes),
		cmocka_unit_test(amazons_example_with_a_signed_trailer_decodes_as_its_clients_write_it),
		cmocka_unit_test(a_changed_byte_anywhere_in_a_signed_body_makes_it_fail),
		cmocka_unit_test(a_wrong_signature_fails_at_its_chunk_and_stays_failed),
		cmocka_unit_test(chunks_that_are_left_out_or_swapped_do_not_verify),
		cmocka_unit_test(a_body_that_breaks_off_is_incomplete_wherever_it_does),
		cmocka_unit_test(the_checksums_of_a_trailer_are_checked),
		cmocka_unit_test(the_checksums_are_those_of_their_standards),
		cmocka_unit_test(what_is_not_so_encoded_is_refused_and_says_why),
		cmocka_unit_test(a_signed_body_needs_its_signatures),
		cmocka_unit_test(a_head_of_512_bytes_and_trailers_of_4_kib_are_the_longest),
		cmocka_unit_test(a_sink_that_fails_ends_the_decoding_with_its_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
