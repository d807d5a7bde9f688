#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/admission.h"

static char amdgpu[] = "amdgpu", x86[] = "x86_64", freesync[] = "freesync", farm[] = "farm:lab", arm[] = "arm";
static char *tags_a[] = {amdgpu, x86}, *tags_b[] = {x86}, *manual[] = {freesync};
static const struct mars_strings some = {tags_a, 2}, few = {tags_b, 1}, hand = {manual, 1}, none = {NULL, 0};

#define GPU                                                                                                                                \
	{                                                                                                                                  \
		"id1", "lab-gpu-1", &some, &hand, DUT_IDLE, false                                                                          \
	}
#define GPU2                                                                                                                               \
	{                                                                                                                                  \
		"id2", "lab-gpu-2", &some, &none, DUT_IDLE, false                                                                          \
	}
#define BOX                                                                                                                                \
	{                                                                                                                                  \
		"id3", "lab-box-1", &few, &none, DUT_IDLE, false                                                                           \
	}
#define BUSY                                                                                                                               \
	{                                                                                                                                  \
		"id1", "lab-gpu-1", &some, &hand, DUT_RUNNING, false                                                                       \
	}
#define TRAINS                                                                                                                             \
	{                                                                                                                                  \
		"id2", "lab-gpu-2", &some, &none, DUT_TRAINING, false                                                                      \
	}
#define NOT_OFF                                                                                                                            \
	{                                                                                                                                  \
		"id1", "lab-gpu-1", &some, &hand, DUT_IDLE, false, true                                                                    \
	}
#define CHECKED                                                                                                                            \
	{                                                                                                                                  \
		"id1", "lab-gpu-1", &some, &hand, DUT_QUICK_CHECK, false                                                                   \
	}
#define WAITS                                                                                                                              \
	{                                                                                                                                  \
		"id1", "lab-gpu-1", &some, &hand, DUT_WAIT_FOR_CONFIG, false                                                               \
	}
#define QUEUED                                                                                                                             \
	{                                                                                                                                  \
		"id1", "lab-gpu-1", &some, &hand, DUT_QUEUED, false                                                                        \
	}
#define TO_RETIRE                                                                                                                          \
	{                                                                                                                                  \
		"id1", "lab-gpu-1", &some, &hand, DUT_RUNNING, true                                                                        \
	}
#define RETIRED                                                                                                                            \
	{                                                                                                                                  \
		"id1", "lab-gpu-1", &some, &hand, DUT_RETIRED, true                                                                        \
	}

static char *ask_gpu[] = {amdgpu}, *ask_both[] = {amdgpu, freesync}, *ask_farm[] = {farm, x86}, *ask_arm[] = {arm};

static const struct row {
	struct candidate v[3];
	size_t n;
	struct target target;
	size_t chosen; /* SIZE_MAX: none */
	int status;
	const char *error;
} rows[] = {
	{{GPU, GPU2, BOX}, 3, {NULL, NULL, 0}, 0, 0, NULL}, /* no tags: any machine */
	{{BOX, GPU}, 2, {NULL, ask_gpu, 1}, 1, 0, NULL},
	{{GPU2, GPU}, 2, {NULL, ask_both, 2}, 1, 0, NULL}, /* manual tags count */
	{{BOX}, 1, {NULL, ask_farm, 2}, 0, 0, NULL},
	{{BUSY, GPU2}, 2, {NULL, ask_gpu, 1}, 1, 0, NULL},
	{{GPU, BOX}, 2, {"id3", NULL, 0}, 1, 0, NULL},
	{{GPU, BOX}, 2, {"lab-box-1", NULL, 0}, 1, 0, NULL}, /* by its full name */
	{{GPU}, 1, {"id9", NULL, 0}, SIZE_MAX, 404, "there is no machine 'id9'"},
	{{BOX, GPU}, 2, {NULL, ask_arm, 1}, SIZE_MAX, 406, "no machine has the tags arm"},
	{{RETIRED, BOX}, 2, {NULL, ask_gpu, 1}, SIZE_MAX, 406, "no machine has the tags amdgpu"},
	{{GPU}, 0, {NULL, NULL, 0}, SIZE_MAX, 406, "there is no machine"},
	{{RETIRED}, 1, {"id1", NULL, 0}, SIZE_MAX, 406, "the machine 'id1' is retired"},
	{{BOX}, 1, {"id3", ask_gpu, 1}, SIZE_MAX, 406, "the machine 'id3' does not have the tag 'amdgpu'"},
	{{BUSY}, 1, {"id1", NULL, 0}, SIZE_MAX, 409, "the machine 'id1' cannot take a job now: the machine is running a job"},
	{{TRAINS}, 1, {"lab-gpu-2", NULL, 0}, SIZE_MAX, 409, "the machine 'lab-gpu-2' cannot take a job now: the machine is in training"},
	{{CHECKED}, 1, {"id1", NULL, 0}, SIZE_MAX, 409, "the machine 'id1' cannot take a job now: the machine is being checked"},
	{{QUEUED},
	 1,
	 {"id1", NULL, 0},
	 SIZE_MAX,
	 409,
	 "the machine 'id1' cannot take a job now: the machine was just given to another job"},
	{{WAITS},
	 1,
	 {"id1", NULL, 0},
	 SIZE_MAX,
	 409,
	 "the machine 'id1' cannot take a job now: the machine waits for its power port to be configured"},
	{{NOT_OFF},
	 1,
	 {"id1", NULL, 0},
	 SIZE_MAX,
	 409,
	 "the machine 'id1' cannot take a job now: its power port could not be switched OFF yet"},
	{{NOT_OFF, GPU2}, 2, {NULL, ask_gpu, 1}, 1, 0, NULL},
	{{TO_RETIRE}, 1, {"id1", NULL, 0}, SIZE_MAX, 406, "the machine 'id1' is retired"}, /* once its job is over */
	{{NOT_OFF},
	 1,
	 {NULL, NULL, 0},
	 SIZE_MAX,
	 409,
	 "the only machine is busy, in training, waiting for configuration or not known to be OFF; try again later"},
	{{BUSY, TRAINS, BOX},
	 3,
	 {NULL, ask_gpu, 1},
	 SIZE_MAX,
	 409,
	 "all 2 machines with the tags amdgpu are busy, in training, waiting for configuration or not known to be OFF; try again later"},
};

static void a_job_gets_an_idle_machine_with_all_its_tags_or_the_reason_why_not(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gw_error err = {0};
		int status = 0;

		assert_int_equal(admission_choose(rows[i].v, rows[i].n, "farm:lab", &rows[i].target, &status, &err), rows[i].chosen);
		assert_int_equal(status, rows[i].status);
		assert_string_equal(err.text, rows[i].error ? rows[i].error : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_job_gets_an_idle_machine_with_all_its_tags_or_the_reason_why_not)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
