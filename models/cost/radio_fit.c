/* radio_fit.c - see radio.h. */
#include "models/cost/radio.h"

#include <assert.h>
#include <gsl/gsl_fit.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/csv.h"

enum { BLOCK = 100, PARAMETERS = 3, FEWEST = 20 };
static const double MBIT = 125000;         /* B/s */

struct table { int n, dropped; double *x, *y, *z; };

static void add(struct table *t, double x, double y, double z)
{
    if ((t->n & (t->n - 1)) == 0) {
        size_t room = t->n ? 2 * (size_t)t->n : 1;
        t->x = duo_grow(t->x, room, sizeof *t->x), t->y = duo_grow(t->y, room, sizeof *t->y), t->z = duo_grow(t->z, room, sizeof *t->z);
    }
    t->x[t->n] = x, t->y[t->n] = y, t->z[t->n++] = z;
}

/* Three columns of numbers; `keep`: of rows whose cell says YEP (NULL: all). */
static enum duo_status read_rows(const char *path, const char *const name[3], const char *keep, struct table *t, struct duo_csv *csv, struct duo_err *err)
{
    int column[3], kept = -1, more;
    double v[3] = { 0 };

    for (int i = 0; i < 3; i++)
        if (name[i]) DUO_TRY(duo_csv_need(csv, name[i], &column[i], err));
    if (keep) DUO_TRY(duo_csv_need(csv, keep, &kept, err));
    while ((more = duo_csv_next(csv, err)) > 0) {
        if (keep && strcmp(duo_csv_cell(csv, kept), "YEP") != 0) { t->dropped++; continue; }
        for (int i = 0; i < 3; i++)
            if (name[i]) DUO_TRY(duo_csv_number(csv, column[i], &v[i], err));
        add(t, v[0], v[1], v[2]);
    }
    if (more < 0) return DUO_BAD_INPUT;
    if (t->n < 4 * FEWEST) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "expected at least %d rows to fit on; got %d", 4 * FEWEST, t->n);
    return DUO_OK;
}

static enum duo_status read_table(const char *path, const char *const name[3], const char *keep, struct table *t, struct duo_err *err)
{
    struct duo_csv *csv;
    enum duo_status bad;

    *t = (struct table){ 0 };
    DUO_TRY(duo_csv_open(&csv, path, ',', err));
    bad = read_rows(path, name, keep, t, csv, err);
    duo_csv_close(csv);
    return bad;
}

static void drop(struct table *t) { free(t->x), free(t->y), free(t->z); }

static double median_of(double *v, int n)
{
    gsl_sort(v, 1, (size_t)n);
    return gsl_stats_median_from_sorted_data(v, 1, (size_t)n);
}

/* ---- power against throughput ---- */

static bool in_part(int row, int part) { return part < 0 || row / BLOCK % 2 == part; }

/* Least squares over one part of the rows; -1: all.  x down, y up, B/s; z W. */
static void fit(const struct table *t, int part, double c[PARAMETERS], double error[PARAMETERS], double *rms, double *r2)
{
    size_t n = 0, k = 0;
    double chi;

    for (int i = 0; i < t->n; i++) n += in_part(i, part);
    gsl_matrix *x = gsl_matrix_alloc(n, PARAMETERS), *covariance = gsl_matrix_alloc(PARAMETERS, PARAMETERS);
    gsl_vector *y = gsl_vector_alloc(n), *best = gsl_vector_alloc(PARAMETERS);
    gsl_multifit_linear_workspace *work = gsl_multifit_linear_alloc(n, PARAMETERS);
    for (int i = 0; i < t->n; i++) {
        if (!in_part(i, part)) continue;
        gsl_matrix_set(x, k, 0, 1), gsl_matrix_set(x, k, 1, t->x[i] / MBIT), gsl_matrix_set(x, k, 2, t->y[i] / MBIT);
        gsl_vector_set(y, k++, t->z[i]);
    }
    gsl_multifit_linear(x, y, best, covariance, &chi, work);
    for (size_t i = 0; i < PARAMETERS; i++) {
        double unit = i ? MBIT : 1;
        c[i] = gsl_vector_get(best, i) / unit, error[i] = sqrt(gsl_matrix_get(covariance, i, i)) / unit;
    }
    *rms = sqrt(chi / (double)n);
    *r2 = 1 - chi / gsl_stats_tss(y->data, y->stride, n);
    gsl_matrix_free(x), gsl_matrix_free(covariance), gsl_vector_free(y), gsl_vector_free(best), gsl_multifit_linear_free(work);
}

