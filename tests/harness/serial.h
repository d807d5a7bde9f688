/* A machine without a machine: the test is at its serial line, and a job of one line each for how it ends. For farms with a dummy PDU. */
#ifndef TESTS_HARNESS_SERIAL_H
#define TESTS_HARNESS_SERIAL_H

#define SERIAL_MAC "52:54:00:00:00:01"
#define SERIAL_DUT "/dut/" SERIAL_MAC

/* A job of whatever machine it is for: `good bye` ends it, `it works` before makes it pass, `I am broken` makes the machine unfit. */
extern const char serial_job[];

int serial_open(const char *mac); /* the line of machine `mac` at SALAD; waits for SALAD */
void serial_say(int serial, const char *text);

#endif
