/* test_cost.c - the linear model against arithmetic by hand, the form that cost.h promises, refusals. */
#include <stdlib.h>

#include "models/cost/cost.h"
#include "tests/check.h"

static struct duo_catalogue *catalogue;
static struct duo_err err;

static struct duo_cost *make(const char *model, const char *hardware, const char *quant, int gpus)
{
    struct duo_cost *c = NULL;
    struct duo_cost_spec spec = { .model = model, .hardware = hardware, .quant = quant, .tensor_parallel = gpus, .file = "s.yaml", .line = 7 };

    err = (struct duo_err){ 0 };
    duo_cost_new(&c, catalogue, &spec, &err);
    return c;
}

static struct duo_load load_of(const struct duo_cost *c, double fresh, double cached)
{
    struct duo_growth growth;
    return c->kind->item(c, fresh, cached, 0, c->facts.layers, 1, &growth);
}

/* llama-3.1-8b q4_0 on an L4 with vLLM: 8030261248 x 4.5 / 8 B; 0.838 x 300 GB/s, 0.714 x 242 TOPS, 32 layers of 37 us, 131072 B of KV a token. */
static void test_by_hand(void)
{
    struct duo_cost *c = make("llama-3.1-8b", "l4", "q4_0", 0);
    struct duo_load l;
    struct duo_price p;
    double weights = 8030261248 * 4.5 / 8, bandwidth = 0.838 * 300e9, rate = 0.714 * 242e12, host = 32 * 37e-6;
    double active = 8030261248 - 128256 * 4096.0;              /* without the embedding's rows */
    double want = host + weights * active / 8030261248 / bandwidth + 2 * active * 512 / rate + 131072.0 * 512 / bandwidth;

    CHECK(c != NULL);
    if (!c) return;
    CHECK_NEAR(c->facts.weight_bytes, weights, 1);
    CHECK_NEAR(c->facts.memory_bytes, 0.9 * 24 * 1073741824 - weights, 10);
    CHECK_NEAR(c->facts.hidden_bytes, 8192, 0);
    CHECK_NEAR(c->facts.dollars_second, 0.71 / 3600, 1e-15);
    CHECK(isnan(c->facts.dollars_out));
    CHECK_TEXT(c->facts.dollars_regime, "gpu seconds used");
    CHECK_INT(c->facts.time, DUO_ASSUMED);
    CHECK_NEAR(c->facts.start_seconds, 0, 0);
    CHECK_TEXT(c->facts.runtime, "vllm");
    l = load_of(c, 1, 511);                                     /* a decode step: pairs are context */
    CHECK_NEAR(l.pairs, l.context, 0);
    p = c->kind->price(c, &l, 0, 32);
    CHECK_NEAR(p.seconds, want - 2 * active * 511 / rate, 1e-12);
    CHECK_NEAR(p.joules, 72 * p.seconds, 1e-9);
    l = load_of(c, 512, 0);
    CHECK_NEAR(l.tokens, 32 * 512, 0);
    CHECK_NEAR(l.context, 32 * 512, 0);
    CHECK_NEAR(l.pairs, 32 * 512 * 513 / 2, 0);
    c->kind->free(c);

    c = make("llama-3.1-70b", "h100-sxm", "fp8", 2);            /* two GPUs */
    CHECK_NEAR(c->facts.dollars_second, 6.0 / 3600, 1e-15);
    CHECK_NEAR(c->facts.memory_bytes, 0.9 * 2 * 81559 * 1048576.0 - 70553706496, 10);
    CHECK_NEAR(c->facts.total_bytes, 2 * 81559 * 1048576.0, 10);
    c->kind->free(c);
}

static void add(struct duo_load *to, struct duo_load l)
{
    to->items += l.items, to->tokens += l.tokens, to->context += l.context, to->pairs += l.pairs, to->logits += l.logits;
}

