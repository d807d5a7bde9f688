/* buckets: what bucketd serves and takes, beside nginx with the same bytes as files (and its WebDAV module for PUT), by the same client
 *(wrk, 16 connections) in turn.
 *
 *	tests/in-namespace build/tests/bench/buckets */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libgateway/error.h"

#define BUCKETD  "" GW_BUILD_ROOT "/bucketd/bucketd"
#define GATEWAY  "10.42.0.1"
#define PASSWORD "bench-of-buckets"
#define ROUNDS   5
#define CURL     "curl -sSf --aws-sigv4 aws:amz:us-east-1:s3 --user minioadmin:" PASSWORD " -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "

enum { US, NGINX, SERVERS };
static const char *const urls[SERVERS] = {[US] = "http://" GATEWAY ":9000/bench", [NGINX] = "http://" GATEWAY ":8081/bench"};

static const struct {
	const char *name;
	unsigned bytes;
} sizes[] = {{"4 KiB", 4096}, {"16 MiB", 16 << 20}};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static char dir[] = "/tmp/buckets.XXXXXX";

static void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static void fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1); /* the namespace's end kills the rest */
}

/* Its output, at most size - 1 bytes. */
static void output_of(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void output_of(char *out, size_t size, const char *fmt, ...)
{
	char command[2048];
	va_list args;
	FILE *pipe;
	size_t n;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	pipe = popen(command, "re");
	n = pipe ? fread(out, 1, size - 1, pipe) : 0;
	out[n] = '\0';
	if (!pipe || pclose(pipe) != 0)
		fail("%s: %s", command, out);
}

/* ---- the two servers ---- */

static void start(const char *const *argv)
{
	char log_path[64];

	snprintf(log_path, sizeof(log_path), "%s/log", dir);
	if (fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644), STDERR_FILENO);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static FILE *create(const char *name)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "we");
	if (!file)
		fail("%s: %s", path, strerror(errno));
	return file;
}

static void set_env(const char *name, const char *tail)
{
	char value[64];

	snprintf(value, sizeof(value), "%s/%s", dir, tail);
	setenv(name, value, 1);
}

static void start_bucketd(void)
{
	FILE *config = create("bucketd.yml");

	fprintf(config, "buckets:\n  bench: {public: true}\n");
	fclose(config);
	set_env("BUCKETD_CONFIG", "bucketd.yml");
	set_env("EXECUTOR_STATE_DIR", "state");
	set_env("EXECUTOR_RUNTIME_DIR", "run");
	setenv("MINIO_URL", "http://" GATEWAY ":9000", 1);
	setenv("MINIO_ROOT_PASSWORD", PASSWORD, 1);
	mkdir(getenv("EXECUTOR_RUNTIME_DIR"), 0755);
	start((const char *const[]){BUCKETD, NULL});
}

static void start_nginx(void)
{
	FILE *file = create("nginx.conf");
	static char path[64];

	fprintf(file,
		"daemon off; user root; worker_processes 1; pid %s/pid; error_log %s/nginx.log;\nevents { worker_connections 1000; }\n"
		"http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=100;\n"
		"  client_max_body_size 1g; client_body_temp_path %s/t1; proxy_temp_path %s/t2; fastcgi_temp_path %s/t3;\n"
		"  uwsgi_temp_path %s/t4; scgi_temp_path %s/t5;\n"
		"  server { listen " GATEWAY ":8081; root %s/files; dav_methods PUT; create_full_put_path on; } }\n",
		dir, dir, dir, dir, dir, dir, dir, dir);
	fclose(file);
	snprintf(path, sizeof(path), "%s/nginx.conf", dir);
	start((const char *const[]){"/usr/sbin/nginx", "-c", path, NULL});
}

static void make_files(void)
{
	char nothing[1024];

	for (size_t i = 0; i < SIZES; i++) {
		output_of(nothing, sizeof(nothing), "head -c %u /dev/urandom >%s/%zu", sizes[i].bytes, dir, i);
		for (int s = 0; s < SERVERS; s++)
			output_of(nothing, sizeof(nothing), CURL "--retry 20 --retry-connrefused --retry-delay 1 -T %s/%zu %s/%zu", dir, i,
				  urls[s], i);
	}
}

