/* attend.c - attention and its cache.
 *
 * (1) Keys stand by 16 positions, value by value (keys[d][position]), so a score is one lane that adds over d in order; values stand
 *     position by position, and an output adds over positions in order. So nothing depends on how many queries there are.
 * (2) The sum of exponentials runs over absolute positions in 16 lanes (position mod 16), wherever the window starts.
 * (3) A tile of keys or values is widened to floats once for all queries that share it. */
#include "models/kernels/inside.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POSITIONS = 16, TOGETHER = 4, ROWS = 32, VALUES = 32, WIDEST = 1024 };

static size_t up16(size_t n) { return (n + 15) / 16 * 16; }

enum duo_status duo_cache_init(struct duo_cache *c, enum duo_format format, int heads, int key_width, int value_width,
                               size_t capacity, struct duo_err *err)
{
    const char *name = format < DUO_FORMAT_COUNT ? duo_format_info(format)->name : "?";
    *c = (struct duo_cache){.format = format, .heads = heads, .key_width = key_width, .value_width = value_width};
    if (format != DUO_FORMAT_F32 && format != DUO_FORMAT_F16 && format != DUO_FORMAT_Q8_0)
        return duo_fail(err, DUO_BAD_INPUT, "a cache of %s: expected F16, Q8_0 or F32", name);
    if (heads < 1 || key_width < 1 || value_width < 1 || heads > 65536 || key_width > WIDEST || value_width > WIDEST || capacity > SIZE_MAX / 2 - 16)
        return duo_fail(err, DUO_BAD_INPUT, "a cache of %d heads of %d and %d values for %zu tokens", heads, key_width, value_width, capacity);
    if (format == DUO_FORMAT_Q8_0 && (key_width % 32 || value_width % 32))
        return duo_fail(err, DUO_BAD_INPUT, "a cache in Q8_0 needs heads of a multiple of 32 values, not %d and %d", key_width, value_width);
    size_t kw = (size_t)key_width, vw = (size_t)value_width;
    c->capacity  = up16(capacity);
    c->key_tile  = format == DUO_FORMAT_Q8_0 ? kw * POSITIONS + kw : kw * POSITIONS * duo_format_info(format)->bytes;
    c->value_row = format == DUO_FORMAT_Q8_0 ? duo_row_bytes(format, vw) : up16(vw) * duo_format_info(format)->bytes;
    size_t row = (c->key_tile / POSITIONS + c->value_row) * (size_t)heads;
    if (c->capacity < SIZE_MAX / 2 / row) {
        c->keys   = duo_aligned(c->key_tile * (c->capacity / POSITIONS) * (size_t)heads);
        c->values = duo_aligned(c->value_row * c->capacity * (size_t)heads);
    }
    if (c->keys == NULL || c->values == NULL) {
        duo_cache_free(c);
        return duo_fail(err, DUO_NO_RESOURCES, "no memory for a cache of %zu tokens (%d heads of %d and %d values in %s)", capacity, heads,
                        key_width, value_width, name);
    }
    return DUO_OK;
}

void duo_cache_free(struct duo_cache *c)
{
    free(c->keys);
    free(c->values);
    *c = (struct duo_cache){0};
}

static unsigned char *tile_at(const struct duo_cache *c, size_t head, size_t tile)
{
    return c->keys + (head * (c->capacity / POSITIONS) + tile) * c->key_tile;
}

static unsigned char *value_at(const struct duo_cache *c, size_t head, size_t position)
{
    return c->values + (head * c->capacity + position) * c->value_row;
}

/* A key as a row of the cache's format, into and out of its tile. */
static void key_move(const struct duo_cache *c, size_t head, size_t position, unsigned char *row, bool in)
{
    unsigned char *tile = tile_at(c, head, position / POSITIONS);
    size_t p = position % POSITIONS, width = (size_t)c->key_width;
#define MOVE(at, from, n) (in ? memcpy((at), (from), (n)) : memcpy((from), (at), (n)))
    if (c->format == DUO_FORMAT_F16) {
        for (size_t d = 0; d < width; d++) MOVE(tile + (d * POSITIONS + p) * 2, row + d * 2, 2);
        return;
    }
    if (c->format == DUO_FORMAT_F32) {
        for (size_t d = 0; d < width; d++) MOVE(tile + (d * POSITIONS + p) * 4, row + d * 4, 4);
        return;
    }
    for (size_t b = 0; b < width / 32; b++, row += 34) {
        MOVE(tile + (b * POSITIONS + p) * 2, row, 2);
        for (size_t d = 0; d < 32; d++) MOVE(tile + width + (b * 32 + d) * POSITIONS + p, row + 2 + d, 1);
    }
#undef MOVE
}

