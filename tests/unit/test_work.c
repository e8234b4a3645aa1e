/* test_work.c - work.c beside published counts, brute force and chance.
 *
 *   (1), (2)  parameters: counts that the models' authors published (safetensors metadata of the Hugging Face repositories)
 *   (3)       experts: drawn with a generator
 *   (4)       context and pairs: loops over layers, tokens and positions
 *   (5)       products: operations and weights summed over single layers */
#include <gsl/gsl_rng.h>
#include <stdlib.h>

#include "models/cost/work.h"
#include "tests/check.h"

static const struct duo_arch llama2_7b = { .layers = 32, .width = 4096, .heads = 32, .kv_heads = 32, .head_dim = 128, .ffn = 11008, .vocabulary = 32000, .gated = true };
static const struct duo_arch mixtral = { .layers = 32, .width = 4096, .heads = 32, .kv_heads = 8, .head_dim = 128, .vocabulary = 32000, .gated = true,
                                         .experts = 8, .active_experts = 2, .expert_ffn = 14336 };
static const struct duo_arch gemma2_2b = { .layers = 26, .width = 2304, .heads = 8, .kv_heads = 4, .head_dim = 256, .ffn = 9216, .vocabulary = 256000,
                                           .tied = true, .gated = true, .window = 4096, .period = 2 };
static const struct duo_arch deepseek_v2_lite_like = { .layers = 27, .width = 2048, .heads = 16, .kv_heads = 16, .head_dim = 128, .ffn = 10944,
                                                       .vocabulary = 102400, .gated = true, .experts = 64, .active_experts = 6, .expert_ffn = 1408,
                                                       .shared_ffn = 2816, .dense_layers = 1 };

/* (1): exact where a model has neither biases nor norms of heads. */
static void test_parameters(void)
{
    static const struct { const char *name; struct duo_arch a; double total, tolerance; } published[] = {
        { "Llama-2-13B", { .layers = 40, .width = 5120, .heads = 40, .kv_heads = 40, .head_dim = 128, .ffn = 13824, .vocabulary = 32000, .gated = true }, 13015864320, 0 },
        { "Llama-2-70B", { .layers = 80, .width = 8192, .heads = 64, .kv_heads = 8, .head_dim = 128, .ffn = 28672, .vocabulary = 32000, .gated = true }, 68976648192, 0 },
        { "Llama-3.1-8B", { .layers = 32, .width = 4096, .heads = 32, .kv_heads = 8, .head_dim = 128, .ffn = 14336, .vocabulary = 128256, .gated = true }, 8030261248, 0 },
        { "Llama-3.2-1B", { .layers = 16, .width = 2048, .heads = 32, .kv_heads = 8, .head_dim = 64, .ffn = 8192, .vocabulary = 128256, .tied = true, .gated = true }, 1235814400, 0 },
        { "SmolLM2-135M", { .layers = 30, .width = 576, .heads = 9, .kv_heads = 3, .head_dim = 64, .ffn = 1536, .vocabulary = 49152, .tied = true, .gated = true }, 134515008, 0 },
        { "Mistral-7B", { .layers = 32, .width = 4096, .heads = 32, .kv_heads = 8, .head_dim = 128, .ffn = 14336, .vocabulary = 32000, .gated = true }, 7241732096, 0 },
        { "Qwen2.5-0.5B", { .layers = 24, .width = 896, .heads = 14, .kv_heads = 2, .head_dim = 64, .ffn = 4864, .vocabulary = 151936, .tied = true, .gated = true }, 494032768, 1e-4 },
        { "Qwen3-30B-A3B", { .layers = 48, .width = 2048, .heads = 32, .kv_heads = 4, .head_dim = 128, .ffn = 6144, .vocabulary = 151936, .gated = true,
                             .experts = 128, .active_experts = 8, .expert_ffn = 768 }, 30532122624, 1e-4 },
        { "GPT-2", { .layers = 12, .width = 768, .heads = 12, .kv_heads = 12, .head_dim = 64, .ffn = 3072, .vocabulary = 50257, .tied = true, .positions = 1024 }, 124439808, 1e-3 },
        { "OPT-125M", { .layers = 12, .width = 768, .heads = 12, .kv_heads = 12, .head_dim = 64, .ffn = 3072, .vocabulary = 50272, .tied = true, .positions = 2050 }, 125239296, 1e-3 },
    };
    struct duo_parameters p;

    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        duo_work_parameters(&published[i].a, &p);
        printf("%s: %.0f weights, published %.0f\n", published[i].name, p.total, published[i].total);
        CHECK_NEAR(p.total, published[i].total, published[i].tolerance * published[i].total);
    }
    duo_work_parameters(&llama2_7b, &p);
    CHECK_NEAR(p.total, 6738415616, 0);
    CHECK_NEAR(p.active, p.total - p.embedding, 0);
    duo_work_parameters(&gemma2_2b, &p);
    CHECK_NEAR(p.total, 2614341888, 1e-4 * p.total);
    CHECK_NEAR(p.head, 0, 0);
    duo_work_parameters(&mixtral, &p);
    CHECK_NEAR(p.total, 46702792704, 0);
    CHECK_NEAR(p.active + p.embedding, 12.9e9, 0.05e9);          /* Jiang et al. 2024, arXiv:2401.04088: 13B active */
    duo_work_parameters(&published[7].a, &p);
    CHECK_NEAR(p.active + p.embedding, 3.3e9, 0.1e9);            /* its model card: 30.5B, 3.3B activated */
}

