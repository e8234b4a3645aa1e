/* test_roofline.c - roofline.c, memory.c and energy.c beside formulas written down once more, from the papers, with literal
 * architectures; beside published figures; and what they refuse.
 *
 *   (1) affine in context, chunks add up, parts of the layers add up     (2) experts     (3), (4) groups of GPUs, pipelines
 *   (5) formats     (7) joules     memory.c (1)..(4)
 * Every constant is set here, so that the numbers of the catalogue may change. */
#include <stdlib.h>
#include <time.h>

#include "models/cost/cost.h"
#include "tests/check.h"

static struct duo_catalogue *catalogue;
static struct duo_err err;

/* ---- the formulas, once more ---- */

#define PEAK 2e14
#define BANDWIDTH 1e12
#define LLAMA8_LAYER (4096.0 * 4096 * 2 + 4096.0 * 1024 * 2 + 3 * 4096.0 * 14336)      /* 32 layers, 32 heads of 128, 8 of KV */
#define LLAMA8_HEAD  (128256.0 * 4096)

static const struct duo_constant set[] = {
    { "fp16", PEAK, 1, 1 }, { "bandwidth", BANDWIDTH, 1, 1 }, { "memory", 80e9, 1, 1 }, { "sharpness", 1.5, 1, 1 }, { "compute", 0.7, 1, 1 },
    { "stream", 0.8, 1, 1 }, { "attend", 0.5, 1, 1 }, { "attend_compute", 0.4, 1, 1 }, { "op", 1e-6, 1, 1 }, { "layer", 3e-5, 1, 1 },
    { "step", 2e-4, 1, 1 }, { "item", 1e-5, 1, 1 }, { "request", 0.01, 1, 1 }, { "one_shot_limit", 1e6, 1, 1 }, { "one_shot_trip", 5e-6, 1, 1 },
    { "one_shot_link", 5e10, 1, 1 }, { "ring_trip", 2.5e-5, 1, 1 }, { "ring_link", 2e10, 1, 1 }, { "utilisation", 0.9, 1, 1 },
    { "runtime_bytes", 1e9, 1, 1 }, { "activation_factor", 1, 1, 1 }, { "sampler_bytes", 20, 1, 1 }, { "tdp_watts", 400, 1, 1 }, { "idle_watts", 50, 1, 1 },
    { "power_static", 0.4, 1, 1 }, { "joules_flop", 1e-12, 1, 1 }, { "joules_byte", 1e-10, 1, 1 }, { "host_watts", 30, 1, 1 }, { "pue", 1.2, 1, 1 },
    { "dollars_hour", 3.6, 1, 1 }, { "storage_bandwidth", 2e9, 1, 1 },
};
enum { N_SET = sizeof set / sizeof *set, WEIGHTS = 2 };

static double roof(double compute, double bandwidth) { return pow(pow(compute, 1.5) + pow(bandwidth, 1.5), 1 / 1.5); }

/* Products of n weights that `tokens` pass, on g GPUs; reading `read` of them. */
static double product(double n, double read, double tokens, double g)
{
    return roof(2 * n * tokens / (0.7 * PEAK * g), WEIGHTS * read / (0.8 * BANDWIDTH * g));
}

static double between(double tokens, double d, double ffn, double heads, double kv, double dim, double g)
{
    return tokens * 2 * (10 * d + 3 * ffn / g + 2 * (heads + 2 * kv) * dim / g) / (0.8 * BANDWIDTH);
}

/* The set but for two keys (NULL: none): a place that doesn't read one would refuse it. */
static int set_without(struct duo_constant *over, const char *a, const char *b)
{
    int n = 0;

    for (int i = 0; i < N_SET; i++)
        if (!(a && strcmp(set[i].key, a) == 0) && !(b && strcmp(set[i].key, b) == 0)) over[n++] = set[i];
    return n;
}

static struct duo_cost *make_with(struct duo_cost_spec spec, const char *key, double value)
{
    struct duo_constant over[N_SET + 1];
    struct duo_cost *c = NULL;

