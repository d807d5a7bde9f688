/* What each part of bucketd.yml leads to. */
#include "bucketd/config_internal.h"

#include <string.h>

#include "bucketd/store.h"

#define ENTRIES_MAX   10000
#define USER_NAME_MAX 64

#define NAME_ACCEPTED   "accepted: 1 to 64 letters, digits and . _ -, without -client or -dut at the end, and not the administrator's"
#define BUCKET_ACCEPTED "accepted: 3 to 63 of a-z 0-9 . -, as S3 has it"

static void complain(const struct reading *r, const struct tree_node *at, const struct tree_path *path, const char *what)
{
	char place[200];

	gw_errors_add(r->errs, GW_BAD_INPUT, "%s:%u:%u: %s: %s", r->name, at->line, at->column, tree_path_text(path, place, sizeof(place)),
		      what);
}

/* ---- walking: a mapping's or a list's entries go to a function each ---- */

typedef void entry_fn(const struct reading *r, const struct tree_node *value, const struct tree_path *path, void *data);

/* False if there is nothing to read: it is null, or not of the kind (which is said). */
static bool is_readable(const struct reading *r, const struct tree_node *node, const struct tree_path *path, enum tree_kind kind,
			const char *wrong)
{
	const struct tree_node *content = tree_resolve(node);

	if (tree_is_null(node))
		return false;
	if (content->kind == kind && content->n <= ENTRIES_MAX)
		return true;
	complain(r, node, path, content->kind == kind ? "it has too many entries; accepted: 10000" : wrong);
	return false;
}

static void each(const struct reading *r, const struct tree_node *node, const struct tree_path *path, entry_fn *fn, void *data)
{
	struct tree_path at = {.up = path};

	for (const struct tree_node *value = tree_resolve(node)->first; value; value = value->next, at.index++) {
		if (value->key) {
			at.text = value->key->text;
			at.len = value->key->len;
		}
		fn(r, value, &at, data);
	}
}

/* A mapping with known fields: what each leads to. */
struct field {
	const char *name;
	entry_fn *fn;
};
struct fields {
	const struct field *v; /* up to a name NULL */
	const char *unknown;
	bool is_secret; /* what stands where a field should be is not shown: it could be the secret */
	void *data;
};

static void read_field(const struct reading *r, const struct tree_node *value, const struct tree_path *path, void *data)
{
	const struct fields *fields = data;

	for (const struct field *field = fields->v; field->name; field++)
		if (tree_is(value->key, field->name)) {
			field->fn(r, value, path, fields->data);
			return;
		}
	complain(r, value->key, fields->is_secret ? path->up : path, fields->unknown);
}

/* ---- names ---- */

static bool is_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= '0' && text[i] <= '9') ||
		      strchr("._-", text[i])))
			return false;
	return len && len <= USER_NAME_MAX;
}

static bool ends_in(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && memcmp(text + len - n, end, n) == 0;
}

/* Those of jobs are BUCKET-client and BUCKET-dut. */
static bool is_user_name(const struct reading *r, const struct tree_node *key)
{
	return is_name(key->text, key->len) && !ends_in(key->text, key->len, "-client") && !ends_in(key->text, key->len, "-dut") &&
	       !(r->root_user && tree_is(key, r->root_user));
}

static bool is_bucket_name(const struct tree_node *key)
{
	char name[BUCKET_NAME_MAX + 1];
	struct s3_error ignored;

	if (key->len > BUCKET_NAME_MAX)
		return false;
	memcpy(name, key->text, key->len);
	name[key->len] = '\0';
	return bucket_name_accepted(name, &ignored);
}

/* ---- users ---- */

static void read_secret(const struct reading *r, const struct tree_node *value, const struct tree_path *path, void *data)
{
	const struct tree_node *scalar = tree_resolve(value);
	struct bucket_user *user = data;
	bool ok = scalar->kind == TREE_SCALAR && !tree_is_null(scalar) && scalar->len >= 8 && scalar->len <= 128;

	for (size_t i = 0; ok && i < scalar->len; i++)
		ok = scalar->text[i] > ' ' && scalar->text[i] < 0x7f;
	if (ok)
		user->secret = gw_strndup(scalar->text, scalar->len);
	else
		complain(r, value, path, "this is not a secret; accepted: 8 to 128 printable ASCII characters without blanks");
}

static void read_user(const struct reading *r, const struct tree_node *value, const struct tree_path *path, void *data)
{
	static const struct field user_fields[] = {{"secret", read_secret}, {NULL, NULL}};
	struct bucket_user *user = &r->config->users[r->config->n_users++];
	struct fields fields = {user_fields, "a field in it is not known; accepted: secret", true, user};

	user->name = gw_strndup(value->key->text, value->key->len);
	if (!is_user_name(r, value->key))
		complain(r, value->key, path, "it is no name for a user; " NAME_ACCEPTED);
	if (is_readable(r, value, path, TREE_MAP, "this is not a user; accepted: {secret: ...}"))
		each(r, value, path, read_field, &fields);
	if (tree_is_null(value) || (tree_resolve(value)->kind == TREE_MAP && !tree_get(r->tree, tree_resolve(value), "secret", 6)))
		complain(r, value, path, "its secret is missing; accepted: {secret: ...}");
}

static void read_users(const struct reading *r, const struct tree_node *node, const struct tree_path *path, void *data)
{
	if (!is_readable(r, node, path, TREE_MAP, "this is not a mapping of users; accepted: NAME: {secret: ...} each"))
		return;
	r->config->users = gw_calloc(tree_resolve(node)->n, sizeof(*r->config->users));
	each(r, node, path, read_user, NULL);
}

/* ---- groups ---- */

