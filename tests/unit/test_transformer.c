/* test_transformer.c - models of every architecture, with random weights, against plain_model.h; and the laws of
 * models/slm/transformer.h: (1) passes, threads, instruction sets, (2) layers alone, (3) rolling back, (4) verification,
 * (5) saved caches, (7) what is refused. */
#include "models/slm/make.h"
#include "models/slm/transformer.h"
#include "sim/base/rng.h"
#include "tests/check.h"
#include "tests/unit/plain_model.h"

#include <unistd.h>

enum { TOKENS = 40 };                     /* more than twice the windows of tiny-gemma2 and tiny-gemma3 */

static char folder[] = "/tmp/duosim-transformer-XXXXXX";

static const char *const likes[] = { "tiny-llama", "tiny-llama2", "tiny-llama3", "tiny-qwen2", "tiny-qwen3", "tiny-gemma", "tiny-gemma2", "tiny-gemma3" };
enum { LIKES = sizeof likes / sizeof likes[0] };

/* Written once each: to search the scales of K-quants takes time. */
static struct duo_model *make(const char *like, const char *mix, struct duo_pool *pool)
{
    char path[128];
    struct duo_err err = { 0 };
    struct duo_model *m = NULL;
    snprintf(path, sizeof path, "%s/%s-%s.gguf", folder, like, mix);
    bool made = access(path, R_OK) == 0 || duo_model_make(like, mix, 7, path, NULL, &err) == DUO_OK;
    if (!made || duo_model_open(&m, path, pool, &err) != DUO_OK) {
        printf("%s %s: %s: %s\n", like, mix, err.file, err.text);
        CHECK_INT(err.status, DUO_OK);
        exit(check_done());
    }
    return m;
}

static struct duo_context *context(const struct duo_model *m, struct duo_pool *pool, enum duo_format cache, int from, int to)
{
    struct duo_context *c = NULL;
    struct duo_err err = { 0 };
    CHECK_INT(duo_context_new(&c, m, pool, &(struct duo_context_spec) { .capacity = 100, .cache = cache, .from = from, .to = to }, &err), DUO_OK);
    if (!c) printf("%s\n", err.text), exit(check_done());
    return c;
}

static void random_ids(const struct duo_model *m, int32_t *ids, size_t n, uint64_t seed)
{
    struct duo_rng rng;
    duo_rng_init(&rng, seed, "ids", 0);
    for (size_t i = 0; i < n; i++) ids[i] = (int32_t)(duo_rng_bits(&rng) % (uint64_t)duo_model_shape(m)->vocabulary);
}

static size_t vocabulary(const struct duo_model *m) { return (size_t)duo_model_shape(m)->vocabulary; }
static size_t width(const struct duo_model *m) { return (size_t)duo_model_shape(m)->width; }
static float *floats(size_t n) { return duo_new(n, sizeof(float)); }

static double nmse(const float *got, const double *want, size_t n)
{
    double off = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        off += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
        all += want[i] * want[i];
    }
    return off / all;
}

static double nmse_floats(const float *got, const float *want, size_t n)
{
    double off = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        off += ((double)got[i] - (double)want[i]) * ((double)got[i] - (double)want[i]);
        all += (double)want[i] * (double)want[i];
    }
    return off / all;
}

static void run(struct duo_context *c, const int32_t *ids, size_t n, enum duo_logits wanted, float *logits)
{
    struct duo_err err = { 0 };
    CHECK_INT(duo_context_run(c, ids, n, wanted, logits, NULL, &err), DUO_OK);
    if (err.status) printf("%s\n", err.text);
}

/* ---------------------------------------------------------------- values */

