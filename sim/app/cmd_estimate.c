/* cmd_estimate.c - one model on one device: seconds, joules, dollars, memory, and what they rest on.
 *
 * (1) --sweep batch=A..B: powers of two from A, and B; it ends, and says so, where memory does.
 * (2) --cost KEY=VALUE replaces a constant, as a scenario's `cost:` does.
 * (3) Amounts are of one request; keys of --json as documented, null where nothing is known. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/cost/estimate.h"
#include "sim/app/app.h"
#include "sim/base/json.h"
#include "sim/base/units.h"

enum { MODEL = DUO_LONG_ONLY, HARDWARE, QUANT, RUNTIME, TENSOR, PIPELINE, PROMPT, OUTPUT, BATCH, BUDGET, SWEEP, COST, MEASURED, CATALOGUE };

static const struct duo_option options[] = {
    { MODEL,    "model",             "NAME",       "of the catalogue (duosim models), or a GGUF file" },
    { HARDWARE, "hardware",          "NAME",       "of the catalogue (duosim hardware)" },
    { QUANT,    "quant",             "NAME",       "format of the weights; default: f16, or what the file says" },
    { RUNTIME,  "runtime",           "NAME",       "what runs it; default: the hardware's usual one" },
    { TENSOR,   "tensor-parallel",   "N",          "accelerators that share every layer; default: 1" },
    { PIPELINE, "pipeline-parallel", "N",          "groups of them, each with its layers; default: 1" },
    { PROMPT,   "prompt",            "N",          "tokens; default: 512" },
    { OUTPUT,   "output",            "N",          "tokens; default: 128" },
    { BATCH,    "batch",             "N",          "sequences that decode together; default: 1" },
    { BUDGET,   "budget",            "N",          "tokens of a prompt at once; default: 2048" },
    { SWEEP,    "sweep",             "batch=A..B", "a row for each power of two" },
    { COST,     "cost",              "KEY=VALUE",  "a constant instead of the catalogue's; repeatable" },
    { MEASURED, "measured",          "FILE",       "a table of measured iterations laid over the model" },
    DUO_CATALOGUE_OPTION(CATALOGUE),
    { 0 }
};

enum { MAX_COSTS = 64, MOST = 100000000, WIDEST = 1000000 };

struct wishes {
    struct duo_cost_spec spec;
    struct duo_layers    layers;
    struct duo_constant  over[MAX_COSTS];
    char key[MAX_COSTS][64];
    int  prompt, output, batch, budget, sweep_to;      /* sweep_to 0: no sweep, from `batch` */
};

/* ---------------------------------------------------------------- asking */

static void read_cost(const struct duo_args *a, struct wishes *w, const char *text)
{
    const char *sign = strchr(text, '=');
    int n = w->spec.n_over;

    if (!sign || sign == text) duo_usage(a, "estimate: --cost: KEY=VALUE expected; got %s", text);
    if (n == MAX_COSTS) duo_usage(a, "estimate: --cost: at most %d", MAX_COSTS);
    snprintf(w->key[n], sizeof w->key[n], "%.*s", (int)(sign - text), text);
    w->over[n] = (struct duo_constant){ .key = w->key[n], .value = duo_real(a, "--cost", sign + 1, -1e300, 1e300) };
    w->spec.n_over++;
}

static void read_sweep(const struct duo_args *a, struct wishes *w, const char *text)
{
    int from, to;
    char tail;

    if (sscanf(text, "batch=%d..%d%c", &from, &to, &tail) != 2 || from < 1 || to < from || to > WIDEST)
        duo_usage(a, "estimate: --sweep: batch=A..B expected, as in batch=1..256; got %s", text);
    w->batch = from, w->sweep_to = to;
}

