/* validate_vllm.c - gate vllm: a measured run of a vLLM server, request by request, on the simulator's own server with the constants
 * that ship.  Nothing is fitted.
 *
 * (1) A run is a folder: meta.json (engine_kwargs: model, tensor_parallel_size, data_parallel_size, max_num_seqs,
 *     max_num_batched_tokens, max_model_len, dtype, quantization, kv_cache_dtype, gpu_memory_utilization), requests.jsonl (a request a
 *     line: input_toks, output_toks, queued_ts, scheduled_ts, first_token_ts, last_token_ts, s), sim_config.json (the hardware's name,
 *     the share of its memory; without the file the folder is called HARDWARE_MODEL).
 * (2) Hardware, model or format that the catalogue has not: said, and the run counts as not predicted.
 * (3) Dates are the engine's own (queued_ts), so the API server's work on a request is left out.
 * (4) data_parallel_size replicas; a request goes to the one with the fewest.  With enable_expert_parallel each holds its share of the
 *     experts and all iterate together, two collectives a layer: one engine of all GPUs, with the sequences and tokens of all.
 * (6) The engine takes requests in between two iterations: queued_ts is such a moment, and arrival_time lies before it by up to an
 *     iteration.  From version AHEAD on the scheduler is asynchronous (server.h (10)), and scheduled_ts is when it decided.
 * (5) TTFT, ITL (mean gap of a request), E2E by request; TTFT from entering the batch, without the queue; mean, median, p99 of each.
 * (7) sim_config.json is of another simulator: the first "hardware" and "mem_util" anywhere in it.
 * (8) A checkpoint's name tells its format where the engine was not told: -FP8, -AWQ, -GPTQ.  "awq_marlin" is a kernel for awq. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/stats.h"
#include "sim/app/validate_edge.h"
#include "sim/server.h"
#include "sim/yaml_tree.h"

#define GATE "vllm"

enum { BLOCK = 16, MOST_REPLICAS = 64, LINE = 65536, METRICS = 4 };
static const double AHEAD = 0.14;                 /* vLLM 0.14: async_scheduling by default */

enum { E2E, ITL, TTFT, UNQUEUED };

struct request {
    double arrived, queued, scheduled, first, last;
    double taken;                        /* the engine has it, s */
    int    input, output;
    struct duo_kv kv;
    struct duo_job job;
    struct duo_alarm alarm;
    struct serving *run;
    int    replica;
};

struct serving {
    char   model[128], hardware[64], quant[48];
    int    tensor, replicas, slots, budget;
    double utilisation, kv_bits;
    bool   ahead, expert_parallel, told;
    int    pipeline;
    int    n, n_refused;
    struct request *request;
    struct duo_clock *clock;
    struct duo_server *server[MOST_REPLICAS];
};

/* ---- (1) reading ---- */

static double number_of(const struct duo_node *map, const char *key, double otherwise)
{
    const struct duo_node *n = map ? duo_tree_find(map, key) : NULL;
    char *end;
    double x;

    if (!n || n->kind != DUO_NODE_SCALAR || n->null) return otherwise;
    x = strtod(n->text, &end);
    return end == n->text || *end ? otherwise : x;
}

static const char *text_of(const struct duo_node *map, const char *key, const char *otherwise)
{
    const struct duo_node *n = map ? duo_tree_find(map, key) : NULL;
    return n && n->kind == DUO_NODE_SCALAR && !n->null ? n->text : otherwise;
}

static enum duo_status need(const struct duo_node *map, const char *key, const char *file, int line, double *out, struct duo_err *err)
{
    *out = number_of(map, key, NAN);
    return isnan(*out) ? duo_fail_at(err, DUO_BAD_INPUT, file, line, 0, "%s: a number expected", key) : DUO_OK;
}

static enum duo_status read_request(struct serving *s, const char *text, size_t n, const char *file, int line, struct duo_err *err)
{
    struct duo_node *tree;
    struct request r = { 0 };
    double input, output;
    enum duo_status status = duo_tree_parse(&tree, text, n, file, err);

