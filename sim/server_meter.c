/* server_meter.c - what a server has used by now, and when it will have used more: for a device's battery.
 *
 * (1) An iteration's joules flow evenly over its seconds; fixed work's (`before_joules`) all at its end.
 * (2) Within a stretch of iterations the date is found in closed form; at its end one has to ask again. */
#include "sim/server_inside.h"

#include <math.h>

/* The first iteration boundary n, from < n <= last, with a + b over n iterations at or above `target`, which it is not at `from`;
 * last + 1: none.  The sum grows, or falls (a battery that is charged), or turns once. */
static uint64_t reach(const struct duo_server *s, double a, double b, double target, uint64_t from)
{
    uint64_t low = from, high = s->last + 1;

    if (b < 0 && a + b * (double)s->last < 0) {            /* it falls in the end: its peak is as far as one has to look */
        uint64_t peak = a > 0 ? (uint64_t)(a / -b) + 1 : 0;
        if (peak <= from || sum_of(a, b, peak) < target) return high;
        high = peak;
    }
    while (high - low > 1) {                               /* sum(low) < target <= sum(high), if any */
        uint64_t n = low + (high - low) / 2;
        if (sum_of(a, b, n) < target) low = n;
        else                          high = n;
    }
    return high;
}

/* The number of iterations before the running one. */
static uint64_t running(const struct duo_server *s, double now)
{
    uint64_t n = reach(s, s->a, s->b, now - s->t0, 0) - 1;

    return n == s->last ? n - 1 : n;
}

struct duo_server_meter duo_server_meter(const struct duo_server *s)
{
    struct duo_server_meter m = { .joules = s->totals.joules, .busy = s->totals.busy_seconds };
    double now = now_of(s), length, part;
    uint64_t n;

    if (!isnan(s->busy_since)) m.busy += now - s->busy_since;
    if (!s->iterating) return m;
    n = running(s, now);
    length = s->a + s->b * (double)n;
    part = length > 0 ? (now - s->t0 - sum_of(s->a, s->b, n)) / length : 1;
    m.joules += sum_of(s->joules_a, s->joules_b, n) + fmin(1, part) * (s->joules_a + s->joules_b * (double)n);
    return m;
}

double duo_server_until(const struct duo_server *s, double joules, double charge)
{
    double now = now_of(s), at = INFINITY, used, target, watts;
    uint64_t n;

    if (s->before.first) at = s->before.first->seconds_mark;
    if (!s->iterating) return s->ringing ? now : at;
    used = duo_server_meter(s).joules - s->totals.joules;
    target = joules + used - charge * (now - s->t0);       /* of what flows out, net, since the stretch began */
    at = fmin(at, end_of(s, s->last));                     /* (2) */
    n = reach(s, s->joules_a - charge * s->a, s->joules_b - charge * s->b, target, running(s, now));
    if (n-- > s->last) return at;
    watts = (s->joules_a + s->joules_b * (double)n) / (s->a + s->b * (double)n) - charge;
    return fmin(at, end_of(s, n) + (target - sum_of(s->joules_a - charge * s->a, s->joules_b - charge * s->b, n)) / watts);
}
