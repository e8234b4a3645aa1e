/* weights.c - a model's weights from its file.  Requirements: transformer.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "models/slm/inside.h"
#include "models/slm/machine.h"

static enum duo_status load_matrix(struct duo_model *m, struct duo_matrix *to, const struct duo_gguf_tensor *t, struct duo_pool *pool,
                                   struct duo_err *err)
{
    struct duo_err why = { 0 };
    enum duo_status status = duo_matrix_init(to, t->format, t->n[1], t->n[0], t->data, pool, &why);
    return status ? duo_fail_at(err, status, duo_gguf_path(m->gguf), 0, 0, "tensor %s: %s", t->name, why.text) : DUO_OK;
}

/* Copied: a file may put them at any address. */
static float *load_vector(const struct duo_gguf_tensor *t)
{
    float *to = duo_new(t->n[0], sizeof *to);
    memcpy(to, t->data, t->n[0] * sizeof *to);
    return to;
}

/* The vectors of tokens are read row by row; they are packed only when they are the head, too. */
static enum duo_status load_parts(struct duo_model *m, struct duo_parts *parts, int layer, struct duo_pool *pool, struct duo_err *err)
{
    for (int i = 0; i < DUO_WEIGHT_END; i++) {
        enum duo_weight w = (enum duo_weight)i;
        const struct duo_gguf_tensor *t = duo_weight_per_layer(w) == (layer >= 0) ? duo_weight_find(m->gguf, w, layer) : NULL;
        if (!t) continue;
        uint64_t n[2];
        duo_weight_size(&m->shape, w, n);
        if (w == DUO_WEIGHT_EMBEDDING) m->embedding = t;
        if (n[1] == 0) parts->vector[w] = load_vector(t);
        else if (w != DUO_WEIGHT_EMBEDDING) DUO_TRY(load_matrix(m, &parts->matrix[w], t, pool, err));
        else if (m->shape.tied) DUO_TRY(load_matrix(m, &parts->matrix[DUO_WEIGHT_HEAD], t, pool, err));
    }
    return DUO_OK;
}

static void free_parts(struct duo_parts *parts)
{
    for (int w = 0; w < DUO_WEIGHT_END; w++) {
        duo_matrix_free(&parts->matrix[w]);
        free(parts->vector[w]);
    }
}

/* FNV-1a. */
static uint64_t stir(uint64_t mark, const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < n; i++) mark = (mark ^ at[i]) * 0x100000001B3u;
    return mark;
}

static uint64_t mark_of(const struct duo_gguf *g)
{
    uint64_t mark = 0xCBF29CE484222325u;
    for (int i = 0; i < duo_gguf_tensors(g); i++) {
        const struct duo_gguf_tensor *t = duo_gguf_tensor(g, i);
        mark = stir(mark, t->name, strlen(t->name));
        mark = stir(mark, t->n, sizeof t->n);
        mark = stir(mark, t->data, t->bytes < 64 ? t->bytes : 64);
    }
    return mark;
}

/* What packing takes: about the bytes of the file's matrices, but for those that are used in place. */
static double packed_bytes(const struct duo_model *m)
{
    double bytes = 0;
    for (int i = 0; i < duo_gguf_tensors(m->gguf); i++) {
        const struct duo_gguf_tensor *t = duo_gguf_tensor(m->gguf, i);
        bool embedding = strcmp(t->name, "token_embd.weight") == 0;
        if (duo_format_info(t->format)->values > 1 && (!embedding || m->shape.tied)) bytes += (double)t->bytes;
    }
    return bytes;
}

static enum duo_status load(struct duo_model *m, const char *path, struct duo_pool *pool, struct duo_err *err)
{
    DUO_TRY(duo_gguf_open(&m->gguf, path, err));
    DUO_TRY(duo_shape_read(&m->shape, m->gguf, err));
    DUO_TRY(duo_machine_room(packed_bytes(m), "its weights", path, err));
    m->layers = duo_new((size_t)m->shape.layers, sizeof *m->layers);
    DUO_TRY(load_parts(m, &m->whole, -1, pool, err));
    for (int l = 0; l < m->shape.layers; l++) DUO_TRY(load_parts(m, &m->layers[l], l, pool, err));
    if (m->shape.rope.factors) m->shape.rope.factors = m->shape.rope_local.factors = m->whole.vector[DUO_WEIGHT_ROPE];
    m->mark = mark_of(m->gguf);
    duo_gguf_quant(m->gguf, m->quant);
    return DUO_OK;
}

enum duo_status duo_model_open(struct duo_model **out, const char *path, struct duo_pool *pool, struct duo_err *err)
{
    struct duo_model *m = duo_new(1, sizeof *m);
    enum duo_status status = load(m, path, pool, err);
    if (status != DUO_OK) {
        duo_model_free(m);
        m = NULL;
    }
    *out = m;
    return status;
}

void duo_model_free(struct duo_model *m)
{
    if (!m) return;
    free_parts(&m->whole);
    for (int l = 0; m->layers && l < m->shape.layers; l++) free_parts(&m->layers[l]);
    free(m->layers);
    duo_gguf_close(m->gguf);
    free(m);
}

const struct duo_shape *duo_model_shape(const struct duo_model *m) { return &m->shape; }
const struct duo_gguf *duo_model_gguf(const struct duo_model *m) { return m->gguf; }
const char *duo_model_quant(const struct duo_model *m) { return m->quant; }
