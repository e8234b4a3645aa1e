/* multiply.c - products of matrices and activations, spread over threads. */
#include "models/kernels/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_BYTES  = 48 << 10,     /* a thread's bite of one-token products: large against its announcement, small against the end's idling */
    PIECE_TOKENS = 64,           /* and of many-token products: their int8 stay in the second-level cache */
    PIECE_ROWS   = 64
};

void duo_acts_set(struct duo_acts *a, const float *x, size_t n, size_t cols, size_t stride)
{
    a->x = x, a->n = n, a->cols = cols, a->stride = stride;
    a->blocks    = cols / 32;
    a->quantized = false;
}

void duo_acts_free(struct duo_acts *a)
{
    free(a->q);
    *a = (struct duo_acts){0};
}

/* The tile that starts at token `first`. */
static size_t tile_width(size_t n, size_t first)
{
    size_t rest = n - first;
    return rest >= 8 ? 8 : rest >= 4 ? 4 : rest >= 2 ? 2 : 1;
}

static void quantize_tile(void *arg, size_t tile, int thread)
{
    const struct duo_acts *a = arg;
    (void)thread;
    size_t end = (tile + 1) * DUO_TILE < a->n ? (tile + 1) * DUO_TILE : a->n;
    for (size_t first = tile * DUO_TILE; first < end;) {
        size_t width = tile_width(a->n, first), all = a->n * a->blocks;
        for (size_t t = 0; t < width; t++) {
            size_t at = first * a->blocks + t;
            struct duo_quantized to = {.q = a->q + at * 32, .scale = a->scale + at, .sum = a->sum + at, .step = width};
            for (size_t p = 0; p < DUO_PLANES; p++) to.offset[p] = a->offset + p * all + at;
            duo_products()->quantize(a->x + (first + t) * a->stride, a->blocks, &to);
        }
        first += width;
    }
}

static void quantize(struct duo_pool *pool, struct duo_acts *a)
{
    size_t all = a->n * a->blocks, need = all * (32 + 4 + 4 + 4 * DUO_PLANES);
    if (need > a->room) {
        free(a->q);
        a->q = duo_aligned(need);
        if (a->q == NULL) {
            fprintf(stderr, "duosim: out of memory\n");
            exit(DUO_NO_RESOURCES);
        }
        a->room = need;
    }
    a->scale  = (float *)(void *)(a->q + all * 32);
    a->sum    = a->scale + all;
    a->offset = (int32_t *)(void *)(a->sum + all);
    size_t tiles = (a->n + DUO_TILE - 1) / DUO_TILE;
    duo_pool_each(tiles < 4 ? NULL : pool, tiles, quantize_tile, a);
    a->quantized = true;
}

struct piece_of {                /* how one product is cut */
    const struct duo_product *product;
    size_t first;                /* its first piece's number */
    size_t groups, per_piece, row_pieces;
};

struct multiplication {
    struct duo_pool       *pool;
    const struct duo_acts *a;
    const struct piece_of *of;
    size_t                 n, tokens;      /* tokens of a piece */
};

static void store(const struct duo_product *p, size_t group, size_t first, size_t width, const float *sums)
{
    size_t row = group * DUO_LANES, rows = p->m->rows - row < DUO_LANES ? p->m->rows - row : DUO_LANES;
    for (size_t t = 0; t < width; t++, sums += DUO_LANES) {
        float *y = p->y + (first + t) * p->stride + row;
        if (p->bias == NULL && !p->add) {
            memcpy(y, sums, rows * sizeof *y);
            continue;
        }
        for (size_t r = 0; r < rows; r++) {
            float v = sums[r];
            if (p->bias) v += p->bias[row + r];
            y[r] = p->add ? y[r] + v : v;
        }
    }
}

