/* Bounds that MarsDB and job descriptions, which refuse what is beyond them, share with the bus, which carries it. In bytes, or items. */
#ifndef LIBGATEWAY_SHARED_BOUNDS_H
#define LIBGATEWAY_SHARED_BOUNDS_H

#define GITLAB_INSTANCES_MAX 64

#define DUT_TAGS_MAX      1024 /* of each kind */
#define DUT_TTY_MAX       128
#define DUT_FULL_NAME_MAX 256   /* FARM-base_name-N; of 63, 128 and a number */
#define PDU_CONFIG_MAX    65536 /* as JSON */

#define JOB_TEXT_MAX         (1024 * 1024) /* of a description, as given and as rendered */
#define JOB_TARGET_MAX       256           /* an id, or a tag */
#define JOB_TARGET_TAGS_MAX  1024
#define JOB_NAME_MAX         120 /* of a category, a watchdog, an image */
#define JOB_URL_MAX          4096
#define JOB_FILE_PATH_MAX    1024 /* of what is served */
#define JOB_ADD_PATH_MAX     4096 /* in an archive */
#define JOB_REWRITE_MAX      4096
#define JOB_ITEMS_MAX        1000 /* of a list of a boot: initramfs, dtb, ... */
#define JOB_DHCP_MAX         256
#define JOB_DHCP_REGEX_MAX   256
#define JOB_DHCP_OPTIONS_MAX 254
#define JOB_CMDLINE_MAX      16384 /* once rendered */

#endif