/* Chunks of a prompt add up to the prompt; parts of the layers to the whole; a growing batch is a b k (k - 1) / 2. */
static void test_form(void)
{
    struct duo_cost *c = make("llama-3.2-1b", "snapdragon-8-gen-3", "q4_0", 0);
    struct duo_load whole, part, sum = { 0 };
    struct duo_price p, q, r;
    double t = 0, a, b;
    struct duo_growth growth;

    CHECK(c != NULL);
    if (!c) return;
    whole = load_of(c, 300, 100);
    add(&sum, load_of(c, 128, 100)), add(&sum, load_of(c, 128, 228)), add(&sum, load_of(c, 44, 356));
    CHECK_NEAR(sum.tokens, whole.tokens, 0);
    CHECK_NEAR(sum.pairs, whole.pairs, 0);
    whole = c->kind->item(c, 5, 10, 0, 16, 0, &growth);
    part  = c->kind->item(c, 5, 10, 0, 6, 0, &growth);
    CHECK(isinf(growth.tokens));
    p = c->kind->price(c, &part, 0, 6);
    sum = c->kind->item(c, 5, 10, 6, 16, 0, &growth);
    q = c->kind->price(c, &sum, 6, 16);
    r = c->kind->price(c, &whole, 0, 16);
    CHECK_NEAR(p.seconds + q.seconds, r.seconds, 1e-12);

    sum = (struct duo_load){ 0 };
    for (int i = 0; i < 7; i++) add(&sum, load_of(c, 1, 50 * i));
    p = c->kind->price(c, &sum, 0, 16);
    a = p.seconds, b = p.per_context * 7 * 16;
    for (int k = 0; k < 200; k++) {
        struct duo_load l = { 0 };
        for (int i = 0; i < 7; i++) add(&l, load_of(c, 1, 50 * i + k));
        t += c->kind->price(c, &l, 0, 16).seconds;
    }
    CHECK_NEAR(200 * a + b * 200 * 199 / 2, t, 1e-9);
    c->kind->free(c);
}

/* Two of eight experts a token: many tokens read all, never more. */
static void test_experts(void)
{
    struct duo_cost *c = make("mixtral-8x7b", "a100-80g", "int8", 1);
    struct duo_load one, many = { 0 };

    CHECK(c != NULL);
    if (!c) return;
    one = load_of(c, 1, 0);
    for (int i = 0; i < 64; i++) add(&many, one);
    double s1 = c->kind->price(c, &one, 0, 32).seconds, s64 = c->kind->price(c, &many, 0, 32).seconds;
    double bandwidth = 0.841 * 2039e9;
    CHECK_NEAR(s1, 32 * 37e-6 + 12.75e9 / bandwidth + 2 * 12.75e9 / (0.705 * 624e12), 2e-4);      /* 12.9 of 46.7 billion, less the embedding */
    CHECK_NEAR(s64, 32 * 37e-6 + 46702792704 / bandwidth + 64 * (2 * 12.75e9 / (0.705 * 624e12) + 131072 / bandwidth), 2e-4);
    c->kind->free(c);
}

static void test_api(void)
{
    struct duo_cost *c = make("gpt-4-1106-preview", "api", NULL, 0);
    struct duo_load l;

    CHECK(c != NULL);
    if (!c) return;
    l = load_of(c, 500, 0);
    CHECK_NEAR(c->kind->price(c, &l, 0, c->facts.layers).seconds, 0.04, 1e-15);
    CHECK_NEAR(c->facts.start_seconds, 0.7, 1e-15);
    CHECK(isnan(c->kind->price(c, &l, 0, 1).joules));
    CHECK(isnan(c->facts.busy_watts));
    CHECK_NEAR(c->facts.dollars_in, 1e-5, 1e-18);
    CHECK_NEAR(c->facts.dollars_out, 3e-5, 1e-18);
    CHECK_TEXT(c->facts.dollars_regime, "api list price 2023-11");
    CHECK_INT(c->facts.money, DUO_DOCUMENTED);
    CHECK(isinf(c->facts.memory_bytes));
    CHECK(isnan(c->facts.dollars_second));
    c->kind->free(c);
    CHECK(make("gpt-4-1106-preview", "h100-sxm", "fp8", 8) == NULL);
    CHECK_HAS(err.text, "known as an API only");
}

