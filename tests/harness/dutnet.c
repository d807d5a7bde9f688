#include "tests/harness/dutnet.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/proc.h"

enum { ANSWER_MAX = 65536 };

static pid_t holder; /* of the namespace */

static void hold_namespace(void)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	holder = fork();
	if (holder == 0) {
		if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "y", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
}

/* The kernel tells the bridge some time after a link is up. */
void bridge_await_port(const char *name)
{
	char *command = gw_sprintf("bridge link show dev %s | grep -q 'state forwarding'", name);

	for (int tries = 0; system(command) != 0; tries++) {
		if (tries * 5 > PROC_PATIENCE_MS)
			fail_msg("the bridge does not take %s", name);
		poll(NULL, 0, 5);
	}
	free(command);
}

void dutnet_start(const char *mac, const char *ip)
{
	char *command;

	hold_namespace();
	command = gw_sprintf("ip link add dutnet0 type veth peer name eth0 address %s && ip link set eth0 netns %d && "
			     "ip link set dutnet0 master private up && nsenter -t %d -n ip link set eth0 up && "
			     "nsenter -t %d -n ip addr add %s dev eth0",
			     mac, (int)holder, (int)holder, (int)holder, ip);
	assert_int_equal(system(command), 0);
	free(command);
	bridge_await_port("dutnet0");
}

void dutnet_end(void)
{
	shell("ip link del dutnet0"); /* the namespace's end takes it along, but some time later */
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	holder = 0;
}

int dutnet_socket(int type)
{
	char path[64];
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there, fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)holder);
	there = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(setns(there, CLONE_NEWNET), 0);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	assert_int_equal(setns(own, CLONE_NEWNET), 0);
	close(there);
	close(own);
	assert_true(fd >= 0);
	return fd;
}

int dutnet_curl(char **answer, const char *fmt, ...)
{
	char *text = gw_calloc(ANSWER_MAX + 1, 1), *arguments, *command, *status;
	va_list ap;
	FILE *curl;

	va_start(ap, fmt);
	assert_true(vasprintf(&arguments, fmt, ap) >= 0);
	va_end(ap);
	command = gw_sprintf("nsenter -t %d -n curl -s --noproxy '*' -w '\\n%%{http_code}' %s", (int)holder, arguments);
	curl = popen(command, "r");
	assert_non_null(curl);
	assert_true(fread(text, 1, ANSWER_MAX, curl) > 0);
	pclose(curl);
	status = strrchr(text, '\n');
	assert_non_null(status);
	*status = '\0';
	*answer = text;
	free(arguments);
	free(command);
	return atoi(status + 1);
}

int dutnet_request(const char *method, const char *path, const char *body, char **answer)
{
	file_put(tmp_path("dutnet.json"), body ? body : "");
	return dutnet_curl(answer, "-X %s %s http://10.42.0.1'%s'", method,
			   body ? "-H 'Content-Type: application/json' --data-binary @\"$TMPDIR/dutnet.json\"" : "", path);
}
