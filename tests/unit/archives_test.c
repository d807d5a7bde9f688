/* Archives from and to memory. What comes out is read with libarchive, or looked at as bytes. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>
#include <zlib.h>

#include "artifactd/archives.h"

struct output {
	char *bytes;
	size_t n;
	bool stop;
};

static bool take(void *data, const void *bytes, size_t n, struct gw_error *err)
{
	struct output *out = data;

	out->bytes = gw_realloc(out->bytes, out->n + n + 1);
	memcpy(out->bytes + out->n, bytes, n);
	out->n += n;
	out->bytes[out->n] = '\0';
	return true;
}

static bool is_stopped(void *data)
{
	return ((struct output *)data)->stop;
}

static int file_of(const void *bytes, size_t n)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);

	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* ---- archives made by hand, as a hostile one may be ---- */

struct made {
	struct archive *a;
	char bytes[1 << 20];
	size_t n;
};

static void begin(struct made *m, int (*format)(struct archive *), int (*filter)(struct archive *))
{
	m->a = archive_write_new();
	format(m->a);
	filter(m->a);
	archive_write_set_bytes_in_last_block(m->a, 1);
	assert_int_equal(archive_write_open_memory(m->a, m->bytes, sizeof(m->bytes), &m->n), ARCHIVE_OK);
}

static void put(struct made *m, const char *path, unsigned mode, const char *content, const char *link)
{
	struct archive_entry *e = archive_entry_new();
	size_t n = content ? strlen(content) : 0;

	archive_entry_set_pathname(e, path);
	archive_entry_set_mode(e, mode);
	archive_entry_set_size(e, (int64_t)n);
	archive_entry_set_mtime(e, 1700000000, 0);
	if (link && S_ISLNK(mode))
		archive_entry_set_symlink(e, link);
	else if (link)
		archive_entry_set_hardlink(e, link);
	assert_int_equal(archive_write_header(m->a, e), ARCHIVE_OK);
	if (n)
		assert_int_equal(archive_write_data(m->a, content, n), n);
	archive_entry_free(e);
}

static int end(struct made *m)
{
	assert_int_equal(archive_write_close(m->a), ARCHIVE_OK);
	archive_write_free(m->a);
	return file_of(m->bytes, m->n);
}

static struct made m;

static int a_tree(int (*format)(struct archive *), int (*filter)(struct archive *))
{
	begin(&m, format, filter);
	put(&m, "./boot/", S_IFDIR | 0755, NULL, NULL);
	put(&m, "./boot/vmlinuz-6.1", S_IFREG | 0644, "the kernel", NULL);
	put(&m, "/etc/motd", S_IFREG | 0600, "hello\n", NULL);
	put(&m, "bin/sh", S_IFLNK | 0777, NULL, "/bin/busybox");
	return end(&m);
}

/* ---- what comes out ---- */

static struct gw_error why;

static struct output convert(const struct archive_recipe *recipe, int in)
{
	struct output out = {NULL, 0, false};
	struct archive_recipe r = *recipe;
	struct archive_io io = {in, take, is_stopped, &out};

	why = (struct gw_error){0};
	r.max_bytes = r.max_bytes ? r.max_bytes : 1 << 20;
	r.compression = r.compression ? r.compression : "none";
	if (!archive_convert(&r, &io, &why)) {
		assert_int_not_equal(why.kind, GW_OK);
		free(out.bytes);
		out.bytes = NULL;
	}
	if (in >= 0)
		close(in);
	return out;
}

/* "MODE PATH[ -> LINK][=CONTENT]\n" of each entry. */
static char *listed(struct output out)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	char *text = NULL, content[4096];
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!out.bytes)
		fail_msg("%s", why.text);
	archive_read_support_filter_all(a);
	archive_read_support_format_all(a);
	assert_int_equal(archive_read_open_memory(a, out.bytes, out.n), ARCHIVE_OK);
	while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
		ssize_t n = archive_read_data(a, content, sizeof(content));
		fprintf(to, "%o %s", archive_entry_mode(e), archive_entry_pathname(e));
		if (archive_entry_symlink(e) || archive_entry_hardlink(e))
			fprintf(to, " -> %s", archive_entry_symlink(e) ? archive_entry_symlink(e) : archive_entry_hardlink(e));
		fprintf(to, n > 0 ? "=%.*s\n" : "\n", (int)n, content);
	}
	archive_read_free(a);
	fclose(to);
	free(out.bytes);
	return text;
}

static void assert_listed(struct output out, const char *expected)
{
	char *text = listed(out);

	assert_string_equal(text, expected);
	free(text);
}

static void assert_fails(struct output out, const char *text)
{
	assert_null(out.bytes);
	assert_string_equal(why.text, text);
}

