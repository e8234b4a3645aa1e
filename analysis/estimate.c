/* estimate.c - see estimate.h and summary.h, whose numbers are cited.
 *
 * All rows of a variant that met the same seeds are resampled together: one draw of weights serves every row,
 * every metric and every difference.  A mean's numerator is kept as what is left of it about the mean, so that
 * floats are enough for the replicates; values themselves are doubles throughout. */
#include "analysis/estimate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/stats.h"

enum { N_ANCHORS = 4, BLOCK = 20, STRETCH = 128 };       /* percentiles; replicates, clusters gone through at once */

static const struct anchor { int metric; enum duo_sum below, count; bool e2e; double q; } anchors[N_ANCHORS] = {
    { DUO_M_ttft_p50, DUO_S_TTFT_P50, DUO_S_N_TTFT, false, 0.50 },
    { DUO_M_ttft_p99, DUO_S_TTFT_P99, DUO_S_N_TTFT, false, 0.99 },
    { DUO_M_e2e_p50,  DUO_S_E2E_P50,  DUO_S_N_E2E,  true,  0.50 },
    { DUO_M_e2e_p99,  DUO_S_E2E_P99,  DUO_S_N_E2E,  true,  0.99 },
};

static const int paired[] = {
    DUO_M_quality, DUO_M_quality_answered, DUO_M_cloud_share, DUO_M_ttft_mean, DUO_M_ttft_p50, DUO_M_ttft_p99,
    DUO_M_tpot_mean, DUO_M_e2e_mean, DUO_M_e2e_p50, DUO_M_e2e_p99, DUO_M_joules_device_radio, DUO_M_joules_cloud,
    DUO_M_dollars, DUO_M_grams, DUO_M_slo_share,
};
enum { N_PAIRED = sizeof paired / sizeof *paired };

bool duo_estimate_paired(int metric)
{
    for (int i = 0; i < N_PAIRED; i++)
        if (paired[i] == metric) return true;
    return false;
}

/* ---- sums to metrics */
/* Every metric that is a function of sums; `unknown` of the whole row. (1) (2) (4) */
static void metrics_of(const double sum[DUO_N_SUMS], const int64_t unknown[DUO_N_SUMS], double out[DUO_N_METRICS])
{
    double mean[DUO_N_SUMS];
    for (int c = 0; c < DUO_N_SUMS; c++) {
        double count = sum[duo_sum_count[c]];
        mean[c] = unknown[c] || !(count > 0) ? NAN : sum[c] / count;
    }
    double p = mean[DUO_S_CLOUD], mix = (1 - p) * mean[DUO_S_WEAK] + p * mean[DUO_S_STRONG];
    double gain = mean[DUO_S_QUALITY] - mix, best = mean[DUO_S_ORACLE] - mix;
    for (int i = 0; i < DUO_N_METRICS; i++) out[i] = NAN;
    out[DUO_M_quality]             = mean[DUO_S_QUALITY];
    out[DUO_M_quality_answered]    = mean[DUO_S_ANSWERED_QUALITY];
    out[DUO_M_gain_over_mix]       = gain;
    out[DUO_M_oracle_share]        = best < 1e-9 ? NAN : gain / best;
    out[DUO_M_cloud_share]         = p;
    out[DUO_M_ttft_mean]           = mean[DUO_S_TTFT];
    out[DUO_M_tpot_mean]           = mean[DUO_S_TPOT];
    out[DUO_M_e2e_mean]            = mean[DUO_S_E2E];
    out[DUO_M_joules_device]       = mean[DUO_S_JOULES_DEVICE];
    out[DUO_M_joules_radio]        = mean[DUO_S_JOULES_RADIO];
    out[DUO_M_joules_device_radio] = mean[DUO_S_JOULES_DEVICE] + mean[DUO_S_JOULES_RADIO];
    out[DUO_M_joules_cloud]        = mean[DUO_S_JOULES_CLOUD];
    out[DUO_M_dollars]             = mean[DUO_S_DOLLARS];
    out[DUO_M_bytes_up]            = mean[DUO_S_BYTES_UP];
    out[DUO_M_bytes_down]          = mean[DUO_S_BYTES_DOWN];
    out[DUO_M_wasted_tokens]       = mean[DUO_S_WASTED_TOKENS];
    out[DUO_M_wasted_joules]       = mean[DUO_S_WASTED_JOULES];
    out[DUO_M_rounds]              = mean[DUO_S_ROUNDS];
    out[DUO_M_grams]               = mean[DUO_S_GRAMS];
    out[DUO_M_slo_share]           = mean[DUO_S_SLO];
    out[DUO_M_slo_ttft]            = mean[DUO_S_SLO_TTFT];
    out[DUO_M_slo_e2e]             = mean[DUO_S_SLO_E2E];
    out[DUO_M_slo_tpot]            = mean[DUO_S_SLO_TPOT];
}

