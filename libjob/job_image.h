/* Names of container images: what may be handed to a command that pulls one. Pure; also for artifactd, which checks again. */
#ifndef LIBJOB_JOB_IMAGE_H
#define LIBJOB_JOB_IMAGE_H

#include <stdbool.h>

/* [docker://]HOST[:PORT]/PATH[:TAG][@DIGEST]: never an option of a command, never a file of the gateway. */
#define JOB_IMAGE_NAME_ACCEPTED "the name of an image in a registry, as docker://registry.org/group/image:tag"
bool job_image_name_fits(const char *name);
#define JOB_IMAGE_PLATFORM_ACCEPTED "OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, as linux/arm64/v8"
bool job_image_platform_fits(const char *platform);

extern const char *const job_image_pulls[]; /* "relaxed_always", "always", "missing", NULL */
bool job_image_pull_fits(const char *pull);

#endif
