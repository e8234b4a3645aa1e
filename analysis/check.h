/* check.h - results held against a baseline: did anything get worse?
 *
 * (1) A gate is a figure of a label (or the area under a policy's curve), the direction in which it gets worse, and what may
 *     happen to it.  Better is reported and never fails; what is not known any more falls short.
 * (2) On the same days (same seeds, same sampling, same arrivals) nothing moves by chance: a gate with a tolerance falls short
 *     when the figure is worse by more than that.  It falls short on other days only when chance is ruled out, too.
 * (3) A statistical gate falls short when the figure is worse by more than the smallest effect that counts, and chance is
 *     ruled out on any days.
 * (4) Chance, for quality, quality_answered and areas on the same days: which questions were asked.  Differences question by
 *     question are paired, all seeds of a question together.  Where up to 200 of them moved, p is that of all their signs drawn
 *     anew (Fisher's randomisation test; of flips alone it is McNemar's exact one); else their mean is held against Student's t
 *     (cluster-robust, linearised).  For all else, and on other days: which days were met.  Same days: t of the differences
 *     seed by seed.  Other days: t of both sides' values by seed with their pooled variance, n + m - 2 degrees of freedom;
 *     for quality the variance is at least that between questions, for counts of requests at least their mean.  With one seed
 *     on a side, other days can't be told from a change.
 * (5) All tests of a check share one alpha by Holm's step-down (Scand. J. Stat. 6, 1979): the chance that any gate of it falls
 *     short by chance alone is below alpha.  A figure in which nothing at all moved is no test (Tarone, Biometrics 46, 1990:
 *     it could not have been significant).
 * (6) Figures closer than 1e-7 of their size are the same: sums in another order, another network backend.
 * (7) Gates that a scenario gives replace the defaults, which leave out labels that know the truth.  Of several rules that
 *     fit, the one with the most names wins: variant and label, label, variant, none; among equals the last.
 * (8) A question is right when its quality is 0.5 or more; a flip is right before and wrong now, or the other way round. */
#ifndef DUO_ANALYSIS_CHECK_H
#define DUO_ANALYSIS_CHECK_H

#include <stdio.h>

#include "analysis/baseline.h"

/* X(name, worse, default rule or ""): what can be gated.  worse: +1 higher, -1 lower.  Metrics of summary.h, and joules, the sum of
 * device, radio and cloud.  Areas are named area_ and one of these as the cost. */
#define DUO_GATES(X)                                                                                                        \
    X(quality,             -1, "statistical 0.005") X(failed,    +1, "0")    X(cloud_share, +1, "0.02")                     \
    X(ttft_p50,            +1, "5 %")   X(ttft_p99,         +1, "10 %")      X(e2e_p50,     +1, "5 %")  X(e2e_p99, +1, "10 %") \
    X(joules,              +1, "5 %")   X(dollars,          +1, "5 %")                                                      \
    X(quality_answered,    -1, "")      X(gain_over_mix,    -1, "")          X(oracle_share, -1, "")    X(answered, -1, "") \
    X(pending,             +1, "")      X(ttft_mean,        +1, "")          X(tpot_mean,   +1, "")     X(itl_p50,  +1, "") \
    X(e2e_mean,            +1, "")      X(joules_device,    +1, "")          X(joules_radio, +1, "")    X(joules_cloud, +1, "") \
    X(joules_device_radio, +1, "")      X(bytes_up,         +1, "")          X(bytes_down,  +1, "")     X(wasted_tokens, +1, "") \
    X(wasted_joules,       +1, "")      X(slo_share,        -1, "")          X(slo_ttft,    -1, "")     X(slo_e2e,  -1, "") \
    X(slo_tpot,            -1, "")      X(rounds,           +1, "")          X(grams,       +1, "")

enum duo_gate {
#define DUO_GATE_NAME(name, worse, rule) DUO_G_##name,
    DUO_GATES(DUO_GATE_NAME)
#undef DUO_GATE_NAME
    DUO_N_GATES
};
struct duo_gate_info { const char *name; int worse; const char *rule; };
extern const struct duo_gate_info duo_gate_info[DUO_N_GATES];