static int64_t count_of(const double sum[DUO_N_SUMS], int metric)
{
    switch (metric) {
    case DUO_M_quality_answered:                                    return (int64_t)sum[DUO_S_N_QUALITY];
    case DUO_M_ttft_mean: case DUO_M_ttft_p50: case DUO_M_ttft_p99: return (int64_t)sum[DUO_S_N_TTFT];
    case DUO_M_tpot_mean:                                           return (int64_t)sum[DUO_S_N_TPOT];
    case DUO_M_e2e_mean: case DUO_M_e2e_p50: case DUO_M_e2e_p99:    return (int64_t)sum[DUO_S_N_E2E];
    default:                                                        return (int64_t)sum[DUO_S_N];
    }
}

static int falling(const void *a, const void *b)
{
    const struct duo_pick *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? 1 : -1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

/* (4) The oracle of a run: with t the gain that its last cloud call brings, the best mean at share p is
 * mean(weak) + mean(max(gain - t, 0)) + t p: the least over all t of that expression, so it stays right to second
 * order when p and the gains are resampled with t as it is. */
static void add_oracle(struct duo_run_sums *r)
{
    double calls = 0;
    for (int i = 0; i < r->n_slots; i++) calls += r->sums[i][DUO_S_CLOUD];
    if (r->gain.n) qsort(r->gain.at, r->gain.n, sizeof *r->gain.at, falling);
    size_t last = (size_t)calls;
    double t = last < r->gain.n ? r->gain.at[last].value : 0;
    for (int i = 0; i < r->n_slots; i++)
        r->sums[i][DUO_S_ORACLE] = r->sums[i][DUO_S_WEAK] + t * r->sums[i][DUO_S_CLOUD];
    for (size_t i = 0; i < r->gain.n && r->gain.at[i].value > t; i++)
        r->sums[r->gain.at[i].slot][DUO_S_ORACLE] += r->gain.at[i].value - t;
    r->unknown[DUO_S_ORACLE] = r->unknown[DUO_S_WEAK] + r->unknown[DUO_S_STRONG] + r->unknown[DUO_S_CLOUD];
}

static double quantile(const struct duo_pick *sorted, size_t n, double q)
{
    if (!n) return NAN;
    double k = (double)(n - 1) * q;
    size_t i = (size_t)k;
    if (i + 1 >= n) return sorted[n - 1].value;
    return sorted[i].value + (k - (double)i) * (sorted[i + 1].value - sorted[i].value);
}

static void close_run(struct duo_run_sums *r)
{
    add_oracle(r);
    duo_picks_sort(r->ttft.at, r->ttft.n);
    duo_picks_sort(r->e2e.at, r->e2e.n);
    for (int i = 0; i < r->n_slots; i++)
        for (int c = 0; c < DUO_N_SUMS; c++) r->total[c] += r->sums[i][c];
}

static void run_metrics(const struct duo_run_sums *r, double out[DUO_N_METRICS])
{
    metrics_of(r->total, r->unknown, out);
    for (int i = 0; i < N_ANCHORS; i++) {
        const struct duo_picks *p = anchors[i].e2e ? &r->e2e : &r->ttft;
        out[anchors[i].metric] = quantile(p->at, p->n, anchors[i].q);
    }
    out[DUO_M_itl_p50]  = r->itl_p50;
    out[DUO_M_requests] = r->total[DUO_S_N];
    out[DUO_M_answered] = (double)r->answered;
    out[DUO_M_failed]   = (double)r->failed;
    out[DUO_M_pending]  = (double)r->pending;
}

/* ---- a set of rows that met the same seeds, or some of them */
struct part {                                            /* one row of it */
    int     row;                                         /* index in the collection */
    int    *run;                                         /* indexes in the collection, one a seed; -1: none */
    double  total[DUO_N_SUMS], mean[DUO_N_SUMS], value[DUO_N_METRICS];
    int64_t unknown[DUO_N_SUMS];
    double (*per_seed)[DUO_N_METRICS];
    float  (*left)[DUO_N_SUMS];                          /* of each cluster: counts, and numerators about the mean */
    struct duo_pick *ttft, *e2e;                         /* ascending, slot = cluster */
    size_t  n_ttft, n_e2e;
    size_t  anchor[N_ANCHORS];                           /* how many of them lie below the percentile, or are it */
    double (*replicate)[DUO_REPLICATES];                 /* [metric] */
};

struct cast {
    struct duo_collect *c;
    bool     large;
    int      n_parts; struct part *parts;
    int      n_seeds; int64_t *seeds;
    struct duo_clusters clusters;
    int     *first, *question;
};

static int32_t *keys_of(int32_t *of_key, int seed, int32_t cap) { return of_key + (size_t)seed * (size_t)cap; }

/* Clusters of all seeds, numbered by (seed, key): of_key[seed * cap + key] is the number, or -1. */
static int32_t *number_clusters(struct cast *k, int32_t cap)
{
    size_t   size = (size_t)k->n_seeds * (size_t)cap;
    int32_t *of_key = duo_new(size + 1, sizeof *of_key);
    memset(of_key, 0xff, size * sizeof *of_key);
    for (int p = 0; p < k->n_parts; p++)
        for (int s = 0; s < k->n_seeds; s++) {
            if (k->parts[p].run[s] < 0) continue;
            const struct duo_run_sums *r = &k->c->runs[k->parts[p].run[s]];
            for (int i = 0; i < r->n_slots; i++) keys_of(of_key, s, cap)[r->key[i]] = 0;
        }
    int n = 0;
    k->first = duo_new((size_t)k->n_seeds + 1, sizeof *k->first);
    for (int s = 0; s < k->n_seeds; s++) {
        k->first[s] = n;
        for (int32_t i = 0; i < cap; i++)
            if (keys_of(of_key, s, cap)[i] >= 0) keys_of(of_key, s, cap)[i] = n++;
    }
    k->first[k->n_seeds] = n;
    return of_key;
}

/* Are the clusters of two seeds the same questions?  What a question's answers are worth tells: the same for every
 * cluster that both have, and not one value for all. */
static bool same_questions(const struct duo_run_sums *a, const struct duo_run_sums *b, int32_t cap)
{
    if (a->unknown[DUO_S_WEAK] || b->unknown[DUO_S_WEAK] || a->unknown[DUO_S_STRONG] || b->unknown[DUO_S_STRONG]) return false;
    int32_t *at = duo_new((size_t)cap, sizeof *at);
    int  shared = 0;
    bool same = true, varied = false;
    double first[2] = { NAN, NAN };
    for (int i = 0; i < a->n_slots; i++) at[a->key[i]] = i + 1;
    for (int i = 0; i < b->n_slots && same; i++) {
        if (!at[b->key[i]]) continue;
        const double *x = a->sums[at[b->key[i]] - 1], *y = b->sums[i];
        for (int j = 0; j < 2; j++) {
            enum duo_sum c = j ? DUO_S_STRONG : DUO_S_WEAK;
            double u = x[c] / x[DUO_S_N], v = y[c] / y[DUO_S_N];
            same &= fabs(u - v) <= 1e-9;
            if (isnan(first[j])) first[j] = u;
            varied |= fabs(u - first[j]) > 1e-9;
        }
        shared++;
    }
    free(at);
    return same && varied && shared >= 8;
}

/* (5) Levels nested or crossed. */
static void cross(struct cast *k, int32_t *of_key, int32_t cap)
{
    bool crossed = false;
    k->clusters = (struct duo_clusters){ .n_seeds = k->n_seeds, .first = k->first };
    for (int p = 0; p < k->n_parts && k->n_seeds > 1; p++) {
        const int *run = k->parts[p].run;
        if (run[0] < 0 || run[1] < 0) continue;
        crossed = same_questions(&k->c->runs[run[0]], &k->c->runs[run[1]], cap);
        break;
    }
    if (!crossed) return;
    int32_t *number = duo_new((size_t)cap, sizeof *number);
    int      questions = 0;
    k->question = duo_new((size_t)k->first[k->n_seeds], sizeof *k->question);
    for (int s = 0; s < k->n_seeds; s++)
        for (int32_t key = 0; key < cap; key++) {
            int32_t cluster = keys_of(of_key, s, cap)[key];
            if (cluster < 0) continue;
            if (!number[key]) number[key] = ++questions;
            k->question[cluster] = number[key] - 1;
        }
    free(number);
    k->clusters.question = k->question;
    k->clusters.n_questions = questions;
}

static struct duo_pick *gather(const struct cast *k, const struct part *p, int32_t *of_key, int32_t cap, bool e2e, size_t *n)
{
    *n = 0;
    for (int s = 0; s < k->n_seeds; s++)
        if (p->run[s] >= 0) *n += e2e ? k->c->runs[p->run[s]].e2e.n : k->c->runs[p->run[s]].ttft.n;
    struct duo_pick *all = duo_new(*n + 1, sizeof *all), *next = all;
    for (int s = 0; s < k->n_seeds; s++) {
        if (p->run[s] < 0) continue;
        const struct duo_run_sums *r = &k->c->runs[p->run[s]];
        const struct duo_picks *from = e2e ? &r->e2e : &r->ttft;
        for (size_t i = 0; i < from->n; i++)
            *next++ = (struct duo_pick){ from->at[i].value, keys_of(of_key, s, cap)[r->key[from->at[i].slot]] };
    }
    if (k->n_seeds > 1) duo_picks_sort(all, *n);
    return all;
}

static void fill(struct cast *k, struct part *p, int32_t *of_key, int32_t cap)
{
    p->left     = duo_new((size_t)k->first[k->n_seeds] + 1, sizeof *p->left);
    p->per_seed = duo_new((size_t)k->n_seeds, sizeof *p->per_seed);
    for (int s = 0; s < k->n_seeds; s++) {
        for (int i = 0; i < DUO_N_METRICS; i++) p->per_seed[s][i] = NAN;
        if (p->run[s] < 0) continue;
        const struct duo_run_sums *r = &k->c->runs[p->run[s]];
        run_metrics(r, p->per_seed[s]);
        for (int c = 0; c < DUO_N_SUMS; c++) p->total[c] += r->total[c], p->unknown[c] += r->unknown[c];
    }
    for (int c = 0; c < DUO_N_SUMS; c++) {
        double count = p->total[duo_sum_count[c]];
        p->mean[c] = count > 0 && duo_sum_count[c] != (enum duo_sum)c ? p->total[c] / count : 0;
    }
    for (int s = 0; s < k->n_seeds; s++) {
        if (p->run[s] < 0) continue;
        const struct duo_run_sums *r = &k->c->runs[p->run[s]];
        for (int i = 0; i < r->n_slots; i++) {
            float *left = p->left[keys_of(of_key, s, cap)[r->key[i]]];
            for (int c = 0; c < DUO_N_SUMS; c++)
                left[c] = (float)(r->sums[i][c] - p->mean[c] * r->sums[i][duo_sum_count[c]]);
        }
    }
    metrics_of(p->total, p->unknown, p->value);
    p->ttft = gather(k, p, of_key, cap, false, &p->n_ttft);
    p->e2e  = gather(k, p, of_key, cap, true, &p->n_e2e);
    for (int a = 0; a < N_ANCHORS; a++) {
        const struct duo_pick *sorted = anchors[a].e2e ? p->e2e : p->ttft;
        size_t n = anchors[a].e2e ? p->n_e2e : p->n_ttft;
        p->value[anchors[a].metric] = quantile(sorted, n, anchors[a].q);
        p->anchor[a] = n ? (size_t)((double)(n - 1) * anchors[a].q) + 1 : 0;
        for (size_t i = 0; i < p->anchor[a]; i++) p->left[sorted[i].slot][anchors[a].below] += 1;
    }
}

/* ---- replicates */
struct draw { uint16_t *weights; int n, next; int32_t *cluster; float *weight; };   /* the last two: those above 0 */

/* The percentile of the resampled rows, walking from where it was: `below` of them lie before sorted[at]. */
static double walk(const struct duo_pick *sorted, size_t at, int64_t below, int64_t total, const uint16_t *weights, double q)
{
    double  k = (double)(total - 1) * q;
    int64_t want = (int64_t)k;
    while (below > want) below -= weights[sorted[--at].slot];
    while (below + weights[sorted[at].slot] <= want) below += weights[sorted[at++].slot];
    double low = sorted[at].value, part_of = k - (double)want;
    if (part_of <= 0 || want + 1 < below + weights[sorted[at].slot]) return low;
    do at++; while (!weights[sorted[at].slot]);
    return low + part_of * (sorted[at].value - low);
}

static void percentiles(const struct cast *k, const struct part *p, const float sum[DUO_N_SUMS], const uint16_t *weights,
                        double out[DUO_N_METRICS])
{
    for (int a = 0; a < N_ANCHORS; a++) {
        const struct duo_pick *sorted = anchors[a].e2e ? p->e2e : p->ttft;
        size_t n = anchors[a].e2e ? p->n_e2e : p->n_ttft;
        double below = (double)sum[anchors[a].below], total = (double)sum[anchors[a].count], q = anchors[a].q;
        if (!(total > 0)) continue;
        if (!k->large) {
            out[anchors[a].metric] = walk(sorted, p->anchor[a], (int64_t)below, (int64_t)total, weights, q);
        } else {                                         /* (5) Bahadur */
            double level = q + (double)p->anchor[a] / (double)n - below / total;
            out[anchors[a].metric] = quantile(sorted, n, fmin(fmax(level, 0), 1));
        }
    }
}

typedef float lanes __attribute__((vector_size(16), may_alias));
enum { HALF = DUO_N_SUMS / 8 };                          /* vectors in half of the sums: they fit the registers */
_Static_assert(DUO_N_SUMS % 8 == 0, "whole vectors");

/* sum[c] += weight x left[c] over the drawn clusters from d->next on that are below `end`: each c on its own, in
 * the order of the clusters. */
static void add_up(float (*from)[DUO_N_SUMS], struct draw *d, int32_t end, float sum[DUO_N_SUMS])
{
    int i = d->next;
    for (int half = 0; half < 2; half++) {
        lanes total[HALF];
        memcpy(total, sum + half * HALF * 4, sizeof total);
        for (i = d->next; i < d->n && d->cluster[i] < end; i++) {
            lanes w = { d->weight[i], d->weight[i], d->weight[i], d->weight[i] };
            const lanes *x = (const lanes *)from[d->cluster[i]] + half * HALF;     /* duo_new aligns to 16 */
#pragma GCC unroll 8
            for (int j = 0; j < HALF; j++) total[j] += w * x[j];
        }
        memcpy(sum + half * HALF * 4, total, sizeof total);
    }
    d->next = i;
}

static void replicate(const struct cast *k, struct part *p, const struct draw *d, const float sum[DUO_N_SUMS], int number)
{
    double whole[DUO_N_SUMS], out[DUO_N_METRICS];
    for (int c = 0; c < DUO_N_SUMS; c++)
        whole[c] = (double)sum[c] + p->mean[c] * (double)sum[duo_sum_count[c]];
    metrics_of(whole, p->unknown, out);
    percentiles(k, p, sum, d->weights, out);
    for (int i = 0; i < DUO_N_METRICS; i++) p->replicate[i][number] = out[i];
}

/* A block of replicates of one row, a stretch of clusters at a time: it stays in the nearest cache. */
static void replicates(const struct cast *k, struct part *p, struct draw *draws, int block, int first)
{
    float   sums[BLOCK][DUO_N_SUMS] = { { 0 } };
    int32_t n = k->first[k->n_seeds];
    for (int b = 0; b < block; b++) draws[b].next = 0;
    for (int32_t end = STRETCH; end < n + STRETCH; end += STRETCH)
        for (int b = 0; b < block; b++) add_up(p->left, &draws[b], end, sums[b]);
    for (int b = 0; b < block; b++) replicate(k, p, &draws[b], sums[b], first + b);
}

static void resample(struct cast *k)
{
    size_t n = (size_t)k->first[k->n_seeds];
    uint16_t *scratch = duo_new((size_t)k->n_seeds + (size_t)k->clusters.n_questions, sizeof *scratch);
    struct draw draws[BLOCK];
    for (int b = 0; b < BLOCK; b++)
        draws[b] = (struct draw){ duo_new(n, sizeof(uint16_t)), 0, 0, duo_new(n, sizeof(int32_t)), duo_new(n, sizeof(float)) };
    for (int p = 0; p < k->n_parts; p++) k->parts[p].replicate = duo_new(DUO_N_METRICS, sizeof *k->parts[p].replicate);
    for (int from = 0; from < DUO_REPLICATES; from += BLOCK) {
        int block = DUO_REPLICATES - from < BLOCK ? DUO_REPLICATES - from : BLOCK;
        for (int b = 0; b < block; b++) {
            struct duo_rng rng;
            duo_rng_init(&rng, 0, "bootstrap", (uint64_t)(from + b));
            duo_resample(&k->clusters, &rng, draws[b].weights, scratch);
            draws[b].n = 0;
            for (size_t i = 0; i < n; i++)
                if (draws[b].weights[i]) {
                    draws[b].cluster[draws[b].n] = (int32_t)i;
                    draws[b].weight[draws[b].n++] = draws[b].weights[i];
                }
        }
        for (int p = 0; p < k->n_parts; p++) replicates(k, &k->parts[p], draws, block, from);
    }
    for (int b = 0; b < BLOCK; b++) free(draws[b].weights), free(draws[b].cluster), free(draws[b].weight);
    free(scratch);
}

/* ---- a cast from beginning to end */
static int by_seed(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int run_of(const struct duo_collect *c, int row, int64_t seed)
{
    for (int i = 0; i < c->rows[row].n_runs; i++) {
        int r = c->rows[row].runs[i];
        if (c->runs[r].done && c->runs[r].seed == seed) return r;
    }
    return -1;
}

/* All seeds that a row finished; or, with `common`, those that all rows finished. */
static void cast_init(struct cast *k, struct duo_collect *c, int variant, bool common)
{
    const struct duo_collect_variant *v = &c->variants[variant];
    *k = (struct cast){ .c = c, .large = v->large, .parts = duo_new((size_t)v->n_rows + 1, sizeof *k->parts) };
    for (int i = 0; i < v->n_rows; i++)
        if (c->rows[v->rows[i]].text.seeds) k->parts[k->n_parts++].row = v->rows[i];
    for (int i = 0; i < k->n_parts; i++)
        for (int j = 0; j < c->rows[k->parts[i].row].n_runs; j++) {
            const struct duo_run_sums *r = &c->runs[c->rows[k->parts[i].row].runs[j]];
            bool take = r->done;
            for (int s = 0; s < k->n_seeds; s++) take &= k->seeds[s] != r->seed;
            for (int p = 0; common && p < k->n_parts; p++) take &= run_of(c, k->parts[p].row, r->seed) >= 0;
            if (!take) continue;
            k->seeds = duo_grow(k->seeds, (size_t)k->n_seeds + 1, sizeof *k->seeds);
            k->seeds[k->n_seeds++] = r->seed;
        }
    if (k->n_seeds) qsort(k->seeds, (size_t)k->n_seeds, sizeof *k->seeds, by_seed);
    int32_t *of_key;
    for (int p = 0; p < k->n_parts; p++) {
        k->parts[p].run = duo_new((size_t)k->n_seeds + 1, sizeof *k->parts[p].run);
        for (int s = 0; s < k->n_seeds; s++) k->parts[p].run[s] = run_of(c, k->parts[p].row, k->seeds[s]);
    }
    of_key = number_clusters(k, v->cap);
    cross(k, of_key, v->cap);
    for (int p = 0; p < k->n_parts; p++) fill(k, &k->parts[p], of_key, v->cap);
    free(of_key);
    if (k->n_seeds && k->first[k->n_seeds]) resample(k);
}

static bool complete(const struct cast *k)
{
    for (int p = 0; p < k->n_parts; p++)
        for (int s = 0; s < k->n_seeds; s++)
            if (k->parts[p].run[s] < 0) return false;
    return true;
}

static void cast_free(struct cast *k)
{
    for (int p = 0; p < k->n_parts; p++) {
        struct part *x = &k->parts[p];
        free(x->run), free(x->per_seed), free(x->left), free(x->ttft), free(x->e2e), free(x->replicate);
    }
    free(k->parts), free(k->seeds), free(k->first), free(k->question);
}

/* The interval needs at least two clusters: of one, nothing varies. */
static struct duo_interval interval(const struct cast *k, double value, double *replicates, const double *per_seed)
{
    if (k->first[k->n_seeds] < 2) return (struct duo_interval){ NAN, NAN };
    return duo_interval_of(value, replicates, DUO_REPLICATES, per_seed, k->n_seeds);
}

static void add_pairs(struct duo_estimates *e, const struct cast *k)
{
    double *replicates = duo_new(DUO_REPLICATES, sizeof *replicates), *per_seed = duo_new((size_t)k->n_seeds + 1, sizeof *per_seed);
    for (int i = 0; i < k->n_parts; i++)
        for (int j = i + 1; j < k->n_parts; j++)
            for (int m = 0; m < N_PAIRED; m++) {
                const struct part *a = &k->parts[i], *b = &k->parts[j];
                int metric = paired[m];
                double value = a->value[metric] - b->value[metric];
                if (isnan(value)) continue;
                for (int r = 0; r < DUO_REPLICATES; r++) replicates[r] = a->replicate[metric][r] - b->replicate[metric][r];
                for (int s = 0; s < k->n_seeds; s++) per_seed[s] = a->per_seed[s][metric] - b->per_seed[s][metric];
                struct duo_interval w = interval(k, value, replicates, per_seed);
                e->pairs = duo_grow(e->pairs, (size_t)e->n_pairs + 1, sizeof *e->pairs);
                e->pairs[e->n_pairs++] = (struct duo_difference){ a->row, b->row, metric, count_of(a->total, metric), value, w.low, w.high };
            }
    free(replicates);
    free(per_seed);
}

/* Where a metric can't go, neither can its interval (which few seeds may stretch). */
static void clip(int metric, double *low, double *high)
{
    bool share = metric == DUO_M_quality || metric == DUO_M_quality_answered || metric == DUO_M_cloud_share ||
                 metric == DUO_M_slo_share || metric == DUO_M_slo_ttft || metric == DUO_M_slo_e2e || metric == DUO_M_slo_tpot;

    if (metric == DUO_M_gain_over_mix || metric == DUO_M_oracle_share) return;
    if (*low < 0) *low = 0;
    if (share && *high > 1) *high = 1;
}

static void set_row(struct duo_estimate *out, const struct cast *k, struct part *p)
{
    const struct duo_collect_row *row = &k->c->rows[p->row];
    double *per_seed = duo_new((size_t)k->n_seeds + (size_t)row->n_runs + 1, sizeof *per_seed);
    for (int m = 0; m < DUO_N_METRICS; m++) {
        char over = duo_metric_info[m].over;
        int  known = 0;
        for (int s = 0; s < k->n_seeds; s++) per_seed[s] = p->per_seed[s][m];
        if (over == 'C' || over == 'S') {                /* (3) a run's */
            for (int s = 0; s < k->n_seeds; s++)
                if (!isnan(per_seed[s])) per_seed[known++] = per_seed[s];
            out->n[m] = known;
            out->value[m] = duo_mean(per_seed, (size_t)known);
            struct duo_interval w = over == 'S' ? duo_interval_t(per_seed, known) : (struct duo_interval){ NAN, NAN };
            out->low[m] = w.low, out->high[m] = w.high;
            clip(m, &out->low[m], &out->high[m]);
            continue;
        }
        out->value[m] = p->value[m];
        out->n[m] = isnan(p->value[m]) ? 0 : count_of(p->total, m);
        if (isnan(p->value[m])) continue;
        struct duo_interval w = interval(k, p->value[m], p->replicate[m], per_seed);
        out->low[m] = w.low, out->high[m] = w.high;
        clip(m, &out->low[m], &out->high[m]);
    }
    free(per_seed);
}

void duo_estimate_variant(struct duo_estimates *e, struct duo_collect *c, int variant)
{
    struct duo_collect_variant *v = &c->variants[variant];
    struct cast all, common;
    *e = (struct duo_estimates){ .rows = duo_new((size_t)v->n_rows + 1, sizeof *e->rows),
        .method = v->large ? "two-level bootstrap, 4096 groups a run" : "two-level bootstrap" };
    for (int i = 0; i < v->n_rows; i++) {
        const struct duo_collect_row *row = &c->rows[v->rows[i]];
        e->rows[i].per_run = duo_new((size_t)row->n_runs + 1, sizeof *e->rows[i].per_run);
        for (int m = 0; m < DUO_N_METRICS; m++) e->rows[i].value[m] = e->rows[i].low[m] = e->rows[i].high[m] = NAN;
        for (int k = 0; k < row->n_runs; k++) {
            struct duo_run_sums *r = &c->runs[row->runs[k]];
            for (int m = 0; m < DUO_N_METRICS; m++) e->rows[i].per_run[k][m] = NAN;
            if (!r->done) continue;
            close_run(r);
            run_metrics(r, e->rows[i].per_run[k]);
        }
    }
    cast_init(&all, c, variant, false);
    if (complete(&all)) {
        add_pairs(e, &all);
    } else {                                             /* (6) */
        cast_init(&common, c, variant, true);
        if (common.n_seeds) add_pairs(e, &common);
        cast_free(&common);
    }
    for (int p = 0; p < all.n_parts; p++)
        for (int i = 0; i < v->n_rows; i++)
            if (v->rows[i] == all.parts[p].row) set_row(&e->rows[i], &all, &all.parts[p]);
    cast_free(&all);
}

void duo_estimates_free(struct duo_estimates *e, const struct duo_collect *c, int variant)
{
    for (int i = 0; i < c->variants[variant].n_rows; i++) free(e->rows[i].per_run);
    free(e->rows);
    free(e->pairs);
}
