/* transformer.c - tokens through the layers.  Requirements: transformer.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "models/slm/inside.h"

/* ---------------------------------------------------------------- room to compute */

static size_t up16(size_t n) { return (n + 15) / 16 * 16; }

static enum duo_status make_room(struct duo_context *c, size_t n, struct duo_err *err)
{
    const struct duo_shape *s = &c->model->shape;
    if (n <= c->room) return DUO_OK;
    size_t width = (size_t)s->width, query = (size_t)s->heads * (size_t)s->key_width, mixed = (size_t)s->heads * (size_t)s->value_width;
    size_t keys = (size_t)s->kv_heads * (size_t)s->key_width, values = (size_t)s->kv_heads * (size_t)s->value_width, ffn = (size_t)s->ffn;
    struct { float **at; size_t width; } parts[] = { { &c->x, width }, { &c->h, width }, { &c->q, query }, { &c->k, keys }, { &c->v, values },
                                                     { &c->mixed, mixed }, { &c->gate, ffn }, { &c->up, ffn } };
    enum { N = sizeof parts / sizeof parts[0] };
    size_t total = 0;
    for (int i = 0; i < N; i++) total += up16(n * parts[i].width);
    free(c->memory);
    c->room = 0;
    c->memory = aligned_alloc(64, total * sizeof(float));
    if (!c->memory) return duo_fail(err, DUO_NO_RESOURCES, "no memory to run %zu tokens at once (%zu bytes)", n, total * sizeof(float));
    float *at = c->memory;
    for (int i = 0; i < N; i++) {
        *parts[i].at = at;
        at += up16(n * parts[i].width);
    }
    c->room = n;
    return DUO_OK;
}

/* ---------------------------------------------------------------- a layer */

/* A product into `to`, added to what stands there when nothing has to be done to it first. */
static void project(struct duo_context *c, const struct duo_matrix *m, const float *from, size_t n, float *to, const float *post)
{
    const struct duo_shape *s = &c->model->shape;
    size_t width = (size_t)s->width;
    duo_acts_set(&c->acts, from, n, m->cols, m->cols);
    duo_multiply(c->pool, &c->acts, &(struct duo_product) { .m = m, .y = post ? c->h : to, .stride = width, .add = !post }, 1);
    if (!post) return;
    duo_rms_norm(c->pool, c->h, width, c->h, width, n, 1, width, post, (float)s->norm_eps);
    duo_add(to, c->h, n * width);
}

/* Keys and values of n tokens into the cache, queries of the last `keep`. */
static void look(struct duo_context *c, int l, size_t first, size_t n, size_t keep, const float *x)
{
    const struct duo_shape *s = &c->model->shape;
    const struct duo_parts *w = &c->model->layers[l];
    const struct duo_rope *rope = duo_shape_windowed(s, l) ? &c->rope_local : &c->rope;
    size_t width = (size_t)s->width, kw = (size_t)s->key_width, query = (size_t)s->heads * kw, keys = (size_t)s->kv_heads * kw;
    size_t values = (size_t)s->kv_heads * (size_t)s->value_width, skip = n - keep;
    struct duo_product products[] = {
        { .m = &w->matrix[DUO_WEIGHT_K], .y = c->k, .stride = keys,   .bias = w->vector[DUO_WEIGHT_K_BIAS] },
        { .m = &w->matrix[DUO_WEIGHT_V], .y = c->v, .stride = values, .bias = w->vector[DUO_WEIGHT_V_BIAS] },
        { .m = &w->matrix[DUO_WEIGHT_Q], .y = c->q, .stride = query,  .bias = w->vector[DUO_WEIGHT_Q_BIAS] },
    };
    duo_rms_norm(c->pool, x, width, c->h, width, n, 1, width, w->vector[DUO_WEIGHT_ATTN_NORM], (float)s->norm_eps);
    duo_acts_set(&c->acts, c->h, n, width, width);
    duo_multiply(c->pool, &c->acts, products, skip ? 2 : 3);
    if (skip && keep) {
        duo_acts_set(&c->acts, c->h + skip * width, keep, width, width);
        duo_multiply(c->pool, &c->acts, &products[2], 1);
    }
    if (s->qk_norms) {
        duo_rms_norm(c->pool, c->q, query, c->q, query, keep, (size_t)s->heads, kw, w->vector[DUO_WEIGHT_Q_NORM], (float)s->norm_eps);
        duo_rms_norm(c->pool, c->k, keys, c->k, keys, n, (size_t)s->kv_heads, kw, w->vector[DUO_WEIGHT_K_NORM], (float)s->norm_eps);
    }
    duo_rope_apply(c->pool, rope, c->q, query, first + skip, keep, s->heads, s->key_width);
    duo_rope_apply(c->pool, rope, c->k, keys, first, n, s->kv_heads, s->key_width);
    duo_cache_put(&c->caches[l - c->from], c->pool, first, n, c->k, keys, c->v, values);
    c->held[l - c->from] = first + n;
}