/* ---- the loads: requests a second ---- */

static double load(const char *url, const char *script)
{
	char out[4096];
	const char *rate;

	output_of(out, sizeof(out), "wrk -t1 -c16 -d2 --timeout 60s %s '%s' 2>&1", script, url);
	rate = strstr(out, "Requests/sec:");
	if (!rate || strstr(out, "Non-2xx"))
		fail("wrk: %s", out);
	return strtod(rate + strlen("Requests/sec:"), NULL);
}

static double get(int server, size_t size)
{
	char url[128];

	snprintf(url, sizeof(url), "%s/%zu", urls[server], size);
	return load(url, "");
}

/* `file`: signed with the bytes; "": without. */
static double put_signed(int server, size_t size, const char *headers, const char *file)
{
	char url[1024], script[128];
	FILE *lua = create("put.lua");

	fprintf(lua, "wrk.method = 'PUT'; wrk.body = io.open('%s/%zu', 'rb'):read('*a')\n%s", dir, size, headers);
	fclose(lua);
	snprintf(script, sizeof(script), "-s %s/put.lua", dir);
	output_of(url, sizeof(url), "python3 " BENCH "/presign_put.py " GATEWAY ":%s /bench/put minioadmin " PASSWORD " %s",
		  server == US ? "9000" : "8081", file);
	url[strcspn(url, "\n")] = '\0';
	return load(url, script);
}

static double put(int server, size_t size)
{
	return put_signed(server, size, "", "");
}

/* What most clients say of a body: the SHA-256 of their signature, an MD5, a checksum. */
static double put_with_sums(int server, size_t size)
{
	char file[64], headers[512];

	snprintf(file, sizeof(file), "%s/%zu", dir, size);
	output_of(headers, sizeof(headers),
		  "b() { openssl dgst -$1 -binary %s | base64; }; "
		  "echo \"wrk.headers['x-amz-content-sha256'] = '$(sha256sum <%s | cut -c1-64)'; "
		  "wrk.headers['Content-MD5'] = '$(b md5)'; wrk.headers['x-amz-checksum-sha1'] = '$(b sha1)'\"",
		  file, file);
	return put_signed(server, size, headers, file);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void compare(const char *method, double (*measure)(int server, size_t size), size_t size)
{
	double rates[SERVERS][ROUNDS];
	double mib = sizes[size].bytes / 1048576.0;

	for (int round = 0; round < ROUNDS; round++)
		for (int s = 0; s < SERVERS; s++)
			rates[s][round] = measure(s, size);
	for (int s = 0; s < SERVERS; s++)
		qsort(rates[s], ROUNDS, sizeof(double), by_value);
	printf("%-9s %-8s %10.0f %10.0f %8.2f %12.1f %10.1f\n", method, sizes[size].name, rates[US][ROUNDS / 2], rates[NGINX][ROUNDS / 2],
	       rates[US][ROUNDS / 2] / rates[NGINX][ROUNDS / 2], rates[US][ROUNDS / 2] * mib, rates[NGINX][ROUNDS / 2] * mib);
	fflush(stdout);
}

int main(void)
{
	const char *base = getenv("TMPDIR");

	if (!mkdtemp(dir) || (base && chdir(base) < 0))
		fail("%s: %s", dir, strerror(errno));
	start_bucketd();
	start_nginx();
	make_files();
	printf("                      bucketd/s    nginx/s    ratio bucketd MiB/s nginx MiB/s\n");
	for (size_t i = 0; i < SIZES; i++)
		compare("GET", get, i);
	for (size_t i = 0; i < SIZES; i++)
		compare("PUT", put, i);
	for (size_t i = 0; i < SIZES; i++)
		compare("PUT, sums", put_with_sums, i);
	return 0;
}
