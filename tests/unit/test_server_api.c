/* test_server_api.c - sim/server_api.h by requirement number, against arithmetic and moments of the laws. */
#include <stdlib.h>

#include "policies/policy.h"
#include "sim/server_api.h"
#include "tests/check.h"

static struct duo_clock *at;
static struct duo_gaps gaps;

static const struct duo_length_law half = { DUO_FIXED, 0.5, 0 }, ten = { DUO_FIXED, 10, 0 };

static struct duo_api *begin(struct duo_api_spec s)
{
    at = duo_clock_new();
    gaps = (struct duo_gaps){ 0 };
    s.clock = at, s.gaps = &gaps;
    if (!(s.ttft.a > 0)) s.ttft = half;
    if (!(s.rate.a > 0)) s.rate = ten;
    if (!(s.limit > 0)) s.limit = INFINITY;
    return duo_api_new(&s);
}

static void end(struct duo_api *a)
{
    duo_api_free(a);
    duo_clock_free(at);
}

static void run_until(double t)
{
    while (duo_clock_head(at) <= t && isfinite(duo_clock_head(at))) duo_clock_ring(at);
    if (isfinite(t)) duo_clock_advance(at, t);
}

static double first_at, done_at;
static int n_done;
static void first(struct duo_job *j) { (void)j; first_at = duo_clock_now(at); }
static void done(struct duo_job *j) { (void)j; done_at = duo_clock_now(at), n_done++; }

static struct duo_job job(int fresh, int output) { return (struct duo_job){ .fresh = fresh, .output = output, .streams = true, .first = first, .done = done }; }

static void dates(void)                                    /* (1), (5) */
{
    struct duo_api *a = begin((struct duo_api_spec){ .seed = 1 });
    struct duo_job j = job(100, 11), k = job(100, 11);
    struct duo_api_totals t;

    duo_api_submit(a, &j, 0, 0);
    run_until(1.23);
    CHECK_INT(duo_api_written(a, &j), 8);                  /* at 0.5, 0.6, ..., 1.2 */
    run_until(INFINITY);
    CHECK_NEAR(first_at, 0.5, 0);
    CHECK_NEAR(done_at, 1.5, 1e-15);
    CHECK_NEAR(j.seconds, 1.5, 1e-15);
    CHECK(isnan(j.joules));
    CHECK_INT(j.written, 11);
    CHECK_INT(j.failure, 0);
    CHECK_INT(gaps.count, 10);
    CHECK_NEAR(gaps.sum, 1, 1e-12);

    k.hidden = 4;                                          /* four that nobody sees: first at the fifth */
    duo_api_submit(a, &k, 1, 0);
    run_until(INFINITY);
    CHECK_NEAR(first_at, 1.5 + 0.5 + 0.4, 1e-12);
    CHECK_NEAR(done_at, 1.5 + 1.5, 1e-12);
    CHECK_INT(gaps.count, 16);

    duo_api_submit(a, &j, 2, 0);                           /* cut off */
    run_until(3.0 + 0.75);
    duo_api_cancel(a, &j);
    CHECK_INT(j.written, 3);
    CHECK_NEAR(j.seconds, 0.75, 1e-12);
    duo_api_totals(a, &t);
    CHECK_NEAR(t.calls.busy_seconds, 3.75, 1e-12);
    CHECK_NEAR(t.calls.tokens_out, 25, 0);
    CHECK_INT(t.calls.peak_running, 1);
    end(a);
}

static void bucket(void)                                   /* (2) */
{
    struct duo_api *a = begin((struct duo_api_spec){ .seed = 1, .limit = 0.5, .burst = 2 });
    struct duo_job j[16];
    struct duo_server_figures f;
    int refused = 0;

    n_done = 0;
    for (int i = 0; i < 5; i++) j[i] = job(10, 2), duo_api_submit(a, &j[i], i, 0);
    CHECK_INT(n_done, 0);                                  /* later than submit returns */
    run_until(0);
    CHECK_INT(n_done, 3);
    for (int i = 0; i < 5; i++) refused += j[i].failure == DUO_REFUSED;
    CHECK_INT(refused, 3);
    CHECK(j[0].failure == 0 && j[1].failure == 0);
    CHECK_NEAR(j[4].seconds, 0, 0);
    CHECK_NEAR(j[4].joules, 0, 0);
    duo_api_figures(a, &f);
    CHECK_NEAR(f.wait, 2, 1e-12);
    run_until(1.9);
    j[5] = job(10, 2), duo_api_submit(a, &j[5], 5, 0);     /* 0.95 of a call is there */
    run_until(2.1);
    j[6] = job(10, 2), duo_api_submit(a, &j[6], 6, 0);
    run_until(100);
    CHECK_INT(j[5].failure, DUO_REFUSED);
    CHECK_INT(j[6].failure, 0);
    for (int i = 7; i < 11; i++) j[i] = job(10, 2), duo_api_submit(a, &j[i], i, 0);      /* no more than the burst has gathered */
    run_until(INFINITY);
    CHECK(j[7].failure == 0 && j[8].failure == 0 && j[9].failure == DUO_REFUSED && j[10].failure == DUO_REFUSED);
    end(a);
}