    spec.n_over = set_without(over, spec.quant && strcmp(spec.quant, "fp8") == 0 ? "fp16" : NULL, NULL);
    if (key) over[spec.n_over++] = (struct duo_constant){ key, value, 9, 14 };
    spec.over = over, spec.file = "s.yaml", spec.line = 7;
    if (!spec.quant) spec.quant = "f16";
    if (!spec.hardware) spec.hardware = "h100-sxm";
    if (!spec.runtime) spec.runtime = "vllm";
    err = (struct duo_err){ 0 };
    duo_cost_new(&c, catalogue, &spec, &err);
    if (err.text[0] && !c) printf("note: %s\n", err.text);
    return c;
}

static struct duo_cost *make(const char *model, int gpus) { return make_with((struct duo_cost_spec){ .model = model, .tensor_parallel = gpus }, NULL, 0); }

static struct duo_load load_of(const struct duo_cost *c, double fresh, double cached, double logits)
{
    struct duo_growth growth;
    return c->kind->item(c, fresh, cached, 0, c->facts.layers, logits, &growth);
}

static void add(struct duo_load *to, struct duo_load l)
{
    to->items += l.items, to->tokens += l.tokens, to->context += l.context, to->pairs += l.pairs, to->logits += l.logits;
}

static struct duo_price price(const struct duo_cost *c, struct duo_load l) { return c->kind->price(c, &l, 0, c->facts.layers); }

#define CHECK_CLOSE(got, want) CHECK_NEAR(got, want, 1e-12 * fabs(want))

/* ---- dense ---- */

/* A prompt of 512, seven decoding sequences, and both in one iteration: Llama-3.1-8B. */
static void test_dense(void)
{
    struct duo_cost *c = make("llama-3.1-8b", 1);
    double host = 32 * (3e-5 + 4 * 1e-6) + 2e-4, kv = 4096 / (0.5 * BANDWIDTH), pair = 4.0 * 32 * 128 / (0.4 * PEAK), want, context = 0;
    struct duo_load all = { 0 };

    CHECK(c != NULL);
    if (!c) return;
    CHECK_TEXT(c->kind->name, "roofline");
    want = 32 * (product(LLAMA8_LAYER, LLAMA8_LAYER, 512, 1) + between(512, 4096, 14336, 32, 8, 128, 1)) + product(LLAMA8_HEAD, LLAMA8_HEAD, 1, 1)
         + 32 * 512 * kv + 32 * (512 * 513 / 2.0 - 512) * pair + host + 1e-5;
    CHECK_CLOSE(price(c, load_of(c, 512, 0, 1)).seconds, want);

    for (int i = 0; i < 7; i++) add(&all, load_of(c, 1, 100 * i, 1)), context += 32 * (100 * i + 1);
    CHECK_NEAR(all.context, context, 0);
    CHECK_NEAR(all.pairs, context, 0);
    want = 32 * (product(LLAMA8_LAYER, LLAMA8_LAYER, 7, 1) + between(7, 4096, 14336, 32, 8, 128, 1)) + product(LLAMA8_HEAD, LLAMA8_HEAD, 7, 1)
         + context * kv + host + 7e-5;
    CHECK_CLOSE(price(c, all).seconds, want);
    CHECK_CLOSE(price(c, all).per_context, kv);

    add(&all, load_of(c, 300, 200, 0));                          /* a chunk in the middle of a prompt: no logits */
    want = 32 * (product(LLAMA8_LAYER, LLAMA8_LAYER, 307, 1) + between(307, 4096, 14336, 32, 8, 128, 1)) + product(LLAMA8_HEAD, LLAMA8_HEAD, 7, 1)
         + (context + 32 * 500) * kv + 32 * (300 * 200 + 300 * 301 / 2.0 - 500) * pair + host + 8e-5;
    CHECK_CLOSE(price(c, all).seconds, want);
    c->kind->free(c);
}

