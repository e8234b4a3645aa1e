/* server_inside.h - the insides of a server, for server*.c only.
 *
 * A job is in one of: the queue; `before` (fixed work, sorted by its end); `prompts` (input left to run, in order);
 * the heap of decoding jobs, ordered by the number of the step that ends them; `told` (its callback is due).
 * Those that run input or decode are in the ranking, too: who would be preempted is at its end.
 * Between two batch changes nothing is touched: load, shares, tokens, blocks and gaps follow from the number of
 * iterations that ended, and duo_stretch_settle() books them at the change.  s->seconds and s->joules are running
 * integrals for one token, so that a decoding job's share is a difference of two values. */
#ifndef DUO_SIM_SERVER_INSIDE_H
#define DUO_SIM_SERVER_INSIDE_H

#include "sim/server.h"

enum { GONE, QUEUED, BEFORE, PROMPT, DECODE, OVER, STATE = 7, FIRST_DUE = 8, DONE_DUE = 16 };

struct entry { uint64_t step, order; struct duo_job *job; };
struct list  { struct duo_job *first, *last; };
struct prefix;                                /* server_prefix.c */

struct duo_server {
    struct duo_server_spec is;
    struct duo_alarm alarm;
    struct list   queue, before, prompts, told, ranking;   /* ranking: by above, below */
    struct entry *heap;
    int           n_heap, room;
    int           slots, others;              /* ours; the background's */
    int           waiting, running;
    double        left_waiting, left_running; /* tokens to run and write; whole */
    double        inputs_waiting;             /* of left_waiting, to run */
    /* KV in blocks, as after the last settled iteration: of all; of what may be evicted, pinned or not */
    double        capacity, used, idle, idle_shared;      /* idle_shared: of `idle`, in shared blocks (8) */
    struct duo_kv *newest, *oldest;
    struct prefix *prefix;
    uint64_t      stamp;
    /* what decodes, at the next step */
    struct duo_load load;
    double        growth;                     /* of its context, a step */
    int           whole, streaming;           /* decoding jobs with all layers; that stream */
    /* the stretch of iterations since the last batch change, as it was formed */
    double        t0, a, b, joules_a, joules_b, growth_then;
    int           decoding_then, streaming_then, chunked, members;
    int           stream_left;                /* streaming jobs that left in the running iteration */
    bool          iterating, paid, singly, ringing, dead;
    uint64_t      last, next;                 /* the iteration after which the batch changes; the alarm rings */
    uint64_t      steps, order, number;
    uint64_t      turn;                       /* (10): iterations that ended before the stretch, partly run ones among them */
    double        began, ended;               /* the last of them */
    int           left;                       /* (10): jobs that left at the end of the last one */
    double        seconds, joules;            /* integrals for one token */
    double        busy_since;                 /* NAN: not busy */
    double        step_seconds;               /* of the last pure decode step's formation; NAN: none yet */
    double        pace_tokens, pace_seconds;  /* of the last twenty changes or so, fading */
    /* (9) */
    struct duo_heat own_heat;
    struct duo_server_totals totals;
    int           block, takers;
    int           taking[];                   /* decoding jobs by the step, modulo `block`, in which they take a block */
};

static inline bool in_model(const struct duo_job *j) { return j->from_layer < j->to_layer; }
static inline struct duo_kv *kv_of(const struct duo_job *j) { return in_model(j) ? j->kv : NULL; }
static inline int input_of(const struct duo_job *j) { return j->prompt + j->written; }        /* while nothing of it decodes */
static inline double blocks_of(const struct duo_server *s, int positions) { return positions > 0 ? (double)((positions - 1) / s->block + 1) : 0; }
static inline int written_at(const struct duo_job *j, uint64_t step) { return 1 + (int)(step - j->steps_mark); }
static inline double tokens_left(const struct duo_job *j) { return in_model(j) ? (double)j->left + j->output - j->written : 0; }

static inline void append(struct list *l, struct duo_job *j)
{
    j->next = NULL, j->previous = l->last;
    *(l->last ? &l->last->next : &l->first) = j;
    l->last = j;
}

static inline void unlink_job(struct list *l, struct duo_job *j)
{
    *(j->previous ? &j->previous->next : &l->first) = j->next;
    *(j->next ? &j->next->previous : &l->last) = j->previous;
    j->next = j->previous = NULL;
}

static inline void add_load(struct duo_load *to, struct duo_load l, double times)
{
    to->items   += times * l.items;
    to->tokens  += times * l.tokens;
    to->context += times * l.context;
    to->pairs   += times * l.pairs;
    to->logits  += times * l.logits;
}

