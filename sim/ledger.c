/* ledger.c - see ledger.h. */
#include "sim/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCHEMA_VERSION = 1, APPLICATION_ID = 0x64756f73, PULL = 1 << 20, HOLE = 1 << 22, MAX_PATH = PATH_MAX };

/* What comes from a file goes into SQLite through a virtual table: one INSERT ... SELECT takes a buffer full of rows,
 * which takes half the time of binding each. */
struct source {
    sqlite3_vtab       base;
    struct duo_ledger *ledger;
    enum duo_table_id  id;
};

struct duo_ledger {
    sqlite3       *db;
    sqlite3_stmt  *insert[DUO_TABLE_END];        /* INSERT INTO table SELECT * FROM pulled_table */
    const unsigned char *at, *end;               /* the bytes that an INSERT reads */
    enum duo_table_id  id;                       /* of the row in cells */
    long               took;                     /* its bytes; 0: there is none */
    struct duo_cell    cells[DUO_MAX_COLUMNS];
    char           target[MAX_PATH], temporary[MAX_PATH];
    /* the run that is being pulled */
    int64_t        run;
    int            fd;
    off_t          offset;                       /* of the first byte that is not in the buffer */
    off_t          hole;                         /* up to here the file's room is given back */
    size_t         used;                         /* bytes in the buffer: the beginning of a row */
    bool           closed, ended, bad;           /* the run's row, the end mark was there; what came is no row */
    struct duo_row_run row;
    unsigned char  buffer[PULL + 65536];
};

/* ---- the target ---- */

static bool is_database(const char *path)
{
    char head[16];
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    size_t n = fread(head, 1, sizeof head, file);
    fclose(file);
    return n == 0 || (n == sizeof head && memcmp(head, "SQLite format 3", sizeof head) == 0);
}

/* Where the database will stand: links are followed, and nothing but a database is ever replaced. */
static enum duo_status find_target(struct duo_ledger *ledger, const char *target, struct duo_err *err)
{
    struct stat status;
    if (!*target) return duo_fail(err, DUO_BAD_INPUT, "the name of the database is empty");
    if (strlen(target) + 32 > MAX_PATH) return duo_fail(err, DUO_BAD_INPUT, "the name of the database is too long");
    if (stat(target, &status) != 0) {
        if (target[strlen(target) - 1] == '/') return duo_fail_at(err, DUO_BAD_INPUT, target, 0, 0, "is a folder's name, not a file's");
        strcpy(ledger->target, target);
        return DUO_OK;
    }
    if (S_ISDIR(status.st_mode))  return duo_fail_at(err, DUO_BAD_INPUT, target, 0, 0, "is a folder, not a file");
    if (!S_ISREG(status.st_mode)) return duo_fail_at(err, DUO_BAD_INPUT, target, 0, 0, "is not a regular file");
    if (!is_database(target))     return duo_fail_at(err, DUO_BAD_INPUT, target, 0, 0, "is there and is no database; it is left alone");
    if (!realpath(target, ledger->target) || strlen(ledger->target) + 32 > MAX_PATH)
        return duo_fail_at(err, DUO_BAD_INPUT, target, 0, 0, "cannot be resolved");
    return DUO_OK;
}

static enum duo_status bad_folder(const struct duo_ledger *ledger, int error, struct duo_err *err)
{
    bool full = error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE || error == ENOMEM || error == EFBIG;
    return duo_fail_at(err, full ? DUO_NO_RESOURCES : DUO_BAD_INPUT, ledger->target, 0, 0, "cannot be written: %s", strerror(error));
}

/* "folder/.name.XXXXXX" */
static int temporary_file(const struct duo_ledger *ledger, char path[MAX_PATH])
{
    const char *slash = strrchr(ledger->target, '/');
    size_t folder = slash ? (size_t)(slash - ledger->target) + 1 : 0;
    const char *name = ledger->target + folder;
    memcpy(path, ledger->target, folder);
    snprintf(path + folder, MAX_PATH - folder, ".%.200s.XXXXXX", name);
    return mkostemp(path, O_CLOEXEC);
}

