/* clock.h - one heap of alarms, and the only thing that moves time.
 *
 * (1) Alarms ring in order of (date, sequence); the sequence is the order of setting.
 * (2) An alarm lives in its owner; setting one that is set moves it and gives it a new sequence.
 * (3) An alarm may set, move or cancel any alarm, itself included.
 * (4) Time never goes back; a date in the past (by rounding) rings now.
 * Dates are seconds since the start of the run. */
#ifndef DUO_SIM_CLOCK_H
#define DUO_SIM_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct duo_clock;

struct duo_alarm {
    void   (*ring)(void *owner);
    void    *owner;
    double   at;
    int32_t  place;              /* in the heap, from 1; 0: not set, so zeroed memory is a fresh alarm */
};

struct duo_clock *duo_clock_new(void);
void   duo_clock_free(struct duo_clock *);
double duo_clock_now(const struct duo_clock *);
void   duo_clock_set(struct duo_clock *, struct duo_alarm *, double at, void (*ring)(void *), void *owner);
void   duo_clock_cancel(struct duo_clock *, struct duo_alarm *);       /* nothing when it isn't set */

/* For net->run only. */
double duo_clock_head(const struct duo_clock *);                       /* INFINITY when nothing is set */
void   duo_clock_ring(struct duo_clock *);                             /* time moves to the head, which rings */
void   duo_clock_advance(struct duo_clock *, double at);               /* time moves to a flow's end */
uint64_t duo_clock_events(const struct duo_clock *);                   /* alarms rung so far */

#endif