/* The error that each mix and cache may add: activations in int8 give about 1e-5 a product. */
static void test_values(const char *like, const char *mix, enum duo_format cache, double bound)
{
    struct duo_model *m = make(like, mix, NULL);
    struct duo_context *c = context(m, NULL, cache, 0, 0);
    int32_t ids[TOKENS];
    float *got = floats(TOKENS * vocabulary(m));
    random_ids(m, ids, TOKENS, 1);
    run(c, ids, TOKENS, DUO_LOGITS_ALL, got);
    double *want = plain_logits(duo_model_gguf(m), duo_model_shape(m), ids, TOKENS), off = nmse(got, want, TOKENS * vocabulary(m));
    CHECK_NEAR(off, 0, bound);
    if (!(off <= bound)) printf("    %s %s, cache %s\n", like, mix, duo_format_info(cache)->name);
    free(want);
    free(got);
    duo_context_free(c);
    duo_model_free(m);
}

static void test_all_values(void)
{
    static const struct { const char *mix; enum duo_format cache; double bound; } cases[] = {
        { "f32", DUO_FORMAT_F32, 1e-10 }, { "f16", DUO_FORMAT_F16, 1e-5 }, { "bf16", DUO_FORMAT_F16, 1e-5 }, { "f32", DUO_FORMAT_Q8_0, 1e-3 },
        { "q8_0", DUO_FORMAT_F32, 1e-3 }, { "q4_0", DUO_FORMAT_F16, 1e-3 },   { "q4_1", DUO_FORMAT_F16, 1e-3 },  { "q4_k_m", DUO_FORMAT_F16, 1e-3 },
        { "q5_0", DUO_FORMAT_F16, 1e-3 }, { "q5_1", DUO_FORMAT_F16, 1e-3 },   { "q5_k_m", DUO_FORMAT_F16, 1e-3 }, { "q6_k", DUO_FORMAT_F16, 1e-3 },
    };
    for (int i = 0; i < LIKES; i++) test_values(likes[i], "f32", DUO_FORMAT_F32, 1e-10);
    for (size_t k = 1; k < sizeof cases / sizeof cases[0]; k++) test_values(likes[k % LIKES], cases[k].mix, cases[k].cache, cases[k].bound);
}

/* ---------------------------------------------------------------- (1) */

static bool same(const float *a, const float *b, size_t n) { return memcmp(a, b, n * sizeof *a) == 0; }

static void test_same_bits(const char *like, const char *mix, enum duo_format cache)
{
    struct duo_model *m = make(like, mix, NULL);
    int32_t ids[TOKENS];
    size_t v = vocabulary(m);
    float *want = floats(TOKENS * v), *got = floats(TOKENS * v);
    random_ids(m, ids, TOKENS, 2);
    struct duo_context *c = context(m, NULL, cache, 0, 0);
    run(c, ids, TOKENS, DUO_LOGITS_ALL, want);
    static const size_t steps[] = { 1, 3, 13 };
    for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
        duo_context_cut(c, 0);
        for (size_t t = 0, n; t < TOKENS; t += n) {
            n = TOKENS - t < steps[k] ? TOKENS - t : steps[k];
            run(c, ids + t, n, DUO_LOGITS_ALL, got + t * v);
        }
        CHECK(same(got, want, TOKENS * v));
    }
    duo_context_cut(c, 0);
    run(c, ids, 30, DUO_LOGITS_NONE, NULL);                  /* and with what isn't wanted left out */
    run(c, ids + 30, TOKENS - 30, DUO_LOGITS_LAST, got);
    CHECK(same(got, want + (TOKENS - 1) * v, v));
    duo_context_free(c);

    for (int threads = 2; threads <= 5; threads += 3) {
        struct duo_pool *pool = duo_pool_new(threads);
        c = context(m, pool, cache, 0, 0);
        run(c, ids, TOKENS, DUO_LOGITS_ALL, got);
        CHECK(same(got, want, TOKENS * v));
        duo_context_free(c);
        duo_pool_free(pool);
    }
    for (int isa = 0; isa < DUO_ISA_COUNT; isa++) {
        if (!duo_isa_available((enum duo_isa)isa)) continue;
        CHECK_INT(duo_isa_choose(duo_isa_name((enum duo_isa)isa), NULL), DUO_OK);
        struct duo_model *again = make(like, mix, NULL);
        c = context(again, NULL, cache, 0, 0);
        run(c, ids, TOKENS, DUO_LOGITS_ALL, got);
        CHECK(same(got, want, TOKENS * v));
        duo_context_free(c);
        duo_model_free(again);
    }
    CHECK_INT(duo_isa_choose(NULL, NULL), DUO_OK);
    free(want);
    free(got);
    duo_model_free(m);
}

