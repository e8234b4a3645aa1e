/* calibrate_time.c - iterations of a model by the clock, and what this machine can do at most.
 *
 * (1) Rounds go over all that is timed, again and again: a busy minute disturbs every cell a little, none alone.
 * (2) A timing is the median of its rounds; its spread the standard error of a median, at least a hundredth: what a clock that other
 *     processes share can tell. */
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/slm/calibrate.h"
#include "models/slm/machine.h"
#include "sim/base/rng.h"

/* ---------------------------------------------------------------- peaks */

enum { LAUNCHES = 20000 };

static void nothing(void *arg, size_t i, int thread) { (void)arg, (void)i, (void)thread; }

/* A piece for each thread, and the wait for all. */
static double launch_seconds(struct duo_pool *pool)
{
    double best = INFINITY;
    for (int round = 0; round < 5; round++) {
        double start = duo_machine_seconds();
        for (int i = 0; i < LAUNCHES / 5; i++) duo_pool_each(pool, (size_t)duo_pool_threads(pool), nothing, NULL);
        best = fmin(best, (duo_machine_seconds() - start) / (LAUNCHES / 5));
    }
    return best;
}

void duo_measure_peaks(struct duo_pool *pool, struct duo_peaks *p)
{
    *p = (struct duo_peaks) { .threads = duo_pool_threads(pool), .bandwidth = duo_machine_bandwidth(pool), .int8 = duo_machine_int8(pool),
                              .fp32 = duo_machine_fp32(pool), .op = launch_seconds(pool) };
}

/* ---------------------------------------------------------------- what a model is to the work model */

static void count_bits(const struct duo_gguf *g, bool tied, double *layer_bits, double *head_bits, bool *whole)
{
    double bytes = 0, numbers = 0, packed = 0;
    for (int i = 0; i < duo_gguf_tensors(g); i++) {
        const struct duo_gguf_tensor *t = duo_gguf_tensor(g, i);
        double n = (double)t->n[0] * (double)t->n[1], own = 8 * (double)t->bytes / n;
        if (t->dims < 2) continue;
        if (!strcmp(t->name, tied ? "token_embd.weight" : "output.weight")) *head_bits = own;
        if (strncmp(t->name, "blk.", 4) != 0) continue;
        bytes += (double)t->bytes, numbers += n;
        if (duo_format_info(t->format)->values > 1) packed += n;
    }
    *layer_bits = 8 * bytes / numbers;
    *whole = packed > numbers / 2;
}

