#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pdud/vpdud/qmp.h"

static enum qmp_happened take_all(struct qmp *qmp, const char *text, struct gw_error *err)
{
	enum qmp_happened last = QMP_NOTHING, happened;
	size_t n = strlen(text);

	while (n && qmp_take(qmp, &text, &n, &happened, err)) {
		if (happened != QMP_NOTHING)
			last = happened;
	}
	return last;
}

static void a_talk_goes_from_the_greeting_to_running(void **state)
{
	struct gw_error err = {0};
	struct qmp qmp;

	qmp_init(&qmp);
	assert_int_equal(take_all(&qmp, "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n", &err), QMP_GREETED);
	assert_int_equal(take_all(&qmp, "{\"return\": {}, \"id\": \"capab", &err), QMP_NOTHING);
	assert_int_equal(take_all(&qmp, "ilities\"}\r\n", &err), QMP_READY);
	assert_int_equal(take_all(&qmp, "{\"event\": \"RESUME\"}\r\n{\"return\": {}, \"id\": \"cont\"}\r\n", &err), QMP_RUNNING);
	assert_int_equal(take_all(&qmp, "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true}}\r\n", &err), QMP_GUEST_OFF);
	assert_int_equal(err.kind, GW_OK);
	qmp_finish(&qmp);
}

static void an_error_of_qemu_is_passed_on(void **state)
{
	struct gw_error err = {0};
	struct qmp qmp;

	qmp_init(&qmp);
	take_all(&qmp, "{\"id\": \"cont\", \"error\": {\"class\": \"GenericError\", \"desc\": \"Reset needed\"}}\r\n", &err);
	assert_string_equal(err.text, "qemu: Reset needed");
	qmp_finish(&qmp);
}

static void what_is_not_qmp_ends_the_talk(void **state)
{
	struct gw_error err = {0};
	struct qmp qmp;
	char huge[70000];

	qmp_init(&qmp);
	take_all(&qmp, "hello\n", &err);
	assert_string_equal(err.text, "qemu: sent what is not QMP: hello\n");
	memset(huge, 'x', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	err = (struct gw_error){0};
	take_all(&qmp, huge, &err);
	assert_string_equal(err.text, "qemu: a QMP line of more than 65536 bytes");
	qmp_finish(&qmp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_talk_goes_from_the_greeting_to_running),
		cmocka_unit_test(an_error_of_qemu_is_passed_on),
		cmocka_unit_test(what_is_not_qmp_ends_the_talk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
