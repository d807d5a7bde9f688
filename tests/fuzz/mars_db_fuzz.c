#include <stddef.h>

#include "libmars/marsdb.h"
#include "tests/fuzz/libfyaml_leaks.h"

/* Either a database or at least one error; and what is a database changes nothing when it takes its own place. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_parse((const char *)data, size, "fuzz.yaml", NULL, &errs);
	struct mars_changes changes = {0};

	if (!db == !errs.n)
		__builtin_trap();
	if (db)
		mars_db_diff(db, db, &changes);
	if (changes.n)
		__builtin_trap();
	mars_db_destroy(db);
	gw_errors_finish(&errs);
	return 0;
}
