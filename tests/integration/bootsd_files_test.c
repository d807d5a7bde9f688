/* What bootsd serves, and to whom: boot HTTP and TFTP. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/boot_clients.h"
#include "tests/harness/boot_farm.h"

static void a_dut_fetches_its_own_job_s_files_and_nobody_else_s(void **state)
{
	char etag[128], *got, *at;

	set_address(&duts[0], "10.42.0.11");
	set_address(&duts[1], "10.42.0.12");
	must_deploy("job-3", &duts[0], "console=ttyS0");
	expect_http(&duts[0], "GET", "/_/job/kernel?x=1", "", 200, "the kernel");
	expect_http(&duts[0], "GET", "/_/job/initramfs", "", 200, "first, second");
	expect_http(&duts[0], "HEAD", "/_/job/initramfs", "", 200, "");
	expect_http(&duts[0], "GET", "/_/job/initramfs", "Range: bytes=5-8\r\n", 206, ", se");
	expect_http(&duts[0], "GET", "/_/job/kernel", "Range: bytes=-6\r\n", 206, "kernel");
	expect_http(&duts[1], "GET", "/_/job/kernel", "", 404, NULL);
	expect_http(&duts[0], "GET", "/_/job/nothing", "", 404, NULL);
	expect_http(&duts[0], "GET", "/boot/default_kernel/../../etc/passwd", "", 400, NULL);
	expect_http(&duts[0], "GET", "/boot/nothing", "", 404, NULL);
	got = http(&duts[0], "GET", "/_/job/initramfs", "");
	at = strstr(got, "ETag: ");
	assert_non_null(at);
	snprintf(etag, sizeof(etag), "If-None-Match: %.*s\r\n", (int)strcspn(at + 6, "\r"), at + 6);
	free(got);
	expect_http(&duts[0], "GET", "/_/job/initramfs", etag, 304, "");
	assert_string_equal(await_seen(duts[0].mac, "http")->detail, "/_/job/kernel");
	withdraw("job-3", &duts[0]);
	expect_http(&duts[0], "GET", "/_/job/kernel", "", 404, NULL);
}

static void must_deploy_a_regex_path(const char *job, const struct dut *dut)
{
	void *status = ask(&f.jobd, MSG_BOOT_DEPLOY,
			   &(struct msg_boot_deploy){.capability = (char *)capability(job, dut->id, dut->mac), .asks_http = true});

	assert_non_null(status);
	done_with(MSG_BOOT_DEPLOY, status);
}

static void assert_wanted(const char *job, const struct dut *dut, const char *path)
{
	struct msg_boot_status *status = ask(&f.jobd, MSG_BOOT_STATUS,
					     &(struct msg_capability){.capability = (char *)capability(job, dut->id, dut->mac)});

	assert_non_null(status);
	assert_int_equal(status->wanted.n, path ? 1 : 0);
	if (path) {
		assert_string_equal(status->wanted.v[0].path, path);
		assert_string_equal(status->wanted.v[0].how, "http");
	}
	done_with(MSG_BOOT_STATUS, status);
}

static void give(const char *job, const struct dut *dut, const char *path, const char *name)
{
	must(&f.jobd, MSG_BOOT_GIVE,
	     &(struct msg_boot_give){.capability = (char *)capability(job, dut->id, dut->mac),
				     .path = (char *)(uintptr_t)path,
				     .how = T("http"),
				     .artifact = (char *)(uintptr_t)name});
}

static void assert_answer(int fd, int status, const char *body)
{
	char *got = http_end(fd), *at = strstr(got, "\r\n\r\n");

	assert_non_null(at);
	assert_int_equal(atoi(got + 9), status);
	if (body)
		assert_string_equal(at + 4, body);
	free(got);
}

static void await_asked(const struct dut *dut, const char *path)
{
	while (strcmp(await_seen(dut->mac, "http")->detail, path) != 0)
		;
}

/* While the job's artifact is being fetched: several requests wait, one of them in vain. */
static void requests_for_what_is_being_fetched_wait_and_may_go_away(void **state)
{
	const struct dut *dut = &duts[0];
	int first, second, third;

	set_address(dut, "10.42.0.11");
	must_deploy_a_regex_path("job-12", dut);
	first = http_begin(dut, "GET", "/pool/a", "");
	await_asked(dut, "/pool/a");
	second = http_begin(dut, "GET", "/pool/a", "");
	await_asked(dut, "/pool/a");
	third = http_begin(dut, "GET", "/pool/a", "");
	await_asked(dut, "/pool/a");
	assert_wanted("job-12", dut, "/pool/a");
	assert_false(readable(second, 0));
	close(first);
	artifact("fetched", "fetched at last");
	give("job-12", dut, "/pool/a", "fetched");
	assert_answer(second, 200, "fetched at last");
	assert_answer(third, 200, "fetched at last");
	expect_http(dut, "GET", "/pool/a", "", 200, "fetched at last"); /* known by now */
	assert_wanted("job-12", dut, NULL);
	second = http_begin(dut, "GET", "/pool/b", "");
	await_asked(dut, "/pool/b");
	give("job-12", dut, "/pool/b", NULL);
	assert_answer(second, 404, NULL);
	second = http_begin(dut, "GET", "/pool/c", "");
	await_asked(dut, "/pool/c");
	withdraw("job-12", dut); /* the job ends meanwhile */
	assert_answer(second, 404, NULL);
}

