/* validate.h - what the gates of `duosim validate` share: data found by layout, robust fits, verdicts.
 *
 * A gate holds predictions against measurements and adds one verdict for each group that it judges by a mark of its own.
 * Nothing here knows a device, a model or a value of any measurement. */
#ifndef DUO_APP_VALIDATE_H
#define DUO_APP_VALIDATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "models/cost/catalogue.h"
#include "models/cost/cost.h"

/* ---- verdicts (validate_report.c) ---- */

struct duo_case { char what[120]; double measured, predicted; bool inside; };    /* inside: the prediction's constants never saw its device or model */

struct duo_verdict {
    const char *gate;
    char   group[48], data[1024], metric[48], unit[16], fitted_on[160], domain[200];
    double mark;                             /* as a share; NAN: none is set */
    int    n, room;
    struct duo_case *cases;
    double median, p90, bias;                /* of |predicted / measured - 1|; bias: median of predicted / measured - 1 */
};

struct duo_report {
    int n, room;
    struct duo_verdict **verdict;            /* each by itself: pointers stay */
    int n_notes, notes_room;
    struct duo_note { const char *gate; char text[300]; } *note;       /* what was skipped, or not predicted, in words */
    int n_broken;
    struct duo_err *broken;                                            /* files that can't be read: all else is judged */
};

struct duo_verdict *duo_verdict_new(struct duo_report *, const char *gate, const char *group, const char *metric, const char *unit, double mark);
void duo_verdict_add(struct duo_verdict *, double measured, double predicted, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void duo_report_note(struct duo_report *, const char *gate, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* What is wrong with a file is kept for the end, and *err is empty again; what is no file's fault comes back. */
enum duo_status duo_report_broken(struct duo_report *, enum duo_status, struct duo_err *);
void duo_report_close(struct duo_report *);                            /* medians; cases by error, the largest first */
void duo_report_print(const struct duo_report *, FILE *, bool rows);
void duo_report_json(const struct duo_report *, FILE *);
int  duo_report_missed(const struct duo_report *);                     /* verdicts that miss their mark */
void duo_report_free(struct duo_report *);
double duo_case_error(const struct duo_case *);                        /* predicted / measured - 1 */
double duo_median(double *values, int n);                              /* sorts; NAN when there are none */

/* ---- data (validate_data.c) ---- */

/* A row of a table with the columns of measured_llm_perf.csv. */
struct duo_perf {
    char   device[64], class[32], title[96], runtime[64], backend[48], model[64], quant[48], scope[64];
    char   file[1024];
    int    line;
    double params, weight_bytes;             /* weights read a token */
    double prompt, output, batch, gpus;      /* NAN: not told */
    double prefill, decode, watts, joules;   /* tokens/s, tokens/s of the whole batch, W, J a token; NAN: not measured */
    double bandwidth;                        /* peak, B/s, as the table has it */
    bool   single, whole;                    /* one stream; the whole device */
};

struct duo_run_files { char dir[1024], name[64]; };

struct duo_found {
    int n_perf;   struct duo_perf *perf;
    int n_tables; char (*table)[1024];
    int n_runs;   struct duo_run_files *run;
    char radio[1024];                        /* "" when there is none */
    char silence[8][1024];                   /* round trips after silence, a network each */
    int  n_silence;
};
/* Everything below `root`, three folders deep, in the order of names.  A table whose header is right and a row of which is
 * wrong is left out, and why is told to the report with file, line and column. */
enum duo_status duo_find(struct duo_found *, const char *root, struct duo_report *, struct duo_err *);
void duo_found_free(struct duo_found *);

/* Lines of fitted_rows.csv: one fingerprint a row. */
void duo_edge_fingerprints(const struct duo_found *, FILE *);

/* ---- fits (validate_fit.c) ---- */

enum { DUO_FIT_MOST = 16 };
/* Logarithms of positive parameters x, found by least squares (GSL's trust region) over n relative errors,
 *     error(i) = log(predicted / measured),
 * each through a pseudo-Huber loss with the elbow at `elbow`, so that a lying row pulls with a bounded force; and a spring
 * of `pull` to the log of each start, which decides where the data say nothing. */
struct duo_fit {
    int    p;
    double start[DUO_FIT_MOST], pull[DUO_FIT_MOST], x[DUO_FIT_MOST];
    double low[DUO_FIT_MOST], high[DUO_FIT_MOST];     /* x +- 2 standard errors, in logs */
    double elbow;
    int    n;
    double (*predict)(const void *of, int i, const double *x);
    double (*measured)(const void *of, int i);
    const void *of;
};
enum duo_status duo_fit_run(struct duo_fit *, struct duo_err *);

/* ---- gates ---- */

struct duo_validation {
    struct duo_catalogue *catalogue;
    const char           *data;              /* --data; NULL: none */
    struct duo_found      found;
    struct duo_report     report;
    bool                  fit;               /* print what every fit found */
    bool                  json;
};
enum duo_status duo_gate_vllm(struct duo_validation *, struct duo_err *);
enum duo_status duo_gate_edge_decode(struct duo_validation *, struct duo_err *);
enum duo_status duo_gate_edge_prefill(struct duo_validation *, struct duo_err *);
enum duo_status duo_gate_edge_joules(struct duo_validation *, struct duo_err *);
enum duo_status duo_gate_batch(struct duo_validation *, struct duo_err *);
enum duo_status duo_gate_speculation(struct duo_validation *, struct duo_err *);
enum duo_status duo_gate_radio(struct duo_validation *, struct duo_err *);
enum duo_status duo_gate_host(struct duo_validation *, struct duo_err *);      /* also without --data: what ships */

/* A constant that ships beside what the data say now: a line when it lies outside the refit's interval. */
void duo_validate_constant(struct duo_validation *, const char *gate, const char *name, double shipped, double refit, double low, double high);

#endif