/* The stretch in closed form (3). */
static inline double now_of(const struct duo_server *s) { return duo_clock_now(s->is.clock); }
static inline double sum_of(double a, double b, uint64_t k) { return (double)k * a + b * ((double)k * ((double)k - 1) / 2); }
static inline double end_of(const struct duo_server *s, uint64_t k) { return s->t0 + sum_of(s->a, s->b, k); }

/* server_heap.c: decoding jobs by the step that ends them, then by their order; job->slot is the place. */
void     duo_heap_push  (struct duo_server *, struct entry);
uint64_t duo_heap_remove(struct duo_server *, int place);          /* its order */

/* server_prefix.c, requirement (8).  An input's blocks: ids of `tokens` positions together. */
struct need { int there, n; double idle, fresh; };    /* leading positions there; blocks that can be shared; of their KV
                                                        blocks: idle ones, ones that nobody has */
struct need duo_prefix_look   (const struct duo_server *, const uint32_t *ids, int n_ids, int tokens);
void        duo_prefix_hold   (struct duo_server *, const uint32_t *ids, int n, int tokens);
void        duo_prefix_ready  (struct duo_server *, struct duo_job *, int positions);   /* so many leading ones were run */
void        duo_prefix_release(struct duo_server *, const uint32_t *ids, int n);
uint64_t    duo_prefix_oldest (const struct duo_server *);         /* stamp; UINT64_MAX: none is idle */
void        duo_prefix_evict  (struct duo_server *);               /* the oldest */
void        duo_prefix_free   (struct duo_server *);

/* server_kv.c, requirements (1), (7) */
double      duo_kv_lacking(const struct duo_server *, const struct duo_job *);  /* blocks for its input, were all idle ones evicted: > 0, it can't enter */
bool        duo_kv_enter  (struct duo_server *, struct duo_job *);              /* makes room and holds; false: not now */
void        duo_kv_leave  (struct duo_server *, struct duo_job *, double blocks, int positions);    /* of its own it held; that stay */
void        duo_kv_shorten(struct duo_kv *, int tokens);                        /* duo_kv_cut, without letting anybody in */
double      duo_kv_own    (const struct duo_server *, const struct duo_job *, int positions);       /* blocks that aren't shared */
void        duo_kv_take   (struct duo_server *, struct duo_job *, int change);  /* begins or stops to take blocks as it decodes */
double      duo_kv_growth (const struct duo_server *, uint64_t steps);          /* blocks that the next steps take */
uint64_t    duo_kv_steps  (const struct duo_server *, uint64_t most);           /* for which the free blocks last */
bool        duo_kv_evict  (struct duo_server *, bool pinned_too);               /* the oldest idle; false: there is none */

/* server_batch.c: who is in the batch */
void duo_batch_queue  (struct duo_server *, struct duo_job *);
void duo_batch_unqueue(struct duo_server *, struct duo_job *);
bool duo_batch_enter  (struct duo_server *);                       /* the head, if it fits; else the queue stays */
bool duo_batch_room   (struct duo_server *);                       /* (7): true: somebody was preempted */
void duo_batch_leave  (struct duo_server *, struct duo_job *, double blocks, int positions);
void duo_batch_prompt (struct duo_server *, struct duo_job *);     /* its input is next */
void duo_batch_decode (struct duo_server *, struct duo_job *);
void duo_batch_stop   (struct duo_server *, struct duo_job *, uint64_t step);   /* out of the heap and the load, as it is after `step` */
void duo_batch_share  (const struct duo_server *, struct duo_job *, uint64_t k);   /* of the seconds and joules, with k iterations of the stretch */
void duo_batch_end    (struct duo_server *, struct duo_job *, double blocks, int positions);
void duo_batch_grow   (struct duo_server *, struct duo_job *);     /* a window is full: its context grows otherwise */
void duo_batch_seen   (struct duo_server *, struct duo_job *);     /* while it decodes: the first token that isn't hidden is there */

/* server_step.c: iterations */
void     duo_stretch_form   (struct duo_server *);
uint64_t duo_stretch_done   (const struct duo_server *, double now);            /* iterations of the stretch that ended */
uint64_t duo_stretch_running(const struct duo_server *, double now, uint64_t done);
void     duo_stretch_cut    (struct duo_server *, int more);       /* the batch will change: no further than the running one, and so many */
uint64_t duo_stretch_turn   (const struct duo_server *);           /* of who comes now (10) */
void     duo_stretch_alarm  (struct duo_server *);
void     duo_stretch_settle (struct duo_server *, uint64_t k);     /* k iterations have ended, and the stretch with them */
void     duo_stretch_book   (struct duo_server *, double seconds, double joules);
void     duo_stretch_change (struct duo_server *);                 /* the stretch is over: jobs go on */
void     duo_stretch_kick   (struct duo_server *);                 /* something became free, or a job came */

#endif