static void promise_37_boot_http_is_read_alone_and_in_one_reading(void **state)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};

	set_address(&duts[0], "10.42.0.11");
	must_deploy("job-9", &duts[0], "console=ttyS0");
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		expect_http(&duts[0], methods[i], "/_/job/kernel", "Content-Length: 0\r\n", 405, NULL);
	expect_http(&duts[0], "GET", "/_/job/kernel", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", 400, NULL);
	expect_http(&duts[0], "GET", "/_/job/kernel", "Content-Length : 9\r\n", 400, NULL);
	expect_http(&duts[0], "GET", "/_/job/kernel", "X: 1\r\n 2\r\n", 400, NULL);
	expect_http(&duts[0], "GET", "/_/job/kernel", "", 200, "the kernel");
	withdraw("job-9", &duts[0]);
}

static void a_dut_gets_its_script_and_nobody_else_s(void **state)
{
	set_address(&duts[0], "10.42.0.11");
	set_address(&duts[1], "10.42.0.12");
	must_deploy("job-4", &duts[0], "console=ttyS0 a;b");
	expect_http(&duts[0], "GET", "/boot/52:54:00:aa:00:01/boot.ipxe?platform=pcbios&buildarch=i386", "", 200,
		    "#!ipxe\n"
		    "set semicolon:hex 3b\n"
		    "kernel http://10.42.0.1:8090/_/job/kernel console=ttyS0 a${semicolon:string}b || goto again\n"
		    "initrd --name initrd http://10.42.0.1:8090/_/job/initramfs || goto again\n"
		    "boot || goto again\n"
		    ":again\n"
		    "echo That failed; trying again in a second\n"
		    "sleep 1\n"
		    "imgfree\n"
		    "chain --replace http://10.42.0.1:8090/boot/52:54:00:aa:00:01/boot.ipxe?platform=${platform}&buildarch=${buildarch} || "
		    "goto "
		    "again\n");
	expect_http(&duts[1], "GET", "/boot/52:54:00:aa:00:01/boot.ipxe", "", 404, NULL);
	expect_http(&duts[1], "GET", "/boot/52:54:00:aa:00:02/boot.ipxe", "", 200,
		    "#!ipxe\necho No job for this machine: switching it off\npoweroff || exit\n");
	withdraw("job-4", &duts[0]);
}

static void a_dut_with_another_s_address_gets_nothing_of_the_other_s(void **state)
{
	must_deploy("job-5", &duts[0], "console=ttyS0");
	shell("nsenter --net=/proc/%d/ns/net ip addr flush dev eth0", (int)duts[0].pid);
	set_address(&duts[1], "10.42.0.11");
	shell("ip neigh flush dev private");
	expect_http(&duts[1], "GET", "/_/job/kernel", "", 404, NULL);
	proc_await(&f.bootsd, "http: 52:54:00:aa:00:02 uses the address 10.42.0.11 of another machine; it is served nothing of it");
	set_address(&duts[1], "10.42.0.12");
	set_address(&duts[0], "10.42.0.11");
	shell("ip neigh flush dev private");
	expect_http(&duts[0], "GET", "/_/job/kernel", "", 200, "the kernel");
	withdraw("job-5", &duts[0]);
}

static void executord_is_told_the_script_of_any_dut(void **state)
{
	struct msg_boot_script body = {.mac = (char *)duts[0].mac, .platform = T("efi"), .gateway = T("192.0.2.1")};
	struct msg_boot_script_text *text;

	must_deploy("job-6", &duts[0], "quiet");
	text = ask(&f.executord, MSG_BOOT_SCRIPT, &body);
	assert_non_null(text);
	assert_non_null(strstr(text->script, "#!ipxe\nkernel http://192.0.2.1:8090/_/job/kernel initrd=initrd quiet || goto again\n"));
	done_with(MSG_BOOT_SCRIPT, text);
	withdraw("job-6", &duts[0]);
}

static void a_plain_tftp_client_gets_its_file(void **state)
{
	struct tftp t = {0};

	set_address(&duts[0], "10.42.0.11");
	must_deploy("job-7", &duts[0], "console=ttyS0");
	tftp_ask(&t, &duts[0], RRQ("_/job/initramfs\0octet"));
	tftp_hear(&t);
	assert_memory_equal(t.bytes, "\0\3\0\1first, second", 17);
	assert_int_equal(t.n, 17);
	tftp_ack(&t, 1);
	close(t.fd);
	assert_string_equal(await_seen(duts[0].mac, "tftp")->detail, "_/job/initramfs");
}

