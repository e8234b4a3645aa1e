/* test_counts.c - what the kernels count while a model runs is what models/cost/work.h says of its architecture, to 1 %.
 *
 * Every architecture of make.h's tests (tied and not, grouped heads, windows, wide and narrow heads), two mixes of formats:
 * (1) decoding a token behind a context, (2) a prompt at once, (3) a draft verified, (4) layers alone, (5) a prompt of which only the last
 *     token's logits are wanted: the last layer then works for that token, but for its keys and values.
 * Bytes of weights, multiply-adds with weights, bytes of the cache read and multiply-adds with it. */
#include <stdlib.h>
#include <unistd.h>

#include "models/slm/calibrate.h"
#include "models/slm/make.h"
#include "models/slm/transformer.h"
#include "tests/check.h"

enum { CONTEXT = 96 };

static char folder[] = "/tmp/duosim-counts-XXXXXX";

struct running {
    struct duo_model   *model;
    struct duo_context *context;
    struct duo_pool    *pool;
    struct duo_timing   work;            /* architecture and bits */
    struct duo_parameters p;
    int32_t ids[CONTEXT];
    float  *logits, *state;
};

static struct running start(const char *like, const char *mix)
{
    struct running r = { .pool = duo_pool_new(2) };
    struct duo_err err = { 0 };
    char path[128];
    snprintf(path, sizeof path, "%s/%s-%s.gguf", folder, like, mix);
    CHECK_INT(duo_model_make(like, mix, 3, path, NULL, &err), DUO_OK);
    CHECK_INT(duo_model_open(&r.model, path, r.pool, &err), DUO_OK);
    if (!r.model) printf("%s\n", err.text), exit(check_done());
    unlink(path);
    CHECK_INT(duo_context_new(&r.context, r.model, r.pool, &(struct duo_context_spec) { .capacity = CONTEXT, .cache = DUO_FORMAT_F16 }, &err), DUO_OK);
    duo_model_work(r.model, &r.work);
    duo_work_parameters(&r.work.arch, &r.p);
    for (int i = 0; i < CONTEXT; i++) r.ids[i] = 7 * i % 1000;
    r.logits = duo_new((size_t)CONTEXT * (size_t)r.work.arch.vocabulary, sizeof *r.logits);
    r.state = duo_new((size_t)CONTEXT * (size_t)r.work.arch.width, sizeof *r.state);
    return r;
}

static void stop(struct running *r)
{
    free(r->logits);
    free(r->state);
    duo_context_free(r->context);
    duo_model_free(r->model);
    duo_pool_free(r->pool);
}

struct expected { double macs, bytes, cache_macs, cache_bytes; };

/* `fresh` tokens after `cached` through layers [from, to) and `rows` through the head. */
static struct expected expect(const struct running *r, int from, int to, double fresh, double cached, double rows)
{
    const struct duo_arch *a = &r->work.arch;
    struct duo_gemms g;
    struct expected e = { 0 };
    double weights = 0, head = (double)a->vocabulary * a->width, pairs = duo_work_pairs(a, from, to, fresh, cached);
    duo_work_gemms(a, from, to, fresh, &g);
    for (int i = 0; i < g.n; i++) e.macs += g.group[i].flop / 2, weights += g.group[i].weights;
    e.bytes = weights * r->work.layer_bits / 8;
    if (rows > 0) e.macs += rows * head, e.bytes += head * r->work.head_bits / 8;
    e.cache_macs = pairs * 2 * a->heads * a->head_dim;
    e.cache_bytes = pairs * 2 * a->kv_heads * a->head_dim * r->work.kv_bits / 8;
    return e;
}

static void compare(const struct running *r, const char *what, const struct expected *e)
{
    struct duo_counts c = duo_pool_counts(r->pool);
    int failed = check_failed;
    CHECK_NEAR((double)c.weight_macs / e->macs, 1, 0.01);
    CHECK_NEAR((double)c.weight_bytes / e->bytes, 1, 0.01);
    CHECK_NEAR((double)c.cache_macs / e->cache_macs, 1, 0.01);
    CHECK_NEAR((double)c.cache_bytes / e->cache_bytes, 1, 0.01);
    if (check_failed > failed) printf("  %s: %s\n", r->work.model, what);
}

static void run(struct running *r, size_t first, size_t n, enum duo_logits wanted)
{
    duo_context_cut(r->context, 0);
    CHECK_INT(duo_context_run(r->context, r->ids, first, DUO_LOGITS_NONE, NULL, NULL, NULL), DUO_OK);
    duo_pool_clear(r->pool);
    CHECK_INT(duo_context_run(r->context, r->ids + first, n, wanted, r->logits, NULL, NULL), DUO_OK);
}

/* (4): embed, then a part of the layers; no head. */
static void test_part(struct running *r, int from, int to, size_t n)
{
    duo_context_cut(r->context, 0);
    CHECK_INT(duo_context_embed(r->context, r->ids, n, r->state, NULL), DUO_OK);
    duo_pool_clear(r->pool);
    CHECK_INT(duo_context_layers(r->context, from, to, 0, n, r->state, NULL), DUO_OK);
    struct expected e = expect(r, from, to, (double)n, 0, 0);
    compare(r, "a part of the layers", &e);
}

/* (5) */
static void test_last(struct running *r, size_t n)
{
    const struct duo_arch *a = &r->work.arch;
    int L = a->layers;
    run(r, 0, n, DUO_LOGITS_LAST);
    struct expected e = expect(r, 0, L - 1, (double)n, 0, 0), one = expect(r, L - 1, L, 1, (double)n - 1, 1);
    e.macs += one.macs + (double)(n - 1) * 2 * a->kv_heads * a->head_dim * a->width;
    e.bytes += one.bytes, e.cache_macs += one.cache_macs, e.cache_bytes += one.cache_bytes;
    compare(r, "a prompt, the last logits", &e);
}

static void test_one(const char *like, const char *mix)
{
    struct running r = start(like, mix);
    int L = r.work.arch.layers;
    struct duo_checked v;
    struct expected e;
    for (size_t cached = 0; cached <= 60; cached += 20) {
        run(&r, cached, 1, DUO_LOGITS_LAST);
        e = expect(&r, 0, L, 1, (double)cached, 1);
        compare(&r, "a token", &e);
    }
    run(&r, 0, 48, DUO_LOGITS_ALL);
    e = expect(&r, 0, L, 48, 0, 48);
    compare(&r, "a prompt", &e);
    run(&r, 30, 33, DUO_LOGITS_ALL);
    e = expect(&r, 0, L, 33, 30, 33);
    compare(&r, "a prompt behind others", &e);
    run(&r, 0, 40, DUO_LOGITS_NONE);
    duo_pool_clear(r.pool);
    CHECK_INT(duo_context_verify(r.context, r.ids + 40, 6, &(struct duo_sampling) { 0 }, &v, NULL), DUO_OK);
    e = expect(&r, 0, L, 6, 40, 6);
    compare(&r, "a draft of 5", &e);
    test_part(&r, 0, 2, 24);
    test_part(&r, 1, L, 24);
    test_last(&r, 48);
    stop(&r);
}

int main(void)
{
    static const char *const likes[] = { "tiny-llama", "tiny-llama2", "tiny-llama3", "tiny-qwen2", "tiny-qwen3", "tiny-gemma", "tiny-gemma2", "tiny-gemma3" };
    if (!mkdtemp(folder)) return 1;
    for (size_t i = 0; i < sizeof likes / sizeof likes[0]; i++) {
        test_one(likes[i], "q8_0");
        test_one(likes[i], "q4_1");
    }
    rmdir(folder);
    return check_done();
}