#define TREE                                                                                                                               \
	"40755 boot\n100644 boot/vmlinuz-6.1=the kernel\n40755 etc\n100600 etc/motd=hello\n\n40755 bin\n120777 bin/sh -> /bin/busybox\n"

/* ---- tests ---- */

static void each_kind_of_archive_is_read(void **state)
{
	static int (*const formats[])(struct archive *) = {archive_write_set_format_pax_restricted, archive_write_set_format_gnutar,
							   archive_write_set_format_ustar, archive_write_set_format_cpio_newc,
							   archive_write_set_format_zip};
	static int (*const filters[])(struct archive *) = {archive_write_add_filter_none,  archive_write_add_filter_gzip,
							   archive_write_add_filter_bzip2, archive_write_add_filter_xz,
							   archive_write_add_filter_lzma,  archive_write_add_filter_zstd,
							   archive_write_add_filter_lz4,   archive_write_add_filter_lzip};
	struct archive_recipe recipe = {.extension = "cpio"};

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		for (size_t k = 0; k < sizeof(filters) / sizeof(*filters); k++)
			if (formats[i] != archive_write_set_format_zip || k == 0)
				assert_listed(convert(&recipe, a_tree(formats[i], filters[k])), TREE);
}

static void each_kind_of_archive_is_written(void **state)
{
	static const char *const extensions[] = {"cpio", "tar", "zip"};
	static const char *const compressions[] = {"none", "gz", "gzip", "bz2", "bzip2", "xz", "lzma", "zst", "zstd", "lz4"};

	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < sizeof(compressions) / sizeof(*compressions); k++) {
			struct archive_recipe recipe = {.extension = extensions[i], .compression = compressions[k]};
			char *text;

			if (i == 2 && k > 0)
				continue;
			text = listed(convert(&recipe, a_tree(archive_write_set_format_ustar, archive_write_add_filter_none)));
			assert_non_null(strstr(text, "100644 boot/vmlinuz-6.1=the kernel\n"));
			assert_non_null(strstr(text, "120777 bin/sh -> /bin/busybox\n"));
			free(text);
		}
	}
}

/* Linux's decoder knows no other check. */
static void xz_has_the_check_that_linux_wants(void **state)
{
	struct output out = convert(&(struct archive_recipe){.extension = "cpio", .compression = "xz"},
				    a_tree(archive_write_set_format_ustar, archive_write_add_filter_none));

	assert_memory_equal(out.bytes,
			    "\xfd"
			    "7zXZ\0\0\1",
			    8);
	free(out.bytes);
}

static void the_same_recipe_gives_the_same_bytes(void **state)
{
	static const char *const compressions[] = {"gz", "xz", "zst"};

	for (size_t i = 0; i < 3; i++) {
		struct archive_recipe recipe = {.extension = "tar", .compression = compressions[i]};
		struct output a = convert(&recipe, a_tree(archive_write_set_format_ustar, archive_write_add_filter_none)),
			      b = convert(&recipe, a_tree(archive_write_set_format_ustar, archive_write_add_filter_none));

		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.bytes, b.bytes, a.n);
		free(a.bytes);
		free(b.bytes);
	}
}

static void one_file_is_taken_out(void **state)
{
	static const char *const regexes[] = {"boot/vmlinuz-.*", "/boot/vmlinuz-[0-9.]+", ".*vmlinuz.*"};

	for (size_t i = 0; i < 3; i++) {
		struct output out = convert(&(struct archive_recipe){.match = regexes[i]},
					    a_tree(archive_write_set_format_ustar, archive_write_add_filter_gzip));

		assert_string_equal(out.bytes, "the kernel");
		free(out.bytes);
	}
	assert_fails(convert(&(struct archive_recipe){.match = "vmlinuz"},
			     a_tree(archive_write_set_format_ustar, archive_write_add_filter_gzip)),
		     "no file of the archive matches 'vmlinuz'");
	assert_fails(
		convert(&(struct archive_recipe){.match = "bin/sh"}, a_tree(archive_write_set_format_ustar, archive_write_add_filter_gzip)),
		"no file of the archive matches 'bin/sh'");
}

