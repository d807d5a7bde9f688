/* The words of a description that messages and tables elsewhere use too. */
#include "libjob/job.h"

const char *const job_timeout_names[JOB_TIMEOUTS] = {
	[JOB_OVERALL] = "overall",
	[JOB_INFRA_SETUP] = "infra_setup",
	[JOB_INFRA_TEARDOWN] = "infra_teardown",
	[JOB_BOOT_CYCLE] = "boot_cycle",
	[JOB_CONSOLE_ACTIVITY] = "console_activity",
	[JOB_FIRST_CONSOLE_ACTIVITY] = "first_console_activity",
	[JOB_FIRMWARE_BOOT] = "firmware_boot",
};

const char *const job_pattern_names[JOB_PATTERNS] = {
	[JOB_SESSION_END] = "session_end", [JOB_SESSION_REBOOT] = "session_reboot",   [JOB_SUCCESS] = "job_success",
	[JOB_WARN] = "job_warn",           [JOB_UNFIT] = "machine_unfit_for_service",
};

const char *const job_dhcp_match_names[JOB_DHCP_MATCHES] = {
	[JOB_DHCP_ARCHITECTURE] = "architecture",
	[JOB_DHCP_FIRMWARE] = "firmware",
	[JOB_DHCP_PROTOCOL] = "protocol",
	[JOB_DHCP_MAC] = "mac_address",
	[JOB_DHCP_VENDOR] = "vendor_class",
	[JOB_DHCP_USER] = "user_class",
	[JOB_DHCP_UUID] = "uuid",
};
