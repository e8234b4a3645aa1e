/* recording_file.c - see recording_file.h; requirements cited by number. */
#include "models/answers/recording_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "models/answers/recording.h"

static const struct table { const char *name, *columns, *order; int n; } tables[DUO_RECORDING_TABLES_N] = {
#define X(table, columns, n, order) { #table, columns, order, n },
    DUO_RECORDING_TABLES(X)
#undef X
};

static const char view[] =
    "CREATE VIEW v_answer AS SELECT q.query, q.name, q.family, q.difficulty, q.split, v.name AS voice, a.quality, a.tokens, a.ended, a.text"
    " FROM answer a JOIN query q USING (query) JOIN voice v USING (voice)";

enum duo_status duo_recording_failed(sqlite3 *db, const char *path, struct duo_err *err)
{
    int code = sqlite3_errcode(db);
    enum duo_status status = code == SQLITE_FULL || code == SQLITE_NOMEM || code == SQLITE_IOERR ? DUO_NO_RESOURCES : DUO_BAD_INPUT;

    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "is being written by another program");
    return duo_fail_at(err, status, path, 0, 0, "%s", sqlite3_errmsg(db));
}

static enum duo_status run(sqlite3 *db, const char *sql, const char *path, struct duo_err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? DUO_OK : duo_recording_failed(db, path, err);
}

/* Every setting that changes the file's bytes (2). */
static enum duo_status create(sqlite3 *db, const char *path, struct duo_err *err)
{
    char sql[600];

    snprintf(sql, sizeof sql, "PRAGMA page_size = 16384; PRAGMA auto_vacuum = NONE; PRAGMA encoding = 'UTF-8'; PRAGMA secure_delete = ON;"
             "PRAGMA synchronous = OFF; PRAGMA journal_mode = TRUNCATE; PRAGMA locking_mode = EXCLUSIVE; BEGIN;"
             "PRAGMA application_id = %d; PRAGMA user_version = %d", DUO_RECORDING_ID, DUO_RECORDING_VERSION);
    DUO_TRY(run(db, sql, path, err));
    for (int t = 0; t < DUO_RECORDING_TABLES_N; t++) {
        snprintf(sql, sizeof sql, "CREATE TABLE %s(%s)%s", tables[t].name, tables[t].columns, t == DUO_RECORDING_meta ? " WITHOUT ROWID" : "");
        DUO_TRY(run(db, sql, path, err));
    }
    return run(db, view, path, err);
}

static enum duo_status prepare(struct duo_recording_file *f, struct duo_err *err)
{
    for (int t = 0; t < DUO_RECORDING_TABLES_N; t++) {
        char sql[120] = "";
        size_t at = (size_t)snprintf(sql, sizeof sql, "INSERT INTO %s VALUES (?", tables[t].name);
        for (int i = 1; i < tables[t].n; i++) at += (size_t)snprintf(sql + at, sizeof sql - at, ",?");
        snprintf(sql + at, sizeof sql - at, ")");
        if (sqlite3_prepare_v3(f->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &f->insert[t], NULL) != SQLITE_OK)
            return duo_recording_failed(f->db, f->part, err);
    }
    return DUO_OK;
}

static void bind(sqlite3_stmt *s, int column, const struct duo_cell *c)
{
    static const char nothing[1] = "";

    if (c->kind == DUO_CELL_WHOLE) sqlite3_bind_int64(s, column, c->whole);
    else if (c->kind == DUO_CELL_REAL) sqlite3_bind_double(s, column, c->real);      /* NAN becomes NULL */
    else if (c->kind == DUO_CELL_TEXT) sqlite3_bind_text(s, column, c->at, -1, SQLITE_STATIC);
    else if (c->kind == DUO_CELL_BYTES) sqlite3_bind_blob64(s, column, c->n ? c->at : nothing, c->n, SQLITE_STATIC);
    else sqlite3_bind_null(s, column);
}

