/* SPDX-License-Identifier: 0BSD
 * policy.h - all that a policy may know, and all that it may do.
 *
 * A policy is one .c file that includes this header (and <math.h>, <string.h>,
 * <stdint.h>) and nothing else.  It is a small program over steps: `next` is called
 * when a request arrives and each time a step that it asked for has ended, and asks
 * for more steps or for the end.  It never blocks, never allocates, reads no clock.
 *
 * Seat.  A policy sits on the device or at the gateway of the cloud.  An event
 * reaches it when its control message (ids, scores, confidence: stated bytes) has
 * reached the seat; think time and joules are paid there; the view is the seat's.
 * Texts stay where they were made until a step, the screen or the answer needs them.
 *
 * What it may know is in struct duo_view: what a deployed seat could know.  The
 * length of the answer to come, whether an answer is right, the cloud's queue at this
 * instant are not there.  Figures from afar carry their age; NAN is "not known".
 *
 * Texts are handles.  A step whose input lies elsewhere has it sent, and the bytes,
 * seconds and joules of that are charged: token ids, hidden states of every position
 * that the place has not seen, logits, attachments.  KV stays where it was computed,
 * counts against that place's memory, and may be evicted; a place without it pays
 * prefill again.
 *
 * Memory: `config` is written by init and read-only afterwards; the engine keeps three
 * blocks of zeroed bytes for the policy (a seat, a session, a request) and frees them.
 * What is passed in is borrowed for the length of the call. */
#ifndef DUO_POLICY_H
#define DUO_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#define DUO_POLICY_ABI 1

