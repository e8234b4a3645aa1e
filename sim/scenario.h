/* scenario.h - a scenario file, read strictly, as plain structs in SI units.
 *
 * (1) YAML by libyaml.  An unknown key is an error with line, column and the nearest known key; so is a
 *     key given twice, a value of the wrong dimension, out of range, NaN.
 * (2) `--set a.b=c` and a variant's overrides are laid over the tree before it is read: maps merge, all
 *     else is replaced.  List items are addressed by index (`places.1.replicas=2`) or, where they have
 *     names, by name (`places.cloud.replicas=2`).
 * (3) Paths are relative to the scenario's file; `$DUOSIM_DATA/...` is replaced from the environment (that folder, or the
 *     folder data in it).
 * (4) Every error is a struct duo_err with DUO_BAD_INPUT.
 * (5) What has a default is filled in; what isn't given and has none says so. */
#ifndef DUO_SIM_SCENARIO_H
#define DUO_SIM_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "models/answers/answers.h"
#include "models/cost/cost.h"
#include "sim/base/err.h"
#include "sim/connection.h"
#include "traces/arrivals/arrivals.h"

struct duo_where { int line, column; };                      /* in scenario->file; 0: a default */

struct duo_arrivals_spec {
    enum duo_arrival_kind kind;       /* process: poisson | gamma | uniform | at_once, or trace: FILE */
    double  rate;                     /* requests/s */
    double  cv;                       /* gamma: coefficient of variation of the gaps */
    int64_t requests;                 /* at most; 0: as many as the trace has */
    char   *trace, *format;           /* NULL format: found from the file */
    double  rate_scale;               /* trace: gaps divided by it; 1 */
    bool    trace_lengths;            /* lengths: trace, or FILE; else answers */
    char   *lengths;                  /* that file, a trace whose rows give tokens, over and over; NULL: the trace's own */
    bool    shuffle;                  /* queries: in_order | shuffle */
    double  speech;                   /* tokens/s at which prompts are spoken; 0: they come at once */
    double  piece;                    /* s */
    bool    as_spoken;                /* prefill: at_end | as_spoken */
    double  think;                    /* sessions: mean s from an answer to the next turn (exponential) */
    struct duo_where at;
};

struct duo_device_spec {
    char   *name;                     /* default: "device", or "device1", ... */
    double  share;
    int64_t count;
    char   *hardware, *model, *quant;
    char   *runtime, *measured;       /* NULL: the hardware's usual one; a file, NULL: none */
    int     slots;                    /* sequences at once; 1 */
    double  battery;                  /* J; INFINITY: mains */
    double  charge;                   /* W that flow into the battery; 0 */
    double  background;               /* share of its compute that others take; 0 */
    bool    cold;                     /* load: warm | cold: the model must be loaded first */
    double  load_seconds;             /* load_time: NAN: the cost model's */
    int     priority;                 /* of its requests, where a place goes by it: the least first */
    char   *region;                   /* of the carbon table; NULL: not given */
    double  energy_price;             /* $/J; NAN: not given */
    int     n_over; struct duo_constant *over;     /* cost: {KEY: value} */
    struct duo_where at;
};

struct duo_line_spec {                /* one direction of a link */
    double  rate;                     /* B/s, INFINITY: no limit */
    char   *trace, *format;           /* capacity trace instead */
    bool    random_offset;            /* offset: random | 0; a random start per cell */
    struct duo_where at;
};

/* Of each message, drawn by a law; or over time, by a trace.  `mean` is NAN until the trace is read. */
struct duo_rtt_spec {
    double mean;                      /* s */
    struct duo_length_law law;        /* s */
    char  *trace; bool random_offset;
};

struct duo_outage { double from, to; int64_t cell; bool wan; };    /* s; cell -1: all */

struct duo_cells_spec {
    int64_t count;
    struct duo_line_spec up, down;
    struct duo_rtt_spec rtt;          /* device to the cell's base and back */
    double  jitter;                   /* s: each message's delay is rtt/2 + exponential of this mean; 0 */
    double  loss;                     /* of segments: (4) of connection.h */
    char   *radio;                    /* catalogue name, or NULL: no radio energy is known */
    double  joules_up, joules_down;   /* J/byte, instead of a radio; NAN: not given */
    double  price;                    /* $/B that a device sends and receives; NAN: not given */
    int     n_outages; struct duo_outage *outages;  /* outages: [ {from: 10 s, to: 12 s, cell: 3} ] */
    struct duo_where at;
};

