/* context.c - caches, what is asked of a state, verification, saving.  Requirements: transformer.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "models/slm/inside.h"
#include "models/slm/machine.h"

/* ---------------------------------------------------------------- make, free, roll back */

static enum duo_status set_up(struct duo_context *c, struct duo_err *err)
{
    const struct duo_shape *s = &c->model->shape;
    char what[64];
    double values = (double)s->kv_heads * (double)(s->key_width + s->value_width), bits = 8.0 * duo_format_info(c->format)->bytes / duo_format_info(c->format)->values;
    snprintf(what, sizeof what, "keys and values of %zu tokens in %s", c->capacity, duo_format_info(c->format)->name);
    DUO_TRY(duo_machine_room((double)(c->to - c->from) * (double)c->capacity * values * bits / 8, what, "", err));
    c->caches = duo_new((size_t)(c->to - c->from), sizeof *c->caches);
    c->held = duo_new((size_t)(c->to - c->from), sizeof *c->held);
    for (int l = 0; l < c->to - c->from; l++)
        DUO_TRY(duo_cache_init(&c->caches[l], c->format, s->kv_heads, s->key_width, s->value_width, c->capacity, err));
    DUO_TRY(duo_rope_init(&c->rope, &s->rope, c->capacity, err));
    return s->window ? duo_rope_init(&c->rope_local, &s->rope_local, c->capacity, err) : DUO_OK;
}

enum duo_status duo_context_new(struct duo_context **out, const struct duo_model *m, struct duo_pool *pool, const struct duo_context_spec *spec,
                                struct duo_err *err)
{
    *out = NULL;
    struct duo_context *c = duo_new(1, sizeof *c);
    *c = (struct duo_context) { .model = m, .pool = pool, .from = spec->from, .to = spec->to ? spec->to : m->shape.layers, .format = spec->cache,
                                .capacity = spec->capacity ? spec->capacity : (size_t)m->shape.context };
    assert(0 <= c->from && c->from < c->to && c->to <= m->shape.layers);
    struct duo_err why = { 0 };
    enum duo_status status = set_up(c, &why);
    if (status != DUO_OK) {
        duo_context_free(c);
        return duo_fail_at(err, status, duo_gguf_path(m->gguf), 0, 0, "%s", why.text);
    }
    *out = c;
    return DUO_OK;
}

void duo_context_free(struct duo_context *c)
{
    if (!c) return;
    for (int l = 0; c->caches && l < c->to - c->from; l++) duo_cache_free(&c->caches[l]);
    duo_rope_free(&c->rope);
    duo_rope_free(&c->rope_local);
    duo_acts_free(&c->acts);
    duo_sampler_free(&c->sampler);
    free(c->caches);
    free(c->held);
    free(c->memory);
    free(c->logits);
    free(c);
}

size_t duo_context_length(const struct duo_context *c)
{
    size_t least = c->held[0];
    for (int l = 1; l < c->to - c->from; l++)
        if (c->held[l] < least) least = c->held[l];
    return least;
}

size_t duo_context_capacity(const struct duo_context *c) { return c->capacity; }

void duo_context_cut(struct duo_context *c, size_t length)
{
    for (int l = 0; l < c->to - c->from; l++)
        if (c->held[l] > length) c->held[l] = length;
}

float *duo_context_logits(struct duo_context *c, size_t rows)
{
    if (rows > c->logits_room) {
        c->logits = duo_grow(c->logits, rows * (size_t)c->model->shape.vocabulary, sizeof *c->logits);
        c->logits_room = rows;
    }
    return c->logits;
}

/* ---------------------------------------------------------------- numbers */

struct duo_exit duo_context_exit(struct duo_context *c, const float *state)
{
    int n = c->model->shape.vocabulary;
    float *logits = duo_context_logits(c, 1);
    struct duo_exit e;
    duo_context_head(c, state, 1, logits);
    e.token = (int)duo_argmax(logits, (size_t)n);
    e.numbers = duo_numbers(&c->sampler, logits, n, e.token);
    return e;
}

enum duo_status duo_context_verify(struct duo_context *c, const int32_t *ids, size_t n, const struct duo_sampling *how, struct duo_checked *v,
                                   struct duo_err *err)
{
    assert(1 <= n && n <= DUO_VERIFY);
    size_t first = duo_context_length(c), vocabulary = (size_t)c->model->shape.vocabulary;
    float *logits = duo_context_logits(c, n);
    DUO_TRY(duo_context_run(c, ids, n, DUO_LOGITS_ALL, logits, NULL, err));
    v->accepted = 0;
    for (;; v->accepted++) {
        size_t i = v->accepted;
        const float *row = logits + i * vocabulary;
        v->next = duo_sample(&c->sampler, how, row, (int)vocabulary, first + i + 1);
        v->numbers[i] = duo_numbers(&c->sampler, row, (int)vocabulary, v->next);
        if (i + 1 == n || v->next != ids[i + 1]) break;
    }
    duo_context_cut(c, first + v->accepted + 1);
    return DUO_OK;
}

