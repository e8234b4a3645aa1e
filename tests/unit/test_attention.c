/* test_attention.c - attention, rotary positions, norms, gates, threads: against double, against each other, and the same bits
 * whatever the instruction set, the threads and the tokens at once (models/kernels/kernels.h, (1)). */
#include "models/kernels/kernels.h"
#include "tests/check.h"
#ifdef DUO_EMULATED
#include "models/kernels/inside.h"
#endif

#include <stdatomic.h>
#include <stdlib.h>

static uint64_t state = 88172645463325252ull;

static uint32_t random32(void)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static void fill(float *x, size_t n, float size)
{
    for (size_t i = 0; i < n; i++) x[i] = size * ((float)(random32() >> 8) / 8388608.0f - 1);
}

/* Of the scalar results: the same on every machine and compiler. */
static uint64_t hash = 14695981039346656037ull;

static void add_to_hash(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        hash = (hash ^ bits) * 1099511628211ull;
    }
}

static bool same(const float *a, const float *b, size_t n) { return memcmp(a, b, n * sizeof *a) == 0; }

static void choose(enum duo_isa isa) { CHECK_INT(duo_isa_choose(duo_isa_name(isa), NULL), DUO_OK); }

/* ---- Rows of floats */

enum { MOST = 70 };

/* Everything there is, over n values, into one row of results. */
static size_t everything(size_t n, const float *x, const float *y, float *out)
{
    float *at = out;
    memcpy(at, x, n * sizeof *at), duo_add(at, y, n), at += n;
    memcpy(at, x, n * sizeof *at), duo_scale(at, 0.7f, n), at += n;
    memcpy(at, x, n * sizeof *at), duo_softcap(at, 3, n), at += n;
    memcpy(at, x, n * sizeof *at), at[n] = duo_softmax(at, n), at += n + 1;
    duo_gate(NULL, DUO_GATE_SILU, x, y, at, n, 1, n), at += n;
    duo_gate(NULL, DUO_GATE_GELU, x, y, at, n, 1, n), at += n;
    duo_rms_norm(NULL, x, n, at, n, 1, 1, n, y, 1e-5f), at += n;
    duo_rms_norm(NULL, x, n, at, n, 1, 1, n, NULL, 1e-5f), at += n;
    *at++ = duo_dot(x, y, n);
    *at++ = (float)duo_argmax(x, n);
    return (size_t)(at - out);
}

static double worst_of(const float *got, const double *want, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) worst = fmax(worst, fabs((double)got[i] - want[i]) / (1 + fabs(want[i])));
    return worst;
}

static void test_rows(void)
{
    float x[MOST], y[MOST], want[9 * MOST + 3], got[9 * MOST + 3];
    for (size_t n = 1; n <= MOST; n++) {
        double exact[9 * MOST + 3], *at = exact, most = -INFINITY, sum = 0, squares = 0, dot = 0;
        fill(x, n, n % 3 ? 4 : 12), fill(y, n, 2);
        choose(DUO_ISA_SCALAR);
        size_t all = everything(n, x, y, want);
        add_to_hash(want, all);
        for (size_t i = 0; i < n; i++) most = fmax(most, (double)x[i]);
        for (size_t i = 0; i < n; i++) {
            double a = (double)x[i], b = (double)y[i];
            sum += exp(a - most), squares += a * a, dot += a * b;
        }
        double root = 1 / sqrt(squares / (double)n + 1e-5);
        for (size_t i = 0; i < n; i++) *at++ = (double)x[i] + (double)y[i];
        for (size_t i = 0; i < n; i++) *at++ = (double)x[i] * 0.7;
        for (size_t i = 0; i < n; i++) *at++ = 3 * tanh((double)x[i] / 3);
        for (size_t i = 0; i < n; i++) *at++ = exp((double)x[i] - most) / sum;
        *at++ = log(sum);
        for (size_t i = 0; i < n; i++) *at++ = (double)x[i] / (1 + exp(-(double)x[i])) * (double)y[i];
        for (size_t i = 0; i < n; i++) {
            double v = (double)x[i];
            *at++ = 0.5 * v * (1 + tanh(sqrt(2 / M_PI) * (v + 0.044715 * v * v * v))) * (double)y[i];
        }
        for (size_t i = 0; i < n; i++) *at++ = (double)x[i] * root * (double)y[i];
        for (size_t i = 0; i < n; i++) *at++ = (double)x[i] * root;
        *at++ = dot;
        *at++ = (double)duo_argmax(x, n);
        CHECK((double)x[duo_argmax(x, n)] == most);
        CHECK_INT(at - exact, all);
        CHECK(worst_of(want, exact, all) < 2e-6);
        for (int i = 0; i < DUO_ISA_COUNT; i++) {
            if (!duo_isa_available((enum duo_isa)i)) continue;
            choose((enum duo_isa)i);
            everything(n, x, y, got);
            CHECK(same(want, got, all));
        }
    }
}

