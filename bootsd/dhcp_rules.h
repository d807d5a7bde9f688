/* A job's own DHCP options: entries of what a client must be and what it is then sent. The first that matches wins. Not thread-safe. */
#ifndef BOOTSD_DHCP_RULES_H
#define BOOTSD_DHCP_RULES_H

#include "bootsd/dhcp_classify.h"
#include "libbus/messages.h"

struct dhcp_rule_option {
	unsigned code;
	struct dhcp_bytes value; /* owned */
};
struct dhcp_rule {
	struct dhcp_rule_test *tests; /* owned; all must pass */
	size_t n_tests;
	struct dhcp_rule_option *options;
	size_t n_options;
};
struct dhcp_rules {
	struct dhcp_rule *v; /* owned */
	size_t n;
};

/* GW_BAD_INPUT names the entry and what is wrong with it. Finish in any case. */
bool dhcp_rules_init(struct dhcp_rules *rules, const struct msg_boot_dhcp *entries, size_t n, struct gw_error *err);
void dhcp_rules_finish(struct dhcp_rules *rules); /* accepts zeroed memory */

const struct dhcp_rule *dhcp_rules_find(const struct dhcp_rules *rules, const struct dhcp_class *class, struct mac mac); /* NULL: none */
struct dhcp_bytes dhcp_rule_option(const struct dhcp_rule *rule, unsigned code); /* v NULL: not given. A NULL rule is fine */

#endif