static void a_client_with_options_gets_windows_and_lost_blocks_again(void **state)
{
	static char big[10001];
	struct tftp t = {0};

	memset(big, 'x', 10000);
	artifact("big", big);
	must_deploy("job-7", &duts[0], "console=ttyS0");
	done_with(MSG_BOOT_DEPLOY, deploy("job-7", "one", duts[0].mac, "big", "console=ttyS0"));
	tftp_ask(&t, &duts[0], RRQ("/_/job/kernel\0octet\0tsize\0000\0blksize\0009000\0windowsize\0004"));
	tftp_hear(&t);
	assert_memory_equal(t.bytes, "\0\6tsize\00010000\0blksize\0001468\0windowsize\0004\0", 41);
	tftp_ack(&t, 0);
	for (unsigned block = 1; block <= 4; block++) {
		tftp_hear_block(&t, block);
		assert_int_equal(t.n, 1472);
	}
	tftp_ack(&t, 2); /* 3 was lost */
	for (unsigned block = 3; block <= 6; block++)
		tftp_hear_block(&t, block);
	tftp_ack(&t, 6);
	tftp_hear_block(&t, 7);
	assert_int_equal(t.n, 4 + 10000 - 6 * 1468);
	tftp_ack(&t, 7);
	close(t.fd);
}

static void tftp_refuses_what_is_not_the_dut_s(void **state)
{
	struct tftp t = {0};

	set_address(&duts[0], "10.42.0.11");
	set_address(&duts[1], "10.42.0.12");
	must_deploy("job-7", &duts[0], "console=ttyS0");
	expect_tftp_error(&duts[1], RRQ("_/job/kernel\0octet"), 1, "there is no such file for the machine that asks");
	expect_tftp_error(&duts[0], RRQ("../../etc/passwd\0octet"), 1, "there is no such file for the machine that asks");
	expect_tftp_error(&duts[0], RRQ("only-http\0octet"), 1, "there is no such file for the machine that asks");
	expect_tftp_error(&duts[0], RRQ("_/job/kernel\0netascii"), 4, "the mode is not known; accepted: octet");
	expect_tftp_error(&duts[0], "\0\2_/job/kernel\0octet", 21, 2, "nothing can be written here");
	expect_tftp_error(&duts[0], "\0\1name-without-an-end", 21, 4, "the file's name or the mode is missing or has no end");
	tftp_ask(&t, &duts[0], RRQ("_/job/initramfs\0octet")); /* and what is its own it still gets */
	tftp_hear(&t);
	assert_memory_equal(t.bytes, "\0\3\0\1first, second", 17);
	tftp_ack(&t, 1);
	close(t.fd);
	withdraw("job-7", &duts[0]);
	expect_tftp_error(&duts[0], RRQ("_/job/kernel\0octet"), 1, "there is no such file for the machine that asks");
}

static int open_files(void)
{
	char command[64], text[16] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "ls /proc/%d/fd | wc -l", (int)f.bootsd.pid);
	pipe = popen(command, "re");
	assert_non_null(fgets(text, sizeof(text), pipe));
	pclose(pipe);
	return atoi(text);
}

static void transfers_that_nobody_answers_are_few_and_leave_room_for_others(void **state)
{
	static struct tftp half[200]; /* open all the time: a port used again would hear what is sent to a transfer before */
	const size_t n = sizeof(half) / sizeof(half[0]);
	int before, fd;

	set_address(&duts[0], "10.42.0.11");
	set_address(&duts[1], "10.42.0.12");
	must_deploy("job-11", &duts[0], "quiet");
	before = open_files();
	for (size_t i = 0; i < n; i++) {
		tftp_ask(&half[i], &duts[0], RRQ("_/job/kernel\0octet\0blksize\0001468\0windowsize\00044"));
		tftp_hear(&half[i]);
		assert_int_equal(half[i].bytes[1], TFTP_OACK);
	}
	fd = dut_socket(&duts[1], SOCK_DGRAM, 0);
	close(fd);
	every_machine_gets_ipxe_s_binaries(NULL);
	/* Some of those before may have been closed, and every_machine_gets_ipxe_s_binaries leaves a socket and a file half done. */
	assert_in_range(open_files(), 1, before + 4 + 1 + 1);
	for (size_t i = 0; i < n; i++)
		close(half[i].fd);
	withdraw("job-11", &duts[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dut_fetches_its_own_job_s_files_and_nobody_else_s),
		cmocka_unit_test(requests_for_what_is_being_fetched_wait_and_may_go_away),
		cmocka_unit_test(promise_37_boot_http_is_read_alone_and_in_one_reading),
		cmocka_unit_test(a_dut_gets_its_script_and_nobody_else_s),
		cmocka_unit_test(a_dut_with_another_s_address_gets_nothing_of_the_other_s),
		cmocka_unit_test(executord_is_told_the_script_of_any_dut),
		cmocka_unit_test(a_plain_tftp_client_gets_its_file),
		cmocka_unit_test(a_client_with_options_gets_windows_and_lost_blocks_again),
		cmocka_unit_test(tftp_refuses_what_is_not_the_dut_s),
		cmocka_unit_test(transfers_that_nobody_answers_are_few_and_leave_room_for_others),
		cmocka_unit_test(every_machine_gets_ipxe_s_binaries),
	};

	signal(SIGPIPE, SIG_IGN);
	duts_plug_in();
	return cmocka_run_group_tests(tests, setup_farm, teardown_farm);
}