void duo_model_work(const struct duo_model *m, struct duo_timing *t)
{
    const struct duo_shape *s = duo_model_shape(m);
    const char *path = duo_gguf_path(duo_model_gguf(m)), *slash = strrchr(path, '/');
    bool whole;
    *t = (struct duo_timing) { .kv_bits = 16, .iterations = 1 };
    t->arch = (struct duo_arch) {
        .layers = s->layers, .width = s->width, .heads = s->heads, .kv_heads = s->kv_heads, .head_dim = s->key_width, .ffn = s->ffn,
        .vocabulary = s->vocabulary, .context = s->context, .tied = s->tied, .gated = true,
        .window = s->window, .period = s->window ? s->window_every : 0,
    };
    count_bits(duo_model_gguf(m), s->tied, &t->layer_bits, &t->head_bits, &whole);
    snprintf(t->activation, sizeof t->activation, "%s", whole ? "int8" : "fp32");
    snprintf(t->model, sizeof t->model, "%.*s", (int)strcspn(slash ? slash + 1 : path, ","), slash ? slash + 1 : path);
    char *end = strstr(t->model, ".gguf");
    if (end) *end = 0;
    snprintf(t->quant, sizeof t->quant, "%s", duo_model_quant(m));
    for (char *c = t->quant; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    /* NAME-QUANT.gguf: the model is NAME, so that its formats can be told apart from it. */
    size_t n = strlen(t->model), q = strlen(t->quant);
    if (n > q + 1 && !strcasecmp(t->model + n - q, t->quant) && strchr("-._", t->model[n - q - 1])) t->model[n - q - 1] = 0;
}

/* ---------------------------------------------------------------- timings */

enum { MOST_CELLS = 32, MOST_ROUNDS = 100 };

struct cell { bool decode; int n, cached; double seconds[MOST_ROUNDS]; };

struct timing_run {
    struct duo_context *context;
    const struct duo_timing_plan *plan;
    int32_t *ids;
    float   *logits;
    void    *saved;
    struct cell cells[MOST_CELLS];
    int      n_cells, most;
};

static void plan_cells(struct timing_run *r, int context)
{
    const struct duo_timing_plan *p = r->plan;
#define CELL(...)                                                                  \
    do {                                                                           \
        struct cell c = { __VA_ARGS__ };                                           \
        if (c.cached + c.n > context || r->n_cells == MOST_CELLS) break;           \
        r->cells[r->n_cells++] = c;                                                \
        if (c.cached + c.n > r->most) r->most = c.cached + c.n;                    \
    } while (0)
    for (int i = 0; i < p->n_contexts; i++) CELL(.decode = true, .n = p->decoded, .cached = p->contexts[i]);
    for (int i = 0; i < p->n_prompts; i++) {
        int n = p->prompts[i] < DUO_PASS ? p->prompts[i] : DUO_PASS;
        CELL(.n = n, .cached = 0);
        if (p->n_contexts > 1) CELL(.n = n, .cached = p->contexts[p->n_contexts - 1]);
    }
#undef CELL
}

static enum duo_status once(struct timing_run *r, const struct cell *c, double *seconds, struct duo_err *err)
{
    duo_context_cut(r->context, (size_t)c->cached);
    double start = duo_machine_seconds();
    if (c->decode)
        for (int i = 0; i < c->n; i++) DUO_TRY(duo_context_run(r->context, r->ids + c->cached + i, 1, DUO_LOGITS_LAST, r->logits, NULL, err));
    else DUO_TRY(duo_context_run(r->context, r->ids + c->cached, (size_t)c->n, DUO_LOGITS_LAST, r->logits, NULL, err));
    *seconds = (duo_machine_seconds() - start) / (c->decode ? c->n : 1);
    return DUO_OK;
}

/* All positions that any cell begins behind, computed once and then put back. */
static enum duo_status fill(struct timing_run *r, struct duo_err *err)
{
    size_t n = (size_t)r->most;
    DUO_TRY(duo_context_run(r->context, r->ids, n, DUO_LOGITS_NONE, NULL, NULL, err));
    r->saved = duo_new(duo_context_saved(r->context, n), 1);
    duo_context_save(r->context, 0, n, r->saved);
    return DUO_OK;
}

static enum duo_status refill(struct timing_run *r, struct duo_err *err)
{
    duo_context_cut(r->context, 0);
    return duo_context_load(r->context, r->saved, duo_context_saved(r->context, (size_t)r->most), "the cache", err);
}

static enum duo_status time_cells(struct timing_run *r, struct duo_err *err)
{
    DUO_TRY(fill(r, err));
    for (int round = -1; round < r->plan->repeat; round++) {      /* the first warms up */
        DUO_TRY(refill(r, err));
        for (int done = 0; done < r->n_cells; done++) {
            int next = -1;                                        /* a cell leaves positions up to its end: longest beginnings first */
            for (int i = 0; i < r->n_cells; i++)
                if (r->cells[i].n > 0 && (next < 0 || r->cells[i].cached > r->cells[next].cached)) next = i;
            struct cell *c = &r->cells[next];
            double seconds;
            if (round < 0 && !c->decode && c->n > 16) { c->n = -c->n; continue; }
            DUO_TRY(once(r, c, &seconds, err));
            if (round >= 0) c->seconds[round] = seconds;
            c->n = -c->n;                                         /* done in this round */
        }
        for (int i = 0; i < r->n_cells; i++) r->cells[i].n = -r->cells[i].n;
    }
    return DUO_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* (2) */
static void add_cell(const struct timing_run *r, struct cell *c, const struct duo_timing *base, struct duo_timings *out)
{
    struct duo_timing t = *base;
    size_t n = (size_t)r->plan->repeat;
    t.fresh = c->decode ? 1 : c->n, t.cached = c->cached, t.logits = 1, t.iterations = c->decode ? c->n : 1;
    qsort(c->seconds, n, sizeof *c->seconds, ascending);
    t.seconds = gsl_stats_median_from_sorted_data(c->seconds, 1, n);
    double quartiles = gsl_stats_quantile_from_sorted_data(c->seconds, 1, n, 0.75) - gsl_stats_quantile_from_sorted_data(c->seconds, 1, n, 0.25);
    t.spread = fmax(0.01, 1.2533 * quartiles / 1.349 / t.seconds / sqrt((double)n));
    duo_timings_add(out, &t);
}

enum duo_status duo_time_model(const struct duo_model *m, struct duo_pool *pool, const struct duo_peaks *peaks, const struct duo_timing_plan *plan,
                               struct duo_timings *out, struct duo_err *err)
{
    struct timing_run *r = duo_new(1, sizeof *r);
    struct duo_timing base;
    struct duo_rng rng;
    size_t vocabulary = (size_t)duo_model_shape(m)->vocabulary;
    r->plan = plan;
    plan_cells(r, duo_model_shape(m)->context);
    duo_model_work(m, &base);
    base.threads = peaks->threads, base.bandwidth = peaks->bandwidth, base.op = peaks->op;
    base.peak = strcmp(base.activation, "int8") ? peaks->fp32 : peaks->int8;
    r->ids = duo_new((size_t)r->most + 1, sizeof *r->ids);
    r->logits = duo_new(vocabulary, sizeof *r->logits);
    duo_rng_init(&rng, 1, "calibrate", 0);
    for (int i = 0; i < r->most; i++) r->ids[i] = (int32_t)(duo_rng_bits(&rng) % vocabulary);
    struct duo_context_spec spec = { .capacity = (size_t)r->most, .cache = DUO_FORMAT_F16 };
    enum duo_status status = duo_context_new(&r->context, m, pool, &spec, err);
    if (status == DUO_OK) status = time_cells(r, err);
    for (int i = 0; i < r->n_cells && status == DUO_OK; i++) add_cell(r, &r->cells[i], &base, out);
    duo_context_free(r->context);
    free(r->saved);
    free(r->logits);
    free(r->ids);
    free(r);
    return status;
}

/* ---------------------------------------------------------------- kernels by themselves */

enum { TOKENS = 64, ENOUGH = 192 << 20, AT_MOST = 512 };     /* bytes that no cache holds */

struct alike { struct duo_matrix at[AT_MOST]; int n; size_t bytes; };

static double products_seconds(struct duo_pool *pool, struct alike *a, const float *x, float *y, size_t tokens)
{
    struct duo_acts acts = { 0 };
    double best = INFINITY;
    size_t rows = a->at[0].rows, cols = a->at[0].cols;
    for (int round = 0; round < 3; round++) {
        double start = duo_machine_seconds();
        for (int i = 0; i < a->n; i++) {
            duo_acts_set(&acts, x, tokens, cols, cols);
            duo_multiply(pool, &acts, &(struct duo_product) { .m = &a->at[i], .y = y, .stride = rows }, 1);
        }
        best = fmin(best, (duo_machine_seconds() - start) / a->n);
    }
    duo_acts_free(&acts);
    return best;
}

static enum duo_status pack_alike(const struct duo_gguf *g, int like, struct duo_pool *pool, struct alike *a, struct duo_err *err)
{
    const struct duo_gguf_tensor *t = duo_gguf_tensor(g, like);
    a->n = 0, a->bytes = 0;
    for (int i = like; i < duo_gguf_tensors(g) && a->n < AT_MOST && a->bytes < ENOUGH; i++) {
        const struct duo_gguf_tensor *o = duo_gguf_tensor(g, i);
        if (o->dims != 2 || o->format != t->format || o->n[0] != t->n[0] || o->n[1] != t->n[1]) continue;
        DUO_TRY(duo_matrix_init(&a->at[a->n], o->format, o->n[1], o->n[0], o->data, pool, err));
        a->n++, a->bytes += o->bytes;
    }
    return DUO_OK;
}

static bool seen(const struct duo_gguf *g, int i)
{
    const struct duo_gguf_tensor *t = duo_gguf_tensor(g, i);
    for (int j = 0; j < i; j++) {
        const struct duo_gguf_tensor *o = duo_gguf_tensor(g, j);
        if (o->dims == 2 && o->format == t->format && o->n[0] == t->n[0] && o->n[1] == t->n[1]) return true;
    }
    return false;
}

enum duo_status duo_kernel_speeds(const struct duo_gguf *g, struct duo_pool *pool, struct duo_kernel_speed **out, int *n, struct duo_err *err)
{
    struct alike *a = duo_new(1, sizeof *a);
    enum duo_status status = DUO_OK;
    *out = NULL, *n = 0;
    for (int i = 0; i < duo_gguf_tensors(g) && status == DUO_OK; i++) {
        const struct duo_gguf_tensor *t = duo_gguf_tensor(g, i);
        if (t->dims != 2 || seen(g, i)) continue;
        if ((status = pack_alike(g, i, pool, a, err)) == DUO_OK) {
            size_t rows = t->n[1], cols = t->n[0];
            float *x = duo_new(TOKENS * cols, sizeof *x), *y = duo_new(TOKENS * rows, sizeof *y);
            for (size_t k = 0; k < TOKENS * cols; k++) x[k] = (float)duo_draw(1, "x", k) - 0.5f;
            *out = duo_grow(*out, (size_t)*n + 1, sizeof **out);
            (*out)[(*n)++] = (struct duo_kernel_speed) {
                .format = t->format, .rows = rows, .cols = cols, .threads = duo_pool_threads(pool),
                .stream = (double)t->bytes / products_seconds(pool, a, x, y, 1),
                .compute = 2.0 * TOKENS * (double)rows * (double)cols / products_seconds(pool, a, x, y, TOKENS),
            };
            free(x);
            free(y);
        }
        for (int k = 0; k < a->n; k++) duo_matrix_free(&a->at[k]);
    }
    free(a);
    return status;
}
