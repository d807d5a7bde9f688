#include "executorctl/terminal.h"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* A signal handler has no other way to these. */
static struct termios before;
static volatile sig_atomic_t changed;
static const char *volatile farewell; /* written to standard output when the terminal is put back; NULL: nothing */

static bool size_of(struct winsize *size)
{
	return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, size) == 0;
}

size_t terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return size_of(&size) && size.ws_col ? size.ws_col : 80;
}

size_t terminal_height(void)
{
	struct winsize size;

	return size_of(&size) && size.ws_row ? size.ws_row : 24;
}

void terminal_restore(void)
{
	const char *last = farewell;

	farewell = NULL;
	if (changed)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	changed = 0;
	if (last && write(STDOUT_FILENO, last, strlen(last)) < 0) /* it is gone; nothing is left to put back */
		return;
}

static void on_signal(int signal)
{
	terminal_restore();
	raise(signal); /* SA_RESETHAND: now it ends the program */
}

static void catch_endings(void)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		sigaction(ending[i], &action, NULL);
}

static bool input_is_ours(void)
{
	return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp() && tcgetattr(STDIN_FILENO, &before) == 0;
}

static bool change(const struct termios *to)
{
	changed = 1;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, to) == 0)
		return true;
	changed = 0;
	return false;
}

bool terminal_raw(void)
{
	struct termios raw;

	if (!input_is_ours())
		return false;
	catch_endings();
	raw = before;
	cfmakeraw(&raw);
	raw.c_oflag = before.c_oflag; /* messages end their lines with LF alone */
	return change(&raw);
}

bool terminal_picture(const char *begin, const char *end)
{
	struct termios quiet;
	bool keys = input_is_ours();

	catch_endings();
	farewell = end;
	if (write(STDOUT_FILENO, begin, strlen(begin)) < 0)
		return false;
	if (!keys)
		return false;
	quiet = before;
	quiet.c_lflag &= (tcflag_t) ~(ICANON | ECHO); /* CTRL+C stays what it is */
	return change(&quiet);
}
