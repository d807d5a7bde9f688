/* tinydut: a machine's whole operating system in 2 KiB, for tests. It is loaded as Linux is (kernel, command line, initramfs), so a real
 * netboot and a job run on a real (qemu) machine in half a second.
 *
 * On the first serial port, lines ending in CR LF as Linux' do, it prints:
 *	[    0.000000] Linux version 6.1.0-tinydut
 *	[    0.000000] Command line: WHAT IT WAS GIVEN
 *	[    0.000000] initramfs: 123 bytes, sum 9876	(sum of all bytes, modulo 2^32)
 * and then plays its initramfs as a script: each line is printed, but for
 *	@sleep MS	waits
 *	@read		waits for a line of input (ended by CR or LF; 255 bytes at most) and prints `read: LINE`
 *	@flood N	prints N lines of 64 characters
 *	@reboot		prints `[    1.234567] reboot: Restarting system` and resets the machine
 *	@poweroff	prints `[    1.234567] reboot: Power down` and switches the machine off by ACPI
 *	@hang		halts, silent; so does the script's end
 * A line that begins with @ and is none of these is printed as it is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COM1 0x3f8

/* Offsets in the boot protocol's header */
#define RAMDISK_IMAGE 0x218
#define RAMDISK_SIZE  0x21c
#define CMD_LINE_PTR  0x228

#define TICKS_PER_SECOND 1000
#define TIMER_VECTOR     0x20

struct gate {
	uint16_t low, selector, flags, high;
} __attribute__((packed));

volatile uint32_t ticks; /* counted by on_tick */
void on_tick(void);
void tinydut(const uint8_t *header);

static struct gate idt[TIMER_VECTOR + 1];

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static uint32_t long_at(const uint8_t *p)
{
	return *(const uint32_t *)p;
}

static void put(char c)
{
	while (!(inb(COM1 + 5) & 0x20))
		;
	outb(COM1, (uint8_t)c);
}

static void print_n(const char *text, size_t n)
{
	while (n--)
		put(*text++);
}

static void print(const char *text)
{
	while (*text)
		put(*text++);
}

static void print_number(uint32_t value)
{
	char digits[10];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
	} while (value /= 10);
	while (n)
		put(digits[--n]);
}

static void wait_tick(void)
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}

static void halt(void)
{
	outb(0x21, 0xff);
	for (;;)
		__asm__ volatile("cli; hlt");
}

static void init_serial(void)
{
	while (!(inb(COM1 + 5) & 0x40)) /* what the firmware said last goes out first */
		;
	outb(COM1 + 1, 0);    /* no interrupts */
	outb(COM1 + 3, 0x80); /* 115200 baud */
	outb(COM1, 1);
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 3); /* 8n1 */
	outb(COM1 + 2, 7); /* FIFOs on, emptied of what was typed at the firmware */
	outb(COM1 + 4, 3);
}

/* One interrupt, the timer's, so that waiting is a halt: many machines wait at once on few cores. */
static void init_timer(void)
{
	const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) idtr = {sizeof(idt) - 1, (uint32_t)idt};
	const uint16_t divisor = 1193182 / TICKS_PER_SECOND;

	idt[TIMER_VECTOR] = (struct gate){(uint16_t)(uint32_t)on_tick, 8, 0x8e00, (uint16_t)((uint32_t)on_tick >> 16)};
	__asm__ volatile("lidt %0" : : "m"(idtr));
	outb(0x20, 0x11); /* first interrupt controller: vectors from TIMER_VECTOR on */
	outb(0x21, TIMER_VECTOR);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0x21, 0xfe);
	outb(0xa1, 0xff);
	outb(0x43, 0x34);
	outb(0x40, (uint8_t)divisor);
	outb(0x40, divisor >> 8);
}

static uint32_t number(const char *text, size_t n)
{
	uint32_t value = 0;

	for (; n && *text >= '0' && *text <= '9'; text++, n--)
		value = value * 10 + (uint32_t)(*text - '0');
	return value;
}

static void do_sleep(const char *arg, size_t n)
{
	uint32_t until = ticks + number(arg, n) * TICKS_PER_SECOND / 1000;

	while ((int32_t)(until - ticks) > 0)
		wait_tick();
}

static void do_read(const char *arg, size_t n)
{
	char line[255], c;
	size_t len = 0;

	for (;;) {
		while (!(inb(COM1 + 5) & 1))
			wait_tick();
		c = (char)inb(COM1);
		if (c == '\r' || c == '\n')
			break;
		if (len < sizeof(line))
			line[len++] = c;
	}
	print("read: ");
	print_n(line, len);
	print("\r\n");
}

static void do_flood(const char *arg, size_t n)
{
	for (uint32_t lines = number(arg, n); lines; lines--) {
		for (char c = '0'; c < '0' + 64; c++)
			put(c);
		print("\r\n");
	}
}

static void do_reboot(const char *arg, size_t n)
{
	print("[    1.234567] reboot: Restarting system\r\n");
	outb(0xcf9, 2);
	outb(0xcf9, 6);
	outb(0x64, 0xfe); /* the keyboard controller's reset line, where there is no 0xcf9 */
	halt();
}

static void do_poweroff(const char *arg, size_t n)
{
	print("[    1.234567] reboot: Power down\r\n");
	outw(0x604, 0x2000); /* PM1a_CNT of qemu's pc and q35: S5 */
	halt();
}

static void do_hang(const char *arg, size_t n)
{
	halt();
}

static const struct {
	char name[10];
	void (*run)(const char *arg, size_t n); /* what follows the name and a space, up to the line's end */
} commands[] = {
	{"@sleep", do_sleep},   {"@read", do_read},         {"@flood", do_flood},
	{"@reboot", do_reboot}, {"@poweroff", do_poweroff}, {"@hang", do_hang},
};

/* How long `name` is if the line is it, alone or followed by a space; else 0. */
static size_t match(const char *line, size_t n, const char *name)
{
	size_t i = 0;

	while (name[i] && i < n && line[i] == name[i])
		i++;
	return !name[i] && (i == n || line[i] == ' ') ? i : 0;
}

static void play_line(const char *line, size_t n)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		size_t used = match(line, n, commands[i].name);

		if (used) {
			used += used < n;
			commands[i].run(line + used, n - used);
			return;
		}
	}
	print_n(line, n);
	print("\r\n");
}

static void play(const char *script, size_t size)
{
	size_t n;

	for (; size; script += n, size -= n) {
		for (n = 0; n < size && script[n] != '\n'; n++)
			;
		play_line(script, n);
		n += n < size;
	}
}

void tinydut(const uint8_t *header)
{
	const uint8_t *initramfs = (const uint8_t *)long_at(header + RAMDISK_IMAGE);
	uint32_t size = long_at(header + RAMDISK_SIZE), sum = 0;
	const char *cmdline = (const char *)long_at(header + CMD_LINE_PTR);

	init_serial();
	init_timer();
	print("[    0.000000] Linux version 6.1.0-tinydut\r\n[    0.000000] Command line: ");
	print(cmdline ? cmdline : "");
	for (uint32_t i = 0; i < size; i++)
		sum += initramfs[i];
	print("\r\n[    0.000000] initramfs: ");
	print_number(size);
	print(" bytes, sum ");
	print_number(sum);
	print("\r\n");
	play((const char *)initramfs, size);
	halt();
}
