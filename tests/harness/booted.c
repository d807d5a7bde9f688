#include "tests/harness/booted.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"

#define WORDS_MAX 32

/* Words parted by spaces, into argv from argv[n] on. */
static void split(char *text, const char **argv, size_t n)
{
	char *rest = text, *word;

	while ((word = strtok_r(rest, " ", &rest))) {
		assert_true(n < WORDS_MAX - 1);
		argv[n++] = word;
	}
	argv[n] = NULL;
}

/* Runs to its end, with the output in `out`. */
static int run(const char *const *argv, char *out, size_t size)
{
	static unsigned number;
	char name[32], *text;
	struct proc p;
	size_t n;
	int code;

	snprintf(name, sizeof(name), "command-%u", ++number);
	proc_start(&p, name, argv, NULL);
	code = proc_wait(&p);
	text = proc_log(&p);
	n = strlen(text);
	while (n && text[n - 1] == '\n')
		text[--n] = '\0';
	snprintf(out, size, "%s", n < size ? text : text + n - size + 1);
	free(text);
	unlink(p.log_path);
	return code;
}

/* ---- the tree ---- */

static void must_link(const char *tree, const char *name)
{
	char target[256] = "", *there = gw_sprintf("/%s", name), *here = gw_sprintf("%s/%s", tree, name);

	if (readlink(there, target, sizeof(target) - 1) > 0)
		assert_int_equal(symlink(target, here), 0);
	free(there);
	free(here);
}

/* What systemd needs on top of the host's /usr. */
static void make_tree(const char *tree)
{
	static const char *const folders[] = {"", "usr", "etc", "var", "root", "tmp"}, *const links[] = {"bin", "sbin", "lib", "lib64",
													 "lib32"};
	char *text, *path;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		path = gw_sprintf("%s/%s", tree, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
		free(path);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		must_link(tree, links[i]);
	text = file_get("/etc/os-release");
	path = gw_sprintf("%s/etc/os-release", tree);
	file_put(path, text);
	free(path);
	free(text);
	path = gw_sprintf("%s/etc/machine-id", tree);
	file_put(path, "");
	free(path);
}

/* Each test's systemd-nspawn keeps its books in /run; ours is our own. */
static void private_run(void)
{
	static bool done;

	if (!done && mount("tmpfs", "/run", "tmpfs", 0, "mode=755") < 0)
		fprintf(stderr, "no /run of our own: the host's is used\n");
	done = true;
}

#define NSPAWN                                                                                                                             \
	"systemd-nspawn -q --register=no --keep-unit --resolv-conf=off --timezone=off --link-journal=no --console=pipe --bind-ro=/usr -D "

bool booted_possible(char *why, size_t size)
{
	char *tree = gw_strdup(tmp_path("probe")), *command = gw_sprintf(NSPAWN "%s --as-pid2 /bin/true", tree), said[400], *line;
	const char *argv[WORDS_MAX];
	int code;

	private_run();
	make_tree(tree);
	split(command, argv, 0);
	code = run(argv, said, sizeof(said));
	line = strrchr(said, '\n');
	snprintf(why, size, "systemd-nspawn cannot run here (exit code %d): %s", code, line ? line + 1 : said);
	free(command);
	free(tree);
	return code == 0;
}

static void install(const char *tree)
{
	const char *const argv[] = {"meson", "install", "-C", GW_BUILD_ROOT, "--no-rebuild", "--quiet", "--destdir", tree, NULL};
	char said[2000];

	if (run(argv, said, sizeof(said)) != 0)
		fail_msg("meson install: %s", said);
}

/* ---- booting ---- */

static int listen_for_nspawn(void)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(where.sun_path, sizeof(where.sun_path), "%s", tmp_path("nspawn.notify"));
	assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	return fd;
}

static void await_ready(struct booted *b, int notify)
{
	bool ready = false;

	while (!ready || !b->init) {
		struct pollfd p = {.fd = notify, .events = POLLIN};
		char text[2048], *leader;
		ssize_t n = poll(&p, 1, PROC_PATIENCE_MS) == 1 ? recv(notify, text, sizeof(text) - 1, 0) : 0;

		if (n <= 0) {
			proc_show(&b->container);
			fail_msg("systemd did not boot");
		}
		text[n] = '\0';
		leader = strstr(text, "X_NSPAWN_LEADER_PID=");
		if (leader)
			b->init = (pid_t)atoi(strchr(leader, '=') + 1);
		ready |= strstr(text, "READY=1") != NULL;
	}
}

void booted_start(struct booted *b)
{
	char *installed = gw_strdup(tmp_path("installed")), *command;
	char *notify = gw_sprintf("NOTIFY_SOCKET=%s", tmp_path("nspawn.notify"));
	const char *argv[WORDS_MAX], *const env[] = {notify, NULL};

	int fd = listen_for_nspawn();

	*b = (struct booted){0};
	snprintf(b->tree, sizeof(b->tree), "%s", tmp_path("tree"));
	make_tree(b->tree);
	install(installed);
	command = gw_sprintf(NSPAWN "%s --bind-ro=%s/usr/local:/usr/local --notify-ready=yes --hostname=test-gateway --boot -- "
				    "--unit=basic.target",
			     b->tree, installed);
	split(command, argv, 0);
	proc_start(&b->container, "container", argv, env);
	await_ready(b, fd);
	close(fd); /* unread, each `start job is running` of a slow machine would fill it, until systemd itself waits for a place there */
	free(command);
	free(notify);
	free(installed);
}

void booted_stop(struct booted *b)
{
	proc_end(&b->journal, SIGTERM);
	proc_end(&b->container, SIGTERM); /* systemd-nspawn has it power off */
}

static int run_in(struct booted *b, char *out, size_t size, const char *fmt, va_list ap)
{
	char pid[16], *command = NULL;
	const char *argv[WORDS_MAX] = {"nsenter", "--all", "--wd=/", "--target", pid, "--"};
	int code;

	snprintf(pid, sizeof(pid), "%d", (int)b->init);
	assert_true(vasprintf(&command, fmt, ap) >= 0);
	split(command, argv, 6);
	code = run(argv, out, size);
	free(command);
	return code;
}

static char outputs[4][16384];
static unsigned next_output;

int booted_try(struct booted *b, const char **output, const char *fmt, ...)
{
	char *out = outputs[next_output++ % 4];
	va_list ap;
	int code;

	va_start(ap, fmt);
	code = run_in(b, out, sizeof(outputs[0]), fmt, ap);
	va_end(ap);
	if (output)
		*output = out;
	return code;
}

const char *booted_run(struct booted *b, const char *fmt, ...)
{
	char *out = outputs[next_output++ % 4];
	va_list ap;
	int code;

	va_start(ap, fmt);
	code = run_in(b, out, sizeof(outputs[0]), fmt, ap);
	va_end(ap);
	if (code != 0) {
		if (b->journal.pid)
			proc_show(&b->journal);
		proc_show(&b->container);
		fail_msg("'%s': exit code %d: %s", fmt, code, out);
	}
	return out;
}

void booted_put(const struct booted *b, const char *path, const char *text)
{
	char *full = gw_sprintf("%s%s", b->tree, path);

	for (char *slash = full + strlen(b->tree) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	file_put(full, text);
	free(full);
}
