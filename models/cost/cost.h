/* cost.h - how long, how much: the contract between the simulator and every cost model.
 *
 * One iteration of a model at a place runs a batch of items (sequence, new tokens, cached
 * tokens): a prefill chunk, a decode step (new = 1), a verification (new = draft + 1), or a
 * part of the layers.  An item becomes a struct duo_load; loads add up; the sum is priced.
 *
 * All fields of a load are whole numbers in doubles, so adding and removing items is exact
 * and a sum kept over a long run equals the sum made afresh.
 *
 * Time and joules of an iteration are affine in `context` and `pairs` once the rest is fixed:
 *     seconds = base(load without context) + per_context * context
 * so the k-th iteration after a batch change, every decode item one token longer each time,
 * ends at t0 + k a + b k (k - 1) / 2 with a = seconds and b = per_context * growth.
 * SI units; amounts are for one replica (all its GPUs together). */
#ifndef DUO_MODELS_COST_H
#define DUO_MODELS_COST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/err.h"

/* How well sourced a number is; a result carries the weakest of what it rests on. */
#define DUO_PROVENANCES(X) X(MEASURED, "measured") X(RECORDED, "recorded") X(DOCUMENTED, "documented") \
                           X(FITTED, "fitted") X(ASSUMED, "assumed")
enum duo_provenance {
#define X(name, text) DUO_##name,
    DUO_PROVENANCES(X)
#undef X
    DUO_PROVENANCE_END
};
const char *duo_provenance_text(enum duo_provenance);

struct duo_load {
    double items;              /* sequences in the iteration */
    double tokens;             /* new tokens x layers they pass */
    double context;            /* KV tokens read x layers: cached + new, at most the window, summed over the items */
    double pairs;              /* (new token, position it attends to) x layers; equals context when new is 1 */
    double logits;             /* rows through the LM head (and exit heads) */
};

/* With each further token the context grows by `per_token`, for `tokens` of them (INFINITY: to the end); then ask again.
 * Without sliding windows: as many as it has layers, for ever. */
struct duo_growth { double per_token, tokens; };

struct duo_price {             /* of one iteration */
    double seconds;            /* with the load as it is */
    double per_context;        /* more seconds for each unit of context (decode: context and pairs grow together) */
    double joules;             /* busy energy above nothing: static, memory and compute together */
    double joules_per_context;
};

/* What is fixed of a model at a place. */
struct duo_facts {
    char   model[64], hardware[64], quant[32], runtime[32];
    char   class[32];          /* of the hardware, as the catalogue has it: what validated domains are told by; "": none */
    double parameters;         /* of the model, all of them; NAN: not known (an API) */
    int    gpus;               /* accelerators a replica; 0: counts as 1 */
    int    layers, context, vocabulary, width;      /* context: tokens at most */
    double kv_bytes;           /* a token, all layers */
    double weight_bytes;
    double activation_bytes;   /* peak of an iteration at the budget */
    double runtime_bytes;      /* what the runtime keeps for itself (contexts, graphs, collectives' buffers) */
    double total_bytes;        /* memory of the replica */
    double memory_bytes;       /* for KV: total x utilisation - weights - activations - runtime */
    double id_bytes;           /* a token id on the wire */
    double hidden_bytes;       /* a hidden state on the wire, one position */
    double logit_bytes;        /* one logit with its id on the wire (top-k) */
    double idle_watts;         /* while nothing runs; host share and PUE included, as in all joules here */
    double busy_watts;         /* typical while working: for a policy's think time */
    double dollars_in, dollars_cached, dollars_out;  /* a token, API list price; NAN: none */
    double dollars_second;     /* of the replica; NAN: none */
    char   dollars_regime[96]; /* "api list price 2026-08", "gpu seconds used, priced by SOURCE (May 2026)", "none" */
    double load_seconds;       /* weights from storage; NAN: not known */
    double start_seconds;      /* each job waits so long in its slot, without keeping others (an API server's work on a request) */
    bool   ahead;              /* an iteration is decided on while the one before runs */
    double throttle_share;     /* speed when hot, as a share; NAN: never slows */
    double throttle_heat, throttle_cool;   /* s of work until it is hot; s of rest from hot to cold */
    enum duo_provenance time, energy, money;
    char   rests_on[160];      /* the weakest constants of the seconds, for people: "layer (apple, llama.cpp): fitted" */
};

/* Where an iteration's seconds go, for `duosim estimate`.  `bound`: what most of them are. */
#define DUO_BOUNDS(X) X(COMPUTE, "compute") X(BANDWIDTH, "bandwidth") X(OVERHEAD, "overhead") X(NETWORK, "communication") X(API, "api")
enum duo_bound_by {
#define X(name, text) DUO_BOUND_##name,
    DUO_BOUNDS(X)
#undef X
    DUO_BOUND_END
};
struct duo_terms { double flop, weight_bytes, kv_bytes; double gemm, attention, head, collectives, overhead; enum duo_bound_by bound; };

/* An attachment's work at a place: encoder seconds and joules, and the tokens it becomes. */
enum duo_attachment_kind { DUO_NO_ATTACHMENT, DUO_IMAGE, DUO_AUDIO, DUO_DOCUMENT };
struct duo_encoding { double seconds, joules; int tokens; };

struct duo_cost {
    struct duo_facts facts;
    const struct duo_cost_kind {
        const char *name;
        /* The load of one item: `fresh` new tokens after `cached` ones through layers [from, to), with
         * `logits` rows.  *growth: how its context goes on. */
        struct duo_load  (*item)(const struct duo_cost *, double fresh, double cached, int from, int to, double logits, struct duo_growth *growth);
        /* The price of a batch whose items touch layers [from, to) together. */
        struct duo_price (*price)(const struct duo_cost *, const struct duo_load *, int from, int to);
        void (*explain)(const struct duo_cost *, const struct duo_load *, int from, int to, struct duo_terms *);
        struct duo_encoding (*encode)(const struct duo_cost *, enum duo_attachment_kind, double bytes);
        void (*free)(struct duo_cost *);
    } *kind;
};