enum duo_status duo_recording_put(struct duo_recording_file *f, enum duo_recording_table t, const struct duo_cell *cells, struct duo_err *err)
{
    sqlite3_stmt *s = f->insert[t];
    int code;

    for (int i = 0; i < tables[t].n; i++) bind(s, i + 1, &cells[i]);
    code = sqlite3_step(s);
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return code == SQLITE_DONE ? DUO_OK : duo_recording_failed(f->db, f->part, err);
}

enum duo_status duo_recording_question(struct duo_recording_file *f, bool begin, struct duo_err *err)
{
    DUO_TRY(run(f->db, begin ? "BEGIN" : "COMMIT", f->part, err));
    if (!begin) f->done++;
    return DUO_OK;
}

/* ---- to go on with what is there (3) */

static void show(const struct duo_cell *c, char *out, size_t n)
{
    if (c->kind == DUO_CELL_WHOLE) snprintf(out, n, "%lld", (long long)c->whole);
    else if (c->kind == DUO_CELL_TEXT) snprintf(out, n, "%s", (const char *)c->at);
    else snprintf(out, n, "%s", "nothing");
}

static void shown(sqlite3_stmt *s, int column, char *out, size_t n)
{
    const unsigned char *text = sqlite3_column_text(s, column);

    snprintf(out, n, "%s", text ? (const char *)text : "nothing");
}

static enum duo_status compare_row(struct duo_recording_file *f, sqlite3_stmt *s, const struct duo_row *row, struct duo_err *err)
{
    char mine[200], theirs[200], whose[120], column[40];

    show(&row->cell[row->table == DUO_RECORDING_voice], whose, sizeof whose);
    for (int i = 0; i < tables[row->table].n; i++) {
        show(&row->cell[i], mine, sizeof mine);
        shown(s, i, theirs, sizeof theirs);
        if (strcmp(mine, theirs) == 0) continue;
        snprintf(column, sizeof column, "%s", sqlite3_column_name(s, i));
        if (row->table == DUO_RECORDING_meta)
            return duo_fail_at(err, DUO_BAD_INPUT, f->part, 0, 0, "was recorded with %s %s, not %s; --resume goes on with the same, or delete the file", whose, theirs, mine);
        return duo_fail_at(err, DUO_BAD_INPUT, f->part, 0, 0, "was recorded with a voice %s whose %s is %s, not %s; --resume goes on with the same, or delete the file",
                           whose, column, theirs, mine);
    }
    return DUO_OK;
}

static enum duo_status compare_table(struct duo_recording_file *f, enum duo_recording_table t, const struct duo_row *rows, int n, struct duo_err *err)
{
    sqlite3_stmt *s = NULL;
    enum duo_status status = DUO_OK;
    char sql[100];
    int i = 0, code = SQLITE_DONE;

    snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY %s", tables[t].name, tables[t].order);
    if (sqlite3_prepare_v2(f->db, sql, -1, &s, NULL) != SQLITE_OK) return duo_recording_failed(f->db, f->part, err);
    for (; i <= n && status == DUO_OK; i++) {
        if (i < n && rows[i].table != t) continue;
        code = sqlite3_step(s);
        if (i == n) break;
        if (code == SQLITE_ROW) status = compare_row(f, s, &rows[i], err);
        else if (code != SQLITE_DONE) status = duo_recording_failed(f->db, f->part, err);
        else status = duo_fail_at(err, DUO_BAD_INPUT, f->part, 0, 0, "has fewer rows of %s than asked for now; --resume goes on with the same, or delete the file", tables[t].name);
    }
    if (status == DUO_OK && code == SQLITE_ROW)
        status = duo_fail_at(err, DUO_BAD_INPUT, f->part, 0, 0, "has more rows of %s than asked for now; --resume goes on with the same, or delete the file", tables[t].name);
    sqlite3_finalize(s);
    return status;
}

static enum duo_status one_number(struct duo_recording_file *f, const char *sql, int64_t *out, struct duo_err *err)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(f->db, sql, -1, &s, NULL);

    if (code == SQLITE_OK) code = sqlite3_step(s);
    if (code == SQLITE_ROW) *out = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return code == SQLITE_ROW ? DUO_OK : duo_recording_failed(f->db, f->part, err);
}

