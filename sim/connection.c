/* connection.c - see connection.h. */
#include "sim/connection.h"

#include <math.h>

enum { LAST = 3, DOUBLINGS = 40, RETRIES = 15 };    /* segments whose loss nothing after them shows; of a window, at most; Linux's tcp_retries2 */

double duo_connection_trips(enum duo_protocol protocol, enum duo_opening how)                  /* (1) */
{
    static const double trips[DUO_PROTOCOL_END][2] = {
#define X(name, text, cold, resumed) [DUO_PROTOCOL_##name] = { cold, resumed },
        DUO_PROTOCOLS(X)
#undef X
    };

    return how == DUO_OPEN_WARM ? 0 : trips[protocol][how];
}

double duo_connection_wait(double bytes, double rate, double trip, double window)              /* (2) */
{
    double wait = 0, sent = window;

    while (sent < bytes && trip > window / rate) {
        wait += trip - window / rate;
        window *= 2;
        sent += window;
    }
    return wait;
}

int duo_connection_grown(double bytes, double window, int grown)                               /* (3) */
{
    double now = ldexp(1, grown) + bytes / window;

    return now < ldexp(1, DOUBLINGS) ? ilogb(now) : DOUBLINGS;
}

double duo_connection_loss(double segments, double p, double trip, double timeout, double draw_middle, double draw_last)
{
    double last = fmin(segments, LAST), lost = -expm1(last * log1p(-p)), delay = 0;         /* (4) */

    if (draw_middle < -expm1((segments - last) * log1p(-p))) delay += trip;
    for (int i = 0; i < RETRIES && draw_last < lost; i++) {
        delay += timeout;
        timeout *= 2;
        draw_last /= lost;
        lost = p;
    }
    return delay;
}
