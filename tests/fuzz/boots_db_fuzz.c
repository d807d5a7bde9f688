/* A boots DB of any text: it loads or has an error; what it loads can be finished. */
#include <stdint.h>
#include <string.h>

#include "libjob/boots_db.h"
#include "tests/fuzz/libfyaml_leaks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_errors errs = {0};
	struct value_pool pool = {0};
	struct boots_db db;
	bool ok;

	value_pool_init(&pool, 0);
	ok = boots_db_load(&db, "fuzz", (const char *)data, size, job_names_for_target(&pool, NULL), &errs);
	if (ok == (errs.n > 0))
		__builtin_trap();
	if (ok)
		boots_db_finish(&db);
	value_pool_finish(&pool);
	gw_errors_finish(&errs);
	return 0;
}
