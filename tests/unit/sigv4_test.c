#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bucketd/sigv4.h"

#define KEY         "AKIAIOSFODNN7EXAMPLE"
#define SECRET      "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define SCOPE       "20130524/us-east-1/s3/aws4_request"
#define NOTHING     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HOST        "examplebucket.s3.amazonaws.com"
#define THEN        1369353600 /* 2013-05-24T00:00:00Z */
#define HEADERS_MAX 70

/* A request as a test writes it. */
struct request {
	const char *method, *uri;
	struct {
		const char *name, *value;
	} headers[HEADERS_MAX + 1]; /* ends with a NULL name */
};

static bool header_at(const void *data, size_t i, const char **name, const char **value)
{
	const struct request *rq = data;

	if (i >= HEADERS_MAX || !rq->headers[i].name)
		return false;
	*name = rq->headers[i].name;
	*value = rq->headers[i].value;
	return true;
}

static struct sigv4_request seen(const struct request *rq)
{
	return (struct sigv4_request){.method = rq->method, .uri = rq->uri, .header_at = header_at, .data = rq};
}

static enum s3_code read_code(const struct request *rq, struct sigv4 *sig, struct s3_error *err)
{
	struct sigv4_request view = seen(rq);

	*err = (struct s3_error){0};
	return sigv4_read(sig, &view, err) ? S3_OK : err->code;
}

/* S3_OK: the request is read and its signature is right at that time. */
static enum s3_code verdict(const struct request *rq, time_t now)
{
	struct sigv4_request view = seen(rq);
	struct s3_error err = {0};
	struct sigv4 sig;

	if (!sigv4_read(&sig, &view, &err))
		return err.code;
	assert_false(sig.anonymous);
	return sigv4_check(&sig, &view, SECRET, now, &err) ? S3_OK : err.code;
}

static const char *authorization(const char *headers, const char *signature)
{
	static char text[2048];

	snprintf(text, sizeof(text), "AWS4-HMAC-SHA256 Credential=" KEY "/" SCOPE ",SignedHeaders=%s,Signature=%s", headers, signature);
	return text;
}

/* What the AWS documentation signs: "Signature Calculations for the Authorization Header". */
static struct request get_object(void)
{
	return (struct request){
		"GET",
		"/test.txt",
		{{"Host", HOST},
		 {"Range", "bytes=0-9"},
		 {"x-amz-content-sha256", NOTHING},
		 {"x-amz-date", "20130524T000000Z"},
		 {"Authorization", "AWS4-HMAC-SHA256 Credential=" KEY "/" SCOPE ",SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
				   "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"}}};
}

static struct request with_query(const char *uri, const char *signature)
{
	return (struct request){"GET",
				uri,
				{{"Host", HOST},
				 {"x-amz-content-sha256", NOTHING},
				 {"x-amz-date", "20130524T000000Z"},
				 {"Authorization", authorization("host;x-amz-content-sha256;x-amz-date", signature)}}};
}

#define PRESIGNED                                                                                                                          \
	"/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" KEY                                                                 \
	"%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&"            \
	"X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

static struct request presigned(const char *uri)
{
	return (struct request){"GET", uri, {{"Host", HOST}}};
}

