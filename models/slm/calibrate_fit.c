/* calibrate_fit.c - constants of the work model from timings.  Requirements: calibrate.h. */
#include <gsl/gsl_blas.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/slm/calibrate.h"

const struct duo_fitted_info duo_fitted[DUO_FITTED_END] = {
#define X(name, unit, most, prior, spread) [DUO_CONSTANT_##name] = { #name, unit, most, prior, spread },
    DUO_FITTED(X)
#undef X
};

enum { SHARPNESS = 4, HALF = 2, OPERATIONS = 4 };      /* roofline.c's standard exponent; its 16-bit numbers; products of a layer */

/* ---------------------------------------------------------------- (1) the form */

static double roof(double a, double b)
{
    return pow(pow(a, SHARPNESS) + pow(b, SHARPNESS), 1.0 / SHARPNESS);
}

static double iteration(const struct duo_timing *t, double cached, const double v[DUO_FITTED_END])
{
    const struct duo_arch *a = &t->arch;
    struct duo_gemms g;
    double unused, weights = 0, head = (double)a->vocabulary * a->width, layers = a->layers, kv = 2.0 * a->kv_heads * a->head_dim;
    double stream = v[DUO_CONSTANT_stream] * t->bandwidth, flops = v[DUO_CONSTANT_compute] * t->peak;
    double context = duo_work_context(a, 0, a->layers, cached + t->fresh, &unused, &unused);
    double pairs = t->fresh == 1 ? context : duo_work_pairs(a, 0, a->layers, t->fresh, cached);
    double moved = HALF * (10.0 * a->width + 3.0 * a->ffn + 2.0 * (a->heads + 2 * a->kv_heads) * a->head_dim);

    duo_work_gemms(a, 0, a->layers, t->fresh, &g);
    for (int i = 0; i < g.n; i++) weights += g.group[i].weights;
    return weights * roof(2 * t->fresh / flops, t->layer_bits / 8 / stream)
         + layers * t->fresh * moved / stream
         + context * kv * t->kv_bits / 8 / (v[DUO_CONSTANT_attend] * t->bandwidth)
         + (pairs - context) * 4 * a->heads * a->head_dim / (v[DUO_CONSTANT_attend_compute] * t->peak)
         + (t->logits > 0 ? head * roof(2 * t->logits / flops, t->head_bits / 8 / stream) : 0)
         + layers * (OPERATIONS * t->op + v[DUO_CONSTANT_layer]);
}

double duo_timing_predict(const struct duo_timing *t, const double v[DUO_FITTED_END])
{
    double all = 0;
    for (int i = 0; i < t->iterations; i++) all += iteration(t, t->cached + i * t->fresh, v);
    return all / t->iterations;
}

/* ---------------------------------------------------------------- (2) what is varied */

static double value_of(int k, double x)
{
    return duo_fitted[k].most > 0 ? duo_fitted[k].most / (1 + exp(-x)) : exp(x);
}

static double varied_of(int k, double value)
{
    return duo_fitted[k].most > 0 ? -log(duo_fitted[k].most / value - 1) : log(value);
}

/* `form`: what the form itself misses of any timing, as a share: without it, one that scattered little would outweigh all. */
struct problem { const struct duo_timing **at; size_t n; double form; };

/* Timings first, then the priors. */
static int residuals(const gsl_vector *x, void *user, gsl_vector *out)
{
    const struct problem *p = user;
    double v[DUO_FITTED_END];
    for (int k = 0; k < DUO_FITTED_END; k++) v[k] = value_of(k, gsl_vector_get(x, (size_t)k));
    for (size_t i = 0; i < p->n; i++) {
        double r = log(duo_timing_predict(p->at[i], v) / p->at[i]->seconds) / hypot(p->at[i]->spread, p->form);
        if (!isfinite(r)) return GSL_EDOM;
        gsl_vector_set(out, i, r);
    }
    for (int k = 0; k < DUO_FITTED_END; k++)
        gsl_vector_set(out, p->n + (size_t)k, (gsl_vector_get(x, (size_t)k) - varied_of(k, duo_fitted[k].prior)) / duo_fitted[k].spread);
    return GSL_SUCCESS;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_size);
    return gsl_stats_median_from_sorted_data(x, 1, n);
}

