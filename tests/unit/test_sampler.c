/* test_sampler.c - requirements of models/slm/sampler.h. */
#include <stdlib.h>

#include "models/slm/sampler.h"
#include "models/slm/tokenizer.h"
#include "sim/base/rng.h"
#include "tests/check.h"

enum { N = 8, DRAWS = 200000 };
static const float logits[N] = { 0.0f, 2.0f, 1.0f, 2.0f, -1.0f, 0.5f, -30.0f, 1.5f };

/* exp(logit / temperature) over those that are kept, in double. */
static void expect(double p[N], const int *kept, int n, double temperature)
{
    double sum = 0;
    for (int i = 0; i < N; i++) p[i] = 0;
    for (int i = 0; i < n; i++) sum += p[kept[i]] = exp((double)logits[kept[i]] / temperature);
    for (int i = 0; i < N; i++) p[i] /= sum;
}

/* Frequencies of many positions against the shares, within five standard errors. */
static void check_shares(const struct duo_sampling *how, const double p[N])
{
    struct duo_sampler s = { 0 };
    int seen[N] = { 0 };
    for (int i = 0; i < DRAWS; i++) {
        int id = duo_sample(&s, how, logits, N, (uint64_t)i);
        if (id < 0 || id >= N) { CHECK(id >= 0 && id < N); break; }
        seen[id]++;
    }
    for (int i = 0; i < N; i++) {
        if (p[i] == 0) CHECK_INT(seen[i], 0);
        else CHECK_NEAR((double)seen[i] / DRAWS, p[i], 5 * sqrt(p[i] * (1 - p[i]) / DRAWS) + 1e-12);
    }
    duo_sampler_free(&s);
}

static void test_shares(void)
{
    static const int order[N] = { 1, 3, 7, 2, 5, 0, 4, 6 };           /* by logit, of equals the first id */
    double p[N];
    expect(p, order, N, 1);
    check_shares(&(struct duo_sampling) { .temperature = 1, .seed = 1 }, p);
    expect(p, order, N, 0.5);
    check_shares(&(struct duo_sampling) { .temperature = 0.5, .seed = 2, .top_p = 1 }, p);
    for (int k = 1; k <= N; k += 2) {
        expect(p, order, k, 0.8);
        check_shares(&(struct duo_sampling) { .temperature = 0.8, .top_k = k, .seed = 3 }, p);
    }
    /* Shares by falling logit: .284 .284 .172 .104 .063 .038 .014 and next to nothing. */
    expect(p, order, 2, 1);
    check_shares(&(struct duo_sampling) { .temperature = 1, .top_p = 0.5, .seed = 4 }, p);
    expect(p, order, 3, 1);
    check_shares(&(struct duo_sampling) { .temperature = 1, .top_p = 0.6, .seed = 4 }, p);
    expect(p, order, 1, 1);
    check_shares(&(struct duo_sampling) { .temperature = 1, .top_p = 0.001, .seed = 4 }, p);
    expect(p, order, 4, 2);                                           /* at least 0.3 of the first: 0.61, 0.37, not 0.22 */
    check_shares(&(struct duo_sampling) { .temperature = 2, .min_p = 0.3, .seed = 5 }, p);
    expect(p, order, 3, 1.5);                                         /* of the first four, those that reach 0.7 of their .844 */
    check_shares(&(struct duo_sampling) { .temperature = 1.5, .top_k = 4, .top_p = 0.7, .min_p = 0.1, .seed = 6 }, p);
}