static struct request chunked_put(void)
{
	return (struct request){
		"PUT",
		"/examplebucket/chunkObject.txt",
		{{"Host", "s3.amazonaws.com"},
		 {"x-amz-date", "20130524T000000Z"},
		 {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
		 {"x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"},
		 {"Content-Encoding", "aws-chunked"},
		 {"x-amz-decoded-content-length", "66560"},
		 {"Content-Length", "66824"},
		 {"Authorization",
		  authorization("content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;"
				"x-amz-storage-class",
				"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")}}};
}

static void set(struct request *rq, const char *name, const char *value)
{
	size_t i = 0;

	while (rq->headers[i].name && strcmp(rq->headers[i].name, name) != 0)
		i++;
	rq->headers[i].name = name;
	rq->headers[i].value = value;
}

/* ---- what Amazon publishes verifies ---- */

static void amazons_get_object_verifies(void **state)
{
	struct request rq = get_object();
	struct s3_error err;
	struct sigv4 sig;

	assert_int_equal(verdict(&rq, THEN), S3_OK);
	assert_int_equal(read_code(&rq, &sig, &err), S3_OK);
	assert_false(sig.presigned);
	assert_string_equal(sig.key, KEY);
	assert_string_equal(sig.date, "20130524");
	assert_string_equal(sig.region, "us-east-1");
	assert_string_equal(sig.at, "20130524T000000Z");
	assert_string_equal(sig.signed_headers, "host;range;x-amz-content-sha256;x-amz-date");
	assert_int_equal(sig.payload, SIGV4_PAYLOAD_HASH);
	assert_int_equal(sig.hash[0], 0xe3);
	assert_int_equal(sig.hash[31], 0x55);
}

static void amazons_put_object_verifies(void **state)
{
	struct request rq = {"PUT",
			     "/test%24file.text",
			     {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
			      {"Host", HOST},
			      {"x-amz-date", "20130524T000000Z"},
			      {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
			      {"x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
			      {"Authorization", authorization("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
							      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")}}};

	assert_int_equal(verdict(&rq, THEN), S3_OK);
	rq.uri = "/test$file.text"; /* the same path */
	assert_int_equal(verdict(&rq, THEN), S3_OK);
	rq.uri = "/test%24file.texd";
	assert_int_equal(verdict(&rq, THEN), S3_SIGNATURE_MISMATCH);
}

static void amazons_get_bucket_lifecycle_verifies(void **state)
{
	struct request rq = with_query("/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");

	assert_int_equal(verdict(&rq, THEN), S3_OK);
	rq.uri = "http://" HOST "?lifecycle=";
	assert_int_equal(verdict(&rq, THEN), S3_OK);
}

static void amazons_list_objects_verifies_in_any_order_of_its_query(void **state)
{
	struct request rq = with_query("/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");

	assert_int_equal(verdict(&rq, THEN), S3_OK);
	rq.uri = "/?prefix=%4a&&max%2Dkeys=2";
	assert_int_equal(verdict(&rq, THEN), S3_OK);
	rq.uri = "/?max-keys=2&prefix=J&prefix=K";
	assert_int_equal(verdict(&rq, THEN), S3_SIGNATURE_MISMATCH);
}

static void amazons_presigned_url_verifies_until_it_expires(void **state)
{
	struct request rq = presigned(PRESIGNED);
	struct s3_error err;
	struct sigv4 sig;

	assert_int_equal(read_code(&rq, &sig, &err), S3_OK);
	assert_true(sig.presigned);
	assert_int_equal(sig.expires_s, 86400);
	assert_int_equal(sig.payload, SIGV4_PAYLOAD_UNSIGNED);
	assert_int_equal(verdict(&rq, THEN), S3_OK);
	assert_int_equal(verdict(&rq, THEN + 86400), S3_OK);
	assert_int_equal(verdict(&rq, THEN + 86401), S3_EXPIRED);
	assert_int_equal(verdict(&rq, THEN - 15 * 60), S3_OK);
	assert_int_equal(verdict(&rq, THEN - 15 * 60 - 1), S3_ACCESS_DENIED);
	rq.method = "PUT";
	assert_int_equal(verdict(&rq, THEN), S3_SIGNATURE_MISMATCH);
}

/* Its canonical form: /a%20b%2Bc%21d~e, B=%20%20&a=0&a=1&a-b=%2F. */
static void the_spelling_and_the_order_in_which_a_uri_is_sent_do_not_matter(void **state)
{
	static const char *const same[] = {"/a%20b%2Bc%21d~e?B=%20%20&a=0&a=1&a-b=%2F", "/a%20b+c!d%7Ee?a-b=/&a=1&B=++&a=0",
					   "/a%20b%2bc%21d%7ee?a-b=%2f&a=1&&a=0&B=+%20"};
	static const char *const other[] = {"/a+b%2Bc%21d~e?B=%20%20&a=0&a=1&a-b=%2F", "/a%20b%2Bc%21d~e?B=%20%20&a=0&a-b=%2F",
					    "/a%2520b%2Bc%21d~e?B=%20%20&a=0&a=1&a-b=%2F", "/a%20b%2Bc%21d~e/?B=%20%20&a=0&a=1&a-b=%2F",
					    "//a%20b%2Bc%21d~e?B=%20%20&a=0&a=1&a-b=%2F"};
	static const char signature[] = "ab19790ff0de5eb0c5d55c4a1cc2190e908adb8aa67f02eaad4cf5137df441d3";

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct request rq = with_query(same[i], signature);

		assert_int_equal(verdict(&rq, THEN), S3_OK);
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		struct request rq = with_query(other[i], signature);

		assert_int_equal(verdict(&rq, THEN), S3_SIGNATURE_MISMATCH);
	}
}

static void hash_of(uint8_t hash[SIGV4_HASH], size_t n)
{
	char *bytes = malloc(n + 1);

	memset(bytes, 'a', n + 1);
	EVP_Digest(bytes, n, hash, NULL, EVP_sha256(), NULL);
	free(bytes);
}

static void the_chain_of_amazons_chunks_verifies_once_and_in_order(void **state)
{
	static const struct {
		size_t n;
		const char *signature;
	} chunks[] = {
		{65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"},
		{1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"},
		{0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
	};
	struct request rq = chunked_put();
	struct sigv4_chain chain;
	struct s3_error err;
	struct sigv4 sig;
	uint8_t hash[SIGV4_HASH];

	assert_int_equal(verdict(&rq, THEN), S3_OK);
	assert_int_equal(read_code(&rq, &sig, &err), S3_OK);
	assert_int_equal(sig.payload, SIGV4_PAYLOAD_CHUNKS);
	sigv4_chain_begin(&chain, &sig, SECRET);
	hash_of(hash, 1024);
	assert_false(sigv4_chain_next(&chain, hash, chunks[1].signature)); /* the second is not the first */
	for (size_t i = 0; i < 3; i++) {
		hash_of(hash, chunks[i].n);
		assert_true(sigv4_chain_next(&chain, hash, chunks[i].signature));
		assert_false(sigv4_chain_next(&chain, hash, chunks[i].signature));
	}
	sigv4_chain_begin(&chain, &sig, "another");
	hash_of(hash, chunks[0].n);
	assert_false(sigv4_chain_next(&chain, hash, chunks[0].signature));
}

static void amazons_signed_trailer_verifies_behind_its_chunks(void **state)
{
	static const struct {
		size_t n;
		const char *signature;
	} chunks[] = {
		{65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"},
		{1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"},
		{0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"},
	};
	struct request rq = chunked_put();
	struct sigv4_chain chain;
	struct s3_error err;
	struct sigv4 sig;
	uint8_t hash[SIGV4_HASH];

	set(&rq, "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
	set(&rq, "x-amz-trailer", "x-amz-checksum-crc32c");
	set(&rq, "Authorization",
	    authorization(
		    "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
		    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"));
	assert_int_equal(verdict(&rq, THEN), S3_OK);
	assert_int_equal(read_code(&rq, &sig, &err), S3_OK);
	assert_int_equal(sig.payload, SIGV4_PAYLOAD_CHUNKS_TRAILER);
	sigv4_chain_begin(&chain, &sig, SECRET);
	for (size_t i = 0; i < 3; i++) {
		hash_of(hash, chunks[i].n);
		assert_true(sigv4_chain_next(&chain, hash, chunks[i].signature));
	}
	assert_false(sigv4_chain_trailer(&chain, "x-amz-checksum-crc32c:sOO8/A==\n",
					 "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"));
	assert_true(sigv4_chain_trailer(&chain, "x-amz-checksum-crc32c:sOO8/Q==\n",
					"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"));
}

/* ---- what is changed on the way is seen ---- */

static void a_request_that_is_changed_anywhere_does_not_verify(void **state)
{
	struct request rq = get_object();

	rq.method = "HEAD";
	assert_int_equal(verdict(&rq, THEN), S3_SIGNATURE_MISMATCH);
	rq = get_object();
	rq.uri = "/test.txt?acl";
	assert_int_equal(verdict(&rq, THEN), S3_SIGNATURE_MISMATCH);
	rq = get_object();
	set(&rq, "Host", HOST ":80");
	assert_int_equal(verdict(&rq, THEN), S3_SIGNATURE_MISMATCH);
	rq = get_object();
	set(&rq, "Range", "bytes=0-90");
	assert_int_equal(verdict(&rq, THEN), S3_SIGNATURE_MISMATCH);
	rq = get_object();
	set(&rq, "x-amz-content-sha256", "UNSIGNED-PAYLOAD");
	assert_int_equal(verdict(&rq, THEN), S3_SIGNATURE_MISMATCH);
	rq = get_object();
	set(&rq, "x-amz-date", "20130524T000001Z");
	assert_int_equal(verdict(&rq, THEN), S3_SIGNATURE_MISMATCH);
	rq = get_object();
	set(&rq, "Authorization",
	    authorization("host;range;x-amz-content-sha256;x-amz-date",
			  "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb42"));
	assert_int_equal(verdict(&rq, THEN), S3_SIGNATURE_MISMATCH);
}

static void blanks_around_and_within_a_header_count_as_one(void **state)
{
	struct request rq = get_object();

	set(&rq, "Range", " \tbytes=0-9  ");
	assert_int_equal(verdict(&rq, THEN), S3_OK);
	set(&rq, "Range", "bytes =0-9");
	assert_int_equal(verdict(&rq, THEN), S3_SIGNATURE_MISMATCH);
}

static void the_wrong_secret_does_not_verify(void **state)
{
	struct request rq = get_object();
	struct sigv4_request view = seen(&rq);
	struct s3_error err;
	struct sigv4 sig;

	assert_int_equal(read_code(&rq, &sig, &err), S3_OK);
	assert_false(sigv4_check(&sig, &view, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEZ", THEN, &err));
	assert_int_equal(err.code, S3_SIGNATURE_MISMATCH);
	assert_false(sigv4_check(&sig, &view, "", THEN, &err));
	assert_int_equal(err.code, S3_SIGNATURE_MISMATCH);
}

static void a_clock_may_be_15_minutes_off_and_no_more(void **state)
{
	struct request rq = get_object();

	assert_int_equal(verdict(&rq, THEN + 15 * 60), S3_OK);
	assert_int_equal(verdict(&rq, THEN - 15 * 60), S3_OK);
	assert_int_equal(verdict(&rq, THEN + 15 * 60 + 1), S3_REQUEST_TIME_SKEWED);
	assert_int_equal(verdict(&rq, THEN - 15 * 60 - 1), S3_REQUEST_TIME_SKEWED);
}

/* ---- what is refused ---- */

static void a_request_without_a_signature_is_anonymous(void **state)
{
	struct request rq = {"GET", "/boot/default_kernel?x=1", {{"Host", HOST}, {"x-amz-date", "whatever"}}};
	struct s3_error err;
	struct sigv4 sig;

	assert_int_equal(read_code(&rq, &sig, &err), S3_OK);
	assert_true(sig.anonymous);
}

static void headers_that_must_be_signed_and_are_not_are_named(void **state)
{
	struct request rq = get_object();
	struct s3_error err;
	struct sigv4 sig;

	set(&rq, "X-Amz-Meta-Colour", "red");
	assert_int_equal(read_code(&rq, &sig, &err), S3_ACCESS_DENIED);
	assert_string_equal(err.text, "There were headers present in the request which were not signed: X-Amz-Meta-Colour");
	rq = get_object();
	set(&rq, "Authorization", authorization("range;x-amz-content-sha256;x-amz-date", NOTHING));
	assert_int_equal(read_code(&rq, &sig, &err), S3_ACCESS_DENIED);
	assert_string_equal(err.text, "There were headers present in the request which were not signed: host");
	rq = presigned(PRESIGNED);
	set(&rq, "x-amz-copy-source", "/other/secret");
	assert_int_equal(read_code(&rq, &sig, &err), S3_ACCESS_DENIED);
}

static void a_signed_header_must_be_there_once(void **state)
{
	struct request rq = get_object();

	rq.headers[1].name = "Ranges";
	assert_int_equal(verdict(&rq, THEN), S3_ACCESS_DENIED);
	rq = get_object();
	rq.headers[5].name = "RANGE";
	rq.headers[5].value = "bytes=0-9";
	assert_int_equal(verdict(&rq, THEN), S3_INVALID_REQUEST);
	rq.headers[5].name = "authorization";
	assert_int_equal(verdict(&rq, THEN), S3_INVALID_ARGUMENT);
	rq = get_object();
	rq.uri = PRESIGNED;
	assert_int_equal(verdict(&rq, THEN), S3_INVALID_ARGUMENT);
}

static void other_ways_to_sign_are_refused_by_name(void **state)
{
	struct request rq = get_object();
	struct s3_error err;
	struct sigv4 sig;

	set(&rq, "Authorization", "AWS " KEY ":qgk2+6Sv9/oM7G3qLEjTH1a1l1g=");
	assert_int_equal(read_code(&rq, &sig, &err), S3_INVALID_REQUEST);
	assert_string_equal(err.text,
			    "The authorization mechanism you have provided ('AWS') is not supported. Please use AWS4-HMAC-SHA256.");
	set(&rq, "Authorization", "AWS4-ECDSA-P256-SHA256 Credential=x");
	assert_int_equal(read_code(&rq, &sig, &err), S3_INVALID_REQUEST);
	assert_string_equal(err.text,
			    "The authorization mechanism you have provided ('AWS4-ECDSA-P256-SHA256') is not supported. Please use "
			    "AWS4-HMAC-SHA256.");
	set(&rq, "Authorization", "");
	assert_int_equal(read_code(&rq, &sig, &err), S3_INVALID_REQUEST);
	rq = presigned("/x?AWSAccessKeyId=" KEY "&Expires=1141889120&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D");
	assert_int_equal(read_code(&rq, &sig, &err), S3_INVALID_REQUEST);
	rq = get_object();
	set(&rq, "x-amz-content-sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD");
	assert_int_equal(read_code(&rq, &sig, &err), S3_NOT_IMPLEMENTED);
}

static void an_authorization_that_is_malformed_says_what_is(void **state)
{
#define START "AWS4-HMAC-SHA256 "
#define CRED  "Credential=" KEY "/" SCOPE
#define HEADS ",SignedHeaders=host;range;x-amz-content-sha256;x-amz-date"
	static const struct {
		const char *text, *why;
	} bad[] = {
		{START CRED HEADS,
		 "The authorization is malformed: Signature; accepted: none of Credential, SignedHeaders and Signature may be missing"},
		{START CRED HEADS ",Signature=12", "The authorization is malformed: the Signature; accepted: 64 hexadecimal digits"},
		{START CRED HEADS ",Signature=" NOTHING "0",
		 "The authorization is malformed: the Signature; accepted: 64 hexadecimal digits"},
		{START CRED HEADS "," CRED, "The authorization is malformed: one part is there twice; accepted: Credential=, "
					    "SignedHeaders= and Signature=, each once, "
					    "with commas between"},
		{START CRED HEADS ",Colour=red",
		 "The authorization is malformed: a part is unknown; accepted: Credential=, SignedHeaders= and Signature=, each once, with "
		 "commas between"},
		{START "Credential=" KEY "/20130524/us-east-1/iam/aws4_request",
		 "The authorization is malformed: the Credential does not end in /s3/aws4_request; accepted: "
		 "KEY/YYYYMMDD/REGION/s3/aws4_request"},
		{START "Credential=/s3/aws4_request",
		 "The authorization is malformed: the Credential does not end in /s3/aws4_request; accepted: "
		 "KEY/YYYYMMDD/REGION/s3/aws4_request"},
		{START "Credential=" KEY "/20130524//s3/aws4_request",
		 "The authorization is malformed: the Credential's region; accepted: KEY/YYYYMMDD/REGION/s3/aws4_request"},
		{START "Credential=" KEY "/2013052x/us-east-1/s3/aws4_request",
		 "The authorization is malformed: the Credential's date; accepted: KEY/YYYYMMDD/REGION/s3/aws4_request"},
		{START "Credential=/20130524/us-east-1/s3/aws4_request",
		 "The authorization is malformed: the Credential's access key; accepted: 1 to 128 printable characters"},
		{START CRED ",SignedHeaders=host;Range",
		 "The authorization is malformed: the SignedHeaders; accepted: 64 names at most, lower case, with ; between"},
		{START CRED ",SignedHeaders=host;;range",
		 "The authorization is malformed: the SignedHeaders; accepted: 64 names at most, lower case, with ; between"},
		{START "Credential=" KEY "/20130525/us-east-1/s3/aws4_request" HEADS ",Signature=" NOTHING,
		 "The authorization is malformed: the Credential's date is not x-amz-date's; accepted: the same day"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct request rq = get_object();
		struct s3_error err;
		struct sigv4 sig;

		set(&rq, "Authorization", bad[i].text);
		assert_int_equal(read_code(&rq, &sig, &err), S3_AUTHORIZATION_MALFORMED);
		assert_string_equal(err.text, bad[i].why);
	}
}

static void sixty_four_headers_may_be_signed_and_no_more(void **state)
{
	char names[1000] = "host";
	struct request rq = get_object();
	struct s3_error err;
	struct sigv4 sig;

	for (int i = 1; i <= 60; i++)
		sprintf(names + strlen(names), ";h%d", i);
	strcat(names, ";range;x-amz-content-sha256;x-amz-date");
	set(&rq, "Authorization", authorization(names, NOTHING));
	assert_int_equal(read_code(&rq, &sig, &err), S3_OK);
	strcat(names, ";z");
	set(&rq, "Authorization", authorization(names, NOTHING));
	assert_int_equal(read_code(&rq, &sig, &err), S3_AUTHORIZATION_MALFORMED);
}

static void a_key_of_128_characters_is_the_longest(void **state)
{
	char text[600], key[140];
	struct request rq = get_object();
	struct s3_error err;
	struct sigv4 sig;

	memset(key, 'k', sizeof(key));
	key[10] = '/'; /* which a key may have */
	for (int n = 128; n <= 129; n++) {
		snprintf(text, sizeof(text), START "Credential=%.*s/" SCOPE HEADS ",Signature=" NOTHING, n, key);
		set(&rq, "Authorization", text);
		assert_int_equal(read_code(&rq, &sig, &err), n == 128 ? S3_OK : S3_AUTHORIZATION_MALFORMED);
	}
}

static void the_date_and_the_hash_must_be_there_and_right(void **state)
{
	static const char *const bad_dates[] = {"20130524",         "20130524T000000",   "20131324T000000Z", "20130532T000000Z",
						"20130524T246000Z", "20130524T000000Z0", "2013-524T000000Z"};
	struct request rq = get_object();
	struct s3_error err;
	struct sigv4 sig;

	for (size_t i = 0; i < sizeof(bad_dates) / sizeof(bad_dates[0]); i++) {
		set(&rq, "x-amz-date", bad_dates[i]);
		assert_int_equal(read_code(&rq, &sig, &err), S3_ACCESS_DENIED);
	}
	rq.headers[3].name = "x-amz-days";
	assert_int_equal(read_code(&rq, &sig, &err), S3_ACCESS_DENIED);
	assert_string_equal(err.text, "AWS authentication requires a valid x-amz-date");
	rq = get_object();
	set(&rq, "x-amz-content-sha256", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855");
	assert_int_equal(read_code(&rq, &sig, &err), S3_INVALID_ARGUMENT);
	set(&rq, "x-amz-content-sha256", "");
	assert_int_equal(read_code(&rq, &sig, &err), S3_INVALID_ARGUMENT);
	rq.headers[2].name = "x-content-sha256";
	assert_int_equal(read_code(&rq, &sig, &err), S3_INVALID_REQUEST);
	assert_string_equal(err.text, "Missing required header for this request: x-amz-content-sha256");
}

static void a_presigned_url_that_is_incomplete_or_ambiguous_is_refused(void **state)
{
#define Q_ALGO    "/x?X-Amz-Algorithm=AWS4-HMAC-SHA256"
#define Q_CRED    "&X-Amz-Credential=" KEY "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
#define Q_DATE    "&X-Amz-Date=20130524T000000Z"
#define Q_HEADERS "&X-Amz-SignedHeaders=host"
#define Q_SIG     "&X-Amz-Signature=" NOTHING
	static const struct {
		const char *uri;
		enum s3_code code;
	} bad[] = {
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=60", S3_OK},
		{"/x?a" Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=60", S3_AUTHORIZATION_MALFORMED},
		{Q_ALGO "x" Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=60", S3_INVALID_REQUEST},
		{Q_ALGO Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=60", S3_AUTHORIZATION_MALFORMED},
		{Q_ALGO Q_CRED Q_HEADERS Q_SIG "&X-Amz-Expires=60", S3_AUTHORIZATION_MALFORMED},
		{Q_ALGO Q_CRED Q_DATE Q_SIG "&X-Amz-Expires=60", S3_AUTHORIZATION_MALFORMED},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS "&X-Amz-Expires=60", S3_AUTHORIZATION_MALFORMED},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG, S3_AUTHORIZATION_MALFORMED},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG Q_SIG "&X-Amz-Expires=60", S3_AUTHORIZATION_MALFORMED},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=60&X-Amz-Expires=61", S3_AUTHORIZATION_MALFORMED},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=604800", S3_OK},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=604801", S3_AUTHORIZATION_MALFORMED},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=0", S3_AUTHORIZATION_MALFORMED},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=-1", S3_AUTHORIZATION_MALFORMED},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=99999999999999999999", S3_AUTHORIZATION_MALFORMED},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=60&X-Amz-Content-Sha256=" NOTHING, S3_OK},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=60&X-Amz-Content-Sha256=STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
		 S3_NOT_IMPLEMENTED},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=60&p=%", S3_INVALID_URI},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=60&p=%4", S3_INVALID_URI},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=60&p=%zz", S3_INVALID_URI},
		{Q_ALGO Q_CRED Q_DATE Q_HEADERS Q_SIG "&X-Amz-Expires=60&p=%00", S3_INVALID_URI},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct request rq = presigned(bad[i].uri);
		struct s3_error err;
		struct sigv4 sig;

		assert_int_equal(read_code(&rq, &sig, &err), bad[i].code);
	}
}

static void a_query_may_have_64_parameters_and_no_more(void **state)
{
	char uri[400] = "/?";
	struct request rq = presigned(uri);
	struct s3_error err;
	struct sigv4 sig;

	for (int i = 0; i < 64; i++)
		strcat(uri, "p=1&");
	assert_int_equal(read_code(&rq, &sig, &err), S3_OK);
	strcat(uri, "q");
	assert_int_equal(read_code(&rq, &sig, &err), S3_INVALID_URI);
	assert_string_equal(err.text, "the query has too many parameters; accepted: 64");
}

/* ---- a real client ---- */

static size_t ignore_body(char *bytes, size_t size, size_t n, void *data)
{
	return size * n;
}

/* In a child: libcurl sends one signed request. */
static void curl_ask(uint16_t port, const char *method, const char *target)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "x-amz-meta-colour:  dark   red ");
	char url[400];

	headers = curl_slist_append(headers, "x-amz-content-sha256: UNSIGNED-PAYLOAD");
	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port, target);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:s3");
	curl_easy_setopt(curl, CURLOPT_USERPWD, KEY ":" SECRET);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore_body);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	_exit(curl_easy_perform(curl) == CURLE_OK ? 0 : 1);
}

/* The head that came, cut up in place. */
static void parse(struct request *rq, char *head)
{
	char *save, *line = strtok_r(head, "\r\n", &save), *words;
	size_t n = 0;

	rq->method = strtok_r(line, " ", &words);
	rq->uri = strtok_r(NULL, " ", &words);
	while ((line = strtok_r(NULL, "\r\n", &save))) {
		char *colon = strchr(line, ':');

		assert_non_null(colon);
		assert_true(n < HEADERS_MAX);
		*colon = '\0';
		rq->headers[n].name = line;
		rq->headers[n++].value = colon + 1 + strspn(colon + 1, " ");
	}
}

static void take_head(int listener, char *head, size_t size)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	int fd = accept(listener, NULL, NULL);
	size_t len = 0;

	assert_true(fd >= 0);
	while (len < size - 1 && !strstr(head, "\r\n\r\n")) {
		ssize_t n = read(fd, head + len, size - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
		head[len] = '\0';
	}
	assert_int_equal(write(fd, answer, sizeof(answer) - 1), sizeof(answer) - 1);
	close(fd);
}

static void what_libcurl_signs_verifies(void **state)
{
	static const char *const targets[] = {"/bucket/key",
					      "/bucket/",
					      "/bucket/a%20b+c!d~e%7Ef",
					      "/bucket/%C3%A4/b%2Bc?list-type=2&prefix=a%2Fb",
					      "/bucket?list-type=2&delimiter=%2F",
					      "/bucket/key?uploads"};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		char head[4096] = "";
		struct request rq = {0};
		int status;
		pid_t child = fork();

		if (child == 0)
			curl_ask(ntohs(address.sin_port), i % 2 ? "GET" : "DELETE", targets[i]);
		take_head(listener, head, sizeof(head));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		parse(&rq, head);
		assert_string_equal(rq.uri, targets[i]);
		assert_int_equal(verdict(&rq, time(NULL)), S3_OK);
		rq.method = "PUT";
		assert_int_equal(verdict(&rq, time(NULL)), S3_SIGNATURE_MISMATCH);
	}
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amazons_get_object_verifies),
		cmocka_unit_test(amazons_put_object_verifies),
		cmocka_unit_test(amazons_get_bucket_lifecycle_verifies),
		cmocka_unit_test(amazons_list_objects_verifies_in_any_order_of_its_query),
		cmocka_unit_test(amazons_presigned_url_verifies_until_it_expires),
		cmocka_unit_test(the_spelling_and_the_order_in_which_a_uri_is_sent_do_not_matter),
		cmocka_unit_test(the_chain_of_amazons_chunks_verifies_once_and_in_order),
		cmocka_unit_test(amazons_signed_trailer_verifies_behind_its_chunks),
		cmocka_unit_test(a_request_that_is_changed_anywhere_does_not_verify),
		cmocka_unit_test(blanks_around_and_within_a_header_count_as_one),
		cmocka_unit_test(the_wrong_secret_does_not_verify),
		cmocka_unit_test(a_clock_may_be_15_minutes_off_and_no_more),
		cmocka_unit_test(a_request_without_a_signature_is_anonymous),
		cmocka_unit_test(headers_that_must_be_signed_and_are_not_are_named),
		cmocka_unit_test(a_signed_header_must_be_there_once),
		cmocka_unit_test(other_ways_to_sign_are_refused_by_name),
		cmocka_unit_test(an_authorization_that_is_malformed_says_what_is),
		cmocka_unit_test(sixty_four_headers_may_be_signed_and_no_more),
		cmocka_unit_test(a_key_of_128_characters_is_the_longest),
		cmocka_unit_test(the_date_and_the_hash_must_be_there_and_right),
		cmocka_unit_test(a_presigned_url_that_is_incomplete_or_ambiguous_is_refused),
		cmocka_unit_test(a_query_may_have_64_parameters_and_no_more),
		cmocka_unit_test(what_libcurl_signs_verifies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