/* (3) */
static void test_experts(void)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    static const struct { int tokens, experts, active; } cases[] = { { 1, 8, 2 }, { 2, 8, 2 }, { 7, 8, 2 }, { 16, 128, 8 }, { 100, 128, 8 }, { 3, 64, 6 } };

    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int e = cases[c].experts, trials = 20000;
        double sum = 0, squares = 0, got = duo_work_experts(cases[c].tokens, e, cases[c].active);
        for (int t = 0; t < trials; t++) {
            int card[128], hit = 0;
            bool reached[128] = { false };
            for (int n = 0; n < cases[c].tokens; n++) {
                for (int i = 0; i < e; i++) card[i] = i;
                for (int i = 0; i < cases[c].active; i++) {      /* `active` different ones */
                    int at = i + (int)gsl_rng_uniform_int(rng, (unsigned long)(e - i)), swap = card[at];
                    card[at] = card[i], card[i] = swap;
                    hit += !reached[swap];
                    reached[swap] = true;
                }
            }
            sum += hit, squares += (double)hit * hit;
        }
        double mean = sum / trials, error = sqrt(fmax(squares / trials - mean * mean, 0) / trials);
        printf("%d tokens, %d of %d experts: %.4f, drawn %.4f +- %.4f\n", cases[c].tokens, cases[c].active, e, got, mean, error);
        CHECK_NEAR(got, mean, 4 * error + 1e-9);
    }
    CHECK_NEAR(duo_work_experts(0, 8, 2), 0, 0);
    CHECK_NEAR(duo_work_experts(1e12, 8, 2), 8, 0);
    CHECK_NEAR(duo_work_experts(5, 8, 8), 8, 0);
    CHECK_NEAR(duo_work_experts(2.5, 8, 2), (duo_work_experts(2, 8, 2) + duo_work_experts(3, 8, 2)) / 2, 1e-12);
    for (int n = 0; n < 300; n++) CHECK_NEAR(duo_work_experts(n, 128, 8), 128 * (1 - pow(1 - 8.0 / 128, n)), 1e-9);
    gsl_rng_free(rng);
}

static bool sees(const struct duo_arch *a, int layer, int token, int position)
{
    bool all = a->window == 0 || (a->period > 0 && layer % a->period == a->period - 1);
    return position <= token && (all || token - position < a->window);
}

