/* Failing each allocation of a piece of work once, those of cJSON and PCRE2 included: the calls of malloc and its like are led
 * through here in every object but libc, the sanitizers, and libfyaml, which uses what it could not allocate. Each try is a child of its
 * own. */
#ifndef TESTS_HARNESS_TORTURE_H
#define TESTS_HARNESS_TORTURE_H

#include <stdbool.h>

/* What a try may come to. Anything else (a signal but the abort of gw_calloc with its message, a sanitizer's report) fails the test. */
enum torture_end {
	TORTURE_DONE,    /* as if nothing had failed: the work has checked its outcome */
	TORTURE_REFUSED, /* with an error that has a text; what was there before is unchanged: the work has checked that */
	TORTURE_WRONG,   /* neither: the work found something half done */
	TORTURE_ENDED,   /* gw_calloc and its like: "out of memory", and the program's end */
};

struct torture {
	enum torture_end (*work)(void *data);            /* in the child */
	void (*after)(enum torture_end end, void *data); /* in the test, after each try, or NULL */
	void *data;
	enum torture_end otherwise;    /* what it comes to when nothing fails */
	unsigned done, refused, ended; /* out: how many tries came to what */
};
/* Tries until the work needs fewer allocations than were let through. */
void torture_each(struct torture *torture, const char *name);

#endif