static void narrow(enum duo_format format, const float *from, unsigned char *to, size_t n)
{
    if (format == DUO_FORMAT_F16) duo_floats()->narrow_halves(from, to, n);
    else                          duo_quantize_row(format, from, to, n);
}

struct putting {
    struct duo_cache *c;
    size_t            first, n;
    const float      *key, *value;
    size_t            key_stride, value_stride;
};

enum { PUT_AT_ONCE = 16 };

static void put_some(void *arg, size_t i, int thread)
{
    const struct putting *put = arg;
    const struct duo_cache *c = put->c;
    size_t kw = (size_t)c->key_width, vw = (size_t)c->value_width, end = (i + 1) * PUT_AT_ONCE < put->n ? (i + 1) * PUT_AT_ONCE : put->n;
    unsigned char row[WIDEST * 4];
    (void)thread;
    for (size_t t = i * PUT_AT_ONCE; t < end; t++)
        for (size_t h = 0; h < (size_t)c->heads; h++) {
            narrow(c->format, put->value + t * put->value_stride + h * vw, value_at(c, h, put->first + t), vw);
            narrow(c->format, put->key + t * put->key_stride + h * kw, row, kw);
            key_move(c, h, put->first + t, row, true);
        }
}

void duo_cache_put(struct duo_cache *c, struct duo_pool *pool, size_t first, size_t n,
                   const float *key, size_t key_stride, const float *value, size_t value_stride)
{
    struct putting put = {c, first, n, key, value, key_stride, value_stride};
    assert(first + n <= c->capacity);
    duo_pool_each(pool, (n + PUT_AT_ONCE - 1) / PUT_AT_ONCE, put_some, &put);
}

size_t duo_cache_bytes(const struct duo_cache *c, size_t n)
{
    return n * (size_t)c->heads * (duo_row_bytes(c->format, (size_t)c->key_width) + duo_row_bytes(c->format, (size_t)c->value_width));
}

static void cache_copy(const struct duo_cache *c, size_t first, size_t n, unsigned char *at, bool in)
{
    size_t key = duo_row_bytes(c->format, (size_t)c->key_width), value = duo_row_bytes(c->format, (size_t)c->value_width);
    assert(first + n <= c->capacity);
    for (size_t t = first; t < first + n; t++)
        for (size_t h = 0; h < (size_t)c->heads; h++, at += key + value) {
            key_move(c, h, t, at, in);
            if (in) memcpy(value_at(c, h, t), at + key, value);
            else    memcpy(at + key, value_at(c, h, t), value);
        }
}

void duo_cache_save(const struct duo_cache *c, size_t first, size_t n, void *to)
{
    cache_copy(c, first, n, to, false);
}

void duo_cache_load(struct duo_cache *c, size_t first, size_t n, const void *from)
{
    unsigned char *at;
    memcpy(&at, &from, sizeof at);           /* not written to: `in` */
    cache_copy(c, first, n, at, true);
}

struct attending {
    struct duo_pool            *pool;
    const struct duo_cache     *c;
    const struct duo_attention *how;
    const float *q;
    float       *out;
    size_t       q_stride, out_stride, group, per_task, tasks;     /* query heads a KV head; rows a task; tasks a KV head */
};

/* One task: rows (token, query head) of one KV head, and its scratch. */
struct task {
    size_t       head, from, rows, last;     /* last: one past the last position that any row sees */
    float       *wide, *score[ROWS], *sum[ROWS];
    const float *q[ROWS];
    size_t       low[ROWS], high[ROWS];      /* positions seen */
};

