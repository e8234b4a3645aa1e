/* test_cost.c - cost models as the catalogue makes them: beside published figures, estimates beside single steps, APIs, refusals. */
#include <stdlib.h>

#include "models/cost/estimate.h"
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

/* gpt-fast's README: tokens/s of one sequence, 5 tokens of prompt, 200 written, on A100-SXM4-80GB held to 330 W of 400.  Nothing is fitted on
 * it; the constants are of other GPUs' kernels and of a server that runs more beside them. */
static void test_published(void)
{
    static const struct { const char *model; int gpus; double published, bound; } rows[] = {
        { "llama-2-7b", 1, 104.9, 0.1 }, { "llama-2-7b", 2, 168.84, 0.12 }, { "llama-2-7b", 4, 254.02, 0.15 }, { "llama-2-7b", 8, 328.43, 0.25 },
        { "llama-2-70b", 2, 21.32, 0.1 }, { "llama-2-70b", 4, 38.01, 0.12 }, { "llama-2-70b", 8, 62.50, 0.2 },
    };
    struct duo_estimate e;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duo_cost *c = make(rows[i].model, "a100-sxm", "bf16", rows[i].gpus);
        CHECK(c != NULL);
        if (!c) continue;
        CHECK_INT(duo_estimate(c, 5, 200, 1, 512, &e, &err), DUO_OK);
        printf("%s on %d A100: %.1f tokens/s, published %.1f\n", rows[i].model, rows[i].gpus, e.decode_tokens_per_s, rows[i].published);
        CHECK_NEAR(e.decode_tokens_per_s, rows[i].published, rows[i].bound * rows[i].published);
        c->kind->free(c);
    }
}

/* An estimate is the steps one by one; a sliding window in the middle of the answer included. */
static void test_estimate(void)
{
    struct duo_cost *c = make("gemma-2-2b", "l4", "f16", 1);
    struct duo_estimate e;
    double seconds = 0, joules = 0, per;
    enum { PROMPT = 3000, OUTPUT = 2500, BATCH = 3, BUDGET = 1024 };

    CHECK(c != NULL);
    if (!c) return;
    CHECK_INT(duo_estimate(c, PROMPT, OUTPUT, BATCH, BUDGET, &e, &err), DUO_OK);
    for (int k = 0; k < OUTPUT - 1; k++) {
        struct duo_load l = load_of(c, 1, PROMPT + k);
        l.items *= BATCH, l.tokens *= BATCH, l.context *= BATCH, l.pairs *= BATCH, l.logits *= BATCH;
        struct duo_price p = c->kind->price(c, &l, 0, c->facts.layers);
        seconds += p.seconds, joules += p.joules;
    }
    CHECK_NEAR(e.itl_s, seconds / (OUTPUT - 1), 1e-9 * e.itl_s);
    per = e.joules - joules / BATCH;                             /* what is left is the prompt's */
    joules = seconds = 0;
    for (int done = 0; done < PROMPT; done += BUDGET) {
        int n = PROMPT - done < BUDGET ? PROMPT - done : BUDGET;
        struct duo_growth growth;
        struct duo_load l = c->kind->item(c, n, done, 0, c->facts.layers, done + n == PROMPT, &growth);
        seconds += c->kind->price(c, &l, 0, c->facts.layers).seconds, joules += c->kind->price(c, &l, 0, c->facts.layers).joules;
    }
    CHECK_NEAR(e.prefill_s, seconds, 1e-12);
    CHECK_NEAR(per, joules, 1e-6 * joules);
    CHECK_NEAR(e.ttft_s, seconds + c->facts.start_seconds, 1e-12);
    CHECK_NEAR(e.throughput_tokens_per_s, BATCH * OUTPUT / (BATCH * seconds + e.itl_s * (OUTPUT - 1)), 1e-9 * e.throughput_tokens_per_s);
    CHECK_NEAR(e.kv_bytes, BATCH * (PROMPT + OUTPUT) * 26 * 2.0 * 4 * 256 * 2, 0);
    CHECK_INT(duo_estimate(c, 8000, 300, 1, BUDGET, &e, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "8300; gemma-2-2b takes 8192");
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_estimate(c, 4000, 4000, 1000, BUDGET, &e, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "batch 1000: 1000 x 8000 tokens of KV are 852 GB, but l4 leaves");
    CHECK_HAS(err.text, "at most ");
    c->kind->free(c);
}

/* Every device with a runtime runs something: rows are complete, and numbers are possible. */
static void test_listed(void)
{
    const char *const *hardware;
    int n = duo_catalogue_names(catalogue, "hardware", &hardware), run = 0;

    for (int i = 0; i < n; i++) {
        struct duo_cost *c = NULL;
        static const char *const quants[] = { "q4_0", "f16" };
        for (int q = 0; q < 2 && !c; q++) c = make("smollm2-135m", hardware[i], quants[q], 1);
        if (!c) {
            printf("not run: %s: %s\n", hardware[i], err.text);
            continue;
        }
        struct duo_load l = load_of(c, 1, 100);
        struct duo_price p = c->kind->price(c, &l, 0, c->facts.layers);
        CHECK(p.seconds > 1e-5 && p.seconds < 60 && p.per_context >= 0);
        CHECK(isnan(p.joules) || (p.joules > 0 && p.joules / p.seconds < 2000));
        CHECK(c->facts.memory_bytes > 0 && c->facts.weight_bytes > 0 && c->facts.time < DUO_PROVENANCE_END);
        run++;
        c->kind->free(c);
    }
    printf("%d of %d devices run SmolLM2-135M\n", run, n);
    CHECK(run >= 80);
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
    CHECK_HAS(err.text, "llama-3.1-70b fp8 needs 72.7 GB of weights, ");
    CHECK_HAS(err.text, "l4 has 25.8 GB, of which 23.2 GB can be used");
    CHECK_TEXT(err.file, "s.yaml");
    CHECK_INT(err.line, 7);
    CHECK_INT(err.status, DUO_BAD_INPUT);
    CHECK(make("llama-3.1-8b", "pi5", "int8", 0) == NULL);
    CHECK_HAS(err.text, "needs 9.1 GB of weights");
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
    struct duo_cost *c = with("step", 0.1), *plain = with("step", 0);
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
    test_published();
    test_estimate();
    test_listed();
    test_api();
    test_refusals();
    test_overrides();
    duo_catalogue_free(catalogue);
    return check_done();
}
