/* test_radio.c - the radio against a machine that is stepped tick by tick (models/cost/radio.c, by requirement). */
#include <stdlib.h>
#include <unistd.h>

#include "models/cost/cost.h"
#include "models/cost/radio.h"
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

/* ---- fits (models/cost/radio.h) */

static const char *write_rows(const char *header, int n, void (*row)(FILE *, int))
{
    static char file[64];
    FILE *f;

    snprintf(file, sizeof file, "/tmp/duosim-radio-XXXXXX");
    f = fdopen(mkstemp(file), "w");
    fprintf(f, "%s\n", header);
    for (int i = 0; i < n; i++) row(f, i);
    fclose(f);
    return file;
}

static double noise(int i) { return 2 * duo_draw(3, "noise", (uint64_t)i) - 1; }       /* its sd is 1 / sqrt(3) */

static void power_row(FILE *f, int i)                      /* 2 W + 4 mW / (Mbit/s) down + 30 up, within 0.3 W */
{
    double down = 500 * duo_draw(3, "down", (uint64_t)i), up = 20 * duo_draw(3, "up", (uint64_t)i);
    fprintf(f, "%.9f,%.9f,%.9f\n", up, down, 2000 + 4 * down + 30 * up + 300 * noise(i));
}

static void silence_row(FILE *f, int i)                    /* 50 ms up to 8 s, then 650; each fifth row is to be dropped */
{
    double interval = 0.1 * (i % 160) + 0.1;
    fprintf(f, "%.1f,%.3f,%s\n", interval, (interval <= 8 ? 50 : 650) * (1 + 0.2 * noise(i)), i % 5 == 4 ? "BAD" : "YEP");
}

static void flat_row(FILE *f, int i) { fprintf(f, "1,%d,YEP\n", 40 + i % 3); }

static void fits(void)
{
    struct duo_radio_power p;
    struct duo_radio_silence s;
    struct duo_err err = { 0 };
    const char *file = write_rows("uplink_Mbps,downlink_Mbps,hardware_power", 4000, power_row);

    CHECK_INT(duo_radio_fit_power(file, &p, &err), DUO_OK);
    CHECK_INT(p.rows, 4000);
    CHECK_NEAR(p.active_watts, 2, 4 * p.active_error);
    CHECK_NEAR(p.joules_byte_down, 4e-3 / 125000, 4 * p.down_error);
    CHECK_NEAR(p.joules_byte_up, 30e-3 / 125000, 4 * p.up_error);
    CHECK(p.down_error < 0.02 * p.joules_byte_down && p.up_error < 0.05 * p.joules_byte_up);
    CHECK_NEAR(p.rms, 0.3 / sqrt(3), 0.005);
    double explained = (16 * 500.0 * 500 + 900 * 20.0 * 20) / 12, all = explained + 300 * 300.0 / 3;        /* of uniform draws */
    CHECK_NEAR(p.r2, explained / all, 0.01);
    CHECK(p.held_out > 0.02 && p.held_out < 0.1);
    unlink(file);
    file = write_rows("interval,RTT1,KeepOrDrop", 1600, silence_row);
    CHECK_INT(duo_radio_fit_silence(file, &s, &err), DUO_OK);
    CHECK_INT(s.rows, 1280);
    CHECK_INT(s.dropped, 320);
    CHECK_NEAR(s.tail_seconds, 8.05, 0.051);
    CHECK_NEAR(s.awake, 0.050, 0.001);
    CHECK_NEAR(s.promotion_seconds, 0.600, 0.012);
    CHECK_NEAR(s.held_out, 0.1, 0.01);                     /* the median of uniform noise of 20 % */
    unlink(file);
    file = write_rows("interval,RTT1,KeepOrDrop", 100, flat_row);
    CHECK_INT(duo_radio_fit_silence(file, &s, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "two intervals");
    unlink(file);
    err = (struct duo_err){ 0 };
    file = write_rows("interval,RTT1,Keep", 0, NULL);
    CHECK_INT(duo_radio_fit_silence(file, &s, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "KeepOrDrop");
    CHECK_INT(duo_radio_fit_power(file, &p, &err), DUO_BAD_INPUT);
    unlink(file);
}

/* Shipped constants against what was measured, where that is. */
static void shipped(void)
{
    static const struct { const char *radio, *file; } probe[] = { { "lte", "S20US_162_Verizon_4G.csv" }, { "5g", "RASPBERRY_670_Verizon_NSAlow.csv" } };
    const char *data = getenv("DUOSIM_DATA"), *source = getenv("DUOSIM_SOURCE");
    struct duo_catalogue *c;
    struct duo_radio r;
    struct duo_radio_power p;
    struct duo_radio_silence s;
    struct duo_err err = { 0 };
    char path[1000];

    snprintf(path, sizeof path, "%s/models/catalogue", source ? source : ".");
    if (duo_catalogue_open(&c, path, &err)) printf("%s\n", err.text), abort();
    CHECK_INT(duo_radio_find(c, "5g-mmwave", NULL, 0, &r, &err), DUO_OK);
    snprintf(path, sizeof path, "%s/data/radio-power-5g/mi-combined.csv", data ? data : "");
    if (data && access(path, R_OK) == 0) {
        CHECK_INT(duo_radio_fit_power(path, &p, &err), DUO_OK);
        printf("mmwave: %d rows: %.4g W + %.4g J/B down + %.4g J/B up (+- %.2g, %.2g, %.2g), rms %.3g W, R2 %.3f, held out %.1f %%\n", p.rows, p.active_watts,
               p.joules_byte_down, p.joules_byte_up, p.active_error, p.down_error, p.up_error, p.rms, p.r2, 100 * p.held_out);
        CHECK_NEAR(r.active_watts, p.active_watts, 0.005 * p.active_watts);
        CHECK_NEAR(r.joules_byte_down, p.joules_byte_down, 0.005 * p.joules_byte_down);
        CHECK_NEAR(p.active_watts, 4.480, 0.05);           /* the data's README: on downlink alone */
        CHECK_NEAR(p.joules_byte_down, 1.939e-3 / 125000, 0.03e-3 / 125000);
    } else
        CHECK_SKIP("no radio-power-5g below DUOSIM_DATA");
    for (size_t i = 0; i < sizeof probe / sizeof *probe; i++) {
        CHECK_INT(duo_radio_find(c, probe[i].radio, NULL, 0, &r, &err), DUO_OK);
        snprintf(path, sizeof path, "%s/data/net-rrc-latency/%s", data ? data : "", probe[i].file);
        if (!data || access(path, R_OK) != 0) { CHECK_SKIP("no net-rrc-latency below DUOSIM_DATA"); continue; }
        CHECK_INT(duo_radio_fit_silence(path, &s, &err), DUO_OK);
        printf("%s: %d rows: %.0f ms, after %.2f s of silence %.0f ms more; held out %.0f %%\n", probe[i].radio, s.rows, 1e3 * s.awake, s.tail_seconds,
               1e3 * s.promotion_seconds, 100 * s.held_out);
        CHECK_NEAR(r.tail_seconds, s.tail_seconds, 0.005 * s.tail_seconds);
        CHECK_NEAR(r.promotion_seconds, s.promotion_seconds, 0.005 * s.promotion_seconds);
    }
    duo_catalogue_free(c);
}

int main(void)
{
    fits();
    shipped();
    integral();
    shares();
    plain();
    return check_done();
}