#ifdef __cplusplus
extern "C" {
#endif

typedef int duo_text;    /* a text; 0: none */
typedef int duo_step;    /* a step in flight; 0: none; ids are never reused in a request */
typedef int duo_place;   /* a model at a site: an index of duo_view.places */
typedef int duo_scorer;  /* router, verifier, guard, embedder, ...: by name, in init */

enum { DUO_NOWHERE = -1, DUO_DEVICE = 0, DUO_CLOUD = 1 };   /* every scenario has the last two; others by name, in init */
enum { DUO_MAX_PARTS = 8 };

struct duo_confidence {          /* over the tokens that the step wrote; each in [0, 1]; NAN: not known, or the need not declared */
    double mean, min, last;      /* of the chosen token's probability */
    double margin;               /* mean of top-1 minus top-2 */
    double entropy;              /* mean, relative to log(vocabulary) */
};

/* What to write.  Zero means: to the end, the whole model, greedy, not shown. */
struct duo_work {
    duo_place at;
    duo_text  from;              /* context: the prompt or a text that a step returned */
    int       tokens;            /* at most so many; 0: to the end */
    bool      show;              /* stream to the user; shown text is final */
    double    patience;          /* fail as late unless the first token is there in so many s; 0: wait */
    double    stop_below;        /* stop after a token less probable than this */
    double    temperature;
    int       samples;           /* 0, 1: one; else so many, voted on */
    int       n_parts;           /* 0: whole model at `at`.  Else layers [previous, to_layer) at each part's */
    struct duo_part {            /* place, token by token, all of one model; the hand-over is paid */
        duo_place at;
        int       to_layer;      /* 0: to the last */
        double    exit_above;    /* a token whose exit head is surer than this ends here; 0: no exit */
    } parts[DUO_MAX_PARTS];
};

enum duo_event_kind {
    DUO_ARRIVED,                 /* a request: turn->prompt */
    DUO_WRITTEN,                 /* text = context + `tokens` new ones */
    DUO_VERIFIED,                /* text = accepted prefix + the verifier's own token; tokens: accepted */
    DUO_SCORED,                  /* score */
    DUO_SENT,
    DUO_RANG,                    /* an alarm of duo_wait */
    DUO_FAILED,                  /* why */
    DUO_FOUND, DUO_KEPT          /* kept for look-ups in caches and memories: two steps to come */
};

#define DUO_FAILURES(X) X(NO_FAILURE, "no failure") X(LATE, "late") X(UNREACHABLE, "unreachable") X(REFUSED, "refused") \
                        X(NO_MEMORY, "no memory") X(NO_POWER, "no power") X(SERVER_ERROR, "server error")
enum duo_failure {
#define X(name, text) DUO_##name,
    DUO_FAILURES(X)
#undef X
};

static inline const char *duo_why(enum duo_failure why)      /* in words, for duo_give_up */
{
    switch (why) {
#define X(name, text) case DUO_##name: return text;
    DUO_FAILURES(X)
#undef X
    }
    return "unknown failure";
}

struct duo_event {
    enum duo_event_kind   kind;
    duo_step              step;
    duo_place             at;
    duo_text              text;
    int                   tokens;
    bool                  ended;         /* the text ends with the end of the answer */
    double                score;         /* of duo_score; of a vote: the majority's share; NAN: not known */
    struct duo_confidence confidence;
    enum duo_failure      why;
};

struct duo_view {
    size_t size;                                 /* grows at the end only */
    double now;                                  /* s since the run began */
    int    prompt_tokens, max_tokens, session, turn;
    double deadline;                             /* s left; INFINITY when there is none */
    double battery;                              /* 0..1; 1 on mains */
    bool   link_up;
    double uplink, downlink, rtt, link_age;      /* bit/s, bit/s, s, s */
    int    n_features;
    const double *features;                      /* of the prompt, as the scenario declares them */
    int    n_places;
    const struct duo_place_view {
        const char *model;
        int         layers, context, cached;     /* cached: tokens of this session whose KV is there */
        double      decode_rate;                 /* tokens/s, as last measured */
        double      wait, price, age;            /* s, $ per token out, s */
    } *places;
};

/* One call of the policy. */
struct duo_turn {
    const struct duo_view *view;
    struct duo_event       event;
    duo_text               prompt;
    const void            *config;
    void                  *seat, *session, *request;
    struct duo_engine     *engine;               /* for the functions below */
};

/* Steps.  Each returns the id by which its event will name it. */
duo_step duo_write (struct duo_turn *, struct duo_work);
duo_step duo_verify(struct duo_turn *, duo_place, duo_text base, duo_text draft);   /* draft continues base */
duo_step duo_score (struct duo_turn *, duo_place, duo_scorer, duo_text);
duo_step duo_send  (struct duo_turn *, duo_place, duo_text);
duo_step duo_wait  (struct duo_turn *, double seconds);
void     duo_show  (struct duo_turn *, duo_text);         /* what follows, and the answer, must begin with it */
void     duo_cancel(struct duo_turn *, duo_step);         /* its event won't come; takes effect when the word
                                                           * arrives there, and what was done is paid as waste */
bool     duo_begins(const struct duo_turn *, duo_text whole, duo_text beginning);   /* known at the seat only */
bool     duo_fits  (const struct duo_turn *, duo_text);   /* does it begin with all that was shown, as an answer must? */
double   duo_chance(const struct duo_turn *, int index);  /* a draw in [0, 1), this request's own: `index` tells draws apart */

/* The end: exactly one of these, once.  Steps in flight are cancelled. */
void duo_answer (struct duo_turn *, duo_text);
void duo_give_up(struct duo_turn *, const char *why);

/* The policy's parameters in the scenario.  An absent key leaves *out as it was; a key
 * that nobody asked for is an error that names the nearest one.  0, or a status. */
struct duo_params;
int duo_number_of(const struct duo_params *, const char *key, double min, double max, double *out);
int duo_text_of  (const struct duo_params *, const char *key, const char **out);
int duo_place_of (const struct duo_params *, const char *key, duo_place *out);
int duo_scorer_of(const struct duo_params *, const char *key, duo_scorer *out);
/* The same without a key, for a default that a scenario may lack: DUO_NOWHERE, or -1. */
duo_place  duo_place_named (const struct duo_params *, const char *name);
duo_scorer duo_scorer_named(const struct duo_params *, const char *name);
int duo_blob_of  (const struct duo_params *, const char *key, const void **out, size_t *bytes);  /* trained weights */
/* The q-quantile of a signal ("prompt_tokens", a feature, a scorer's name) over the train split: what a
 * team would fit a threshold with before going live.  -INFINITY at q = 0. */
int duo_quantile_of(const struct duo_params *, const char *signal, double q, double *out);
/* Refuse the scenario in words: always returns a status to return from init. */
int duo_refuse(const struct duo_params *, const char *key, const char *why);

enum duo_seat { DUO_SEAT_DEVICE, DUO_SEAT_GATEWAY };
enum duo_need { DUO_CONFIDENCE = 1, DUO_AGREEMENT = 2, DUO_EXITS = 4, DUO_TIME = 8,   /* of the answers, the clock */
                DUO_TRUTH = 16 };            /* knows what no seat can (truth.h): starred in every table */

struct duo_policy {
    int           abi;
    size_t        size;
    const char   *name, *about;
    enum duo_seat seat;
    unsigned      needs;                         /* refused by name where the scenario lacks one */
    size_t        config_size, seat_size, session_size, request_size;
    double        think;                         /* s of simulated time a turn costs: declared, or measured once */
    int  (*init)    (void *config, const struct duo_params *);
    void (*next)    (struct duo_turn *);
    void (*feedback)(struct duo_turn *, double score);       /* late and rare, after the end; may ask for nothing */
    void (*tick)    (struct duo_turn *);                     /* periodic at the seat; may ask for nothing */
    const char   *source;                        /* the paper it follows; NULL: none */
};

#define DUO_POLICY(id, ...)                                                          \
    extern const struct duo_policy duo_policy_##id;                                  \
    const struct duo_policy duo_policy_##id =                                        \
        { .abi = DUO_POLICY_ABI, .size = sizeof(struct duo_policy), .name = #id, __VA_ARGS__ }

#ifdef __cplusplus
}
#endif

#endif
