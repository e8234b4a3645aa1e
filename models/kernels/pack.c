/* pack.c - matrices: 16 rows of a file side by side (layout: inside.h). */
#include "models/kernels/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

void *duo_aligned(size_t bytes)
{
    const size_t huge = (size_t)2 << 20, align = bytes >= huge ? huge : 64;
    if (bytes > SIZE_MAX - align) return NULL;
    void *p = aligned_alloc(align, (bytes + align - 1) / align * align + (bytes == 0 ? align : 0));
    if (p == NULL) return NULL;
#ifdef MADV_HUGEPAGE
    if (bytes >= huge) madvise(p, bytes, MADV_HUGEPAGE);     /* a wish: nothing depends on it */
#endif
    memset(p, 0, bytes);
    return p;
}

static void put_scales_k(unsigned char *to, const unsigned char *block, unsigned row)
{
    uint8_t v[16];
    uint32_t word[3] = {0};
    duo_k_scales(block + 4, v, v + 8);
    for (unsigned i = 0; i < 15; i++) word[i / 5] |= (uint32_t)v[i] << i % 5 * 6;
    for (unsigned w = 0; w < 3; w++) {
        word[w] |= (uint32_t)(v[15] >> 2 * w & 3) << 30;
        memcpy(to + 64 + w * 64 + row * 4, &word[w], 4);
    }
    memcpy(to + row * 2, block, 2);
    memcpy(to + 32 + row * 2, block + 2, 2);
}

static void put_scales(enum duo_format format, unsigned char *to, const unsigned char *at, size_t b, unsigned row)
{
    const struct duo_format_info *f = duo_format_info(format);
    const unsigned char *block = at + b * 32 / f->values * f->bytes;
    size_t big = b / 8, sub = b % 8;
    switch (format) {
    case DUO_FORMAT_Q8_0: case DUO_FORMAT_Q4_0: case DUO_FORMAT_Q5_0:
        memcpy(to + b * 32 + row * 2, block, 2);
        return;
    case DUO_FORMAT_Q4_1: case DUO_FORMAT_Q5_1:
        memcpy(to + b * 64 + row * 2, block, 2);
        memcpy(to + b * 64 + 32 + row * 2, block + 2, 2);
        return;
    case DUO_FORMAT_Q4_K: case DUO_FORMAT_Q5_K:
        if (sub == 0) put_scales_k(to + big * 256, block, row);
        return;
    case DUO_FORMAT_Q6_K:
        if (sub == 0) memcpy(to + big * 288 + row * 2, block + 208, 2);
        memcpy(to + big * 288 + 32 + sub * 32 + row * 2, block + 192 + sub * 2, 2);
        return;
    default:
        assert(0 && "not packed");
    }
}

/* Bits 0, 4, 8 .. 28 side by side. */
static uint32_t every_fourth(uint32_t x)
{
    x &= 0x11111111u;
    x = (x | x >> 3) & 0x03030303u;
    x = (x | x >> 6) & 0x000F000Fu;
    return (x | x >> 12) & 0xFFu;
}

