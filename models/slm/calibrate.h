/* calibrate.h - a machine becomes a device of the catalogue: iterations are timed, the constants of the work model fitted to them.
 *
 * (1) The form is that of models/cost/roofline.c on one device:
 *         seconds = W roof(2 T / (compute peak), bits / 8 / (stream bandwidth)) + between + attention + head + (op x 4 + layer) x layers
 *     with work counted by models/cost/work.h; so what is fitted here is what the simulator computes with.
 * (2) For each format of weights and number of threads five constants: compute, stream, attend, attend_compute, layer.  `op` is
 *     measured by itself.  Least squares of the logarithm, weighted by what each timing scatters (GSL, Levenberg-Marquardt);
 *     shares stay between 0 and the most that the catalogue allows, seconds above 0, by what is varied.
 * (3) A weak prior stands beside the data: a constant that these don't tell anything about stays where it was, with its wide
 *     interval, and is called `assumed`, not `fitted`.
 * (4) Intervals: 95 %, from the covariance times the residuals' own scatter where that is larger than the one stated.
 * (5) Timings can be written and read (samples.csv), so that fits can be redone and held against models that were left out.
 * (6) Nothing here prints or reads the clock but calibrate_time.c and power.c. */
#ifndef DUO_SLM_CALIBRATE_H
#define DUO_SLM_CALIBRATE_H

#include <stdio.h>

#include "models/cost/work.h"
#include "models/slm/transformer.h"

/* X(name, unit, most, prior, spread of the prior in what is varied) */
#define DUO_FITTED(X)                       \
    X(compute,        "1", 2.0, 0.6,  1.5)  \
    X(stream,         "1", 1.2, 0.8,  1.5)  \
    X(attend,         "1", 1.2, 0.5,  1.5)  \
    X(attend_compute, "1", 2.0, 0.2,  1.5)  \
    X(layer,          "s", 0,   1e-5, 0.7)
enum duo_fitted {
#define X(name, unit, most, prior, spread) DUO_CONSTANT_##name,
    DUO_FITTED(X)
#undef X
    DUO_FITTED_END
};
extern const struct duo_fitted_info { const char *name, *unit; double most, prior, spread; } duo_fitted[DUO_FITTED_END];

/* Iterations of `fresh` tokens each, one behind the other from `cached` tokens on. */
struct duo_timing {
    char   model[64], quant[24], activation[8];     /* activation: the rate of its products, int8 or fp32 */
    struct duo_arch arch;
    double layer_bits, head_bits, kv_bits;          /* a number, as stored */
    int    threads;
    double bandwidth, peak, op;                     /* B/s, FLOP/s, s: of this machine with these threads */
    double fresh, cached, logits;                   /* logits: rows through the head, an iteration */
    int    iterations;
    double seconds, spread;                         /* of one iteration on average; relative standard error of that */
};

struct duo_timings { struct duo_timing *at; int n, room; };     /* zero-initialise */
void duo_timings_add(struct duo_timings *, const struct duo_timing *);
/* Of timings from n on, those of an iteration that was timed before replace it when they are shorter, and go: a neighbour process can
 * only make an iteration longer. */
void duo_timings_merge(struct duo_timings *, int n);
void duo_timings_free(struct duo_timings *);
enum duo_status duo_timings_write(const struct duo_timings *, const char *path, struct duo_err *);
enum duo_status duo_timings_read(struct duo_timings *, const char *path, struct duo_err *);      /* appended */

/* ---------------------------------------------------------------- the fit */

struct duo_device_fit {
    double value[DUO_FITTED_END], low[DUO_FITTED_END], high[DUO_FITTED_END];
    bool   told[DUO_FITTED_END];                          /* (3) */
    int    timings, models;
    double median, worst;                           /* relative errors of the fit on its own timings */
};

/* (1): seconds of one iteration of it, on average. */
double duo_timing_predict(const struct duo_timing *, const double value[DUO_FITTED_END]);

/* Of the timings of this format and thread count, but for those of the model `without` (NULL: of all). */
enum duo_status duo_fit_constants(const struct duo_timings *, const char *quant, int threads, const char *without, struct duo_device_fit *, struct duo_err *);

