/* What is remembered of a training. Pure. */
#include <stdlib.h>
#include <string.h>

#include "executord/training.h"
#include "libgateway/error.h"

void training_finish(struct training *t)
{
	for (size_t i = 0; i < t->n_loops; i++)
		free(t->loops[i].log_job);
	free(t->loops);
	*t = (struct training){0};
}

size_t training_passed(const struct training *t)
{
	size_t passed = 0;

	for (size_t i = 0; i < t->n_loops; i++)
		passed += strcmp(t->loops[i].status, "PASS") == 0;
	return passed;
}
