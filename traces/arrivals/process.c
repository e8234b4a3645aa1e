/* process.c - arrivals drawn from a renewal process.
 *
 * (1) poisson: exponential gaps of mean 1/rate.
 * (2) gamma: gaps of mean 1/rate and coefficient of variation cv: shape 1/cv^2, scale cv^2/rate.  cv 0 is uniform.
 * (3) uniform: the k-th request (from 1) at k/rate.
 * (4) at_once: all at 0.
 * (5) Drawn one by one from the stream (seed, "arrivals"): a longer run begins like a shorter one. */
#include "traces/arrivals/process.h"

#include <assert.h>
#include <gsl/gsl_randist.h>
#include <stdlib.h>

void duo_process_init(struct duo_process *p, enum duo_arrival_kind kind, double rate, double cv, int64_t requests, uint64_t seed)
{
    assert(kind == DUO_AT_ONCE || rate > 0);
    assert(kind != DUO_GAMMA || cv >= 0);
    p->kind = kind == DUO_GAMMA && cv <= 0 ? DUO_UNIFORM_GAPS : kind;         /* (2) */
    p->rate = rate;
    p->cv = cv;
    p->now = 0;
    p->requests = requests;
    p->drawn = 0;
    duo_rng_init(&p->rng, seed, "arrivals", 0);                               /* (5) */
}

bool duo_process_next(struct duo_process *p, double *at)
{
    if (p->drawn >= p->requests) return false;
    p->drawn++;
    switch (p->kind) {
    case DUO_POISSON:                                                         /* (1) */
        p->now += gsl_ran_exponential(&p->rng.gsl, 1 / p->rate);
        break;
    case DUO_GAMMA:                                                           /* (2) */
        p->now += gsl_ran_gamma(&p->rng.gsl, 1 / (p->cv * p->cv), p->cv * p->cv / p->rate);
        break;
    case DUO_UNIFORM_GAPS:                                                    /* (3) */
        p->now = (double)p->drawn / p->rate;
        break;
    case DUO_AT_ONCE:                                                         /* (4) */
        break;
    case DUO_ARRIVAL_TRACE:
        abort();          /* a trace is not a process */
    }
    *at = p->now;
    return true;
}
