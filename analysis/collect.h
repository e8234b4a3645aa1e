/* collect.h - the request table read once, row by row, into sums by cluster.
 *
 * Everything that a mean needs is a sum over a cluster (stats.h); only TTFT, E2E and what the cloud would have
 * gained are kept request by request, for percentiles and the oracle.  For this room's own files. */
#ifndef DUO_ANALYSIS_COLLECT_H
#define DUO_ANALYSIS_COLLECT_H

#include "analysis/summary.h"

/* X(name, count it is divided by, itself for a count).  QUALITY counts everybody; ANSWERED_QUALITY the answered.  ORACLE and the
 * four percentiles are filled in when the whole row is known (estimate.c). */
#define DUO_SUMS(X)                                                                                             \
    X(N, N) X(N_QUALITY, N_QUALITY) X(N_TTFT, N_TTFT) X(N_TPOT, N_TPOT) X(N_E2E, N_E2E)                         \
    X(QUALITY, N) X(ANSWERED_QUALITY, N_QUALITY) X(WEAK, N) X(STRONG, N) X(CLOUD, N)                            \
    X(TTFT, N_TTFT) X(TPOT, N_TPOT) X(E2E, N_E2E)                                                               \
    X(JOULES_DEVICE, N) X(JOULES_RADIO, N) X(JOULES_CLOUD, N) X(DOLLARS, N) X(BYTES_UP, N) X(BYTES_DOWN, N)     \
    X(WASTED_TOKENS, N) X(WASTED_JOULES, N) X(ROUNDS, N) X(GRAMS, N)                                            \
    X(SLO, N) X(SLO_TTFT, N) X(SLO_E2E, N) X(SLO_TPOT, N) X(ORACLE, N)                                          \
    X(TTFT_P50, TTFT_P50) X(TTFT_P99, TTFT_P99) X(E2E_P50, E2E_P50) X(E2E_P99, E2E_P99)

enum duo_sum {
#define DUO_SUM_NAME(name, count) DUO_S_##name,
    DUO_SUMS(DUO_SUM_NAME)
#undef DUO_SUM_NAME
    DUO_N_SUMS
};

struct duo_pick { double value; int32_t slot; };         /* one request's, and its cluster */
struct duo_picks { struct duo_pick *at; size_t n, room; };
void duo_picks_sort(struct duo_pick *, size_t n);        /* ascending by value */

struct duo_run_sums {                                    /* one run */
    int64_t id, seed;
    int     row;                                         /* index of its row (variant, label) */
    bool    done;
    double  itl_p50;
    double  reserved;                                    /* $ that each request bears of what is reserved; 0 */
    int64_t answered, failed, pending;
    int     n_slots;                                     /* clusters */
    int32_t *key;                                        /* of each slot, below `cap` */
    double (*sums)[DUO_N_SUMS];                          /* of each slot */
    double  total[DUO_N_SUMS];
    int64_t unknown[DUO_N_SUMS];                         /* rows that should have had a value and have none */
    struct duo_picks ttft, e2e, gain;                    /* gain: strong - weak where above 0 */
};

struct duo_collect_row {                                 /* one (variant, label) */
    struct duo_summary_row text;
    int  variant;
    int  n_runs, *runs;                                  /* all of them, done or not, in order of id */
};

struct duo_collect_variant {
    struct duo_variant_facts facts;
    int     n_rows, *rows;
    int32_t cap;                                         /* clusters at most, a run */
    bool    large, finished;
    int64_t last_run;
};

struct duo_collect {
    sqlite3 *db;
    int n_runs;     struct duo_run_sums        *runs;
    int n_rows;     struct duo_collect_row     *rows;
    int n_variants; struct duo_collect_variant *variants;
};

enum { DUO_EXACT_ROWS = 20000, DUO_GROUPS = 4096, DUO_MAX_CLUSTERS = 65536 };

/* Read the table run. */
enum duo_status duo_collect_open(struct duo_collect *, sqlite3 *, const struct duo_variant_facts *, int n, struct duo_err *);
/* Read the table request; `each` is called for a variant when its last run is complete (again, when the rows turn
 * out to be mixed and are read a second time); what its runs hold is freed afterwards. */
enum duo_status duo_collect_requests(struct duo_collect *,
                                     enum duo_status (*each)(struct duo_collect *, int variant, void *, struct duo_err *),
                                     void *, struct duo_err *);
void            duo_collect_free(struct duo_collect *);

extern const enum duo_sum duo_sum_count[DUO_N_SUMS];     /* what each is divided by */

/* Statement or failure with SQLite's words. */
enum duo_status duo_sql_prepare(sqlite3_stmt **, sqlite3 *, const char *sql, struct duo_err *);
enum duo_status duo_sql_run(sqlite3 *, const char *sql, struct duo_err *);
enum duo_status duo_sql_failed(sqlite3 *, struct duo_err *);

#endif
