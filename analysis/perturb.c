/* perturb.c - see perturb.h: the tables, and what goes into them. */
#include "analysis/perturb.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/collect.h"
#include "analysis/perturb_data.h"

static const char tables[] =
    "DROP VIEW IF EXISTS v_ranking; DROP TABLE IF EXISTS perturb; DROP TABLE IF EXISTS constant; DROP TABLE IF EXISTS drawn;"
    "DROP TABLE IF EXISTS ranking;"
    "CREATE TABLE perturb (variant TEXT, draw INTEGER, label TEXT, alone TEXT, bound TEXT, e2e_mean REAL, joules REAL,"
    " dollars REAL, quality REAL, failed_runs INTEGER, reason TEXT, PRIMARY KEY (variant, draw, label)) WITHOUT ROWID;"
    "CREATE TABLE constant (name TEXT PRIMARY KEY, status TEXT, value REAL, low REAL, high REAL) WITHOUT ROWID;"
    "CREATE TABLE drawn (draw INTEGER, constant TEXT, value REAL, PRIMARY KEY (draw, constant)) WITHOUT ROWID;"
    "CREATE TABLE ranking (variant TEXT, a TEXT, b TEXT, name TEXT, value_a REAL, value_b REAL, relation TEXT, draws INTEGER,"
    " held INTEGER, untold INTEGER, low REAL, high REAL, constant TEXT, separation REAL, alone_low INTEGER,"
    " alone_high INTEGER, PRIMARY KEY (variant, a, b, name)) WITHOUT ROWID;"
    "CREATE VIEW v_ranking AS SELECT x.variant, x.label, x.other, x.name, x.value, x.other_value, x.relation, x.draws, x.held,"
    " x.held * 1.0 / x.draws AS share, x.low, x.high, x.untold, x.constant, c.status, c.value AS constant_value,"
    " c.low AS constant_low, c.high AS constant_high, x.separation, x.alone_low, x.alone_high FROM ("
    "SELECT variant, a AS label, b AS other, name, value_a AS value, value_b AS other_value, relation, draws, held, untold, low, high,"
    " constant, separation, alone_low, alone_high FROM ranking UNION ALL SELECT variant, b, a, name, value_b, value_a,"
    " CASE relation WHEN '<' THEN '>' WHEN '>' THEN '<' ELSE relation END, draws, held, untold, low, high, constant, separation,"
    " alone_low, alone_high FROM ranking) x LEFT JOIN constant c ON c.name = x.constant"
    " ORDER BY x.variant, x.label, x.other, x.name;";

/* (1) Draw 0.  A run that failed leaves its label without means here, too. */
static const char as_they_are[] =
    "INSERT INTO perturb WITH f AS (SELECT variant, label, sum(state <> 'done') AS failed,"
    " min(CASE WHEN state <> 'done' THEN reason END) AS reason, total(dollars_reserved) AS reserved FROM run GROUP BY variant, label),"
    " q AS (SELECT r.variant AS v, r.label AS l, count(*) AS n, sum(q.status = 0) AS answered,"
    " sum(q.status = 0 AND q.e2e IS NULL) AS no_e2e, sum(CASE WHEN q.status = 0 THEN q.e2e END) AS e2e,"
    " sum(q.joules_device + q.joules_radio + q.joules_cloud IS NULL) AS no_joules,"
    " sum(q.joules_device + q.joules_radio + q.joules_cloud) AS joules,"
    " sum(q.dollars IS NULL) AS no_dollars, sum(q.dollars) AS dollars,"
    " sum(q.status = 0 AND q.quality IS NULL) AS no_quality, sum(CASE WHEN q.status = 0 THEN q.quality ELSE 0 END) AS quality"
    " FROM run r JOIN request q ON q.run = r.id WHERE q.status < 3 GROUP BY r.variant, r.label)"
    " SELECT f.variant, 0, f.label, NULL, NULL, iif(failed OR no_e2e, NULL, e2e / answered),"
    " iif(failed OR no_joules, NULL, joules / n), iif(failed OR no_dollars, NULL, (dollars + reserved) / n),"
    " iif(failed OR no_quality, NULL, quality / n), failed, f.reason FROM f LEFT JOIN q ON q.v = f.variant AND q.l = f.label";

enum duo_status duo_perturb_open(sqlite3 *db, struct duo_err *err)
{
    DUO_TRY(duo_sql_run(db, tables, err));
    return duo_sql_run(db, as_they_are, err);
}

static void bind_text(sqlite3_stmt *s, int i, const char *text) { sqlite3_bind_text(s, i, text, -1, SQLITE_TRANSIENT); }

static enum duo_status put(sqlite3 *db, sqlite3_stmt *s, struct duo_err *err)
{
    bool done = sqlite3_step(s) == SQLITE_DONE;
    enum duo_status status = done ? DUO_OK : duo_sql_failed(db, err);
    sqlite3_finalize(s);
    return status;
}