enum duo_status duo_radio_fit_power(const char *path, struct duo_radio_power *out, struct duo_err *err)
{
    static const char *const columns[] = { "downlink_Mbps", "uplink_Mbps", "hardware_power" };
    double c[PARAMETERS], error[PARAMETERS], *off, rms, r2;
    struct table t;
    enum duo_status bad = read_table(path, columns, NULL, &t, err);
    int n = 0;

    if (bad == DUO_OK && t.n < 4 * BLOCK) bad = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "expected at least %d rows; got %d", 4 * BLOCK, t.n);
    if (bad) { drop(&t); return bad; }
    for (int i = 0; i < t.n; i++) t.x[i] *= MBIT, t.y[i] *= MBIT, t.z[i] /= 1000;
    off = duo_new((size_t)t.n, sizeof *off);
    for (int part = 0; part < 2; part++) {
        fit(&t, part, c, error, &rms, &r2);
        for (int i = 0; i < t.n; i++)
            if (!in_part(i, part) && t.z[i] > 0) off[n++] = fabs(c[0] + c[1] * t.x[i] + c[2] * t.y[i] - t.z[i]) / t.z[i];
    }
    fit(&t, -1, c, error, &rms, &r2);
    *out = (struct duo_radio_power){ .rows = t.n, .active_watts = c[0], .joules_byte_down = c[1], .joules_byte_up = c[2], .active_error = error[0],
        .down_error = error[1], .up_error = error[2], .rms = rms, .r2 = r2, .held_out = median_of(off, n) };
    free(off);
    drop(&t);
    return DUO_OK;
}

/* ---- silence ---- */

struct step { double at, low, high; };

/* Medians on both sides of `at` and the absolute error; of every second row, from `first` on (-1: of all). */
static double step_error(const struct table *t, int first, double at, struct step *s, double *low, double *high)
{
    int n_low = 0, n_high = 0;
    double sum = 0;

    for (int i = 0; i < t->n; i++) {
        if (first >= 0 && i % 2 != first) continue;
        if (t->x[i] < at) low[n_low++] = t->y[i];
        else              high[n_high++] = t->y[i];
    }
    if (n_low < FEWEST || n_high < FEWEST) return INFINITY;
    *s = (struct step){ at, median_of(low, n_low), median_of(high, n_high) };
    for (int i = 0; i < n_low; i++) sum += fabs(low[i] - s->low);
    for (int i = 0; i < n_high; i++) sum += fabs(high[i] - s->high);
    return sum;
}

static struct step best_step(const struct table *t, int first)
{
    double *low = duo_new((size_t)t->n, sizeof *low), *high = duo_new((size_t)t->n, sizeof *high), *at = duo_new((size_t)t->n, sizeof *at), least = INFINITY;
    struct step best = { NAN, NAN, NAN }, s = best;

    memcpy(at, t->x, (size_t)t->n * sizeof *at);
    gsl_sort(at, 1, (size_t)t->n);
    for (int i = 1; i < t->n; i++) {
        double error, middle = (at[i - 1] + at[i]) / 2;
        if (!(at[i] > at[i - 1])) continue;
        error = step_error(t, first, middle, &s, low, high);
        if (error < least) least = error, best = s;
    }
    free(low), free(high), free(at);
    return best;
}

enum duo_status duo_radio_fit_silence(const char *path, struct duo_radio_silence *out, struct duo_err *err)
{
    static const char *const columns[] = { "interval", "RTT1", NULL };
    struct step s = { NAN, NAN, NAN };
    struct table t;
    enum duo_status bad = read_table(path, columns, "KeepOrDrop", &t, err);
    double *off;
    int n = 0;

    if (bad) { drop(&t); return bad; }
    off = duo_new((size_t)t.n, sizeof *off);
    for (int first = 0; first < 2; first++) {
        s = best_step(&t, first);
        for (int i = 1 - first; i < t.n; i += 2)
            if (t.y[i] > 0) off[n++] = fabs((t.x[i] < s.at ? s.low : s.high) - t.y[i]) / t.y[i];
    }
    s = best_step(&t, -1);
    if (isnan(s.at)) bad = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "expected round trips after at least two intervals of silence");
    *out = (struct duo_radio_silence){ .rows = t.n, .dropped = t.dropped, .tail_seconds = s.at, .awake = s.low / 1000,
                                       .promotion_seconds = (s.high - s.low) / 1000, .held_out = n ? median_of(off, n) : NAN };
    free(off);
    drop(&t);
    return bad;
}
