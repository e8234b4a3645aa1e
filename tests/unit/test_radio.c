/* test_radio.c - the radio against a machine that is stepped tick by tick (models/cost/radio.c, by requirement). */
#include <stdlib.h>

#include "models/cost/cost.h"
#include "sim/base/rng.h"
#include "tests/check.h"

/* All times are ticks of 2^-10 s, so that both sides are exact but for the order of their sums. */
enum { MOST = 200 };
static const double TICK = 0x1p-10;

struct asked { int at, length; double up, down; int begun, ended; double mark; };

static const struct duo_radio lte = { .joules_byte_up = 3e-6, .joules_byte_down = 1e-6, .active_watts = 2.5, .tail_watts = 1.25,
                                      .tail_seconds = 1, .promotion_watts = 0.75, .promotion_seconds = 0.5 };

/* The machine: power of each tick, by state. */
static double by_ticks(const struct duo_radio *r, struct asked *asked, int n)
{
    enum { IDLE, PROMOTING, CONNECTED } state = IDLE;
    int tail = 0, promotion = 0, active = 0, over = 0, left[MOST];
    double joules = 0;

    for (int i = 0; i < n; i++) asked[i].begun = -1, left[i] = 0;
    for (int t = 0; over < n || state != IDLE; t++) {
        for (int i = 0; i < n; i++)
            if (asked[i].begun >= 0 && left[i] > 0 && --left[i] == 0) {
                asked[i].ended = t;
                if (--active == 0) tail = (int)(r->tail_seconds / TICK);
                over++;
                joules += asked[i].up * r->joules_byte_up + asked[i].down * r->joules_byte_down;
            }
        if (state == PROMOTING && --promotion == 0) state = CONNECTED, tail = (int)(r->tail_seconds / TICK);
        for (int i = 0; i < n; i++) {
            if (asked[i].at > t || asked[i].begun >= 0) continue;
            if (state == IDLE) state = PROMOTING, promotion = (int)(r->promotion_seconds / TICK);
            if (state == CONNECTED) asked[i].begun = t, left[i] = asked[i].length, active++;
        }
        if (state == CONNECTED && !active && tail-- == 0) state = IDLE;
        joules += TICK * (state == IDLE ? 0 : state == PROMOTING ? r->promotion_watts : active ? r->active_watts : r->tail_watts);
    }
    return joules;
}

/* The functions, called in the order of time; *paid of each. */
static double by_events(const struct duo_radio *r, struct asked *asked, int n, double *paid)
{
    struct duo_radio_state s = { 0 };
    int when[MOST], over = 0;
    double joules, sum = 0;

    for (int i = 0; i < n; i++) asked[i].begun = asked[i].ended = -1, when[i] = asked[i].at, paid[i] = 0;
    while (over < n) {
        int k = -1;
        for (int i = 0; i < n; i++)                        /* ends before beginnings at one date */
            if (asked[i].ended < 0 && (k < 0 || when[i] < when[k] || (when[i] == when[k] && asked[i].begun >= 0 && asked[k].begun < 0))) k = i;
        if (asked[k].begun >= 0) {
            paid[k] += duo_radio_end(r, &s, when[k] * TICK, asked[k].mark, asked[k].up, asked[k].down);
            asked[k].ended = when[k], over++;
            continue;
        }
        double wait = duo_radio_wake(r, &s, when[k] * TICK, &joules);
        paid[k] += joules;
        if (wait > 0) { when[k] += (int)lround(wait / TICK); continue; }
        paid[k] += duo_radio_begin(r, &s, when[k] * TICK, &asked[k].mark);
        asked[k].begun = when[k], when[k] += asked[k].length;
    }
    for (int i = 0; i < n; i++) sum += paid[i];
    return sum;
}

static void integral(void)                                 /* (1) to (4) */
{
    static struct asked a[MOST], b[MOST];
    static double paid[MOST];

    for (uint64_t seed = 0; seed < 40; seed++) {
        int n = 1 + (int)(duo_draw(seed, "n", 0) * (MOST - 1)), at = 0, promoted = 0;
        for (int i = 0; i < n; i++) {
            double gap = duo_draw(seed, "gap", (uint64_t)i);
            at += (int)(gap * gap * gap * 3000);
            a[i] = (struct asked){ .at = at, .length = 1 + (int)(duo_draw(seed, "length", (uint64_t)i) * 600),
                                   .up = floor(1e4 * duo_draw(seed, "up", (uint64_t)i)), .down = floor(1e5 * duo_draw(seed, "down", (uint64_t)i)) };
            b[i] = a[i];
        }
        double want = by_ticks(&lte, a, n), got = by_events(&lte, b, n, paid);
        CHECK_NEAR(got, want, 1e-9 * want);
        for (int i = 0; i < n; i++) {
            CHECK_INT(b[i].begun, a[i].begun);
            promoted += a[i].begun > a[i].at;
        }
        CHECK(promoted > 0);
    }
}

static void shares(void)                                   /* (2): from 0 to 4 s, 1 to 3 s: 3 s and 1 s of the 4 */
{
    struct duo_radio_state s = { 0 };
    double a, b, joules;

    CHECK_NEAR(duo_radio_begin(&lte, &s, 0, &a), 0, 0);
    CHECK_NEAR(duo_radio_begin(&lte, &s, 1, &b), 0, 0);
    CHECK_NEAR(duo_radio_end(&lte, &s, 3, b, 0, 0), 2.5 * 1, 1e-12);
    CHECK_NEAR(duo_radio_end(&lte, &s, 4, a, 1e6, 2e6), 2.5 * 3 + 3 + 2 + 1.25, 1e-12);       /* and the tail */
    CHECK_NEAR(duo_radio_wake(&lte, &s, 5, &joules), 0, 0);                                   /* (4): just within it */
    CHECK_NEAR(duo_radio_begin(&lte, &s, 4.75, &a), -1.25 * 0.25, 1e-12);                     /* (3) */
    CHECK_NEAR(duo_radio_end(&lte, &s, 4.75, a, 0, 0), 1.25, 1e-12);
    CHECK_NEAR(duo_radio_wake(&lte, &s, 6, &joules), 0.5, 0);                                 /* (4): idle */
    CHECK_NEAR(joules, 0.75 * 0.5 + 1.25, 1e-12);
    CHECK_NEAR(duo_radio_wake(&lte, &s, 6.25, &joules), 0.25, 0);                             /* the rest of it */
    CHECK_NEAR(joules, 0, 0);
}

static void plain(void)                                    /* joules a byte alone; and none known */
{
    struct duo_radio r = { .joules_byte_up = 2, .joules_byte_down = 3 };
    struct duo_radio_state s = { 0 };
    double mark, joules;

    CHECK_NEAR(duo_radio_wake(&r, &s, 7, &joules), 0, 0);
    CHECK_NEAR(duo_radio_begin(&r, &s, 7, &mark) + duo_radio_end(&r, &s, 9, mark, 5, 7), 31, 0);
    r.joules_byte_up = r.joules_byte_down = NAN;
    CHECK_NEAR(duo_radio_begin(&r, &s, 9, &mark), 0, 0);
    CHECK(isnan(duo_radio_end(&r, &s, 9, mark, 5, 7)));
}

int main(void)
{
    integral();
    shares();
    plain();
    return check_done();
}