/* (1) */
static void test_form(void)
{
    static const char *const models[] = { "llama-3.1-8b", "gemma-2-2b", "mixtral-8x7b" };

    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct duo_cost *c = make(models[i], 2);
        struct duo_growth growth;
        struct duo_load whole, part, sum = { 0 };
        struct duo_price p, q, r;
        int layers, cut;
        double t = 0, j = 0, per = 0, steps = 200;

        CHECK(c != NULL);
        if (!c) continue;
        layers = c->facts.layers, cut = layers / 3;
        whole = load_of(c, 300, 100, 0);
        add(&sum, load_of(c, 128, 100, 0)), add(&sum, load_of(c, 128, 228, 0)), add(&sum, load_of(c, 44, 356, 0));
        CHECK_NEAR(sum.tokens, whole.tokens, 0);
        CHECK_NEAR(sum.pairs, whole.pairs, 0);

        whole = c->kind->item(c, 5, 5000, 0, layers, 0, &growth);
        part  = c->kind->item(c, 5, 5000, 0, cut, 0, &growth);
        p = c->kind->price(c, &part, 0, cut);
        part = c->kind->item(c, 5, 5000, cut, layers, 0, &growth);
        q = c->kind->price(c, &part, cut, layers);
        r = c->kind->price(c, &whole, 0, layers);
        CHECK_NEAR(p.seconds + q.seconds - 2e-4 - 1e-5, r.seconds, 1e-12);      /* step and item twice */

        sum = (struct duo_load){ 0 };
        for (int k = 0; k < 7; k++) {
            add(&sum, c->kind->item(c, 1, 4100 + 50 * k, 0, layers, 1, &growth));      /* beyond Gemma's window */
            per += growth.per_token;
            CHECK(isinf(growth.tokens));
        }
        p = price(c, sum);
        for (int k = 0; k < steps; k++) {
            struct duo_load l = { 0 };
            for (int n = 0; n < 7; n++) add(&l, load_of(c, 1, 4100 + 50 * n + k, 1));
            t += price(c, l).seconds, j += price(c, l).joules;
        }
        CHECK_NEAR(steps * p.seconds + p.per_context * per * steps * (steps - 1) / 2, t, 1e-9 * t);
        CHECK_NEAR(steps * p.joules + p.joules_per_context * per * steps * (steps - 1) / 2, j, 1e-9 * j);
        c->kind->free(c);
    }
}

/* Gemma 2: every second layer looks back 4096 tokens; there a sequence's context stops growing, and the contract says when. */
static void test_window(void)
{
    struct duo_cost *c = make("gemma-2-2b", 1);
    struct duo_growth growth;
    struct duo_load l, later;

    CHECK(c != NULL);
    if (!c) return;
    l = c->kind->item(c, 1, 4090, 0, 26, 1, &growth);
    CHECK_NEAR(growth.per_token, 26, 0);
    CHECK_NEAR(growth.tokens, 5, 0);
    later = load_of(c, 1, 4095, 1);
    CHECK_NEAR(l.context + 5 * growth.per_token, later.context, 0);
    l = c->kind->item(c, 1, 4095, 0, 26, 1, &growth);
    CHECK_NEAR(growth.per_token, 13, 0);
    CHECK(isinf(growth.tokens));
    c->kind->free(c);
}

/* A CPU of 4 cores at 2 GHz that unpacks 2 bytes a cycle and pair of pipes; a layer takes 4e5 cycles; its bandwidth was measured. */
static void test_cores(void)
{
    static const struct duo_constant cores[] = { { "units", 4, 1, 1 }, { "clock", 2e9, 1, 1 }, { "pipes", 1.5, 1, 1 }, { "issue", 2, 1, 1 },
                                                 { "layer_cycles", 4e5, 1, 1 }, { "bandwidth_measured", 3e10, 1, 1 }, { "stream_measured", 0.95, 1, 1 } };
    struct duo_constant over[N_SET + 7];                     /* stream_measured and layer_cycles take the place of stream and layer */
    struct duo_cost_spec spec = { .model = "llama-3.1-8b", .hardware = "h100-sxm", .quant = "f16", .runtime = "vllm", .n_over = N_SET + 5, .over = over };
    struct duo_cost *c = NULL;
    double n = 32 * LLAMA8_LAYER + LLAMA8_HEAD, compute = 2 * n / (0.7 * PEAK), memory = 2 * n / (0.95 * 3e10), cores_s = 2 * n / (2 * 4 * 2e9 * 1.5), want;

    memcpy(over + set_without(over, "stream", "layer"), cores, sizeof cores);
    duo_cost_new(&c, catalogue, &spec, &err);
    CHECK(c != NULL);
    if (!c) return;
    want = pow(pow(compute, 1.5) + pow(memory, 1.5) + pow(cores_s, 1.5), 1 / 1.5) + between(32, 4096, 14336, 32, 8, 128, 1) * 0.8 * BANDWIDTH / (0.95 * 3e10)
         + 32 * (4e5 / 2e9 + 4e-6) + 2e-4 + 1e-5 + 32 * 100 * 4096 / (0.5 * BANDWIDTH);
    CHECK_CLOSE(price(c, load_of(c, 1, 99, 1)).seconds, want);
    c->kind->free(c);
}

