/* The database of the store: its schema, its statements, and how their failures become S3 errors. The store's lock is held by whoever
 * calls anything here. */
#ifndef BUCKETD_STORE_SQL_H
#define BUCKETD_STORE_SQL_H

#include <sqlite3.h>

#include "bucketd/s3_error.h"

enum store_statement {
#define STATEMENT(name, text) SQL_##name,
#include "bucketd/store_statements.def"
#undef STATEMENT
	SQL_STATEMENTS
};

struct store_sql {
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_STATEMENTS];
};

/* Makes the file (0600) and its tables where they are missing. The folder must be ours alone. */
bool sql_open(struct store_sql *sql, const char *path, struct gw_error *err);
void sql_close(struct store_sql *sql); /* accepts zeroed memory */

/* A statement with its parameters: `i` int64_t, `t` a text, `b` a text's bytes as a BLOB, `n` bytes and their number (size_t) as a BLOB.
 * What is bound must live until the statement is over. */
sqlite3_stmt *sql_bind(struct store_sql *sql, enum store_statement which, const char *types, ...);
enum sql_step { SQL_FAILED, SQL_DONE, SQL_ROW };
enum sql_step sql_step(struct store_sql *sql, sqlite3_stmt *stmt, struct s3_error *err); /* whoever stops at a row calls sql_end */
bool sql_run(struct store_sql *sql, sqlite3_stmt *stmt, struct s3_error *err);           /* to its end; rows are passed over */
void sql_end(sqlite3_stmt *stmt);
void sql_text(char *to, size_t size, sqlite3_stmt *stmt, int column); /* cut to its size */

#endif