static enum duo_status go_on(struct duo_recording_file *f, const struct duo_row *rows, int n, struct duo_err *err)
{
    int64_t id, version, count, last;

    DUO_TRY(run(f->db, "PRAGMA secure_delete = ON; PRAGMA synchronous = OFF; PRAGMA journal_mode = TRUNCATE; PRAGMA locking_mode = EXCLUSIVE", f->part, err));
    DUO_TRY(one_number(f, "PRAGMA application_id", &id, err));
    DUO_TRY(one_number(f, "PRAGMA user_version", &version, err));
    if (id != DUO_RECORDING_ID) return duo_fail_at(err, DUO_BAD_INPUT, f->part, 0, 0, "is no recording");
    if (version != DUO_RECORDING_VERSION)
        return duo_fail_at(err, DUO_BAD_INPUT, f->part, 0, 0, "is a recording of version %lld; this program writes %d", (long long)version, DUO_RECORDING_VERSION);
    DUO_TRY(compare_table(f, DUO_RECORDING_meta, rows, n, err));
    DUO_TRY(compare_table(f, DUO_RECORDING_voice, rows, n, err));
    DUO_TRY(one_number(f, "SELECT count(*) FROM query", &count, err));
    DUO_TRY(one_number(f, "SELECT ifnull(max(query), -1) + 1 FROM query", &last, err));
    if (count != last) return duo_fail_at(err, DUO_BAD_INPUT, f->part, 0, 0, "is damaged: %lld questions, the last of number %lld", (long long)count, (long long)last - 1);
    f->done = count;
    return DUO_OK;
}

/* ---- the beginning */

static enum duo_status put_rows(struct duo_recording_file *f, const struct duo_row *rows, int n, struct duo_err *err)
{
    for (int i = 0; i < n; i++) DUO_TRY(duo_recording_put(f, rows[i].table, rows[i].cell, err));
    return run(f->db, "COMMIT", f->part, err);
}

static void remove_journal(const char *path)
{
    char journal[4300];

    snprintf(journal, sizeof journal, "%s-journal", path);
    unlink(journal);
}

static void remove_with_journal(const char *path)
{
    unlink(path);
    remove_journal(path);
}

static enum duo_status open_part(struct duo_recording_file *f, bool resume, bool *fresh, struct duo_err *err)
{
    struct stat st;

    if (stat(f->out, &st) == 0 && S_ISDIR(st.st_mode)) return duo_fail_at(err, DUO_BAD_INPUT, f->out, 0, 0, "is a folder");
    *fresh = stat(f->part, &st) != 0;
    if (!*fresh && !resume)
        return duo_fail_at(err, DUO_BAD_INPUT, f->part, 0, 0, "is there, begun before: --resume goes on with it, or delete it");
    if (sqlite3_open_v2(f->part, &f->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_PRIVATECACHE, NULL) != SQLITE_OK)
        return duo_fail_at(err, DUO_BAD_INPUT, f->part, 0, 0, "can't be written: %s", strerror(errno ? errno : EIO));
    sqlite3_busy_timeout(f->db, 0);
    return DUO_OK;
}

enum duo_status duo_recording_begin(struct duo_recording_file *f, const char *out, bool resume, const struct duo_row *rows, int n, struct duo_err *err)
{
    size_t room = strlen(out) + sizeof ".part";
    enum duo_status status;
    bool fresh = false;

