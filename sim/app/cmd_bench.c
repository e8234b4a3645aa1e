/* cmd_bench.c - how fast a small model runs here, beside the most that this machine can do.
 *
 * (1) pp: a prompt of n tokens at once.  tg: n tokens one after the other, from an empty context.  Tokens are random.
 * (2) The median of the repetitions.  Read bandwidth is measured with the same threads before and after each, and the share is
 *     the median of the shares: a machine that others use is slow now and then.  The int8 rate is measured just before.
 * (3) Bytes and multiply-adds are those that the kernels counted. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/slm/fetch.h"
#include "models/slm/machine.h"
#include "models/slm/transformer.h"
#include "sim/app/app.h"
#include "sim/base/json.h"
#include "sim/base/rng.h"

enum { CACHE = DUO_LONG_ONLY };

static const struct duo_option options[] = {
    { 't',   "threads", "LIST",   "thread counts, as in 1,2; default: one a core" },
    { 'p',   "prompt",  "N",      "tokens of the prompt, 0: none; default: 512" },
    { 'n',   "tokens",  "N",      "tokens written one by one, 0: none; default: 128" },
    { 'r',   "repeat",  "N",      "repetitions; default: 3" },
    { CACHE, "cache",   "FORMAT", "f16 (default) or q8_0: how keys and values are kept" },
    { 0 }
};

enum { MAX_LIST = 16, MAX_REPEAT = 1000 };

struct wishes {
    const char *model;
    int threads[MAX_LIST], n_threads, prompt, tokens, repeat;
    enum duo_format cache;
};

struct bench {
    const struct duo_args *args;
    const struct wishes   *wishes;
    struct duo_model      *model;
    struct duo_pool       *pool;
    struct duo_context    *context;
    float                 *logits;
    double                 int8;
};

struct result { const char *phase; int n; double tokens_per_s, bytes, macs, bandwidth, share; };    /* bytes, macs: a token */

/* ---------------------------------------------------------------- one measurement */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, ascending);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static enum duo_status once(const struct bench *b, const int32_t *ids, int n, bool prompt, struct duo_err *err)
{
    duo_context_cut(b->context, 0);
    if (prompt) return duo_context_run(b->context, ids, (size_t)n, DUO_LOGITS_LAST, b->logits, NULL, err);
    for (int i = 0; i < n; i++) DUO_TRY(duo_context_run(b->context, ids + i, 1, DUO_LOGITS_LAST, b->logits, NULL, err));
    return DUO_OK;
}

static enum duo_status measure(const struct bench *b, int n, bool prompt, struct result *r, struct duo_err *err)
{
    double rates[MAX_REPEAT], reads[MAX_REPEAT], shares[MAX_REPEAT], before = duo_machine_bandwidth(b->pool), after;
    int32_t *ids = duo_new((size_t)n, sizeof *ids);
    struct duo_rng rng;
    duo_rng_init(&rng, 1, "bench", 0);
    for (int i = 0; i < n; i++) ids[i] = (int32_t)(duo_rng_bits(&rng) % (uint64_t)duo_model_shape(b->model)->vocabulary);
    enum duo_status status = once(b, ids, n < 16 ? n : 16, prompt, err);      /* warms up */
    duo_pool_clear(b->pool);
    for (int i = 0; i < b->wishes->repeat && status == DUO_OK; i++) {
        double start = duo_machine_seconds();
        status = once(b, ids, n, prompt, err);
        rates[i] = n / (duo_machine_seconds() - start);
        after = duo_machine_bandwidth(b->pool);
        reads[i] = (before + after) / 2;
        before = after;
    }
    free(ids);
    DUO_TRY(status);
    struct duo_counts c = duo_pool_counts(b->pool);
    double all = (double)n * b->wishes->repeat, bytes = (double)(c.weight_bytes + c.cache_bytes) / all;
    for (int i = 0; i < b->wishes->repeat; i++) shares[i] = rates[i] * bytes / reads[i];
    *r = (struct result) { prompt ? "pp" : "tg", n, median(rates, b->wishes->repeat), bytes, (double)c.weight_macs / all,
                           median(reads, b->wishes->repeat), median(shares, b->wishes->repeat) };
    return DUO_OK;
}

/* ---------------------------------------------------------------- rows */

