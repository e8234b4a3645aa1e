/* make.c - model files with random weights.  Requirements: make.h. */
#include "models/slm/make.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/rng.h"

/* Shapes as their makers published them (config.json of each model). */
static const struct duo_model_plan plans[] = {
    { "smollm2-135m", "30 layers of 576", DUO_ARCH_LLAMA, DUO_WORDS_SMOLLM, 30, 576, 9, 3, 64, 1536, 49152, 8192, 100000, 1e-5, true, 0 },
    { "smollm2-360m", "32 layers of 960", DUO_ARCH_LLAMA, DUO_WORDS_SMOLLM, 32, 960, 15, 5, 64, 2560, 49152, 8192, 100000, 1e-5, true, 0 },
    { "qwen2.5-0.5b", "24 layers of 896", DUO_ARCH_QWEN2, DUO_WORDS_QWEN, 24, 896, 14, 2, 64, 4864, 151936, 32768, 1e6, 1e-6, true, 0 },
    { "qwen2.5-1.5b", "28 layers of 1536", DUO_ARCH_QWEN2, DUO_WORDS_QWEN, 28, 1536, 12, 2, 128, 8960, 151936, 32768, 1e6, 1e-6, true, 0 },
    { "qwen3-0.6b", "28 layers of 1024", DUO_ARCH_QWEN3, DUO_WORDS_QWEN, 28, 1024, 16, 8, 128, 3072, 151936, 40960, 1e6, 1e-6, true, 0 },
    { "tinyllama-1.1b", "22 layers of 2048", DUO_ARCH_LLAMA, DUO_WORDS_LLAMA2, 22, 2048, 32, 4, 64, 5632, 32000, 2048, 10000, 1e-5, false, 0 },
    { "llama-3.2-1b", "16 layers of 2048", DUO_ARCH_LLAMA, DUO_WORDS_LLAMA3, 16, 2048, 32, 8, 64, 8192, 128256, 131072, 500000, 1e-5, true, 0 },
    { "tiny-llama", "for tests", DUO_ARCH_LLAMA, DUO_WORDS_SMOLLM, 3, 256, 4, 2, 64, 512, 1024, 1024, 10000, 1e-5, true, 0 },
    { "tiny-llama2", "for tests", DUO_ARCH_LLAMA, DUO_WORDS_LLAMA2, 2, 96, 3, 1, 32, 160, 1024, 1024, 10000, 1e-5, false, 0 },
    { "tiny-llama3", "for tests", DUO_ARCH_LLAMA, DUO_WORDS_LLAMA3, 3, 256, 4, 2, 64, 768, 1024, 1024, 500000, 1e-5, true, 0 },
    { "tiny-qwen2", "for tests", DUO_ARCH_QWEN2, DUO_WORDS_QWEN, 3, 256, 4, 2, 64, 512, 1024, 1024, 1e6, 1e-6, true, 0 },
    { "tiny-qwen3", "for tests", DUO_ARCH_QWEN3, DUO_WORDS_QWEN, 3, 256, 4, 2, 96, 512, 1024, 1024, 1e6, 1e-6, true, 0 },
    { "tiny-gemma", "for tests", DUO_ARCH_GEMMA, DUO_WORDS_GEMMA, 3, 256, 4, 1, 128, 512, 1024, 1024, 10000, 1e-6, true, 0 },
    { "tiny-gemma2", "for tests", DUO_ARCH_GEMMA2, DUO_WORDS_GEMMA, 4, 256, 4, 2, 96, 512, 1024, 1024, 10000, 1e-6, true, 16 },
    { "tiny-gemma3", "for tests", DUO_ARCH_GEMMA3, DUO_WORDS_GEMMA, 8, 256, 4, 1, 64, 512, 1024, 1024, 1e6, 1e-6, true, 16 },
};
enum { N_PLANS = sizeof plans / sizeof plans[0] };

const struct duo_model_plan *duo_model_plans(int *n)
{
    *n = N_PLANS;
    return plans;
}

/* ---------------------------------------------------------------- mixes */

