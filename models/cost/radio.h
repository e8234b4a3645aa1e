/* radio.h - the constants of radio.c, found in measurements (radio_fit.c). */
#ifndef DUO_MODELS_COST_RADIO_H
#define DUO_MODELS_COST_RADIO_H

#include "sim/base/err.h"

/* Power against throughput: watts = active + up x rate_up + down x rate_down, least squares.  With the standard errors;
 * rms of what is left, W; the share of the variance that is explained; the median of |predicted - measured| / measured of
 * rows that were not fitted on: blocks of 100 rows in the order of the file, the even ones from the odd ones and back. */
struct duo_radio_power {
    int    rows;
    double active_watts, joules_byte_up, joules_byte_down;
    double active_error, up_error, down_error;
    double rms, r2, held_out;
};
/* A CSV with the columns downlink_Mbps, uplink_Mbps, hardware_power (mW). */
enum duo_status duo_radio_fit_power(const char *path, struct duo_radio_power *, struct duo_err *);

/* The first round trip after so many seconds of silence: `awake` up to tail_seconds, promotion_seconds more beyond: the
 * step of medians with the least absolute error.  held_out: of odd rows from a step fitted on even ones, and back: the
 * median of |predicted - measured| / measured. */
struct duo_radio_silence { int rows, dropped; double tail_seconds, awake, promotion_seconds, held_out; };
/* A CSV with the columns interval (s), RTT1 (ms), KeepOrDrop (YEP: keep). */
enum duo_status duo_radio_fit_silence(const char *path, struct duo_radio_silence *, struct duo_err *);

#endif
