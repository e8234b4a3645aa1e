/* summary_read.c - the stored summary as arrays; see summary.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/collect.h"
#include "analysis/summary.h"

static double real(sqlite3_stmt *s, int column)
{
    return sqlite3_column_type(s, column) == SQLITE_NULL ? NAN : sqlite3_column_double(s, column);
}

static void text(sqlite3_stmt *s, int column, char *out, size_t n)
{
    const unsigned char *t = sqlite3_column_text(s, column);
    snprintf(out, n, "%s", t ? (const char *)t : "");
}

typedef void row_fn(struct duo_summary *, sqlite3_stmt *);

static enum duo_status each(struct duo_summary *out, sqlite3 *db, const char *sql, row_fn *row, struct duo_err *err)
{
    sqlite3_stmt *s;
    int code;
    DUO_TRY(duo_sql_prepare(&s, db, sql, err));
    while ((code = sqlite3_step(s)) == SQLITE_ROW) row(out, s);
    sqlite3_finalize(s);
    return code == SQLITE_DONE ? DUO_OK : duo_sql_failed(db, err);
}

#define TEXT_COLUMN(name) "l." #name ", "
enum {
#define TEXT_INDEX(name) AT_##name,
    DUO_LABEL_TEXTS(TEXT_INDEX)
    AT_cheats, AT_seeds, AT_failed_runs, AT_seed, AT_name, AT_value, AT_low, AT_high, AT_row
};

/* One metric of a row; a row begins where AT_row changes (it counts up). */
static void take(struct duo_summary_row **rows, int *n, sqlite3_stmt *s)
{
    int at = sqlite3_column_int(s, AT_row);
    if (*n == 0 || (*rows)[*n - 1].seed != at) {         /* `seed` holds it meanwhile */
        *rows = duo_grow(*rows, (size_t)*n + 1, sizeof **rows);
        struct duo_summary_row *r = &(*rows)[(*n)++];
        memset(r, 0, sizeof *r);
#define TAKE_TEXT(name) text(s, AT_##name, r->name, sizeof r->name);
        DUO_LABEL_TEXTS(TAKE_TEXT)
        r->cheats = sqlite3_column_int(s, AT_cheats) != 0;
        r->seeds = sqlite3_column_int(s, AT_seeds);
        r->failed_runs = sqlite3_column_int(s, AT_failed_runs);
        r->seed = at;
        for (int m = 0; m < DUO_N_METRICS; m++) r->value[m] = r->low[m] = r->high[m] = NAN;
    }
    struct duo_summary_row *r = &(*rows)[*n - 1];
    const unsigned char *name = sqlite3_column_text(s, AT_name);
    int m = name ? duo_metric_find((const char *)name) : -1;
    if (m < 0) return;
    r->value[m] = real(s, AT_value);
    r->low[m] = real(s, AT_low);
    r->high[m] = real(s, AT_high);
}

static void take_row(struct duo_summary *out, sqlite3_stmt *s) { take(&out->rows, &out->n, s); }
static void take_seed(struct duo_summary *out, sqlite3_stmt *s) { take(&out->by_seed, &out->n_by_seed, s); }

static void take_pair(struct duo_summary *out, sqlite3_stmt *s)
{
    struct duo_pair_row p = { .metric = duo_metric_find((const char *)sqlite3_column_text(s, 3)),
                              .difference = real(s, 4), .low = real(s, 5), .high = real(s, 6) };
    if (p.metric < 0) return;
    text(s, 0, p.variant, sizeof p.variant);
    text(s, 1, p.a, sizeof p.a);
    text(s, 2, p.b, sizeof p.b);
    if ((out->n_pairs & (out->n_pairs - 1)) == 0)        /* powers of two */
        out->pairs = duo_grow(out->pairs, out->n_pairs ? 2 * (size_t)out->n_pairs : 1, sizeof *out->pairs);
    out->pairs[out->n_pairs++] = p;
}

static void take_failed(struct duo_summary *out, sqlite3_stmt *s)
{
    struct duo_failed_run f = { .seed = sqlite3_column_int64(s, 2) };
    text(s, 0, f.variant, sizeof f.variant);
    text(s, 1, f.label, sizeof f.label);
    text(s, 3, f.reason, sizeof f.reason);
    out->failed = duo_grow(out->failed, (size_t)out->n_failed + 1, sizeof *out->failed);
    out->failed[out->n_failed++] = f;
}