    if (status != DUO_OK) return err->line = line, status;
    if (status == DUO_OK) status = need(tree, "input_toks", file, line, &input, err);
    if (status == DUO_OK) status = need(tree, "output_toks", file, line, &output, err);
    if (status == DUO_OK) status = need(tree, "queued_ts", file, line, &r.queued, err);
    if (status == DUO_OK) status = need(tree, "first_token_ts", file, line, &r.first, err);
    if (status == DUO_OK) status = need(tree, "last_token_ts", file, line, &r.last, err);
    if (status == DUO_OK) r.scheduled = number_of(tree, "scheduled_ts", NAN), r.arrived = number_of(tree, "arrival_time", NAN);
    duo_tree_free(tree);
    DUO_TRY(status);
    if (!(input >= 1 && output >= 1 && input < 1e8 && output < 1e8)) return duo_fail_at(err, DUO_BAD_INPUT, file, line, 0, "input_toks, output_toks: at least 1 expected");
    if (!(r.first > r.queued && r.last >= r.first)) return duo_fail_at(err, DUO_BAD_INPUT, file, line, 0, "queued_ts before first_token_ts before last_token_ts expected");
    r.input = (int)input, r.output = (int)output;
    s->request = duo_grow(s->request, (size_t)s->n + 1, sizeof *s->request);
    s->request[s->n++] = r;
    return DUO_OK;
}

/* arrival_time has a clock of its own: the least wait of all requests is taken for none (6). */
static void set_arrivals(struct serving *s)
{
    double shift = INFINITY;

    for (int i = 0; i < s->n; i++) shift = fmin(shift, s->request[i].queued - s->request[i].arrived);
    for (int i = 0; i < s->n; i++) {
        struct request *r = &s->request[i];
        r->arrived = isnan(r->arrived) || isinf(shift) ? r->queued : r->arrived + shift;
    }
}

static int by_date(const void *a, const void *b)
{
    const struct request *x = a, *y = b;
    if (x->arrived != y->arrived) return x->arrived < y->arrived ? -1 : 1;
    return x->scheduled < y->scheduled ? -1 : x->scheduled > y->scheduled;
}

static enum duo_status read_requests(struct serving *s, const char *dir, struct duo_err *err)
{
    char path[1100], *line = duo_new(LINE, 1);
    FILE *in;
    enum duo_status status = DUO_OK;
    int number = 0;

    snprintf(path, sizeof path, "%s/requests.jsonl", dir);
    in = fopen(path, "r");
    if (!in) status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "can't be read");
    while (status == DUO_OK && fgets(line, LINE, in)) {
        size_t n = strlen(line);
        number++;
        while (n > 0 && strchr(" \t\r\n", line[n - 1])) n--;
        if (n > 0) status = read_request(s, line, n, path, number, err);
    }
    if (in) fclose(in);
    free(line);
    DUO_TRY(status);
    if (s->n == 0) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "no request");
    set_arrivals(s);
    qsort(s->request, (size_t)s->n, sizeof *s->request, by_date);
    return DUO_OK;
}

/* (7) The map that has `key`, the first one in depth. */
static const struct duo_node *holder_of(const struct duo_node *n, const char *key)
{
    const struct duo_node *found = n && duo_tree_find(n, key) ? n : NULL;

    for (int i = 0; n && i < n->n && !found; i++) found = holder_of(n->child[i], key);
    return found;
}

static void read_hardware(struct serving *s, const struct duo_run_files *run)
{
    char path[1100];
    const char *hardware;
    struct duo_node *tree = NULL;

    snprintf(s->hardware, sizeof s->hardware, "%.*s", (int)strcspn(run->name, "_"), run->name);
    snprintf(path, sizeof path, "%s/sim_config.json", run->dir);
    if (duo_tree_read(&tree, path, NULL) != DUO_OK) return;
    hardware = text_of(holder_of(tree, "hardware"), "hardware", NULL);
    if (hardware) snprintf(s->hardware, sizeof s->hardware, "%s", hardware);
    s->utilisation = number_of(holder_of(tree, "mem_util"), "mem_util", s->utilisation);
    duo_tree_free(tree);
}

/* "0.19.0" is 0.19, "0.9.1" is 0.09. */
static double version_of(const char *text)
{
    const char *dot = strchr(text, '.');
    return (double)strtol(text, NULL, 10) + (dot ? (double)strtol(dot + 1, NULL, 10) / 100 : 0);
}