enum duo_status duo_ledger_scratch(const struct duo_ledger *ledger, int *fd, struct duo_err *err)
{
    char path[MAX_PATH];
    *fd = temporary_file(ledger, path);
    if (*fd < 0) return bad_folder(ledger, errno, err);
    unlink(path);
    return DUO_OK;
}

/* ---- the rows of a file as a virtual table ---- */

/* A text that was cut at its field's end may end within a letter. */
static int whole_letters(const char *text, int length)
{
    int back = 0;
    while (back < 3 && back < length && ((unsigned char)text[length - 1 - back] & 0xc0) == 0x80) back++;
    if (back == length) return length;
    unsigned char first = (unsigned char)text[length - 1 - back];
    int need = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    return need > back + 1 ? length - back - 1 : length;
}

/* A variant without a name and a policy without parameters are known to be so. */
static bool may_be_empty(const struct duo_column *column)
{
    return strcmp(column->name, "variant") == 0 || strcmp(column->name, "params") == 0;
}

/* The next row of the buffer into cells, or took = 0. */
static void look(struct duo_ledger *ledger)
{
    ledger->took = duo_row_read(ledger->at, ledger->end, &ledger->id, ledger->cells);
    if (ledger->took < 0 || (ledger->took > 0 && (ledger->ended || (ledger->closed && ledger->id != DUO_TABLE_END)))) {
        ledger->bad  = true;
        ledger->took = 0;
    }
}

static int source_connect(sqlite3 *db, void *arg, int argc, const char *const *argv, sqlite3_vtab **out, char **why)
{
    (void)argc, (void)why;
    struct duo_ledger *ledger = arg;
    struct source *source = sqlite3_malloc(sizeof *source);
    if (!source) return SQLITE_NOMEM;
    *source = (struct source){ .ledger = ledger };
    while (strcmp(duo_tables[source->id].name, argv[0] + strlen("pulled_")) != 0) source->id++;
    char declare[2048] = "CREATE TABLE x(run";
    size_t n = strlen(declare);
    const struct duo_table *table = &duo_tables[source->id];
    for (int i = 0; i < table->n; i++) n += (size_t)snprintf(declare + n, sizeof declare - n, ", %s", table->columns[i].name);
    snprintf(declare + n, sizeof declare - n, ")");
    *out = &source->base;
    return sqlite3_declare_vtab(db, declare);
}

static int source_disconnect(sqlite3_vtab *base) { sqlite3_free(base); return SQLITE_OK; }

static int source_plan(sqlite3_vtab *base, sqlite3_index_info *info) { (void)base; info->estimatedCost = 1; return SQLITE_OK; }

static int source_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    (void)base;
    *out = sqlite3_malloc(sizeof **out);
    return *out ? SQLITE_OK : SQLITE_NOMEM;
}

static int source_close(sqlite3_vtab_cursor *cursor) { sqlite3_free(cursor); return SQLITE_OK; }

static int source_first(sqlite3_vtab_cursor *cursor, int plan, const char *text, int argc, sqlite3_value **argv)
{
    (void)cursor, (void)plan, (void)text, (void)argc, (void)argv;
    return SQLITE_OK;                                          /* take_rows has looked */
}

static int source_next(sqlite3_vtab_cursor *cursor)
{
    struct duo_ledger *ledger = ((struct source *)cursor->pVtab)->ledger;
    ledger->at += ledger->took;
    look(ledger);
    return SQLITE_OK;
}

static int source_eof(sqlite3_vtab_cursor *cursor)
{
    const struct source *source = (struct source *)cursor->pVtab;
    return source->ledger->took == 0 || source->ledger->id != source->id;
}

static int source_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int i)
{
    const struct source *source = (struct source *)cursor->pVtab;
    const struct duo_ledger *ledger = source->ledger;
    if (i == 0) {
        sqlite3_result_int64(context, ledger->run);
        return SQLITE_OK;
    }
    const struct duo_column *column = &duo_tables[source->id].columns[i - 1];
    const struct duo_cell   *cell = &ledger->cells[i - 1];
    if (column->kind == 'R') {
        sqlite3_result_double(context, cell->real);            /* of a NAN SQLite makes NULL */
    } else if (column->kind == 'I') {
        if (cell->whole != DUO_NONE) sqlite3_result_int64(context, cell->whole);
    } else if (cell->length > 0 || may_be_empty(column)) {
        sqlite3_result_text(context, cell->text, whole_letters(cell->text, cell->length), SQLITE_TRANSIENT);
    }
    return SQLITE_OK;
}