/* What matrices get, what v and down get in some layers, and the number of the mix in general.file_type. */
static const struct mix { enum duo_format main, more; uint32_t file_type; } mixes[] = {
    { DUO_FORMAT_F32, DUO_FORMAT_F32, 0 },     { DUO_FORMAT_F16, DUO_FORMAT_F16, 1 },     { DUO_FORMAT_BF16, DUO_FORMAT_BF16, 32 },
    { DUO_FORMAT_Q8_0, DUO_FORMAT_Q8_0, 7 },   { DUO_FORMAT_Q4_0, DUO_FORMAT_Q4_0, 2 },   { DUO_FORMAT_Q4_1, DUO_FORMAT_Q4_1, 3 },
    { DUO_FORMAT_Q5_0, DUO_FORMAT_Q5_0, 8 },   { DUO_FORMAT_Q5_1, DUO_FORMAT_Q5_1, 9 },   { DUO_FORMAT_Q4_K, DUO_FORMAT_Q5_K, 14 },
    { DUO_FORMAT_Q4_K, DUO_FORMAT_Q6_K, 15 },  { DUO_FORMAT_Q5_K, DUO_FORMAT_Q5_K, 16 },  { DUO_FORMAT_Q5_K, DUO_FORMAT_Q6_K, 17 },
    { DUO_FORMAT_Q6_K, DUO_FORMAT_Q6_K, 18 },
};
static const char *const mix_names[] = { "f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q4_k_s", "q4_k_m", "q5_k_s", "q5_k_m", "q6_k" };
enum { N_MIXES = sizeof mixes / sizeof mixes[0], Q4_K_S = 8 };
_Static_assert(N_MIXES == sizeof mix_names / sizeof mix_names[0], "each mix has a name");

int duo_model_mixes(const char *const **names)
{
    *names = mix_names;
    return N_MIXES;
}

/* The first and last eighth of the layers and every third between. */
static bool more_bits(int layer, int layers)
{
    return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

static bool fits(enum duo_format f, uint64_t width) { return width % duo_format_info(f)->values == 0; }

/* Rows that hold no whole number of blocks. */
static enum duo_format fall_back(enum duo_format f, uint64_t width)
{
    if (fits(f, width)) return f;
    f = f == DUO_FORMAT_Q4_K ? DUO_FORMAT_Q5_0 : f == DUO_FORMAT_Q5_K ? DUO_FORMAT_Q5_1 : f == DUO_FORMAT_Q6_K ? DUO_FORMAT_Q8_0 : f;
    return fits(f, width) ? f : DUO_FORMAT_F16;
}

/* (2): the rules of llama.cpp's src/llama-quant.cpp for these mixes, without an importance matrix. */
enum duo_format duo_mix_format(int mix, enum duo_weight w, const struct duo_shape *s, int layer)
{
    const struct mix *m = &mixes[mix];
    uint64_t n[2];
    duo_weight_size(s, w, n);
    if (n[1] == 0) return DUO_FORMAT_F32;
    if (duo_format_info(m->main)->values == 1) return m->main;
    if (w == DUO_WEIGHT_HEAD || (s->tied && w == DUO_WEIGHT_EMBEDDING)) {
        bool eight = m->main == DUO_FORMAT_Q8_0 || !fits(m->main, n[0]);
        return fall_back(eight ? DUO_FORMAT_Q8_0 : DUO_FORMAT_Q6_K, n[0]);
    }
    bool more = more_bits(layer, s->layers);
    if (mix == Q4_K_S) more = w == DUO_WEIGHT_V ? layer < 4 : layer < s->layers / 8;
    bool chosen = w == DUO_WEIGHT_V || w == DUO_WEIGHT_DOWN;
    return fall_back(chosen && more ? m->more : m->main, n[0]);
}

/* ---------------------------------------------------------------- metadata */

static struct duo_shape shape_of(const struct duo_model_plan *p)
{
    struct duo_shape s = {
        .arch = p->arch, .layers = p->layers, .width = p->width, .heads = p->heads, .kv_heads = p->kv_heads, .key_width = p->key_width,
        .value_width = p->key_width, .ffn = p->ffn, .vocabulary = p->vocabulary, .context = p->context, .tied = p->tied,
    };
    s.rope.width = p->key_width;
    return s;
}

static void put_head(struct duo_gguf_out *o, const struct duo_model_plan *p, int mix)
{
    const char *arch = duo_architecture_name(p->arch);
    char key[96], name[96];
    snprintf(name, sizeof name, "%s, random weights", p->name);
    duo_gguf_put_words(o, "general.architecture", arch);
    duo_gguf_put_words(o, "general.type", "model");
    duo_gguf_put_words(o, "general.name", name);
    duo_gguf_put_whole(o, "general.file_type", mixes[mix].file_type);
    duo_gguf_put_whole(o, "general.quantization_version", 2);
    const struct { const char *key; int value; } wholes[] = {
        { "block_count", p->layers }, { "context_length", p->context }, { "embedding_length", p->width }, { "feed_forward_length", p->ffn },
        { "attention.head_count", p->heads }, { "attention.head_count_kv", p->kv_heads }, { "attention.key_length", p->key_width },
        { "attention.value_length", p->key_width }, { "rope.dimension_count", p->key_width }, { "vocab_size", p->vocabulary },
        { "attention.sliding_window", p->window },
    };
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++) {
        if (wholes[i].value == 0) continue;
        snprintf(key, sizeof key, "%s.%s", arch, wholes[i].key);
        duo_gguf_put_whole(o, key, (uint32_t)wholes[i].value);
    }
    snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", arch);
    duo_gguf_put_real(o, key, p->eps);
    snprintf(key, sizeof key, "%s.rope.freq_base", arch);
    duo_gguf_put_real(o, key, p->base);
    if (p->arch == DUO_ARCH_GEMMA2) {
        snprintf(key, sizeof key, "%s.attn_logit_softcapping", arch);
        duo_gguf_put_real(o, key, 50);
        snprintf(key, sizeof key, "%s.final_logit_softcapping", arch);
        duo_gguf_put_real(o, key, 30);
    }
}

