/* validate_fit.c - robust least squares in logarithms, by GSL's trust region (gsl_multifit_nlinear).
 *
 * (1) A relative error e counts as 2 d^2 (sqrt(1 + (e / d)^2) - 1), d the elbow: as its square where small, in proportion
 *     where large (pseudo-Huber; Charbonnier et al. 1994).
 * (2) Springs: (log x - log start) pull, one more residual each.
 * (3) Standard errors from the Jacobian at the end; the interval is 2 of them each way. */
#include <gsl/gsl_blas.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>

#include "sim/app/validate.h"

enum { MOST_STEPS = 200 };

static void unpack(const struct duo_fit *f, const gsl_vector *logs, double *x)
{
    for (int k = 0; k < f->p; k++) x[k] = f->start[k] * exp(gsl_vector_get(logs, (size_t)k));
}

static int residuals(const gsl_vector *logs, void *of, gsl_vector *out)
{
    const struct duo_fit *f = of;
    double x[DUO_FIT_MOST];

    unpack(f, logs, x);
    for (int i = 0; i < f->n; i++) {
        double e = log(f->predict(f->of, i, x) / f->measured(f->of, i)), d = f->elbow;
        if (!isfinite(e)) return GSL_EDOM;
        gsl_vector_set(out, (size_t)i, copysign(sqrt(2) * d * sqrt(sqrt(1 + e * e / d / d) - 1), e));          /* (1) */
    }
    for (int k = 0; k < f->p; k++) gsl_vector_set(out, (size_t)(f->n + k), f->pull[k] * gsl_vector_get(logs, (size_t)k));   /* (2) */
    return GSL_SUCCESS;
}

/* (3) */
static void intervals(struct duo_fit *f, gsl_multifit_nlinear_workspace *w)
{
    gsl_matrix *covariance = gsl_matrix_alloc((size_t)f->p, (size_t)f->p);
    double sum;

    gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(w), 0, covariance);
    gsl_blas_ddot(gsl_multifit_nlinear_residual(w), gsl_multifit_nlinear_residual(w), &sum);
    for (int k = 0; k < f->p; k++) {
        double s = sqrt(gsl_matrix_get(covariance, (size_t)k, (size_t)k) * sum / fmax(f->n - f->p, 1));
        f->low[k] = f->x[k] * exp(-2 * s), f->high[k] = f->x[k] * exp(2 * s);
    }
    gsl_matrix_free(covariance);
}

enum duo_status duo_fit_run(struct duo_fit *f, struct duo_err *err)
{
    gsl_multifit_nlinear_parameters parameters = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_fdf system = { .f = residuals, .n = (size_t)(f->n + f->p), .p = (size_t)f->p, .params = f };
    gsl_multifit_nlinear_workspace *w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &parameters, system.n, system.p);
    gsl_vector *logs = gsl_vector_calloc((size_t)f->p);
    int why, status = gsl_multifit_nlinear_init(logs, &system, w);

    if (status == GSL_SUCCESS) status = gsl_multifit_nlinear_driver(MOST_STEPS, 1e-9, 1e-9, 0, NULL, NULL, &why, w);
    if (status == GSL_ENOPROG || status == GSL_EMAXITER) status = GSL_SUCCESS;       /* as near as it gets */
    if (status == GSL_SUCCESS) {
        unpack(f, gsl_multifit_nlinear_position(w), f->x);
        intervals(f, w);
    }
    gsl_vector_free(logs);
    gsl_multifit_nlinear_free(w);
    return status == GSL_SUCCESS ? DUO_OK : duo_fail(err, DUO_RUN_FAILED, "a fit of %d constants to %d rows found no end: %s", f->p, f->n, gsl_strerror(status));
}