static int source_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id) { (void)cursor; *id = 0; return SQLITE_OK; }

static const sqlite3_module source_module = {
    .iVersion = 1, .xConnect = source_connect, .xDisconnect = source_disconnect, .xBestIndex = source_plan,
    .xOpen = source_open, .xClose = source_close, .xFilter = source_first, .xNext = source_next, .xEof = source_eof,
    .xColumn = source_column, .xRowid = source_rowid
};

/* ---- SQLite ---- */

static enum duo_status refused(struct duo_ledger *ledger, struct duo_err *err)
{
    return duo_fail_at(err, DUO_NO_RESOURCES, ledger->target, 0, 0, "cannot be written: %s", sqlite3_errmsg(ledger->db));
}

static enum duo_status execute(struct duo_ledger *ledger, const char *sql, struct duo_err *err)
{
    return sqlite3_exec(ledger->db, sql, NULL, NULL, NULL) == SQLITE_OK ? DUO_OK : refused(ledger, err);
}

/* One INSERT of a few texts, rarely needed. */
static enum duo_status insert_texts(struct duo_ledger *ledger, const char *sql, int n, const char *const *texts, struct duo_err *err)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(ledger->db, sql, -1, &statement, NULL) != SQLITE_OK) return refused(ledger, err);
    for (int i = 0; i < n; i++) sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_STATIC);
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    enum duo_status status = done ? DUO_OK : refused(ledger, err);
    sqlite3_finalize(statement);
    return status;
}

static const char *sql_type(char kind)
{
    return kind == 'R' ? "REAL" : kind == 'I' ? "INTEGER" : "TEXT";
}

static enum duo_status describe(struct duo_ledger *ledger, const char *table, const char *column, const char *meaning, struct duo_err *err)
{
    return insert_texts(ledger, "INSERT INTO description VALUES(?, ?, ?)", 3, (const char *[]){ table, column, meaning }, err);
}

/* CREATE TABLE, the statement that fills it, and its lines of the description. */
static enum duo_status create_table(struct duo_ledger *ledger, enum duo_table_id id, struct duo_err *err)
{
    const struct duo_table *table = &duo_tables[id];
    bool run = id == DUO_TABLE_run;
    char create[8192], insert[128], source[64];
    size_t c = 0;
    c += (size_t)snprintf(create + c, sizeof create - c, "CREATE TABLE %s(%s", table->name,
                          run ? "id INTEGER PRIMARY KEY" : "run INTEGER NOT NULL REFERENCES run(id)");
    snprintf(insert, sizeof insert, "INSERT INTO %s SELECT * FROM pulled_%s", table->name, table->name);
    DUO_TRY(describe(ledger, table->name, run ? "id" : "run", run ? "number of the run, from 1" : "the run, run.id", err));
    for (int k = 0; k < table->n; k++) {
        const struct duo_column *column = &table->columns[k];
        c += (size_t)snprintf(create + c, sizeof create - c, ", %s %s", column->name, sql_type(column->kind));
        DUO_TRY(describe(ledger, table->name, column->name, column->what, err));
    }
    snprintf(create + c, sizeof create - c, ")");
    DUO_TRY(execute(ledger, create, err));
    snprintf(source, sizeof source, "pulled_%s", table->name);
    if (sqlite3_create_module(ledger->db, source, &source_module, ledger) != SQLITE_OK) return refused(ledger, err);
    unsigned flags = SQLITE_PREPARE_PERSISTENT;
    if (sqlite3_prepare_v3(ledger->db, insert, -1, flags, &ledger->insert[id], NULL) != SQLITE_OK) return refused(ledger, err);
    return DUO_OK;
}

/* X(table, column, meaning): the tables that are no run's */
#define OTHER_COLUMNS(X)                                                                                        \
    X(scenario,    variant,     "name of the variant, empty when there is none")                                \
    X(scenario,    text,        "the scenario as it was run, settings and the variant's overrides applied")     \
    X(host,        name,        "what: versions, date, seconds of wall time")                                   \
    X(host,        value,       "not covered by \"same seed, same bytes\"")                                     \
    X(description, table_name,  "table or view")                                                                \
    X(description, column_name, "its column")                                                                   \
    X(description, meaning,     "what it holds, with the unit")