static const char *model_name(const struct bench *b)
{
    const char *path = duo_gguf_path(duo_model_gguf(b->model)), *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void print_row(const struct bench *b, const struct result *r)
{
    const char *quant = duo_model_quant(b->model), *isa = duo_isa_name(duo_isa_current());
    bool whole = strcmp(quant, "F32") && strcmp(quant, "F16") && strcmp(quant, "BF16");     /* products in int8 */
    double int8 = whole ? 2 * r->macs * r->tokens_per_s / b->int8 : NAN;
    if (!b->args->json) {
        printf("%-28s %-7s %-7s %7d %-5s %5d %10.2f %9.1f MB %9.0f%% ", model_name(b), quant, isa, duo_pool_threads(b->pool), r->phase, r->n,
               r->tokens_per_s, r->bytes * 1e-6, r->share * 100);
        if (whole) printf("%6.0f%%\n", int8 * 100);
        else printf("%7s\n", "-");
        return;
    }
    struct duo_json j;
    duo_json_init(&j, stdout);
    j.flat = true;
    duo_json_open(&j, '{');
    duo_json_key(&j, "model");           duo_json_text(&j, model_name(b));
    duo_json_key(&j, "quant");           duo_json_text(&j, quant);
    duo_json_key(&j, "isa");             duo_json_text(&j, isa);
    duo_json_key(&j, "threads");         duo_json_number(&j, duo_pool_threads(b->pool));
    duo_json_key(&j, "phase");           duo_json_text(&j, r->phase);
    duo_json_key(&j, "n");               duo_json_number(&j, r->n);
    duo_json_key(&j, "tokens_per_s");    duo_json_number(&j, r->tokens_per_s);
    duo_json_key(&j, "bytes_streamed");  duo_json_number(&j, r->bytes);
    duo_json_key(&j, "bandwidth_share"); duo_json_number(&j, r->share);
    duo_json_key(&j, "int8_share");      duo_json_number(&j, int8);
    duo_json_key(&j, "read_bandwidth");  duo_json_number(&j, r->bandwidth);
    duo_json_key(&j, "int8_peak");       duo_json_number(&j, b->int8);
    duo_json_close(&j);
    duo_json_end(&j);
}

/* ---------------------------------------------------------------- all of it */

static enum duo_status with_threads(struct bench *b, struct duo_err *err)
{
    const struct wishes *w = b->wishes;
    struct result r;
    int most = w->prompt > w->tokens ? w->prompt : w->tokens;
    DUO_TRY(duo_context_new(&b->context, b->model, b->pool, &(struct duo_context_spec) { .capacity = (size_t)most, .cache = w->cache }, err));
    b->int8 = duo_machine_int8(b->pool);
    for (int prompt = 1; prompt >= 0; prompt--) {
        int n = prompt ? w->prompt : w->tokens;
        if (n == 0) continue;
        DUO_TRY(measure(b, n, prompt, &r, err));
        print_row(b, &r);
        fflush(stdout);
    }
    return DUO_OK;
}

static enum duo_status bench(struct bench *b, struct duo_err *err)
{
    char path[PATH_MAX];
    const struct wishes *w = b->wishes;
    DUO_TRY(duo_isa_choose(NULL, err));
    DUO_TRY(duo_model_find(w->model, path, sizeof path, err));
    DUO_TRY(duo_model_open(&b->model, path, NULL, err));
    int most = w->prompt > w->tokens ? w->prompt : w->tokens, context = duo_model_shape(b->model)->context;
    if (most > context) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%d tokens are more than the model's context of %d", most, context);
    b->logits = duo_new((size_t)duo_model_shape(b->model)->vocabulary, sizeof *b->logits);
    if (!b->args->json)
        printf("%-28s %-7s %-7s %7s %-5s %5s %10s %12s %10s %7s\n", "model", "quant", "isa", "threads", "phase", "n", "tokens/s", "read/token", "bandwidth",
               "int8");
    for (int i = 0; i < w->n_threads; i++) {
        b->pool = duo_pool_new(w->threads[i]);
        enum duo_status status = with_threads(b, err);
        duo_context_free(b->context);
        duo_pool_free(b->pool);
        b->context = NULL;
        DUO_TRY(status);
    }
    return DUO_OK;
}

static void read_list(const struct duo_args *a, struct wishes *w, const char *value)
{
    char *list = duo_copy(value), *rest = list, *word;
    for (w->n_threads = 0; (word = strsep(&rest, ","));) {
        if (w->n_threads == MAX_LIST) duo_usage(a, "bench: --threads: %d counts at most", MAX_LIST);
        w->threads[w->n_threads++] = duo_whole(a, "--threads", word, 1, DUO_MAX_THREADS);
    }
    free(list);
}

static int run(const struct duo_command *command, int argc, char **argv)
{
    static const char *const caches[] = { "f16", "q8_0" };
    struct duo_args a;
    struct duo_err err = { 0 };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct wishes w = { .prompt = 512, .tokens = 128, .repeat = 3, .n_threads = 1, .cache = DUO_FORMAT_F16 };
    w.threads[0] = cores < 1 ? 1 : cores > DUO_MAX_THREADS ? DUO_MAX_THREADS : (int)cores;
    const char *value;
    duo_args_init(&a, command, argc, argv);
    for (int id; (id = duo_args_next(&a, &value)) >= 0;) switch (id) {
        case 't':   read_list(&a, &w, value); break;
        case 'p':   w.prompt = duo_whole(&a, "--prompt", value, 0, 1 << 20); break;
        case 'n':   w.tokens = duo_whole(&a, "--tokens", value, 0, 1 << 20); break;
        case 'r':   w.repeat = duo_whole(&a, "--repeat", value, 1, MAX_REPEAT); break;
        case CACHE: w.cache = duo_choice(&a, "--cache", value, caches, 2) ? DUO_FORMAT_Q8_0 : DUO_FORMAT_F16; break;
        }
    if (a.n_words != 1) duo_usage(&a, a.n_words ? "bench: one model, please" : "bench: which model?  A GGUF file, or a name that duosim models fetch takes");
    if (!w.prompt && !w.tokens) duo_usage(&a, "bench: --prompt 0 and --tokens 0 leave nothing to measure");
    w.model = a.words[0];
    struct bench b = { .args = &a, .wishes = &w };
    enum duo_status status = bench(&b, &err);
    free(b.logits);
    duo_model_free(b.model);
    return duo_finish(&a, status, &err);
}

const struct duo_command duo_cmd_bench = {
    .name = "bench", .words = "MODEL.gguf", .about = "measure how fast a small model runs here",
    .example = "  duosim bench smollm2-135m --threads 1,2 --json\n", .options = options, .run = run,
};