struct duo_wan_spec { struct duo_line_spec up, down; struct duo_rtt_spec rtt; double loss; };   /* between the cells and the cloud, shared by all */

struct duo_transport_spec {
    double message;                   /* framing bytes of a message (headers, an event, an order); 300 */
    double token;                     /* framing bytes of a streamed token; 60 */
    enum duo_protocol protocol;       /* NONE: trips as given */
    enum duo_opening  first, again;   /* a device's first message to a site; after `idle` */
    double trips, trips_again;        /* round trips to open a connection before a device's first message to a site; after `idle` */
    double idle;                      /* s after which a connection is closed; INFINITY */
    int    window;                    /* first window, segments; 0: no limit */
    double segment;                   /* bytes */
    double timeout;                   /* s; of a lost segment, and of a window in silence */
    bool   fifo;                      /* a device's own messages go one after the other */
    double detect;                    /* s until a dead link is noticed; 3 */
};

enum duo_site { DUO_SITE_DEVICE, DUO_SITE_EDGE, DUO_SITE_CLOUD, DUO_SITE_API, DUO_SITES };

/* How a place with several replicas gives out work that has nothing resident at any of them (balancer.c). */
#define DUO_BALANCERS(X) X(LEAST_LOADED, "least_loaded") X(ROUND_ROBIN, "round_robin") X(POWER_OF_TWO, "power_of_two") X(PREFIX_AWARE, "prefix_aware")
enum duo_balancer {
#define X(name, text) DUO_##name,
    DUO_BALANCERS(X)
#undef X
    DUO_BALANCER_END
};

struct duo_place_spec {               /* beside each request's own device, which is place 0 */
    char   *name;
    enum duo_site site;
    char   *hardware, *model, *quant;
    char   *runtime, *measured;       /* as a device's */
    int     tensor_parallel, pipeline_parallel, replicas;
    int     most_replicas;            /* replicas: 1..8; the same as `replicas`: fixed */
    double  scale_up, scale_down, cold_start;       /* see scale.h; cold_start NAN: the load time of the weights */
    char   *api;                      /* a row of the price table; NULL: not given */
    struct duo_length_law ttft, rate; /* of an API, s and tokens/s; `a` 0: the catalogue's */
    double  limit, burst;             /* calls/s, INFINITY: none; calls, 0: a minute's */
    double  errors, backoff, cache;   /* share of the calls; s; s that a prefix is kept */
    int     retries;
    char   *region;                   /* of the carbon table; NULL: not given */
    int     slots;                    /* batch: sequences at once */
    int     budget;                   /* tokens an iteration; 2048 */
    int     chunk;                    /* of them, of one prompt; 0: no limit */
    int     block;                    /* tokens a block of KV; 16 */
    bool    by_priority;              /* scheduling: fcfs | priority */
    bool    no_prefix_cache;          /* prefix_cache: true | false */
    int     balancer;                 /* enum duo_balancer */
    double  kv_tokens;                /* overrides memory; 0: from memory */
    double  rtt;                      /* from its site's edge; added */
    double  background;               /* load: 0..1 of the place's slots taken by others; 0 */
    int     n_over; struct duo_constant *over;
    struct duo_where at;
};

struct duo_role { char *place, *voice; struct duo_where at; };
struct duo_score_file { char *name, *file, *column; double seconds; struct duo_where at; };   /* scorers: {NAME: {file, column, seconds}} */

struct duo_answers_spec {
    enum { DUO_ANSWERS_SYNTHETIC, DUO_ANSWERS_RECORDED, DUO_ANSWERS_EXECUTED } kind;
    struct duo_synthetic_spec synthetic;
    struct duo_recorded_spec  recorded;
    struct duo_executed_spec  executed;
    unsigned fill;                    /* enum duo_cap */
    struct duo_synthetic_spec fill_spec;
    int n_roles;  struct duo_role *roles;      /* place or device name -> voice; a place without one is refused when a policy uses it */
    int n_scores; struct duo_score_file *scores;
    struct duo_where at;
};

struct duo_param {                    /* of a policy: a scalar as written */
    char *key, *value;
    struct duo_where at;
};

