/* process.h - gaps drawn from a process.  This room only. */
#ifndef DUO_TRACES_ARRIVALS_PROCESS_H
#define DUO_TRACES_ARRIVALS_PROCESS_H

#include "sim/base/rng.h"
#include "traces/arrivals/arrivals.h"

struct duo_process {
    enum duo_arrival_kind kind;
    double         rate, cv, now;
    int64_t        requests, drawn;
    struct duo_rng rng;
};

void duo_process_init(struct duo_process *, enum duo_arrival_kind, double rate, double cv, int64_t requests, uint64_t seed);
bool duo_process_next(struct duo_process *, double *at);

#endif