/* A text that goes through the layers in more than one pass. */
static void test_long(void)
{
    enum { LONG = DUO_PASS + 44 };
    struct duo_model *m = make("tiny-llama2", "q4_0", NULL);
    struct duo_context *c;
    struct duo_err err = { 0 };
    int32_t *ids = duo_new(LONG, sizeof *ids);
    size_t v = vocabulary(m);
    float *all = floats(LONG * v), *last = floats(v);
    random_ids(m, ids, LONG, 3);
    CHECK_INT(duo_context_new(&c, m, NULL, &(struct duo_context_spec) { .capacity = LONG, .cache = DUO_FORMAT_Q8_0 }, &err), DUO_OK);
    run(c, ids, LONG, DUO_LOGITS_ALL, all);
    duo_context_cut(c, 0);
    run(c, ids, LONG, DUO_LOGITS_LAST, last);
    CHECK(same(last, all + (LONG - 1) * v, v));
    duo_context_cut(c, 0);
    for (size_t t = 0; t < LONG; t++) run(c, ids + t, 1, t + 1 == LONG ? DUO_LOGITS_LAST : DUO_LOGITS_NONE, last);
    CHECK(same(last, all + (LONG - 1) * v, v));
    duo_context_free(c);
    duo_model_free(m);
    free(ids);
    free(all);
    free(last);
}

/* ---------------------------------------------------------------- (2) */

static void test_split(const char *like, const char *mix)
{
    struct duo_model *m = make(like, mix, NULL);
    int32_t ids[TOKENS];
    size_t v = vocabulary(m), d = width(m);
    int layers = duo_model_shape(m)->layers;
    float *want = floats(TOKENS * v), *got = floats(TOKENS * v), *state = floats(TOKENS * d);
    random_ids(m, ids, TOKENS, 4);
    struct duo_context *whole = context(m, NULL, DUO_FORMAT_F16, 0, 0);
    run(whole, ids, TOKENS, DUO_LOGITS_ALL, want);
    /* Where activations become int8, a change in the 11th bit flips some of them. */
    const double exact = strcmp(mix, "f16") ? 1e-3 : 1e-5;
    const struct { enum duo_format format; double bound; } forms[] = { { DUO_FORMAT_F32, 0 }, { DUO_FORMAT_F16, exact }, { DUO_FORMAT_Q8_0, 2e-3 } };
    for (int at = 0; at <= layers; at++)
        for (int f = 0; f < 3; f++) {
            struct duo_context *a = at > 0 ? context(m, NULL, DUO_FORMAT_F16, 0, at) : NULL, *b = at < layers ? context(m, NULL, DUO_FORMAT_F16, at, layers) : NULL;
            size_t bytes = duo_state_bytes(forms[f].format, TOKENS, d);
            unsigned char *packed = duo_new(bytes, 1);
            CHECK_INT(bytes, TOKENS * (f == 0 ? d * 4 : f == 1 ? d * 2 : d / 32 * 34));
            CHECK_INT(duo_context_embed(a ? a : b, ids, TOKENS, state, NULL), DUO_OK);
            if (a) CHECK_INT(duo_context_layers(a, 0, at, 0, TOKENS, state, NULL), DUO_OK);
            duo_state_pack(forms[f].format, state, TOKENS, d, packed);
            memset(state, 0x7F, TOKENS * d * sizeof *state);
            duo_state_unpack(forms[f].format, packed, TOKENS, d, state);
            if (b) CHECK_INT(duo_context_layers(b, at, layers, 0, TOKENS, state, NULL), DUO_OK);
            duo_context_head(a ? a : b, state, TOKENS, got);
            if (f == 0) CHECK(same(got, want, TOKENS * v));
            else CHECK_NEAR(nmse_floats(got, want, TOKENS * v), 0, forms[f].bound);
            duo_context_free(a);
            duo_context_free(b);
            free(packed);
        }
    CHECK_INT(duo_state_bytes(DUO_FORMAT_Q8_0, 1, 33), 0);
    duo_context_free(whole);
    duo_model_free(m);
    free(want);
    free(got);
    free(state);
}