static void judge(const struct duo_timing *const *at, size_t n, const double v[DUO_FITTED_END], double *median, double *worst)
{
    double *off = duo_new(n, sizeof *off);
    for (size_t i = 0; i < n; i++) off[i] = fabs(duo_timing_predict(at[i], v) / at[i]->seconds - 1);
    *median = median_of(off, n);
    *worst = off[n - 1];
    free(off);
}

/* (3), (4).  A constant is told about when the data narrow it to less than half of what the prior leaves. */
static void read_fit(const gsl_multifit_nlinear_workspace *w, const struct problem *p, struct duo_device_fit *fit)
{
    gsl_matrix *covariance = gsl_matrix_alloc(DUO_FITTED_END, DUO_FITTED_END);
    gsl_vector *f = gsl_multifit_nlinear_residual(w), *x = gsl_multifit_nlinear_position(w);
    double sum, scale = 1, freedom = (double)p->n;                     /* each prior is worth one constant */
    gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(w), 0, covariance);
    gsl_blas_ddot(f, f, &sum);
    if (sum / freedom > 1) scale = sqrt(sum / freedom);
    for (int k = 0; k < DUO_FITTED_END; k++) {
        size_t i = (size_t)k;
        double own = sqrt(gsl_matrix_get(covariance, i, i)), at = gsl_vector_get(x, i);
        double half = fmin(gsl_cdf_tdist_Pinv(0.975, freedom) * own * scale, gsl_cdf_ugaussian_Pinv(0.975) * duo_fitted[k].spread);
        fit->told[k] = own * scale < duo_fitted[k].spread / 2;
        fit->value[k] = value_of(k, at);
        fit->low[k] = value_of(k, at - half), fit->high[k] = value_of(k, at + half);
    }
    gsl_matrix_free(covariance);
    judge(p->at, p->n, fit->value, &fit->median, &fit->worst);
}

static enum duo_status solve(struct problem *p, struct duo_device_fit *fit, struct duo_err *err)
{
    gsl_multifit_nlinear_parameters parameters = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_fdf fdf = { .f = residuals, .n = p->n + DUO_FITTED_END, .p = DUO_FITTED_END, .params = p };
    gsl_multifit_nlinear_workspace *w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &parameters, fdf.n, fdf.p);
    gsl_vector *start = gsl_vector_alloc(DUO_FITTED_END);
    int why, bad;
    for (int k = 0; k < DUO_FITTED_END; k++) gsl_vector_set(start, (size_t)k, varied_of(k, duo_fitted[k].prior));
    bad = gsl_multifit_nlinear_init(start, &fdf, w);
    if (!bad) bad = gsl_multifit_nlinear_driver(200, 1e-9, 1e-9, 0, NULL, NULL, &why, w);
    if (bad == GSL_ENOPROG || bad == GSL_EMAXITER) bad = 0;             /* as good as numbers allow; its scatter says how good */
    if (!bad) read_fit(w, p, fit);
    gsl_vector_free(start);
    gsl_multifit_nlinear_free(w);
    return bad ? duo_fail(err, DUO_BAD_INPUT, "the fit of %s with %d threads failed: %s", p->at[0]->quant, p->at[0]->threads, gsl_strerror(bad)) : DUO_OK;
}

/* The rest of the median error that the timings' own scatter does not explain (a median of |error| is 0.674 of its deviation). */
static double form_error(const struct problem *p, double median)
{
    double *spread = duo_new(p->n, sizeof *spread), own, all = median / gsl_cdf_ugaussian_Pinv(0.75);
    for (size_t i = 0; i < p->n; i++) spread[i] = p->at[i]->spread;
    own = median_of(spread, p->n);
    free(spread);
    return all > own ? sqrt(all * all - own * own) : 0;
}

/* Twice: the first fit tells how far the form can be believed. */
static enum duo_status solve_twice(struct problem *p, struct duo_device_fit *fit, struct duo_err *err)
{
    DUO_TRY(solve(p, fit, err));
    p->form = form_error(p, fit->median);
    return p->form > 0 ? solve(p, fit, err) : DUO_OK;
}

/* ---------------------------------------------------------------- which timings */

static bool in_cell(const struct duo_timing *t, const char *quant, int threads)
{
    return t->threads == threads && strcmp(t->quant, quant) == 0;
}

