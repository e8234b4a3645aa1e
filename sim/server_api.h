/* server_api.h - a service billed by tokens, seen from outside: calls that share nothing but a rate limit.
 *
 * (1) A call draws its own time to the first token and its own tokens a second, from (seed, place, request, number
 *     of the request's call, attempt): the same day for every policy.  Neither depends on the prompt or on others' calls.
 * (2) The limit is a token bucket, full at the start: it holds `burst` calls and gains `limit` a second.  A call that
 *     finds less than one is refused at once.
 * (3) A share `errors` of the calls fails when the first token was due.
 * (4) What was refused or failed is tried again up to `retries` times, after `backoff` seconds, twice as many each
 *     next time, less up to a quarter by chance, so that those refused together don't come together.  This is a client
 *     library at the service's door: nothing goes over our links for it.
 * (5) What can't be had is told by job->failure.  Its `seconds` are those of the attempt that works or has worked:
 *     0 for one that was refused, failed or waits for the next attempt, so that it isn't billed.  Joules: not known. */
#ifndef DUO_SIM_SERVER_API_H
#define DUO_SIM_SERVER_API_H

#include "models/answers/answers.h"
#include "sim/server.h"

struct duo_api;

struct duo_api_spec {
    struct duo_clock *clock;
    struct duo_gaps  *gaps;            /* where streamed gaps are counted; may be NULL */
    uint64_t seed;                     /* of the run and the place */
    struct duo_length_law ttft, rate;  /* s; tokens/s */
    double limit, burst;               /* calls/s, INFINITY: none; calls */
    double errors, backoff;
    int    retries;
};

struct duo_api *duo_api_new(const struct duo_api_spec *);
void   duo_api_free(struct duo_api *);
/* Take the job; `call`: 0, 1, ... of the request `owner_id`.  `done` comes later than this returns. */
void   duo_api_submit(struct duo_api *, struct duo_job *, int64_t owner_id, int call);
void   duo_api_cancel(struct duo_api *, struct duo_job *);
int    duo_api_written(const struct duo_api *, const struct duo_job *);      /* by now */
void   duo_api_figures(const struct duo_api *, struct duo_server_figures *);

struct duo_api_totals { struct duo_server_totals calls; int64_t refused, errors; };      /* attempts; calls.iterations: all of them */
void   duo_api_totals(const struct duo_api *, struct duo_api_totals *);

double duo_law_mean(const struct duo_length_law *);
double duo_law_draw(const struct duo_length_law *, double u);      /* u in [0, 1) */

#endif
