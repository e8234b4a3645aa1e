/* summary.c - see summary.h: what is stored, and the views. */
#include "analysis/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/collect.h"
#include "analysis/estimate.h"

const struct duo_metric_info duo_metric_info[DUO_N_METRICS] = {
#define INFO(name, over, unit, title, what) [DUO_M_##name] = { #name, #over[0], unit, title, what },
    DUO_METRICS(INFO)
};

int duo_metric_find(const char *name)
{
    for (int i = 0; i < DUO_N_METRICS; i++)
        if (strcmp(duo_metric_info[i].name, name) == 0) return i;
    return -1;
}

static const char tables[] =
    "DROP VIEW IF EXISTS v_slo; DROP VIEW IF EXISTS v_paired; DROP VIEW IF EXISTS v_pareto;"
    "DROP VIEW IF EXISTS v_curve; DROP VIEW IF EXISTS v_summary;"
    "DROP TABLE IF EXISTS variant; DROP TABLE IF EXISTS label; DROP TABLE IF EXISTS metric;"
    "DROP TABLE IF EXISTS metric_seed; DROP TABLE IF EXISTS paired;"
    "CREATE TABLE variant (variant TEXT PRIMARY KEY, position INTEGER, slo_ttft REAL, slo_e2e REAL, slo_tpot REAL,"
    " rtt REAL) WITHOUT ROWID;"
    "CREATE TABLE label (variant TEXT, label TEXT, position INTEGER, policy TEXT, params TEXT, cheats INTEGER,"
    " seeds INTEGER, failed_runs INTEGER, net TEXT, answers TEXT, dollars_regime TEXT, provenance_time TEXT,"
    " provenance_energy TEXT, provenance_money TEXT, provenance_quality TEXT, provenance_signals TEXT,"
    " rests_on TEXT, domain TEXT,"
    " PRIMARY KEY (variant, label)) WITHOUT ROWID;"
    "CREATE TABLE metric (variant TEXT, label TEXT, name TEXT, value REAL, low REAL, high REAL, n INTEGER,"
    " method TEXT, PRIMARY KEY (variant, label, name)) WITHOUT ROWID;"
    "CREATE TABLE metric_seed (run INTEGER, name TEXT, value REAL, PRIMARY KEY (run, name)) WITHOUT ROWID;"
    "CREATE TABLE paired (variant TEXT, a TEXT, b TEXT, name TEXT, difference REAL, low REAL, high REAL, n INTEGER,"
    " method TEXT, PRIMARY KEY (variant, a, b, name)) WITHOUT ROWID;";

static const char views[] =
    "CREATE VIEW v_curve AS SELECT l.variant, l.label, l.policy, l.cheats, c.name AS axis, c.value AS cost,"
    " c.low AS low_cost, c.high AS high_cost, q.value AS quality, q.low AS low_quality, q.high AS high_quality"
    " FROM label l JOIN metric q ON q.variant = l.variant AND q.label = l.label AND q.name = 'quality'"
    " JOIN metric c ON c.variant = l.variant AND c.label = l.label"
    " AND c.name IN ('dollars', 'e2e_p50', 'joules_device_radio', 'cloud_share')"
    " WHERE q.value IS NOT NULL AND c.value IS NOT NULL ORDER BY l.position, axis;"
    /* Nobody without the truth is as cheap and better, or as good and cheaper. */
    "CREATE VIEW v_pareto AS SELECT p.* FROM v_curve p WHERE p.cheats = 0 AND NOT EXISTS (SELECT 1 FROM v_curve o"
    " WHERE o.variant = p.variant AND o.axis = p.axis AND o.cheats = 0 AND o.cost <= p.cost AND o.quality >= p.quality"
    " AND (o.cost < p.cost OR o.quality > p.quality)) ORDER BY p.variant, p.axis, p.cost;"
    "CREATE VIEW v_paired AS SELECT variant, label, other, name, difference, low, high, n, method,"
    " low > 0 OR high < 0 AS shown FROM ("
    "SELECT variant, a AS label, b AS other, name, difference, low, high, n, method FROM paired UNION ALL"
    " SELECT variant, b, a, name, -difference, -high, -low, n, method FROM paired)"
    " ORDER BY variant, label, other, name;"
    "CREATE VIEW v_slo AS SELECT s.variant, s.label, s.cheats, v.slo_ttft AS limit_ttft, v.slo_e2e AS limit_e2e,"
    " v.slo_tpot AS limit_tpot, s.slo_share, s.low_slo_share, s.high_slo_share, s.slo_ttft, s.slo_e2e, s.slo_tpot"
    " FROM v_summary s JOIN variant v ON v.variant = s.variant;";