/* ---- mixtures, groups ---- */

/* (2): n tokens reach 8 (1 - 0.75^n) of Mixtral's experts. */
static void test_experts(void)
{
    struct duo_cost *c = make("mixtral-8x7b", 2);
    double attention = 2 * 4096.0 * 4096 + 2 * 4096.0 * 1024, router = 4096.0 * 8, expert = 3 * 4096.0 * 14336, head = 32000.0 * 4096;

    CHECK(c != NULL);
    if (!c) return;
    for (double n = 1; n <= 64; n *= 4) {
        struct duo_load l = { 0 };
        double want, bytes = n * 4096 * 2;
        for (int i = 0; i < (int)n; i++) add(&l, load_of(c, 1, 10, 1));
        want = 32 * (product(attention + router, attention + router, n, 2) + product(2 * expert, 8 * (1 - pow(0.75, n)) * expert, n, 2)
                     + between(n, 4096, 2 * 14336, 32, 8, 128, 2) + n * 2 * 2 * 2 * 4096 / (0.8 * BANDWIDTH) + 2 * (5e-6 + bytes / 5e10) + 3e-5 + 5e-6)
             + product(head, head, n, 2) + 2e-4 + 1e-5 * n + n * 32 * 11 * 4096 / (0.5 * BANDWIDTH * 2);
        CHECK_CLOSE(price(c, l).seconds, want);
    }
    c->kind->free(c);
}

/* (3), (4) */
static void test_groups(void)
{
    struct duo_cost *one = make_with((struct duo_cost_spec){ .model = "llama-3.1-8b" }, "memory", 2e11);
    struct duo_cost *four = make_with((struct duo_cost_spec){ .model = "llama-3.1-8b", .tensor_parallel = 4 }, "memory", 2e11);
    struct duo_cost *two = make_with((struct duo_cost_spec){ .model = "llama-3.1-8b", .pipeline_parallel = 2 }, "memory", 2e11);
    double host = 32 * (3e-5 + 4e-6) + 2e-4 + 1e-5, kv = 4096 / (0.5 * BANDWIDTH), want;

    CHECK(one && four && two);
    if (!one || !four || !two) return;
    want = 32 * (product(LLAMA8_LAYER, LLAMA8_LAYER, 1, 4) + between(1, 4096, 14336, 32, 8, 128, 4) + 2 * (5e-6 + 3 * 8192 / 5e10))
         + product(LLAMA8_HEAD, LLAMA8_HEAD, 1, 4) + 32 * 1000 * kv / 4 + host;
    CHECK_CLOSE(price(four, load_of(four, 1, 999, 1)).seconds, want);
    want = 32 * (product(LLAMA8_LAYER, LLAMA8_LAYER, 200, 4) + between(200, 4096, 14336, 32, 8, 128, 4) + 2 * (2.5e-5 + 1.5 * 200 * 8192 / 2e10))
         + product(LLAMA8_HEAD, LLAMA8_HEAD, 1, 4) + 32 * 200 * kv / 4 + 32 * (200 * 201 / 2 - 200) * (4.0 * 32 * 128 / (0.4 * PEAK * 4)) + host;
    CHECK_CLOSE(price(four, load_of(four, 200, 0, 1)).seconds, want);              /* 1.6 MB: the ring */
    want = price(one, load_of(one, 200, 0, 1)).seconds + 2.5e-5 + 200 * 8192 / 2e10;
    CHECK_CLOSE(price(two, load_of(two, 200, 0, 1)).seconds, want);                /* one hop more, nothing faster */
    CHECK_INT(four->facts.gpus, 4);
    CHECK_NEAR(two->facts.total_bytes, 4e11, 0);
    CHECK_CLOSE(four->facts.dollars_second, 4 * 3.6 / 3600);
    one->kind->free(one), four->kind->free(four), two->kind->free(two);

    struct duo_cost *many = make("llama-2-70b", 16);                               /* 8 KV heads on 16 GPUs: two copies of each */
    CHECK(many != NULL);
    if (!many) return;
    CHECK_CLOSE(many->facts.kv_bytes, 80 * 2.0 * 16 * 128 * 2);
    many->kind->free(many);
}

