#include "pdud/vpdud/qemu_args.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX (48 + VPDUD_QEMU_ARGS_MAX)

#define OVMF_IMAGE "/usr/share/ovmf/OVMF.fd" /* Debian's package ovmf: code and variables in one, so nothing is kept between boots */

struct args {
	char **v;
	size_t n;
};

static void add(struct args *args, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct args *args, const char *fmt, ...)
{
	va_list ap;

	gw_assert(args->n < ARGS_MAX);
	va_start(ap, fmt);
	if (vasprintf(&args->v[args->n++], fmt, ap) < 0)
		abort();
	va_end(ap);
}

static void add_pair(struct args *args, const char *name, const char *value)
{
	add(args, "%s", name);
	add(args, "%s", value);
}

static void add_accel(struct args *args, const struct vpdud_options *opt, bool kvm)
{
	if (kvm)
		add_pair(args, "-accel", "kvm");
	if (!kvm || opt->accel == VPDUD_ACCEL_AUTO)
		add_pair(args, "-accel", "tcg");
}

static void add_network(struct args *args, const struct vpdud_options *opt, unsigned port, bool cable)
{
	if (!opt->bridge)
		return;
	add(args, "-netdev");
	if (cable)
		add(args, "dgram,id=net0,local.type=fd,local.str=%d", QEMU_FD_NET);
	else
		add(args, "tap,id=net0,fd=%d,vhost=off", QEMU_FD_NET);
	add(args, "-device");
	add(args, "virtio-net-pci,netdev=net0,bootindex=1,mac=" QEMU_MAC_FORMAT, port);
}

/* graphics=off: SeaBIOS and iPXE's ROM reach the serial console only then. -no-shutdown: a guest that powers itself off stays as a stopped
 * process, as a real machine stays on its powered port. */
static void add_machine(struct args *args, const struct vpdud_options *opt, unsigned port)
{
	add_pair(args, "-machine", "pc,graphics=off");
	if (opt->firmware == VPDUD_UEFI)
		add_pair(args, "-bios", OVMF_IMAGE);
	add(args, "-m");
	add(args, "%u", opt->memory_mib);
	add(args, "-uuid");
	add(args, "52540011-2200-4000-8000-5254001122%02x", port);
	add(args, "-name");
	add(args, "vpdu-port-%u", port);
	add(args, "-nodefaults");
	add(args, "-no-user-config");
	add(args, "-no-shutdown");
	add_pair(args, "-display", "none");
	add_pair(args, "-boot", "strict=on");
}

static void add_channels(struct args *args)
{
	add(args, "-chardev");
	add(args, "socket,id=qmp,fd=%d", QEMU_FD_QMP);
	add_pair(args, "-mon", "chardev=qmp,mode=control");
	add(args, "-chardev");
	add(args, "socket,id=serial,fd=%d", QEMU_FD_SERIAL);
	add_pair(args, "-serial", "chardev:serial");
	add(args, "-S");
}

char **qemu_args_create(const struct vpdud_options *opt, unsigned port, bool kvm, bool cable)
{
	struct args args = {.v = gw_calloc(ARGS_MAX + 1, sizeof(char *))};

	add(&args, "%s", opt->qemu);
	add_machine(&args, opt, port);
	add_accel(&args, opt, kvm);
	add_network(&args, opt, port, cable);
	add_channels(&args);
	for (size_t i = 0; i < opt->n_qemu_args; i++)
		add(&args, "%s", opt->qemu_args[i]);
	return args.v;
}

void qemu_args_destroy(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}

static bool cpu_virtualises(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[4096];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strncmp(line, "flags", 5) == 0 && (strstr(line, " vmx") || strstr(line, " svm"));
	if (file)
		fclose(file);
	return found;
}

bool qemu_kvm_usable(void)
{
	int fd = cpu_virtualises() ? open("/dev/kvm", O_RDWR | O_CLOEXEC) : -1;

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}