static double count(const struct duo_arch *a, int from, int to, int fresh, int cached)
{
    double n = 0;
    for (int l = from; l < to; l++)
        for (int t = cached; t < cached + fresh; t++)
            for (int p = 0; p < cached + fresh; p++) n += sees(a, l, t, p);
    return n;
}

/* (4): no window, windows only, every second and every sixth layer to all; ranges of layers; chunks that straddle a window. */
static void test_context(void)
{
    static const struct { int window, period; } forms[] = { { 0, 0 }, { 8, 0 }, { 8, 2 }, { 5, 6 }, { 1, 3 } };
    static const int parts[][2] = { { 0, 12 }, { 0, 5 }, { 5, 12 }, { 3, 4 }, { 4, 4 } };
    static const int items[][2] = { { 1, 0 }, { 1, 7 }, { 1, 8 }, { 1, 30 }, { 20, 0 }, { 6, 4 }, { 3, 20 }, { 8, 0 } };

    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++)
        for (size_t r = 0; r < sizeof parts / sizeof *parts; r++)
            for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
                struct duo_arch a = { .layers = 12, .window = forms[f].window, .period = forms[f].period };
                int from = parts[r][0], to = parts[r][1], fresh = items[i][0], cached = items[i][1];
                double per, tokens, at, seen = cached + fresh;
                CHECK_NEAR(duo_work_pairs(&a, from, to, fresh, cached), count(&a, from, to, fresh, cached), 0);
                at = duo_work_context(&a, from, to, seen, &per, &tokens);
                CHECK_NEAR(at, count(&a, from, to, 1, cached + fresh - 1), 0);
                for (int k = 1; k <= 12 && k <= tokens; k++) CHECK_NEAR(at + k * per, count(&a, from, to, 1, cached + fresh - 1 + k), 0);
                if (!isinf(tokens)) CHECK(count(&a, from, to, 1, (int)(seen + tokens)) < at + (tokens + 1) * per);      /* no sooner than that */
            }
}

/* (2), (5) */
static void test_gemms(void)
{
    struct duo_parameters p;
    struct duo_gemms g;
    double weights = 0, flop = 0;

    duo_work_parameters(&llama2_7b, &p);
    duo_work_gemms(&llama2_7b, 0, 32, 512, &g);
    for (int i = 0; i < g.n; i++) weights += g.group[i].weights, flop += g.group[i].flop;
    CHECK_NEAR(weights, p.total - p.embedding - p.head - 65 * 4096, 0);
    CHECK_NEAR(flop, 1024 * weights, 0);
    CHECK_NEAR(g.operations, 4 * 32, 0);

    duo_work_parameters(&deepseek_v2_lite_like, &p);             /* a dense first layer, 26 of a mixture with shared experts */
    duo_work_gemms(&deepseek_v2_lite_like, 0, 27, 1, &g);
    weights = flop = 0;
    for (int i = 0; i < g.n; i++) weights += g.group[i].weights, flop += g.group[i].flop;
    CHECK_NEAR(weights, p.active - p.embedding - 55 * 2048, 1);
    CHECK_NEAR(flop, 2 * weights, 2);
    CHECK_NEAR(g.operations, 4 + 26 * 7, 0);
    duo_work_gemms(&deepseek_v2_lite_like, 0, 1, 9, &g);
    CHECK_INT(g.n, 2);
    CHECK_NEAR(g.group[1].weights, 3.0 * 2048 * 10944, 0);
    duo_work_gemms(&deepseek_v2_lite_like, 1, 2, 1e6, &g);       /* so many tokens reach every expert */
    CHECK_NEAR(g.group[2].weights, 64 * 3.0 * 2048 * 1408, 1e-3);
    CHECK_NEAR(g.group[2].flop, 6 * 2 * 3.0 * 2048 * 1408 * 1e6, 1e6);
}

int main(void)
{
    test_parameters();
    test_experts();
    test_context();
    test_gemms();
    return check_done();
}