static void test_refusals(void)
{
    CHECK(make("llama-3.1-70b", "l4", "fp8", 0) == NULL);
    CHECK_HAS(err.text, "llama-3.1-70b fp8 needs 70.6 GB of weights; l4 has 25.8 GB");
    CHECK_TEXT(err.file, "s.yaml");
    CHECK_INT(err.line, 7);
    CHECK_INT(err.status, DUO_BAD_INPUT);
    CHECK(make("llama-3.1-8b", "pi5", "int8", 0) == NULL);
    CHECK_HAS(err.text, "needs 8.0 GB of weights; pi5 has 8.59 GB, of which 7.73 GB can be used");
    CHECK(make("llama-3.1-70b", "h100-sxm", "f16", 1) == NULL);
    CHECK(make("llama-3.1-8", "l4", "fp8", 0) == NULL);
    CHECK_HAS(err.text, "did you mean llama-3.1-8b?");
    CHECK(make("llama-3.1-8b", "h101", "fp8", 0) == NULL);
    CHECK_HAS(err.text, "unknown hardware 'h101'");
    CHECK(make("llama-3.1-8b", "l4", "q4_2", 0) == NULL);
    CHECK_HAS(err.text, "did you mean q4_");
    CHECK(make("llama-3.1-8b", "l4", NULL, 0) == NULL);
    CHECK_HAS(err.text, "needs a quant");
    CHECK(make("llama-3.1-8b", "api", NULL, 0) == NULL);          /* no price: not free */
    CHECK_HAS(err.text, "unknown priced model");
}

static struct duo_cost *with(const char *key, double value)
{
    struct duo_constant o = { key, value, 9, 14 };
    struct duo_cost_spec spec = { .model = "llama-3.1-8b", .hardware = "l4", .quant = "q4_0", .file = "s.yaml", .line = 7, .n_over = 1, .over = &o };
    struct duo_cost *c = NULL;

    err = (struct duo_err){ 0 };
    duo_cost_new(&c, catalogue, &spec, &err);
    return c;
}

static void test_overrides(void)
{
    struct duo_cost *c = with("step", 0.1), *plain = make("llama-3.1-8b", "l4", "q4_0", 0);
    struct duo_load l;

    CHECK(c != NULL && plain != NULL);
    l = load_of(c, 1, 0);
    CHECK_NEAR(c->kind->price(c, &l, 0, 32).seconds, 0.1 + plain->kind->price(plain, &l, 0, 32).seconds, 1e-12);
    c->kind->free(c), plain->kind->free(plain);
    c = with("dollars_hour", 7.2);
    CHECK_NEAR(c->facts.dollars_second, 0.002, 1e-15);
    c->kind->free(c);
    CHECK(with("bandwith", 1e9) == NULL);
    CHECK_HAS(err.text, "unknown key 'bandwith' (did you mean bandwidth?)");
    CHECK_INT(err.line, 9);
    CHECK_INT(err.column, 14);
    CHECK(with("tail_watts", 1) == NULL);                        /* a radio's, not a place's */
    CHECK(with("bandwidth", -1) == NULL);
    CHECK_HAS(err.text, "bandwidth is -1, expected 1 to");
    CHECK(with("compute", NAN) == NULL);
    CHECK(with("utilisation", 1.5) == NULL);
    CHECK(with("sleep_watts", 1) == NULL);                       /* for people only */

    CHECK(with("memory", 4.9e9) == NULL);
    c = with("image_tokens", 100);
    CHECK_INT(c->kind->encode(c, DUO_IMAGE, 1e6).tokens, 100);
    CHECK_NEAR(c->kind->encode(c, DUO_IMAGE, 1e6).seconds, 3.8e11 / (0.714 * 242e12), 1e-12);
    CHECK_INT(c->kind->encode(c, DUO_DOCUMENT, 4001).tokens, 1001);
    CHECK_NEAR(c->kind->encode(c, DUO_DOCUMENT, 4001).seconds, 0, 0);
    CHECK_INT(c->kind->encode(c, DUO_NO_ATTACHMENT, 0).tokens, 0);
    c->kind->free(c);
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
    test_by_hand();
    test_form();
    test_experts();
    test_api();
    test_refusals();
    test_overrides();
    duo_catalogue_free(catalogue);
    return check_done();
}
