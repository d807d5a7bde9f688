#include "bucketd/chunked.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bucketd/checksums.h"
#include "libgateway/buffer.h"

#define CHUNK_MAX (UINT64_C(5) << 30)

enum { HEAD_MAX = 512, TRAILERS_MAX = 4096 };

enum state { HEAD, CONTENT, CONTENT_CR, CONTENT_LF, LAST_CR, LAST_LF, TRAILERS, OVER, FAILED };

struct chunked {
	struct sigv4_chain chain;
	bool is_signed, has_trailer;
	chunked_sink *sink;
	void *data;
	enum state state;
	struct s3_error why;    /* of FAILED */
	struct buffer head;     /* of the chunk, until its line ends */
	struct buffer trailers; /* as they come */
	char signature[65];     /* of the chunk */
	uint64_t left;          /* bytes of the chunk's content that are still to come */
	EVP_MD_CTX *hash;       /* owned; of the chunk's content */
	struct checksums sums;  /* of all content, where a trailer follows */
};

struct chunked *chunked_begin(const struct sigv4_chain *chain, bool trailer, chunked_sink *sink, void *data)
{
	struct chunked *chunked = gw_calloc(1, sizeof(*chunked));

	chunked->is_signed = chain;
	if (chain)
		chunked->chain = *chain;
	chunked->has_trailer = trailer;
	chunked->sink = sink;
	chunked->data = data;
	chunked->head.max = HEAD_MAX;
	chunked->trailers.max = TRAILERS_MAX;
	chunked->hash = gw_have(EVP_MD_CTX_new());
	if (trailer)
		checksums_begin(&chunked->sums, SUM_NAMED);
	return chunked;
}

void chunked_free(struct chunked *chunked)
{
	if (!chunked)
		return;
	EVP_MD_CTX_free(chunked->hash);
	checksums_finish(&chunked->sums);
	buffer_finish(&chunked->head);
	buffer_finish(&chunked->trailers);
	OPENSSL_cleanse(&chunked->chain, sizeof(chunked->chain));
	free(chunked);
}

static bool malformed(struct s3_error *err, const char *what)
{
	return s3_fail(err, S3_INVALID_ARGUMENT, "The body is not aws-chunked: %s", what);
}

/* ---- a chunk ---- */

static bool read_size(struct chunked *chunked, const char **text, struct s3_error *err)
{
	size_t n = strspn(*text, "0123456789abcdefABCDEF");

	if (n == 0 || n > 16)
		return malformed(err, "a chunk's size; accepted: 1 to 16 hexadecimal digits");
	chunked->left = strtoull(*text, NULL, 16);
	*text += n;
	return chunked->left <= CHUNK_MAX || malformed(err, "a chunk of more than 5 GiB");
}

static bool read_signature(struct chunked *chunked, const char *text, struct s3_error *err)
{
	static const char name[] = ";chunk-signature=";
	size_t n = sizeof(name) - 1;

	if (strncmp(text, name, n) != 0 || strlen(text + n) != 64)
		return malformed(err, "a chunk's head has no ;chunk-signature= of 64 hexadecimal digits");
	memcpy(chunked->signature, text + n, 65);
	return true;
}

static bool content_over(struct chunked *chunked, struct s3_error *err)
{
	uint8_t hash[EVP_MAX_MD_SIZE];

	if (!chunked->is_signed)
		return true;
	gw_assert(EVP_DigestFinal_ex(chunked->hash, hash, NULL) == 1);
	return sigv4_chain_next(&chunked->chain, hash, chunked->signature) || s3_fail(err, S3_SIGNATURE_MISMATCH, NULL);
}

