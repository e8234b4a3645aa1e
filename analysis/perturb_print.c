/* perturb_print.c - rankings under perturbation, for people and programs; see perturb.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/collect.h"
#include "analysis/grid.h"
#include "analysis/perturb_data.h"

bool duo_perturb_there(sqlite3 *db)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db, "SELECT 1 FROM ranking LIMIT 1", -1, &s, NULL) != SQLITE_OK) return false;
    bool there = sqlite3_step(s) == SQLITE_ROW;
    sqlite3_finalize(s);
    return there;
}

static const char *star(const struct duo_pd_row *r) { return r->cheats ? "*" : ""; }

/* "< 97.0 [93.7, 98.9]": in so many of a hundred draws. */
static void cell(const struct duo_pd *d, const struct duo_ranking *r, char *out, size_t n)
{
    if (r->relation == '?') {
        snprintf(out, n, "-");
        return;
    }
    snprintf(out, n, "%c %.1f [%.1f, %.1f]", r->relation, 100.0 * r->held / d->n_draws, 100 * r->low, 100 * r->high);
}

static bool shown(const struct duo_pd *d, int metric) { return metric != DUO_P_quality || duo_pd_moves(d, metric); }

static void print_table(FILE *out, const struct duo_pd *d, const struct duo_ranking *r, int n, const char *only)
{
    struct duo_grid g;
    int column[DUO_N_PERTURBED], columns = 2;
    char text[300];
    const char *variant = NULL;
    for (int m = 0; m < DUO_N_PERTURBED; m++) column[m] = shown(d, m) ? columns++ : -1;
    duo_grid_init(&g, columns);
    duo_grid_head(&g, 0, "label", true);
    duo_grid_head(&g, 1, "other", true);
    for (int m = 0; m < DUO_N_PERTURBED; m++)
        if (column[m] >= 0) duo_grid_head(&g, column[m], duo_pd_info[m].title, true);
    for (int i = 0; i < n; i++) {
        const struct duo_pd_row *a = &d->rows[r[i].a], *b = &d->rows[r[i].b];
        if (only && strcmp(only, a->variant) != 0) continue;
        if (r[i].metric == 0) {
            duo_grid_row(&g);
            if (*a->variant && (!variant || strcmp(variant, a->variant) != 0)) duo_grid_section(&g, a->variant);
            variant = a->variant;
            snprintf(text, sizeof text, "%s%s", a->label, star(a));
            duo_grid_set(&g, 0, text);
            snprintf(text, sizeof text, "%s%s", b->label, star(b));
            duo_grid_set(&g, 1, text);
        }
        if (column[r[i].metric] < 0) continue;
        cell(d, &r[i], text, sizeof text);
        duo_grid_set(&g, column[r[i].metric], text);
    }
    duo_grid_print(out, &g, DUO_TABLE_TEXT);
    duo_grid_free(&g);
}

/* What that constant does alone, at the ends of its interval. */
static const char *alone(const struct duo_ranking *r)
{
    if (r->alone_low < 0 && r->alone_high < 0) return "";
    if (r->alone_low > 0 && r->alone_high > 0) return "; alone it flips the order at either end";
    if (r->alone_low > 0)  return "; alone it flips the order at its low end";
    if (r->alone_high > 0) return "; alone it flips the order at its high end";
    return "; alone it does not flip the order";
}

static void print_cause(FILE *out, const struct duo_pd *d, const struct duo_ranking *r)
{
    const struct duo_pd_row *a = &d->rows[r->a], *b = &d->rows[r->b];
    const struct duo_pd_constant *c = &d->constants[r->constant];
    fprintf(out, "%s%s%s %c %s in %s: %s (%s, %.4g in [%.4g, %.4g]), separates by %.2f%s\n", a->variant, *a->variant ? ": " : "", a->label,
            r->relation, b->label, duo_pd_info[r->metric].title, c->name, c->status, c->value, c->low, c->high, r->separation, alone(r));
}

static void print_failures(FILE *out, const struct duo_pd *d, sqlite3 *db, const char *only)
{
    for (int r = 0; r < d->n_rows; r++) {
        const struct duo_pd_row *row = &d->rows[r];
        int n = 0, nobody = 0;
        sqlite3_stmt *s;
        if (only && strcmp(only, row->variant) != 0) continue;
        for (int k = 1; k <= d->n_draws; k++) {
            n += row->at[k].failed;
            nobody += !row->at[k].failed && isnan(row->at[k].mean[DUO_P_e2e_mean]) && !isnan(row->at[0].mean[DUO_P_e2e_mean]);
        }
        if (nobody)
            fprintf(out, "%s%s%s answered nobody in %d of %d draws, where no order in E2E is told\n", row->variant, *row->variant ? ": " : "",
                    row->label, nobody, d->n_draws);
        if (n == 0) continue;
        fprintf(out, "%s%s%s failed in %d of %d draws, where no order is told", row->variant, *row->variant ? ": " : "", row->label, n, d->n_draws);
        if (sqlite3_prepare_v2(db, "SELECT draw, reason FROM perturb WHERE variant = ? AND label = ? AND failed_runs > 0 AND draw > 0"
                                   " ORDER BY draw LIMIT 1", -1, &s, NULL) == SQLITE_OK) {
            sqlite3_bind_text(s, 1, row->variant, -1, SQLITE_STATIC);
            sqlite3_bind_text(s, 2, row->label, -1, SQLITE_STATIC);
            if (sqlite3_step(s) == SQLITE_ROW) fprintf(out, "; draw %d: %s", sqlite3_column_int(s, 0), (const char *)sqlite3_column_text(s, 1));
        }
        sqlite3_finalize(s);
        putc('\n', out);
    }
}

