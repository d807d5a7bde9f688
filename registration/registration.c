/* registration: runs on a test machine. `register` adds the machine to the gateway's database, or updates it; `check` compares the two. A
 * static program of plain libc, so that it fits into any initramfs: nothing of the gateway's own code is in it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "registration/facts.h"
#include "registration/http.h"
#include "registration/json.h"
#include "registration/nic.h"
#include "registration/serial.h"
#include "registration/text.h"

#define BODY_MAX 16384

struct registration {
	const char *host, *root;
	bool no_tty;
	struct http_server server;
	struct nic nic;
	struct facts facts;
	struct serial_port tty;
	bool has_tty;
	char body[BODY_MAX];
	struct http_answer answer;
};

static char answer_bytes[HTTP_ANSWER_MAX + 1]; /* what `answer` lies in; not in the struct, which has initial values in the file */

static const char usage[] = "Usage: registration [-m HOST[:PORT]] [--no-tty] register|check|cache\n"
			    "\n"
			    "Makes this machine known to the gateway of its test farm.\n"
			    "\n"
			    "  register  adds it to the gateway's database, or updates it there\n"
			    "  check     compares it with what the gateway has of it, and its console with SALAD\n"
			    "  cache     is not built yet\n"
			    "\n"
			    "  -m HOST[:PORT]  the gateway, a name or an IPv4 address; default: ci-gateway, port 80\n"
			    "  --no-tty        leaves the serial ports and the console alone\n"
			    "  --root DIR      reads /proc, /sys, /etc and /dev below DIR, for tests\n"
			    "  --help, --version\n"
			    "\n"
			    "Exit codes: 0 done, or all is equal; 1 failed, or something differs; 2 bad usage.\n";

/* ---- what is said of this machine ---- */

static void add_field(struct text *body, const char *key, const char *value)
{
	text_add(body, "%s\"%s\":", body->len > 1 ? "," : "", key);
	if (value)
		json_add_text(body, value);
	else
		text_add(body, "null");
}

static void add_tags(struct text *body, const struct facts *facts)
{
	text_add(body, ",\"tags\":[");
	for (size_t i = 0; i < facts->n_tags; i++) {
		text_add(body, "%s", i ? "," : "");
		json_add_text(body, facts->tags[i]);
	}
	text_add(body, "]");
}

/* The gateway refuses any other key. */
static void make_body(struct registration *r)
{
	struct text body = TEXT_ON(r->body);

	text_add(&body, "{");
	add_field(&body, "base_name", r->facts.base_name);
	add_tags(&body, &r->facts);
	add_field(&body, "mac_address", r->nic.mac);
	add_field(&body, "ip_address", r->nic.ip);
	add_field(&body, "local_tty_device", r->has_tty ? r->tty.name : NULL);
	text_add(&body, "}");
}

static bool learn(struct registration *r, struct failure *why)
{
	struct utsname machine;

	uname(&machine);
	facts_read(&r->facts, r->root, machine.machine);
	return http_server_find(&r->server, r->root, r->host, why) && nic_find(&r->nic, r->root, why);
}

/* ---- register ---- */

static void find_tty(struct registration *r)
{
	r->has_tty = !r->no_tty && serial_find(&r->tty, r->root);
	if (r->has_tty)
		serial_say(&r->tty, "SALAD.machine_id=%s\n", r->nic.mac);
	else if (!r->no_tty)
		printf("MaRS: no serial port is connected to SALAD: jobs will see no console\n");
}

/* Sends the body; tells what the gateway refuses. Returns the status, 0 if there was none. */
static int send_body(struct registration *r, const char *method, const char *path)
{
	struct failure why;

	if (!http_ask(&r->server, method, path, r->body, answer_bytes, &r->answer, &why)) {
		printf("MaRS: %s\n", printable(why.text));
		return 0;
	}
	if (r->answer.status != 200)
		printf("MaRS: %s %s: status %d: %.400s\n", method, path, r->answer.status, printable(r->answer.body));
	return r->answer.status;
}

static bool add_or_update(struct registration *r)
{
	char path[64];
	int status;

	make_body(r);
	printf("MaRS: this machine is %s\n", r->body);
	status = send_body(r, "POST", "/api/v1/machine/");
	if (status == 400) { /* a gateway that does not update by POST */
		snprintf(path, sizeof(path), "/api/v1/machine/%s/", r->nic.mac);
		status = send_body(r, "PATCH", path);
	}
	return status == 200;
}

static int do_register(struct registration *r)
{
	struct failure why;
	bool ok = learn(r, &why);
	const char *result;

	if (ok)
		find_tty(r);
	else
		printf("MaRS: %s\n", why.text);
	ok = ok && add_or_update(r);
	result = ok ? "complete" : "failed";
	printf("MaRS: Registration %s\n", result);
	fflush(stdout);
	if (r->has_tty) {
		serial_say(&r->tty, "MaRS: Registration %s\n", result);
		serial_close(&r->tty);
	}
	return ok ? 0 : 1;
}

/* ---- check ---- */

static bool has_tag(const struct json *tags, const char *tag)
{
	struct json one;

	for (size_t at = 0; json_next(tags, &at, &one);)
		if (json_is_text(&one, tag))
			return true;
	return false;
}

