/* radio.c - a device's radio: joules a byte, power while it is active, a tail after each burst, a delay to wake up.
 *
 * Transfers that overlap share the active time.  The tail of a transfer is paid with it; when the next one begins
 * within that tail, what was not used of it is given back. */
#include <math.h>

#include "models/cost/cost.h"

double duo_radio_ready(const struct duo_radio *r, const struct duo_radio_state *s, double now)
{
    bool awake = s->used > 0 && now <= s->busy_until + r->tail_seconds;
    return awake ? 0 : r->promotion_seconds;
}

double duo_radio_joules(const struct duo_radio *r, struct duo_radio_state *s, double start, double end, double bytes_up, double bytes_down)
{
    double joules = bytes_up * r->joules_byte_up + bytes_down * r->joules_byte_down;
    double from = s->used > 0 && s->busy_until > start ? s->busy_until : start;

    if (end <= from && s->used > 0) return joules;                     /* within the time of others */
    joules += r->active_watts * (end - from) + r->tail_watts * r->tail_seconds;
    if (s->used > 0 && from < s->busy_until + r->tail_seconds) joules -= r->tail_watts * (s->busy_until + r->tail_seconds - from);
    s->busy_until = end;
    s->used = 1;
    return joules;
}