static enum duo_status create(struct duo_ledger *ledger, struct duo_err *err)
{
    char pragmas[256];
    snprintf(pragmas, sizeof pragmas,
             "PRAGMA page_size = 16384; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;"
             "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768;"
             "PRAGMA application_id = %d; PRAGMA user_version = %d; BEGIN", APPLICATION_ID, SCHEMA_VERSION);
    DUO_TRY(execute(ledger, pragmas, err));
    DUO_TRY(execute(ledger,
                    "CREATE TABLE description(table_name TEXT, column_name TEXT, meaning TEXT,"
                    " PRIMARY KEY(table_name, column_name)) WITHOUT ROWID;"
                    "CREATE TABLE scenario(variant TEXT PRIMARY KEY, text TEXT);"
                    "CREATE TABLE host(name TEXT PRIMARY KEY, value TEXT)", err));
    for (int id = 0; id < DUO_TABLE_END; id++) DUO_TRY(create_table(ledger, (enum duo_table_id)id, err));
#define X(table, column, meaning) DUO_TRY(describe(ledger, #table, #column, meaning, err));
    OTHER_COLUMNS(X)
#undef X
    return DUO_OK;
}

enum duo_status duo_ledger_open(struct duo_ledger **out, const char *target, struct duo_err *err)
{
    struct duo_ledger *ledger = duo_new(1, sizeof *ledger);
    *out = NULL;
    enum duo_status status = find_target(ledger, target, err);
    if (status != DUO_OK) {
        free(ledger);
        return status;
    }
    int fd = temporary_file(ledger, ledger->temporary);
    if (fd < 0) {
        status = bad_folder(ledger, errno, err);
        free(ledger);
        return status;
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    close(fd);

    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(ledger->temporary, &ledger->db, flags, NULL) != SQLITE_OK) status = refused(ledger, err);
    if (status == DUO_OK) status = create(ledger, err);
    if (status != DUO_OK) {
        duo_ledger_drop(ledger);
        return status;
    }
    *out = ledger;
    return DUO_OK;
}

static void let_go(struct duo_ledger *ledger)
{
    for (int id = 0; id < DUO_TABLE_END; id++) sqlite3_finalize(ledger->insert[id]);
    sqlite3_close_v2(ledger->db);
    ledger->db = NULL;
}

void duo_ledger_drop(struct duo_ledger *ledger)
{
    if (!ledger) return;
    let_go(ledger);
    unlink(ledger->temporary);
    free(ledger);
}

enum duo_status duo_ledger_scenario(struct duo_ledger *ledger, const char *variant, const char *text, struct duo_err *err)
{
    return insert_texts(ledger, "INSERT INTO scenario VALUES(?, ?)", 2, (const char *[]){ variant, text }, err);
}

enum duo_status duo_ledger_host(struct duo_ledger *ledger, const char *name, const char *value, struct duo_err *err)
{
    return insert_texts(ledger, "INSERT INTO host VALUES(?, ?)", 2, (const char *[]){ name, value }, err);
}

/* ---- the rows of a run ---- */

enum duo_status duo_ledger_begin(struct duo_ledger *ledger, int64_t run, int fd, struct duo_err *err)
{
    ledger->run    = run;
    ledger->fd     = fd;
    ledger->offset = ledger->hole = 0;
    ledger->used   = 0;
    ledger->closed = ledger->ended = ledger->bad = false;
    return execute(ledger, "SAVEPOINT run", err);
}

static bool insert_rows(struct duo_ledger *ledger)
{
    sqlite3_stmt *statement = ledger->insert[ledger->id];
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    return sqlite3_reset(statement) == SQLITE_OK && done;
}