static void what_is_kept_gets_another_path(void **state)
{
	struct archive_keep keep[] = {{"boot/(.*)", "kernels/\\1"}, {"etc/motd", NULL}};

	assert_listed(convert(&(struct archive_recipe){.extension = "cpio", .keep = keep, .n_keep = 2},
			      a_tree(archive_write_set_format_ustar, archive_write_add_filter_none)),
		      "40755 kernels\n100644 kernels/vmlinuz-6.1=the kernel\n40755 etc\n100600 etc/motd=hello\n\n");
	keep[0].rewrite = "../\\1";
	assert_fails(convert(&(struct archive_recipe){.extension = "cpio", .keep = keep, .n_keep = 2},
			     a_tree(archive_write_set_format_ustar, archive_write_add_filter_none)),
		     "the entry '../vmlinuz-6.1' leads out of the archive");
	keep[0].rewrite = "\\2";
	assert_fails(convert(&(struct archive_recipe){.extension = "cpio", .keep = keep, .n_keep = 2},
			     a_tree(archive_write_set_format_ustar, archive_write_add_filter_none)),
		     "archive: '\\2' in '\\2' is no group of the regex 'boot/(.*)'");
}

static void files_are_added_and_take_the_place_of_others(void **state)
{
	int init = file_of("#!/bin/sh\n", 10), motd = file_of("hi\n", 3);
	struct archive_add add[] = {{"/sbin/init", init, 10, S_IFREG | 0755}, {"etc/motd", motd, 3, S_IFREG | 0644}};
	struct archive_recipe recipe = {.extension = "cpio", .add = add, .n_add = 2};

	assert_listed(convert(&recipe, -1), "40755 sbin\n100755 sbin/init=#!/bin/sh\n\n40755 etc\n100644 etc/motd=hi\n\n");
	assert_listed(convert(&recipe, a_tree(archive_write_set_format_ustar, archive_write_add_filter_none)),
		      "40755 boot\n100644 boot/vmlinuz-6.1=the kernel\n40755 bin\n120777 bin/sh -> /bin/busybox\n40755 sbin\n100755 "
		      "sbin/init=#!/bin/sh\n\n40755 etc\n100644 etc/motd=hi\n\n");
	add[1].path = "./sbin//init";
	assert_fails(convert(&recipe, -1), "'./sbin//init' is added twice, or is no file's name");
	close(init);
	close(motd);
}

static void second_names_of_a_file_stay_second_names(void **state)
{
	struct archive_keep keep = {"usr/(.*)", "\\1"}, none = {"link", NULL};
	int in;

	begin(&m, archive_write_set_format_ustar, archive_write_add_filter_none);
	put(&m, "usr/file", S_IFREG | 0644, "content", NULL);
	put(&m, "usr/link", S_IFREG | 0644, NULL, "./usr/file");
	in = end(&m);
	assert_listed(convert(&(struct archive_recipe){.extension = "tar", .keep = &keep, .n_keep = 1}, dup(in)),
		      "100644 file=content\n644 link -> file\n");
	lseek(in, 0, SEEK_SET);
	assert_listed(convert(&(struct archive_recipe){.extension = "cpio", .keep = &keep, .n_keep = 1}, dup(in)),
		      "100644 file=content\n120777 link -> /file\n");
	lseek(in, 0, SEEK_SET);
	none.path = "usr/link";
	assert_fails(convert(&(struct archive_recipe){.extension = "cpio", .keep = &none, .n_keep = 1}, in),
		     "'usr/link' is a link to 'usr/file', which is not kept");
}

static void promise_31_an_entry_never_leads_out_of_the_archive(void **state)
{
	static const char *const paths[] = {"../x", "a/../../x", "/../x", "..", "a/.."};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char expected[100];
		int in;

		begin(&m, archive_write_set_format_ustar, archive_write_add_filter_none);
		put(&m, paths[i], S_IFREG | 0644, "out", NULL);
		in = end(&m);
		snprintf(expected, sizeof(expected), "the entry '%s' leads out of the archive", paths[i]);
		assert_fails(convert(&(struct archive_recipe){.extension = "cpio"}, in), expected);
	}
	begin(&m, archive_write_set_format_ustar, archive_write_add_filter_none);
	put(&m, "file", S_IFREG | 0644, NULL, "../../etc/passwd");
	assert_fails(convert(&(struct archive_recipe){.extension = "cpio"}, end(&m)),
		     "the entry '../../etc/passwd' leads out of the archive");
}

static void promise_31_bombs_are_bounded(void **state)
{
	char *zeros = gw_calloc(1, 900001);
	struct archive_recipe recipe = {.extension = "cpio", .max_bytes = 500000}, match = {.match = "nothing", .max_bytes = 500000};

	memset(zeros, 'x', 900000);
	begin(&m, archive_write_set_format_ustar, archive_write_add_filter_xz);
	put(&m, "bomb", S_IFREG | 0644, zeros, NULL);
	free(zeros);
	assert_fails(convert(&recipe, end(&m)), "the archive unpacks to more than 500000 bytes; accepted: up to that");
	assert_fails(convert(&match, file_of(m.bytes, m.n)), "the archive unpacks to more than 500000 bytes; accepted: up to that");
}

