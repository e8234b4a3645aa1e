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

static void put_numbers(enum duo_format format, unsigned char *to, const uint8_t q[32], unsigned row)
{
    if (format == DUO_FORMAT_Q8_0) {
        for (unsigned j = 0; j < 8; j++) memcpy(to + j * 64 + row * 4, q + 4 * j, 4);
        return;
    }
    size_t upper = duo_packed_block(format) - 256;
    for (unsigned j = 0; j < 8; j++)
        for (unsigned i = 0; i < 4; i++) {
            unsigned v = q[4 * j + i];
            unsigned char *low = &to[upper + j % 4 * 64 + row * 4 + i];
            *low = (unsigned char)(*low | (v & 15) << j / 4 * 4);
            if (upper == 64)  to[row * 4 + i] = (unsigned char)(to[row * 4 + i] | (v >> 4) << j);
            if (upper == 128) {
                unsigned char *high = &to[j / 4 * 64 + row * 4 + i];
                *high = (unsigned char)(*high | (v >> 4) << j % 4 * 2);
            }
        }
}

static void pack_group(void *arg, size_t group, int thread)
{
    const struct duo_matrix *m = arg;
    unsigned char *to = (unsigned char *)m->packed + group * m->group_bytes, *numbers = to + duo_packed_scales(m->format, m->cols);
    (void)thread;
    for (unsigned r = 0; r < DUO_LANES && group * DUO_LANES + r < m->rows; r++) {
        const unsigned char *row = (const unsigned char *)m->data + (group * DUO_LANES + r) * m->row_bytes;
        for (size_t b = 0; b < m->cols / 32; b++) {
            uint8_t q[32];
            duo_unpack32(m->format, row, b, q);
            put_scales(m->format, to, row, b, r);
            put_numbers(m->format, numbers + b * duo_packed_block(m->format), q, r);
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
