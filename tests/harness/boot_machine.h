/* A real machine on the private bridge: port 0 of vpdud, qemu's MAC of boot_farm.h. */
#ifndef TESTS_HARNESS_BOOT_MACHINE_H
#define TESTS_HARNESS_BOOT_MACHINE_H

#include "tests/harness/proc.h"

void machine_start(struct proc *vpdud,
		   const char *const *more); /* vpdud with these options (NULL-terminated, or NULL); the machine is off */
void machine_on(void);
void machine_off(void);

#endif