static void set_format(struct serving *s, const char *quantization, const char *dtype)                          /* (8) */
{
    static const struct { const char *part, *quant; } told[] = { { "-FP8", "fp8" }, { "-AWQ", "awq" }, { "-GPTQ", "gptq" } };
    size_t n;

    for (size_t i = 0; i < sizeof told / sizeof told[0] && !quantization; i++)
        if (strstr(s->model, told[i].part)) quantization = told[i].quant;
    snprintf(s->quant, sizeof s->quant, "%s", quantization ? quantization : strcmp(dtype, "auto") == 0 ? "bfloat16" : dtype);
    n = strlen(s->quant);
    if (n > 7 && strcmp(s->quant + n - 7, "_marlin") == 0) s->quant[n - 7] = '\0';
}

static enum duo_status read_run(struct serving *s, const struct duo_run_files *run, struct duo_err *err)
{
    char path[1100];
    struct duo_node *tree;
    const struct duo_node *engine;

    snprintf(path, sizeof path, "%s/meta.json", run->dir);
    DUO_TRY(duo_tree_read(&tree, path, err));
    engine = duo_tree_find(tree, "engine_kwargs");
    s->utilisation = NAN;
    read_hardware(s, run);
    snprintf(s->model, sizeof s->model, "%s", text_of(engine, "model", text_of(tree, "model", "?")));
    set_format(s, text_of(engine, "quantization", NULL), text_of(engine, "dtype", "bfloat16"));
    s->tensor   = (int)number_of(engine, "tensor_parallel_size", 1);
    s->told     = !isnan(number_of(engine, "max_num_seqs", NAN)) && !isnan(number_of(engine, "max_num_batched_tokens", NAN));
    s->replicas = (int)number_of(engine, "data_parallel_size", 1);
    s->pipeline = (int)number_of(engine, "pipeline_parallel_size", 1);
    s->expert_parallel = strcmp(text_of(engine, "enable_expert_parallel", "false"), "true") == 0;
    s->slots    = (int)number_of(engine, "max_num_seqs", 256);
    s->budget   = (int)number_of(engine, "max_num_batched_tokens", 2048);
    s->ahead    = version_of(text_of(tree, "vllm_version", "0")) >= AHEAD;
    s->utilisation = number_of(engine, "gpu_memory_utilization", s->utilisation);
    s->kv_bits  = strncmp(text_of(engine, "kv_cache_dtype", "auto"), "fp8", 3) == 0 ? 8 : NAN;
    duo_tree_free(tree);
    if (s->replicas < 1 || s->replicas > MOST_REPLICAS)
        return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "engine_kwargs: data_parallel_size: 1 to %d expected", MOST_REPLICAS);
    if (s->tensor < 1 || s->slots < 1 || s->budget < 1)
        return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "engine_kwargs: tensor_parallel_size, max_num_seqs, max_num_batched_tokens: at least 1 expected");
    return read_requests(s, run->dir, err);
}

/* ---- running ---- */

static int replica_of(const struct serving *s)                                                                   /* (4) */
{
    int best = 0, least = 1 << 30;

    for (int i = 0; i < s->replicas; i++) {
        struct duo_server_figures f;
        duo_server_figures(s->server[i], &f);
        if (f.running + f.waiting < least) least = f.running + f.waiting, best = i;
    }
    return best;
}

/* Between two iterations. */
static void take(void *of)
{
    struct request *r = of;

    r->taken = duo_clock_now(r->run->clock);
    r->job.kv = &r->kv;
    if (duo_server_submit(r->run->server[r->replica], &r->job)) return;
    r->run->n_refused++;
    r->job.started_at = r->job.first_at = r->job.last_at = NAN;
}

/* (6) */
static void arrive(void *of)
{
    struct request *r = of;
    double now = duo_clock_now(r->run->clock), at;

    r->replica = replica_of(r->run);
    at = duo_server_boundary(r->run->server[r->replica]);
    if (at <= now || !r->run->ahead) take(r);
    else duo_clock_set(r->run->clock, &r->alarm, at, take, r);
}

