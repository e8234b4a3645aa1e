/* summary.h - one row a variant and policy label: what its runs over all seeds say, with 95 % intervals.
 *
 * (1) Quality, shares and amounts are over all requests that arrived after the warm-up: a failed or pending one
 *     has quality 0.  `quality_answered` is over the answered ones; so are all latencies, and they say so.
 * (2) What is not known of one request is not known of the row: NULL here, null in JSON, never a zero.
 * (3) Requests of all seeds count alike (with equal numbers a seed that is the mean over seeds); counts are a
 *     run's: the mean over seeds.
 * (4) gain_over_mix = quality - ((1 - p) quality_weak + p quality_strong), p the row's share of cloud calls.
 *     oracle_share = (quality - mix) / (oracle - mix), the oracle having the same share in each seed and calling
 *     the cloud where that helps most; NULL when the oracle is no better than the mix.
 * (5) Intervals: stats.h.  Clusters are sessions, where there are any, else questions.  Above 20,000 requests a
 *     row, they are put into 4,096 random groups, and percentiles are resampled by Bahadur's representation
 *     (Bahadur 1966, Ann. Math. Stat. 37(3)).  Column `method` names it.
 * (6) Differences are taken between labels of a variant over the seeds that both finished, with the same draws.
 * (7) Dollars: each request's own, and its equal share of what the run reserved (run.dollars_reserved): under
 *     reservation a policy that never calls the cloud pays for it, too. */
#ifndef DUO_ANALYSIS_SUMMARY_H
#define DUO_ANALYSIS_SUMMARY_H

#include <sqlite3.h>
#include <stdint.h>

#include "sim/base/err.h"

/* X(name, over, unit, title, what): over C count, A all that arrived, N answered ones, S once a seed. */
#define DUO_METRICS(X)                                                                                          \
    X(requests,         C, "",      "requests",       "arrived after the warm-up, a run")                       \
    X(answered,         C, "",      "answered",       "of them, answered")                                      \
    X(failed,           C, "",      "failed",         "of them, failed")                                        \
    X(pending,          C, "",      "pending",        "of them, neither at the end")                            \
    X(quality,          A, "",      "quality",        "mean; failed and pending count 0")                       \
    X(quality_answered, N, "",      "quality answered", "mean of the answered")                                 \
    X(gain_over_mix,    A, "",      "over mix",       "quality above random choice with the same cloud share")  \
    X(oracle_share,     A, "",      "oracle share",   "that gain as a share of the best possible one")          \
    X(cloud_share,      A, "",      "cloud share",    "requests that a place other than the device worked for") \
    X(ttft_mean,        N, "s",     "TTFT mean",      "time to first token, mean")                              \
    X(ttft_p50,         N, "s",     "TTFT p50",       "time to first token, median")                            \
    X(ttft_p99,         N, "s",     "TTFT p99",       "time to first token, 99th percentile")                   \
    X(tpot_mean,        N, "s",     "TPOT mean",      "time per token after the first, mean")                   \
    X(itl_p50,          S, "s",     "ITL p50",        "gap between tokens on the screen, median of a run")      \
    X(e2e_mean,         N, "s",     "E2E mean",       "arrival to the whole answer, mean")                      \
    X(e2e_p50,          N, "s",     "E2E p50",        "arrival to the whole answer, median")                    \
    X(e2e_p99,          N, "s",     "E2E p99",        "arrival to the whole answer, 99th percentile")           \
    X(joules_device,    A, "J",     "J device",       "energy of the device's compute, a request")              \
    X(joules_radio,     A, "J",     "J radio",        "energy of its radio, a request")                         \
    X(joules_cloud,     A, "J",     "J cloud",        "energy beyond the device, a request")                    \
    X(dollars,          A, "$",     "$",              "money, a request, in dollars_regime")                    \
    X(bytes_up,         A, "B",     "B up",           "sent by the device, a request")                          \
    X(bytes_down,       A, "B",     "B down",         "received by the device, a request")                      \
    X(wasted_tokens,    A, "",      "wasted tokens",  "written and not in the answer, a request")               \
    X(wasted_joules,    A, "J",     "wasted J",       "of steps that came to nothing, a request")               \
    X(slo_share,        A, "",      "in SLO",         "answered within every limit given")                      \
    X(slo_ttft,         A, "",      "in TTFT SLO",    "answered within the limit on TTFT")                      \
    X(slo_e2e,          A, "",      "in E2E SLO",     "answered within the limit on E2E")                       \
    X(slo_tpot,         A, "",      "in TPOT SLO",    "answered within the limit on TPOT")                      \
    X(joules_device_radio, A, "J",  "J device+radio", "joules_device + joules_radio: what the user's device pays") \
    X(rounds,           A, "",      "rounds",         "verifications, a request")                                \
    X(grams,            A, "g",     "g CO2e",         "greenhouse gas of its joules, a request, as CO2")