static void read_wishes(struct duo_args *a, struct wishes *w)
{
    const char *v;
    *w = (struct wishes){ .prompt = 512, .output = 128, .batch = 1, .budget = 2048 };
    for (int id; (id = duo_args_next(a, &v)) >= 0;) {
        switch (id) {
        case MODEL:    w->spec.model = v; break;
        case HARDWARE: w->spec.hardware = v; break;
        case QUANT:    w->spec.quant = v; break;
        case RUNTIME:  w->spec.runtime = v; break;
        case MEASURED: w->spec.measured = v; break;
        case TENSOR:   w->spec.tensor_parallel = duo_whole(a, "--tensor-parallel", v, 1, 1024); break;
        case PIPELINE: w->spec.pipeline_parallel = duo_whole(a, "--pipeline-parallel", v, 1, 1024); break;
        case PROMPT:   w->prompt = duo_whole(a, "--prompt", v, 1, MOST); break;
        case OUTPUT:   w->output = duo_whole(a, "--output", v, 1, MOST); break;
        case BATCH:    w->batch = duo_whole(a, "--batch", v, 1, WIDEST); break;
        case BUDGET:   w->budget = duo_whole(a, "--budget", v, 1, MOST); break;
        case SWEEP:    read_sweep(a, w, v); break;
        case CATALOGUE: duo_app_layer(a, &w->layers, v); break;
        case COST:     read_cost(a, w, v); break;
        }
    }
    if (a->n_words) duo_usage(a, "estimate: options only; got %s", a->words[0]);
    if (!w->spec.model || !w->spec.hardware) duo_usage(a, "estimate: --model and --hardware are needed");
    size_t n = strlen(w->spec.model);
    bool file = n > 5 && strcmp(w->spec.model + n - 5, ".gguf") == 0;      /* says itself how its weights are kept */
    if (!w->spec.quant && !file) w->spec.quant = "f16";
    w->spec.over = w->over;
    w->spec.budget = w->budget;
}

/* ---------------------------------------------------------------- printing */

static const char *bound_text(enum duo_bound_by b)
{
    static const char *const text[] = {
#define X(name, word) [DUO_BOUND_##name] = word,
        DUO_BOUNDS(X)
#undef X
    };
    return text[b];
}

static double total(const struct duo_facts *f, const struct duo_estimate *e) { return f->weight_bytes + e->kv_bytes + f->activation_bytes + f->runtime_bytes; }

static enum duo_provenance weakest(const struct duo_facts *f, const struct duo_estimate *e)
{
    enum duo_provenance p = f->time;
    if (!isnan(e->joules) && f->energy > p) p = f->energy;
    if (!isnan(e->dollars) && f->money > p) p = f->money;
    return p;
}

static void number(struct duo_json *j, const char *key, double x) { duo_json_key(j, key), duo_json_number(j, x); }
static void text(struct duo_json *j, const char *key, const char *x) { duo_json_key(j, key), duo_json_text(j, x); }

static void print_json(struct duo_json *j, const struct duo_facts *f, const struct duo_estimate *e)
{
    bool api = isinf(f->memory_bytes);

    duo_json_open(j, '{');
    text(j, "model", f->model), text(j, "hardware", f->hardware), text(j, "quant", *f->quant ? f->quant : NULL);
    text(j, "runtime", *f->runtime ? f->runtime : NULL);
    number(j, "gpus", api ? (double)NAN : f->gpus);
    number(j, "prompt", e->prompt), number(j, "output", e->output), number(j, "batch", e->batch);
    number(j, "prefill_s", e->prefill_s), number(j, "ttft_s", e->ttft_s), number(j, "itl_s", e->itl_s);
    number(j, "decode_tokens_per_s", e->decode_tokens_per_s), number(j, "throughput_tokens_per_s", e->throughput_tokens_per_s);
    number(j, "joules", e->joules), number(j, "joules_per_output_token", e->joules_per_output_token), number(j, "dollars", e->dollars);
    text(j, "dollars_regime", f->dollars_regime);
    duo_json_key(j, "memory");
    duo_json_open(j, '{');
    number(j, "weights", api ? NAN : f->weight_bytes), number(j, "kv", api ? NAN : e->kv_bytes), number(j, "activations", api ? NAN : f->activation_bytes);
    number(j, "runtime", api ? NAN : f->runtime_bytes), number(j, "total", api ? NAN : total(f, e)), number(j, "capacity", api ? NAN : f->total_bytes);
    number(j, "kv_capacity", api ? NAN : f->memory_bytes);
    duo_json_close(j);
    duo_json_key(j, "bound");
    duo_json_open(j, '{');
    text(j, "prefill", bound_text(e->prefill.bound)), text(j, "decode", bound_text(e->decode.bound));
    duo_json_close(j);
    text(j, "provenance", duo_provenance_text(weakest(f, e)));
    text(j, "provenance_time", duo_provenance_text(f->time));
    text(j, "provenance_energy", isnan(e->joules) ? NULL : duo_provenance_text(f->energy));
    text(j, "provenance_money", isnan(e->dollars) ? NULL : duo_provenance_text(f->money));
    text(j, "rests_on", f->rests_on);
    duo_json_close(j);
}