static uint32_t word_at(const unsigned char *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

/* Block `b` of a row. In formats of 32, the bytes of two nibbles are ours as they are. */
static void put_numbers(enum duo_format format, unsigned char *to, const unsigned char *row, size_t b, unsigned r)
{
    const struct duo_format_info *f = duo_format_info(format);
    size_t upper = duo_packed_block(format) - 256;
    unsigned char *low = to + upper + r * 4;
    to += r * 4;
    if (f->values == 32) {
        const unsigned char *at = row + (b + 1) * f->bytes - (format == DUO_FORMAT_Q8_0 ? 32 : 16);
        for (unsigned j = 0; j < (format == DUO_FORMAT_Q8_0 ? 8 : 4); j++) memcpy((format == DUO_FORMAT_Q8_0 ? to : low) + j * 64, at + 4 * j, 4);
        if (upper != 64) return;
        uint32_t fifth;
        memcpy(&fifth, at - 4, 4);
        for (unsigned i = 0; i < 4; i++) to[i] = (unsigned char)every_fourth(fifth >> i);
        return;
    }
    /* Blocks of 256: four values at a time; `from` has the nibbles, `high` the rest. */
    const unsigned char *block = row + b / 8 * f->bytes, *from, *high;
    const unsigned sub = (unsigned)(b % 8), six = upper == 128, shift = (six ? sub % 4 / 2 : sub % 2) * 4;
    from = six ? block + sub / 4 * 64 + sub % 2 * 32 : block + f->bytes - 128 + sub / 2 * 32;
    high = six ? block + 128 + sub / 4 * 32 : block + 16;
    for (unsigned j = 0; j < 4; j++) {
        uint32_t v = word_at(from + 4 * j) >> shift & 0x0F0F0F0Fu, w = word_at(from + 4 * j + 16) >> shift & 0x0F0F0F0Fu;
        v |= w << 4;
        memcpy(low + j * 64, &v, 4);
    }
    uint32_t bits[2] = {0, 0};
    for (unsigned j = 0; upper && j < 8; j++)
        if (six) bits[j / 4] |= (word_at(high + 4 * j) >> sub % 4 * 2 & 0x03030303u) << j % 4 * 2;
        else     bits[0] |= (word_at(high + 4 * j) >> sub & 0x01010101u) << j;
    if (upper) memcpy(to, &bits[0], 4);
    if (six)   memcpy(to + 64, &bits[1], 4);
}

static void pack_group(void *arg, size_t group, int thread)
{
    const struct duo_matrix *m = arg;
    unsigned char *to = (unsigned char *)m->packed + group * m->group_bytes, *numbers = to + duo_packed_scales(m->format, m->cols);
    (void)thread;
    for (unsigned r = 0; r < DUO_LANES && group * DUO_LANES + r < m->rows; r++) {
        const unsigned char *row = (const unsigned char *)m->data + (group * DUO_LANES + r) * m->row_bytes;
        for (size_t b = 0; b < m->cols / 32; b++) {
            put_scales(m->format, to, row, b, r);
            put_numbers(m->format, numbers + b * duo_packed_block(m->format), row, b, r);
        }
    }
}

enum duo_status duo_matrix_init(struct duo_matrix *m, enum duo_format format, size_t rows, size_t cols, const void *data,
                                struct duo_pool *pool, struct duo_err *err)
{
    const struct duo_format_info *f = duo_format_info(format);
    *m = (struct duo_matrix){.format = format, .rows = rows, .cols = cols, .data = data};
    if (cols % f->values)
        return duo_fail(err, DUO_BAD_INPUT, "%zu columns: %s goes by blocks of %u", cols, f->name, f->values);
    if (cols > SIZE_MAX / 64 || (cols && rows > SIZE_MAX / 64 / cols))
        return duo_fail(err, DUO_BAD_INPUT, "a matrix of %zu x %zu is too large", rows, cols);
    m->row_bytes = duo_row_bytes(format, cols);
    if (f->values == 1) return DUO_OK;
    size_t groups = (rows + DUO_LANES - 1) / DUO_LANES;
    m->group_bytes = duo_packed_scales(format, cols) + cols / 32 * duo_packed_block(format);
    m->packed      = duo_aligned(groups * m->group_bytes);
    if (m->packed == NULL)
        return duo_fail(err, DUO_NO_RESOURCES, "no memory for a matrix of %zu x %zu (%zu MB)", rows, cols, groups * m->group_bytes >> 20);
    duo_pool_each(pool, groups, pack_group, m);
    return DUO_OK;
}

void duo_matrix_free(struct duo_matrix *m)
{
    free(m->packed);
    *m = (struct duo_matrix){0};
}

void duo_matrix_row(const struct duo_matrix *m, size_t row, float *to)
{
    assert(row < m->rows);
    duo_dequantize_row(m->format, (const unsigned char *)m->data + row * m->row_bytes, to, m->cols);
}