/* ---------------------------------------------------------------- what is read on the way */

struct seen { float *state; size_t d, tokens; int layers; };

static void keep(void *user, int layer, size_t first, size_t n, const float *state)
{
    struct seen *s = user;
    memcpy(s->state + ((size_t)layer * s->tokens + first) * s->d, state, n * s->d * sizeof *state);
    s->layers += first == 0;
}

static void test_views(const char *like)
{
    struct duo_model *m = make(like, "q8_0", NULL);
    int32_t ids[TOKENS];
    size_t v = vocabulary(m), d = width(m);
    int layers = duo_model_shape(m)->layers;
    struct seen seen = { floats((size_t)(layers + 1) * TOKENS * d), d, TOKENS, 0 };
    float *want = floats(v), *got = floats(v), *state = floats(TOKENS * d);
    random_ids(m, ids, TOKENS, 5);
    struct duo_context *c = context(m, NULL, DUO_FORMAT_F16, 0, 0);
    run(c, ids, TOKENS, DUO_LOGITS_LAST, want);
    duo_context_cut(c, 0);
    CHECK_INT(duo_context_run(c, ids, 25, DUO_LOGITS_NONE, NULL, &(struct duo_layer_view) { keep, &seen }, NULL), DUO_OK);
    CHECK_INT(duo_context_run(c, ids + 25, TOKENS - 25, DUO_LOGITS_LAST, got, &(struct duo_layer_view) { keep, &seen }, NULL), DUO_OK);
    CHECK(same(got, want, v));
    CHECK_INT(seen.layers, layers + 1);
    duo_context_head(c, seen.state + ((size_t)layers * TOKENS + TOKENS - 1) * d, 1, got);    /* the last layer's view is what the head sees */
    CHECK(same(got, want, v));
    for (int l = 0; l < layers; l++) {                       /* and each layer makes the next view of its own */
        memcpy(state, seen.state + (size_t)l * TOKENS * d, TOKENS * d * sizeof *state);
        CHECK_INT(duo_context_layers(c, l, l + 1, 0, TOKENS, state, NULL), DUO_OK);
        CHECK(same(state, seen.state + (size_t)(l + 1) * TOKENS * d, TOKENS * d));
    }
    struct duo_exit e = duo_context_exit(c, seen.state + ((size_t)layers * TOKENS + TOKENS - 1) * d);
    double sum = 0, entropy = 0, first = 0, second = 0;
    size_t top = 0;
    for (size_t i = 1; i < v; i++) top = want[i] > want[top] ? i : top;
    for (size_t i = 0; i < v; i++) sum += exp((double)want[i] - (double)want[top]);
    first = 1 / sum;
    for (size_t i = 0; i < v; i++) {
        double p = exp((double)want[i] - (double)want[top]) / sum;
        entropy -= p * log(p);
        second = i != top && p > second ? p : second;
    }
    CHECK_INT(e.token, top);
    CHECK_NEAR((double)e.numbers.probability, first, 1e-5);
    CHECK_NEAR((double)e.numbers.margin, first - second, 1e-5);
    CHECK_NEAR((double)e.numbers.entropy, entropy / log((double)v), 1e-5);
    duo_context_free(c);
    duo_model_free(m);
    free(seen.state);
    free(want);
    free(got);
    free(state);
}

