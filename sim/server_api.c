/* server_api.c - see server_api.h. */
#include "sim/server_api.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "policies/policy.h"
#include "sim/base/rng.h"

enum state { WORKING, WRITING, WAITING, LOST };

struct call {
    struct duo_api  *api;
    struct duo_job  *job;
    struct duo_alarm alarm;
    struct call     *next, *previous;      /* in flight, or spare */
    enum state       state;
    uint64_t         key;                  /* of the first attempt; attempts are added */
    int              attempt;
    bool             failing;              /* this attempt will fail, when its first token is due */
    double           begun, first, gap;    /* of this attempt: dates, s between tokens */
};

struct duo_api {
    struct duo_api_spec is;
    struct call *calls, *spare;
    double level, level_at;                /* calls in the bucket, at that date */
    double busy_since;                     /* NAN: no call is being worked on */
    int    running, waiting;
    struct duo_api_totals totals;
};

static void begin(struct call *);

double duo_law_mean(const struct duo_length_law *law) { return law->kind == DUO_UNIFORM ? (law->a + law->b) / 2 : law->a; }

double duo_law_draw(const struct duo_length_law *law, double u)
{
    double variance;

    if (law->kind == DUO_FIXED) return law->a;
    if (law->kind == DUO_UNIFORM) return law->a + u * (law->b - law->a);
    variance = log1p(law->b * law->b);
    return exp(log(law->a) - variance / 2 + sqrt(variance) * gsl_cdf_ugaussian_Pinv(u + 0x1p-54));
}

static double now_of(const struct duo_api *a) { return duo_clock_now(a->is.clock); }
static double draw(const struct call *c, const char *name) { return duo_draw(c->api->is.seed, name, c->key + (uint64_t)c->attempt); }

struct duo_api *duo_api_new(const struct duo_api_spec *spec)
{
    struct duo_api *a = duo_new(1, sizeof *a);

    assert(spec->clock && spec->limit > 0 && spec->ttft.a >= 0 && spec->rate.a > 0);
    a->is = *spec;
    if (!(a->is.burst > 0)) a->is.burst = fmax(1, 60 * spec->limit);
    a->level = a->is.burst;
    a->busy_since = NAN;
    return a;
}

void duo_api_free(struct duo_api *a)
{
    struct call *c, *next;

    if (!a) return;
    for (c = a->calls; c; c = next) {
        next = c->next;
        duo_clock_cancel(a->is.clock, &c->alarm);
        free(c);
    }
    for (c = a->spare; c; c = next) next = c->next, free(c);
    free(a);
}

/* ---- the bucket (2) */

static double level_now(const struct duo_api *a) { return fmin(a->is.burst, a->level + (now_of(a) - a->level_at) * a->is.limit); }

static bool admit(struct duo_api *a)
{
    double level;

    if (isinf(a->is.limit)) return true;
    level = level_now(a);
    if (level < 1) return false;
    a->level = level - 1, a->level_at = now_of(a);
    return true;
}

/* ---- calls come and go */

static void set_state(struct call *c, enum state state)
{
    struct duo_api *a = c->api;
    bool was = c->state <= WRITING, is = state <= WRITING;

    a->running += is - was;
    a->waiting += (state == WAITING) - (c->state == WAITING);
    if (a->running > a->totals.calls.peak_running) a->totals.calls.peak_running = a->running;
    if (a->waiting > a->totals.calls.peak_waiting) a->totals.calls.peak_waiting = a->waiting;
    if (a->running && isnan(a->busy_since)) a->busy_since = now_of(a);
    if (!a->running && !isnan(a->busy_since)) a->totals.calls.busy_seconds += now_of(a) - a->busy_since, a->busy_since = NAN;
    c->state = state;
}

static void leave(struct call *c)
{
    struct duo_api *a = c->api;

    set_state(c, LOST);
    duo_clock_cancel(a->is.clock, &c->alarm);
    *(c->previous ? &c->previous->next : &a->calls) = c->next;
    if (c->next) c->next->previous = c->previous;
    c->job->call = NULL;
    c->next = a->spare;
    a->spare = c;
}

static int written_by(const struct call *c, double now)
{
    double n;

    if (c->state > WRITING || c->failing || now < c->first || c->job->output == 0) return 0;
    n = 1 + floor((now - c->first) / c->gap);
    while (n > 1 && c->first + (n - 1) * c->gap > now) n--;
    while (n < c->job->output && c->first + n * c->gap <= now) n++;
    return n < c->job->output ? (int)n : c->job->output;
}

