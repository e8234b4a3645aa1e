/* arrivals.h - when requests come: drawn from a process, or read from a trace; one importer a file.
 * Every row of a trace is accounted for: read = emitted + dropped, by reason. */
#ifndef DUO_TRACES_ARRIVALS_H
#define DUO_TRACES_ARRIVALS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/err.h"

enum duo_arrival_kind { DUO_POISSON, DUO_GAMMA, DUO_UNIFORM_GAPS, DUO_AT_ONCE, DUO_ARRIVAL_TRACE };

struct duo_arrival {
    double at;                         /* s since the first possible instant */
    int    prompt_tokens, output_tokens;   /* 0: not in the trace */
    int    session, turn;              /* -1, 0: none */
    int    n_ids;                      /* of the prompt's leading blocks, duo_arrivals_id_tokens() each; 0: not in the trace */
    const uint32_t *ids;               /* live as long as the arrivals; equal leading ids: equal text */
};

struct duo_arrivals;

/* A process: gaps exponential, Gamma with that CV, or constant; `requests` of them, drawn one by one from the
 * stream (seed, "arrivals"). at_once: all at 0. */
struct duo_arrivals *duo_arrivals_process(enum duo_arrival_kind, double rate, double cv, int64_t requests, uint64_t seed);

struct duo_trace_count { int64_t read, emitted; int n_dropped; struct { const char *why; int64_t rows; } dropped[8]; int64_t inversions; };

/* A trace: gaps divided by rate_scale, at most `requests` (0: all); read whole, stably sorted by date.
 * format NULL: found from the header; an unknown one names the nearest. */
enum duo_status duo_arrivals_trace(struct duo_arrivals **, const char *path, const char *format, double rate_scale,
                                   int64_t requests, struct duo_trace_count *, struct duo_err *);

bool duo_arrivals_next(struct duo_arrivals *, struct duo_arrival *out);    /* false: no more */
int  duo_arrivals_id_tokens(const struct duo_arrivals *);                  /* tokens that an id stands for; 0: there are none */
void duo_arrivals_free(struct duo_arrivals *);

/* The table of formats: name and one line about each; for `duosim formats`. */
int duo_arrival_formats(const char *const **names, const char *const **about);

#endif