/* ---------------------------------------------------------------- (3) (4) */

enum { PROMPT = 12, WRITTEN = 24 };

/* The text that choosing token by token writes; text[0 .. PROMPT) is given. */
static void step_by_step(const struct duo_model *m, struct duo_context *c, const struct duo_sampling *how, int32_t *text, struct duo_token_numbers *numbers)
{
    struct duo_sampler s = { 0 };
    float *logits = floats(vocabulary(m));
    run(c, text, PROMPT - 1, DUO_LOGITS_NONE, NULL);
    for (size_t t = PROMPT; t < PROMPT + WRITTEN; t++) {
        run(c, text + t - 1, 1, DUO_LOGITS_LAST, logits);
        text[t] = duo_sample(&s, how, logits, (int)vocabulary(m), t);
        numbers[t] = duo_numbers(&s, logits, (int)vocabulary(m), text[t]);
    }
    duo_sampler_free(&s);
    free(logits);
}

/* Drafts of `length`, of which the token at every `wrong`th place of the text is not what would be chosen. */
static void test_verify(const struct duo_model *m, const struct duo_sampling *how, size_t length, size_t wrong)
{
    enum { ALL = PROMPT + WRITTEN };
    struct duo_context *c = context(m, NULL, DUO_FORMAT_F16, 0, 0), *steps = context(m, NULL, DUO_FORMAT_F16, 0, 0);
    struct duo_token_numbers numbers[ALL] = { 0 };
    int32_t want[ALL], got[ALL + DUO_VERIFY], ids[DUO_VERIFY];
    random_ids(m, want, PROMPT, 6);
    memcpy(got, want, PROMPT * sizeof *got);
    step_by_step(m, steps, how, want, numbers);
    run(c, got, PROMPT - 1, DUO_LOGITS_NONE, NULL);
    size_t n = PROMPT, right_numbers = 0;
    while (n < ALL) {
        size_t draft = ALL - n < length ? ALL - n : length, right = draft;
        struct duo_checked v;
        ids[0] = got[n - 1];
        for (size_t i = 0; i < draft; i++) {
            bool off = wrong && (n + i) % wrong == 0;
            ids[i + 1] = off ? (want[n + i] + 1) % (int32_t)vocabulary(m) : want[n + i];
            if (off && right == draft) right = i;
        }
        CHECK_INT(duo_context_verify(c, ids, draft + 1, how, &v, NULL), DUO_OK);
        CHECK_INT(v.accepted, right);
        for (size_t i = 0; i <= v.accepted && n < ALL; i++, n++) {
            got[n] = i < v.accepted ? ids[i + 1] : v.next;
            right_numbers += memcmp(&v.numbers[i], &numbers[n], sizeof numbers[n]) == 0;
        }
    }
    CHECK(memcmp(got, want, sizeof want) == 0);
    CHECK_INT(right_numbers, WRITTEN);
    /* The same cache, as far as both hold it. */
    size_t held = duo_context_length(steps), bytes = duo_context_saved(steps, held);
    unsigned char *a = duo_new(bytes, 1), *b = duo_new(bytes, 1);
    CHECK_INT(held, ALL - 1);
    CHECK(duo_context_length(c) >= held);
    duo_context_save(steps, 0, held, a);
    duo_context_save(c, 0, held, b);
    CHECK(memcmp(a, b, bytes) == 0);
    free(a);
    free(b);
    duo_context_free(c);
    duo_context_free(steps);
}

static void test_verifications(void)
{
    static const struct duo_sampling greedy = { 0 }, drawn = { .temperature = 1.5, .top_k = 20, .top_p = 0.95, .seed = 9 };
    static const char *const some[] = { "tiny-llama", "tiny-gemma3" };
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        struct duo_model *m = make(some[i], "q4_k_m", NULL);
        for (size_t wrong = 0; wrong < 4; wrong++) {
            test_verify(m, &greedy, 1 + 2 * wrong, wrong);
            test_verify(m, &drawn, 5, wrong);
        }
        duo_model_free(m);
    }
}

