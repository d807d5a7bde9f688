/* The terminal that a job's console is typed on: each key as it comes, none with a meaning of its own, output as before. */
#ifndef EXECUTORCTL_TERMINAL_H
#define EXECUTORCTL_TERMINAL_H

#include <stdbool.h>

/* False: standard input is no terminal, or we are in the background; nothing was changed. Signals that end the program put the terminal
 * back first. */
bool terminal_raw(void);
void terminal_restore(void); /* fine at any time */

#endif