static void simulate(struct serving *s, const struct duo_cost *cost)
{
    double start = s->request[0].arrived;

    s->clock = duo_clock_new();
    for (int i = 0; i < s->replicas; i++)
        s->server[i] = duo_server_new(&(struct duo_server_spec){ .cost = cost, .clock = s->clock, .slots = s->slots, .budget = s->budget, .block = BLOCK, .ahead = s->ahead,
                                                                 .kv_tokens = floor(cost->facts.memory_bytes / cost->facts.kv_bytes) });
    for (int i = 0; i < s->n; i++) {
        struct request *r = &s->request[i];
        r->run = s;
        r->job = (struct duo_job){ .fresh = r->input, .output = r->output, .logits = 1, .to_layer = cost->facts.layers, .streams = true };
        duo_clock_set(s->clock, &r->alarm, r->arrived - start, arrive, r);
    }
    while (duo_clock_head(s->clock) < (double)INFINITY) duo_clock_ring(s->clock);
    for (int i = 0; i < s->n; i++) duo_kv_drop(&s->request[i].kv);
    for (int i = 0; i < s->replicas; i++) duo_server_free(s->server[i]);
    duo_clock_free(s->clock);
}

/* ---- (5) ---- */

static const struct metric { const char *name; double mark; } metrics[METRICS] = {
    { "E2E", 0.06 }, { "ITL", 0.06 }, { "TTFT", 0.15 }, { "TTFT, no queue", NAN }
};

static void values_of(const struct request *r, double measured[METRICS], double predicted[METRICS])
{
    const struct duo_job *j = &r->job;
    double gaps = r->output > 1 ? (double)(r->output - 1) : (double)NAN;

    measured[E2E]      = r->last - r->queued,               predicted[E2E]      = j->last_at - r->taken;
    measured[ITL]      = (r->last - r->first) / gaps,       predicted[ITL]      = (j->last_at - j->first_at) / gaps;
    measured[TTFT]     = r->first - r->queued,              predicted[TTFT]     = j->first_at - r->taken;
    measured[UNQUEUED] = r->first - r->scheduled,           predicted[UNQUEUED] = j->first_at - j->decided_at;
}

static void add_summary(struct duo_verdict *v, const char *name, double *measured, double *predicted, int n)
{
    static const struct { const char *what; double q; } at[] = { { "median", 0.5 }, { "p99", 0.99 } };

    if (n == 0) return;
    duo_verdict_add(v, duo_mean(measured, (size_t)n), duo_mean(predicted, (size_t)n), "%s, mean", name);
    duo_sort(measured, (size_t)n), duo_sort(predicted, (size_t)n);
    for (int k = 0; k < 2; k++)
        duo_verdict_add(v, duo_quantile(measured, (size_t)n, at[k].q), duo_quantile(predicted, (size_t)n, at[k].q), "%s, %s", name, at[k].what);
}

static void judge(struct duo_validation *v, const struct serving *s, const struct duo_run_files *run, const struct duo_cost *cost)
{
    struct duo_verdict *summary;
    double *measured = duo_new((size_t)s->n, sizeof *measured), *predicted = duo_new((size_t)s->n, sizeof *predicted);
    double span = s->request[s->n - 1].arrived - s->request[0].arrived;
    char domain[400], name[48];

    snprintf(domain, sizeof domain, "%s x %d, %s %s, %d sequences, %d tokens a step, %.3g requests/s offered", cost->facts.hardware, s->tensor, cost->facts.model,
             cost->facts.quant, s->slots, s->budget, s->n > 1 && span > 0 ? (s->n - 1) / span : NAN);
    snprintf(name, sizeof name, "%.47s", run->name);
    summary = duo_verdict_new(&v->report, GATE, name, "of the whole run", "s", NAN);
    for (int m = 0; m < METRICS; m++) {
        struct duo_verdict *d = duo_verdict_new(&v->report, GATE, name, metrics[m].name, "s", metrics[m].mark);
        int n = 0;
        for (int i = 0; i < s->n; i++) {
            double real[METRICS], ours[METRICS];
            values_of(&s->request[i], real, ours);
            if (isnan(real[m]) || isnan(ours[m]) || real[m] <= 0) continue;
            measured[n] = real[m], predicted[n++] = ours[m];
            duo_verdict_add(d, real[m], ours[m], "request %d: %d in, %d out, at %.2f s", i, s->request[i].input, s->request[i].output, s->request[i].arrived - s->request[0].arrived);
        }
        snprintf(d->data, sizeof d->data, "%s", run->dir), snprintf(d->domain, sizeof d->domain, "%.199s", domain);
        snprintf(d->fitted_on, sizeof d->fitted_on, "kernels of A100, H100 and A40, batches on H100, published all-reduces: nothing of this run");
        add_summary(summary, metrics[m].name, measured, predicted, n);
    }
    snprintf(summary->data, sizeof summary->data, "%s", run->dir), snprintf(summary->domain, sizeof summary->domain, "%.199s", domain);
    snprintf(summary->fitted_on, sizeof summary->fitted_on, "nothing of this run");
    duo_report_note(&v->report, GATE, "%s: KV for %.0f tokens (%.1f GB of weights, %.2f GB of activations, %.1f GB for the runtime)%s", run->name,
                    floor(cost->facts.memory_bytes / cost->facts.kv_bytes), cost->facts.weight_bytes / 1e9, cost->facts.activation_bytes / 1e9,
                    cost->facts.runtime_bytes / 1e9, s->n_refused ? "; some requests can never fit" : "");
    free(measured), free(predicted);
}

