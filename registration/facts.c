#include "registration/facts.h"

#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB_A_GIB (1024 * 1024)

/* A tag is one word of printable ASCII: commas would be two tags to GitLab. */
static void add(struct facts *f, const char *fmt, ...)
{
	char tag[FACTS_TAG_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(tag, sizeof(tag), fmt, ap);
	va_end(ap);
	for (char *c = tag; *c; c++)
		if (!isgraph((unsigned char)*c) || *c == ',')
			*c = '_';
	for (size_t i = 0; i < f->n_tags; i++)
		if (strcmp(f->tags[i], tag) == 0)
			return;
	if (f->n_tags < FACTS_TAGS_MAX)
		strcpy(f->tags[f->n_tags++], tag);
}

/* The value of the first line "KEY <white space> : VALUE"; false if there is none. */
static bool value_of(const char *lines, const char *key, char *out, size_t size)
{
	size_t n = strlen(key);

	for (const char *line = lines; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) == 0) {
			const char *colon = line + n + strspn(line + n, " \t");
			if (*colon != ':')
				continue;
			colon += 1 + strspn(colon + 1, " \t");
			snprintf(out, size, "%.*s", (int)strcspn(colon, "\n"), colon);
			return *out != '\0';
		}
	}
	return false;
}

static unsigned count_lines(const char *lines, const char *key)
{
	unsigned count = 0;
	size_t n = strlen(key);

	for (const char *line = lines; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		count += strncmp(line, key, n) == 0 && strchr(" \t:", line[n]) && line[n];
	}
	return count;
}

static void add_if_known(struct facts *f, const char *tag, const char *lines, const char *key, const char *other_key)
{
	char value[64];

	if (value_of(lines, key, value, sizeof(value)) || value_of(lines, other_key, value, sizeof(value)))
		add(f, "%s:%s", tag, value);
}

void facts_add_cpu(struct facts *f, const char *cpuinfo)
{
	static const unsigned steps[] = {8, 16, 32};
	unsigned cores = count_lines(cpuinfo, "processor");

	add_if_known(f, "cpu:vendor", cpuinfo, "vendor_id", "CPU implementer");
	add_if_known(f, "cpu:family", cpuinfo, "cpu family", "CPU architecture");
	add_if_known(f, "cpu:model", cpuinfo, "model", "CPU part");
	if (cores)
		add(f, "cpu:cores:%u", cores);
	for (size_t i = 0; i < 3; i++)
		if (cores >= steps[i])
			add(f, "cpu:cores:%u+", steps[i]);
}

void facts_add_memory(struct facts *f, const char *meminfo)
{
	char value[64];
	unsigned long long kib, gib = 1;

	if (!value_of(meminfo, "MemTotal", value, sizeof(value)))
		return;
	kib = strtoull(value, NULL, 10);
	while (gib * KIB_A_GIB < kib && gib < 1ULL << 40)
		gib *= 2; /* what is there is less than what is built in: firmware and kernel took theirs */
	add(f, "mem:size:%lluGiB", gib);
	if (gib >= 8)
		add(f, "mem:size:8+GiB");
	if (gib >= 32)
		add(f, "mem:size:32+GiB");
}

/* Those that name a machine, the rarest of one's own first: a virtual machine may have a real GPU too, an AMD card sits beside Intel's. */
static const struct gpu {
	const char *vendor, *name;
} gpus[] = {{"0x1af4", "virtio"}, {"0x1002", "amdgpu"}, {"0x8086", "intelgpu"}};
#define GPUS (sizeof(gpus) / sizeof(gpus[0]))

size_t facts_add_pci(struct facts *f, const char *class, const char *vendor, const char *device)
{
	size_t i = 0;

	if (strncmp(class, "0x02", 4) == 0)
		add(f, "nic:pciid:%s:%s", vendor, device);
	if (strncmp(class, "0x03", 4) != 0)
		return GPUS;
	while (i < GPUS && strcmp(gpus[i].vendor, vendor) != 0)
		i++;
	add(f, "%s:pciid:%s:%s", i < GPUS ? gpus[i].name : "gpu", vendor, device);
	if (i == 0)
		add(f, "virtio:family:VIRTIO");
	return i;
}

static bool pci_file(char value[16], const char *root, const char *slot, const char *name)
{
	if (!file_text(value, 16, root, "/sys/bus/pci/devices/%s/%s", slot, name))
		return false;
	value[strcspn(value, " \r\n")] = '\0';
	return true;
}

/* Returns the place in `gpus` of the GPU that names the machine; GPUS: none. */
static size_t add_pci_devices(struct facts *f, const char *root)
{
	char path[512], class[16], vendor[16], device[16];
	size_t best = GPUS, rank;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices", root);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !pci_file(class, root, entry->d_name, "class") ||
		    !pci_file(vendor, root, entry->d_name, "vendor") || !pci_file(device, root, entry->d_name, "device"))
			continue;
		rank = facts_add_pci(f, class, vendor, device);
		best = rank < best ? rank : best;
	}
	if (dir)
		closedir(dir);
	return best;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

void facts_read(struct facts *f, const char *root, const char *arch)
{
	static char text[1024 * 1024]; /* /proc/cpuinfo of 256 cores has 400 kB */
	char firmware[512];
	size_t gpu;

	memset(f, 0, sizeof(*f));
	add(f, "cpu:arch:%s", arch);
	if (file_text(text, sizeof(text), root, "/proc/cpuinfo"))
		facts_add_cpu(f, text);
	if (file_text(text, sizeof(text), root, "/proc/meminfo"))
		facts_add_memory(f, text);
	gpu = add_pci_devices(f, root);
	snprintf(firmware, sizeof(firmware), "%s/sys/firmware/efi", root);
	if (gpu < GPUS)
		snprintf(f->base_name, sizeof(f->base_name), "%s", gpus[gpu].name);
	else
		snprintf(f->base_name, sizeof(f->base_name), "%s-%s", arch, access(firmware, F_OK) == 0 ? "uefi" : "bios");
	qsort(f->tags, f->n_tags, sizeof(f->tags[0]), by_text);
}
