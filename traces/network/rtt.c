/* rtt.c - see rtt.h.
 *
 * (1) Every row is accounted for: read = emitted + dropped.
 * (2) A row without an answer is dropped: the one before it holds on.
 * (3) What is no number, not more than 0, or not later than the row before is refused with line and column. */
#include "traces/network/rtt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/csv.h"

static int time_column(const struct duo_csv *csv)
{
    static const char *const names[] = { "relative", "at", "seconds", "time", "timestamp" };
    int column = -1;

    for (size_t i = 0; i < sizeof names / sizeof *names && column < 0; i++) column = duo_csv_find(csv, names[i]);
    return column;
}

static enum duo_status take(struct duo_rtt_trace *t, const struct duo_csv *csv, int when, int rtt, double *first, struct duo_err *err)
{
    const char *cell = duo_csv_cell(csv, rtt);
    double at, ms;

    t->read++;
    if (!*cell || strcmp(cell, "-") == 0) { t->dropped++; return DUO_OK; }                     /* (2) */
    DUO_TRY(duo_csv_number(csv, when, &at, err));
    DUO_TRY(duo_csv_number(csv, rtt, &ms, err));
    if (!(ms > 0) || isinf(ms)) return duo_csv_bad(csv, rtt, err, "expected a round trip of more than 0 ms; got %s", cell);
    if (t->n == 0) *first = at;
    if (t->n > 0 && !(at - *first > t->at[t->n - 1]))
        return duo_csv_bad(csv, when, err, "times must increase: %g s after %g s", at - *first, t->at[t->n - 1]);
    if ((t->n & (t->n - 1)) == 0) {
        size_t room = t->n ? 2 * (size_t)t->n : 1;
        t->at = duo_grow(t->at, room, sizeof *t->at), t->seconds = duo_grow(t->seconds, room, sizeof *t->seconds);
    }
    t->at[t->n] = at - *first, t->seconds[t->n++] = ms / 1000;
    t->emitted++;
    return DUO_OK;
}

static enum duo_status read_rows(struct duo_rtt_trace *t, const char *path, struct duo_csv *csv, struct duo_err *err)
{
    int when = time_column(csv), rtt, more;
    double first = 0, area = 0;

    DUO_TRY(duo_csv_need(csv, "rtt", &rtt, err));
    if (when < 0) return duo_fail_at(err, DUO_BAD_INPUT, path, 1, 0, "expected a column of seconds: relative, at, seconds, time or timestamp");
    while ((more = duo_csv_next(csv, err)) > 0) DUO_TRY(take(t, csv, when, rtt, &first, err));
    if (more < 0) return DUO_BAD_INPUT;
    if (t->n < 2) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "expected at least two round trips; got %d", t->n);
    t->period = t->at[t->n - 1] * t->n / (t->n - 1);
    for (int i = 0; i < t->n; i++) area += t->seconds[i] * ((i + 1 < t->n ? t->at[i + 1] : t->period) - t->at[i]);
    t->mean = area / t->period;
    return DUO_OK;
}

enum duo_status duo_rtt_read(struct duo_rtt_trace *t, const char *path, struct duo_err *err)
{
    struct duo_csv *csv;
    enum duo_status bad;

    *t = (struct duo_rtt_trace){ 0 };
    DUO_TRY(duo_csv_open(&csv, path, ',', err));
    bad = read_rows(t, path, csv, err);
    duo_csv_close(csv);
    if (bad) duo_rtt_free(t);
    return bad;
}

void duo_rtt_free(struct duo_rtt_trace *t)
{
    free(t->at), free(t->seconds);
    *t = (struct duo_rtt_trace){ 0 };
}

double duo_rtt_at(const struct duo_rtt_trace *t, double seconds)
{
    double x = fmod(seconds, t->period);
    int low = 0, high = t->n;

    while (high - low > 1) {                               /* at[low] <= x < at[high] */
        int middle = (low + high) / 2;
        if (t->at[middle] <= x) low = middle;
        else                    high = middle;
    }
    return t->seconds[low];
}