/* ---------------------------------------------------------------- (5) */

static void flip(unsigned char *bytes, size_t at) { bytes[at] ^= 1; }

static void test_saved(const char *like, enum duo_format cache)
{
    struct duo_model *m = make(like, "q8_0", NULL), *other = make(strcmp(like, "tiny-llama") ? "tiny-llama" : "tiny-llama3", "q8_0", NULL);
    const struct duo_shape *s = duo_model_shape(m);
    int32_t ids[TOKENS];
    size_t v = vocabulary(m), bytes;
    float *want = floats(v), *got = floats(v);
    struct duo_err err = { 0 };
    random_ids(m, ids, TOKENS, 8);
    struct duo_context *c = context(m, NULL, cache, 0, 0), *d = context(m, NULL, cache, 0, 0);
    run(c, ids, 30, DUO_LOGITS_NONE, NULL);
    bytes = duo_context_saved(c, 30);
    size_t row = (size_t)s->kv_heads * duo_row_bytes(cache, (size_t)s->key_width) * 2 * (size_t)s->layers;
    CHECK_INT(bytes - duo_context_saved(c, 0), 30 * row);
    unsigned char *saved = duo_new(bytes, 1), *rest = duo_new(bytes, 1);
    duo_context_save(c, 0, 30, saved);
    run(c, ids + 30, TOKENS - 30, DUO_LOGITS_LAST, want);

    CHECK_INT(duo_context_load(d, saved, bytes, "kv", &err), DUO_OK);
    CHECK_INT(duo_context_length(d), 30);
    run(d, ids + 30, TOKENS - 30, DUO_LOGITS_LAST, got);
    CHECK(same(got, want, v));
    duo_context_save(c, 30, 10, rest);                       /* a part, behind what is there */
    duo_context_cut(d, 30);
    CHECK_INT(duo_context_load(d, rest, duo_context_saved(c, 10), "kv", &err), DUO_OK);
    CHECK_INT(duo_context_length(d), TOKENS);
    duo_context_cut(d, TOKENS - 1);
    run(d, ids + TOKENS - 1, 1, DUO_LOGITS_LAST, got);
    CHECK(same(got, want, v));

    struct duo_context *e = context(m, NULL, cache == DUO_FORMAT_F16 ? DUO_FORMAT_Q8_0 : DUO_FORMAT_F16, 0, 0), *f = context(other, NULL, cache, 0, 0);
    struct duo_context *g = context(m, NULL, cache, 0, 1);
    duo_context_cut(d, 0);
    struct { struct duo_context *c; const unsigned char *from; size_t bytes; const char *says; } bad[] = {
        { d, saved, 10, "no saved cache" }, { d, saved, bytes - 1, "bytes; " }, { d, rest, duo_context_saved(c, 10), "begins at position 30" },
        { e, saved, bytes, "another format" }, { f, saved, bytes, "another model" }, { g, saved, bytes, "layers 0 to" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err = (struct duo_err) { 0 };
        CHECK_INT(duo_context_load(bad[i].c, bad[i].from, bad[i].bytes, "kv", &err), DUO_BAD_INPUT);
        CHECK_HAS(err.text, bad[i].says);
        CHECK_TEXT(err.file, "kv");
    }
    /* No single bit may change unseen, in the head (all of it) or in what follows. */
    int unseen = 0;
    size_t head = duo_context_saved(c, 0) - 4;               /* its last word means nothing */
    for (size_t at = 0; at < bytes; at += at < head ? 1 : 997) {
        if (at >= head && at < head + 4) continue;
        flip(saved, at);
        unseen += duo_context_load(d, saved, bytes, "kv", NULL) == DUO_OK;
        flip(saved, at);
    }
    CHECK_INT(unseen, 0);
    CHECK_INT(duo_context_length(d), 0);
    duo_context_free(c);
    duo_context_free(d);
    duo_context_free(e);
    duo_context_free(f);
    duo_context_free(g);
    duo_model_free(m);
    duo_model_free(other);
    free(saved);
    free(rest);
    free(want);
    free(got);
}

/* ---------------------------------------------------------------- (7) */

static void test_refused(void)
{
    struct duo_model *m = make("tiny-llama2", "q8_0", NULL), *none;
    struct duo_context *c = context(m, NULL, DUO_FORMAT_F16, 0, 0), *upper = context(m, NULL, DUO_FORMAT_F16, 1, 2);
    int32_t ids[101] = { 0 };
    float *x = floats(101 * vocabulary(m));
    struct duo_err err = { 0 };
#define REFUSED(call, says)                          \
    do {                                             \
        err = (struct duo_err) { 0 };                \
        CHECK_INT(call, DUO_BAD_INPUT);              \
        CHECK_HAS(err.text, says);                   \
        CHECK_HAS(err.file, ".gguf");                \
    } while (0)
    REFUSED(duo_context_run(c, ids, 101, DUO_LOGITS_LAST, x, NULL, &err), "101 tokens behind 0 are more than the context's 100");
    ids[5] = (int32_t)vocabulary(m);
    REFUSED(duo_context_run(c, ids, 10, DUO_LOGITS_LAST, x, NULL, &err), "token 1024 is none of the vocabulary's 1024");
    ids[5] = -1;
    REFUSED(duo_context_run(c, ids, 10, DUO_LOGITS_LAST, x, NULL, &err), "token -1 is none");
    ids[5] = 0;
    REFUSED(duo_context_run(upper, ids, 10, DUO_LOGITS_LAST, x, NULL, &err), "layers 0 to 2 were asked for; the context keeps 1 to 2");
    REFUSED(duo_context_layers(upper, 1, 2, 3, 1, x, &err), "layer 1 holds 0 positions and can't go on at 3");
    run(c, ids, 90, DUO_LOGITS_NONE, NULL);
    REFUSED(duo_context_run(c, ids, 11, DUO_LOGITS_LAST, x, NULL, &err), "11 tokens behind 90");
    REFUSED(duo_model_open(&none, "/nowhere/at-all.gguf", NULL, &err), "No such file");
    CHECK(none == NULL);
    struct duo_context *wrong;
    err = (struct duo_err) { 0 };
    CHECK_INT(duo_context_new(&wrong, m, NULL, &(struct duo_context_spec) { .capacity = 10, .cache = DUO_FORMAT_Q4_0 }, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "Q4_0");
    CHECK(wrong == NULL);
    err = (struct duo_err) { 0 };
    CHECK_INT(duo_context_new(&wrong, m, NULL, &(struct duo_context_spec) { .capacity = SIZE_MAX / 64, .cache = DUO_FORMAT_F16 }, &err), DUO_NO_RESOURCES);
    duo_context_free(c);
    duo_context_free(upper);
    duo_model_free(m);
    free(x);
}

static void remove_all(void)
{
    const char *const *mixes;
    char path[128];
    for (int m = duo_model_mixes(&mixes) - 1; m >= 0; m--)
        for (int i = 0; i < LIKES; i++) {
            snprintf(path, sizeof path, "%s/%s-%s.gguf", folder, likes[i], mixes[m]);
            unlink(path);
        }
    rmdir(folder);
}

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    test_all_values();
    for (int i = 0; i < LIKES; i++) {
        test_same_bits(likes[i], i % 2 ? "q4_k_m" : "q4_0", i % 3 ? DUO_FORMAT_F16 : DUO_FORMAT_Q8_0);
        test_split(likes[i], i % 2 ? "q4_1" : "f16");
        test_views(likes[i]);
    }
    test_long();
    test_verifications();
    test_saved("tiny-llama", DUO_FORMAT_F16);
    test_saved("tiny-qwen3", DUO_FORMAT_Q8_0);
    test_refused();
    remove_all();
    return check_done();
}