static void test_exp(void)
{
    double worst = 0;
    float kept[2000];
    for (int isa = 0; isa < DUO_ISA_COUNT; isa++) {
        if (!duo_isa_available((enum duo_isa)isa)) continue;
        choose((enum duo_isa)isa);
        for (int i = 0; i < 2000; i++) {
            float x = -87.3f + 0.0877f * (float)i, got = duo_expf(x);
            double want = exp((double)x);
            worst = fmax(worst, fabs((double)got - want) / want);
            if (isa == 0) kept[i] = got;
            else CHECK(same(&kept[i], &got, 1));
        }
        CHECK(duo_expf(0) == 1);
        CHECK(duo_expf(-100) == 0 && duo_expf(-INFINITY) == 0);
        CHECK(isinf(duo_expf(100)) && isinf(duo_expf(INFINITY)));
        CHECK(isnan(duo_expf(NAN)));
    }
    CHECK_NEAR(worst, 0, 2 * 1.2e-7);
}

/* ---- Rotary positions */

static void test_rope(void)
{
    enum { HEADS = 3, WIDTH = 20, HEAD = 24, TOKENS = 11, FIRST = 5 };
    const float factors[WIDTH / 2] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 8};
    for (int pairing = 0; pairing < 2; pairing++) {
        struct duo_rope_spec spec = {.pairing = (enum duo_rope_pairing)pairing, .width = WIDTH, .base = 10000, .scale = pairing ? 0.25 : 1, .factors = factors};
        struct duo_rope rope;
        float x[TOKENS * HEADS * HEAD], want[TOKENS * HEADS * HEAD];
        double worst = 0;
        CHECK_INT(duo_rope_init(&rope, &spec, FIRST + TOKENS, NULL), DUO_OK);
        fill(x, TOKENS * HEADS * HEAD, 1);
        choose(DUO_ISA_SCALAR);
        memcpy(want, x, sizeof x);
        duo_rope_apply(NULL, &rope, want, HEADS * HEAD, FIRST, TOKENS, HEADS, HEAD);
        for (int t = 0; t < TOKENS; t++)
            for (int h = 0; h < HEADS; h++) {
                const float *from = x + (t * HEADS + h) * HEAD, *to = want + (t * HEADS + h) * HEAD;
                for (int i = 0; i < WIDTH / 2; i++) {
                    double angle = (FIRST + t) * spec.scale * pow(10000, -2.0 * i / WIDTH) / (double)factors[i];
                    int a = pairing == DUO_ROPE_NEOX ? i : 2 * i, b = pairing == DUO_ROPE_NEOX ? i + WIDTH / 2 : 2 * i + 1;
                    worst = fmax(worst, fabs((double)to[a] - ((double)from[a] * cos(angle) - (double)from[b] * sin(angle))));
                    worst = fmax(worst, fabs((double)to[b] - ((double)from[b] * cos(angle) + (double)from[a] * sin(angle))));
                }
                CHECK(same(from + WIDTH, to + WIDTH, HEAD - WIDTH));
            }
        CHECK(worst < 4e-7);
        add_to_hash(want, TOKENS * HEADS * HEAD);
        for (int i = 0; i < DUO_ISA_COUNT; i++) {
            float got[TOKENS * HEADS * HEAD];
            if (!duo_isa_available((enum duo_isa)i)) continue;
            choose((enum duo_isa)i);
            memcpy(got, x, sizeof x);
            for (size_t t = 0; t < TOKENS; t++) duo_rope_apply(NULL, &rope, got + t * HEADS * HEAD, HEADS * HEAD, FIRST + t, 1, HEADS, HEAD);
            CHECK(same(want, got, TOKENS * HEADS * HEAD));
        }
        duo_rope_free(&rope);
    }
    /* Far positions keep their angle; YaRN keeps fast pairs, slows slow ones by its factor, and grows all. */
    struct duo_rope_spec spec = {.pairing = DUO_ROPE_NEOX, .width = 64, .base = 1e6, .scale = 1, .yarn_factor = 4, .yarn_context = 4096, .yarn_fast = 32, .yarn_slow = 1};
    struct duo_rope rope;
    float x[64] = {1};
    x[31] = 1;
    CHECK_INT(duo_rope_init(&rope, &spec, 60001, NULL), DUO_OK);
    duo_rope_apply(NULL, &rope, x, 64, 60000, 1, 1, 64);
    double grown = 1 + 0.1 * log(4), slow = 60000 * pow(1e6, -62.0 / 64) / 4;
    CHECK_NEAR((double)x[0], grown * cos(60000), 1e-6);
    CHECK_NEAR((double)x[32], grown * sin(60000), 1e-6);
    CHECK_NEAR((double)x[31], grown * cos(slow), 1e-6);
    CHECK_NEAR((double)x[63], grown * sin(slow), 1e-6);
    duo_rope_free(&rope);
    struct duo_err err = {0};
    spec.width = 7;
    CHECK_INT(duo_rope_init(&rope, &spec, 10, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "pairs");
}