/* ---------------------------------------------------------------- weights */

struct made_tensor { enum duo_weight weight; int layer; uint64_t width; enum duo_format format; };

/* Blocks of one tensor at a time, quantized once: to search good scales for each of a billion values takes minutes. */
enum { POOL = 1024, BLOCK = 256 };
struct made {
    const struct duo_model_plan *plan;
    uint64_t            seed;
    struct made_tensor *tensors;
    int                 pool_of;
    unsigned char       pool[POOL * BLOCK];
};

/* What Llama 3.1 and later divide low frequencies by: 32 for the lowest, 1 for the highest, between them by their
 * wavelength against the 8192 tokens of Llama 3. */
static float rope_factor(const struct duo_model_plan *p, uint64_t i)
{
    double length = 2 * acos(-1) * pow(p->base, 2.0 * (double)i / p->key_width), low = 8192 / 1.0, high = 8192 / 4.0;
    if (length < high) return 1;
    if (length > low) return 32;
    double smooth = (8192 / length - 1) / (4 - 1);
    return (float)(1 / ((1 - smooth) / 32 + smooth));
}

/* Spread so that activations stay near 1 and logits near 3, whatever the widths. */
static void scale_of(const struct duo_model_plan *p, enum duo_weight w, uint64_t width, double *middle, double *spread)
{
    bool gemma = p->words == DUO_WORDS_GEMMA;        /* there it is scaled by sqrt(width), and would drown all else */
    *middle = 0;
    *spread = 1 / sqrt((double)width);
    switch (w) {
    case DUO_WEIGHT_EMBEDDING: *spread = (gemma ? 0.5 : p->tied ? 3 : 1) / sqrt((double)p->width); break;
    case DUO_WEIGHT_HEAD:      *spread = 3 / sqrt((double)p->width); break;
    case DUO_WEIGHT_Q_BIAS: case DUO_WEIGHT_K_BIAS: case DUO_WEIGHT_V_BIAS: *spread = 0.1; break;
    case DUO_WEIGHT_FINAL_NORM: case DUO_WEIGHT_ATTN_NORM: case DUO_WEIGHT_FFN_NORM: case DUO_WEIGHT_Q_NORM: case DUO_WEIGHT_K_NORM:
    case DUO_WEIGHT_ATTN_POST: case DUO_WEIGHT_FFN_POST:
        *middle = 1, *spread = 0.1;
        break;
    default: break;
    }
}

/* Four values of 16 bits from 64: even in [-1, 1), which has a spread of 1/sqrt(3). */
static void random_values(const struct made *m, const struct made_tensor *t, const char *stream, uint64_t index, size_t n, float *out)
{
    struct duo_rng rng;
    uint64_t bits = 0;
    double middle, spread;
    scale_of(m->plan, t->weight, t->width, &middle, &spread);
    duo_rng_init(&rng, m->seed, stream, index);
    for (size_t i = 0; i < n; i++, bits >>= 16) {
        if (i % 4 == 0) bits = duo_rng_bits(&rng);
        out[i] = (float)(middle + spread * 1.7320508 * ((double)(int)(bits & 0xFFFF) / 32768 - 1));
    }
}

/* Formats without blocks: row by row. */
static void plain_row(const struct made *m, const struct made_tensor *t, const char *name, uint64_t row, unsigned char *out)
{
    float *values = duo_new(t->width, sizeof *values);
    if (t->weight == DUO_WEIGHT_ROPE)
        for (uint64_t i = 0; i < t->width; i++) values[i] = rope_factor(m->plan, i);
    else
        random_values(m, t, name, row, t->width, values);
    duo_quantize_row(t->format, values, out, t->width);
    free(values);
}