/* The head's line is whole, without its end. Extensions of an unsigned chunk say nothing to us. */
static bool head_over(struct chunked *chunked, struct s3_error *err)
{
	const char *text = chunked->head.data;

	if (strlen(text) != chunked->head.len)
		return malformed(err, "a chunk's head has a NUL in it");
	if (!read_size(chunked, &text, err) || (chunked->is_signed && !read_signature(chunked, text, err)))
		return false;
	if (*text && *text != ';')
		return malformed(err, "what follows a chunk's size; accepted: ; or the line's end");
	chunked->head.len = 0;
	chunked->state = chunked->left ? CONTENT : chunked->has_trailer ? TRAILERS : LAST_CR;
	if (chunked->is_signed)
		gw_assert(EVP_DigestInit_ex(chunked->hash, EVP_sha256(), NULL) == 1);
	return chunked->left || content_over(chunked, err);
}

/* Each of these takes some of the `n` bytes, which it says in `used`. */

static bool take_head(struct chunked *chunked, const char *bytes, size_t n, size_t *used, struct s3_error *err)
{
	const char *end = memchr(bytes, '\n', n);

	*used = end ? (size_t)(end - bytes) + 1 : n;
	if (!buffer_add(&chunked->head, bytes, *used))
		return malformed(err, "a chunk's head of more than 512 bytes");
	if (!end)
		return true;
	chunked->head.len--;
	if (chunked->head.len == 0 || chunked->head.data[chunked->head.len - 1] != '\r')
		return malformed(err, "a chunk's head that does not end in CR LF");
	chunked->head.data[--chunked->head.len] = '\0';
	return head_over(chunked, err);
}

static bool take_content(struct chunked *chunked, const char *bytes, size_t n, size_t *used, struct s3_error *err)
{
	*used = n < chunked->left ? n : (size_t)chunked->left;
	chunked->left -= *used;
	if (chunked->is_signed)
		gw_assert(EVP_DigestUpdate(chunked->hash, bytes, *used) == 1);
	if (chunked->has_trailer)
		checksums_add(&chunked->sums, bytes, *used);
	if (!chunked->sink(chunked->data, bytes, *used, err))
		return err->code != S3_OK ? false : s3_fail(err, S3_INTERNAL, NULL);
	if (chunked->left)
		return true;
	chunked->state = CONTENT_CR;
	return content_over(chunked, err);
}

static bool take_line_end(struct chunked *chunked, const char *bytes, size_t n, size_t *used, struct s3_error *err)
{
	static const struct {
		char byte;
		enum state next;
	} steps[] = {[CONTENT_CR] = {'\r', CONTENT_LF}, [CONTENT_LF] = {'\n', HEAD}, [LAST_CR] = {'\r', LAST_LF}, [LAST_LF] = {'\n', OVER}};

	*used = 1;
	if (*bytes != steps[chunked->state].byte)
		return malformed(err, "no CR LF where a chunk ends");
	chunked->state = steps[chunked->state].next;
	return true;
}

static bool take_trailers(struct chunked *chunked, const char *bytes, size_t n, size_t *used, struct s3_error *err)
{
	*used = n;
	return buffer_add(&chunked->trailers, bytes, n) || malformed(err, "trailing headers of more than 4 KiB");
}

static bool take_nothing(struct chunked *chunked, const char *bytes, size_t n, size_t *used, struct s3_error *err)
{
	return malformed(err, "bytes behind its end");
}

static bool take_after_failure(struct chunked *chunked, const char *bytes, size_t n, size_t *used, struct s3_error *err)
{
	*err = chunked->why;
	return false;
}

static bool (*const takes[])(struct chunked *chunked, const char *bytes, size_t n, size_t *used, struct s3_error *err) = {
	[HEAD] = take_head,           [CONTENT] = take_content,  [CONTENT_CR] = take_line_end,
	[CONTENT_LF] = take_line_end, [LAST_CR] = take_line_end, [LAST_LF] = take_line_end,
	[TRAILERS] = take_trailers,   [OVER] = take_nothing,     [FAILED] = take_after_failure,
};

static bool fail(struct chunked *chunked, const struct s3_error *err)
{
	chunked->why = *err;
	chunked->state = FAILED;
	return false;
}