/* ---- Attention */

struct head { int q_heads, heads, key_width, value_width; size_t window; float softcap; };

/* q, k, v of n tokens, one token after the other, in double; from the cache's own values. */
static void plain_attention(const struct head *s, const double *k, const double *v, const float *q, size_t first, size_t n, double *out)
{
    size_t kw = (size_t)s->key_width, vw = (size_t)s->value_width, kv = (size_t)s->heads, all = (size_t)s->q_heads, group = all / kv;
    for (size_t t = 0; t < n; t++)
        for (size_t h = 0; h < all; h++) {
            size_t own = first + t, from = s->window && own + 1 > s->window ? own + 1 - s->window : 0;
            double most = -INFINITY, sum = 0, *score = duo_new(own + 1, sizeof *score), *to = out + (t * all + h) * vw;
            for (size_t p = from; p <= own; p++) {
                score[p] = 0;
                for (size_t d = 0; d < kw; d++) score[p] += (double)q[(t * all + h) * kw + d] * k[(p * kv + h / group) * kw + d];
                score[p] *= 0.125;
                if (s->softcap > 0) score[p] = (double)s->softcap * tanh(score[p] / (double)s->softcap);
                most = fmax(most, score[p]);
            }
            for (size_t d = 0; d < vw; d++) to[d] = 0;
            for (size_t p = from; p <= own; p++) {
                double w = exp(score[p] - most);
                sum += w;
                for (size_t d = 0; d < vw; d++) to[d] += w * v[(p * kv + h / group) * vw + d];
            }
            for (size_t d = 0; d < vw; d++) to[d] /= sum;
            free(score);
        }
}

/* What a format makes of rows. */
static double *as_stored(enum duo_format format, const float *x, size_t rows, size_t width)
{
    double *out = duo_new(rows * width, sizeof *out);
    unsigned char stored[4096];
    float back[1024];
    for (size_t r = 0; r < rows; r++) {
        duo_quantize_row(format, x + r * width, stored, width);
        duo_dequantize_row(format, stored, back, width);
        for (size_t i = 0; i < width; i++) out[r * width + i] = (double)back[i];
    }
    return out;
}

