#include "executorctl/keys.h"

enum { CTRL_A = 1, CTRL_C = 3 };

bool keys_feed(struct keys *keys, const char *in, size_t n, char *out, size_t *out_n)
{
	*out_n = 0;
	for (size_t i = 0; i < n; i++) {
		if (keys->prefix && in[i] == CTRL_C)
			return false;
		if (!keys->prefix && in[i] == CTRL_A) {
			keys->prefix = true;
			continue;
		}
		keys->prefix = false;
		out[(*out_n)++] = in[i];
	}
	return true;
}
