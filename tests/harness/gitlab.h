/* For tests of gitlabd: the stand-in GitLabs (gitlab.py) and their door, and executord as gitlabd sees it, with a database of instances,
 * DUTs and tokens. All waiting runs the loop, so that gitlabd's questions are answered meanwhile; what does not come in
 * GITLAB_PATIENCE_S fails the test and shows gitlabd's log. */
#ifndef TESTS_HARNESS_GITLAB_H
#define TESTS_HARNESS_GITLAB_H

#include <cjson/cJSON.h>

#include "libbus/bus.h"
#include "tests/harness/proc.h"

#define GITLAB_DOOR 9000
/* Only a failing test waits that long. A GitLab that was away for a minute is left alone for up to another two. */
#define GITLAB_PATIENCE_S 240

struct gitlab_farm {
	struct loop loop;
	struct bus executord;
	struct proc servers, gitlabd;
	char runtime[256], state[256], config[256];
	uv_fs_event_t config_watch;
	cJSON *db;      /* in the shape of gitlab.configure */
	bool up;        /* gitlabd is on the bus */
	int configured; /* times that it took gitlab.configure */
	int told;       /* gitlab.token requests taken */
	bool deaf;      /* the next gitlab.token is left unanswered as long as gitlabd lives */
	bool late;      /* the next one is answered by gl_answer_late alone, long after the change that shows it */
	struct bus_call *unanswered;
	const char *fails; /* gitlab.token is answered INTERNAL with this text; NULL: as executord would */
};
extern struct gitlab_farm gl;

/* `places`: gitlab.py's NAME=PORT[,CERTIFICATE], NULL-terminated. The farm is "farm". */
void gl_start(const char *const *places);
void gl_finish(void); /* also removes all files */
int gl_setup_three(
	void **state);         /* of cmocka: `a`, `b` and `c` for runners of a project, a group and the instance, on ports from 9001 on */
int gl_teardown(void **state); /* of cmocka */
extern const char *const gl_insecure[]; /* for gl_gitlabd_start: http:// is accepted */
/* `env` (may be NULL) is added. Waits until it is on the bus and has its configuration. */
void gl_gitlabd_start(const char *const *env);
int gl_gitlabd_stop(int signal); /* its exit code */
/* is_so is asked at each turn of the loop: answers, gitlabd's questions and changes of config.toml make one. */
void gl_until(bool (*is_so)(void), const char *what);

/* ---- the door ---- */

/* POST /NAME/WHAT with the JSON that fmt makes ("" for none), or GET /NAME if `what` is NULL. The caller deletes. An answer other than 200
 * fails the test. */
cJSON *gl_ask(const char *name, const char *what, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void gl_do(const char *name, const char *what, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void gl_await_runners(const char *name, int n);
/* Until `n` requests have come whose path has the regular expression, since the start or the last `forget`. */
void gl_await_requests(const char *name, const char *method, const char *path, int n);
int gl_count(const char *name, const char *method, const char *path); /* of requests; the path as a part */
cJSON *gl_runner(const char *name, const char *description); /* as the server keeps it; the caller deletes; fails if there is not one */

/* ---- the database ---- */

/* Has tokens as gitlab.py gives them to NAME; project 42, group 7. exposed; maximum_timeout 3600. */
cJSON *gl_add_instance(const char *name, const char *url, const char *runner_type);
cJSON *gl_add_dut(const char *id, const char *full_name); /* tags x86, full_name and farm:farm; exposed on all instances; available */
cJSON *gl_dut(const char *id);
cJSON *gl_instance(const char *name);
cJSON *gl_entry(const char *dut, const char *instance);      /* dut NULL: the gateway's runner; NULL if there is none */
const char *gl_token(const char *dut, const char *instance); /* NULL: none */
void gl_set(cJSON *object, const char *field, const char *json);
void gl_allow_gateway(const char *instance, const char *user); /* NULL: a gateway runner without rules */

/* Tells gitlabd; each waits for its answer. */
void gl_tell_all(void);
void gl_tell_dut(const char *id);
void gl_tell_instance(const char *name);
void gl_remove_dut(const char *id);
void gl_remove_instance(const char *name);
void gl_answer_late(void);
void gl_until_token(const char *dut, const char *instance);
void gl_until_no_token(const char *dut, const char *instance);
void gl_until_tokens(int n); /* all together */
cJSON *gl_status(void);      /* the caller deletes */
cJSON *gl_prune(bool remove);
void gl_prune_begin(bool remove); /* asks nothing else of gitlabd before gl_prune_end */
cJSON *gl_prune_end(void);
/* Of the status: the runner, borrowed from it; dut NULL: the gateway's. */
cJSON *gl_status_of(const cJSON *status, const char *dut, const char *instance);
void gl_add_duts(int n);                            /* gl_id(0) is farm-x86-1, and so on */
const char *gl_id(int i);                           /* valid until the next call */
void gl_until_config(const char *text, bool there); /* until config.toml is there and has the text, or has it not */
bool gl_config_has(const char *text);
void gl_assert_field(const cJSON *object, const char *field, const char *json);
const char *gl_text(const cJSON *object, const char *field); /* "" if there is none */
double gl_number(const cJSON *object, const char *field);

#endif
