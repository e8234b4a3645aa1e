/* plain_model.h - the same models written down once more: plainly, in double, from dequantized weights, every token from the
 * beginning.  What test_transformer.c holds the real ones against. */
#ifndef DUO_TESTS_PLAIN_MODEL_H
#define DUO_TESTS_PLAIN_MODEL_H

#include "models/slm/shape.h"

#include <math.h>
#include <stdlib.h>

static double *plain_new(size_t n)
{
    double *x = calloc(n ? n : 1, sizeof *x);
    if (!x) abort();
    return x;
}

/* NULL: not there. */
static double *plain_weight(const struct duo_gguf *g, const char *form, int layer)
{
    char name[80];
    snprintf(name, sizeof name, form, layer);
    const struct duo_gguf_tensor *t = duo_gguf_tensor_named(g, name);
    if (!t) return NULL;
    size_t rows = (size_t)t->n[1], cols = (size_t)t->n[0];
    double *w = plain_new(rows * cols);
    float *row = calloc(cols, sizeof *row);
    for (size_t r = 0; row && r < rows; r++) {
        duo_dequantize_row(t->format, (const unsigned char *)t->data + r * duo_row_bytes(t->format, cols), row, cols);
        for (size_t i = 0; i < cols; i++) w[r * cols + i] = (double)row[i];
    }
    free(row);
    return w;
}

/* out = W x + b; b may be NULL. */
static void plain_product(const double *w, const double *b, const double *x, size_t rows, size_t cols, double *out)
{
    for (size_t r = 0; r < rows; r++) {
        out[r] = b ? b[r] : 0;
        for (size_t i = 0; i < cols; i++) out[r] += w[r * cols + i] * x[i];
    }
}

static void plain_norm(const double *x, const double *w, size_t n, double eps, double *out)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
    for (size_t i = 0; i < n; i++) out[i] = x[i] / sqrt(sum / (double)n + eps) * w[i];
}

/* One head at a position. */
static void plain_turn(double *x, const struct duo_shape *s, double base, double scale, const double *factors, size_t position)
{
    size_t half = (size_t)s->rope.width / 2;
    for (size_t i = 0; i < half; i++) {
        double angle = (double)position * scale * pow(base, -2.0 * (double)i / s->rope.width) / (factors ? factors[i] : 1);
        double *a = s->arch == DUO_ARCH_LLAMA ? x + 2 * i : x + i, *b = s->arch == DUO_ARCH_LLAMA ? x + 2 * i + 1 : x + i + half;
        double p = *a, q = *b;
        *a = p * cos(angle) - q * sin(angle);
        *b = p * sin(angle) + q * cos(angle);
    }
}

static void plain_attention(const struct duo_shape *s, bool windowed, size_t t, const double *q, const double *keys, const double *values, double *out)
{
    size_t heads = (size_t)s->heads, kv = (size_t)s->kv_heads, kw = (size_t)s->key_width, vw = (size_t)s->value_width;
    double *p = plain_new(t + 1);
    for (size_t h = 0; h < heads; h++) {
        size_t k = h / (heads / kv);
        double total = 0;
        for (size_t j = 0; j <= t; j++) {
            double score = 0;
            for (size_t i = 0; i < kw; i++) score += q[h * kw + i] * keys[(j * kv + k) * kw + i];
            score *= s->attention_scale;
            if (s->attention_cap > 0) score = s->attention_cap * tanh(score / s->attention_cap);
            p[j] = windowed && t - j >= (size_t)s->window ? 0 : exp(score);
            total += p[j];
        }
        for (size_t i = 0; i < vw; i++) {
            double sum = 0;
            for (size_t j = 0; j <= t; j++) sum += p[j] / total * values[(j * kv + k) * vw + i];
            out[h * vw + i] = sum;
        }
    }
    free(p);
}

static double plain_gated(const struct duo_shape *s, double g)
{
    if (s->gate == DUO_GATE_SILU) return g / (1 + exp(-g));
    return 0.5 * g * (1 + tanh(sqrt(2 / acos(-1)) * (g + 0.044715 * g * g * g)));
}

struct plain_layer { double *an, *q, *k, *v, *bq, *bk, *bv, *nq, *nk, *o, *ap, *fn, *gate, *up, *down, *fp; };

static struct plain_layer plain_load(const struct duo_gguf *g, int l)
{
#define W(text) plain_weight(g, "blk.%d." text, l)
    return (struct plain_layer) {
        W("attn_norm.weight"), W("attn_q.weight"), W("attn_k.weight"), W("attn_v.weight"), W("attn_q.bias"), W("attn_k.bias"), W("attn_v.bias"),
        W("attn_q_norm.weight"), W("attn_k_norm.weight"), W("attn_output.weight"), W("post_attention_norm.weight"), W("ffn_norm.weight"),
        W("ffn_gate.weight"), W("ffn_up.weight"), W("ffn_down.weight"), W("post_ffw_norm.weight"),
    };
#undef W
}

