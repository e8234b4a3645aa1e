/* test_kernels.c - the kernels: against exact sums of dequantized values, against each other, and the same bits whatever the
 * instruction set, the threads and the tokens at once (models/kernels/kernels.h, (1)). */
#include "models/kernels/kernels.h"
#include "tests/check.h"
#ifdef DUO_EMULATED
#include "models/kernels/inside.h"
#endif

#include <stdlib.h>

static uint64_t state = 88172645463325252ull;

static uint32_t random32(void)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static float uniform(void) { return (float)(random32() >> 8) / 8388608.0f - 1; }

static void fill(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = uniform() * (random32() % 7 == 0 ? 4.0f : 1.0f);
}

static bool same(const float *a, const float *b, size_t n) { return memcmp(a, b, n * sizeof *a) == 0; }

/* Of all results of test_products: the same on every machine and compiler. */
static uint64_t hash = 14695981039346656037ull;

static void add_to_hash(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        hash = (hash ^ bits) * 1099511628211ull;
    }
}

static void choose(enum duo_isa isa) { CHECK_INT(duo_isa_choose(duo_isa_name(isa), NULL), DUO_OK); }

/* ---- Formats */

static double half_value(unsigned h)
{
    double sign = h & 0x8000 ? -1 : 1;
    unsigned e = h >> 10 & 31, f = h & 1023;
    return sign * (e ? ldexp(1024 + f, (int)e - 25) : ldexp(f, -24));
}