struct writer { sqlite3_stmt *variant, *label, *metric, *seed, *pair; };

static void bind_text(sqlite3_stmt *s, int i, const char *t)
{
    sqlite3_bind_text(s, i, t, -1, SQLITE_TRANSIENT);
}

static void bind_texts(sqlite3_stmt *s, const char *const *texts, int n)
{
    for (int i = 0; i < n; i++) bind_text(s, i + 1, texts[i]);
}

static enum duo_status put(sqlite3 *db, sqlite3_stmt *s, struct duo_err *err)
{
    int code = sqlite3_step(s);
    sqlite3_reset(s);
    return code == SQLITE_DONE ? DUO_OK : duo_sql_failed(db, err);
}

static double limit(double slo) { return isinf(slo) ? NAN : slo; }       /* SQLite stores NAN as NULL */

static enum duo_status put_variant(struct duo_collect *c, int variant, sqlite3_stmt *s, struct duo_err *err)
{
    const struct duo_variant_facts *f = &c->variants[variant].facts;
    bind_text(s, 1, f->variant);
    sqlite3_bind_int(s, 2, variant);
    sqlite3_bind_double(s, 3, limit(f->slo_ttft));
    sqlite3_bind_double(s, 4, limit(f->slo_e2e));
    sqlite3_bind_double(s, 5, limit(f->slo_tpot));
    sqlite3_bind_double(s, 6, f->rtt);
    return put(c->db, s, err);
}

static enum duo_status put_label(struct duo_collect *c, int row, sqlite3_stmt *s, struct duo_err *err)
{
    const struct duo_summary_row *t = &c->rows[row].text;
    const char *texts[] = { t->variant, t->label };
    const char *more[] = { t->net, t->answers, t->dollars_regime, t->provenance_time, t->provenance_energy, t->provenance_money,
                           t->provenance_quality, t->provenance_signals, t->rests_on, t->domain };
    bind_texts(s, texts, 2);
    sqlite3_bind_int(s, 3, row);
    bind_text(s, 4, t->policy);
    bind_text(s, 5, t->params);
    sqlite3_bind_int(s, 6, t->cheats);
    sqlite3_bind_int(s, 7, t->seeds);
    sqlite3_bind_int(s, 8, t->failed_runs);
    for (int i = 0; i < 10; i++) bind_text(s, 9 + i, more[i]);
    return put(c->db, s, err);
}

static enum duo_status put_metrics(struct duo_collect *c, int row, const struct duo_estimate *e, const char *method,
                                   struct writer *w, struct duo_err *err)
{
    const struct duo_collect_row *r = &c->rows[row];
    for (int m = 0; m < DUO_N_METRICS; m++) {
        const struct duo_metric_info *info = &duo_metric_info[m];
        const char *texts[] = { r->text.variant, r->text.label, info->name };
        bind_texts(w->metric, texts, 3);
        sqlite3_bind_double(w->metric, 4, e->value[m]);
        sqlite3_bind_double(w->metric, 5, e->low[m]);
        sqlite3_bind_double(w->metric, 6, e->high[m]);
        sqlite3_bind_int64(w->metric, 7, e->n[m]);
        if (isnan(e->low[m])) sqlite3_bind_null(w->metric, 8);
        else                  bind_text(w->metric, 8, info->over == 'S' ? "t over seeds" : method);
        DUO_TRY(put(c->db, w->metric, err));
    }
    for (int k = 0; k < r->n_runs; k++) {
        if (!c->runs[r->runs[k]].done) continue;
        for (int m = 0; m < DUO_N_METRICS; m++) {
            sqlite3_bind_int64(w->seed, 1, c->runs[r->runs[k]].id);
            bind_text(w->seed, 2, duo_metric_info[m].name);
            sqlite3_bind_double(w->seed, 3, e->per_run[k][m]);
            DUO_TRY(put(c->db, w->seed, err));
        }
    }
    return DUO_OK;
}

static enum duo_status put_pairs(struct duo_collect *c, const struct duo_estimates *e, sqlite3_stmt *s, struct duo_err *err)
{
    for (int i = 0; i < e->n_pairs; i++) {
        const struct duo_difference *d = &e->pairs[i];
        const char *texts[] = { c->rows[d->a].text.variant, c->rows[d->a].text.label, c->rows[d->b].text.label,
                                duo_metric_info[d->metric].name };
        bind_texts(s, texts, 4);
        sqlite3_bind_double(s, 5, d->value);
        sqlite3_bind_double(s, 6, d->low);
        sqlite3_bind_double(s, 7, d->high);
        sqlite3_bind_int64(s, 8, d->n);
        bind_text(s, 9, e->method);
        DUO_TRY(put(c->db, s, err));
    }
    return DUO_OK;
}