static void attention_case(const struct head *s, enum duo_format format, size_t past, size_t n, struct duo_pool *const *pools)
{
    size_t kw = (size_t)s->key_width * (size_t)s->heads, vw = (size_t)s->value_width * (size_t)s->heads, total = past + n;
    size_t qw = (size_t)s->key_width * (size_t)s->q_heads, ow = (size_t)s->value_width * (size_t)s->q_heads;
    float *k = duo_new(total * kw, 4), *v = duo_new(total * vw, 4), *q = duo_new(n * qw, 4), *want = duo_new(n * ow, 4), *got = duo_new(n * ow, 4);
    fill(k, total * kw, 2), fill(v, total * vw, 1), fill(q, n * qw, 2);
    double *exact = duo_new(n * ow, sizeof *exact), *sk = as_stored(format, k, total * (size_t)s->heads, (size_t)s->key_width);
    double *sv = as_stored(format, v, total * (size_t)s->heads, (size_t)s->value_width);
    plain_attention(s, sk, sv, q, past, n, exact);
    struct duo_cache c, copy;
    struct duo_attention how = {.heads = s->q_heads, .scale = 0.125f, .softcap = s->softcap, .window = s->window, .first = past, .n = n};
    CHECK_INT(duo_cache_init(&c, format, s->heads, s->key_width, s->value_width, total, NULL), DUO_OK);
    CHECK_INT(duo_cache_init(&copy, format, s->heads, s->key_width, s->value_width, total + 40, NULL), DUO_OK);
    duo_cache_put(&c, pools[1], 0, total, k, kw, v, vw);
    unsigned char *saved = duo_new(duo_cache_bytes(&c, total), 1);
    duo_cache_save(&c, 0, total, saved);
    duo_cache_load(&copy, 0, past, saved);
    duo_cache_load(&copy, past, n, saved + duo_cache_bytes(&c, past));
    choose(DUO_ISA_SCALAR);
    duo_attend(NULL, &c, &how, q, qw, want, ow);
    CHECK(worst_of(want, exact, n * ow) < 3e-6);
    add_to_hash(want, n * ow);
    for (int i = 0; i < DUO_ISA_COUNT; i++) {
        if (!duo_isa_available((enum duo_isa)i)) continue;
        choose((enum duo_isa)i);
        for (int way = 0; way < 3; way++) {
            duo_attend(pools[way], way == 2 ? &copy : &c, &how, q, qw, got, ow);
            CHECK(same(want, got, n * ow));
        }
        for (size_t t = 0; t < n; t++) {         /* as decoding does: put one, ask one */
            struct duo_attention one = how;
            one.first = past + t, one.n = 1;
            duo_cache_put(&copy, NULL, past + t, 1, k + (past + t) * kw, kw, v + (past + t) * vw, vw);
            duo_attend(pools[1], &copy, &one, q + t * qw, qw, got + t * ow, ow);
        }
        CHECK(same(want, got, n * ow));
    }
    duo_pool_clear(pools[2]);
    duo_attend(pools[2], &c, &how, q, qw, got, ow);
    size_t seen = 0;
    for (size_t t = 0; t < n; t++) seen += s->window && past + t + 1 > s->window ? s->window : past + t + 1;
    CHECK_INT(duo_pool_counts(pools[2]).cache_bytes, duo_cache_bytes(&c, seen));
    CHECK_INT(duo_pool_counts(pools[2]).cache_macs, seen * (qw + ow));
    duo_cache_free(&c), duo_cache_free(&copy);
    free(k), free(v), free(q), free(want), free(got), free(exact), free(sk), free(sv), free(saved);
}