static void fill_pool(struct made *m, int tensor, const char *name)
{
    const struct made_tensor *t = &m->tensors[tensor];
    const struct duo_format_info *f = duo_format_info(t->format);
    float values[BLOCK];
    assert(f->values <= BLOCK && f->bytes <= BLOCK);
    for (uint64_t i = 0; i < POOL; i++) {
        random_values(m, t, name, i, f->values, values);
        duo_quantize_row(t->format, values, m->pool + i * f->bytes, f->values);
    }
    m->pool_of = tensor;
}

/* Each row from its own stream, so that the bytes don't depend on how many are asked for at once. */
static void random_rows(void *user, int tensor, uint64_t row, uint64_t n, void *to)
{
    struct made *m = user;
    const struct made_tensor *t = &m->tensors[tensor];
    const struct duo_format_info *f = duo_format_info(t->format);
    unsigned char *out = to;
    char name[DUO_GGUF_NAME + 1], picks[DUO_GGUF_NAME + 8];
    duo_weight_name(t->weight, t->layer, name);
    snprintf(picks, sizeof picks, "%s pick", name);
    if (f->values > 1 && m->pool_of != tensor) fill_pool(m, tensor, name);
    for (uint64_t r = row; r < row + n; r++) {
        struct duo_rng rng;
        if (f->values == 1) plain_row(m, t, name, r, out);
        duo_rng_init(&rng, m->seed, picks, r);
        for (uint64_t i = 0; f->values > 1 && i < t->width / f->values; i++)
            memcpy(out + i * f->bytes, m->pool + duo_rng_bits(&rng) % POOL * f->bytes, f->bytes);
        out += duo_row_bytes(t->format, t->width);
    }
}

static bool has(const struct duo_model_plan *p, enum duo_weight w)
{
    if (w == DUO_WEIGHT_HEAD) return !p->tied;
    if (w == DUO_WEIGHT_ROPE) return p->words == DUO_WORDS_LLAMA3;
    return duo_weight_needed(p->arch, w);
}

static void plan_tensors(struct duo_gguf_out *o, struct made *m, int mix)
{
    struct duo_shape s = shape_of(m->plan);
    m->tensors = duo_new((size_t)(s.layers + 1) * DUO_WEIGHT_END, sizeof *m->tensors);
    for (int layer = -1; layer < s.layers; layer++)
        for (int i = 0; i < DUO_WEIGHT_END; i++) {
            enum duo_weight w = (enum duo_weight)i;
            char name[DUO_GGUF_NAME + 1];
            uint64_t n[2];
            if (duo_weight_per_layer(w) != (layer >= 0) || !has(m->plan, w)) continue;
            duo_weight_name(w, layer, name);
            duo_weight_size(&s, w, n);
            enum duo_format format = duo_mix_format(mix, w, &s, layer);
            m->tensors[duo_gguf_put_tensor(o, name, format, n[1] ? 2 : 1, n)] = (struct made_tensor) { w, layer, n[0], format };
        }
}

enum duo_status duo_model_make(const char *like, const char *mix, uint64_t seed, const char *path, size_t *bytes, struct duo_err *err)
{
    const char *names[N_PLANS];
    int plan = -1, chosen = -1;
    for (int i = 0; i < N_PLANS; i++) {
        names[i] = plans[i].name;
        if (!strcmp(like, names[i])) plan = i;
    }
    for (int i = 0; i < N_MIXES; i++)
        if (!strcasecmp(mix, mix_names[i])) chosen = i;
    const char *near = plan < 0 ? duo_nearest(like, names, N_PLANS) : chosen < 0 ? duo_nearest(mix, mix_names, N_MIXES) : NULL;
    if (plan < 0 || chosen < 0) {
        const char *what = plan < 0 ? "shape of a model" : "quantization", *which = plan < 0 ? like : mix;
        if (near) return duo_fail(err, DUO_BAD_INPUT, "%s: no such %s (did you mean %s?)", which, what, near);
        return duo_fail(err, DUO_BAD_INPUT, "%s: no such %s", which, what);
    }
    struct duo_gguf_out *o = duo_gguf_out_new();
    struct made *m = duo_new(1, sizeof *m);
    *m = (struct made) { .plan = &plans[plan], .seed = seed, .pool_of = -1 };
    put_head(o, m->plan, chosen);
    duo_words_put(o, m->plan->words, m->plan->vocabulary, seed);
    plan_tensors(o, m, chosen);
    enum duo_status status = duo_gguf_write(o, path, &(struct duo_gguf_source) { .user = m, .packed = random_rows }, bytes, err);
    duo_gguf_out_free(o);
    free(m->tensors);
    free(m);
    return status;
}
