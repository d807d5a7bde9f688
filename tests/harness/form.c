#include "tests/harness/form.h"

#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/error.h"

static void add_part(struct buffer *form, const struct form_part *part)
{
	buffer_printf(form, "--" FORM_BOUNDARY "\r\nContent-Disposition: form-data");
	if (part->name)
		buffer_printf(form, "; name=\"%s\"", part->name);
	if (part->filename)
		buffer_printf(form, "; filename=\"%s\"", part->filename);
	if (part->type)
		buffer_printf(form, "\r\nContent-Type: %s", part->type);
	buffer_add(form, "\r\n\r\n", 4);
	buffer_add(form, part->data, part->len ? part->len : strlen(part->data));
	buffer_add(form, "\r\n", 2);
}

void form_make(struct buffer *form, const struct form_part parts[FORM_PARTS_MAX])
{
	for (size_t i = 0; i < FORM_PARTS_MAX && parts[i].data; i++)
		add_part(form, &parts[i]);
	buffer_printf(form, "--" FORM_BOUNDARY "--\r\n");
}

static size_t collect(char *bytes, size_t size, size_t n, void *data)
{
	buffer_add(data, bytes, size * n);
	return size * n;
}

int form_post(const char *type, const char *body, size_t len, char **answer, char content_type[64])
{
	CURL *curl = curl_easy_init();
	char *header = gw_sprintf("Content-Type: %s", type), *got = NULL;
	struct curl_slist *headers = curl_slist_append(NULL, header);
	struct buffer out = {0};
	long status = 0;

	curl_easy_setopt(curl, CURLOPT_URL, "http://10.42.0.1//api/v1/jobs"); /* as the field's client says it */
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_EXPECT_100_TIMEOUT_MS, 60000L); /* what is refused is not sent, however late the refusal */
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &out);
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &got);
	snprintf(content_type, 64, "%s", got ? got : "");
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	free(header);
	*answer = buffer_take(&out);
	return (int)status;
}

int form_submit(const struct form_part parts[FORM_PARTS_MAX], char **answer, char content_type[64])
{
	struct buffer form = {0};
	int status;

	form_make(&form, parts);
	status = form_post("multipart/form-data; boundary=" FORM_BOUNDARY, form.data, form.len, answer, content_type);
	buffer_finish(&form);
	return status;
}