static void take_variant(struct duo_summary *out, sqlite3_stmt *s)
{
    struct duo_variant_facts f = { .slo_ttft = real(s, 1), .slo_e2e = real(s, 2), .slo_tpot = real(s, 3), .rtt = real(s, 4) };
    text(s, 0, f.variant, sizeof f.variant);
    out->variants = duo_grow(out->variants, (size_t)out->n_variants + 1, sizeof *out->variants);
    out->variants[out->n_variants++] = f;
}

static enum duo_status has_summary(sqlite3 *db, struct duo_err *err)
{
    sqlite3_stmt *s;
    DUO_TRY(duo_sql_prepare(&s, db, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN"
                                    " ('run', 'variant', 'label', 'metric', 'metric_seed', 'paired')", err));
    bool complete = sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int(s, 0) == 6;
    sqlite3_finalize(s);
    if (complete) return DUO_OK;
    const char *file = sqlite3_db_filename(db, "main");
    return duo_fail_at(err, DUO_BAD_INPUT, file ? file : "", 0, 0, "holds no results of duosim (a table is missing)");
}

enum duo_status duo_summary_read(struct duo_summary *out, sqlite3 *db, struct duo_err *err)
{
    memset(out, 0, sizeof *out);
    DUO_TRY(has_summary(db, err));
    DUO_TRY(each(out, db, "SELECT " DUO_LABEL_TEXTS(TEXT_COLUMN) "l.cheats, l.seeds, l.failed_runs, 0, m.name, m.value, m.low,"
        " m.high, l.position FROM label l LEFT JOIN metric m ON m.variant = l.variant AND m.label = l.label"
        " ORDER BY l.position", take_row, err));
    for (int i = 0; i < out->n; i++) out->rows[i].seed = 0;
    DUO_TRY(each(out, db, "SELECT " DUO_LABEL_TEXTS(TEXT_COLUMN) "l.cheats, 1, 0, r.seed, m.name, m.value, NULL, NULL, r.id"
        " FROM run r JOIN label l ON l.variant = r.variant AND l.label = r.label JOIN metric_seed m ON m.run = r.id"
        " ORDER BY l.position, r.seed, r.id", take_seed, err));
    sqlite3_stmt *seeds;
    DUO_TRY(duo_sql_prepare(&seeds, db, "SELECT seed FROM run WHERE id = ?", err));
    for (int i = 0; i < out->n_by_seed; i++) {
        sqlite3_bind_int64(seeds, 1, out->by_seed[i].seed);
        if (sqlite3_step(seeds) == SQLITE_ROW) out->by_seed[i].seed = sqlite3_column_int64(seeds, 0);
        sqlite3_reset(seeds);
    }
    sqlite3_finalize(seeds);
    DUO_TRY(each(out, db, "SELECT variant, a, b, name, difference, low, high FROM paired", take_pair, err));
    DUO_TRY(each(out, db, "SELECT variant, label, seed, reason FROM run WHERE state <> 'done' ORDER BY id", take_failed, err));
    return each(out, db, "SELECT variant, slo_ttft, slo_e2e, slo_tpot, rtt FROM variant ORDER BY position", take_variant, err);
}

void duo_summary_free(struct duo_summary *s)
{
    free(s->rows), free(s->by_seed), free(s->pairs), free(s->failed), free(s->variants);
    memset(s, 0, sizeof *s);
}

const struct duo_summary_row *duo_summary_find(const struct duo_summary *s, const char *variant, const char *label)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->rows[i].variant, variant) == 0 && strcmp(s->rows[i].label, label) == 0) return &s->rows[i];
    return NULL;
}

bool duo_summary_pair(const struct duo_summary *s, const char *variant, const char *a, const char *b, int metric,
                      struct duo_pair_row *out)
{
    for (int i = 0; i < s->n_pairs; i++) {
        const struct duo_pair_row *p = &s->pairs[i];
        if (p->metric != metric || strcmp(p->variant, variant) != 0) continue;
        if (strcmp(p->a, a) == 0 && strcmp(p->b, b) == 0) {
            *out = *p;
            return true;
        }
        if (strcmp(p->a, b) == 0 && strcmp(p->b, a) == 0) {
            *out = *p;
            memcpy(out->a, p->b, sizeof out->a);
            memcpy(out->b, p->a, sizeof out->b);
            out->difference = -p->difference;
            out->low = -p->high;
            out->high = -p->low;
            return true;
        }
    }
    return false;
}

bool duo_summary_assumed(const struct duo_summary_row *r)
{
    return strcmp(r->provenance_quality, "assumed") == 0 || strncmp(r->answers, "synthetic", 9) == 0;
}
