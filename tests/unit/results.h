/* results.h - a database of results by hand, for the tests of analysis/: the tables of sim/rows.h, empty, and rows. */
#ifndef DUO_TESTS_RESULTS_H
#define DUO_TESTS_RESULTS_H

#include <assert.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "sim/rows.h"

static inline void results_run_sql(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) printf("%s: %s\n", sql, why);
    assert(!why);
}

static inline sqlite3 *results_open(const char *path)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    assert(code == SQLITE_OK);
    (void)code;
#define RESULTS_NAME(kind, name, what) ", " #name
    results_run_sql(db, "CREATE TABLE run(id INTEGER PRIMARY KEY" DUO_RUN_COLUMNS(RESULTS_NAME) ")");
    results_run_sql(db, "CREATE TABLE request(run" DUO_REQUEST_COLUMNS(RESULTS_NAME) ")");
    results_run_sql(db, "CREATE TABLE scenario(variant TEXT PRIMARY KEY, text TEXT)");
    return db;
}

#define RESULTS_MARK(kind, name, what) ",?"
#define RESULTS_BIND(kind, name, what) RESULTS_BIND_##kind(name)
#define RESULTS_BIND_R(name) sqlite3_bind_double(s, ++i, r->name);
#define RESULTS_BIND_I(name) (r->name == DUO_NONE ? sqlite3_bind_null(s, ++i) : sqlite3_bind_int64(s, ++i, r->name));
#define RESULTS_BIND_T(name) sqlite3_bind_text(s, ++i, r->name, -1, SQLITE_TRANSIENT);

static inline void results_add_run(sqlite3 *db, int64_t id, const struct duo_row_run *r)
{
    sqlite3_stmt *s = NULL;
    int i = 1;
    sqlite3_prepare_v2(db, "INSERT INTO run VALUES(?" DUO_RUN_COLUMNS(RESULTS_MARK) ")", -1, &s, NULL);
    sqlite3_bind_int64(s, 1, id);
    DUO_RUN_COLUMNS(RESULTS_BIND)
    sqlite3_step(s);
    sqlite3_finalize(s);
}

/* Prepared once: `*s` begins as NULL and is the caller's to finalize. */
static inline void results_add_request(sqlite3 *db, sqlite3_stmt **kept, int64_t run, const struct duo_row_request *r)
{
    int i = 1;
    if (!*kept) sqlite3_prepare_v2(db, "INSERT INTO request VALUES(?" DUO_REQUEST_COLUMNS(RESULTS_MARK) ")", -1, kept, NULL);
    sqlite3_stmt *s = *kept;
    sqlite3_bind_int64(s, 1, run);
    DUO_REQUEST_COLUMNS(RESULTS_BIND)
    sqlite3_step(s);
    sqlite3_reset(s);
}

static inline struct duo_row_run results_run(const char *variant, int policy, const char *label, const char *name, int64_t seed)
{
    struct duo_row_run r = { .policy = policy, .seed = seed, .itl_p50 = 0.03, .itl_p99 = 0.1, .dollars_reserved = (double)NAN, .unmatched = DUO_NONE };
    snprintf(r.variant, sizeof r.variant, "%s", variant);
    snprintf(r.label, sizeof r.label, "%s", label);
    snprintf(r.name, sizeof r.name, "%s", name);
    strcpy(r.state, "done");
    strcpy(r.net, "simgrid 3.32");
    strcpy(r.answers, "recorded pairs.csv");
    strcpy(r.provenance_time, "fitted");
    strcpy(r.provenance_energy, "documented");
    strcpy(r.provenance_money, "documented");
    strcpy(r.provenance_quality, "recorded");
    strcpy(r.provenance_signals, "recorded");
    strcpy(r.dollars_regime, "API list price");
    return r;
}

#endif