/* x: n rows of states, of which the last `keep` are wanted behind the layer; the others are left as they were. */
static void layer(struct duo_context *c, int l, size_t first, size_t n, size_t keep, float *x)
{
    const struct duo_shape *s = &c->model->shape;
    const struct duo_parts *w = &c->model->layers[l];
    size_t width = (size_t)s->width, query = (size_t)s->heads * (size_t)s->key_width, mixed = (size_t)s->heads * (size_t)s->value_width;
    size_t ffn = (size_t)s->ffn;
    look(c, l, first, n, keep, x);
    if (keep == 0) return;
    x += (n - keep) * width;
    struct duo_attention how = {
        .heads = s->heads, .scale = (float)s->attention_scale, .softcap = (float)s->attention_cap,
        .window = duo_shape_windowed(s, l) ? (size_t)s->window : 0, .first = first + n - keep, .n = keep,
    };
    duo_attend(c->pool, &c->caches[l - c->from], &how, c->q, query, c->mixed, mixed);
    project(c, &w->matrix[DUO_WEIGHT_O], c->mixed, keep, x, w->vector[DUO_WEIGHT_ATTN_POST]);

    struct duo_product products[] = {
        { .m = &w->matrix[DUO_WEIGHT_GATE], .y = c->gate, .stride = ffn },
        { .m = &w->matrix[DUO_WEIGHT_UP],   .y = c->up,   .stride = ffn },
    };
    duo_rms_norm(c->pool, x, width, c->h, width, keep, 1, width, w->vector[DUO_WEIGHT_FFN_NORM], (float)s->norm_eps);
    duo_acts_set(&c->acts, c->h, keep, width, width);
    duo_multiply(c->pool, &c->acts, products, 2);
    duo_gate(c->pool, s->gate, c->gate, c->up, c->gate, ffn, keep, ffn);
    project(c, &w->matrix[DUO_WEIGHT_DOWN], c->gate, keep, x, w->vector[DUO_WEIGHT_FFN_POST]);
}

/* ---------------------------------------------------------------- steps */

static enum duo_status check_place(const struct duo_context *c, int from, int to, size_t first, size_t n, struct duo_err *err)
{
    const char *path = duo_gguf_path(c->model->gguf);
    if (from < c->from || to > c->to || from > to)
        return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "layers %d to %d were asked for; the context keeps %d to %d", from, to, c->from, c->to);
    if (n > c->capacity || first > c->capacity - n)
        return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%zu tokens behind %zu are more than the context's %zu", n, first, c->capacity);
    for (int l = from; l < to; l++)
        if (first > c->held[l - c->from])
            return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "layer %d holds %zu positions and can't go on at %zu", l, c->held[l - c->from], first);
    return DUO_OK;
}