static void read_member(const struct reading *r, const struct tree_node *value, const struct tree_path *path, void *data)
{
	const struct tree_node *scalar = tree_resolve(value);
	struct bucket_group *group = data;

	if (scalar->kind == TREE_SCALAR && !tree_is_null(scalar) && tree_get(r->tree, r->users, scalar->text, scalar->len))
		group->users[group->n_users++] = gw_strndup(scalar->text, scalar->len);
	else
		complain(r, value, path, "this is not a user; accepted: names that are in `users`");
}

static void read_members(const struct reading *r, const struct tree_node *node, const struct tree_path *path, void *data)
{
	struct bucket_group *group = data;

	if (!is_readable(r, node, path, TREE_LIST, "this is not a list of users; accepted: names that are in `users`"))
		return;
	group->users = gw_calloc(tree_resolve(node)->n + 1, sizeof(*group->users));
	each(r, node, path, read_member, group);
}

static void read_grant(const struct reading *r, const struct tree_node *value, const struct tree_path *path, void *data)
{
	const struct tree_node *scalar = tree_resolve(value);
	struct bucket_group *group = data;
	bool writes = tree_is(scalar, "write");

	if (!is_bucket_name(value->key))
		complain(r, value->key, path, "it is no name for a bucket; " BUCKET_ACCEPTED);
	else if (!writes && !tree_is(scalar, "read"))
		complain(r, value, path, "this is not what a group may do; accepted: read, write (which includes read)");
	else
		group->grants[group->n_grants++] = (struct bucket_grant){.bucket = gw_strndup(value->key->text, value->key->len),
									 .write = writes};
}

static void read_grants(const struct reading *r, const struct tree_node *node, const struct tree_path *path, void *data)
{
	struct bucket_group *group = data;

	if (!is_readable(r, node, path, TREE_MAP, "this is not a mapping of buckets; accepted: BUCKET: read, or BUCKET: write, each"))
		return;
	group->grants = gw_calloc(tree_resolve(node)->n + 1, sizeof(*group->grants));
	each(r, node, path, read_grant, group);
}

static void read_group(const struct reading *r, const struct tree_node *value, const struct tree_path *path, void *data)
{
	static const struct field group_fields[] = {{"users", read_members}, {"buckets", read_grants}, {NULL, NULL}};
	struct bucket_group *group = &r->config->groups[r->config->n_groups++];
	struct fields fields = {group_fields, "it is not a field of a group; accepted: users, buckets", false, group};

	group->name = gw_strndup(value->key->text, value->key->len);
	if (!is_name(value->key->text, value->key->len))
		complain(r, value->key, path, "it is no name for a group; accepted: 1 to 64 letters, digits and . _ -");
	if (is_readable(r, value, path, TREE_MAP, "this is not a group; accepted: {users: [...], buckets: {...}}"))
		each(r, value, path, read_field, &fields);
}

static void read_groups(const struct reading *r, const struct tree_node *node, const struct tree_path *path, void *data)
{
	if (!is_readable(r, node, path, TREE_MAP, "this is not a mapping of groups; accepted: NAME: {users: [...], buckets: {...}} each"))
		return;
	r->config->groups = gw_calloc(tree_resolve(node)->n, sizeof(*r->config->groups));
	each(r, node, path, read_group, NULL);
}

/* ---- buckets ---- */

static void read_public(const struct reading *r, const struct tree_node *value, const struct tree_path *path, void *data)
{
	const struct tree_node *scalar = tree_resolve(value);
	struct farm_bucket *bucket = data;

	bucket->is_public = tree_is(scalar, "true");
	if (!bucket->is_public && !tree_is(scalar, "false"))
		complain(r, value, path, "this does not say whether all may read; accepted: true, false");
}

static void read_bucket(const struct reading *r, const struct tree_node *value, const struct tree_path *path, void *data)
{
	static const struct field bucket_fields[] = {{"public", read_public}, {NULL, NULL}};
	struct farm_bucket *bucket = &r->config->buckets[r->config->n_buckets++];
	struct fields fields = {bucket_fields, "it is not a field of a bucket; accepted: public", false, bucket};

	bucket->name = gw_strndup(value->key->text, value->key->len);
	if (!is_bucket_name(value->key))
		complain(r, value->key, path, "it is no name for a bucket; " BUCKET_ACCEPTED);
	if (is_readable(r, value, path, TREE_MAP, "this is not a bucket; accepted: {public: true}, {public: false}, {}"))
		each(r, value, path, read_field, &fields);
}

static void read_buckets(const struct reading *r, const struct tree_node *node, const struct tree_path *path, void *data)
{
	if (!is_readable(r, node, path, TREE_MAP, "this is not a mapping of buckets; accepted: NAME: {public: true}, or NAME: {}, each"))
		return;
	r->config->buckets = gw_calloc(tree_resolve(node)->n, sizeof(*r->config->buckets));
	each(r, node, path, read_bucket, NULL);
}

/* ---- the whole ---- */

void config_read(struct reading *r)
{
	static const struct field root_fields[] = {{"users", read_users}, {"groups", read_groups}, {"buckets", read_buckets}, {NULL, NULL}};
	static const char accepted[] = "it is not a field here; accepted: users, groups, buckets";
	struct fields fields = {root_fields, accepted, false, NULL};
	const struct tree_node *root = tree_root(r->tree);

	if (!root || tree_is_null(root))
		return;
	if (tree_resolve(root)->kind != TREE_MAP) {
		gw_errors_add(r->errs, GW_BAD_INPUT, "%s:%u:%u: this is not a mapping; accepted: users, groups, buckets", r->name,
			      root->line, root->column);
		return;
	}
	r->users = tree_resolve(tree_get(r->tree, root, "users", 5));
	each(r, root, NULL, read_field, &fields);
}
