/* The XML that S3's clients and bucketd exchange: documents written into a buffer; the two that clients send, read (libexpat). Pure.
 * Bounds of what is read: 2 MiB, depth 8, 1,000 keys or 10,000 parts; a document type declaration is refused. */
#ifndef BUCKETD_XML_H
#define BUCKETD_XML_H

#include <stddef.h>

#include "bucketd/s3_error.h"
#include "libgateway/buffer.h"

enum { XML_BODY_MAX = 2 * 1024 * 1024, XML_KEYS_MAX = 1000, XML_PARTS_MAX = 10000 };

/* `<?xml ...?><ROOT xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`; xml_close ends what xml_open began. */
void xml_begin(struct buffer *out, const char *root);
void xml_open(struct buffer *out, const char *element);
void xml_close(struct buffer *out, const char *element);
/* <element>text</element>, escaped: bytes that XML 1.0 cannot hold become U+FFFD. */
void xml_text(struct buffer *out, const char *element, const char *text);
void xml_number(struct buffer *out, const char *element, long long n);
/* encoding-type=url: `text` with %XX, `/` kept. */
void xml_url_text(struct buffer *out, const char *element, const char *text);
void xml_time(struct buffer *out, const char *element, long long ns);                 /* since the epoch: 2026-11-25T12:00:00.000Z */
void xml_error(struct buffer *out, const struct s3_error *err, const char *resource); /* a whole document */

struct xml_keys {
	char **v; /* owned, as each is */
	size_t n;
	bool quiet;
};
/* DeleteObjects' body. S3_MALFORMED_XML, S3_ENTITY_TOO_LARGE; S3_NOT_IMPLEMENTED for one version, or one of an ETag, size or time. After a
 * failure nothing needs freeing. */
bool xml_read_delete(struct xml_keys *keys, const char *text, size_t len, struct s3_error *err);
void xml_keys_finish(struct xml_keys *keys);

struct xml_part {
	int number;
	char etag[48]; /* without quotes */
};
struct xml_parts {
	struct xml_part *v; /* owned */
	size_t n;
};
/* CompleteMultipartUpload's body: numbers rise (else S3_INVALID_PART_ORDER), from 1 to 10,000. As xml_read_delete. */
bool xml_read_parts(struct xml_parts *parts, const char *text, size_t len, struct s3_error *err);
void xml_parts_finish(struct xml_parts *parts);

#endif
