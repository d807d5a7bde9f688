#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "registration/resolve.h"

#define BYTES(text) (const unsigned char *)(text), sizeof(text) - 1

/* A copy of exactly that size, so that a read beyond it shows. */
static enum dns_answer decode(const unsigned char *bytes, size_t n, uint16_t id, unsigned char address[4])
{
	unsigned char *copy = malloc(n);
	enum dns_answer answer;

	memcpy(copy, bytes, n);
	answer = dns_answer_decode(copy, n, id, address);
	free(copy);
	return answer;
}

static void a_question_is_as_the_rfc_says(void **state)
{
	unsigned char message[DNS_MESSAGE_MAX];
	static const char expected[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\012ci-gateway\3lan\0\0\1\0\1";

	assert_int_equal(dns_question(message, 0x1234, "ci-gateway.lan"), sizeof(expected) - 1);
	assert_memory_equal(message, expected, sizeof(expected) - 1);
	assert_int_equal(dns_question(message, 0x1234, "ci-gateway.lan."), sizeof(expected) - 1);
}

static void what_is_no_host_name_is_not_asked_for(void **state)
{
	unsigned char message[DNS_MESSAGE_MAX];
	char name[300];

	assert_int_equal(dns_question(message, 1, "a..b"), 0);
	memset(name, 'a', sizeof(name));
	name[64] = '\0';
	assert_int_equal(dns_question(message, 1, name), 0);
	for (int i = 0; i < 299; i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	name[299] = '\0';
	assert_int_equal(dns_question(message, 1, name), 0);
}

#define QUESTION "\002gw\0\0\1\0\1"
#define ALIAS    "\300\014\0\005\0\1\0\0\0\x3c\0\4\1b\300\014"
#define ADDRESS  "\300\014\0\1\0\1\0\0\0\x3c\0\4\x0a\x2a\0\1"

static void the_address_is_found_behind_aliases(void **state)
{
	static const char answer[] = "\x12\x34\x81\x80\0\1\0\2\0\0\0\0" QUESTION ALIAS ADDRESS;
	unsigned char address[4];

	assert_int_equal(decode(BYTES(answer), 0x1234, address), DNS_ADDRESS);
	assert_memory_equal(address, "\x0a\x2a\0\1", 4);
	for (size_t n = 0; n < sizeof(answer) - 1; n++)
		assert_int_not_equal(decode((const unsigned char *)answer, n, 0x1234, address), DNS_ADDRESS);
}

static void another_answer_is_not_ours(void **state)
{
	unsigned char address[4];

	assert_int_equal(decode(BYTES("\x12\x35\x81\x80\0\1\0\1\0\0\0\0" QUESTION ADDRESS), 0x1234, address), DNS_NOT_OURS);
	assert_int_equal(decode(BYTES("\x12\x34\x01\x00\0\1\0\1\0\0\0\0" QUESTION ADDRESS), 0x1234, address), DNS_NOT_OURS);
	assert_int_equal(decode(BYTES("\x12\x34"), 0x1234, address), DNS_NOT_OURS);
}

static void a_name_without_address_has_none(void **state)
{
	unsigned char address[4];

	assert_int_equal(decode(BYTES("\x12\x34\x81\x83\0\1\0\0\0\0\0\0" QUESTION), 0x1234, address), DNS_NONE);
	assert_int_equal(decode(BYTES("\x12\x34\x81\x80\0\1\0\1\0\0\0\0" QUESTION ALIAS), 0x1234, address), DNS_NONE);
	assert_int_equal(decode(BYTES("\x12\x34\x81\x80\0\1\xff\xff\0\0\0\0" QUESTION ALIAS), 0x1234, address), DNS_NONE);
	assert_int_equal(decode(BYTES("\x12\x34\x81\x80\0\1\0\1\0\0\0\0\x7fx"), 0x1234, address), DNS_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_as_the_rfc_says),       cmocka_unit_test(what_is_no_host_name_is_not_asked_for),
		cmocka_unit_test(the_address_is_found_behind_aliases), cmocka_unit_test(another_answer_is_not_ours),
		cmocka_unit_test(a_name_without_address_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
