#include "bucketd/store_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libgateway/log.h"

#define SCHEMA_VERSION 1

static const char *const texts[SQL_STATEMENTS] = {
#define STATEMENT(name, text) [SQL_##name] = text,
#include "bucketd/store_statements.def"
#undef STATEMENT
};

/* One process, one connection: with the exclusive mode there is no shared memory, whose pages could be lacking on a full disk. */
static const char pragmas[] =
	"PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
	"PRAGMA trusted_schema = OFF; PRAGMA secure_delete = FAST; PRAGMA temp_store = MEMORY;";

/* `used` and `entries` are kept by triggers: whatever way a row goes, its bytes are counted no longer. */
static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE bucket (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL,"
	" used INTEGER NOT NULL DEFAULT 0, entries INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE TABLE object (bucket INTEGER NOT NULL REFERENCES bucket (id) ON DELETE CASCADE, key BLOB NOT NULL, size INTEGER NOT NULL,"
	" modified INTEGER NOT NULL, etag TEXT NOT NULL, file INTEGER NOT NULL UNIQUE, content_type TEXT NOT NULL, meta TEXT NOT NULL,"
	" PRIMARY KEY (bucket, key)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE multipart (id TEXT PRIMARY KEY, bucket INTEGER NOT NULL REFERENCES bucket (id) ON DELETE CASCADE, key BLOB NOT NULL,"
	" begun INTEGER NOT NULL, content_type TEXT NOT NULL, meta TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX multipart_key ON multipart (bucket, key, begun);"
	"CREATE INDEX multipart_begun ON multipart (begun);"
	"CREATE TABLE part (multipart TEXT NOT NULL REFERENCES multipart (id) ON DELETE CASCADE, number INTEGER NOT NULL,"
	" bucket INTEGER NOT NULL, file INTEGER NOT NULL UNIQUE, size INTEGER NOT NULL, modified INTEGER NOT NULL, etag TEXT NOT NULL,"
	" PRIMARY KEY (multipart, number)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX part_bucket ON part (bucket);"
	"CREATE TABLE job (job TEXT PRIMARY KEY, bucket TEXT NOT NULL UNIQUE REFERENCES bucket (name) ON DELETE CASCADE,"
	" client_secret TEXT NOT NULL, dut_secret TEXT NOT NULL, dut_address TEXT NOT NULL, groups TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TRIGGER object_more AFTER INSERT ON object BEGIN"
	" UPDATE bucket SET used = used + NEW.size, entries = entries + 1 WHERE id = NEW.bucket; END;"
	"CREATE TRIGGER object_less AFTER DELETE ON object BEGIN"
	" UPDATE bucket SET used = used - OLD.size, entries = entries - 1 WHERE id = OLD.bucket; END;"
	"CREATE TRIGGER multipart_more AFTER INSERT ON multipart BEGIN UPDATE bucket SET entries = entries + 1 WHERE id = NEW.bucket; END;"
	"CREATE TRIGGER multipart_less AFTER DELETE ON multipart BEGIN UPDATE bucket SET entries = entries - 1 WHERE id = OLD.bucket; END;"
	"CREATE TRIGGER part_more AFTER INSERT ON part BEGIN"
	" UPDATE bucket SET used = used + NEW.size, entries = entries + 1 WHERE id = NEW.bucket; END;"
	"CREATE TRIGGER part_less AFTER DELETE ON part BEGIN"
	" UPDATE bucket SET used = used - OLD.size, entries = entries - 1 WHERE id = OLD.bucket; END;"
	"PRAGMA user_version = 1;"
	"COMMIT;";

/* ---- opening ---- */

static bool open_failed(struct store_sql *sql, const char *path, struct gw_error *err)
{
	int code = sqlite3_errcode(sql->db), errnum = sqlite3_system_errno(sql->db);

	if (code == SQLITE_FULL || errnum == ENOSPC || errnum == EDQUOT)
		return gw_fail(err, GW_NO_SPACE, "%s: the disk is full", path);
	return gw_fail(err, GW_UNREACHABLE, "%s: cannot open the database of buckets: %s", path, sqlite3_errmsg(sql->db));
}

/* SQLite would make it readable by all, as far as the umask lets it; what it makes beside has the mode of this. */
static bool make_file(const char *path, struct gw_error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: cannot open the database of buckets", path);
	close(fd);
	return true;
}

static int version_of(struct store_sql *sql)
{
	sqlite3_stmt *stmt = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(sql->db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return version;
}

static bool prepare_all(struct store_sql *sql)
{
	for (size_t i = 0; i < SQL_STATEMENTS; i++)
		if (sqlite3_prepare_v3(sql->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &sql->statements[i], NULL) != SQLITE_OK)
			return false;
	return true;
}

static bool open_tables(struct store_sql *sql, const char *path, struct gw_error *err)
{
	int version;

	if (sqlite3_exec(sql->db, pragmas, NULL, NULL, NULL) != SQLITE_OK || (version = version_of(sql)) < 0)
		return open_failed(sql, path, err);
	if (version > SCHEMA_VERSION)
		return gw_fail(err, GW_REFUSED, "%s: it is of a newer bucketd (version %d); accepted: version %d", path, version,
			       SCHEMA_VERSION);
	if ((version == 0 && sqlite3_exec(sql->db, schema, NULL, NULL, NULL) != SQLITE_OK) || !prepare_all(sql))
		return open_failed(sql, path, err);
	return true;
}

bool sql_open(struct store_sql *sql, const char *path, struct gw_error *err)
{
	if (!make_file(path, err))
		return false;
	if (sqlite3_open_v2(path, &sql->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return open_failed(sql, path, err);
	sqlite3_extended_result_codes(sql->db, 1);
	return open_tables(sql, path, err);
}

void sql_close(struct store_sql *sql)
{
	for (size_t i = 0; i < SQL_STATEMENTS; i++)
		sqlite3_finalize(sql->statements[i]);
	sqlite3_close(sql->db);
	*sql = (struct store_sql){0};
}

/* ---- statements ---- */

sqlite3_stmt *sql_bind(struct store_sql *sql, enum store_statement which, const char *types, ...)
{
	sqlite3_stmt *stmt = sql->statements[which];
	va_list args;
	const char *text;

	va_start(args, types);
	for (int i = 1; *types; types++, i++) {
		if (*types == 'i') {
			sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
			continue;
		}
		text = va_arg(args, const char *);
		if (*types == 't')
			sqlite3_bind_text(stmt, i, text, -1, SQLITE_STATIC);
		else
			sqlite3_bind_blob64(stmt, i, text, *types == 'n' ? va_arg(args, size_t) : strlen(text), SQLITE_STATIC);
	}
	va_end(args);
	return stmt;
}

void sql_end(sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt); /* they borrow */
}

static void failed(struct store_sql *sql, sqlite3_stmt *stmt, struct s3_error *err)
{
	int code = sqlite3_extended_errcode(sql->db), errnum = sqlite3_system_errno(sql->db);

	if ((code & 0xff) == SQLITE_FULL || ((code & 0xff) == SQLITE_IOERR && (errnum == ENOSPC || errnum == EDQUOT))) {
		s3_fail(err, S3_FULL, NULL);
		return;
	}
	log_error("the database of buckets: %s (%d) at: %s", sqlite3_errmsg(sql->db), code, sqlite3_sql(stmt));
	s3_fail(err, S3_INTERNAL, NULL);
}

enum sql_step sql_step(struct store_sql *sql, sqlite3_stmt *stmt, struct s3_error *err)
{
	int result = sqlite3_step(stmt);

	if (result == SQLITE_ROW)
		return SQL_ROW;
	if (result != SQLITE_DONE)
		failed(sql, stmt, err);
	sql_end(stmt);
	return result == SQLITE_DONE ? SQL_DONE : SQL_FAILED;
}

bool sql_run(struct store_sql *sql, sqlite3_stmt *stmt, struct s3_error *err)
{
	enum sql_step step;

	do
		step = sql_step(sql, stmt, err);
	while (step == SQL_ROW);
	return step == SQL_DONE;
}

void sql_text(char *to, size_t size, sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	snprintf(to, size, "%s", text ? (const char *)text : "");
}
