/* server.h - one replica of a model: a queue, slots, a token budget an iteration, KV memory in blocks.  A device is
 * one, too, with its own few slots.  The scheduler is vLLM's of 2025 (V1), as a state machine.
 *
 * (1) The queue is first come, first served; or by `priority` (the least first), equals as they came.  The head
 *     enters between iterations when a slot is free, the iteration has tokens left for it, and the blocks of its whole
 *     input fit, evicting idle KV, least recently used first.  Pinned KV goes only where nothing else would ever make
 *     room: the batch is empty.  What was evicted while its job waited is run again, and paid (`fresh` grows).
 * (2) An iteration holds one token of every decoding job, then prompt tokens of those that are in the batch, in order,
 *     as far as the token budget goes, at least one, at most `chunk` of one job (chunked prefill); then of the head of
 *     the queue, and so on.  Jobs enter and leave between iterations only.
 * (3) While the batch stays the same and only decodes, the k-th iteration ends at t0 + k a + b k(k-1)/2,
 *     evaluated from the batch change: one event for many steps gives the same bytes as one each
 *     (duo_server_step_singly, for the test).
 * (4) An iteration's seconds and joules are shared by its new tokens.  A cancelled job is out at once, but the
 *     running iteration ends as if it were there, and is paid; a job that is alone in its iteration stops it,
 *     and pays for the part that ran.  The background pays its own tokens.
 * (5) A sequence whose need exceeds the memory even when alone is refused at once: duo_server_submit says no.
 * (6) Fixed work (`before`, and facts.start_seconds) runs in the slot beside the iterations.  A job without
 *     layers (from_layer == to_layer) is that alone: it takes no part in an iteration and holds no KV.
 * (7) A decoding sequence takes a block when its last one is full.  Where none is free and no idle KV can go, the last
 *     of the batch (by priority, then by coming) is preempted: it loses its KV, goes back into the queue before all that
 *     came later, and runs its input and what it has written again, which is paid (`fresh` grows).  Nobody enters in that
 *     iteration.  Tokens written stay written: none is delivered twice, `first` isn't called again, the wait is one gap.
 * (8) Where inputs say of which blocks they consist (`ids`: equal leading ids, equal text), a block is held once for
 *     all; what is there is not run again, but for the last token.  Blocks that nobody uses stay until memory is
 *     wanted, and go with the idle KV, the least recently used first, of one input the last one first.
 * (9) With facts.throttle_heat: after so many seconds of iterations it is hot, and an iteration takes 1 / throttle_share
 *     the time for the same joules, until it has rested throttle_cool seconds.  Rest takes heat away evenly.
 * (10) With `ahead` an iteration is decided on when the one before it begins (vLLM's asynchronous scheduling): who comes
 *     while one runs is in the one after the next, and a slot that is left at its end is free in the one after the next.
 *     Where nothing else could run, nobody waits. */
#ifndef DUO_SIM_SERVER_H
#define DUO_SIM_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "models/cost/cost.h"
#include "sim/clock.h"

struct duo_server;

/* The KV of one sequence at one replica.  The owner (a request or session) embeds it; the server counts it.
 * Fresh: zeroed.  It serves one job at a time. */
struct duo_kv {
    struct duo_server *home;             /* NULL: nothing resident */
    struct duo_job    *job;              /* in the queue or the batch, that writes to it; NULL: idle */
    int                tokens;           /* resident positions, while no job in the batch uses it */
    int                shared;           /* leading ones of them that are in shared blocks (8) */
    int                pins;             /* > 0: not evictable, see (1); the owner counts */
    const uint32_t    *ids;              /* of the shared blocks */
    struct duo_kv     *newer, *older;    /* the server's list */
    uint64_t           stamp;
};