static int count_models(const struct duo_timing *const *at, size_t n)
{
    int models = 0;
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (strcmp(at[j]->model, at[i]->model) != 0) j++;
        models += j == i;
    }
    return models;
}

enum duo_status duo_fit_constants(const struct duo_timings *all, const char *quant, int threads, const char *without, struct duo_device_fit *fit, struct duo_err *err)
{
    struct problem p = { .at = duo_new((size_t)all->n + 1, sizeof *p.at) };
    enum duo_status status = DUO_OK;
    for (int i = 0; i < all->n; i++)
        if (in_cell(&all->at[i], quant, threads) && (!without || strcmp(all->at[i].model, without) != 0)) p.at[p.n++] = &all->at[i];
    if (p.n == 0) status = duo_fail(err, DUO_BAD_INPUT, "nothing was timed of %s with %d threads%s%s", quant, threads, without ? " but " : "", without ? without : "");
    if (status == DUO_OK) status = solve_twice(&p, fit, err);
    if (status == DUO_OK) fit->timings = (int)p.n, fit->models = count_models(p.at, p.n);
    free(p.at);
    return status;
}

/* ---------------------------------------------------------------- held out */

static bool first_of_cell(const struct duo_timings *all, int i)
{
    for (int j = 0; j < i; j++)
        if (in_cell(&all->at[j], all->at[i].quant, all->at[i].threads) && strcmp(all->at[j].model, all->at[i].model) == 0) return false;
    return true;
}

enum duo_status duo_predict_left_out(const struct duo_timings *all, double *predicted, int *fitted_on, struct duo_err *err)
{
    bool any = false;
    for (int i = 0; i < all->n; i++) predicted[i] = NAN, fitted_on[i] = 0;
    for (int i = 0; i < all->n; i++) {
        const struct duo_timing *t = &all->at[i];
        struct duo_device_fit fit;
        if (!first_of_cell(all, i) || duo_fit_constants(all, t->quant, t->threads, t->model, &fit, NULL) != DUO_OK || fit.models < 2) continue;
        any = true;
        for (int j = i; j < all->n; j++)
            if (in_cell(&all->at[j], t->quant, t->threads) && strcmp(all->at[j].model, t->model) == 0)
                predicted[j] = duo_timing_predict(&all->at[j], fit.value), fitted_on[j] = fit.models;
    }
    return any ? DUO_OK : duo_fail(err, DUO_BAD_INPUT, "no format was timed with three models or more: none can be left out");
}

static void sum_up(const struct duo_timings *all, int i, const double *predicted, double *off, struct duo_held_out *h)
{
    const struct duo_timing *t = &all->at[i];
    size_t n = 0;
    for (int j = i; j < all->n; j++)
        if (in_cell(&all->at[j], t->quant, t->threads) && strcmp(all->at[j].model, t->model) == 0) off[n++] = fabs(predicted[j] / all->at[j].seconds - 1);
    *h = (struct duo_held_out) { .threads = t->threads, .timings = (int)n, .median = median_of(off, n), .worst = off[n - 1] };
    snprintf(h->model, sizeof h->model, "%s", t->model);
    snprintf(h->quant, sizeof h->quant, "%s", t->quant);
}

enum duo_status duo_hold_out(const struct duo_timings *all, struct duo_held_out **out, int *n, double *median, struct duo_err *err)
{
    size_t room = (size_t)all->n + 1, every = 0;
    double *predicted = duo_new(room, sizeof *predicted), *off = duo_new(room, sizeof *off);
    int *fitted_on = duo_new(room, sizeof *fitted_on);
    *out = NULL, *n = 0, *median = NAN;
    enum duo_status status = duo_predict_left_out(all, predicted, fitted_on, err);
    for (int i = 0; i < all->n && status == DUO_OK; i++) {
        if (isnan(predicted[i]) || !first_of_cell(all, i)) continue;
        *out = duo_grow(*out, (size_t)*n + 1, sizeof **out);
        sum_up(all, i, predicted, off, &(*out)[*n]);
        (*out)[(*n)++].fitted_on = fitted_on[i];
    }
    for (int i = 0; i < all->n; i++)
        if (!isnan(predicted[i])) off[every++] = fabs(predicted[i] / all->at[i].seconds - 1);
    if (every) *median = median_of(off, every);
    free(predicted);
    free(fitted_on);
    free(off);
    return status;
}
