#include "executorctl/terminal.h"

#include <signal.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

static struct termios before; /* a signal handler has no other way to it */
static volatile sig_atomic_t changed;

void terminal_restore(void)
{
	if (changed)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	changed = 0;
}

static void on_signal(int signal)
{
	terminal_restore();
	raise(signal); /* SA_RESETHAND: now it ends the program */
}

bool terminal_raw(void)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
	struct termios raw;

	if (!isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp() || tcgetattr(STDIN_FILENO, &before) < 0)
		return false;
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		sigaction(ending[i], &action, NULL);
	raw = before;
	cfmakeraw(&raw);
	raw.c_oflag = before.c_oflag; /* messages end their lines with LF alone */
	changed = 1;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0)
		return true;
	changed = 0;
	return false;
}