enum duo_gate_kind { DUO_GATE_OFF, DUO_GATE_TOLERANCE, DUO_GATE_STATISTICAL };

struct duo_gate_rule {
    const char *variant, *label;             /* NULL: every one.  Of an area: the policy */
    int    gate;                             /* enum duo_gate; of an area its cost */
    bool   area;
    enum duo_gate_kind kind;
    double amount;                           /* tolerance, or smallest effect */
    bool   relative;                         /* to what it was */
};

/* "quality", "area_dollars"; false: none. */
bool duo_gate_find(const char *name, int *gate, bool *area);
const char *duo_gate_nearest(const char *name);                      /* NULL: none is near */
/* The value of a rule: "off", "5 %", "0.02", "50 ms", "statistical", "statistical 0.005".  `number` reads a number with its unit. */
bool duo_gate_rule_parse(const char *text, bool (*number)(const char *, double *), struct duo_gate_rule *);

enum duo_verdict { DUO_HELD, DUO_BETTER, DUO_WORSE_HELD, DUO_FELL, DUO_LOST, DUO_UNTOLD, DUO_SHOWN };
extern const char *const duo_verdict_text[];     /* held, better, worse but held, fell short, not known any more, can't be told, not gated */

struct duo_gate_result {
    const char *variant, *label;             /* label: the policy for an area; borrowed from the baselines */
    char   name[64];
    struct duo_gate_rule rule;               /* kind OFF: shown only */
    int    worse;
    double was, is;                          /* NAN: not known */
    double moved, low, high;                 /* is - was, its 95 % interval (NAN: not known) */
    double p, limit;                         /* one-sided, of being no worse, and what it had to be at most (5); NAN: no test */
    double sees;                             /* statistical: what would have been told with 95 %; NAN: not known */
    enum duo_verdict verdict;
};

struct duo_lost { int64_t seed; int question; double was, is; };     /* seed -1: all */

struct duo_flips {                           /* of a label (8) */
    const char *variant, *label;
    int     questions, lost, won;            /* questions: with a quality on both sides */
    int     n_worst; struct duo_lost worst[20];      /* of the lost ones, the largest fall first */
};

struct duo_check_spec {
    const struct duo_gate_rule *rules; int n_rules;      /* 0: the defaults */
    double alpha;
    bool   part;                             /* only some labels were run (--only): others are not missed */
};

struct duo_check {
    bool   same_days, defaults, held;
    double alpha;
    int    n_tests;                          /* (5) */
    int n_gates;  struct duo_gate_result *gates;
    int n_flips;  struct duo_flips *flips;
    int n_notes;  char **notes;              /* labels that are new or gone, ... */
};

/* Both baselines must outlive the result. */
void duo_check_compare(struct duo_check *, const struct duo_baseline *was, const struct duo_baseline *is, const struct duo_check_spec *);
void duo_check_free(struct duo_check *);

/* Inputs that differ, by name: "arrivals", "policies.cascade is new".  `names` is the caller's, each to be freed. */
int duo_check_inputs(const struct duo_baseline *was, const struct duo_baseline *is, bool part, char ***names);

/* ---- what people and programs see */

struct duo_check_report {
    const struct duo_check    *check;
    const struct duo_baseline *was, *is;
    const char *file;                        /* of the baseline */
    char **changed; int n_changed;           /* inputs */
    bool accepted;                           /* compared all the same */
    const char *broken;                      /* why nothing could be compared: a run failed; NULL: it could */
    char *(*question)(void *arg, int question);          /* its id in its file, to be freed; may be NULL */
    void *arg;
};

void duo_check_print(FILE *, const struct duo_check_report *);
void duo_check_json(FILE *, const struct duo_check_report *);
void duo_check_junit(FILE *, const struct duo_check_report *);

#endif