static const float *widened_keys(const struct duo_cache *c, const struct task *task, size_t tile)
{
    const unsigned char *at = tile_at(c, task->head, tile);
    size_t width = (size_t)c->key_width;
    if (c->format == DUO_FORMAT_F32) return (const float *)(const void *)at;
    if (c->format == DUO_FORMAT_F16) {
        duo_floats()->widen_halves(at, task->wide, width * POSITIONS);
        return task->wide;
    }
    for (size_t b = 0; b < width / 32; b++) {
        float scale[POSITIONS];
        duo_floats()->widen_halves(at + b * POSITIONS * 2, scale, POSITIONS);
        duo_floats()->widen_bytes((const int8_t *)at + width + b * 32 * POSITIONS, scale, task->wide + b * 32 * POSITIONS, 32 * POSITIONS);
    }
    return task->wide;
}

static const float *widened_values(const struct duo_cache *c, const struct task *task, size_t position, size_t n)
{
    const unsigned char *at = value_at(c, task->head, position);
    size_t width = up16((size_t)c->value_width);
    if (c->format == DUO_FORMAT_F32) return (const float *)(const void *)at;
    if (c->format == DUO_FORMAT_F16) {
        duo_floats()->widen_halves(at, task->wide, n * width);
        return task->wide;
    }
    for (size_t i = 0; i < n; i++, at += c->value_row)
        for (size_t b = 0; b < width / 32; b++) {
            float scale[16], one = duo_f16_to_f32(duo_get16(at + b * 34));
            for (int k = 0; k < 16; k++) scale[k] = one;
            duo_floats()->widen_bytes((const int8_t *)at + b * 34 + 2, scale, task->wide + i * width + b * 32, 32);
        }
    return task->wide;
}

static void score_rows(const struct attending *a, struct task *task)
{
    size_t lowest = task->low[0];            /* rows go by token: the first sees the earliest */
    for (size_t tile = lowest / POSITIONS; tile * POSITIONS < task->last; tile++) {
        const float *keys = widened_keys(a->c, task, tile);
        for (size_t r = 0; r < task->rows; r += TOGETHER) {
            size_t n = task->rows - r < TOGETHER ? task->rows - r : TOGETHER;
            float *to[TOGETHER];
            if (task->high[r + n - 1] < tile * POSITIONS) continue;
            for (size_t j = 0; j < n; j++) to[j] = task->score[r + j] + tile * POSITIONS;
            duo_floats()->scores(keys, (size_t)a->c->key_width, task->q + r, n, to, a->how->scale);
        }
    }
}

/* Scores become weights, not yet divided by their sum; what is not seen weighs nothing. */
static float weigh(const struct attending *a, const struct task *task, size_t r)
{
    float *s = task->score[r];
    size_t low = task->low[r], high = task->high[r], base = low / POSITIONS * POSITIONS, n = high + 1 - base;
    if (a->how->softcap > 0) duo_floats()->softcap(s + base, a->how->softcap, n);
    for (size_t p = base; p < low; p++) s[p] = -INFINITY;
    float sum = duo_floats()->exp_sum(s + base, duo_floats()->max(s + base, n), n);
    for (size_t p = task->low[0] / POSITIONS * POSITIONS; p < base; p++) s[p] = 0;
    for (size_t p = high + 1; p < task->last; p++) s[p] = 0;
    return sum;
}

static void mix_rows(const struct attending *a, const struct task *task)
{
    size_t width = up16((size_t)a->c->value_width), lowest = task->low[0] / POSITIONS * POSITIONS;
    for (size_t p = lowest; p < task->last; p += VALUES) {
        size_t n = task->last - p < VALUES ? task->last - p : VALUES;
        const float *values = widened_values(a->c, task, p, n);
        for (size_t r = 0; r < task->rows; r += TOGETHER) {
            size_t together = task->rows - r < TOGETHER ? task->rows - r : TOGETHER, high = task->high[r + together - 1] + 1;
            const float *weights[TOGETHER];
            if (high <= p) continue;
            for (size_t j = 0; j < together; j++) weights[j] = task->score[r + j] + p;
            duo_floats()->mix(values, width, high - p < n ? high - p : n, weights, task->sum + r, together);
        }
    }
}