static bool is_own_tag(const struct facts *facts, const struct json *tag)
{
	for (size_t i = 0; i < facts->n_tags; i++)
		if (json_is_text(tag, facts->tags[i]))
			return true;
	return false;
}

/* As sets: order and repetition do not count. */
static bool same_tags(const struct facts *facts, const struct json *tags)
{
	struct json one;
	bool same = tags->type == JSON_LIST;

	for (size_t i = 0; same && i < facts->n_tags; i++)
		same = has_tag(tags, facts->tags[i]);
	for (size_t at = 0; same && json_next(tags, &at, &one);)
		same = is_own_tag(facts, &one);
	return same;
}

/* `own` is our value's JSON. */
static bool tell_mismatch(const char *key, const struct json *theirs, const char *own)
{
	char shown[4096];

	snprintf(shown, sizeof(shown), "%.*s", theirs ? (int)theirs->len : 7, theirs ? theirs->at : "nothing");
	printf("Mismatch for '%s': the gateway has %s, this machine has %s\n", key, printable(shown), own);
	return false;
}

static bool check_text(const struct json *dut, const char *key, const char *own)
{
	char own_json[256];
	struct text t = TEXT_ON(own_json);
	struct json theirs;
	bool found = json_find(dut, key, &theirs);

	if (found && json_is_text(&theirs, own))
		return true;
	json_add_text(&t, own);
	return tell_mismatch(key, found ? &theirs : NULL, own_json);
}

static bool check_tags(const struct json *dut, const struct facts *facts)
{
	char own_json[BODY_MAX];
	struct text t = TEXT_ON(own_json);
	struct json theirs;
	bool found = json_find(dut, "tags", &theirs);

	if (found && same_tags(facts, &theirs))
		return true;
	add_tags(&t, facts);
	return tell_mismatch("tags", found ? &theirs : NULL, strchr(own_json, '['));
}

/* Every difference is told. */
static bool compare(const struct registration *r, const struct json *dut)
{
	bool same = check_text(dut, "base_name", r->facts.base_name);

	same &= check_tags(dut, &r->facts);
	same &= check_text(dut, "mac_address", r->nic.mac);
	same &= check_text(dut, "ip_address", r->nic.ip);
	return same;
}

static bool fetch(struct registration *r, struct json *dut, struct failure *why)
{
	char path[64];

	snprintf(path, sizeof(path), "/api/v1/machine/%s/", r->nic.mac);
	if (!http_ask(&r->server, "GET", path, NULL, answer_bytes, &r->answer, why))
		return false;
	if (r->answer.status != 200)
		return failed(why, "GET %s: status %d: %.400s", path, r->answer.status, r->answer.body);
	if (!json_document(r->answer.body, r->answer.len, dut) || dut->type != JSON_OBJECT)
		return failed(why, "GET %s: the answer is not a JSON object", path);
	return true;
}

/* Its failure is a warning of the job: the text is what jobs look for. */
static void check_console(struct registration *r)
{
	bool connected = serial_ping_stdio(&r->tty);

	if (connected)
		serial_say(&r->tty, "SALAD.machine_id=%s\n", r->nic.mac);
	serial_close(&r->tty);
	if (!connected)
		printf("The configured console is not connected to SALAD\n");
}

static int do_check(struct registration *r)
{
	struct failure why;
	struct json dut;
	bool same = false;

	if (learn(r, &why) && fetch(r, &dut, &why))
		same = compare(r, &dut);
	else
		printf("MaRS: %s\n", printable(why.text));
	fflush(stdout);
	if (!r->no_tty)
		check_console(r);
	printf("MaRS: Check %s\n", same ? "complete" : "failed");
	return same ? 0 : 1;
}

static int do_cache(struct registration *r)
{
	printf("registration: cache is not built yet\n");
	return 1;
}

/* ---- the command line ---- */

static const struct action {
	const char *name;
	int (*run)(struct registration *r);
} actions[] = {{"register", do_register}, {"check", do_check}, {"cache", do_cache}};

static int bad_usage(const char *what, const char *arg)
{
	fprintf(stderr, "registration: %s%s%s; accepted: [-m HOST[:PORT]] [--no-tty] register|check|cache\n", what, arg ? " " : "",
		arg ? arg : "");
	return 2;
}

static const struct action *action_of(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

int main(int argc, char **argv)
{
	static struct registration r = {.host = "ci-gateway", .root = ""};
	const struct action *action = NULL;

	signal(SIGPIPE, SIG_IGN);
	setlinebuf(stdout); /* a console shows each step as it is done */
	for (int i = 1; i < argc; i++) {
		const char **value = strcmp(argv[i], "-m") == 0 ? &r.host : strcmp(argv[i], "--root") == 0 ? &r.root : NULL;
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "--version") == 0)
			return printf("%s", argv[i][2] == 'h' ? usage : "registration " GW_VERSION "\n") < 0;
		if (value && i + 1 < argc)
			*value = argv[++i];
		else if (value)
			return bad_usage("a value is missing after", argv[i]);
		else if (strcmp(argv[i], "--no-tty") == 0)
			r.no_tty = true;
		else if (action || !(action = action_of(argv[i])))
			return bad_usage("not understood:", argv[i]);
	}
	return action ? action->run(&r) : bad_usage("nothing to do", NULL);
}
