/* The terminal: its size, and the two ways in which it is not a plain one while we use it. */
#ifndef EXECUTORCTL_TERMINAL_H
#define EXECUTORCTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

size_t terminal_width(void);  /* columns of standard output's; 0: it is no terminal */
size_t terminal_height(void); /* rows; 24 where it does not say */

/* For a job's console: each key as it comes, none with a meaning of its own, output as before. False: standard input is no terminal, or we
 * are in the background; nothing was changed. Signals that end the program put the terminal back first. */
bool terminal_raw(void);
/* For a picture that is redrawn: `begin` is written to standard output, `end` (constant) when the terminal is put back; keys come one by
 * one, without an echo. False: no keys will come. */
bool terminal_picture(const char *begin, const char *end);
void terminal_restore(void); /* fine at any time */

#endif
