/* server_inside.h - the insides of a server, for server.c, server_heap.c and server_kv.c only. */
#ifndef DUO_SIM_SERVER_INSIDE_H
#define DUO_SIM_SERVER_INSIDE_H

#include "sim/server.h"

enum { GONE, QUEUED, BEFORE, PROMPT, DECODE, OVER, STATE = 7, FIRST_DUE = 8, DONE_DUE = 16 };

struct entry { uint64_t step, order; struct duo_job *job; };
struct list  { struct duo_job *first, *last; };

struct duo_server {
    struct duo_server_spec is;
    struct duo_alarm alarm;
    struct list   queue, before, prompts, told;
    struct entry *heap;
    int           n_heap, room;
    int           slots, others;              /* ours; the background's */
    int           waiting, running;
    double        left_waiting, left_running; /* tokens to run and write; whole */
    /* KV: tokens of sequences and reservations of the batch; of idle sequences alone */
    double        used, idle;
    struct duo_kv *newest, *oldest;
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
    uint64_t      steps, order;
    double        seconds, joules;            /* integrals for one token */
    double        busy_since;                 /* NAN: not busy */
    double        step_seconds;               /* of the last pure decode step's formation; NAN: none yet */
    double        pace_tokens, pace_seconds;  /* of the last twenty changes or so, fading */
    struct duo_server_totals totals;
};

static inline bool in_model(const struct duo_job *j) { return j->from_layer < j->to_layer; }
static inline struct duo_kv *kv_of(const struct duo_job *j) { return in_model(j) ? j->kv : NULL; }
static inline int positions(const struct duo_job *j) { return j->fresh + (j->output > 0 ? j->output - 1 : 0); }    /* that it adds */

/* server_heap.c: decoding jobs by the step that ends them, then by their order; job->slot is the place. */
void     duo_heap_push  (struct duo_server *, struct entry);
uint64_t duo_heap_remove(struct duo_server *, int place);          /* its order */

/* server_kv.c, requirement (1) */
double   duo_kv_lacking  (const struct duo_server *, const struct duo_job *);   /* tokens; the head of the queue would need more */
bool     duo_kv_make_room(struct duo_server *, const struct duo_job *);
void     duo_kv_hold     (struct duo_server *, struct duo_job *);               /* the job enters the batch */
void     duo_kv_release  (struct duo_server *, struct duo_job *, int added);    /* leaves it, having added so many positions */
void     duo_kv_shorten  (struct duo_kv *, int tokens);                         /* duo_kv_cut, without letting anybody in */

#endif