static size_t scratch_of(const struct attending *a, size_t last)
{
    size_t kw = (size_t)a->c->key_width, vw = up16((size_t)a->c->value_width);
    size_t wide = kw * POSITIONS > vw * VALUES ? kw * POSITIONS : vw * VALUES;
    return (wide + a->per_task * (up16(last) + vw)) * sizeof(float);
}

static void attend_task(void *arg, size_t i, int thread)
{
    const struct attending *a = arg;
    const struct duo_attention *how = a->how;
    size_t all = how->n * a->group, kw = (size_t)a->c->key_width, vw = (size_t)a->c->value_width, seen = 0, seen_once = 0;
    i = a->tasks * (size_t)a->c->heads - 1 - i;              /* the long ones first */
    struct task task = {.head = i % (size_t)a->c->heads, .from = i / (size_t)a->c->heads * a->per_task};
    task.rows = all - task.from < a->per_task ? all - task.from : a->per_task;
    task.last = how->first + (task.from + task.rows - 1) / a->group + 1;
    size_t scratch = scratch_of(a, task.last);
    float *room = a->pool ? duo_pool_scratch(a->pool, thread, scratch) : duo_aligned(scratch);
    if (room == NULL) {
        fprintf(stderr, "duosim: out of memory\n");
        exit(DUO_NO_RESOURCES);
    }
    task.wide = room + a->per_task * (up16(task.last) + up16(vw));
    for (size_t r = 0; r < task.rows; r++) {
        size_t t = (task.from + r) / a->group, h = task.head * a->group + (task.from + r) % a->group;
        task.score[r] = room + r * (up16(task.last) + up16(vw));
        task.sum[r]   = task.score[r] + up16(task.last);
        task.q[r]     = a->q + t * a->q_stride + h * kw;
        task.high[r]  = how->first + t;
        task.low[r]   = how->window && task.high[r] + 1 > how->window ? task.high[r] + 1 - how->window : 0;
        seen      += task.high[r] + 1 - task.low[r];
        seen_once += (task.from + r) % a->group == 0 ? task.high[r] + 1 - task.low[r] : 0;
        memset(task.sum[r], 0, up16(vw) * sizeof(float));
    }
    float total[ROWS];
    score_rows(a, &task);
    for (size_t r = 0; r < task.rows; r++) total[r] = weigh(a, &task, r);
    mix_rows(a, &task);
    for (size_t r = 0; r < task.rows; r++) {
        size_t t = (task.from + r) / a->group, h = task.head * a->group + (task.from + r) % a->group;
        duo_floats()->scale(task.sum[r], 1 / total[r], vw);
        memcpy(a->out + t * a->out_stride + h * vw, task.sum[r], vw * sizeof(float));
    }
    if (a->pool == NULL) free(room);
    struct duo_counts *c = duo_pool_counter(a->pool, thread);
    c->cache_macs  += seen * (kw + vw);
    c->cache_bytes += seen_once * (duo_row_bytes(a->c->format, kw) + duo_row_bytes(a->c->format, vw));
}

void duo_attend(struct duo_pool *pool, const struct duo_cache *c, const struct duo_attention *how,
                const float *q, size_t q_stride, float *out, size_t out_stride)
{
    assert(how->heads % c->heads == 0 && how->first + how->n <= c->capacity);
    struct attending a = {.pool = pool, .c = c, .how = how, .q = q, .out = out, .q_stride = q_stride, .out_stride = out_stride,
        .group = (size_t)(how->heads / c->heads)};
    size_t rows = how->n * a.group, threads = (size_t)duo_pool_threads(pool), heads = (size_t)c->heads;
    if (rows == 0) return;
    /* Wide tasks share what they widen; but every thread shall have its part. */
    a.per_task = rows < ROWS ? rows : ROWS;
    while (a.per_task > 1 && threads > 1 && (rows + a.per_task - 1) / a.per_task * heads % threads != 0 &&
           (rows + a.per_task - 1) / a.per_task * heads < 4 * threads) a.per_task = (a.per_task + 1) / 2;
    a.tasks = (rows + a.per_task - 1) / a.per_task;
    duo_pool_each(pool, a.tasks * heads, attend_task, &a);
}