/* ---- memory, joules ---- */

static void test_memory(void)
{
    struct duo_cost *c = make_with((struct duo_cost_spec){ .model = "llama-3.1-8b", .tensor_parallel = 2, .sequences = 128, .budget = 2048 }, NULL, 0);
    double activations = 2 * 128 * 20.0 * 128256;      /* more than the 2048 * 2 * (4 * 4096 + 3 * 14336 / 2) of the layers */

    CHECK(c != NULL);
    if (!c) return;
    CHECK_NEAR(c->facts.weight_bytes, 2 * 8030261248.0, 0);
    CHECK_NEAR(c->facts.parameters, 8030261248.0, 0);
    CHECK_NEAR(c->facts.kv_bytes, 131072, 0);
    CHECK_NEAR(c->facts.activation_bytes, activations, 0);
    CHECK_NEAR(c->facts.memory_bytes, 0.9 * 160e9 - 2 * 8030261248.0 - activations - 2e9, 1);
    CHECK_NEAR(c->facts.hidden_bytes, 8192, 0);
    CHECK_CLOSE(c->facts.load_seconds, 2 * 8030261248.0 / 2e9);
    CHECK_NEAR(c->facts.start_seconds, 0.01, 0);
    CHECK_HAS(c->facts.dollars_regime, "gpu seconds used, priced by ");
    CHECK_INT(c->facts.time, DUO_ASSUMED);                       /* the scenario's */
    CHECK_HAS(c->facts.rests_on, "assumed");
    c->kind->free(c);
}

/* What vLLM says of itself when it starts: GiB of a GPU, its share, peak of the activations, what is left for KV; with the constants that ship.
 * Logs of 0.6 to 0.8 in public files (exact-string look-up: "PyTorch activation peak memory takes"): Llama-3-8B on an A100; Qwen2.5-1.5B on a T4, one
 * prompt of 32768; DeepSeek-R1-0528-Qwen3-8B on four RTX 2080 Ti of 22 GB, budget 8192.  256 sequences, the default.  The T4's KV is small
 * beside what the runtime keeps, which its log has as 0.01 GiB. */
static void test_logs(void)
{
    static const struct { const char *model; int gpus, budget; double total, share, activations, kv; } logs[] = {
        { "llama-3.1-8b", 1, 8192, 79.14, 0.90, 1.19, 54.93 }, { "qwen2.5-1.5b", 1, 32768, 14.56, 0.50, 2.02, 2.36 }, { "qwen3-8b", 4, 8192, 21.48, 0.93, 1.45, 14.49 },
    };
    const double gib = 1073741824;

    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        struct duo_constant over[] = { { "memory", logs[i].total * gib, 1, 1 }, { "utilisation", logs[i].share, 1, 1 } };
        struct duo_cost_spec spec = { .model = logs[i].model, .hardware = "a100-sxm", .quant = "f16", .runtime = "vllm", .tensor_parallel = logs[i].gpus,
                                      .sequences = 256, .budget = logs[i].budget, .n_over = 2, .over = over };
        struct duo_cost *c = NULL;
        CHECK_INT(duo_cost_new(&c, catalogue, &spec, &err), DUO_OK);
        if (!c) continue;
        double activations = c->facts.activation_bytes / logs[i].gpus / gib, kv = c->facts.memory_bytes / logs[i].gpus / gib;
        printf("%s: activations %.2f GiB, logged %.2f; KV %.2f GiB, logged %.2f\n", logs[i].model, activations, logs[i].activations, kv, logs[i].kv);
        CHECK_NEAR(activations, logs[i].activations, 0.03 * logs[i].activations);
        CHECK_NEAR(kv, logs[i].kv, (i == 1 ? 0.08 : 0.01) * logs[i].kv);
        c->kind->free(c);
    }
}