/* Fit on all models of a format and thread count but one, predict that one; each once.  predicted[i]: seconds of timing i, NAN where there
 * are not two others; fitted_on[i]: models.  Arrays of all->n. */
enum duo_status duo_predict_left_out(const struct duo_timings *, double *predicted, int *fitted_on, struct duo_err *);

/* The same, summed up.  A row for each format, thread count and model left out. */
struct duo_held_out { char model[64], quant[24]; int threads, fitted_on, timings; double median, worst; };
enum duo_status duo_hold_out(const struct duo_timings *, struct duo_held_out **, int *n, double *median, struct duo_err *);

/* ---------------------------------------------------------------- this machine */

struct duo_peaks { int threads; double bandwidth, int8, fp32, op; };
void duo_measure_peaks(struct duo_pool *, struct duo_peaks *);

/* What is timed: decoding at each of `contexts`, and `prompts` tokens at once from an empty cache and behind the first context. */
struct duo_timing_plan { int contexts[8], n_contexts, prompts[8], n_prompts, decoded, repeat; };

/* Timings of one model file with the pool's threads, appended. */
enum duo_status duo_time_model(const struct duo_model *, struct duo_pool *, const struct duo_peaks *, const struct duo_timing_plan *,
                               struct duo_timings *, struct duo_err *);

/* The architecture and bits of a model as the work model counts them. */
void duo_model_work(const struct duo_model *, struct duo_timing *);

/* Products of one shape and format by themselves, cycled through all matrices of that shape so that no cache holds them. */
struct duo_kernel_speed { enum duo_format format; size_t rows, cols; int threads; double stream, compute; };    /* B/s with 1 token, FLOP/s with 64 */
enum duo_status duo_kernel_speeds(const struct duo_gguf *, struct duo_pool *, struct duo_kernel_speed **, int *n, struct duo_err *);

/* ---------------------------------------------------------------- the layer of the catalogue */

struct duo_device_power { double idle, load, low, high; bool measured; char source[160]; };    /* low, high: factors of both when not measured */

struct duo_calibration {
    const char *name, *title, *class, *runtime, *date, *source;      /* source: machine and versions */
    const struct duo_peaks *peaks;         /* one for each thread count; the last is the device itself, the others NAME-1t, NAME-2t */
    int         n_peaks;
    bool        guessed;                   /* the peaks: from the timings themselves */
    const char *peaks_source;              /* whose they are when they weren't measured; NULL */
    double      memory;                    /* B; NAN: not known */
    struct duo_device_power power;
    const struct duo_timings *timings;
};
/* Fits all, and writes DIR (made when it isn't there): devices.csv, hardware.csv, runtimes.csv, samples.csv.  `report`: a line a fit, NULL: none. */
enum duo_status duo_calibration_write(const struct duo_calibration *, const char *dir, FILE *report, struct duo_err *);

/* ---------------------------------------------------------------- what others measured */

/* llama-bench's output (llama.cpp): JSON, JSON lines or CSV, by its beginning.  A row is a prompt of n_prompt tokens in steps of n_ubatch, or
 * n_gen tokens one by one, behind n_depth.  Rows of prompt and answer together are left out and counted. */
struct duo_bench_look_up {
    /* The architecture of a model by its file's name, or by its number of parameters; false: not known. */
    bool (*find)(void *user, const char *file, double parameters, struct duo_arch *, char name[64]);
    /* Of a format of weights: bits of a weight in layers and head, and the peak that products run at on the device (left alone when
     * it isn't known); false: no such format. */
    bool (*quant)(void *user, const char *quant, double *layer_bits, double *head_bits, double *peak);
    void  *user;
    double bandwidth;        /* of the device; NAN: not known, as its peaks: then those are taken that make shares of 0.8 and 0.6 */
};
struct duo_bench_about { char machine[128], program[64], date[32]; int rows, left_out; };
enum duo_status duo_bench_read(struct duo_timings *, const char *path, const struct duo_bench_look_up *, struct duo_bench_about *, struct duo_err *);

#endif
