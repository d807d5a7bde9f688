/* Training: the registration job, then boot loops until enough of them passed. */
#ifndef EXECUTORD_TRAINING_H
#define EXECUTORD_TRAINING_H

#include <stdbool.h>
#include <stddef.h>

#include "libmars/dut_state.h"

struct dut;
struct job_outcome;

struct training_loop {
	char status[16]; /* "PASS", ... */
	double seconds;
	bool watched; /* the machine was powered and watched to the job's end; else the checks tell nothing */
	bool firmware_booted, console_received;
	char *log_job; /* owned; the job whose log is kept since it failed; NULL: none */
};

struct training {
	bool is_registered;
	bool registration_failed;    /* the retrial delay runs */
	struct training_loop *loops; /* owned */
	size_t n_loops;
};

void training_finish(struct training *t); /* accepts zeroed memory; the logs stay */
size_t training_passed(const struct training *t);

/* The actions of a DUT's life. */
void training_reset(struct dut *dut); /* counters back to the start; old logs go */
void training_start(struct dut *dut); /* registration, or the loop that is due */
void training_start_quick_check(struct dut *dut);
void training_wait_retrial(struct dut *dut);
void training_stop_retrial(struct dut *dut);

/* A registration job, loop or quick check is over: its result is kept before dut_job_over asks for it. */
void training_take_result(struct dut *dut, const char *job, enum dut_job_kind kind, const struct job_outcome *outcome);

#endif
