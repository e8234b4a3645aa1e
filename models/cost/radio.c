/* radio.c - a device's radio: idle, promotion, active, tail, and idle again.
 *
 * (1) Power: active_watts while anything is carried, and joules_byte_up or _down for each byte; tail_watts for
 *     tail_seconds after the last transfer; promotion_watts for promotion_seconds on the way from idle to ready.
 *     Idle it takes nothing: the device's own idle power has that.
 * (2) Transfers that overlap share the active time, in equal parts at every instant.
 * (3) A tail is paid ahead and whole, by whom it follows; who begins within it gets back what was not used.  So all that
 *     was paid is the integral of the power up to now, and the rest of the tail.
 * (4) A message within the tail goes at once; later it waits for the promotion, or for the rest of one that goes on.
 * States and (1): Huang et al., A Close Examination of Performance and Power Characteristics of 4G LTE Networks, MobiSys 2012. */
#include <math.h>

#include "models/cost/cost.h"

static double tail_left(const struct duo_radio *r, const struct duo_radio_state *s, double now)
{
    return s->used ? fmin(r->tail_seconds, s->since + r->tail_seconds - now) : -1;
}

double duo_radio_wake(const struct duo_radio *r, struct duo_radio_state *s, double now, double *joules)
{
    *joules = 0;
    if (s->active) return 0;
    if (s->used && now < s->since) return s->since - now;             /* it is being promoted */
    if (tail_left(r, s, now) >= 0 || r->promotion_seconds <= 0) return 0;
    *joules = r->promotion_watts * r->promotion_seconds + r->tail_watts * r->tail_seconds;     /* (3) */
    s->since = now + r->promotion_seconds, s->used = 1;
    return r->promotion_seconds;
}

/* (2): the integral of dt / transfers since the radio became active. */
static void share(struct duo_radio_state *s, double now)
{
    s->share += (now - s->since) / s->active;
    s->since = now;
}

double duo_radio_begin(const struct duo_radio *r, struct duo_radio_state *s, double now, double *mark)
{
    double unused = tail_left(r, s, now);

    if (s->active) share(s, now);
    *mark = s->share;
    if (s->active++) return 0;
    s->since = now, s->used = 1;
    return unused > 0 ? -r->tail_watts * unused : 0;
}

double duo_radio_end(const struct duo_radio *r, struct duo_radio_state *s, double now, double mark, double bytes_up, double bytes_down)
{
    double joules;

    share(s, now);
    joules = r->active_watts * (s->share - mark) + bytes_up * r->joules_byte_up + bytes_down * r->joules_byte_down;
    if (--s->active) return joules;
    s->share = 0;
    return joules + r->tail_watts * r->tail_seconds;
}