static void promise_31_a_decoder_gets_no_memory_of_the_archives_choice(void **state)
{
	/* The head of an .lzma file that wants a dictionary of 1 GiB. */
	static const char greedy[] = "\x5d\0\0\0\x40\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0";

	assert_fails(convert(&(struct archive_recipe){.extension = "cpio"}, file_of(greedy, sizeof(greedy))),
		     "the archive cannot be read: xz: its decoder would need more than 64 MiB of memory");
}

/* `n` bytes of an archive that is gzipped, given in pieces. */
static int gzipped(const char *head, size_t n)
{
	static char piece[1 << 20];
	int fd = memfd_create("gz", MFD_CLOEXEC);
	gzFile gz = gzdopen(dup(fd), "wb1");

	gzwrite(gz, head, (unsigned)strlen(head));
	memset(piece, 'n', sizeof(piece));
	for (; n; n -= sizeof(piece))
		gzwrite(gz, piece, sizeof(piece));
	assert_int_equal(gzclose(gz), Z_OK);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void promise_31_a_headers_length_is_bounded(void **state)
{
	/* A cpio entry whose name is said to have 1.5 GiB, and 100 MiB of it. */
	static const char head[] = "070701"
				   "00000001"
				   "000081A4"
				   "00000000"
				   "00000000"
				   "00000001"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "00000000"
				   "60000000"
				   "00000000";

	assert_fails(convert(&(struct archive_recipe){.extension = "cpio"}, gzipped(head, 100 << 20)),
		     "the archive cannot be read: an entry's header is longer than 64 MiB");
}

static void promise_31_an_archive_is_compressed_once(void **state)
{
	int inner = gzipped("", 1 << 20), outer = memfd_create("gz", MFD_CLOEXEC);
	gzFile gz = gzdopen(dup(outer), "wb1");
	char bytes[65536];
	ssize_t n = read(inner, bytes, sizeof(bytes));

	assert_int_equal(gzwrite(gz, bytes, (unsigned)n), n);
	assert_int_equal(gzclose(gz), Z_OK);
	close(inner);
	lseek(outer, 0, SEEK_SET);
	assert_fails(convert(&(struct archive_recipe){.extension = "cpio"}, outer),
		     "the archive cannot be read: it is compressed more than once");
}

static void what_is_no_archive_or_is_cut_is_an_error(void **state)
{
	int in = a_tree(archive_write_set_format_ustar, archive_write_add_filter_xz);

	close(in);
	assert_fails(convert(&(struct archive_recipe){.extension = "cpio"}, file_of(m.bytes, m.n / 2)),
		     "the archive cannot be read: xz: it ends too early");
	m.bytes[m.n / 2] ^= 0x55;
	assert_fails(convert(&(struct archive_recipe){.extension = "cpio"}, file_of(m.bytes, m.n)),
		     "the archive cannot be read: xz: it is damaged");
	assert_fails(convert(&(struct archive_recipe){.extension = "cpio"}, file_of("no archive at all", 17)),
		     "the archive cannot be read: Unrecognized archive format");
}

static void what_is_not_wanted_any_more_ends(void **state)
{
	struct output out = {NULL, 0, true};
	struct archive_recipe recipe = {.extension = "cpio", .compression = "none", .max_bytes = 1000};
	int in = a_tree(archive_write_set_format_ustar, archive_write_add_filter_none);
	struct archive_io io = {in, take, is_stopped, &out};
	struct gw_error err = {0};

	assert_false(archive_convert(&recipe, &io, &err));
	assert_string_equal(err.text, "it is not wanted any more");
	close(in);
	free(out.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_archive_is_read),
		cmocka_unit_test(each_kind_of_archive_is_written),
		cmocka_unit_test(xz_has_the_check_that_linux_wants),
		cmocka_unit_test(the_same_recipe_gives_the_same_bytes),
		cmocka_unit_test(one_file_is_taken_out),
		cmocka_unit_test(what_is_kept_gets_another_path),
		cmocka_unit_test(files_are_added_and_take_the_place_of_others),
		cmocka_unit_test(second_names_of_a_file_stay_second_names),
		cmocka_unit_test(promise_31_an_entry_never_leads_out_of_the_archive),
		cmocka_unit_test(promise_31_bombs_are_bounded),
		cmocka_unit_test(promise_31_a_decoder_gets_no_memory_of_the_archives_choice),
		cmocka_unit_test(promise_31_a_headers_length_is_bounded),
		cmocka_unit_test(promise_31_an_archive_is_compressed_once),
		cmocka_unit_test(what_is_no_archive_or_is_cut_is_an_error),
		cmocka_unit_test(what_is_not_wanted_any_more_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