/* What was written is there: told and counted. */
static void settle(struct call *c)
{
    struct duo_api *a = c->api;
    struct duo_job *j = c->job;
    double now = now_of(a);

    j->written = written_by(c, now);
    j->seconds = c->state <= WRITING ? now - c->begun : 0;                                     /* (5) */
    j->joules  = isnan(j->started_at) ? 0 : (double)NAN;
    j->last_at = j->written ? c->first + (j->written - 1) * c->gap : NAN;
    if (c->state <= WRITING) a->totals.calls.tokens_in += j->fresh + j->cached;
    a->totals.calls.tokens_out += j->written;
    if (j->streams && a->is.gaps && j->written > j->hidden + 1) duo_gaps_run(a->is.gaps, c->gap, 0, (uint64_t)(j->written - j->hidden - 1), 1);
}

static void end(struct call *c)
{
    struct duo_job *j = c->job;

    settle(c);
    leave(c);
    if (j->done) j->done(j);
}

static void ring(void *arg)
{
    struct call *c = arg;
    struct duo_job *j = c->job;

    if (c->state == WAITING) { begin(c); return; }
    if (c->state == LOST || (c->state == WRITING && written_by(c, now_of(c->api)) >= j->output)) { end(c); return; }
    set_state(c, WRITING);
    if (j->output == 0) { end(c); return; }
    j->first_at = now_of(c->api);
    duo_clock_set(c->api->is.clock, &c->alarm, c->first + (j->output - 1) * c->gap, ring, c);
    if (j->first) j->first(j);
}

/* An attempt came to nothing: another one, or the end (4). */
static void fail(struct call *c, enum duo_failure why)
{
    struct duo_api *a = c->api;

    *(why == DUO_REFUSED ? &a->totals.refused : &a->totals.errors) += 1;
    if (c->attempt < a->is.retries) {
        double wait = a->is.backoff * ldexp(1, c->attempt) * (1 - draw(c, "api.backoff") / 4);
        set_state(c, WAITING);
        c->attempt++;
        duo_clock_set(a->is.clock, &c->alarm, now_of(a) + wait, ring, c);
        return;
    }
    c->job->failure = (int)why;
    set_state(c, LOST);
    duo_clock_set(a->is.clock, &c->alarm, now_of(a), ring, c);
}

static void failed(void *arg) { fail(arg, DUO_SERVER_ERROR); }

static void begin(struct call *c)
{
    struct duo_api *a = c->api;
    struct duo_job *j = c->job;
    double now = now_of(a), due;

    a->totals.calls.iterations++;
    if (!admit(a)) { fail(c, DUO_REFUSED); return; }
    set_state(c, WORKING);
    if (isnan(j->started_at)) j->started_at = now;
    c->begun = now;
    c->first = now + duo_law_draw(&a->is.ttft, draw(c, "api.ttft"));                           /* (1) */
    c->gap   = 1 / duo_law_draw(&a->is.rate, draw(c, "api.rate"));
    c->failing = draw(c, "api.error") < a->is.errors;                                          /* (3) */
    due = c->failing || j->output == 0 ? c->first : c->first + j->hidden * c->gap;
    duo_clock_set(a->is.clock, &c->alarm, due, c->failing ? failed : ring, c);
}

void duo_api_submit(struct duo_api *a, struct duo_job *j, int64_t owner_id, int call)
{
    struct call *c = a->spare;

    if (c) a->spare = c->next;
    else   c = duo_new(1, sizeof *c);
    *c = (struct call){ .api = a, .job = j, .next = a->calls, .state = LOST, .key = ((uint64_t)owner_id << 20) + ((uint64_t)call << 8) };
    if (a->calls) a->calls->previous = c;
    a->calls = c;
    j->call = c, j->failure = 0;
    j->queued_at = now_of(a);
    j->started_at = j->first_at = j->last_at = NAN;
    j->written = 0;
    j->joules = j->seconds = 0;
    begin(c);
}

void duo_api_cancel(struct duo_api *a, struct duo_job *j)
{
    struct call *c = j->call;

    (void)a;
    if (!c) return;
    settle(c);
    leave(c);
}

int duo_api_written(const struct duo_api *a, const struct duo_job *j)
{
    return j->call ? written_by(j->call, now_of(a)) : j->written;
}

void duo_api_figures(const struct duo_api *a, struct duo_server_figures *f)
{
    double level = isinf(a->is.limit) ? 1 : level_now(a);

    *f = (struct duo_server_figures){ .running = a->running, .waiting = a->waiting, .decode_rate = duo_law_mean(&a->is.rate),
                                      .wait = level < 1 ? (1 - level) / a->is.limit : 0 };
}

void duo_api_totals(const struct duo_api *a, struct duo_api_totals *t)
{
    *t = a->totals;
    t->calls.joules = NAN;
    if (!isnan(a->busy_since)) t->calls.busy_seconds += now_of(a) - a->busy_since;
}