enum duo_status duo_perturb_add_constant(sqlite3 *db, const struct duo_perturb_constant *c, struct duo_err *err)
{
    sqlite3_stmt *s;
    DUO_TRY(duo_sql_prepare(&s, db, "INSERT INTO constant VALUES (?,?,?,?,?)", err));
    bind_text(s, 1, c->name);
    bind_text(s, 2, c->status);
    sqlite3_bind_double(s, 3, c->value);
    sqlite3_bind_double(s, 4, c->low);
    sqlite3_bind_double(s, 5, c->high);
    return put(db, s, err);
}

enum duo_status duo_perturb_add_drawn(sqlite3 *db, int draw, const char *constant, double value, struct duo_err *err)
{
    sqlite3_stmt *s;
    DUO_TRY(duo_sql_prepare(&s, db, "INSERT INTO drawn VALUES (?,?,?)", err));
    sqlite3_bind_int(s, 1, draw);
    bind_text(s, 2, constant);
    sqlite3_bind_double(s, 3, value);
    return put(db, s, err);
}

enum duo_status duo_perturb_add_means(sqlite3 *db, const struct duo_perturb_means *m, struct duo_err *err)
{
    sqlite3_stmt *s;
    DUO_TRY(duo_sql_prepare(&s, db, "INSERT INTO perturb VALUES (?,?,?,?,?,?,?,?,?,?,?)", err));
    bind_text(s, 1, m->variant);
    sqlite3_bind_int(s, 2, m->draw);
    bind_text(s, 3, m->label);
    bind_text(s, 4, m->alone);
    bind_text(s, 5, m->end);
    for (int i = 0; i < DUO_N_PERTURBED; i++) sqlite3_bind_double(s, 6 + i, m->mean[i]);       /* of a NAN SQLite makes NULL */
    sqlite3_bind_int(s, 10, m->failed_runs);
    bind_text(s, 11, m->reason);
    return put(db, s, err);
}

/* ---- what is made of them ---- */

struct named { int constant, times; };

/* Most often named first, then by name, which is the constants' order. */
static int by_times(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    return x->times != y->times ? y->times - x->times : x->constant - y->constant;
}

enum duo_status duo_perturb_suspects(sqlite3 *db, int most, char ***names, int *n, struct duo_err *err)       /* (5) */
{
    struct duo_pd d;
    int n_rankings;
    *names = NULL, *n = 0;
    DUO_TRY(duo_pd_load(&d, db, err));
    struct duo_ranking *r = duo_pd_rank(&d, &n_rankings);
    struct named *named = duo_new((size_t)d.n_constants + 1, sizeof *named);
    for (int c = 0; c < d.n_constants; c++) named[c].constant = c;
    for (int i = 0; i < n_rankings; i++)
        if (r[i].constant >= 0) named[r[i].constant].times++;
    qsort(named, (size_t)d.n_constants, sizeof *named, by_times);
    *names = duo_new((size_t)most + 1, sizeof **names);
    for (int i = 0; i < d.n_constants && i < most && named[i].times > 0; i++)
        (*names)[(*n)++] = duo_copy(d.constants[named[i].constant].name);
    free(named);
    free(r);
    duo_pd_free(&d);
    return DUO_OK;
}

static enum duo_status put_ranking(sqlite3 *db, const struct duo_pd *d, const struct duo_ranking *r, struct duo_err *err)
{
    const struct duo_pd_row *a = &d->rows[r->a], *b = &d->rows[r->b];
    sqlite3_stmt *s;
    DUO_TRY(duo_sql_prepare(&s, db, "INSERT INTO ranking VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", err));
    bind_text(s, 1, a->variant);
    bind_text(s, 2, a->label);
    bind_text(s, 3, b->label);
    bind_text(s, 4, duo_pd_info[r->metric].name);
    sqlite3_bind_double(s, 5, a->at[0].mean[r->metric]);
    sqlite3_bind_double(s, 6, b->at[0].mean[r->metric]);
    sqlite3_bind_int(s, 8, d->n_draws);
    if (r->relation != '?') {
        bind_text(s, 7, (char[]){ r->relation, 0 });
        sqlite3_bind_int(s, 9, r->held);
        sqlite3_bind_int(s, 10, r->untold);
        sqlite3_bind_double(s, 11, r->low);
        sqlite3_bind_double(s, 12, r->high);
    }
    if (r->constant >= 0) {
        bind_text(s, 13, d->constants[r->constant].name);
        sqlite3_bind_double(s, 14, r->separation);
        if (r->alone_low >= 0)  sqlite3_bind_int(s, 15, r->alone_low);
        if (r->alone_high >= 0) sqlite3_bind_int(s, 16, r->alone_high);
    }
    return put(db, s, err);
}

enum duo_status duo_perturb_rank(sqlite3 *db, struct duo_err *err)
{
    struct duo_pd d;
    int n;
    DUO_TRY(duo_pd_load(&d, db, err));
    struct duo_ranking *r = duo_pd_rank(&d, &n);
    enum duo_status status = duo_sql_run(db, "DELETE FROM ranking", err);
    for (int i = 0; i < n && status == DUO_OK; i++) status = put_ranking(db, &d, &r[i], err);
    free(r);
    duo_pd_free(&d);
    return status;
}