static const char *show(double x, enum duo_dimension d, char out[40])
{
    if (isnan(x)) snprintf(out, 40, "-");
    else duo_show_quantity(x, d, out, 40);
    return out;
}

static void print_terms(const char *phase, const struct duo_terms *t)
{
    double all = t->gemm + t->attention + t->head + t->collectives + t->overhead, share = 100 / all;

    printf("%-12s %s; products %.0f %%, attention %.0f %%, head %.0f %%, communication %.0f %%, host %.0f %%\n", phase, bound_text(t->bound),
           t->gemm * share, t->attention * share, t->head * share, t->collectives * share, t->overhead * share);
}

static void print_one(const struct duo_facts *f, const struct duo_estimate *e)
{
    char a[40], b[40], c[40], d[40], several[24] = "";
    bool api = isinf(f->memory_bytes);

    if (f->gpus > 1) snprintf(several, sizeof several, " x %d", f->gpus);
    printf("%s%s%s on %s%s%s%s: prompt %d, output %d, batch %d\n", f->model, *f->quant ? ", " : "", f->quant, f->hardware, several,
           *f->runtime ? ", " : "", f->runtime, e->prompt, e->output, e->batch);
    printf("first token  %s (prompt %s)\n", show(e->ttft_s, DUO_DIM_TIME, a), show(e->prefill_s, DUO_DIM_TIME, b));
    printf("then         %s a token, %.4g tokens/s a sequence, %.4g tokens/s in all\n", show(e->itl_s, DUO_DIM_TIME, a), e->decode_tokens_per_s, e->throughput_tokens_per_s);
    printf("a request    %s (%s a token), %s, %s\n", show(e->joules, DUO_DIM_ENERGY, a), show(e->joules_per_output_token, DUO_DIM_ENERGY, b),
           show(e->dollars, DUO_DIM_MONEY, c), f->dollars_regime);
    if (!api) {
        printf("memory       %s: ", show(total(f, e), DUO_DIM_BYTES, a));
        printf("weights %s, KV %s, activations %s, runtime %s; ", show(f->weight_bytes, DUO_DIM_BYTES, a), show(e->kv_bytes, DUO_DIM_BYTES, b),
               show(f->activation_bytes, DUO_DIM_BYTES, c), show(f->runtime_bytes, DUO_DIM_BYTES, d));
        printf("there are %s, %s of them for KV\n", show(f->total_bytes, DUO_DIM_BYTES, a), show(f->memory_bytes, DUO_DIM_BYTES, b));
        print_terms("prefill", &e->prefill);
        print_terms("decode", &e->decode);
    }
    printf("known from   seconds %s, joules %s, dollars %s\n", duo_provenance_text(f->time), isnan(e->joules) ? "-" : duo_provenance_text(f->energy),
           isnan(e->dollars) ? "-" : duo_provenance_text(f->money));
    printf("weakest      %s\n", f->rests_on);
}