/* FP8 with a head and an embedding of 16 bit: 9.08 GB, as the checkpoint of RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8 has. */
static void test_head_bits(void)
{
    struct duo_cost *c = make_with((struct duo_cost_spec){ .model = "llama-3.1-8b", .quant = "fp8" }, "fp8", PEAK);
    double kv = 4096 / (0.5 * BANDWIDTH), host = 32 * (3e-5 + 4e-6) + 2e-4 + 1e-5, want;

    CHECK(c != NULL);
    if (!c) return;
    CHECK_NEAR(c->facts.weight_bytes, 8030261248.0 + 2 * LLAMA8_HEAD, 0);
    CHECK_NEAR(c->facts.weight_bytes, 9.08e9, 0.01e9);
    want = 32 * (roof(2 * LLAMA8_LAYER / (0.7 * PEAK), LLAMA8_LAYER / (0.8 * BANDWIDTH)) + between(1, 4096, 14336, 32, 8, 128, 1))
         + product(LLAMA8_HEAD, LLAMA8_HEAD, 1, 1) + 32 * 100 * kv + host;
    CHECK_CLOSE(price(c, load_of(c, 1, 99, 1)).seconds, want);
    c->kind->free(c);
}

/* (7): 0.4 of 400 W, 1 pJ a FLOP, 100 pJ a byte, 30 W of host, all times 1.2; never above 400 W a GPU. */
static void test_energy(void)
{
    struct duo_cost *c = make("llama-3.1-8b", 1);
    struct duo_price p, q;
    double fixed, weights = 32 * LLAMA8_LAYER + LLAMA8_HEAD, kv = 4096.0 / (0.5 * BANDWIDTH);

    CHECK(c != NULL);
    if (!c) return;
    p = price(c, load_of(c, 1, 999, 1));
    fixed = p.seconds - 32000 * kv;
    CHECK_NEAR(p.joules, 1.2 * ((160 + 30) * p.seconds + 1e-12 * 2 * weights + 1e-10 * (2 * weights + 32000 * 4096.0)), 1e-9);
    CHECK_NEAR(p.joules_per_context, 1.2 * (190 * kv + 1e-10 * 4096), 1e-20);
    CHECK(fixed > 0);
    CHECK_CLOSE(c->facts.idle_watts, 1.2 * 80);
    CHECK_CLOSE(c->facts.busy_watts, price(c, load_of(c, 1, 1023, 1)).joules / price(c, load_of(c, 1, 1023, 1)).seconds);
    c->kind->free(c);
    c = make_with((struct duo_cost_spec){ .model = "llama-3.1-8b", .pipeline_parallel = 2 }, NULL, 0);
    q = price(c, load_of(c, 1, 999, 1));                         /* the second GPU idles meanwhile, its host stands by */
    CHECK_NEAR(q.joules, p.joules + 1.2 * (80 * p.seconds + 270 * (q.seconds - p.seconds)), 1e-9);
    c->kind->free(c);
    c = make_with((struct duo_cost_spec){ .model = "llama-3.1-8b" }, "joules_flop", 1e-10);
    p = price(c, load_of(c, 2048, 0, 1));
    CHECK_NEAR(p.joules / p.seconds, 1.2 * 430, 1);              /* at the limit, but for reading KV */
    CHECK(p.joules / p.seconds <= 1.2 * 430 + 1e-9);
    c->kind->free(c);
}

/* ---- explained ---- */