static void multiply_piece(void *arg, size_t i, int thread)
{
    const struct multiplication *mul = arg;
    const struct duo_acts *a = mul->a;
    const struct piece_of *of = mul->of;
    for (size_t k = 1; k < mul->n && mul->of[k].first <= i; k++) of++;
    const struct duo_product *p = of->product;
    const struct duo_matrix *m = p->m;
    size_t rows = (i - of->first) % of->row_pieces, block = (i - of->first) / of->row_pieces, all = a->n * a->blocks;
    size_t from = rows * of->per_piece, to = from + of->per_piece < of->groups ? from + of->per_piece : of->groups;
    size_t start = block * mul->tokens, end = start + mul->tokens < a->n ? start + mul->tokens : a->n;
    duo_product_fn *product = duo_products()->product[m->format];
    float sums[DUO_TILE * DUO_LANES] __attribute__((aligned(64)));
    uint64_t done = 0;

    for (size_t g = from; g < to; g++)
        for (size_t first = start; first < end;) {
            size_t at = m->packed ? first * a->blocks : 0;
            struct duo_tile tile = {.width = tile_width(a->n, first), .blocks = a->blocks, .q = a->q + at * 32, .scale = a->scale + at,
                .sum = a->sum + at, .x = a->x + first * a->stride, .stride = a->stride};
            for (size_t k = 0; k < DUO_PLANES; k++) tile.offset[k] = a->offset + k * all + at;
            product(m, g, &tile, sums);
            store(p, g, first, tile.width, sums);
            done  += tile.width * (m->rows - g * DUO_LANES < DUO_LANES ? m->rows - g * DUO_LANES : DUO_LANES);
            first += tile.width;
        }
    struct duo_counts *c = duo_pool_counter(mul->pool, thread);
    size_t last = to * DUO_LANES < m->rows ? to * DUO_LANES : m->rows;
    c->weight_macs  += done * m->cols;
    c->weight_bytes += block == 0 ? (last - from * DUO_LANES) * m->row_bytes : 0;
    c->products     += block == 0 && rows == 0;
}

enum { AT_ONCE = 8 };

void duo_multiply(struct duo_pool *pool, struct duo_acts *a, const struct duo_product *products, size_t n)
{
    for (; n > AT_ONCE; n -= AT_ONCE, products += AT_ONCE) duo_multiply(pool, a, products, AT_ONCE);
    struct piece_of of[AT_ONCE];
    struct multiplication mul = {.pool = pool, .a = a, .of = of, .tokens = PIECE_TOKENS};
    size_t pieces = 0, blocks = (a->n + PIECE_TOKENS - 1) / PIECE_TOKENS, bytes = 0, threads = (size_t)duo_pool_threads(pool);
    for (size_t i = 0; i < n; i++) bytes += products[i].m->rows * products[i].m->row_bytes;
    /* At most a sixteenth of a thread's share, so that all end together, and not so small that taking it counts. */
    size_t bite = bytes / threads / 16;
    if (bite > PIECE_BYTES * 16) bite = PIECE_BYTES * 16;
    if (bite < PIECE_BYTES / 4) bite = PIECE_BYTES / 4;
    for (size_t i = 0; i < n; i++) {
        const struct duo_matrix *m = products[i].m;
        assert(m->cols == a->cols);
        if (m->rows == 0 || a->n == 0) continue;
        if (m->packed && !a->quantized) quantize(pool, a);
        struct piece_of *o = &of[mul.n++];
        size_t group = DUO_LANES * m->row_bytes + 1;
        *o = (struct piece_of){.product = &products[i], .first = pieces, .groups = (m->rows + DUO_LANES - 1) / DUO_LANES};
        o->per_piece = a->n < DUO_TILE ? bite / group + 1 : PIECE_ROWS / DUO_LANES;
        if (threads == 1 && a->n < DUO_TILE) o->per_piece = o->groups;
        o->row_pieces = (o->groups + o->per_piece - 1) / o->per_piece;
        pieces += o->row_pieces * blocks;
    }
    if (mul.n) duo_pool_each(pool, pieces, multiply_piece, &mul);
}
