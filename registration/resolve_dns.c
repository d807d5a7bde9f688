/* DNS messages, RFC 1035 section 4. */
#include <string.h>

#include "registration/resolve.h"

#define HEADER      12
#define LABEL_MAX   63
#define NAME_MAX_   253
#define TYPE_A      1
#define CLASS_IN    1
#define FLAG_ANSWER 0x80
#define RCODE       0x0f

struct reader {
	const unsigned char *at, *end;
};

static bool read_bytes(struct reader *r, size_t n, const unsigned char **bytes)
{
	if ((size_t)(r->end - r->at) < n)
		return false;
	*bytes = r->at;
	r->at += n;
	return true;
}

static unsigned number16(const unsigned char *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

/* Ends with an empty label or a pointer to the rest elsewhere (4.1.4), which is of no interest. */
static bool skip_name(struct reader *r)
{
	const unsigned char *length, *label;

	while (read_bytes(r, 1, &length)) {
		if (*length == 0)
			return true;
		if (*length >= 0xc0)
			return read_bytes(r, 1, &label);
		if (*length > LABEL_MAX || !read_bytes(r, *length, &label))
			return false;
	}
	return false;
}

/* *found: it is an address, which is taken. False: the message ends before it does. */
static bool read_record(struct reader *r, unsigned char address[4], bool *found)
{
	const unsigned char *head, *data;

	if (!skip_name(r) || !read_bytes(r, 10, &head) || !read_bytes(r, number16(head + 8), &data))
		return false;
	*found = number16(head) == TYPE_A && number16(head + 2) == CLASS_IN && number16(head + 8) == 4;
	if (*found)
		memcpy(address, data, 4);
	return true;
}

enum dns_answer dns_answer_decode(const unsigned char *message, size_t n, uint16_t id, unsigned char address[4])
{
	struct reader r = {message, message + n};
	const unsigned char *head, *rest;
	unsigned records;
	bool found = false;

	if (!read_bytes(&r, HEADER, &head) || number16(head) != id || !(head[2] & FLAG_ANSWER))
		return DNS_NOT_OURS;
	if ((head[3] & RCODE) || number16(head + 4) != 1 || !skip_name(&r) || !read_bytes(&r, 4, &rest))
		return DNS_NONE;
	for (records = number16(head + 6); records && !found; records--) /* aliases come before what they lead to */
		if (!read_record(&r, address, &found))
			return DNS_NONE;
	return found ? DNS_ADDRESS : DNS_NONE;
}

size_t dns_question(unsigned char message[DNS_MESSAGE_MAX], uint16_t id, const char *name)
{
	const unsigned char head[HEADER] = {(unsigned char)(id >> 8), (unsigned char)id, 1 /* recursion desired */, 0, 0, 1};
	const unsigned char tail[] = {0, 0, TYPE_A, 0, CLASS_IN};
	size_t at = HEADER, length = strlen(name);

	if (length > NAME_MAX_)
		return 0;
	memcpy(message, head, HEADER);
	while (*name) {
		size_t n = strcspn(name, ".");
		if (n == 0 || n > LABEL_MAX)
			return 0;
		message[at++] = (unsigned char)n;
		memcpy(message + at, name, n);
		at += n;
		name += n + (name[n] == '.');
	}
	memcpy(message + at, tail, sizeof(tail));
	return at + sizeof(tail);
}
