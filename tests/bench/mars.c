/* mars: what a database of 10, 1,000 and 10,000 DUTs costs: cold load, a one-line edit until it is the content in memory, a PATCH until it
 *is durable, memory. Beside it, in the same run on the same file: libyaml's bare tree, libfyaml's document, PyYAML's C loader.
 *
 *	build/tests/bench/mars [DUTS]... */
#include <fcntl.h>
#include <libfyaml.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <yaml.h>

#include "libmars/reload.h"
#include "libmars/save.h"
#include "libmars/text.h"

enum { ROUNDS = 5 };

static char dir[] = "/tmp/bench_mars.XXXXXX", path[64];
static struct text file;

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double in_fsync;

/* libmars' calls come here: what of a save is the disk's own time. */
int fsync(int fd)
{
	double start = now_ms();
	int rc = (int)syscall(SYS_fsync, fd);

	in_fsync += now_ms() - start;
	return rc;
}

static double heap_mib(void)
{
	struct mallinfo2 info = mallinfo2();

	return (double)(info.uordblks + info.hblkhd) / 1048576;
}

static int by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), by_value);
	return v[ROUNDS / 2];
}

/* --- The file ------------------------------------------------------------------------------------------------------------------------ */

static void make_file(int duts)
{
	text_finish(&file);
	text_adds(&file, "# A farm, as its admins keep it\npdus:\n");
	for (int i = 0; i * 16 < duts; i++)
		text_addf(&file, "  PDU%d: {driver: dummy, config: {ports: [a, b, c]}}\n", i);
	text_adds(&file, "gitlab:\n  fdo: {url: 'https://gitlab.freedesktop.org'}\nduts:\n");
	for (int i = 0; i < duts; i++) {
		text_addf(&file, "  '52:54:00:%02x:%02x:%02x': # rack %d\n    base_name: gfx10\n    ip_address: 10.42.%d.%d\n", i >> 16,
			  i >> 8 & 255, i & 255, i / 40, i / 250 + 1, i % 250 + 1);
		text_adds(&file, "    tags:\n    - amdgpu:family:RV\n    - amdgpu:codename:RENOIR\n    - amdgpu:gfxversion:gfx9\n");
		text_addf(&file, "    manual_tags: [freesync, 'rack:%d']\n    local_tty_device: ttyUSB0\n", i / 40);
		text_adds(&file,
			  "    gitlab:\n      fdo:\n        token: <invalid default>\n        exposed: true\n        runner_id: -1\n");
		text_addf(&file, "    pdu: PDU%d\n    pdu_port_id: %d\n", i / 16, i % 16);
		text_adds(&file, "    pdu_off_delay: 30 # slow capacitors\n    ready_for_service: true\n    is_retired: false\n");
		text_adds(&file, "    first_seen: 2021-12-22 12:55:37.001000\n    comment: null\n");
	}
}

static void put_file(void)
{
	char temp[80];
	FILE *out;

	snprintf(temp, sizeof(temp), "%s.edit", path);
	out = fopen(temp, "w");
	gw_assert(out && fwrite(file.bytes, 1, file.len, out) == file.len && fclose(out) == 0 && rename(temp, path) == 0);
}

/* --- The others ---------------------------------------------------------------------------------------------------------------------- */

static double libyaml_load(double *mib)
{
	double start = now_ms(), heap = heap_mib();
	yaml_parser_t parser;
	yaml_document_t document;

	gw_assert(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)file.bytes, file.len);
	gw_assert(yaml_parser_load(&parser, &document));
	start = now_ms() - start;
	*mib = heap_mib() - heap;
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	return start;
}

static double libfyaml_load(double *mib)
{
	struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_ALLOW_DUPLICATE_KEYS}; /* else it compares keys pair by pair */
	double start = now_ms(), heap = heap_mib();
	struct fy_document *document = fy_document_build_from_string(&cfg, file.bytes, file.len);

	gw_assert(document);
	start = now_ms() - start;
	*mib = heap_mib() - heap;
	fy_document_destroy(document);
	return start;
}

static double pyyaml_load(void)
{
	char command[400], answer[40] = "";
	FILE *out;

	snprintf(command, sizeof(command),
		 "python3 -c 'import time,yaml\nt=open(\"%s\").read()\ns=time.monotonic()\nyaml.load(t,Loader=yaml.CSafeLoader)\n"
		 "print((time.monotonic()-s)*1e3)'",
		 path);
	out = popen(command, "r");
	gw_assert(out && fgets(answer, sizeof(answer), out) && pclose(out) == 0);
	return atof(answer);
}

