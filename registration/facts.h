/* What this machine is, as tags that jobs can ask for. Read below ROOT/proc and ROOT/sys, "" being this machine. */
#ifndef REGISTRATION_FACTS_H
#define REGISTRATION_FACTS_H

#include "registration/text.h"

#define FACTS_TAGS_MAX 64
#define FACTS_TAG_SIZE 96

/*	cpu:arch:x86_64 cpu:vendor:GenuineIntel cpu:family:6 cpu:model:85	arm64: cpu:vendor:0x41 cpu:model:0xd08
 *	cpu:cores:12 cpu:cores:8+			8+, 16+ and 32+, each if there are as many
 *	mem:size:16GiB mem:size:8+GiB			the next power of two; 8+GiB and 32+GiB
 *	virtio:pciid:0x1af4:0x1050 virtio:family:VIRTIO	a virtio GPU
 *	amdgpu:pciid:0x1002:0x1636, intelgpu:pciid:...	a GPU of these; gpu:pciid:... any other
 *	nic:pciid:0x1af4:0x1000				a network card
 * base_name: virtio, amdgpu or intelgpu where there is such a GPU (the first of these), else ARCH-bios or ARCH-uefi. */
struct facts {
	char base_name[64];
	char tags[FACTS_TAGS_MAX][FACTS_TAG_SIZE]; /* sorted, each once */
	size_t n_tags;
};

void facts_read(struct facts *facts, const char *root, const char *arch);

/* The pure parts. */
void facts_add_cpu(struct facts *facts, const char *cpuinfo);
void facts_add_memory(struct facts *facts, const char *meminfo);
/* `class` as sysfs has it, "0x030000". Returns the rank of a GPU that names the machine (0: virtio), 3 for anything else. */
size_t facts_add_pci(struct facts *facts, const char *class, const char *vendor, const char *device);

#endif