/* Rows out of the buffer; what is left is the beginning of one. */
static enum duo_status take_rows(struct duo_ledger *ledger, struct duo_err *err)
{
    ledger->at  = ledger->buffer;
    ledger->end = ledger->at + ledger->used;
    for (look(ledger); ledger->took > 0; ) {
        if (ledger->id != DUO_TABLE_END && ledger->id != DUO_TABLE_run) {
            if (!insert_rows(ledger)) return refused(ledger, err);
            continue;
        }
        if (ledger->id == DUO_TABLE_run) duo_row_fill(&ledger->row, ledger->cells);
        ledger->closed = true;
        ledger->ended  = ledger->id == DUO_TABLE_END;
        ledger->at    += ledger->took;
        look(ledger);
    }
    ledger->used = (size_t)(ledger->end - ledger->at);
    memmove(ledger->buffer, ledger->at, ledger->used);
    return DUO_OK;
}

/* What is read need not reach the disk; the end of the file stays, duo_rows_last reads it.  A file system that can't
 * keeps it all. */
static void give_back(struct duo_ledger *ledger)
{
    off_t to = ledger->offset - PULL;
    if (to - ledger->hole < HOLE) return;
    int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (fallocate(ledger->fd, mode, ledger->hole, to - ledger->hole) == 0) ledger->hole = to;
}

enum duo_status duo_ledger_pull(struct duo_ledger *ledger, bool *more, struct duo_err *err)
{
    *more = false;
    if (ledger->bad) return DUO_OK;
    ssize_t n = pread(ledger->fd, ledger->buffer + ledger->used, PULL, ledger->offset);
    if (n < 0 && errno == EINTR) n = 0;
    if (n < 0) return duo_fail(err, DUO_NO_RESOURCES, "the rows of a run could not be read: %s", strerror(errno));
    ledger->offset += n;
    ledger->used   += (size_t)n;
    *more = n > 0;
    give_back(ledger);
    return n > 0 ? take_rows(ledger, err) : DUO_OK;
}

const char *duo_ledger_fault(const struct duo_ledger *ledger, const struct duo_row_run **row)
{
    *row = ledger->ended ? &ledger->row : NULL;
    if (ledger->bad || (ledger->ended && ledger->used > 0)) return "left rows that cannot be read";
    if (!ledger->ended) return "ended before its last row";
    return NULL;
}

/* The run's own row, from its struct; long texts instead of the row's. */
static bool insert_run(struct duo_ledger *ledger, const struct duo_row_run *row, const char *params, const char *reason)
{
    const struct duo_table *table = &duo_tables[DUO_TABLE_run];
    struct duo_cell *cells = ledger->cells;
    ledger->id   = DUO_TABLE_run;
    ledger->took = 1;
    ledger->at   = ledger->buffer;
    ledger->end  = ledger->buffer + 1;
    for (int i = 0; i < table->n; i++) {
        const struct duo_column *column = &table->columns[i];
        const char *field = (const char *)row + column->offset;
        if (column->kind == 'I') memcpy(&cells[i].whole, field, sizeof(int64_t));
        else if (column->kind == 'R') memcpy(&cells[i].real, field, sizeof(double));
        else {
            bool long_one = (params && strcmp(column->name, "params") == 0) || (reason && strcmp(column->name, "reason") == 0);
            cells[i].text   = !long_one ? field : column->name[0] == 'p' ? params : reason;
            cells[i].length = (int)strlen(cells[i].text);
        }
    }
    return insert_rows(ledger);
}

enum duo_status duo_ledger_end(struct duo_ledger *ledger, const struct duo_row_run *row, const char *params, const char *reason,
                               struct duo_err *err)
{
    if (reason) DUO_TRY(execute(ledger, "ROLLBACK TO run", err));
    if (!insert_run(ledger, row, params, reason)) return refused(ledger, err);
    return execute(ledger, "RELEASE run", err);
}

/* ---- the end ---- */

struct sqlite3 *duo_ledger_handle(struct duo_ledger *ledger)
{
    return ledger->db;
}

enum duo_status duo_ledger_commit(struct duo_ledger *ledger, struct duo_err *err)
{
    return execute(ledger, "COMMIT", err);
}

enum duo_status duo_ledger_close(struct duo_ledger *ledger, struct duo_err *err)
{
    let_go(ledger);
    enum duo_status status = DUO_OK;
    if (rename(ledger->temporary, ledger->target) != 0) {
        status = bad_folder(ledger, errno, err);
        unlink(ledger->temporary);
    }
    free(ledger);
    return status;
}
