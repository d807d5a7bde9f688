#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/rest.h"
#include "libgateway/files.h"

#define PAGE GW_SOURCE_ROOT "/docs/rest.md"

static int load(void **state)
{
	struct gw_error err = {0};
	size_t len;

	*state = file_read(PAGE, 1 << 20, &len, &err);
	return *state ? 0 : -1;
}

static int unload(void **state)
{
	free(*state);
	return 0;
}

/* "dut/{id}" of "/api/v1/machine/{id}": the page says what is another name of what. The caller frees. */
static char *without_alias(const char *path)
{
	const char *alias = "/api/v1/machine";

	return strncmp(path, alias, strlen(alias)) == 0 ? gw_sprintf("/api/v1/dut%s", path + strlen(alias)) : gw_strdup(path);
}

static void each_route_has_its_heading(void **state)
{
	for (const struct http_route *route = rest_routes; route->method; route++) {
		char *path = without_alias(route->path), *heading = gw_sprintf("\n### %s %s\n", route->method, path);

		if (!strstr(*state, heading))
			fail_msg("docs/rest.md has no heading%s", heading);
		free(path);
		free(heading);
	}
}

static bool is_served(const char *method, const char *path)
{
	for (const struct http_route *route = rest_routes; route->method; route++)
		if (strcmp(route->method, method) == 0 && strcmp(route->path, path) == 0)
			return true;
	return false;
}

static void each_heading_is_a_route_with_an_example(void **state)
{
	unsigned n = 0;

	for (const char *at = *state; (at = strstr(at, "\n### ")); at++) {
		const char *end = strstr(at + 1, "\n##"), *example = strstr(at, "\n```\n$ curl ");
		char method[16], path[128];

		assert_int_equal(sscanf(at, "\n### %15s %127s\n", method, path), 2);
		if (!is_served(method, path))
			fail_msg("docs/rest.md: %s %s is not served", method, path);
		if (!example || (end && example > end))
			fail_msg("docs/rest.md: %s %s has no example", method, path);
		n++;
	}
	assert_true(n > 20);
}

static void each_name_of_a_machine_has_its_alias(void **state)
{
	for (const struct http_route *route = rest_routes; route->method; route++) {
		char *alias;

		if (strncmp(route->path, "/api/v1/dut", 11) != 0)
			continue;
		alias = gw_sprintf("/api/v1/machine%s", route->path + 11);
		if (!is_served(route->method, alias))
			fail_msg("%s %s is not served", route->method, alias);
		free(alias);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_route_has_its_heading),
		cmocka_unit_test(each_heading_is_a_route_with_an_example),
		cmocka_unit_test(each_name_of_a_machine_has_its_alias),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