static enum duo_status put_variant_rows(struct duo_collect *c, int variant, void *with, struct duo_err *err)
{
    const struct duo_collect_variant *v = &c->variants[variant];
    struct writer *w = with;
    struct duo_estimates e;
    duo_estimate_variant(&e, c, variant);
    enum duo_status status = put_variant(c, variant, w->variant, err);
    for (int i = 0; i < v->n_rows && status == DUO_OK; i++) {
        status = put_label(c, v->rows[i], w->label, err);
        if (status == DUO_OK) status = put_metrics(c, v->rows[i], &e.rows[i], e.method, w, err);
    }
    if (status == DUO_OK) status = put_pairs(c, &e, w->pair, err);
    duo_estimates_free(&e, c, variant);
    return status;
}

/* v_summary: one row a variant and label, every metric a column, with its interval where it has one. */
static enum duo_status create_wide_view(sqlite3 *db, struct duo_err *err)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    sqlite3_str_appendall(sql, "CREATE VIEW v_summary AS SELECT l.variant, l.label, l.policy, l.params, l.cheats, l.seeds, l.failed_runs");
    for (int m = 0; m < DUO_N_METRICS; m++) {
        const char *name = duo_metric_info[m].name;
        sqlite3_str_appendf(sql, ", max(CASE WHEN m.name = '%s' THEN m.value END) AS %s", name, name);
        if (duo_metric_info[m].over == 'C') continue;
        sqlite3_str_appendf(sql, ", max(CASE WHEN m.name = '%s' THEN m.low END) AS low_%s", name, name);
        sqlite3_str_appendf(sql, ", max(CASE WHEN m.name = '%s' THEN m.high END) AS high_%s", name, name);
    }
    sqlite3_str_appendall(sql, ", l.net, l.answers, l.dollars_regime, l.provenance_time, l.provenance_energy, l.provenance_money,"
        " l.provenance_quality, l.provenance_signals, l.rests_on, l.domain FROM label l LEFT JOIN metric m ON m.variant = l.variant AND m.label = l.label"
        " GROUP BY l.variant, l.label ORDER BY l.position");
    char *text = sqlite3_str_finish(sql);
    enum duo_status status = text ? duo_sql_run(db, text, err) : duo_sql_failed(db, err);
    sqlite3_free(text);
    return status;
}

static enum duo_status fill_tables(struct duo_collect *c, struct duo_err *err)
{
    struct writer w = { 0 };
    const struct { sqlite3_stmt **s; const char *sql; } all[] = {
        { &w.variant, "INSERT OR REPLACE INTO variant VALUES (?,?,?,?,?,?)" },
        { &w.label,   "INSERT OR REPLACE INTO label VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)" },
        { &w.metric,  "INSERT OR REPLACE INTO metric VALUES (?,?,?,?,?,?,?,?)" },
        { &w.seed,    "INSERT OR REPLACE INTO metric_seed VALUES (?,?,?)" },
        { &w.pair,    "INSERT OR REPLACE INTO paired VALUES (?,?,?,?,?,?,?,?,?)" },
    };
    enum duo_status status = DUO_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && status == DUO_OK; i++)
        status = duo_sql_prepare(all[i].s, c->db, all[i].sql, err);
    if (status == DUO_OK) status = duo_collect_requests(c, put_variant_rows, &w, err);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sqlite3_finalize(*all[i].s);
    return status;
}

enum duo_status duo_summary_write(sqlite3 *db, const struct duo_variant_facts *facts, int n, struct duo_err *err)
{
    struct duo_collect c = { 0 };
    bool alone = sqlite3_get_autocommit(db) != 0;        /* no transaction of the caller's */
    if (alone) DUO_TRY(duo_sql_run(db, "BEGIN", err));
    enum duo_status status = duo_sql_run(db, tables, err);
    if (status == DUO_OK) status = duo_collect_open(&c, db, facts, n, err);
    if (status == DUO_OK) status = fill_tables(&c, err);
    if (status == DUO_OK) status = create_wide_view(db, err);
    if (status == DUO_OK) status = duo_sql_run(db, views, err);
    if (alone) {
        if (status == DUO_OK) status = duo_sql_run(db, "COMMIT", err);
        if (status != DUO_OK) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    duo_collect_free(&c);
    return status;
}
