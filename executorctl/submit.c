#include "executorctl/submit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "executorctl/environ.h"
#include "executorctl/rest.h"
#include "executorctl/stream.h"
#include "executorctl/table.h"

enum { CALLBACK_WAIT_MS = 15000, BUSY_WAIT_S = 1 };

/* --- Metadata ----------------------------------------------------------------------------------------------------------------------- */

static void add_text(cJSON *object, const char *name, const char *text)
{
	if (text)
		cJSON_AddStringToObject(object, name, text);
}

static cJSON *texts_of(const struct ctl_args *args, char letter)
{
	cJSON *list = cJSON_CreateArray();
	const char *value;
	size_t at = 0;

	while ((value = ctl_next_value(args, letter, &at)))
		cJSON_AddItemToArray(list, cJSON_CreateString(value));
	return list;
}

static void add_target(cJSON *metadata, const struct ctl_args *args)
{
	cJSON *target;

	if (!ctl_given(args, 't') && !ctl_given(args, 'i'))
		return;
	target = cJSON_AddObjectToObject(metadata, "target");
	add_text(target, "id", ctl_value(args, 'i'));
	if (ctl_given(args, 't'))
		cJSON_AddItemToObject(target, "tags", texts_of(args, 't'));
}

static bool add_minio(cJSON *metadata, const struct ctl_args *args, struct gw_error *err)
{
	const char *environment = getenv("VALVE_MINIO_AUTH_CREDENTIALS"), *given = ctl_value(args, 'a');
	const char *auth = given ? given : environment && *environment ? environment : NULL, *colon = auth ? strchr(auth, ':') : NULL;
	cJSON *minio = cJSON_AddObjectToObject(metadata, "minio"), *credentials = cJSON_AddObjectToObject(minio, "credentials");
	char *key;

	cJSON_AddItemToObject(minio, "groups", texts_of(args, 'g'));
	if (auth && (!colon || colon == auth || !colon[1]))
		return gw_fail(err, GW_BAD_INPUT, "run: %s is not of the form KEY:SECRET",
			       given ? "--minio-auth" : "VALVE_MINIO_AUTH_CREDENTIALS");
	if (auth) {
		key = gw_strndup(auth, (size_t)(colon - auth));
		cJSON_AddStringToObject(credentials, "access_key", key);
		cJSON_AddStringToObject(credentials, "secret_key", colon + 1);
		free(key);
	}
	return true;
}

char *submit_metadata(const struct ctl_args *args, uint16_t port, struct gw_error *err)
{
	cJSON *metadata = cJSON_CreateObject(), *callback, *variables;
	char *text = NULL;

	cJSON_AddNumberToObject(metadata, "version", 1);
	add_text(metadata, "job_id", ctl_value(args, 'j'));
	add_target(metadata, args);
	callback = cJSON_AddObjectToObject(metadata, "callback");
	add_text(callback, "host", ctl_value(args, 'c'));
	cJSON_AddNumberToObject(callback, "port", port);
	variables = cJSON_AddObjectToObject(metadata, "environ");
	add_text(metadata, "job_cookie", ctl_value(args, 'C'));
	if (add_minio(metadata, args, err) && environ_add(variables, ctl_value(args, 'E'), err))
		text = cJSON_PrintUnformatted(metadata);
	cJSON_Delete(metadata);
	return text;
}

/* --- The port that is called back --------------------------------------------------------------------------------------------------- */

static int listen_anywhere(uint16_t *port, struct gw_error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 1) == 0 &&
	    getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
		*port = ntohs(address.sin_port);
		return fd;
	}
	gw_fail_errno(err, GW_INTERNAL, errno, "cannot listen for the gateway's connection");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A gateway that vanishes without a word is noticed within half a minute. */
static void keep_alive(int fd)
{
	const struct {
		int level, name, value;
	} options[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
		       {IPPROTO_TCP, TCP_KEEPIDLE, 10},
		       {IPPROTO_TCP, TCP_KEEPINTVL, 5},
		       {IPPROTO_TCP, TCP_KEEPCNT, 3},
		       {IPPROTO_TCP, TCP_NODELAY, 1}};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(options[i].value));
}

static int await_callback(int listener, uint16_t port, struct gw_error *err)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	int n, fd;

	while ((n = poll(&p, 1, CALLBACK_WAIT_MS)) < 0 && errno == EINTR)
		;
	if (n == 0)
		return gw_fail(err, GW_UNREACHABLE,
			       "the gateway took the job but did not connect to our port %u within %d s; a firewall, or "
			       "another address is needed: --callback",
			       port, CALLBACK_WAIT_MS / 1000),
		       -1;
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot take the gateway's connection"), -1;
	keep_alive(fd);
	return fd;
}

