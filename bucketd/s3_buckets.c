/* What is asked of a bucket as a whole, but for its listings. */
#include <string.h>

#include "bucketd/s3.h"
#include "bucketd/xml.h"

static bool exists(struct s3_call *call)
{
	return store_bucket_exists(call->server->store, call->target.bucket, &call->err);
}

bool s3_run_list_buckets(struct s3_call *call)
{
	return store_buckets_list(call->server->store, &call->buckets, &call->err);
}

static void put_owner(struct buffer *out, const char *element)
{
	xml_open(out, element);
	xml_text(out, "ID", "bucketd");
	xml_text(out, "DisplayName", "bucketd");
	xml_close(out, element);
}

static bool may_read(const struct s3_call *call, const char *bucket)
{
	return access_allows(call->server->access, call->sig.anonymous ? NULL : call->sig.key, http_peer(call->rq), bucket, ACCESS_READ);
}

/* Those that who asks may read. */
void s3_answer_list_buckets(struct s3_call *call)
{
	xml_begin(&call->xml, "ListAllMyBucketsResult");
	put_owner(&call->xml, "Owner");
	xml_open(&call->xml, "Buckets");
	for (size_t i = 0; i < call->buckets.n; i++) {
		const struct store_bucket *bucket = &call->buckets.v[i];

		if (!may_read(call, bucket->name))
			continue;
		xml_open(&call->xml, "Bucket");
		xml_text(&call->xml, "Name", bucket->name);
		xml_time(&call->xml, "CreationDate", bucket->created_ns);
		xml_close(&call->xml, "Bucket");
	}
	xml_close(&call->xml, "Buckets");
	xml_close(&call->xml, "ListAllMyBucketsResult");
	http_answer(call->rq, 200, "application/xml", call->xml.data, call->xml.len);
}

/* The region that the body may ask for does not matter: there is one place. */
bool s3_run_create_bucket(struct s3_call *call)
{
	return bucket_name_accepted(call->target.bucket, &call->err) &&
	       store_bucket_create(call->server->store, call->target.bucket, &call->err);
}

void s3_answer_create_bucket(struct s3_call *call)
{
	char location[1 + S3_BUCKET_MAX + 1] = "/";

	strcat(location, call->target.bucket);
	http_answer_header(call->rq, "Location", location);
	http_answer(call->rq, 200, NULL, NULL, 0);
}

bool s3_run_head_bucket(struct s3_call *call)
{
	return exists(call);
}

bool s3_run_delete_bucket(struct s3_call *call)
{
	return store_bucket_remove(call->server->store, call->target.bucket, false, &call->err);
}

/* "us-east-1" is said by saying nothing. */
bool s3_run_location(struct s3_call *call)
{
	xml_begin(&call->xml, "LocationConstraint");
	xml_close(&call->xml, "LocationConstraint");
	return exists(call);
}

/* Neither on nor suspended: there never were versions. */
bool s3_run_versioning(struct s3_call *call)
{
	xml_begin(&call->xml, "VersioningConfiguration");
	xml_close(&call->xml, "VersioningConfiguration");
	return exists(call);
}

bool s3_run_object_lock(struct s3_call *call)
{
	return exists(call) && s3_fail(&call->err, S3_NO_SUCH_LOCK_CONFIGURATION, NULL);
}

/* As MinIO has it: who may do what is not said by lists of access, and all clients are shown this one. */
bool s3_run_acl(struct s3_call *call)
{
	xml_begin(&call->xml, "AccessControlPolicy");
	put_owner(&call->xml, "Owner");
	xml_open(&call->xml, "AccessControlList");
	xml_open(&call->xml, "Grant");
	buffer_printf(&call->xml,
		      "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>bucketd</ID>"
		      "<DisplayName>bucketd</DisplayName></Grantee>");
	xml_text(&call->xml, "Permission", "FULL_CONTROL");
	xml_close(&call->xml, "Grant");
	xml_close(&call->xml, "AccessControlList");
	xml_close(&call->xml, "AccessControlPolicy");
	return exists(call);
}