/* (2), (3), (4) */
static void test_rules(void)
{
    struct duo_sampler s = { 0 };
    struct duo_sampling greedy = { 0 }, warm = { .temperature = 1, .seed = 9 };
    CHECK_INT(duo_sample(&s, &greedy, logits, N, 0), 1);              /* 3 is as large */
    int again = 0, other = 0;
    for (uint64_t i = 0; i < 200; i++) {
        int a = duo_sample(&s, &warm, logits, N, i);
        again += a == duo_sample(&s, &warm, logits, N, i);
        other += a != duo_sample(&s, &(struct duo_sampling) { .temperature = 1, .seed = 10 }, logits, N, i);
    }
    CHECK_INT(again, 200);
    CHECK(other > 50);
    float odd[4] = { NAN, INFINITY, 1, -INFINITY };
    CHECK_INT(duo_sample(&s, &greedy, odd, 4, 0), 2);
    CHECK_INT(duo_sample(&s, &warm, odd, 4, 0), 2);
    odd[2] = NAN;
    CHECK_INT(duo_sample(&s, &greedy, odd, 4, 0), DUO_NO_TOKEN);
    CHECK_INT(duo_sample(&s, &warm, odd, 4, 0), DUO_NO_TOKEN);
    float far[3] = { 3e38f, -3e38f, 0 };                              /* differences past what exp can hold */
    CHECK_INT(duo_sample(&s, &warm, far, 3, 7), 0);
    duo_sampler_free(&s);
    struct duo_err err = { 0 };
    CHECK_INT(duo_sampling_check(&warm, &err), DUO_OK);
    const struct { struct duo_sampling how; const char *words; } wrong[] = {
        { { .temperature = -1 }, "temperature" }, { { .temperature = NAN }, "temperature" }, { { .top_k = -1 }, "top-k" },
        { { .top_p = 1.5 }, "top-p" }, { { .min_p = -0.1 }, "min-p" }, { { .top_p = NAN }, "top-p" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        err = (struct duo_err) { 0 };
        CHECK_INT(duo_sampling_check(&wrong[i].how, &err), DUO_BAD_INPUT);
        CHECK_HAS(err.text, wrong[i].words);
    }
}

/* The first of many against a sort. */
static int by_logit(const void *a, const void *b)
{
    const struct duo_candidate *x = a, *y = b;
    if (x->logit != y->logit) return x->logit < y->logit ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

static void test_top(void)
{
    enum { MANY = 5000, K = 40 };
    static float many[MANY];
    static struct duo_candidate all[MANY], got[MANY];
    struct duo_sampler s = { 0 };
    for (int i = 0; i < MANY; i++) {
        many[i] = (float)(duo_mix((uint64_t)i) % 1000);               /* with equals */
        all[i] = (struct duo_candidate) { many[i], i };
    }
    qsort(all, MANY, sizeof all[0], by_logit);
    CHECK_INT(duo_top(&s, many, MANY, K, got), K);
    for (int i = 0; i < K; i++) CHECK(got[i].id == all[i].id && got[i].logit == all[i].logit);
    CHECK_INT(duo_top(&s, many, 10, K, got), 10);
    CHECK_INT(duo_top(&s, (float[]) { NAN, 1 }, 2, 2, got), 1);
    CHECK_INT(duo_top(&s, many, MANY, 0, got), 0);
    duo_sampler_free(&s);
}

static void test_numbers(void)
{
    struct duo_sampler s = { 0 };
    double p[N], entropy = 0;
    static const int all[N] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    expect(p, all, N, 1);
    for (int i = 0; i < N; i++) entropy -= p[i] * log(p[i]);
    struct duo_token_numbers x = duo_numbers(&s, logits, N, 7);
    CHECK_NEAR((double)x.probability, p[7], 1e-6);
    CHECK_NEAR((double)x.margin, 0, 1e-6);
    CHECK_NEAR((double)x.entropy, entropy / log(N), 1e-6);
    float even[4] = { 1, 1, 1, 1 }, sure[4] = { 100, 0, 0, 0 };
    x = duo_numbers(&s, even, 4, 2);
    CHECK_NEAR((double)x.probability, 0.25, 1e-7);
    CHECK_NEAR((double)x.entropy, 1, 1e-6);
    x = duo_numbers(&s, sure, 4, 0);
    CHECK_NEAR((double)x.probability, 1, 1e-7);
    CHECK_NEAR((double)x.margin, 1, 1e-7);
    CHECK_NEAR((double)x.entropy, 0, 1e-6);
    x = duo_numbers(&s, (float[]) { NAN, 1 }, 2, 1);                   /* not known, not 0 */
    CHECK(isnan(x.probability) && isnan(x.margin) && isnan(x.entropy));
    x = duo_numbers(&s, even, 4, -1);
    CHECK(isnan(x.probability));
    duo_sampler_free(&s);
}

int main(void)
{
    test_shares();
    test_rules();
    test_top();
    test_numbers();
    return check_done();
}
