/* test_cost.c - the linear model against arithmetic by hand, the form that cost.h promises, refusals, the catalogue. */
#include <stdlib.h>
#include <unistd.h>

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

/* llama-3.1-8b q4_0 on an L4: 8.03e9 x 4.5 / 8 = 4.516875e9 B; 2.2e11 B/s, 6e13 FLOP/s, 4 ms, 131072 B of KV a token. */
static void test_by_hand(void)
{
    struct duo_cost *c = make("llama-3.1-8b", "l4", "q4_0", 0);
    struct duo_load l;
    struct duo_price p;
    double want = 0.004 + 4.516875e9 / 2.2e11 + 2 * 8.03e9 * 512 / 6e13 + 131072.0 * 512 / 2.2e11;

    CHECK(c != NULL);
    if (!c) return;
    CHECK_NEAR(c->facts.weight_bytes, 4.516875e9, 1);
    CHECK_NEAR(c->facts.memory_bytes, 0.9 * 24e9 - 4.516875e9, 10);
    CHECK_NEAR(c->facts.hidden_bytes, 8192, 0);
    CHECK_NEAR(c->facts.dollars_second, 0.71 / 3600, 1e-15);
    CHECK(isnan(c->facts.dollars_out));
    CHECK_TEXT(c->facts.dollars_regime, "gpu seconds used");
    CHECK_INT(c->facts.time, DUO_ASSUMED);
    CHECK_NEAR(c->facts.start_seconds, 0, 0);
    l = load_of(c, 512, 0);
    CHECK_NEAR(l.tokens, 32 * 512, 0);
    CHECK_NEAR(l.context, 32 * 512, 0);
    CHECK_NEAR(l.pairs, 32 * 512 * 513 / 2, 0);
    p = c->kind->price(c, &l, 0, 32);
    CHECK_NEAR(p.seconds, want, 1e-12);
    CHECK_NEAR(p.joules, 68 * want, 1e-9);
    l = load_of(c, 1, 511);                                     /* a decode step: pairs are context */
    CHECK_NEAR(l.pairs, l.context, 0);
    p = c->kind->price(c, &l, 0, 32);
    CHECK_NEAR(p.seconds, 0.004 + 4.516875e9 / 2.2e11 + 2 * 8.03e9 / 6e13 + 131072.0 * 512 / 2.2e11, 1e-12);
    c->kind->free(c);

    c = make("llama-3.1-70b", "h100-sxm", "fp8", 2);            /* two GPUs */
    l = load_of(c, 1, 999);
    p = c->kind->price(c, &l, 0, 80);
    CHECK_NEAR(p.seconds, 0.003 + 70.554e9 / 4.6e12 + 2 * 70.554e9 / 12e14 + 327680.0 * 1000 / 4.6e12, 1e-12);
    CHECK_NEAR(p.joules, 1100 * p.seconds, 1e-9);
    CHECK_NEAR(c->facts.dollars_second, 6.0 / 3600, 1e-15);
    CHECK_NEAR(c->facts.memory_bytes, 144e9 - 70.554e9, 10);
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
    CHECK_NEAR(p.seconds + q.seconds - 0.002, r.seconds, 1e-12);     /* the overhead twice */

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

/* Two of eight experts a token: one token reads 12.9 of 46.7 billion weights, many read all, never more. */
static void test_experts(void)
{
    struct duo_cost *c = make("mixtral-8x7b", "a100-80g", "int8", 1);
    struct duo_load one, two = { 0 }, many = { 0 };

    CHECK(c != NULL);
    if (!c) return;
    one = load_of(c, 1, 0);
    add(&two, one), add(&two, one);
    for (int i = 0; i < 64; i++) add(&many, one);
    double s1 = c->kind->price(c, &one, 0, 32).seconds, s2 = c->kind->price(c, &two, 0, 32).seconds, s64 = c->kind->price(c, &many, 0, 32).seconds;
    double token = 2 * 12.879e9 / 2.0e14 + 131072 / 1.4e12;
    CHECK_NEAR(s1, 0.004 + 12.879e9 / 1.4e12 + token, 1e-12);
    CHECK_NEAR(s2, 0.004 + 2 * 12.879e9 / 1.4e12 + 2 * token, 1e-12);
    CHECK_NEAR(s64, 0.004 + 46.703e9 / 1.4e12 + 64 * token, 1e-12);
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
    CHECK_HAS(err.text, "llama-3.1-70b fp8 needs 70.6 GB of weights; l4 has 24 GB");
    CHECK_TEXT(err.file, "s.yaml");
    CHECK_INT(err.line, 7);
    CHECK_INT(err.status, DUO_BAD_INPUT);
    CHECK(make("llama-3.1-8b", "snapdragon-8-gen-3", "int8", 0) == NULL);
    CHECK_HAS(err.text, "needs 8.0 GB of weights; snapdragon-8-gen-3 has 16 GB, of which 8 GB can be used");
    CHECK(make("llama-3.1-70b", "h100-sxm", "f16", 1) == NULL);
    CHECK(make("llama-3.1-8", "l4", "fp8", 0) == NULL);
    CHECK_HAS(err.text, "did you mean llama-3.1-8b?");
    CHECK(make("llama-3.1-8b", "h100", "fp8", 0) == NULL);
    CHECK_HAS(err.text, "unknown hardware 'h100'");
    CHECK(make("llama-3.1-8b", "l4", "q4_k", 0) == NULL);
    CHECK_HAS(err.text, "did you mean q4_");
    CHECK(make("llama-3.1-8b", "l4", NULL, 0) == NULL);
    CHECK_HAS(err.text, "needs a quant");
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
    struct duo_cost *c = with("overhead", 0.1);
    struct duo_load l;

    CHECK(c != NULL);
    l = load_of(c, 1, 0);
    CHECK_NEAR(c->kind->price(c, &l, 0, 32).seconds, 0.1 + 4.516875e9 / 2.2e11 + 2 * 8.03e9 / 6e13 + 131072 / 2.2e11, 1e-12);
    c->kind->free(c);
    c = with("dollars_hour", 7.2);
    CHECK_NEAR(c->facts.dollars_second, 0.002, 1e-15);
    c->kind->free(c);
    CHECK(with("bandwith", 1e9) == NULL);
    CHECK_HAS(err.text, "unknown key 'bandwith' (did you mean bandwidth?)");
    CHECK_INT(err.line, 9);
    CHECK_INT(err.column, 14);
    CHECK(with("tail_watts", 1) == NULL);                        /* a radio's, not a place's */
    CHECK(with("bandwidth", -1) == NULL);
    CHECK_HAS(err.text, "bandwidth is -1, expected at least 1");
    CHECK(with("flops", NAN) == NULL);
    CHECK(with("usable", 1.5) == NULL);
    CHECK(with("memory", 4.9e9) == NULL);
    c = with("image_tokens", 100);
    CHECK_INT(c->kind->encode(c, DUO_IMAGE, 1e6).tokens, 100);
    CHECK_NEAR(c->kind->encode(c, DUO_IMAGE, 1e6).seconds, 3.8e11 / 6e13, 1e-12);
    CHECK_INT(c->kind->encode(c, DUO_DOCUMENT, 4001).tokens, 1001);
    CHECK_NEAR(c->kind->encode(c, DUO_DOCUMENT, 4001).seconds, 0, 0);
    CHECK_INT(c->kind->encode(c, DUO_NO_ATTACHMENT, 0).tokens, 0);
    c->kind->free(c);
}

/* Every row makes a cost model somewhere, and every name prints. */
static void test_listed(void)
{
    const char *const *models, *const *hardware;
    int n = duo_catalogue_names(catalogue, "models", &models), h = duo_catalogue_names(catalogue, "hardware", &hardware), pairs = 0;
    FILE *f = tmpfile();
    char line[256] = "";

    CHECK(n >= 15 && h >= 9);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < h; k++) {
            struct duo_cost *c = make(models[i], hardware[k], "q4_0", 8);
            if (!c) continue;
            struct duo_load l = load_of(c, 10, 10);
            double s = c->kind->price(c, &l, 0, c->facts.layers).seconds;
            bool sensible = s > 0 && s < 60 && c->facts.memory_bytes > 0;
            CHECK(sensible);
            pairs += sensible;
            c->kind->free(c);
        }
    CHECK(pairs > 100);
    CHECK_INT(duo_catalogue_print(catalogue, "hardware", "l4", f, false, &err), DUO_OK);
    rewind(f);
    CHECK(fgets(line, sizeof line, f) != NULL);
    CHECK_TEXT(line, "l4, edge\n");
    CHECK(fgets(line, sizeof line, f) != NULL);
    CHECK_HAS(line, "flops");
    CHECK_HAS(line, "assumed");
    fclose(f);
    err = (struct duo_err){ 0 };
    f = tmpfile();
    CHECK_INT(duo_catalogue_print(catalogue, "models", "llama-2-7", f, true, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "llama-2-7b");
    fclose(f);
}

static void test_radios(void)
{
    struct duo_radio r;

    err = (struct duo_err){ 0 };
    CHECK_INT(duo_radio_find(catalogue, "wify", &r, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "did you mean wifi?");
    CHECK_INT(duo_radio_find(catalogue, "lte", &r, &err), DUO_OK);
    CHECK_INT(r.energy, DUO_ASSUMED);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[400];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (!(f = fopen(path, "w"))) abort();
    fputs(text, f);
    fclose(f);
}

#define HARDWARE "name,site,flops,bandwidth,overhead,memory,usable,first_token,tokens_per_s,busy_watts,idle_watts,dollars_hour,time,energy,money,date,source\n"

static void bad_hardware(const char *dir, const char *text, int line, const char *part)
{
    struct duo_catalogue *c = NULL;

    write_file(dir, "hardware.csv", text);
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_catalogue_open(&c, dir, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.file, "hardware.csv");
    CHECK_INT(err.line, line);
    CHECK_HAS(err.text, part);
}

static void test_bad_catalogues(void)
{
    char dir[] = "/tmp/duo_cost_XXXXXX", path[400];

    if (!mkdtemp(dir)) abort();
    bad_hardware(dir, "name,site,flops\nx,device,1e12\n", 1, "date");
    bad_hardware(dir, HARDWARE "x,device,fast,1e9,0,1e9,1,,,1,1,,assumed,assumed,,2026,me\n", 2, "flops");
    bad_hardware(dir, HARDWARE "x,device,-5,1e9,0,1e9,1,,,1,1,,assumed,assumed,,2026,me\n", 2, "flops is -5");
    bad_hardware(dir, HARDWARE "x,device,1e12,1e9,0,1e9,1,,,1,1,,guessed,assumed,,2026,me\n", 2, "got 'guessed'");
    bad_hardware(dir, HARDWARE "x,device,1e12,1e9,0,1e9,1,,,1,1,,assumed,,,2026,me\n", 2, "a status is needed");
    bad_hardware(dir, HARDWARE "x,device,1e12,1e9,0,1e9,1,,,1,1,,assumed,assumed,,2026,me\nx,device,1e12,1e9,0,1e9,1,,,1,1,,assumed,assumed,,2026,me\n", 3, "twice");
    snprintf(path, sizeof path, "%s/hardware.csv", dir);
    unlink(path), rmdir(dir);
    err = (struct duo_err){ 0 };
    struct duo_catalogue *c = NULL;
    CHECK_INT(duo_catalogue_open(&c, dir, &err), DUO_BAD_INPUT);
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
    test_listed();
    test_radios();
    test_bad_catalogues();
    duo_catalogue_free(catalogue);
    return check_done();
}