/* (4) */
static void join_experts(struct duo_validation *v, struct serving *s, const struct duo_run_files *run, const struct duo_row *model)
{
    struct duo_arch arch;

    duo_row_arch(model, &arch);
    if (!s->expert_parallel || s->replicas == 1 || arch.experts == 0) return;
    s->tensor *= s->replicas, s->slots *= s->replicas, s->budget *= s->replicas;
    duo_report_note(&v->report, GATE, "%s: %d replicas share the experts: predicted as one engine of %d GPUs", run->name, s->replicas, s->tensor);
    s->replicas = 1;
}

static enum duo_status run_one(struct duo_validation *v, const struct duo_run_files *run, struct duo_err *err)
{
    struct serving s = { 0 };
    struct duo_constant over[3];
    struct duo_err why = { 0 };
    struct duo_cost *cost;
    const struct duo_row *model, *hardware, *quant;
    int n_over = 0;
    enum duo_status status = read_run(&s, run, err);

    if (status != DUO_OK) return free(s.request), status;
    model = duo_edge_model(v->catalogue, s.model), hardware = duo_catalogue_find(v->catalogue, DUO_HARDWARE, s.hardware);
    quant = duo_catalogue_find(v->catalogue, DUO_QUANTS, s.quant);
    over[n_over++] = (struct duo_constant){ .key = "request", .value = 0 };                                      /* (3) */
    if (!isnan(s.utilisation)) over[n_over++] = (struct duo_constant){ .key = "utilisation", .value = s.utilisation };
    if (!isnan(s.kv_bits)) over[n_over++] = (struct duo_constant){ .key = "kv_bits", .value = s.kv_bits };
    if (model) join_experts(v, &s, run, model);
    if (s.pipeline > 1)
        duo_report_note(&v->report, GATE, "%s: not predicted: pipeline_parallel_size %d", run->name, s.pipeline);
    else if (!model || !hardware || !quant)                                                                      /* (2) */
        duo_report_note(&v->report, GATE, "%s: not predicted: %s is not in the catalogue", run->name, !model ? s.model : !hardware ? s.hardware : s.quant);
    else if (duo_cost_new(&cost, v->catalogue, &(struct duo_cost_spec){ .model = model->name, .hardware = hardware->name, .quant = quant->name, .runtime = "vllm",
             .tensor_parallel = s.tensor, .sequences = s.slots, .budget = s.budget, .n_over = n_over, .over = over }, &why) != DUO_OK)
        duo_report_note(&v->report, GATE, "%s: not predicted: %s", run->name, why.text);
    else {
        if (!s.told) duo_report_note(&v->report, GATE, "%s: max_num_seqs or max_num_batched_tokens is not told: %d and %d stand in", run->name, s.slots, s.budget);
        simulate(&s, cost);
        judge(v, &s, run, cost);
        cost->kind->free(cost);
    }
    free(s.request);
    return DUO_OK;
}

enum duo_status duo_gate_vllm(struct duo_validation *v, struct duo_err *err)
{
    if (v->found.n_runs == 0) duo_report_note(&v->report, GATE, "skipped: no folder with meta.json and requests.jsonl below the data folder");
    for (int i = 0; i < v->found.n_runs; i++) DUO_TRY(duo_report_broken(&v->report, run_one(v, &v->found.run[i], err), err));
    return DUO_OK;
}
