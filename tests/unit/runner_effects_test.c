/* Which runners an edit makes necessary. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/runner_effects.h"

#define G(more)  "gitlab: {g: {url: https://g" more "}}\n"
#define D(more)  "duts: {52:54:00:00:00:01: {" more "}}\n"
#define TOKEN    "gitlab: {g: {token: t}}"
#define DUT_ID   "52:54:00:00:00:01"
#define INSTANCE true
#define MACHINE  false

static const struct row {
	bool of_instance;
	const char *before, *after, *want; /* the effects, joined by "; " */
} rows[] = {
	{MACHINE, G("") D("tags: [a, b], " TOKEN), G("") D("manual_tags: [b], tags: [a], " TOKEN), ""},
	{MACHINE, G("") D("tags: [a], " TOKEN), G("") D("tags: [b], " TOKEN), "its runner on g is registered anew: its tags differ"},
	{MACHINE, G("") D("tags: [a]"), G("") D("tags: [b]"), ""}, /* none is registered */
	{MACHINE, G("") D("comment: x, " TOKEN), G("") D(TOKEN), ""},
	{MACHINE, G("") D("base_name: x, " TOKEN), G("") D("base_name: y, " TOKEN), "its runner on g is registered anew: its name differs"},
	{MACHINE, G("") D(TOKEN), G("") D(""), "its runner on g is registered anew: its token is gone"},
	{MACHINE, G("") D(TOKEN), G("") D("gitlab: {g: {exposed: false}}"), "its runner on g is unregistered"},
	{MACHINE, G("") D("gitlab: {g: {exposed: false}}"), G("") D(""),
	 "a runner is registered for it on g, once it is ready for service"},
	{MACHINE, G("") D(TOKEN), G(""), "its runner on g is unregistered"},
	{MACHINE, G(""), G("") D(""), "a runner is registered for it on g, once it is ready for service"},
	{MACHINE, G(", expose_runners: false") D(TOKEN), G(", expose_runners: false") D("tags: [b], " TOKEN), ""},
	{INSTANCE, G("") D(TOKEN), G(", maximum_timeout: 900") D(TOKEN), "runners registered anew, because maximum_timeout differs: 1"},
	{INSTANCE, G("") D(TOKEN), G(", runner_type: group_type, group_id: 3") D(TOKEN),
	 "runners registered anew, because runner_type differs: 1"},
	{INSTANCE, G(", group_id: 2") D(TOKEN), G(", group_id: 3") D(TOKEN), "runners registered anew, because group_id differs: 1"},
	{INSTANCE, G("") D(TOKEN), "gitlab: {g: {url: https://h}}\n" D(TOKEN), "runners registered anew, because its url differs: 1"},
	{INSTANCE, G("") D(TOKEN), G(", registration_token: abcdefgh") D(TOKEN), ""},
	{INSTANCE, G("") D(TOKEN), G(", expose_runners: false") D(TOKEN), "its runners take no more jobs: 1"},
	{INSTANCE, G(", expose_runners: false") D(TOKEN), G("") D(TOKEN), "its runners take jobs again: 1"},
	{INSTANCE, G("") D(TOKEN), D(""), "runners on it are unregistered: 1"},
	{INSTANCE, D(""), G("") D(""), "runners are registered for the machines exposed on it: 1"},
};

static struct mars_db *parse(const char *text)
{
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_parse(text, strlen(text), "mars_db.yaml", NULL, &errs);

	if (!db)
		fail_msg("%s", errs.v[0].text);
	return db;
}

static void each_edit_has_its_effects_on_runners(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mars_db *before = parse(rows[i].before), *after = parse(rows[i].after);
		cJSON *list = cJSON_CreateArray(), *item;
		char got[1000] = "";

		if (rows[i].of_instance)
			runner_effects_of_instance(list, before, after, "g");
		else
			runner_effects_of_dut(list, before, after, mars_db_find_dut(before, DUT_ID), mars_db_find_dut(after, DUT_ID));
		cJSON_ArrayForEach(item, list)
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", *got ? "; " : "", item->valuestring);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s=> %s: %s; wanted: %s", rows[i].before, rows[i].after, got, rows[i].want);
		cJSON_Delete(list);
		mars_db_destroy(before);
		mars_db_destroy(after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_edit_has_its_effects_on_runners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
