#include "bucketd/access.h"

#include <arpa/inet.h>
#include <string.h>

#include <openssl/crypto.h>

/* ---- who a key stands for ---- */

struct principal {
	bool is_root;
	const struct bucket_user *user;
	const struct store_job *job; /* its client or its DUT */
	bool is_dut;
};

static const struct bucket_user *find_user(const struct access *access, const char *name)
{
	for (size_t i = 0; i < access->config->n_users; i++)
		if (strcmp(access->config->users[i].name, name) == 0)
			return &access->config->users[i];
	return NULL;
}

static bool is_key_of(const struct store_job *job, const char *key, const char *end)
{
	size_t len = strlen(job->bucket);

	return strncmp(key, job->bucket, len) == 0 && strcmp(key + len, end) == 0;
}

static void find_job(const struct access *access, const char *key, struct principal *who)
{
	for (size_t i = 0; i < access->n_jobs && !who->job; i++) {
		who->is_dut = is_key_of(&access->jobs[i], key, "-dut");
		if (who->is_dut || is_key_of(&access->jobs[i], key, "-client"))
			who->job = &access->jobs[i];
	}
}

static struct principal find_principal(const struct access *access, const char *key)
{
	struct principal who = {0};

	if (!key)
		return who;
	who.is_root = strcmp(key, access->root_user) == 0;
	if (!who.is_root && !(who.user = find_user(access, key)))
		find_job(access, key, &who);
	return who;
}

const char *access_secret(const struct access *access, const char *key)
{
	struct principal who = find_principal(access, key);

	return who.is_root  ? access->root_password
	       : who.user   ? who.user->secret
	       : !who.job   ? NULL
	       : who.is_dut ? who.job->dut_secret
			    : who.job->client_secret;
}

/* ---- where it comes from ---- */

/* IPv4 that came to a socket of IPv6 is `::ffff:a.b.c.d`. */
static bool is_from(const struct sockaddr *peer, const char *address)
{
	struct in_addr wanted;
	const struct in6_addr *mapped;

	if (!peer || inet_pton(AF_INET, address, &wanted) != 1)
		return false;
	if (peer->sa_family == AF_INET)
		return ((const struct sockaddr_in *)peer)->sin_addr.s_addr == wanted.s_addr;
	mapped = &((const struct sockaddr_in6 *)peer)->sin6_addr;
	return peer->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(mapped) && memcmp(&mapped->s6_addr[12], &wanted, 4) == 0;
}

/* ---- what is granted ---- */

static bool grants(const struct bucket_group *group, const char *bucket, bool write)
{
	for (size_t i = 0; i < group->n_grants; i++)
		if (strcmp(group->grants[i].bucket, bucket) == 0)
			return !write || group->grants[i].write;
	return false;
}

static bool has_member(const struct bucket_group *group, const char *user)
{
	for (size_t i = 0; i < group->n_users; i++)
		if (strcmp(group->users[i], user) == 0)
			return true;
	return false;
}

static bool is_listed(const char *lines, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = lines; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (strncmp(at, name, len) == 0 && (at[len] == '\n' || !at[len]))
			return true;
	return false;
}

static bool groups_grant(const struct access *access, const struct principal *who, const char *bucket, bool write)
{
	for (size_t i = 0; i < access->config->n_groups; i++) {
		const struct bucket_group *group = &access->config->groups[i];

		if ((who->user ? has_member(group, who->user->name) : is_listed(who->job->groups, group->name)) &&
		    grants(group, bucket, write))
			return true;
	}
	return false;
}

static bool is_public(const struct access *access, const char *bucket)
{
	for (size_t i = 0; i < access->config->n_buckets; i++)
		if (strcmp(access->config->buckets[i].name, bucket) == 0)
			return access->config->buckets[i].is_public;
	return false;
}

/* By a key of its own, not by the bucket's being public. */
static bool has_right(const struct access *access, const struct principal *who, const char *bucket, enum access_verb verb)
{
	if (verb == ACCESS_LIST_BUCKETS)
		return true;
	if (verb != ACCESS_READ && verb != ACCESS_WRITE)
		return false;
	if (who->job && strcmp(who->job->bucket, bucket) == 0)
		return true;
	return (who->user || who->is_dut) && groups_grant(access, who, bucket, verb == ACCESS_WRITE);
}

bool access_allows(const struct access *access, const char *key, const struct sockaddr *peer, const char *bucket, enum access_verb verb)
{
	struct principal who = find_principal(access, key);
	bool known = who.user || (who.job && (!who.is_dut || is_from(peer, who.job->dut_address)));

	if (who.is_root || (known && has_right(access, &who, bucket, verb)))
		return true;
	return verb == ACCESS_READ && is_public(access, bucket);
}

/* ---- what a submitter asks for ---- */

static bool is_secret(const char *secret, const char *given)
{
	size_t len = strlen(secret);

	return strlen(given) == len && CRYPTO_memcmp(secret, given, len) == 0;
}

static bool is_member(const struct access *access, const char *user, const char *group)
{
	for (size_t i = 0; i < access->config->n_groups; i++)
		if (strcmp(access->config->groups[i].name, group) == 0)
			return has_member(&access->config->groups[i], user);
	return false;
}

bool access_check_groups(const struct access *access, const char *user, const char *secret, const char *const *groups, size_t n,
			 struct gw_error *err)
{
	const struct bucket_user *found = user ? find_user(access, user) : NULL;

	if (!n && !user)
		return true;
	if (!user)
		return gw_fail(err, GW_REFUSED, "groups of buckets are asked for, but no user of the bucket service is named");
	if (!found || !secret || !is_secret(found->secret, secret))
		return gw_fail(err, GW_REFUSED, "the bucket service knows no user '%s' of this secret", user);
	for (size_t i = 0; i < n; i++)
		if (!is_member(access, user, groups[i]))
			return gw_fail(err, GW_REFUSED, "the user '%s' is not in the group '%s' of the bucket service", user, groups[i]);
	return true;
}