static void print_head(FILE *out, const struct duo_pd *d)
{
    int assumed = 0;
    for (int c = 0; c < d->n_constants; c++) assumed += strcmp(d->constants[c].status, "assumed") == 0;
    fprintf(out, "perturbed: %d draw%s of %d constants (%d assumed, %d fitted), each log-uniform in its interval (uniform from 0), the same for all policies and seeds\n",
            d->n_draws, d->n_draws == 1 ? "" : "s", d->n_constants, assumed, d->n_constants - assumed);
    fputs("order of the means as they are, and the % of draws in which it holds [95 %, Clopper and Pearson]\n", out);
}

static void print_causes(FILE *out, const struct duo_pd *d, const struct duo_ranking *r, int n, const char *only)
{
    int causes = 0, others = 0, most = 0;
    for (int i = 0; i < n; i++) {
        int flipped = d->n_draws - r[i].held - r[i].untold;
        if ((only && strcmp(only, d->rows[r[i].a].variant) != 0) || r[i].relation == '?' || flipped == 0 || !shown(d, r[i].metric)) continue;
        if (r[i].constant < 0) {
            others++;
            if (flipped > most) most = flipped;
            continue;
        }
        if (causes++ == 0) fputs("what flips an order most:\n", out);
        print_cause(out, d, &r[i]);
    }
    if (others)
        fprintf(out, "%d %sorder%s flip%s in some draws (%d of %d at most), and no constant stands out\n", others, causes ? "other " : "",
                others == 1 ? "" : "s", others == 1 ? "s" : "", most, d->n_draws);
}

enum duo_status duo_perturb_print(FILE *out, sqlite3 *db, const char *variant, struct duo_err *err)
{
    struct duo_pd d;
    int n;
    if (!duo_perturb_there(db)) return DUO_OK;
    DUO_TRY(duo_pd_load(&d, db, err));
    struct duo_ranking *r = duo_pd_rank(&d, &n);
    print_head(out, &d);
    putc('\n', out);
    print_table(out, &d, r, n, variant);
    putc('\n', out);
    print_causes(out, &d, r, n, variant);
    print_failures(out, &d, db, variant);
    free(r);
    duo_pd_free(&d);
    return DUO_OK;
}

/* ---- JSON ---- */

static void key_number(struct duo_json *j, const char *key, sqlite3_stmt *s, int column)
{
    duo_json_key(j, key);
    if (sqlite3_column_type(s, column) == SQLITE_NULL) duo_json_null(j);
    else duo_json_number(j, sqlite3_column_double(s, column));
}

static void key_text(struct duo_json *j, const char *key, sqlite3_stmt *s, int column)
{
    duo_json_key(j, key);
    duo_json_text(j, (const char *)sqlite3_column_text(s, column));
}

enum duo_status duo_perturb_json(struct duo_json *j, sqlite3 *db, const char *variant, const char *label, struct duo_err *err)
{
    sqlite3_stmt *s;
    int code;
    duo_json_open(j, '[');
    DUO_TRY(duo_sql_prepare(&s, db, "SELECT other, name, value, other_value, relation, draws, held, untold, share, low, high, constant, status,"
                                    " constant_value, constant_low, constant_high, separation, alone_low, alone_high"
                                    " FROM v_ranking WHERE variant = ? AND label = ?", err));
    sqlite3_bind_text(s, 1, variant, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, label, -1, SQLITE_STATIC);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        static const char *const names[] = { "other", "metric", "value", "other_value", "relation", "draws", "held", "untold", "share", "low",
                                             "high", "constant", "status", "constant_value", "constant_low", "constant_high", "separation",
                                             "alone_low_flips", "alone_high_flips" };
        duo_json_open(j, '{');
        for (int i = 0; i < (int)(sizeof names / sizeof *names); i++) {
            bool is_text = i == 0 || i == 1 || i == 4 || i == 11 || i == 12;
            if (is_text) key_text(j, names[i], s, i);
            else         key_number(j, names[i], s, i);
        }
        duo_json_close(j);
    }
    sqlite3_finalize(s);
    duo_json_close(j);
    return code == SQLITE_DONE ? DUO_OK : duo_sql_failed(db, err);
}