struct duo_policy_spec {
    char *use;                        /* built-in's name; "./mine.so"; "mix"; "pipe:COMMAND" */
    int   n_command; char **command;  /* pipe: the program and its words, then a NULL; 0: no pipe */
    bool  here;                       /* pipe: it runs where we are (command line), not in the scenario's folder */
    char *label;                      /* as:, or the name */
    char *of;                         /* mix: the label whose cloud share it takes */
    int   seat;                       /* seat: device | gateway; -1: the policy's own */
    int   n_params; struct duo_param *params;
    struct duo_where at;
};

/* "cascade.quality: >= edge_only.quality", "failed: 0", "e2e_p50: 1 s .. 2 s" (all labels when none is named) */
struct duo_expect {
    char  *label, *column;            /* NULL label: every label */
    enum duo_bound { DUO_EQ, DUO_LE, DUO_GE, DUO_LT, DUO_GT, DUO_BETWEEN } op;
    double low, high;                 /* value in low, or the range; NAN: compared with another cell */
    char  *other_label, *other_column;/* that cell, times `factor`; NULL other_label: the same row's */
    double factor;
    char  *variant;                   /* NULL: every variant */
    struct duo_where at;
};

/* "cascade.e2e_p99: 10 %", "quality: statistical 0.005", "lte/mix.quality: off": see analysis/check.h */
struct duo_check_rule {
    char  *variant, *label, *column;  /* NULL variant, label: every one; of an area the policy */
    int    gate, kind;                /* enum duo_gate, enum duo_gate_kind */
    bool   area, relative;
    double amount;
    struct duo_where at;
};

struct duo_file_named { char *key, *path; };                /* a file that the scenario names: "arrivals.trace" */

struct duo_assumed { char *name; size_t at; };             /* a default without a source: "transport.message", the double at this offset */

struct duo_scenario {
    char *file, *name, *variant;      /* variant: its name, or "" */
    char *note;                       /* free text */
    uint64_t *seeds; int n_seeds;
    struct duo_arrivals_spec  arrivals;
    int n_devices; struct duo_device_spec *devices;
    struct duo_cells_spec     cells;
    struct duo_wan_spec       wan;
    struct duo_transport_spec transport;
    int n_places;  struct duo_place_spec *places;       /* "cloud" is always among them and comes first */
    struct duo_answers_spec   answers;
    int n_policies; struct duo_policy_spec *policies;
    bool   reserved;                  /* money: reserved | used, of replicas of our own */
    double status;                    /* s between a place's published figures (view); 1 */
    double until;                     /* s; INFINITY: drain */
    double warmup;                    /* s of arrivals left out of the means; 0 */
    double feedback_share, feedback_delay;   /* of the answers whose quality becomes known at the seat; s after the answer */
    int    max_tokens;                /* of an answer; 0: no limit */
    int    fluid_above;               /* --net auto: flows in flight that call for fluid; 1500 */
    double slo_ttft, slo_e2e, slo_tpot;   /* s; INFINITY: none */
    int n_check; struct duo_check_rule *check;          /* of the file, as expect is */
    double check_alpha;
    int n_files; struct duo_file_named *files;
    int n_assumed; struct duo_assumed *assumed;         /* defaults that hold here: the file says nothing else */
    int n_expect; struct duo_expect *expect;            /* all of the file, those of other variants, too */
    char *text;                       /* the file with the variant and --set applied, canonical YAML: stored in the database */
};

struct duo_plan { int n_variants; struct duo_scenario *variants; };   /* at least one */

/* Read `file`; apply settings, "a.b=c" each; one scenario per variant. */
enum duo_status duo_plan_read(struct duo_plan *, const char *file, const char *const *set, int n_set, struct duo_err *);
void            duo_plan_free(struct duo_plan *);

/* A policy from the command line: "cascade", "./mine.so", "cascade:floor=0.8,as=c8", "pipe:python3 mine.py,floor=0.8". */
enum duo_status duo_policy_spec_parse(struct duo_policy_spec *, const char *text, struct duo_err *);
void            duo_policy_spec_free(struct duo_policy_spec *);
/* The same, added to every variant; its label must be new. */
enum duo_status duo_plan_add_policy(struct duo_plan *, const char *text, struct duo_err *);

/* A path as written in the scenario `scenario` (its file's name), ready to open: (3).  *out is the caller's; or
 * DUO_BAD_INPUT and `why`. */
enum duo_status duo_scenario_path(const char *scenario, const char *path, char **out, char *why, size_t n);

/* Every key of the schema with its dimension and default, as documentation: printed by `duosim scenarios --keys`. */
void duo_scenario_keys(FILE *);

#endif