/* --- Ours ---------------------------------------------------------------------------------------------------------------------------- */

static struct mars_db *open_db(void)
{
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_open(path, NULL, &errs);

	if (!db)
		fprintf(stderr, "%s\n", errs.v[0].text);
	gw_assert(db);
	return db;
}

static double load(double *mib)
{
	double start = now_ms(), heap = heap_mib();
	struct mars_db *db = open_db();

	start = now_ms() - start;
	*mib = heap_mib() - heap;
	mars_db_destroy(db);
	return start;
}

/* One line of the DUT in the middle, saved by rename: until the content in memory is that. */
static double edit(struct mars_db *db, int round)
{
	char *at = strstr(file.bytes + file.len / 2, "pdu_off_delay: ");
	struct mars_changes changes = {0};
	struct gw_errors errs = {0};
	double start;

	at[15] = (char)('1' + (round + 3) % 9);
	put_file();
	start = now_ms();
	gw_assert(mars_db_reload(db, &changes, &errs) && changes.n == 1);
	start = now_ms() - start;
	mars_changes_finish(&changes);
	return start;
}

/* *beyond: without the time in fsync. */
static double patch(struct mars_db *db, int round, double *beyond)
{
	const char *id = mars_db_dut(db, mars_db_dut_count(db) / 2)->id;
	const struct mars_edit edit = {MARS_SET, {"duts", id, "firmware_boot_time"}, MARS_V_INTEGER(round + 1), false};
	struct mars_changes changes = {0};
	double start = now_ms();

	in_fsync = 0;
	gw_assert(mars_db_apply(db, &edit, 1, &changes, NULL) && changes.n == 1);
	start = now_ms() - start;
	*beyond = start - in_fsync;
	mars_changes_finish(&changes);
	return start;
}

/* What the disk takes for the same: a new file of the same bytes, fsync of it and of its directory. */
static double bare_save(void)
{
	double start = now_ms();
	char temp[80];
	int folder = open(dir, O_RDONLY | O_DIRECTORY), fd;

	snprintf(temp, sizeof(temp), "%s.bare", path);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	gw_assert(fd >= 0 && write(fd, file.bytes, file.len) == (ssize_t)file.len && fsync(fd) == 0 && unlink(temp) == 0 &&
		  fsync(folder) == 0);
	close(fd);
	close(folder);
	return now_ms() - start;
}

static void bench(int duts)
{
	double ours[ROUNDS], yaml[ROUNDS], fyaml[ROUNDS], edits[ROUNDS], patches[ROUNDS], beyond[ROUNDS], bare[ROUNDS], mib[3], py;
	struct mars_db *db;

	make_file(duts);
	put_file();
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = load(&mib[0]);
		yaml[i] = libyaml_load(&mib[1]);
		fyaml[i] = libfyaml_load(&mib[2]);
	}
	py = pyyaml_load();
	db = open_db();
	for (int i = 0; i < ROUNDS; i++)
		edits[i] = edit(db, i);
	for (int i = 0; i < ROUNDS; i++) {
		patches[i] = patch(db, i, &beyond[i]);
		bare[i] = bare_save();
	}
	mars_db_destroy(db);
	printf("%d DUTs, %.2f MiB: milliseconds, MiB\n", duts, (double)file.len / 1048576);
	printf("  cold load             %9.2f %7.1f   %.1fx libyaml's tree\n", median(ours), mib[0], median(ours) / median(yaml));
	printf("  libyaml's tree        %9.2f %7.1f\n", median(yaml), mib[1]);
	printf("  libfyaml's document   %9.2f %7.1f\n", median(fyaml), mib[2]);
	printf("  PyYAML's C loader     %9.2f\n", py);
	printf("  edit until visible    %9.2f\n", median(edits));
	printf("  PATCH until durable   %9.2f           %.2f beyond its fsyncs\n", median(patches), median(beyond));
	printf("  bare write and fsync  %9.2f\n", median(bare));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char command[80];

	gw_assert(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/mars_db.yaml", dir);
	for (int i = 1; i < argc; i++)
		bench(atoi(argv[i]));
	if (argc == 1) {
		bench(10);
		bench(1000);
		bench(10000);
	}
	text_finish(&file);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) ? 1 : 0;
}