/* ---------------------------------------------------------------- states */

size_t duo_state_bytes(enum duo_format format, size_t n, size_t width)
{
    return width % duo_format_info(format)->values ? 0 : n * duo_row_bytes(format, width);
}

void duo_state_pack(enum duo_format format, const float *state, size_t n, size_t width, void *out)
{
    assert(duo_state_bytes(format, 1, width));
    for (size_t i = 0; i < n; i++) duo_quantize_row(format, state + i * width, (unsigned char *)out + i * duo_row_bytes(format, width), width);
}

void duo_state_unpack(enum duo_format format, const void *from, size_t n, size_t width, float *state)
{
    assert(duo_state_bytes(format, 1, width));
    for (size_t i = 0; i < n; i++)
        duo_dequantize_row(format, (const unsigned char *)from + i * duo_row_bytes(format, width), state + i * width, width);
}

/* ---------------------------------------------------------------- a cache on its way */

/* Little-endian, as the values behind it.  `check` is over those values. */
struct head { char magic[8]; uint64_t mark, first, n, check; uint32_t format, from, to, reserved; };
static const char magic[8] = "DUOKV 1";

static uint64_t check_of(const unsigned char *at, size_t n)
{
    uint64_t sum = 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++) sum = (sum ^ at[i]) * 0x100000001B3u;
    return sum;
}

size_t duo_context_saved(const struct duo_context *c, size_t n)
{
    return sizeof(struct head) + (size_t)(c->to - c->from) * duo_cache_bytes(&c->caches[0], n);
}

void duo_context_save(const struct duo_context *c, size_t first, size_t n, void *out)
{
    assert(n <= duo_context_length(c) && first <= duo_context_length(c) - n);
    unsigned char *at = (unsigned char *)out + sizeof(struct head);
    size_t each = duo_cache_bytes(&c->caches[0], n), all = each * (size_t)(c->to - c->from);
    for (int l = 0; l < c->to - c->from; l++) duo_cache_save(&c->caches[l], first, n, at + (size_t)l * each);
    struct head head = { .mark = c->model->mark, .first = first, .n = n, .check = check_of(at, all), .format = (uint32_t)c->format,
                         .from = (uint32_t)c->from, .to = (uint32_t)c->to };
    memcpy(head.magic, magic, sizeof magic);
    memcpy(out, &head, sizeof head);
}

enum duo_status duo_context_load(struct duo_context *c, const void *from, size_t bytes, const char *name, struct duo_err *err)
{
#define FAIL(...) duo_fail_at(err, DUO_BAD_INPUT, name, 0, 0, __VA_ARGS__)
    struct head head;
    const unsigned char *at = (const unsigned char *)from + sizeof head;
    if (bytes < sizeof head) return FAIL("is no saved cache: %zu bytes", bytes);
    memcpy(&head, from, sizeof head);
    if (memcmp(head.magic, magic, sizeof magic) != 0) return FAIL("is no saved cache");
    if (head.mark != c->model->mark) return FAIL("is the cache of another model than %s", duo_gguf_path(c->model->gguf));
    if (head.format != (uint32_t)c->format) return FAIL("is a cache of another format than the context's %s", duo_format_info(c->format)->name);
    if (head.from != (uint32_t)c->from || head.to != (uint32_t)c->to)
        return FAIL("is the cache of layers %u to %u; the context keeps %d to %d", head.from, head.to, c->from, c->to);
    if (head.n > c->capacity || head.first > c->capacity - head.n) return FAIL("holds more positions than the context's %zu", c->capacity);
    if (head.first > duo_context_length(c)) return FAIL("begins at position %zu; the context holds %zu", (size_t)head.first, duo_context_length(c));
    if (bytes != duo_context_saved(c, head.n)) return FAIL("is %zu bytes; %zu are expected", bytes, duo_context_saved(c, head.n));
    if (head.check != check_of(at, bytes - sizeof head)) return FAIL("was changed on its way");
    size_t each = duo_cache_bytes(&c->caches[0], head.n);
    for (int l = 0; l < c->to - c->from; l++) {
        duo_cache_load(&c->caches[l], head.first, head.n, at + (size_t)l * each);
        c->held[l] = head.first + head.n;
    }
    return DUO_OK;
#undef FAIL
}