struct duo_job {
    /* asked: filled by the caller */
    struct duo_kv *kv;                   /* NULL: needs none (a scorer) */
    int    cached;                       /* positions of its input already in `kv` (<= kv->tokens; the rest is cut off) */
    int    fresh;                        /* input positions to run, >= 1 */
    int    output;                       /* tokens to write, 0: none (a verification, a score, a middle part) */
    int    hidden;                       /* of them, so many at the beginning that nobody sees (thinking): `first` comes with the next one */
    int    logits;                       /* rows of logits for the input: 1 to write, draft + 1 to verify, 0 for a middle part */
    int    from_layer, to_layer;
    int    priority;                     /* the least first, where the server goes by it */
    int    n_ids;                        /* (8): of the input's leading blocks, spec.id_tokens each; a rest may be the last.  All different */
    const uint32_t *ids;                 /* stay as they are while the KV lives */
    double before;                       /* s of fixed work in the slot first (an image encoder, a scorer) */
    double before_joules;
    bool   streams;                      /* its token gaps are the user's: counted in `gaps` */
    void (*first)(struct duo_job *);     /* the first output token is there; NULL: don't care */
    void (*done) (struct duo_job *);     /* all is there; the job is the caller's again */
    void  *owner;
    /* told */
    double queued_at, started_at, first_at, last_at;      /* started: entered the batch for the first time */
    double decided_at;                   /* when the scheduler took it: before started_at with (10) */
    int    written;                      /* output tokens so far; exact at done and after duo_server_cancel */
    int    preempted;                    /* how often */
    double joules, seconds;              /* its share of what the iterations took */
    int    failure;                      /* of a call to an API (server_api.h): enum duo_failure of policy.h; 0: none */
    void  *call;                         /* an API's own */
    /* the server's own */
    struct duo_job *next, *previous, *above, *below;
    bool   seen;
    int    state, left, slot, prompt, phase, ready;
    double joules_mark, seconds_mark, growth;
    uint64_t steps_mark, number, turn;   /* turn: (10), the first iteration that it may be in */
};

struct duo_heat { double seconds, at; bool hot; };       /* (9): of work, and when that was so.  Fresh: zeroed */
static inline bool duo_throttles(const struct duo_facts *f) { return f->throttle_share > 0 && f->throttle_share < 1; }

struct duo_server_spec {
    const struct duo_cost *cost;
    struct duo_clock      *clock;
    int    slots, budget;
    int    chunk;                        /* prompt tokens of one job an iteration, at most; 0: no limit */
    bool   by_priority;
    bool   ahead;                        /* (10) */
    int    block;                        /* positions a block of KV; 0: 1 */
    int    id_tokens;                    /* positions that an id stands for, a multiple of `block`; 0: no sharing */
    double kv_tokens;                    /* capacity; INFINITY: no limit */
    double background;                   /* share of the slots that others hold, decoding without end (their length: background_context) */
    int    background_context;
    struct duo_gaps *gaps;               /* where streamed gaps are counted; may be NULL */
    struct duo_heat *heat;               /* of what outlives the server; NULL: it is the server's own */
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
    double kv_used;                      /* share of the capacity, idle KV included */
};
void duo_server_figures(const struct duo_server *, struct duo_server_figures *);
/* Leading positions of an input with these block ids that are there and would not be run (8). */
int  duo_server_prefix(const struct duo_server *, const uint32_t *ids, int n_ids, int tokens);
void duo_server_forget(struct duo_server *);         /* all idle KV; nothing may be queued or running */
bool duo_server_idle(const struct duo_server *);     /* nothing queued, running or resident */
double duo_server_boundary(const struct duo_server *);    /* when the running iteration ends; now when none runs */

struct duo_server_totals {
    double busy_seconds, joules, iterations, tokens_in, tokens_out;
    double cached;                       /* input positions that were there when their job entered */
    double kv_peak;                      /* share of the capacity that the batch held, at most; NAN without a limit */
    int    peak_running, peak_waiting;
    uint64_t evicted, preempted;         /* idle KV of sequences; jobs */
};
void duo_server_totals(const struct duo_server *, struct duo_server_totals *);

/* server_meter.c: used by now, the running iteration by its share; s of work.  The date at which `joules` more will have
 * been used, net of `charge` W that flow in; or an earlier one, at which one has to ask again; INFINITY: no work. */
struct duo_server_meter { double joules, busy; };
struct duo_server_meter duo_server_meter(const struct duo_server *);
double                  duo_server_until(const struct duo_server *, double joules, double charge);

void duo_server_step_singly(struct duo_server *, bool on);

/* Gaps between tokens: a histogram with bins of 2 % from 1 us to 1e5 s; the same bins everywhere. */
struct duo_gaps { uint64_t count; uint64_t bin[1280]; double sum; };
void   duo_gaps_add(struct duo_gaps *, double seconds, uint64_t times);
/* k gaps a, a + b, a + 2b, ... `times` over. */
void   duo_gaps_run(struct duo_gaps *, double a, double b, uint64_t k, uint64_t times);
double duo_gaps_quantile(const struct duo_gaps *, double q);    /* NAN when empty; geometric middle of the bin */

#endif