static void test_attention(struct duo_pool *const *pools)
{
    static const struct head shapes[] = {
        {9, 3, 64, 64, 0, 0}, {4, 2, 32, 32, 20, 0}, {2, 1, 256, 256, 0, 30}, {3, 3, 64, 32, 7, 5}, {14, 2, 64, 64, 0, 0}, {6, 2, 80, 48, 0, 0}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int f = 0; f < 3; f++) {
            static const enum duo_format formats[] = {DUO_FORMAT_F32, DUO_FORMAT_F16, DUO_FORMAT_Q8_0};
            if (formats[f] == DUO_FORMAT_Q8_0 && (shapes[i].key_width % 32 || shapes[i].value_width % 32)) continue;
            attention_case(&shapes[i], formats[f], 0, 1, pools);
            attention_case(&shapes[i], formats[f], 0, 37, pools);
            attention_case(&shapes[i], formats[f], 43, 6, pools);
            attention_case(&shapes[i], formats[f], 130, 1, pools);
        }
    struct duo_err err = {0};
    struct duo_cache c;
    CHECK_INT(duo_cache_init(&c, DUO_FORMAT_Q8_0, 2, 80, 64, 10, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "multiple of 32");
    err = (struct duo_err){0};
    CHECK_INT(duo_cache_init(&c, DUO_FORMAT_Q4_0, 2, 64, 64, 10, &err), DUO_BAD_INPUT);
    err = (struct duo_err){0};
    CHECK_INT(duo_cache_init(&c, DUO_FORMAT_F16, 1000, 1024, 1024, SIZE_MAX / 100, &err), DUO_NO_RESOURCES);
}

/* ---- Threads */

static _Atomic int done[300];
static _Atomic int strange;

static void count(void *arg, size_t i, int thread)
{
    done[i]++;
    if (thread < 0 || thread >= *(int *)arg) strange++;
}

static void test_pool(void)
{
    for (int threads = 1; threads <= 5; threads += 2) {
        struct duo_pool *pool = duo_pool_new(threads);
        int wrong = 0, have = duo_pool_threads(pool);
        for (int round = 0; round < 3000; round++) {
            size_t n = (size_t)(round * 7 % 50);
            memset(done, 0, sizeof done);
            duo_pool_each(pool, n, count, &have);
            for (size_t i = 0; i < 300; i++) wrong += done[i] != (i < n);
        }
        CHECK_INT(wrong, 0);
        CHECK_INT(strange, 0);
        duo_pool_free(pool);
    }
    struct duo_pool *idle = duo_pool_new(1000);
    CHECK(duo_pool_threads(idle) >= 1 && duo_pool_threads(idle) <= DUO_MAX_THREADS);
    duo_pool_free(idle);
    duo_pool_free(NULL);
}

static void test_isa(void)
{
    struct duo_err err = {0};
    CHECK_INT(duo_isa_choose("avx", &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "avx2");
    setenv("DUOSIM_ISA", "skalar", 1);
    err = (struct duo_err){0};
    CHECK_INT(duo_isa_choose(NULL, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "DUOSIM_ISA=skalar");
    CHECK_HAS(err.text, "did you mean scalar");
    setenv("DUOSIM_ISA", "scalar", 1);
    CHECK_INT(duo_isa_choose(NULL, NULL), DUO_OK);
    CHECK_INT(duo_isa_current(), DUO_ISA_SCALAR);
    unsetenv("DUOSIM_ISA");
    for (int i = 0; i < DUO_ISA_COUNT; i++)
        if (!duo_isa_available((enum duo_isa)i)) {
            err = (struct duo_err){0};
            CHECK_INT(duo_isa_choose(duo_isa_name((enum duo_isa)i), &err), DUO_BAD_INPUT);
            CHECK_HAS(err.text, "no such instructions");
        }
    CHECK_INT(duo_isa_choose(NULL, NULL), DUO_OK);
}

int main(void)
{
#ifdef DUO_EMULATED
    if (!duo_isa_available(DUO_ISA_AVX2)) {
        CHECK_SKIP("emulated AVX-512 needs AVX2");
        return check_done();
    }
    duo_isa_emulate(DUO_ISA_AVX512, &duo_products_emulated, &duo_floats_emulated);
#endif
    struct duo_pool *pools[3] = {NULL, duo_pool_new(2), duo_pool_new(3)};
    test_isa();
    test_rows();
    test_exp();
    test_rope();
    test_attention(pools);
    test_pool();
    printf("hash of the results %016llx\n", (unsigned long long)hash);
    CHECK(hash == 0x7752c1a04c34d517u);
    duo_pool_free(pools[1]), duo_pool_free(pools[2]);
    return check_done();
}
