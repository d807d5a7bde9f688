/* The body of a request against what its head says of it: read once, whatever that is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bucketd/s3.h"

#define SIZE 600000

static uint64_t bytes_read;

ssize_t __wrap_pread64(int, void *, size_t, off_t);
ssize_t __real_pread64(int, void *, size_t, off_t);

ssize_t __wrap_pread64(int fd, void *bytes, size_t n, off_t at)
{
	ssize_t got = __real_pread64(fd, bytes, n, at);

	bytes_read += got > 0 ? (uint64_t)got : 0;
	return got;
}

/* What sha256sum, md5sum and the like say of SIZE bytes, each `a`. */
static const uint8_t hash[SIGV4_HASH] = {0xde, 0xd9, 0x37, 0x77, 0x58, 0x0e, 0xea, 0xa7, 0xd9, 0x06, 0xcb, 0x0f, 0x16, 0xb9, 0x70, 0x6b,
					 0x10, 0x00, 0x06, 0x7e, 0xaf, 0x0f, 0x3b, 0x6c, 0x1d, 0x03, 0xa8, 0xbc, 0x6a, 0x15, 0xbf, 0x15};
#define MD5 "CfkBuTftr1oScYxHU/Vj9A=="

static const struct s3_action to_file = {.body = S3_BODY_FILE}, to_memory = {.body = S3_BODY_TEXT};

struct said {
	const char *md5, *checksum_name, *checksum;
	enum sigv4_payload payload;
	bool spoilt; /* the signature's hash */
};

/* A request with SIZE bytes, `a` each, of which that is said. */
static void begin(struct s3_call *call, const struct s3_action *action, const struct said *said, char *text)
{
	memset(text, 'a', SIZE);
	*call = (struct s3_call){.action = action, .decoded_size = -1, .checksum_name = said->checksum_name};
	call->sig.payload = said->payload;
	memcpy(call->sig.hash, hash, sizeof(hash));
	call->sig.hash[0] ^= said->spoilt;
	call->md5 = gw_strdup(said->md5);
	call->checksum = gw_strdup(said->checksum);
	if (action->body == S3_BODY_TEXT) {
		call->text = text;
		call->text_len = SIZE;
		return;
	}
	call->upload.fd = memfd_create("body", MFD_CLOEXEC);
	assert_int_equal(write(call->upload.fd, text, SIZE), SIZE);
}

static enum s3_code check(struct s3_call *call)
{
	bool ok;

	bytes_read = 0;
	ok = s3_body_check(call);
	assert_int_equal(ok, call->err.code == S3_OK);
	return call->err.code;
}

static void end(struct s3_call *call)
{
	if (call->upload.fd)
		close(call->upload.fd);
	free(call->md5);
	free(call->checksum);
}

static const struct {
	struct said said;
	enum s3_code code;
} rows[] = {
	{{.payload = SIGV4_PAYLOAD_UNSIGNED}, S3_OK},
	{{.payload = SIGV4_PAYLOAD_HASH}, S3_OK},
	{{MD5, "sha1", "vXunWACsHCN5Sf2s3xRD+xcbukw=", SIGV4_PAYLOAD_HASH}, S3_OK},
	{{MD5, "sha256", "3tk3d1gO6qfZBssPFrlwaxAABn6vDztsHQOovGoVvxU=", SIGV4_PAYLOAD_HASH}, S3_OK},
	{{MD5, "crc32", "uOPocQ==", SIGV4_PAYLOAD_UNSIGNED}, S3_OK},
	{{MD5, "crc32c", "VGBbpQ==", SIGV4_PAYLOAD_HASH}, S3_OK},
	{{MD5, "sha1", "vXunWACsHCN5Sf2s3xRD+xcbukw=", SIGV4_PAYLOAD_HASH, true}, S3_CONTENT_HASH_MISMATCH},
	{{"AAAAAAAAAAAAAAAAAAAAAA==", "sha1", "vXunWACsHCN5Sf2s3xRD+xcbukw=", SIGV4_PAYLOAD_HASH}, S3_BAD_DIGEST},
	{{MD5, "sha1", "AAAA", SIGV4_PAYLOAD_HASH}, S3_BAD_DIGEST},
	{{MD5, "crc32", "AAAAAA==", SIGV4_PAYLOAD_HASH}, S3_BAD_DIGEST},
};

static void each_sum_is_checked_in_one_reading(void **state)
{
	char *text = malloc(SIZE);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct s3_call call;

		begin(&call, &to_file, &rows[i].said, text);
		assert_int_equal(check(&call), rows[i].code);
		assert_int_equal(bytes_read, SIZE);
		end(&call);
		begin(&call, &to_memory, &rows[i].said, text);
		assert_int_equal(check(&call), rows[i].code);
		end(&call);
	}
	free(text);
}

static void what_is_put_knows_its_size_and_its_md5(void **state)
{
	struct said said = {.payload = SIGV4_PAYLOAD_UNSIGNED};
	char *text = malloc(SIZE), base64[32];
	struct s3_call call;

	begin(&call, &to_file, &said, text);
	assert_int_equal(check(&call), S3_OK);
	assert_true(call.upload.summed);
	assert_int_equal(call.upload.size, SIZE);
	EVP_EncodeBlock((unsigned char *)base64, call.upload.md5, 16);
	assert_string_equal(base64, MD5);
	end(&call);
	free(text);
}

/* The sums are of the content: two chunks and a trailer are gone from the file when it is read. */
static void a_body_in_chunks_is_decoded_and_summed_in_one_reading(void **state)
{
	static const char raw[] = "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
	struct s3_call call = {.action = &to_file, .decoded_size = 11, .checksum_name = "sha1"};
	char base64[32], content[64] = "";

	call.sig.payload = SIGV4_PAYLOAD_CHUNKS_UNSIGNED_TRAILER;
	call.md5 = gw_strdup("XrY7u+Ae7tCTyyK7j1rNww==");
	call.checksum = gw_strdup("Kq5sNclPz7QV2+lfQIuc6R7oRu0=");
	call.upload.fd = memfd_create("body", MFD_CLOEXEC);
	assert_int_equal(write(call.upload.fd, raw, sizeof(raw) - 1), sizeof(raw) - 1);
	assert_int_equal(check(&call), S3_OK);
	assert_int_equal(bytes_read, sizeof(raw) - 1);
	assert_int_equal(call.upload.size, 11);
	EVP_EncodeBlock((unsigned char *)base64, call.upload.md5, 16);
	assert_string_equal(base64, call.md5);
	assert_int_equal(pread(call.upload.fd, content, sizeof(content), 0), 11);
	assert_string_equal(content, "hello world");
	end(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_sum_is_checked_in_one_reading),
		cmocka_unit_test(what_is_put_knows_its_size_and_its_md5),
		cmocka_unit_test(a_body_in_chunks_is_decoded_and_summed_in_one_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