static void test_explain(void)
{
    struct duo_cost *c = make("llama-3.1-8b", 1);
    struct duo_terms t;
    struct duo_load l;

    CHECK(c != NULL);
    if (!c) return;
    l = load_of(c, 1, 999, 1);
    c->kind->explain(c, &l, 0, 32, &t);
    CHECK_CLOSE(t.gemm + t.attention + t.head + t.collectives + t.overhead, price(c, l).seconds);
    CHECK_CLOSE(t.flop, 2 * (32 * LLAMA8_LAYER + LLAMA8_HEAD));
    CHECK_CLOSE(t.weight_bytes, 2 * (32 * LLAMA8_LAYER + LLAMA8_HEAD));
    CHECK_CLOSE(t.kv_bytes, 131072 * 1000.0);
    CHECK_INT(t.bound, DUO_BOUND_BANDWIDTH);
    l = load_of(c, 2048, 0, 1);
    c->kind->explain(c, &l, 0, 32, &t);
    CHECK_CLOSE(t.gemm + t.attention + t.head + t.collectives + t.overhead, price(c, l).seconds);
    CHECK_INT(t.bound, DUO_BOUND_COMPUTE);
    c->kind->free(c);
    c = make_with((struct duo_cost_spec){ .model = "qwen2.5-0.5b" }, "layer", 1e-3);
    l = load_of(c, 1, 0, 1);
    c->kind->explain(c, &l, 0, 24, &t);
    CHECK_INT(t.bound, DUO_BOUND_OVERHEAD);
    c->kind->free(c);
}

/* ---- refused ---- */

static void refused(struct duo_cost_spec spec, const char *key, double value, const char *part)
{
    struct duo_cost *c = make_with(spec, key, value);

    CHECK(c == NULL);
    CHECK_INT(err.status, DUO_BAD_INPUT);
    CHECK_HAS(err.text, part);
    CHECK_TEXT(err.file, "s.yaml");
    if (c) c->kind->free(c);
}

static void test_refusals(void)
{
    refused((struct duo_cost_spec){ .model = "llama-3.1-70b" }, NULL, 0, "llama-3.1-70b f16 needs 141.1 GB of weights");
    CHECK_HAS(err.text, "of KV for a context of 131072 tokens; h100-sxm has 80 GB, of which 72 GB can be used");
    refused((struct duo_cost_spec){ .model = "llama-3.1-8b", .tensor_parallel = 3 }, NULL, 0, "tensor_parallel: 3 doesn't divide the 32 heads");
    refused((struct duo_cost_spec){ .model = "llama-3.1-8b", .pipeline_parallel = 33 }, NULL, 0, "33 stages, but llama-3.1-8b has 32 layers");
    refused((struct duo_cost_spec){ .model = "llama-3.1-8" }, NULL, 0, "did you mean llama-3.1-8b?");
    refused((struct duo_cost_spec){ .model = "llama-3.1-8b" }, "bandwith", 1e9, "unknown key 'bandwith' (did you mean bandwidth?)");
    CHECK_INT(err.line, 9);
    CHECK_INT(err.column, 14);
    refused((struct duo_cost_spec){ .model = "llama-3.1-8b" }, "bandwidth", -1, "bandwidth is -1, expected 1 to");
    refused((struct duo_cost_spec){ .model = "llama-3.1-8b" }, "utilisation", 1.5, "utilisation is 1.5, expected 0.01 to 1");
    refused((struct duo_cost_spec){ .model = "llama-3.1-8b" }, "fp16", NAN, "fp16 is nan");
    refused((struct duo_cost_spec){ .model = "llama-3.1-8b" }, "tail_watts", 1, "unknown key 'tail_watts'");      /* a radio's, not a place's */
    refused((struct duo_cost_spec){ .model = "llama-3.1-8b" }, "memory", 19e9, "GB of activations");
}

int main(void)
{
    char dir[4096];
    const char *root = getenv("DUOSIM_SOURCE");

    snprintf(dir, sizeof dir, "%s/models/catalogue", root ? root : ".");
    if (duo_catalogue_open(&catalogue, dir, &err) != DUO_OK) {
        duo_err_print(stdout, &err, false);
        CHECK(catalogue != NULL);
        return check_done();
    }
    test_dense();
    test_form();
    test_window();
    test_cores();
    test_experts();
    test_groups();
    test_memory();
    test_head_bits();
    test_logs();
    test_energy();
    test_explain();
    test_refusals();
    duo_catalogue_free(catalogue);
    return check_done();
}