/* Where a place gets its constants: names of the catalogue, with what the scenario overrides. */
struct duo_cost_spec {
    const char *model, *hardware, *quant;      /* catalogue names; a model may be the path of a GGUF file */
    const char *runtime;                       /* vllm, llama.cpp, ...; NULL: the hardware's usual one */
    int         tensor_parallel, pipeline_parallel;    /* 0: 1 */
    int         sequences, budget;             /* a replica's, for the activations' peak; 0: 1 and 512 */
    const char *measured;                      /* a table of measured iterations laid over the model (measured.c); NULL: none */
    const char *file;                          /* of the scenario, for messages */
    int         line;
    int         n_over;                        /* constants set in the scenario: KEY = value, SI */
    const struct duo_constant { const char *key; double value; int line, column; } *over;
};

/* The catalogue: CSV files in `dir` and, laid over them row by row, in each of `layers` (--catalogue DIR). */
struct duo_catalogue;
enum duo_status duo_catalogue_open(struct duo_catalogue **, const char *dir, struct duo_err *);
enum duo_status duo_catalogue_layer(struct duo_catalogue *, const char *dir, struct duo_err *);
void            duo_catalogue_free(struct duo_catalogue *);
/* Names for lists and messages; `which`: "hardware", "models", "quants", "radios", "prices", "carbon", "runtimes". */
int             duo_catalogue_names(const struct duo_catalogue *, const char *which, const char *const **names);
/* One row for reading, every value with unit, status, source; name NULL: one line for each.  DUO_BAD_INPUT names the nearest. */
enum duo_status duo_catalogue_print(const struct duo_catalogue *, const char *which, const char *name, FILE *, bool json, struct duo_err *);

/* From now on every assumed and fitted value is drawn from its interval, log-uniform by hash(draw, table, row, key):
 * the same draw wherever the value is used.  0: the values themselves. */
void duo_catalogue_draw(struct duo_catalogue *, uint64_t draw);
/* That constant alone at `value`, all others as they are; `name` as duo_catalogue_drawn has it, another one changes nothing. */
void duo_catalogue_move(struct duo_catalogue *, const char *name, double value);
/* What was read since the catalogue was opened and can be drawn: "hardware/h100-sxm/idle_watts". */
struct duo_drawn { const char *name; double value, low, high, drawn; enum duo_provenance status; };
int  duo_catalogue_drawn(const struct duo_catalogue *, const struct duo_drawn **);
/* What was looked up since it was opened, "hardware/h100-sxm" or "runtimes/SCOPE/RUNTIME", each with a hash of the numbers that cost
 * models read: for telling that they changed.  Returns how many; the caller frees each name and the array. */
struct duo_used { char *name; uint64_t hash; };
int  duo_catalogue_used(const struct duo_catalogue *, struct duo_used **);

/* A cost model for a place.  A name that is missing names the nearest; a model that doesn't fit the
 * memory is refused with the arithmetic.  The caller frees it with cost->kind->free. */
enum duo_status duo_cost_new(struct duo_cost **, const struct duo_catalogue *, const struct duo_cost_spec *, struct duo_err *);

/* DUO_BAD_INPUT, with the point and the grid, when the model has a measured table and this iteration lies outside. */
enum duo_status duo_measured_holds(const struct duo_cost *, double batch, double tokens, double context, struct duo_err *);

/* Every constant that such a model takes, one a line: name, value, unit, status, source. */
enum duo_status duo_cost_sources(FILE *, const struct duo_catalogue *, const struct duo_cost_spec *, struct duo_err *);

/* Grams of CO2e a joule of a region's electricity; a region that is not in the catalogue names the nearest. */
struct duo_carbon { double grams_joule; enum duo_provenance status; char date[16]; };
enum duo_status duo_carbon_find(const struct duo_catalogue *, const char *region, const char *file, int line, struct duo_carbon *out, struct duo_err *);

/* The same model where others take `share` of the compute (slowed.c); owns the one it is given. */
struct duo_cost *duo_cost_slowed(struct duo_cost *, double share);

/* The radio of a device (radio.c): power by state, joules a byte on top.  A transfer is: wake until it is 0 s, begin, end.
 * Each returns joules, which are the caller's to pay: promotion and a whole tail ahead, what was not used of a tail back
 * (negative), the bytes and the share of the active time.  `mark` is the transfer's own.  The state is the device's:
 * zeroed, 24 bytes. */
struct duo_radio {
    char   name[32];
    double joules_byte_up, joules_byte_down;       /* W per B/s on top of active_watts */
    double active_watts;                           /* while anything is carried */
    double tail_watts, tail_seconds;               /* after the last transfer; then it is idle */
    double promotion_watts, promotion_seconds;     /* from idle until it can send */
    enum duo_provenance time, energy;
};
struct duo_radio_state { double since, share; uint32_t active, used; };
enum duo_status duo_radio_find(const struct duo_catalogue *, const char *name, const char *file, int line, struct duo_radio *, struct duo_err *);
double duo_radio_wake (const struct duo_radio *, struct duo_radio_state *, double now, double *joules);    /* s until it is ready */
double duo_radio_begin(const struct duo_radio *, struct duo_radio_state *, double now, double *mark);
double duo_radio_end  (const struct duo_radio *, struct duo_radio_state *, double now, double mark, double bytes_up, double bytes_down);

#endif
