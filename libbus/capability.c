#include "libbus/capability.h"

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAC_BYTES 32

static const struct {
	const char *name;
	size_t offset, size;
} fields[] = {
#define FIELD(f)                                                                                                                           \
	{                                                                                                                                  \
#f, offsetof(struct capability, f), sizeof(((struct capability *)0)->f)                                                    \
	}
	FIELD(job), FIELD(dut), FIELD(mac), FIELD(ip), FIELD(pdu), FIELD(port),
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static void to_hex(const unsigned char *bytes, size_t n, char *hex)
{
	for (size_t i = 0; i < n; i++)
		sprintf(hex + 2 * i, "%02x", bytes[i]);
}

bool capability_key_make(char key[CAPABILITY_KEY_HEX + 1], struct gw_error *err)
{
	unsigned char bytes[CAPABILITY_KEY_HEX / 2];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return gw_fail(err, GW_INTERNAL, "no random bytes for a key");
	to_hex(bytes, sizeof(bytes), key);
	return true;
}

static void sign(const char *key, const char *text, size_t len, char hex[2 * MAC_BYTES + 1])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	gw_assert(HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)text, len, mac, &n) && n == MAC_BYTES);
	to_hex(mac, MAC_BYTES, hex);
}

/* Base64 of OpenSSL with the two letters that RFC 4648 section 5 puts instead; the padding stays. */
static void swap_letters(char *text, const char *from, const char *to)
{
	for (; *text; text++) {
		const char *at = strchr(from, *text);
		if (at)
			*text = to[at - from];
	}
}

bool capability_make(const char *key, const struct capability *cap, char text[CAPABILITY_TEXT_MAX + 1], struct gw_error *err)
{
	char encoded[2 * CAPABILITY_TEXT_MAX], hex[2 * MAC_BYTES + 1], *plain;
	cJSON *json = cJSON_CreateObject();
	size_t len;
	bool fits;

	for (size_t i = 0; i < FIELDS; i++)
		cJSON_AddStringToObject(json, fields[i].name, (const char *)cap + fields[i].offset);
	plain = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	len = strlen(plain);
	fits = len < CAPABILITY_TEXT_MAX;
	if (fits) {
		EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)plain, (int)len);
		swap_letters(encoded, "+/", "-_");
		sign(key, encoded, strlen(encoded), hex);
		fits = snprintf(text, CAPABILITY_TEXT_MAX + 1, "%s.%s", encoded, hex) <= CAPABILITY_TEXT_MAX;
	}
	free(plain);
	return fits || gw_fail(err, GW_INTERNAL, "a capability of more than %d bytes", CAPABILITY_TEXT_MAX);
}

static bool parse(const char *plain, struct capability *cap)
{
	cJSON *json = cJSON_Parse(plain);
	bool ok = json != NULL;

	memset(cap, 0, sizeof(*cap));
	for (size_t i = 0; ok && i < FIELDS; i++) {
		const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, fields[i].name));
		ok = value && strlen(value) < fields[i].size;
		if (ok)
			strcpy((char *)cap + fields[i].offset, value);
	}
	cJSON_Delete(json);
	return ok;
}

bool capability_check(const char *key, const char *text, struct capability *cap, struct gw_error *err)
{
	char encoded[CAPABILITY_TEXT_MAX + 1], plain[CAPABILITY_TEXT_MAX + 4] = "", hex[2 * MAC_BYTES + 1];
	const char *dot = strrchr(text, '.');
	int n;

	if (!key || !*key)
		return gw_fail(err, GW_UNREACHABLE, "no capability can be checked: executord has not been heard yet");
	if (!dot || dot - text >= CAPABILITY_TEXT_MAX || strlen(dot + 1) != 2 * MAC_BYTES)
		return gw_fail(err, GW_REFUSED, "that is not a capability");
	memcpy(encoded, text, (size_t)(dot - text));
	encoded[dot - text] = '\0';
	sign(key, encoded, strlen(encoded), hex);
	if (CRYPTO_memcmp(hex, dot + 1, 2 * MAC_BYTES) != 0)
		return gw_fail(err, GW_REFUSED, "the capability was not made by this gateway");
	swap_letters(encoded, "-_", "+/");
	n = EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)encoded, (int)strlen(encoded));
	if (n < 0 || !parse(plain, cap))
		return gw_fail(err, GW_REFUSED, "the capability is of another version");
	return true;
}
