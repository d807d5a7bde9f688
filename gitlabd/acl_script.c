/* The ACL as a script. gitlab-runner puts it at the head of the job's own script, so it is one subshell: nothing of it is left behind, and
 * only a refusal ends the job. The job's variables are the job author's: they stand in double quotes only, beside quoted patterns. */
#include "gitlabd/acl_script.h"

#include <string.h>

#include "libgateway/buffer.h"

#define USER    "GITLAB_USER_LOGIN"
#define PROJECT "CI_PROJECT_PATH"

static void add(struct buffer *out, const char *text)
{
	buffer_add(out, text, strlen(text));
}

/* In single quotes nothing is special but their end. */
static void add_quoted(struct buffer *out, const char *text)
{
	add(out, "'");
	for (; *text; text++) {
		if (*text == '\'')
			add(out, "'\\''");
		else
			buffer_add(out, text, 1);
	}
	add(out, "'");
}

/* `then`, if the variable is one of `values`, or with `suffix` begins with one. */
static void add_case(struct buffer *out, const char *variable, const struct bus_texts *values, const char *suffix, const char *then)
{
	if (!values->n)
		return;
	buffer_printf(out, "case \"${%s-}\" in\n", variable);
	for (size_t i = 0; i < values->n; i++) {
		add(out, i ? " | \\\n" : "");
		add_quoted(out, values->v[i]);
		add(out, suffix);
	}
	buffer_printf(out, ")\n\t%s ;;\nesac\n", then);
}

static void add_rules(struct buffer *out, const struct msg_gitlab_rules *rules, const char *of_user, const char *of_project)
{
	add_case(out, USER, &rules->users, "", of_user);
	add_case(out, PROJECT, &rules->projects, "", of_project);
	add_case(out, PROJECT, &rules->projects_in_groups, "/*", of_project);
}

static void add_level(struct buffer *out, const struct msg_gitlab_acl *acl, bool own)
{
	if (acl && acl->deny.n)
		add_rules(out, acl->deny.v,
			  own ? "refuse \"this runner's rules deny the user\"" : "refuse \"this farm's rules deny the user\"",
			  own ? "refuse \"this runner's rules deny the project\"" : "refuse \"this farm's rules deny the project\"");
	if (acl && acl->allow.n)
		add_rules(out, acl->allow.v, "exit 0", "exit 0");
}

static bool has_rules(const struct msg_gitlab_rules *rules, size_t n)
{
	return n && (rules->users.n || rules->projects.n || rules->projects_in_groups.n);
}

static bool acl_has_rules(const struct msg_gitlab_acl *acl)
{
	return acl && (has_rules(acl->deny.v, acl->deny.n) || has_rules(acl->allow.v, acl->allow.n));
}

char *acl_script(const struct msg_gitlab_acl *own, const struct msg_gitlab_acl *instance)
{
	struct buffer out = {0};

	if (!acl_has_rules(own) && !acl_has_rules(instance))
		return gw_strdup("");
	/* The job's log shows the first line. In the C locale a pattern's bytes are bytes. */
	add(&out, "( # May this job run here?\n"
		  "LC_ALL=C\n"
		  "refuse() {\n"
		  "\tprintf '%s\\n' \"Refused: a job of user '${" USER "-}' in project '${" PROJECT "-}': $1.\" >&2\n"
		  "\texit 1\n"
		  "}\n");
	add_level(&out, own, true);
	add_level(&out, instance, false);
	add(&out, "refuse \"no rule allows it\"\n"
		  ") || exit 1\n");
	return buffer_take(&out);
}
