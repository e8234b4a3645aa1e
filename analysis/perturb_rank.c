/* perturb_rank.c - draws to orders, shares and the constants that flip them; see perturb.h. */
#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/collect.h"
#include "analysis/perturb_data.h"

const struct duo_pd_info duo_pd_info[DUO_N_PERTURBED] = {
#define INFO(name, title, what) [DUO_P_##name] = { #name, title, what },
    DUO_PERTURBED(INFO)
#undef INFO
};

/* ---- the database in memory ---- */

static double real(sqlite3_stmt *s, int column)
{
    return sqlite3_column_type(s, column) == SQLITE_NULL ? NAN : sqlite3_column_double(s, column);
}

static char *text(sqlite3_stmt *s, int column)
{
    const unsigned char *t = sqlite3_column_text(s, column);
    return duo_copy(t ? (const char *)t : "");
}

typedef void row_fn(struct duo_pd *, sqlite3_stmt *);

static enum duo_status each(struct duo_pd *d, sqlite3 *db, const char *sql, row_fn *row, struct duo_err *err)
{
    sqlite3_stmt *s;
    int code;
    DUO_TRY(duo_sql_prepare(&s, db, sql, err));
    while ((code = sqlite3_step(s)) == SQLITE_ROW) row(d, s);
    sqlite3_finalize(s);
    return code == SQLITE_DONE ? DUO_OK : duo_sql_failed(db, err);
}

static void take_constant(struct duo_pd *d, sqlite3_stmt *s)
{
    d->constants = duo_grow(d->constants, (size_t)d->n_constants + 1, sizeof *d->constants);
    d->constants[d->n_constants++] = (struct duo_pd_constant){ text(s, 0), text(s, 1), real(s, 2), real(s, 3), real(s, 4) };
}

static int constant_of(const struct duo_pd *d, const char *name)
{
    int low = 0, high = d->n_constants;                  /* they are sorted */
    while (low < high) {
        int middle = (low + high) / 2;
        if (strcmp(d->constants[middle].name, name) < 0) low = middle + 1;
        else high = middle;
    }
    return low < d->n_constants && strcmp(d->constants[low].name, name) == 0 ? low : -1;
}

static void take_row(struct duo_pd *d, sqlite3_stmt *s)
{
    d->rows = duo_grow(d->rows, (size_t)d->n_rows + 1, sizeof *d->rows);
    d->rows[d->n_rows++] = (struct duo_pd_row){ text(s, 0), text(s, 1), sqlite3_column_int(s, 2) != 0,
                                                duo_new((size_t)(1 + d->n_draws + d->n_alone), sizeof(struct duo_pd_means)) };
}

static void take_counts(struct duo_pd *d, sqlite3_stmt *s)
{
    d->n_draws = sqlite3_column_int(s, 0);
    d->n_alone = sqlite3_column_int(s, 1);
    d->value  = duo_new((size_t)d->n_draws * (size_t)d->n_constants + 1, sizeof *d->value);
    d->alone   = duo_new((size_t)d->n_alone + 1, sizeof *d->alone);
}

static void take_drawn(struct duo_pd *d, sqlite3_stmt *s)
{
    int draw = sqlite3_column_int(s, 0), c = constant_of(d, (const char *)sqlite3_column_text(s, 1));
    if (draw < 1 || draw > d->n_draws || c < 0) return;
    d->value[(size_t)(draw - 1) * (size_t)d->n_constants + (size_t)c] = sqlite3_column_double(s, 2);
}

static void take_means(struct duo_pd *d, sqlite3_stmt *s)
{
    const char *variant = (const char *)sqlite3_column_text(s, 0), *label = (const char *)sqlite3_column_text(s, 1);
    const char *alone = (const char *)sqlite3_column_text(s, 3), *bound = (const char *)sqlite3_column_text(s, 4);
    int draw = sqlite3_column_int(s, 2), r = 0;
    while (r < d->n_rows && (strcmp(d->rows[r].variant, variant) != 0 || strcmp(d->rows[r].label, label) != 0)) r++;
    if (r == d->n_rows || draw < 0 || draw > d->n_draws + d->n_alone) return;
    struct duo_pd_means *m = &d->rows[r].at[draw];
    m->there = true;
    m->failed = sqlite3_column_int(s, 5) > 0;
    for (int i = 0; i < DUO_N_PERTURBED; i++) m->mean[i] = real(s, 6 + i);
    if (alone && draw > d->n_draws)
        d->alone[draw - d->n_draws - 1] = (struct duo_pd_alone){ constant_of(d, alone), bound && strcmp(bound, "high") == 0 };
}

enum duo_status duo_pd_load(struct duo_pd *d, sqlite3 *db, struct duo_err *err)
{
    *d = (struct duo_pd){ 0 };
    enum duo_status status = each(d, db, "SELECT name, status, value, low, high FROM constant ORDER BY name", take_constant, err);
    if (status == DUO_OK)
        status = each(d, db, "SELECT count(DISTINCT iif(alone IS NULL AND draw > 0, draw, NULL)), count(DISTINCT iif(alone IS NULL, NULL, draw))"
                             " FROM perturb", take_counts, err);
    if (status == DUO_OK)
        status = each(d, db, "SELECT variant, label, max(cheats) FROM run GROUP BY variant, label ORDER BY min(id)", take_row, err);
    if (status == DUO_OK) status = each(d, db, "SELECT draw, constant, value FROM drawn", take_drawn, err);
    if (status == DUO_OK)
        status = each(d, db, "SELECT variant, label, draw, alone, bound, failed_runs, e2e_mean, joules, dollars, quality FROM perturb",
                      take_means, err);
    if (status != DUO_OK) duo_pd_free(d);
    return status;
}

