#include "tests/harness/torture.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#if defined(__x86_64__)
#define IS_CALL(type) ((type) == R_X86_64_JUMP_SLOT || (type) == R_X86_64_GLOB_DAT)
#define IS_DATA(type) ((type) == R_X86_64_64)
#elif defined(__aarch64__)
#define IS_CALL(type) ((type) == R_AARCH64_JUMP_SLOT || (type) == R_AARCH64_GLOB_DAT)
#define IS_DATA(type) ((type) == R_AARCH64_ABS64)
#endif

#define SANITIZER_FOUND 99

/* Read by the sanitizers before main(). */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "exitcode=99:allocator_may_return_null=1";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "halt_on_error=1:exitcode=99";
}

/* ---- the allocators ---- */

static long left = -1; /* allocations until one fails; below 0: none does */

static bool fails(void)
{
	if (left < 0 || left-- > 0)
		return false;
	errno = ENOMEM;
	return true;
}

static struct {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	char *(*strdup)(const char *);
	char *(*strndup)(const char *, size_t);
	int (*vasprintf)(char **, const char *, va_list);
	int (*posix_memalign)(void **, size_t, size_t);
} real;

static void *try_malloc(size_t size)
{
	return fails() ? NULL : real.malloc(size);
}

static void *try_calloc(size_t n, size_t size)
{
	return fails() ? NULL : real.calloc(n, size);
}

static void *try_realloc(void *p, size_t size)
{
	return fails() ? NULL : real.realloc(p, size);
}

static char *try_strdup(const char *text)
{
	return fails() ? NULL : real.strdup(text);
}

static char *try_strndup(const char *text, size_t n)
{
	return fails() ? NULL : real.strndup(text, n);
}

static int try_vasprintf(char **out, const char *fmt, va_list ap)
{
	return fails() ? -1 : real.vasprintf(out, fmt, ap);
}

static int try_posix_memalign(void **out, size_t alignment, size_t size)
{
	return fails() ? ENOMEM : real.posix_memalign(out, alignment, size);
}

#define CALL(name)                                                                                                                         \
	{                                                                                                                                  \
#name, (void *)try_##name, (void **)&real.name                                                                             \
	}
static const struct {
	const char *name;
	void *ours;
	void **real;
} calls[] = {CALL(malloc), CALL(calloc), CALL(realloc), CALL(strdup), CALL(strndup), CALL(vasprintf), CALL(posix_memalign)};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

/* ---- leading every object's calls to them ---- */

struct object { /* one that is loaded */
	ElfW(Addr) base;
	const ElfW(Sym) * symbols;
	const char *names;
	const ElfW(Rela) * tables[2];
	size_t sizes[2];
};

static const void *address(const struct object *o, ElfW(Addr) at)
{
	return (const void *)(at < o->base ? at + o->base : at); /* some loaders relocate these in place, others do not */
}

static void read_dynamic(struct object *o, const ElfW(Dyn) * dynamic)
{
	for (; dynamic->d_tag != DT_NULL; dynamic++)
		switch (dynamic->d_tag) {
		case DT_SYMTAB:
			o->symbols = address(o, dynamic->d_un.d_ptr);
			break;
		case DT_STRTAB:
			o->names = address(o, dynamic->d_un.d_ptr);
			break;
		case DT_JMPREL:
			o->tables[0] = address(o, dynamic->d_un.d_ptr);
			break;
		case DT_PLTRELSZ:
			o->sizes[0] = dynamic->d_un.d_val;
			break;
		case DT_RELA:
			o->tables[1] = address(o, dynamic->d_un.d_ptr);
			break;
		case DT_RELASZ:
			o->sizes[1] = dynamic->d_un.d_val;
			break;
		}
}

/* What stands in a variable may have been replaced meanwhile (cJSON's hooks). */
static void lead(const ElfW(Rela) * r, void **slot, void *theirs, void *ours)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)slot & ~(page - 1);

	if (!IS_CALL(ELF64_R_TYPE(r->r_info)) && !(IS_DATA(ELF64_R_TYPE(r->r_info)) && *slot == theirs))
		return;
	assert_int_equal(mprotect((void *)start, page, PROT_READ | PROT_WRITE), 0);
	*slot = ours;
}