static void print_row(const struct duo_estimate *e, bool first)
{
    char a[40], b[40], c[40], d[40], g[40];

    if (first) printf("%8s %12s %12s %14s %14s %12s %12s  %s\n", "batch", "prompt", "a token", "tokens/s each", "tokens/s all", "J/token", "$/request", "decode bound by");
    snprintf(g, sizeof g, "%.4g", e->throughput_tokens_per_s);
    printf("%8d %12s %12s %14.4g %14s %12s %12s  %s\n", e->batch, show(e->prefill_s, DUO_DIM_TIME, a), show(e->itl_s, DUO_DIM_TIME, b), e->decode_tokens_per_s, g,
           show(e->joules_per_output_token, DUO_DIM_ENERGY, c), show(e->dollars, DUO_DIM_MONEY, d), bound_text(e->decode.bound));
}

/* ---------------------------------------------------------------- the command */

static enum duo_status ask(const struct duo_catalogue *c, struct wishes *w, int batch, struct duo_facts *f, struct duo_estimate *e, struct duo_err *err)
{
    struct duo_cost *cost;
    enum duo_status status;

    w->spec.sequences = batch;
    DUO_TRY(duo_cost_new(&cost, c, &w->spec, err));
    *f = cost->facts;
    status = duo_estimate(cost, w->prompt, w->output, batch, w->budget, e, err);
    cost->kind->free(cost);
    return status;
}

/* (1) */
static enum duo_status sweep(const struct duo_args *a, const struct duo_catalogue *c, struct wishes *w, struct duo_err *err)
{
    struct duo_json j;
    struct duo_facts f;
    struct duo_estimate e;
    enum duo_status status = DUO_OK;
    int last = 0, from = w->batch;

    duo_json_init(&j, stdout);
    for (int batch = from; last < w->sweep_to; batch = batch <= w->sweep_to / 2 ? batch * 2 : w->sweep_to) {
        status = ask(c, w, batch, &f, &e, err);
        if (status != DUO_OK) break;
        if (a->json && !last) duo_json_open(&j, '[');
        if (a->json) print_json(&j, &f, &e);
        else print_row(&e, !last);
        last = batch;
    }
    if (!last) return status;
    if (a->json) duo_json_close(&j), duo_json_end(&j);
    else printf("known from: seconds %s (%s)\n", duo_provenance_text(f.time), f.rests_on);
    if (status == DUO_OK) return DUO_OK;
    fflush(stdout);
    fprintf(stderr, "duosim: the sweep ends at batch %d: %s\n", last, err->text);
    *err = (struct duo_err){ 0 };
    return DUO_OK;
}

static enum duo_status one(const struct duo_args *a, const struct duo_catalogue *c, struct wishes *w, struct duo_err *err)
{
    struct duo_json j;
    struct duo_facts f;
    struct duo_estimate e;

    DUO_TRY(ask(c, w, w->batch, &f, &e, err));
    if (a->json) {
        duo_json_init(&j, stdout);
        print_json(&j, &f, &e);
        duo_json_end(&j);
        return DUO_OK;
    }
    print_one(&f, &e);
    printf("constants\n");
    return duo_cost_sources(stdout, c, &w->spec, err);
}

static int run(const struct duo_command *command, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    struct duo_catalogue *c;
    struct wishes w;
    enum duo_status status;

    duo_args_init(&a, command, argc, argv);
    read_wishes(&a, &w);
    status = duo_app_catalogue(&c, &w.layers, &err);
    if (status != DUO_OK) return duo_finish(&a, status, &err);
    status = (w.sweep_to ? sweep : one)(&a, c, &w, &err);
    duo_catalogue_free(c);
    return duo_finish(&a, status, &err);
}

const struct duo_command duo_cmd_estimate = {
    .name = "estimate", .words = "", .about = "one model on one device: seconds, tokens/s, joules, dollars, memory, and what bounds them",
    .example = "  duosim estimate --model llama-3.1-8b --hardware h100-sxm --quant fp8 --prompt 1024 --output 256 --batch 16\n"
               "  duosim estimate --model llama-3.1-8b --hardware l4 --quant fp8 --sweep batch=1..256\n",
    .options = options, .run = run,
};