enum { MANY = 40000 };

static void laws(void)                                     /* (1), (3): moments, and the same day in any order */
{
    struct duo_api *a = begin((struct duo_api_spec){ .seed = 7, .ttft = { DUO_LOGNORMAL, 0.5, 0.6 }, .rate = { DUO_LOGNORMAL, 70, 0.4 }, .errors = 0.05 });
    struct duo_job *j = duo_new(MANY, sizeof *j);
    double n = 0, sum = 0, squares = 0, rates = 0, errors = 0, again;

    for (int i = 0; i < MANY; i++) j[i] = job(10, 2), duo_api_submit(a, &j[i], i, 0);
    run_until(INFINITY);
    for (int i = 0; i < MANY; i++) {
        if (j[i].failure) { errors++; continue; }
        double ttft = j[i].first_at;
        n++, sum += ttft, squares += ttft * ttft, rates += 1 / (j[i].last_at - j[i].first_at);
    }
    CHECK_NEAR(sum / n, 0.5, 4 * 0.3 / sqrt(n));           /* four standard errors */
    CHECK_NEAR(sqrt(squares / n - sum * sum / n / n) / (sum / n), 0.6, 0.03);
    CHECK_NEAR(rates / n, 70, 4 * 28 / sqrt(n));
    CHECK_NEAR(errors / MANY, 0.05, 4 * sqrt(0.05 * 0.95 / MANY));
    again = j[4321].first_at;
    end(a);
    a = begin((struct duo_api_spec){ .seed = 7, .ttft = { DUO_LOGNORMAL, 0.5, 0.6 }, .rate = { DUO_LOGNORMAL, 70, 0.4 }, .errors = 0.05 });
    j[0] = job(99, 50);
    duo_api_submit(a, &j[0], 4321, 0);
    run_until(INFINITY);
    CHECK_NEAR(j[0].first_at, again, 0);
    end(a);
    free(j);
}

static void retries(void)                                  /* (4), (5) */
{
    struct duo_api *a = begin((struct duo_api_spec){ .seed = 3, .errors = 1, .retries = 3, .backoff = 1 });
    struct duo_job j = job(10, 5);
    struct duo_api_totals t;

    duo_api_submit(a, &j, 0, 0);
    run_until(INFINITY);
    duo_api_totals(a, &t);
    CHECK_INT(j.failure, DUO_SERVER_ERROR);
    CHECK_INT(t.errors, 4);
    CHECK_NEAR(t.calls.iterations, 4, 0);
    CHECK_NEAR(t.calls.busy_seconds, 4 * 0.5, 1e-12);
    CHECK(done_at <= 4 * 0.5 + 1 + 2 + 4 && done_at >= 4 * 0.5 + 0.75 * (1 + 2 + 4));
    CHECK_NEAR(j.seconds, 0, 0);                           /* nothing to bill */
    CHECK_INT(j.written, 0);

    j = job(10, 5);                                        /* cancelled while it waits for the next attempt */
    duo_api_submit(a, &j, 1, 0);
    run_until(done_at + 0.6);
    duo_api_cancel(a, &j);
    CHECK_NEAR(j.seconds, 0, 0);
    run_until(INFINITY);
    CHECK_INT(j.failure, 0);
    end(a);

    a = begin((struct duo_api_spec){ .seed = 3, .limit = 1, .burst = 1, .retries = 2, .backoff = 2 });
    struct duo_job two[2] = { job(10, 5), job(10, 5) };
    n_done = 0;
    for (int i = 0; i < 2; i++) duo_api_submit(a, &two[i], i, 0);
    run_until(INFINITY);
    CHECK_INT(n_done, 2);                                  /* the second one comes back when the bucket has filled */
    CHECK(two[0].failure == 0 && two[1].failure == 0);
    CHECK(two[1].first_at >= 2 * 0.75 + 0.5 && two[1].first_at <= 2.5);
    duo_api_totals(a, &t);
    CHECK_INT(t.refused, 1);
    CHECK_INT(t.calls.peak_waiting, 1);
    end(a);
}

int main(void)
{
    dates();
    bucket();
    laws();
    retries();
    return check_done();
}