void duo_pd_free(struct duo_pd *d)
{
    for (int i = 0; i < d->n_constants; i++) free(d->constants[i].name), free(d->constants[i].status);
    for (int i = 0; i < d->n_rows; i++) free(d->rows[i].variant), free(d->rows[i].label), free(d->rows[i].at);
    free(d->constants), free(d->rows), free(d->value), free(d->alone);
    *d = (struct duo_pd){ 0 };
}

bool duo_pd_moves(const struct duo_pd *d, int metric)
{
    for (int r = 0; r < d->n_rows; r++)
        for (int k = 1; k <= d->n_draws + d->n_alone; k++) {
            double is = d->rows[r].at[k].mean[metric], was = d->rows[r].at[0].mean[metric];
            if (d->rows[r].at[k].there && !(isnan(is) && isnan(was)) && !(fabs(is - was) <= 1e-9 * fabs(was))) return true;
        }
    return false;
}

/* ---- orders ---- */

static char relation(const struct duo_pd *d, int a, int b, int draw, int metric)          /* (2) */
{
    const struct duo_pd_means *x = &d->rows[a].at[draw], *y = &d->rows[b].at[draw];
    double p = x->mean[metric], q = y->mean[metric];
    if (!x->there || !y->there || x->failed || y->failed || isnan(p) || isnan(q)) return '?';
    if (fabs(p - q) <= 1e-9 * fmax(fabs(p), fabs(q))) return '=';
    return p < q ? '<' : '>';
}

static void interval(int held, int n, double *low, double *high)                          /* (3) */
{
    *low  = held == 0 ? 0 : gsl_cdf_beta_Pinv(0.025, held, n - held + 1);
    *high = held == n ? 1 : gsl_cdf_beta_Pinv(0.975, held + 1, n - held);
}

struct drawn { double x; bool held; };

static int by_value(const void *a, const void *b)
{
    double x = ((const struct drawn *)a)->x, y = ((const struct drawn *)b)->x;
    return (x > y) - (x < y);
}

/* |2 AUC - 1| of n values, held or not; 0 when they are all the same.  *p: of no difference. */
static double separation(struct drawn *f, int n, int held, double *p)                    /* (4) */
{
    double ranks = 0, pairs = (double)held * (n - held);
    qsort(f, (size_t)n, sizeof *f, by_value);
    for (int i = 0, j; i < n; i = j) {
        for (j = i; j < n && f[j].x == f[i].x; j++) {}
        if (j - i == n) return *p = 1, 0;
        for (int k = i; k < j; k++)
            if (f[k].held) ranks += (i + 1 + j) / 2.0;
    }
    double u = ranks - held * (held + 1.0) / 2;
    *p = 2 * gsl_cdf_ugaussian_Q(fabs(u - pairs / 2) / sqrt(pairs * (n + 1) / 12));
    return fabs(2 * u / pairs - 1);
}

static void find_constant(const struct duo_pd *d, struct duo_ranking *r, const char *relations)
{
    struct drawn *f = duo_new((size_t)d->n_draws + 1, sizeof *f);
    int held = r->held, told = d->n_draws - r->untold;
    r->constant = -1;
    for (int c = 0; c < d->n_constants && held > 0 && held < told; c++) {
        int n = 0;
        double p;
        for (int k = 0; k < d->n_draws; k++)
            if (relations[k] != '?')
                f[n++] = (struct drawn){ d->value[(size_t)k * (size_t)d->n_constants + (size_t)c], relations[k] == r->relation };
        assert(n == told);
        double s = separation(f, n, held, &p);
        if (p * d->n_constants >= 0.05 || (r->constant >= 0 && s <= r->separation)) continue;
        r->constant = c;
        r->separation = s;
    }
    free(f);
}

static void rank(const struct duo_pd *d, struct duo_ranking *r)
{
    r->relation = relation(d, r->a, r->b, 0, r->metric);
    r->constant = r->alone_low = r->alone_high = -1;
    r->separation = r->low = r->high = NAN;
    if (r->relation == '?' || d->n_draws == 0) return;
    char *relations = duo_new((size_t)d->n_draws, 1);
    for (int k = 0; k < d->n_draws; k++) {
        relations[k] = relation(d, r->a, r->b, k + 1, r->metric);
        r->untold += relations[k] == '?';
        r->held   += relations[k] == r->relation;
    }
    interval(r->held, d->n_draws, &r->low, &r->high);
    find_constant(d, r, relations);
    free(relations);
    for (int i = 0; i < d->n_alone && r->constant >= 0; i++) {
        char now = relation(d, r->a, r->b, d->n_draws + 1 + i, r->metric);
        if (d->alone[i].constant == r->constant && now != '?') *(d->alone[i].high ? &r->alone_high : &r->alone_low) = now != r->relation;
    }
}

struct duo_ranking *duo_pd_rank(const struct duo_pd *d, int *n)
{
    struct duo_ranking *all = duo_new((size_t)d->n_rows * (size_t)d->n_rows * DUO_N_PERTURBED / 2 + 1, sizeof *all);
    *n = 0;
    for (int a = 0; a < d->n_rows; a++)
        for (int b = a + 1; b < d->n_rows; b++)
            for (int m = 0; m < DUO_N_PERTURBED && strcmp(d->rows[a].variant, d->rows[b].variant) == 0; m++) {
                struct duo_ranking *r = &all[(*n)++];
                *r = (struct duo_ranking){ .a = a, .b = b, .metric = m };
                rank(d, r);
            }
    return all;
}