enum duo_status duo_context_embed(struct duo_context *c, const int32_t *ids, size_t n, float *state, struct duo_err *err)
{
    const struct duo_shape *s = &c->model->shape;
    const struct duo_gguf_tensor *t = c->model->embedding;
    size_t width = (size_t)s->width, row = duo_row_bytes(t->format, width);
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= s->vocabulary)
            return duo_fail_at(err, DUO_BAD_INPUT, duo_gguf_path(c->model->gguf), 0, 0, "token %d is none of the vocabulary's %d", ids[i], s->vocabulary);
        duo_dequantize_row(t->format, (const unsigned char *)t->data + (size_t)ids[i] * row, state + i * width, width);
    }
    if (s->embedding_scale != 1) duo_scale(state, (float)s->embedding_scale, n * width);
    return DUO_OK;
}

/* At most DUO_PASS tokens. */
static enum duo_status pass(struct duo_context *c, int from, int to, size_t first, size_t n, size_t keep, float *x,
                            const struct duo_layer_view *view, struct duo_err *err)
{
    DUO_TRY(make_room(c, n, err));
    for (int l = from; l < to; l++) {
        layer(c, l, first, n, view || l + 1 < to ? n : keep, x);
        if (view) view->see(view->user, l + 1, first, n, x);
    }
    return DUO_OK;
}

enum duo_status duo_context_layers(struct duo_context *c, int from, int to, size_t first, size_t n, float *state, struct duo_err *err)
{
    DUO_TRY(check_place(c, from, to, first, n, err));
    for (size_t done = 0, some; done < n; done += some) {
        some = n - done < DUO_PASS ? n - done : DUO_PASS;
        DUO_TRY(pass(c, from, to, first + done, some, some, state + done * (size_t)c->model->shape.width, NULL, err));
    }
    return DUO_OK;
}

void duo_context_head(struct duo_context *c, const float *state, size_t n, float *logits)
{
    const struct duo_model *m = c->model;
    size_t width = (size_t)m->shape.width, vocabulary = (size_t)m->shape.vocabulary;
    float *normed = duo_new(n * width, sizeof *normed);
    duo_rms_norm(c->pool, state, width, normed, width, n, 1, width, m->whole.vector[DUO_WEIGHT_FINAL_NORM], (float)m->shape.norm_eps);
    duo_acts_set(&c->acts, normed, n, width, width);
    duo_multiply(c->pool, &c->acts, &(struct duo_product) { .m = &m->whole.matrix[DUO_WEIGHT_HEAD], .y = logits, .stride = vocabulary }, 1);
    if (m->shape.final_cap > 0) duo_softcap(logits, (float)m->shape.final_cap, n * vocabulary);
    free(normed);
}

/* ---------------------------------------------------------------- the whole */

enum duo_status duo_context_run(struct duo_context *c, const int32_t *ids, size_t n, enum duo_logits wanted, float *logits,
                                const struct duo_layer_view *view, struct duo_err *err)
{
    const struct duo_shape *s = &c->model->shape;
    size_t width = (size_t)s->width, first = duo_context_length(c);
    DUO_TRY(check_place(c, 0, s->layers, first, n, err));
    for (size_t done = 0, some; done < n; done += some) {
        some = n - done < DUO_PASS ? n - done : DUO_PASS;
        size_t keep = wanted == DUO_LOGITS_ALL ? some : wanted == DUO_LOGITS_LAST && done + some == n;
        DUO_TRY(make_room(c, some, err));
        DUO_TRY(duo_context_embed(c, ids + done, some, c->x, err));
        if (view) view->see(view->user, 0, first + done, some, c->x);
        DUO_TRY(pass(c, 0, s->layers, first + done, some, keep, c->x, view, err));
        if (keep) duo_context_head(c, c->x + (some - keep) * width, keep, logits + (wanted == DUO_LOGITS_ALL ? done * (size_t)s->vocabulary : 0));
    }
    return DUO_OK;
}