static void lead_calls(const struct object *o)
{
	for (int t = 0; t < 2; t++)
		for (size_t i = 0; o->tables[t] && i < o->sizes[t] / sizeof(ElfW(Rela)); i++) {
			const ElfW(Rela) *r = &o->tables[t][i];
			const char *name = o->names + o->symbols[ELF64_R_SYM(r->r_info)].st_name;

			for (size_t c = 0; c < CALLS; c++)
				if (strcmp(name, calls[c].name) == 0)
					lead(r, (void **)(o->base + r->r_offset), *calls[c].real, calls[c].ours);
		}
}

static int on_object(struct dl_phdr_info *info, size_t size, void *data)
{
	/* libfyaml 0.7.12 uses what it could not allocate: what it asks for is left alone */
	static const char *const left_alone[] = {"/libc.so", "/ld-linux", "san.so", "vdso", "/libcmocka", "/libgcc", "/libfyaml"};
	struct object o = {.base = info->dlpi_addr};

	for (size_t i = 0; i < sizeof(left_alone) / sizeof(left_alone[0]); i++)
		if (strstr(info->dlpi_name, left_alone[i]))
			return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			read_dynamic(&o, (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr));
	if (o.symbols && o.names)
		lead_calls(&o);
	return 0;
}

static void lead_all(void)
{
	if (real.malloc)
		return;
	for (size_t i = 0; i < CALLS; i++) {
		*calls[i].real = dlsym(RTLD_DEFAULT, calls[i].name);
		assert_non_null(*calls[i].real);
	}
	dl_iterate_phdr(on_object, NULL);
}

/* ---- tries ---- */

static int leaks(void)
{
#ifdef __SANITIZE_ADDRESS__
	return __lsan_do_recoverable_leak_check();
#else
	return 0;
#endif
}

#define THROUGH 64 /* in the child's exit code: nothing failed */

static void try_in_child(const struct torture *torture, long n, int errors)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
	enum torture_end end;
	bool through;

	dup2(errors, STDERR_FILENO);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL); /* cmocka would run the next test */
	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	left = n;
	end = torture->work(torture->data);
	through = left >= 0;
	left = -1;
	_exit(!through && leaks() ? SANITIZER_FOUND : (int)end | (through ? THROUGH : 0));
}

static char *all_of(int fd)
{
	static char text[8192];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* True: it was through before the allocation that was to fail. */
static bool try_once(struct torture *torture, const char *name, long n)
{
	FILE *errors = tmpfile();
	enum torture_end end = TORTURE_ENDED;
	const char *said;
	bool through;
	int status;
	pid_t pid;

	assert_non_null(errors);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		try_in_child(torture, n, fileno(errors));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	said = all_of(fileno(errors));
	if (WIFEXITED(status))
		end = WEXITSTATUS(status) & ~THROUGH;
	if (WIFEXITED(status) ? end > TORTURE_REFUSED : WTERMSIG(status) != SIGABRT || strcmp(said, "out of memory\n") != 0)
		fail_msg("%s, allocation %ld failed: %s %d\n%s", name, n + 1, WIFEXITED(status) ? "exit code" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), said);
	through = WIFEXITED(status) && (WEXITSTATUS(status) & THROUGH);
	if (through && end != torture->otherwise)
		fail_msg("%s, nothing failed, and yet: %d\n%s", name, end, said);
	fclose(errors);
	if (torture->after)
		torture->after(end, torture->data);
	torture->done += !through && end == TORTURE_DONE;
	torture->refused += !through && end == TORTURE_REFUSED;
	torture->ended += end == TORTURE_ENDED;
	return through;
}

void torture_each(struct torture *torture, const char *name)
{
	long n = 0;

	lead_all();
	while (!try_once(torture, name, n))
		n++;
	printf("%s: %ld allocations failed: %u times refused, %u times the end, %u times nothing of it\n", name, n, torture->refused,
	       torture->ended, torture->done);
	assert_true(n > 0);
}