bool chunked_add(struct chunked *chunked, const void *bytes, size_t n, struct s3_error *err)
{
	const char *at = bytes;

	for (size_t used; n; at += used, n -= used)
		if (!takes[chunked->state](chunked, at, n, &used, err))
			return fail(chunked, err);
	return true;
}

/* ---- the trailing headers ---- */

/* One of them, its name in lower case and both trimmed, in place. */
static bool split(char *line, char **value, struct s3_error *err)
{
	char *colon = strchr(line, ':');

	if (!colon || colon == line)
		return malformed(err, "a trailing header; accepted: name:value");
	*colon = '\0';
	for (char *c = line; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	*value = colon + 1 + strspn(colon + 1, " \t");
	for (size_t n = strlen(*value); n && strchr(" \t\r", (*value)[n - 1]); n--)
		(*value)[n - 1] = '\0';
	return true;
}

struct trailers {
	struct buffer text; /* name:value\n each, as they are signed */
	char signature[65];
	bool checksums_match;
};

static bool take_trailer(struct chunked *chunked, struct trailers *trailers, char *line, struct s3_error *err)
{
	static const char checksum[] = "x-amz-checksum-";
	char *value = NULL;

	if (!split(line, &value, err))
		return false;
	if (strcmp(line, "x-amz-trailer-signature") == 0) {
		if (trailers->signature[0] || strlen(value) != 64)
			return malformed(err, "an x-amz-trailer-signature; accepted: one, of 64 hexadecimal digits");
		memcpy(trailers->signature, value, 65);
		return true;
	}
	if (strncmp(line, checksum, sizeof(checksum) - 1) == 0 && !checksums_match(&chunked->sums, line + sizeof(checksum) - 1, value))
		trailers->checksums_match = false;
	return buffer_printf(&trailers->text, "%s:%s\n", line, value);
}

/* Lines end in LF, with a CR before it or not, and there may be empty ones: clients differ. */
static bool read_trailers(struct chunked *chunked, struct trailers *trailers, struct s3_error *err)
{
	char *at = chunked->trailers.data, *end = at + chunked->trailers.len, *newline;

	for (; at < end; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			return s3_fail(err, S3_INCOMPLETE_BODY, NULL);
		*newline = '\0';
		if (strlen(at) != (size_t)(newline - at))
			return malformed(err, "a trailing header has a NUL in it");
		if (at[strspn(at, "\r")] && !take_trailer(chunked, trailers, at, err))
			return false;
	}
	return trailers->text.len || s3_fail(err, S3_INCOMPLETE_BODY, NULL);
}

static bool check_trailers(struct chunked *chunked, struct trailers *trailers, struct s3_error *err)
{
	if (chunked->trailers.len == 0 || !read_trailers(chunked, trailers, err))
		return chunked->trailers.len ? false : s3_fail(err, S3_INCOMPLETE_BODY, NULL);
	if (chunked->is_signed && !trailers->signature[0])
		return s3_fail(err, S3_INCOMPLETE_BODY, NULL);
	if (chunked->is_signed && !sigv4_chain_trailer(&chunked->chain, trailers->text.data, trailers->signature))
		return s3_fail(err, S3_SIGNATURE_MISMATCH, NULL);
	return trailers->checksums_match || s3_fail(err, S3_BAD_DIGEST, NULL);
}

bool chunked_end(struct chunked *chunked, struct s3_error *err)
{
	struct trailers trailers = {.checksums_match = true};
	bool ok = chunked->state == OVER;

	if (chunked->state == TRAILERS)
		ok = check_trailers(chunked, &trailers, err);
	else if (chunked->state == FAILED)
		*err = chunked->why;
	else if (!ok)
		s3_fail(err, S3_INCOMPLETE_BODY, NULL);
	buffer_finish(&trailers.text);
	if (!ok)
		return fail(chunked, err);
	chunked->state = OVER;
	return true;
}