static void test_halves(void)
{
    int wrong = 0;
    for (unsigned h = 0; h < 65536; h++) {
        if ((h >> 10 & 31) == 31) continue;
        if ((double)duo_f16_to_f32((uint16_t)h) != half_value(h)) wrong++;
        if (duo_f32_to_f16((float)half_value(h)) != h) wrong++;
        if ((h & 0x7FFF) >= 0x7BFF) continue;
        /* Between h and its neighbour away from zero: the middle goes to the even one, the rest to the nearer. */
        float low = (float)half_value(h), high = (float)half_value(h + 1), middle = (low + high) / 2;
        if (duo_f32_to_f16(middle) != (h & 1 ? h + 1 : h)) wrong++;
        if (duo_f32_to_f16(nextafterf(middle, low)) != h || duo_f32_to_f16(nextafterf(middle, high)) != h + 1) wrong++;
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(duo_f32_to_f16(65519.996f), 0x7BFF);
    CHECK_INT(duo_f32_to_f16(65520.0f), 0x7C00);
    CHECK_INT(duo_f32_to_f16(-INFINITY), 0xFC00);
    CHECK(isnan(duo_f16_to_f32(duo_f32_to_f16(NAN))));
    CHECK(isinf(duo_f16_to_f32(0x7C00)));
}

/* GGUF's formats once more, as their definition reads, in double; Q6_K in float where ggml rounds. */
static void plain(enum duo_format format, const unsigned char *p, double *y)
{
    uint16_t h[2];
    memcpy(h, p, 4);
    double d = half_value(h[0]), m = half_value(h[1]);
    uint32_t bits;
    switch (format) {
    case DUO_FORMAT_Q8_0: for (int i = 0; i < 32; i++) y[i] = d * (int8_t)p[2 + i]; return;
    case DUO_FORMAT_Q4_0: for (int i = 0; i < 16; i++) y[i] = d * ((p[2 + i] & 15) - 8), y[i + 16] = d * ((p[2 + i] >> 4) - 8); return;
    case DUO_FORMAT_Q4_1: for (int i = 0; i < 16; i++) y[i] = d * (p[4 + i] & 15) + m, y[i + 16] = d * (p[4 + i] >> 4) + m; return;
    case DUO_FORMAT_Q5_0:
        memcpy(&bits, p + 2, 4);
        for (int i = 0; i < 16; i++) {
            y[i]      = d * ((int)((p[6 + i] & 15) | (bits >> i & 1) << 4) - 16);
            y[i + 16] = d * ((int)(p[6 + i] >> 4 | (bits >> (i + 16) & 1) << 4) - 16);
        }
        return;
    case DUO_FORMAT_Q5_1:
        memcpy(&bits, p + 4, 4);
        for (int i = 0; i < 16; i++) {
            y[i]      = d * (int)((p[8 + i] & 15) | (bits >> i & 1) << 4) + m;
            y[i + 16] = d * (int)(p[8 + i] >> 4 | (bits >> (i + 16) & 1) << 4) + m;
        }
        return;
    case DUO_FORMAT_Q4_K:
    case DUO_FORMAT_Q5_K:
        for (int j = 0; j < 8; j++) {
            const unsigned char *s = p + 4, *q = p + (format == DUO_FORMAT_Q5_K ? 48 : 16) + j / 2 * 32;
            int scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
            int min   = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
            for (int l = 0; l < 32; l++) {
                int v = j % 2 ? q[l] >> 4 : q[l] & 15;
                if (format == DUO_FORMAT_Q5_K) v += p[16 + l] >> j & 1 ? 16 : 0;
                y[32 * j + l] = d * scale * v - m * min;
            }
        }
        return;
    case DUO_FORMAT_Q6_K:
        memcpy(h, p + 208, 2);
        for (int n = 0; n < 2; n++)
            for (int l = 0; l < 32; l++)
                for (int k = 0; k < 4; k++) {
                    int low = p[64 * n + l + 32 * (k % 2)];
                    int v = (k < 2 ? low & 15 : low >> 4) | (p[128 + 32 * n + l] >> 2 * k & 3) << 4;
                    y[128 * n + 32 * k + l] = (double)(float)(half_value(h[0]) * (int8_t)p[192 + 8 * n + 2 * k + l / 16] * (v - 32));
                }
        return;
    default: CHECK(0);
    }
}

/* Random bytes with scales of ordinary size; what a block of a file may hold. */
static void random_blocks(enum duo_format format, unsigned char *p, size_t blocks, bool extreme)
{
    const struct duo_format_info *f = duo_format_info(format);
    for (size_t b = 0; b < blocks; b++, p += f->bytes) {
        for (uint32_t i = 0; i < f->bytes; i++) p[i] = extreme ? (random32() % 2 ? 0x80 : 0x7F) : (unsigned char)random32();
        if (extreme && random32() % 2) memset(p, random32() % 2 ? 0xFF : 0x80, f->bytes);
        uint16_t scale = duo_f32_to_f16(uniform() * 0.05f), min = duo_f32_to_f16(uniform() * 0.05f);
        if (format == DUO_FORMAT_F32) {
            float v = uniform();
            memcpy(p, &v, 4);
        } else if (format == DUO_FORMAT_F16) memcpy(p, &scale, 2);
        else if (format == DUO_FORMAT_BF16) p[1] = (unsigned char)(0x3C | random32() % 4 | (random32() & 0x80));
        else if (format == DUO_FORMAT_Q6_K) memcpy(p + 208, &scale, 2);
        else {
            memcpy(p, &scale, 2);
            if (format == DUO_FORMAT_Q4_1 || format == DUO_FORMAT_Q5_1 || format == DUO_FORMAT_Q4_K || format == DUO_FORMAT_Q5_K) memcpy(p + 2, &min, 2);
        }
    }
}

static void test_formats(void)
{
    for (int i = 0; i < DUO_FORMAT_COUNT; i++) {
        enum duo_format format = (enum duo_format)i;
        const struct duo_format_info *f = duo_format_info(format);
        CHECK_INT(duo_format_of_ggml(f->ggml), format);
        CHECK_INT(duo_format_of_name(f->name), format);
        CHECK_INT(duo_row_bytes(format, 512), 512 / f->values * f->bytes);
        unsigned char block[1 + 256];
        float got[256], back[256];
        double want[256];
        int wrong = 0;
        for (int round = 0; round < 200; round++) {
            random_blocks(format, block + 1, 1, round % 4 == 0);
            if (f->values == 1) continue;
            plain(format, block + 1, want);
            duo_dequantize_row(format, block + 1, got, f->values);
            for (uint32_t k = 0; k < f->values; k++) wrong += got[k] != (float)want[k];         /* the one rounding */
        }
        CHECK_INT(wrong, 0);
        /* Quantizing and back: half a step, or more where the least sum of squares is sought. */
        static const double bound[DUO_FORMAT_COUNT] = {[DUO_FORMAT_F16] = 0.001, [DUO_FORMAT_BF16] = 0.004, [DUO_FORMAT_Q8_0] = 0.005, [DUO_FORMAT_Q4_0] = 0.13,
            [DUO_FORMAT_Q4_1] = 0.07, [DUO_FORMAT_Q5_0] = 0.065, [DUO_FORMAT_Q5_1] = 0.035, [DUO_FORMAT_Q4_K] = 0.13, [DUO_FORMAT_Q5_K] = 0.065, [DUO_FORMAT_Q6_K] = 0.04};
        double worst = 0;
        for (int round = 0; round < 100; round++) {
            float x[256];
            for (int k = 0; k < 256; k++) x[k] = uniform();
            for (uint32_t k = 0; k < 256; k += f->values) {
                duo_quantize_row(format, x + k, block, f->values);
                duo_dequantize_row(format, block, back + k, f->values);
            }
            for (int k = 0; k < 256; k++) worst = fmax(worst, fabs((double)(back[k] - x[k])));
        }
        if (!(worst <= bound[i])) printf("%s: worst %g, bound %g\n", f->name, worst, bound[i]);
        CHECK(worst <= bound[i]);
        memset(got, 0, sizeof got);
        duo_quantize_row(format, got, block, f->values);
        duo_dequantize_row(format, block, back, f->values);
        CHECK(back[0] == 0);
    }
    CHECK_INT(duo_format_of_ggml(31), DUO_FORMAT_COUNT);
    CHECK_INT(duo_format_of_name("Q3_K"), DUO_FORMAT_COUNT);
}

/* What the `gguf` package (0.19.0) writes for these values, hashed (FNV-1a). */
static void test_quantized(void)
{
    static const struct { enum duo_format format; uint64_t hash; } golden[] = {
        {DUO_FORMAT_F16,  0xb4c18ccdcfcc4258u}, {DUO_FORMAT_BF16, 0x9f4bba0850c4505cu}, {DUO_FORMAT_Q8_0, 0x73e25c46c10b2d1fu},
        {DUO_FORMAT_Q4_0, 0x9557e4ddc3925a38u}, {DUO_FORMAT_Q4_1, 0xeabd52b3ae9b49b8u}, {DUO_FORMAT_Q5_0, 0xc721b501ea559457u},
        {DUO_FORMAT_Q5_1, 0xb16ae91cd83d72fbu}};
    enum { N = 4096 };
    float x[N];
    unsigned char bytes[N * 4];
    for (int i = 0; i < N; i++) x[i] = ((float)(i * 7919 % 1000) / 500 - 1) * (float)(1 + i / 32 % 5);
    for (size_t k = 0; k < sizeof golden / sizeof *golden; k++) {
        uint64_t h = 14695981039346656037ull;
        duo_quantize_row(golden[k].format, x, bytes, N);
        for (size_t i = 0; i < duo_row_bytes(golden[k].format, N); i++) h = (h ^ bytes[i]) * 1099511628211ull;
        CHECK(h == golden[k].hash);
    }
}

/* ---- Products */

struct case_of { enum duo_format format; size_t rows, cols, tokens; unsigned char *data; float *x; };

/* y of a case by what is chosen now; room for rows x tokens. */
static void multiply(const struct case_of *c, struct duo_pool *pool, float *y, bool one_by_one)
{
    struct duo_matrix m;
    struct duo_acts a = {0};
    CHECK_INT(duo_matrix_init(&m, c->format, c->rows, c->cols, c->data, pool, NULL), DUO_OK);
    for (size_t t = 0; t < c->tokens; t++) {
        struct duo_product p = {.m = &m, .y = y + t * c->rows, .stride = c->rows};
        duo_acts_set(&a, c->x + t * c->cols, one_by_one ? 1 : c->tokens, c->cols, c->cols);
        duo_multiply(pool, &a, &p, 1);
        if (!one_by_one) break;
    }
    duo_acts_free(&a);
    duo_matrix_free(&m);
}

/* Error of an element that rounding x to int8 by blocks explains, and float sums. */
static void check_exact(const struct case_of *c, const float *y)
{
    double worst = 0, error2 = 0, sum2 = 0;
    float *w = duo_new(c->cols, sizeof *w);
    bool whole = duo_format_info(c->format)->values > 1;
    for (size_t r = 0; r < c->rows; r++) {
        duo_dequantize_row(c->format, c->data + r * duo_row_bytes(c->format, c->cols), w, c->cols);
        for (size_t t = 0; t < c->tokens; t++) {
            const float *x = c->x + t * c->cols;
            double sum = 0, size = 0, bound = 0, squares = 0;
            for (size_t i = 0; i < c->cols; i++) {
                double largest = 0;
                for (size_t k = i / 32 * 32; whole && k < i / 32 * 32 + 32; k++) largest = fmax(largest, fabs((double)x[k]));
                sum   += (double)w[i] * (double)x[i];
                size  += fabs((double)w[i] * (double)x[i]);
                squares += (double)w[i] * (double)x[i] * (double)w[i] * (double)x[i];
                bound += fabs((double)w[i]) * largest / 127 * 0.5001;
            }
            /* A minimum is multiplied apart from its scale, and each rounds: by the values' size before they cancel. */
            bound += 4e-6 * (size + 1);
            double error = fabs((double)y[t * c->rows + r] - sum);
            worst = fmax(worst, error / bound);
            error2 += error * error, sum2 += squares;
        }
    }
    if (!(worst <= 1)) printf("%s %zu x %zu, %zu tokens: %g of the bound\n", duo_format_info(c->format)->name, c->rows, c->cols, c->tokens, worst);
    CHECK(worst <= 1);
    /* And on average: rounding to 127 steps costs about 1 % of the products' own scatter. */
    CHECK(error2 <= sum2 * (whole ? 2e-4 : 1e-10) * (1 + 10 / (double)(c->rows * c->tokens)) + 1e-12);
    free(w);
}

static void product_case(enum duo_format format, size_t rows, size_t cols, size_t tokens, bool extreme, struct duo_pool *const *pools)
{
    size_t bytes = rows * duo_row_bytes(format, cols);
    unsigned char *memory = duo_new(bytes + 1, 1);
    struct case_of c = {format, rows, cols, tokens, memory + 1, duo_new(tokens * cols, sizeof *c.x)};
    float *want = duo_new(rows * tokens, sizeof *want), *got = duo_new(rows * tokens, sizeof *got);
    random_blocks(format, c.data, rows * cols / duo_format_info(format)->values, extreme);
    fill(c.x, tokens * cols);
    if (extreme) for (size_t i = 0; i < tokens * cols; i++) c.x[i] = random32() % 3 ? 1.0f : -1.0f;
    choose(DUO_ISA_SCALAR);
    multiply(&c, NULL, want, false);
    check_exact(&c, want);
    add_to_hash(want, rows * tokens);
    for (int i = 0; i < DUO_ISA_COUNT; i++) {
        if (!duo_isa_available((enum duo_isa)i)) continue;
        choose((enum duo_isa)i);
        for (int way = 0; way < 3; way++) {
            memset(got, 0xFF, rows * tokens * sizeof *got);
            multiply(&c, pools[way], got, way == 1);
            bool equal = same(want, got, rows * tokens);
            if (!equal) printf("%s %s %zu x %zu, %zu tokens, way %d\n", duo_isa_name((enum duo_isa)i), duo_format_info(format)->name, rows, cols, tokens, way);
            CHECK(equal);
            if (i == DUO_ISA_SCALAR && way == 1) break;
        }
    }
    free(memory), free(c.x), free(want), free(got);
}

static void test_products(struct duo_pool *const *pools)
{
    for (int i = 0; i < DUO_FORMAT_COUNT; i++) {
        enum duo_format format = (enum duo_format)i;
        size_t block = duo_format_info(format)->values;
        for (size_t n = 1; n <= 17; n++) {
            size_t cols = block == 1 ? n : block == 32 ? n * 32 : n % 3 * 256 + 256;
            product_case(format, n, cols, n % 9 + 1, false, pools);
            product_case(format, 17 - n + 1, cols, (n * 4) % 9 + 1, n % 2 == 0, pools);
        }
        product_case(format, 100, block == 1 ? 70 : 512, 21, false, pools);
        product_case(format, 48, 768, 1, true, pools);
    }
    printf("hash of the products %016llx\n", (unsigned long long)hash);
    CHECK(hash == 0x000ca6ef19dc0c05u);
}

static void test_several(struct duo_pool *const *pools)
{
    /* Nine products of one set of activations, two of them added onto what is there, one with a bias. */
    enum { COLS = 256, TOKENS = 3, MANY = 9 };
    static const enum duo_format formats[MANY] = {DUO_FORMAT_Q4_0, DUO_FORMAT_F32, DUO_FORMAT_Q6_K, DUO_FORMAT_Q8_0, DUO_FORMAT_Q5_0,
        DUO_FORMAT_Q4_1, DUO_FORMAT_F16, DUO_FORMAT_Q4_K, DUO_FORMAT_Q5_K};
    struct duo_matrix m[MANY];
    struct duo_product p[MANY];
    unsigned char *data[MANY];
    float *y[MANY], *alone[MANY], x[TOKENS * COLS], bias[40];
    struct duo_acts a = {0};
    uint64_t bytes = 0, macs = 0;
    choose(duo_isa_current());
    fill(x, TOKENS * COLS), fill(bias, 40);
    for (size_t k = 0; k < MANY; k++) {
        size_t rows = 4 * k + 1;
        data[k] = duo_new(rows, duo_row_bytes(formats[k], COLS));
        random_blocks(formats[k], data[k], rows * COLS / duo_format_info(formats[k])->values, false);
        CHECK_INT(duo_matrix_init(&m[k], formats[k], rows, COLS, data[k], pools[2], NULL), DUO_OK);
        y[k] = duo_new(TOKENS * rows, sizeof(float)), alone[k] = duo_new(TOKENS * rows, sizeof(float));
        for (size_t i = 0; i < TOKENS * rows; i++) y[k][i] = 1;
        duo_acts_set(&a, x, TOKENS, COLS, COLS);
        struct duo_product one = {.m = &m[k], .y = alone[k], .stride = rows};
        duo_multiply(NULL, &a, &one, 1);
        p[k] = (struct duo_product){.m = &m[k], .y = y[k], .stride = rows, .add = k == 2 || k == 8, .bias = k >= 7 ? bias : NULL};
        bytes += rows * duo_row_bytes(formats[k], COLS), macs += rows * COLS * TOKENS;
    }
    duo_pool_clear(pools[2]);
    duo_acts_set(&a, x, TOKENS, COLS, COLS);
    duo_multiply(pools[2], &a, p, MANY);
    struct duo_counts counts = duo_pool_counts(pools[2]);
    CHECK_INT(counts.weight_bytes, bytes);
    CHECK_INT(counts.weight_macs, macs);
    CHECK_INT(counts.products, MANY);
    for (size_t k = 0; k < MANY; k++) {
        int wrong = 0;
        for (size_t i = 0; i < TOKENS * m[k].rows; i++) {
            float want = alone[k][i];
            if (p[k].bias) want += bias[i % m[k].rows];
            if (p[k].add) want = 1 + want;
            wrong += want != y[k][i];
        }
        CHECK_INT(wrong, 0);
        duo_matrix_free(&m[k]);
        free(data[k]), free(y[k]), free(alone[k]);
    }
    duo_acts_free(&a);
    struct duo_err err = {0};
    struct duo_matrix bad;
    CHECK_INT(duo_matrix_init(&bad, DUO_FORMAT_Q4_K, 2, 128, bias, NULL, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "blocks of 256");
    float row[64], want[64];
    unsigned char two[2 * 36];
    random_blocks(DUO_FORMAT_Q4_0, two, 4, false);
    CHECK_INT(duo_matrix_init(&bad, DUO_FORMAT_Q4_0, 2, 64, two, NULL, &err), DUO_OK);
    duo_matrix_row(&bad, 1, row);
    duo_dequantize_row(DUO_FORMAT_Q4_0, two + 36, want, 64);
    CHECK(same(row, want, 64));
    duo_matrix_free(&bad);
}

/* Any bytes: infinite scales, NAN. Nothing to compare; the sanitizers watch. */
static void test_garbage(void)
{
    for (int i = 0; i < DUO_FORMAT_COUNT; i++) {
        struct case_of c = {(enum duo_format)i, 19, 512, 5, NULL, NULL};
        size_t bytes = c.rows * duo_row_bytes(c.format, c.cols);
        float *y = duo_new(c.rows * c.tokens, sizeof *y);
        c.data = duo_new(bytes, 1), c.x = duo_new(c.cols * c.tokens, sizeof *c.x);
        for (size_t k = 0; k < bytes; k++) c.data[k] = (unsigned char)random32();
        for (size_t k = 0; k < c.cols * c.tokens; k++) c.x[k] = k % 97 == 0 ? NAN : k % 89 == 0 ? INFINITY : k % 7 == 0 ? 1e-44f : uniform() * 1e38f;
        for (int isa = 0; isa < DUO_ISA_COUNT; isa++) {
            if (!duo_isa_available((enum duo_isa)isa)) continue;
            choose((enum duo_isa)isa);
            multiply(&c, NULL, y, false);
        }
        CHECK(c.rows == 19);
        free(c.data), free(c.x), free(y);
    }
}

int main(void)
{
#ifdef DUO_EMULATED
    if (!duo_isa_available(DUO_ISA_AVX2)) {
        CHECK_SKIP("emulated AVX-512 needs AVX2");
        return check_done();
    }
    duo_isa_emulate(DUO_ISA_AVX512, &duo_products_emulated, &duo_floats_emulated);
#endif
    struct duo_pool *pools[3] = {NULL, duo_pool_new(2), duo_pool_new(3)};
    for (int i = 0; i < DUO_ISA_COUNT; i++)
        if (!duo_isa_available((enum duo_isa)i)) {
            char why[96];
            snprintf(why, sizeof why, "this processor has no %s", duo_isa_name((enum duo_isa)i));
            CHECK_SKIP(why);
        }
    test_halves();
    test_formats();
    test_quantized();
    test_products(pools);
    test_several(pools);
    test_garbage();
    duo_pool_free(pools[1]), duo_pool_free(pools[2]);
    return check_done();
}
