/* Who may run jobs, as a function of the rules. */
#include "libmars/marsdb.h"

#include <string.h>

static bool has_rules(const struct mars_acl_rules *rules)
{
	return rules->users.n || rules->projects.n || rules->projects_in_groups.n;
}

/* A group's projects are those whose path begins with "GROUP/": its subgroups' too. */
static bool in_a_group(const struct mars_strings *groups, const char *project)
{
	for (size_t i = 0; i < groups->n; i++) {
		size_t len = strlen(groups->v[i]);

		if (strncmp(project, groups->v[i], len) == 0 && project[len] == '/')
			return true;
	}
	return false;
}

static bool matches(const struct mars_acl_rules *rules, const char *user, const char *project)
{
	return mars_strings_have(&rules->users, user) || mars_strings_have(&rules->projects, project) ||
	       in_a_group(&rules->projects_in_groups, project);
}

bool mars_acl_has_allow(const struct mars_acl *acl)
{
	return has_rules(&acl->allow);
}

bool mars_acl_allows(const struct mars_acl *own, const struct mars_acl *instance, const char *user, const char *project)
{
	const struct mars_acl *levels[] = {own, instance};
	bool any = false;

	for (int i = 0; i < 2; i++) {
		if (!levels[i])
			continue;
		if (matches(&levels[i]->deny, user, project))
			return false;
		if (matches(&levels[i]->allow, user, project))
			return true;
		any = any || has_rules(&levels[i]->deny) || has_rules(&levels[i]->allow);
	}
	return !any;
}