static void plain_unload(struct plain_layer *w)
{
    double *all[16];
    memcpy(all, w, sizeof all);
    for (int i = 0; i < 16; i++) free(all[i]);
}

/* x += what the branch gave, behind its norm where the model has one. */
static void plain_join(double *x, double *y, const double *post, size_t n, double eps)
{
    if (post) plain_norm(y, post, n, eps, y);
    for (size_t i = 0; i < n; i++) x[i] += y[i];
}

static void plain_layer_run(const struct duo_shape *s, const struct plain_layer *w, const double *factors, int l, size_t n, double *x)
{
    size_t d = (size_t)s->width, kw = (size_t)s->key_width, heads = (size_t)s->heads, kv = (size_t)s->kv_heads, vw = (size_t)s->value_width, ffn = (size_t)s->ffn;
    bool windowed = s->arch == DUO_ARCH_GEMMA2 ? l % 2 == 0 : s->arch == DUO_ARCH_GEMMA3 ? l % 6 < 5 : false;
    double base = windowed && s->arch == DUO_ARCH_GEMMA3 ? 10000 : s->rope.base;
    double *keys = plain_new(n * kv * kw), *values = plain_new(n * kv * vw), *h = plain_new(d), *q = plain_new(heads * kw), *mixed = plain_new(heads * vw);
    double *gate = plain_new(ffn), *up = plain_new(ffn);
    for (size_t t = 0; t < n; t++, x += d) {
        double *k = keys + t * kv * kw;
        plain_norm(x, w->an, d, s->norm_eps, h);
        plain_product(w->q, w->bq, h, heads * kw, d, q);
        plain_product(w->k, w->bk, h, kv * kw, d, k);
        plain_product(w->v, w->bv, h, kv * vw, d, values + t * kv * vw);
        for (size_t i = 0; i < heads; i++) {
            if (w->nq) plain_norm(q + i * kw, w->nq, kw, s->norm_eps, q + i * kw);
            plain_turn(q + i * kw, s, base, 1, factors, t);
        }
        for (size_t i = 0; i < kv; i++) {
            if (w->nk) plain_norm(k + i * kw, w->nk, kw, s->norm_eps, k + i * kw);
            plain_turn(k + i * kw, s, base, 1, factors, t);
        }
        plain_attention(s, windowed, t, q, keys, values, mixed);
        plain_product(w->o, NULL, mixed, d, heads * vw, h);
        plain_join(x, h, w->ap, d, s->norm_eps);
        plain_norm(x, w->fn, d, s->norm_eps, h);
        plain_product(w->gate, NULL, h, ffn, d, gate);
        plain_product(w->up, NULL, h, ffn, d, up);
        for (size_t i = 0; i < ffn; i++) gate[i] = plain_gated(s, gate[i]) * up[i];
        plain_product(w->down, NULL, gate, d, ffn, h);
        plain_join(x, h, w->fp, d, s->norm_eps);
    }
    double *all[] = { keys, values, h, q, mixed, gate, up };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
}

/* n rows of logits; free() them. */
static double *plain_logits(const struct duo_gguf *g, const struct duo_shape *s, const int32_t *ids, size_t n)
{
    size_t d = (size_t)s->width, vocabulary = (size_t)s->vocabulary;
    bool gemma = s->arch == DUO_ARCH_GEMMA || s->arch == DUO_ARCH_GEMMA2 || s->arch == DUO_ARCH_GEMMA3;
    double *embedding = plain_weight(g, "token_embd.weight", 0), *head = plain_weight(g, "output.weight", 0);
    double *norm = plain_weight(g, "output_norm.weight", 0), *factors = plain_weight(g, "rope_freqs.weight", 0);
    double *x = plain_new(n * d), *h = plain_new(d), *out = plain_new(n * vocabulary);
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < d; i++) x[t * d + i] = embedding[(size_t)ids[t] * d + i] * (gemma ? sqrt((double)d) : 1);
    for (int l = 0; l < s->layers; l++) {
        struct plain_layer w = plain_load(g, l);
        plain_layer_run(s, &w, factors, l, n, x);
        plain_unload(&w);
    }
    for (size_t t = 0; t < n; t++) {
        plain_norm(x + t * d, norm, d, s->norm_eps, h);
        plain_product(head ? head : embedding, NULL, h, vocabulary, d, out + t * vocabulary);
        for (size_t i = 0; s->final_cap > 0 && i < vocabulary; i++)
            out[t * vocabulary + i] = s->final_cap * tanh(out[t * vocabulary + i] / s->final_cap);
    }
    double *all[] = { embedding, head, norm, factors, x, h };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
    return out;
}

#endif