    *f = (struct duo_recording_file){ .out = out, .part = duo_new(room, 1) };
    snprintf(f->part, room, "%s.part", out);
    status = open_part(f, resume, &fresh, err);
    if (status == DUO_OK && !fresh) {                         /* killed before its first row was there */
        int64_t tables_there = 0;
        status = one_number(f, "SELECT count(*) FROM sqlite_master", &tables_there, err);
        fresh  = status == DUO_OK && tables_there == 0;
    }
    if (status == DUO_OK) status = fresh ? create(f->db, f->part, err) : go_on(f, rows, n, err);
    if (status == DUO_OK) status = prepare(f, err);
    if (status == DUO_OK && fresh) status = put_rows(f, rows, n, err);
    if (status == DUO_OK) return DUO_OK;
    duo_recording_close(f);
    if (fresh) {                                              /* nothing was recorded: nothing is left */
        char part[4200];
        snprintf(part, sizeof part, "%s.part", out);
        remove_with_journal(part);
    }
    return status;
}

/* ---- the end (2) */

static enum duo_status copy(sqlite3 *db, const char *to, const struct duo_recording_file *f, struct duo_err *err)
{
    sqlite3_stmt *s = NULL;
    char sql[160];
    int code = sqlite3_prepare_v2(db, "ATTACH ?1 AS part", -1, &s, NULL);

    if (code == SQLITE_OK) code = sqlite3_bind_text(s, 1, f->part, -1, SQLITE_STATIC);
    if (code == SQLITE_OK) code = sqlite3_step(s);
    sqlite3_finalize(s);
    if (code != SQLITE_DONE) return duo_recording_failed(db, f->part, err);
    DUO_TRY(create(db, to, err));
    for (int t = 0; t < DUO_RECORDING_TABLES_N; t++) {
        snprintf(sql, sizeof sql, "INSERT INTO main.%s SELECT * FROM part.%s ORDER BY %s", tables[t].name, tables[t].name, tables[t].order);
        DUO_TRY(run(db, sql, to, err));
    }
    return run(db, "COMMIT", to, err);
}

/* The header keeps the number of the SQLite that wrote it: one that is always the same. */
static enum duo_status sign(const char *path, struct duo_err *err)
{
    static const unsigned char version[4] = { 0x00, 0x2e, 0x63, 0x00 };      /* 3.40.0: 3040000, most significant first */
    FILE *f = fopen(path, "r+b");
    bool good = f && fseek(f, 96, SEEK_SET) == 0 && fwrite(version, 1, sizeof version, f) == sizeof version;

    if (f && fclose(f) != 0) good = false;
    return good ? DUO_OK : duo_fail_at(err, DUO_NO_RESOURCES, path, 0, 0, "can't be written: %s", strerror(errno));
}

enum duo_status duo_recording_finish(struct duo_recording_file *f, struct duo_err *err)
{
    size_t room = strlen(f->out) + sizeof ".whole";
    char *whole = duo_new(room, 1);
    sqlite3 *db = NULL;
    enum duo_status status = DUO_OK;

    snprintf(whole, room, "%s.whole", f->out);
    for (int t = 0; t < DUO_RECORDING_TABLES_N; t++) sqlite3_finalize(f->insert[t]), f->insert[t] = NULL;
    sqlite3_close(f->db), f->db = NULL;                       /* its lock, too */
    remove_with_journal(whole);
    if (sqlite3_open_v2(whole, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_PRIVATECACHE, NULL) != SQLITE_OK)
        status = duo_fail_at(err, DUO_NO_RESOURCES, whole, 0, 0, "can't be written: %s", sqlite3_errmsg(db));
    if (status == DUO_OK) status = copy(db, whole, f, err);
    sqlite3_close(db);
    if (status == DUO_OK) status = sign(whole, err);
    remove_journal(whole);
    if (status == DUO_OK && rename(whole, f->out) != 0)
        status = duo_fail_at(err, DUO_NO_RESOURCES, f->out, 0, 0, "can't be written: %s", strerror(errno));
    if (status == DUO_OK) remove_with_journal(f->part);
    else                  remove_with_journal(whole);
    free(whole);
    return status;
}

void duo_recording_close(struct duo_recording_file *f)
{
    for (int t = 0; t < DUO_RECORDING_TABLES_N; t++) sqlite3_finalize(f->insert[t]);
    sqlite3_close(f->db);
    free(f->part);
    *f = (struct duo_recording_file){ 0 };
}