/* --- The form ----------------------------------------------------------------------------------------------------------------------- */

struct form {
	const char *metadata;
	const struct submission *sent;
	off_t tar_at; /* how much of the archive was read */
};

/* The server takes only parts with a file name. */
static void add_part(curl_mime *mime, const char *name, const char *type, const char *bytes, size_t len)
{
	curl_mimepart *part = curl_mime_addpart(mime);

	curl_mime_name(part, name);
	curl_mime_filename(part, name);
	curl_mime_type(part, type);
	curl_mime_data(part, bytes, len);
}

static size_t read_tar(char *to, size_t size, size_t n, void *data)
{
	struct form *form = data;
	ssize_t got = pread(form->sent->tar, to, size * n, form->tar_at);

	if (got < 0)
		return CURL_READFUNC_ABORT;
	form->tar_at += got;
	return (size_t)got;
}

static int seek_tar(void *data, curl_off_t offset, int origin)
{
	struct form *form = data;

	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	form->tar_at = offset;
	return CURL_SEEKFUNC_OK;
}

static void add_tar(curl_mime *mime, struct form *form)
{
	static const char name[] = "job_bucket_initial_state_tarball_file";
	curl_mimepart *part = curl_mime_addpart(mime);
	off_t size = lseek(form->sent->tar, 0, SEEK_END);

	form->tar_at = 0;
	curl_mime_name(part, name);
	curl_mime_filename(part, name);
	curl_mime_type(part, "application/octet-stream");
	curl_mime_data_cb(part, size, read_tar, seek_tar, NULL, form);
}

static void fill_form(void *data, curl_mime *mime)
{
	struct form *form = data;

	add_part(mime, "metadata", "application/json", form->metadata, strlen(form->metadata));
	add_part(mime, "job", "application/x-yaml", form->sent->job, form->sent->len);
	if (form->sent->tar >= 0)
		add_tar(mime, form);
}

/* A machine may have become free: a step into IDLE, or events that were lost. */
static bool is_hope(const struct event *event)
{
	const char *to = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event->data, "to"));

	return strcmp(event->name, "gap") == 0 || (strcmp(event->name, "step") == 0 && to && strcmp(to, "IDLE") == 0);
}

/* Returns when asking again makes sense. The original's gateway tells nobody: there, and where the stream is lost, it is asked each second.
 */
static void await_machine(const struct ctl *ctl, struct stream **stream, bool *tried)
{
	struct event event = {0};
	struct gw_error why = {0};
	bool hope = false;

	if (!*stream && !*tried) {
		*tried = true;
		*stream = stream_open(ctl, &why);
		hope = *stream != NULL; /* one may have become free before it began */
	}
	while (*stream && !hope) {
		if (stream_next(*stream, &event, -1, -1, &why) != STREAM_EVENT) {
			stream_close(*stream);
			*stream = NULL;
			*tried = false;
			break;
		}
		hope = is_hope(&event);
		event_finish(&event);
	}
	if (!hope)
		sleep(BUSY_WAIT_S);
}

static void say_waiting(const struct gw_error *why)
{
	char *text = printable(why->text);

	fprintf(stderr, "executorctl: waiting: %s\n", text);
	free(text);
}

/* 409: all the machines that the job may run on are busy. */
static bool post(const struct ctl *ctl, struct form *form, bool wait, struct gw_error *err)
{
	struct stream *stream = NULL;
	struct ctl patient = *ctl;
	bool said = false, tried = false;
	long status;

	if (form->sent->tar >= 0)
		patient.patience_ms = -1;
	while ((status = rest_post_form(&patient, "jobs", fill_form, form, err)) == 409 && wait) {
		if (!said)
			say_waiting(err);
		said = true;
		*err = (struct gw_error){0};
		await_machine(ctl, &stream, &tried);
	}
	stream_close(stream);
	return status == 200;
}

int submit_job(const struct ctl *ctl, const struct ctl_args *args, const struct submission *sent, struct gw_error *err)
{
	uint16_t port;
	int listener = listen_anywhere(&port, err), fd = -1;
	char *metadata = listener < 0 ? NULL : submit_metadata(args, port, err);
	struct form form = {metadata, sent, 0};

	if (metadata && post(ctl, &form, ctl_given(args, 'w'), err))
		fd = await_callback(listener, port, err);
	if (listener >= 0)
		close(listener);
	gw_free_secret(metadata);
	return fd;
}