enum duo_metric {
#define DUO_METRIC_NAME(name, over, unit, title, what) DUO_M_##name,
    DUO_METRICS(DUO_METRIC_NAME)
#undef DUO_METRIC_NAME
    DUO_N_METRICS
};

struct duo_metric_info { const char *name; char over; const char *unit, *title, *what; };
extern const struct duo_metric_info duo_metric_info[DUO_N_METRICS];
int duo_metric_find(const char *name);                   /* -1: none */

/* What the scenario says of a variant and no run does.  NAN: not given. */
struct duo_variant_facts {
    char   variant[256];
    double slo_ttft, slo_e2e, slo_tpot;                  /* s; INFINITY counts as not given */
    double rtt;                                          /* s, device to the cloud and back, as the scenario has it */
};

/* Compute and store: tables variant, label, metric, metric_seed, paired and the views.  What was there of them
 * is replaced.  In the caller's transaction, where one is open. */
enum duo_status duo_summary_write(sqlite3 *, const struct duo_variant_facts *, int n, struct duo_err *);

/* X(name, what): text of a row, from its runs */
#define DUO_LABEL_TEXTS(X)                                                                                      \
    X(variant) X(label) X(policy) X(params) X(net) X(answers) X(dollars_regime)                                 \
    X(provenance_time) X(provenance_energy) X(provenance_money) X(provenance_quality) X(provenance_signals) \
    X(rests_on) X(domain)

struct duo_summary_row {
#define DUO_LABEL_TEXT(name) char name[256];
    DUO_LABEL_TEXTS(DUO_LABEL_TEXT)
#undef DUO_LABEL_TEXT
    bool    cheats;
    int     seeds, failed_runs;                          /* runs done, runs not */
    int64_t seed;                                        /* by seed: which */
    double  value[DUO_N_METRICS], low[DUO_N_METRICS], high[DUO_N_METRICS];   /* NAN: not known */
};

struct duo_pair_row {                                    /* difference = a - b */
    char   variant[256], a[256], b[256];
    int    metric;
    double difference, low, high;
};

struct duo_failed_run { char variant[256], label[256]; int64_t seed; char reason[256]; };

struct duo_summary {
    int n;          struct duo_summary_row   *rows;      /* in the order of the scenario */
    int n_by_seed;  struct duo_summary_row   *by_seed;   /* one a run that was done; without intervals */
    int n_pairs;    struct duo_pair_row      *pairs;
    int n_failed;   struct duo_failed_run    *failed;
    int n_variants; struct duo_variant_facts *variants;
};

enum duo_status duo_summary_read(struct duo_summary *, sqlite3 *, struct duo_err *);
void            duo_summary_free(struct duo_summary *);

const struct duo_summary_row *duo_summary_find(const struct duo_summary *, const char *variant, const char *label);
/* Of a - b in either order; false when there is none. */
bool duo_summary_pair(const struct duo_summary *, const char *variant, const char *a, const char *b, int metric,
                      struct duo_pair_row *);
/* Whose quality is not of a real model: synthetic or assumed. */
bool duo_summary_assumed(const struct duo_summary_row *);

#endif
