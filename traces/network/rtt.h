/* rtt.h - round trips over time, from pings.  seconds[i] holds from at[i] (at[0] = 0) to at[i + 1], the last one for a mean
 * gap; then it starts again. */
#ifndef DUO_TRACES_RTT_H
#define DUO_TRACES_RTT_H

#include <stdint.h>

#include "sim/base/err.h"

struct duo_rtt_trace {
    int     n;
    double *at, *seconds;
    double  period, mean;             /* s; the mean over time */
    int64_t read, emitted, dropped;   /* rows; dropped: without an answer (empty or "-") */
};

/* A CSV with a column rtt (ms) and one of relative, at, seconds, time, timestamp (s, increasing). */
enum duo_status duo_rtt_read(struct duo_rtt_trace *, const char *path, struct duo_err *);
void            duo_rtt_free(struct duo_rtt_trace *);
double          duo_rtt_at(const struct duo_rtt_trace *, double seconds);      /* any time from 0 on */

#endif
