/* server.h - one replica of a model: a queue, slots, a token budget an iteration, KV memory.  A device is
 * one, too, with its own few slots.
 *
 * (1) First come, first served.  A job enters the batch when a slot is free and the KV of all that it will
 *     hold fits, evicting idle sequences, least recently used first.  Pinned ones go only where nothing else
 *     would ever make room: the batch is empty.  What was evicted while its job waited is run again, and paid
 *     (`fresh` grows).
 * (2) An iteration holds one token of every decoding job, then prompt tokens of the others in order, as
 *     far as the token budget goes, at least one (chunked prefill).  Jobs enter and leave between iterations only.
 * (3) While the batch stays the same and only decodes, the k-th iteration ends at t0 + k a + b k(k-1)/2,
 *     evaluated from the batch change: one event for many steps gives the same bytes as one each
 *     (duo_server_step_singly, for the test).
 * (4) An iteration's seconds and joules are shared by its new tokens.  A cancelled job is out at once, but the
 *     running iteration ends as if it were there, and is paid; a job that is alone in its iteration stops it,
 *     and pays for the part that ran.  The background pays its own tokens.
 * (5) A sequence whose need exceeds the memory even when alone is refused at once: duo_server_submit says no.
 * (6) Fixed work (`before`, and facts.start_seconds) runs in the slot beside the iterations.  A job without
 *     layers (from_layer == to_layer) is that alone: it takes no part in an iteration and holds no KV. */
#ifndef DUO_SIM_SERVER_H
#define DUO_SIM_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "models/cost/cost.h"
#include "sim/clock.h"

struct duo_server;

/* The KV of one sequence at one replica.  The owner (a request or session) embeds it; the server counts it.
 * Fresh: zeroed. */
struct duo_kv {
    struct duo_server *home;             /* NULL: nothing resident */
    int                tokens;           /* resident positions */
    int                reserved;         /* of jobs in the batch or queue that write to it */
    int                pins;             /* > 0: not evictable, see (1); the owner counts */
    int                running;          /* of `reserved`, jobs in the batch */
    struct duo_kv     *newer, *older;    /* the server's list */
    double             used_at;
};

struct duo_job {
    /* asked: filled by the caller */
    struct duo_kv *kv;                   /* NULL: needs none (a scorer) */
    int    cached;                       /* positions of its input already in `kv` (<= kv->tokens; the rest is cut off) */
    int    fresh;                        /* input positions to run, >= 1 */
    int    output;                       /* tokens to write, 0: none (a verification, a score, a middle part) */
    int    logits;                       /* rows of logits for the input: 1 to write, draft + 1 to verify, 0 for a middle part */
    int    from_layer, to_layer;
    double before;                       /* s of fixed work in the slot first (an image encoder, a scorer) */
    double before_joules;
    bool   streams;                      /* its token gaps are the user's: counted in `gaps` */
    void (*first)(struct duo_job *);     /* the first output token is there; NULL: don't care */
    void (*done) (struct duo_job *);     /* all is there; the job is the caller's again */
    void  *owner;
    /* told */
    double queued_at, started_at, first_at, last_at;
    int    written;                      /* output tokens so far; exact at done and after duo_server_cancel */
    double joules, seconds;              /* its share of what the iterations took */
    /* the server's own */
    struct duo_job *next, *previous;
    int    state, left, slot;
    double joules_mark, seconds_mark, growth;
    uint64_t steps_mark;
};

struct duo_server_spec {
    const struct duo_cost *cost;
    struct duo_clock      *clock;
    int    slots, budget;
    double kv_tokens;                    /* capacity */
    double background;                   /* share of the slots that others hold, decoding without end (their length: background_context) */
    int    background_context;
    struct duo_gaps *gaps;               /* where streamed gaps are counted; may be NULL */
};

struct duo_server *duo_server_new(const struct duo_server_spec *);
void               duo_server_free(struct duo_server *);      /* also from `first` and `done` */

/* Take the job.  false: refused, it can never fit; nothing was kept. */
bool duo_server_submit(struct duo_server *, struct duo_job *);
/* Leave the queue or the batch now; what was done is in written, joules, seconds.  `done` won't come. */
void duo_server_cancel(struct duo_server *, struct duo_job *);
int  duo_server_written(const struct duo_server *, const struct duo_job *);      /* by now */

/* KV that stays after its job, until evicted.  Not while a job in the batch writes to it (assert).  A job submitted
 * elsewhere than at its KV's home drops it there. */
void duo_kv_drop(struct duo_kv *);
void duo_kv_cut (struct duo_kv *, int tokens);      /* forget positions from `tokens` on */

/* Figures for balancing and for what a place publishes. */
struct duo_server_figures {
    int    running, waiting;
    double backlog;                      /* tokens still to run and write, waiting and running */
    double wait;                         /* s a new job would wait for a slot, estimated from the backlog and the present pace */
    double decode_rate;                  /* tokens/s of one sequence at the present batch; NAN before the first step */
    double kv_used;                      /* share of the capacity, resident and reserved */
};
void duo_server_figures(const struct duo_server *, struct duo_server_figures *);
bool duo_server_idle(const struct duo_server *);     /* nothing queued, running or resident */

struct duo_server_totals { double busy_seconds, joules, iterations, tokens_in, tokens_out; int peak_running, peak_waiting; uint64_t evicted; };
void duo_server_totals(const struct duo_server *, struct duo_server_totals *);

void duo_server_step_singly(struct duo_server *, bool on);

/* Gaps between tokens: a histogram with bins of 2 % from 1 us to 1e5 s; the same bins everywhere. */
struct duo_gaps { uint64_t count; uint64_t bin[1280]; double sum; };
void   duo_gaps_add(struct duo_gaps *, double seconds, uint64_t times);
/* k gaps a, a + b, a + 2b, ... `times` over. */
void   duo_gaps_run(struct duo_gaps *, double a, double b, uint64_t k, uint64_t times);
double duo_gaps_quantile(const struct duo_gaps *, double q);    /* NAN when empty; geometric middle of the bin */

#endif
