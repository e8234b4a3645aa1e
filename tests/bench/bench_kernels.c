/* bench_kernels.c - how fast the kernels are: GB/s of weights for one token, Gop/s for many, at the layer shapes of three models,
 * beside what this machine reads and multiplies at best in the same run.
 *
 *     bench_kernels [FORMAT ...]          DUOSIM_ISA forces an instruction set
 *
 * Every figure is the best of many short bursts, so that neighbours disturb little; look at the ratios. */
#include "models/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { BURSTS = 60, TOKENS = 64 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- What there is: reading, and products of int8. */

enum { PIECE = 256 << 10 };
struct reading { const unsigned char *at; uint64_t sum[DUO_MAX_THREADS]; };

#ifdef __x86_64__
__attribute__((target("avx2")))
#endif
static void read_piece(void *arg, size_t i, int thread)
{
    struct reading *r = arg;
    const unsigned char *p = r->at + i * PIECE;
#ifdef __x86_64__
    __m256i s[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t k = 0; k < PIECE; k += 128) {
        _mm_prefetch((const char *)p + k + 2048, _MM_HINT_T0);
        _mm_prefetch((const char *)p + k + 2112, _MM_HINT_T0);
        for (size_t j = 0; j < 4; j++) s[j] = _mm256_add_epi64(s[j], _mm256_load_si256((const void *)(p + k + 32 * j)));
    }
    s[0] = _mm256_add_epi64(_mm256_add_epi64(s[0], s[1]), _mm256_add_epi64(s[2], s[3]));
    r->sum[thread] += (uint64_t)_mm256_extract_epi64(s[0], 0);
#else
    uint64_t sum = 0, v;
    for (size_t k = 0; k < PIECE; k += 8) memcpy(&v, p + k, 8), sum += v;
    r->sum[thread] += sum;
#endif
}

static double read_speed(struct duo_pool *pool)
{
    const size_t bytes = (size_t)192 << 20, burst = 64;
    struct reading r = {.at = aligned_alloc(2 << 20, bytes)};
    double best = 1e9;
    memset((void *)(uintptr_t)r.at, 1, bytes);
    const unsigned char *start = r.at;
    for (size_t i = 0; i < BURSTS; i++) {
        r.at = start + i % 12 * burst * PIECE;
        double t = now();
        duo_pool_each(pool, burst, read_piece, &r);
        t = now() - t;
        if (t < best) best = t;
    }
    free((void *)(uintptr_t)start);
    return (double)(burst * PIECE) / best;
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void peak_avx2(void *arg, size_t i, int thread)
{
    __m256i s[10], w = _mm256_set1_epi8((char)(i + 1)), ones = _mm256_set1_epi16(1);
    for (int k = 0; k < 10; k++) s[k] = _mm256_set1_epi32(k);
    for (int n = 0; n < 2000; n++)
        for (int k = 0; k < 10; k++)
            __asm__ volatile("vpmaddubsw %1, %1, %%ymm15\n vpmaddwd %2, %%ymm15, %%ymm15\n vpaddd %%ymm15, %0, %0" : "+x"(s[k]) : "x"(w), "x"(ones) : "xmm15");
    ((int *)arg)[thread] += _mm256_extract_epi32(s[0], 0);
}

__attribute__((target("avx512f,avx512vnni"))) static void peak_avx512(void *arg, size_t i, int thread)
{
    __m512i s[10], w = _mm512_set1_epi32((int)i);
    for (int k = 0; k < 10; k++) s[k] = _mm512_set1_epi32(k);
    for (int n = 0; n < 2000; n++)
        for (int k = 0; k < 10; k++) __asm__ volatile("vpdpbusd %1, %1, %0" : "+v"(s[k]) : "v"(w));
    ((int *)arg)[thread] += _mm512_reduce_add_epi32(s[0]);
}
#endif

/* Multiplies and adds of bytes: maddubs, madd, add for AVX2, the way that needs no small weights. */
static double peak(struct duo_pool *pool)
{
#ifdef __x86_64__
    const bool wide = duo_isa_current() == DUO_ISA_AVX512;
    const size_t pieces = 4 * (size_t)duo_pool_threads(pool);
    int sink[DUO_MAX_THREADS] = {0};
    double best = 1e9;
    if (duo_isa_current() == DUO_ISA_SCALAR) return NAN;
    for (int i = 0; i < BURSTS; i++) {
        double t = now();
        duo_pool_each(pool, pieces, wide ? peak_avx512 : peak_avx2, sink);
        t = now() - t;
        if (t < best) best = t;
    }
    return (double)pieces * 2000 * 10 * 2 * (wide ? 64 : 32) / best;
#else
    (void)pool;
    return NAN;
#endif
}

/* ---- What we do of it. */

static struct { const char *model, *layer; size_t rows, cols; } shapes[] = {
    {"SmolLM2-135M", "query", 576, 576}, {"SmolLM2-135M", "gate+up", 3072, 576}, {"SmolLM2-135M", "down", 576, 1536},
    {"Qwen2.5-0.5B", "query", 896, 896}, {"Qwen2.5-0.5B", "gate+up", 9728, 896}, {"Qwen2.5-0.5B", "down", 896, 4864},
    {"TinyLlama-1.1B", "query", 2048, 2048}, {"TinyLlama-1.1B", "gate+up", 11264, 2048}, {"TinyLlama-1.1B", "down", 2048, 5632}};

static void shape(struct duo_pool *pool, enum duo_format format, size_t s, double reads, double most)
{
    const size_t rows = shapes[s].rows, cols = shapes[s].cols, bytes = rows * duo_row_bytes(format, cols);
    size_t copies = ((size_t)100 << 20) / bytes + 1;         /* past every cache but shared ones of servers */
    unsigned char *data = malloc(bytes);
    float *x = malloc(TOKENS * cols * sizeof *x), *y = malloc(TOKENS * rows * sizeof *y), *row = malloc(cols * sizeof *row);
    struct duo_matrix *m = calloc(copies, sizeof *m);
    struct duo_acts a = {0};
    double one = 1e9, many = 1e9;
    if (data == NULL || x == NULL || y == NULL || row == NULL || m == NULL) exit(DUO_NO_RESOURCES);
    for (size_t i = 0; i < TOKENS * cols; i++) x[i] = (float)(i * 7919 % 1000) / 500 - 1;
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; r == 0 && i < cols; i++) row[i] = (float)((i + r) * 7919 % 1000) / 500 - 1;
        if (r == 0) duo_quantize_row(format, row, data, cols);
        else        memcpy(data + r * (bytes / rows), data, bytes / rows);
    }
    for (size_t i = 0; i < copies; i++) if (duo_matrix_init(&m[i], format, rows, cols, data, pool, NULL) != DUO_OK) exit(DUO_NO_RESOURCES);
    size_t burst = ((size_t)12 << 20) / bytes + 1;
    for (size_t k = 0; k < BURSTS; k++) {
        double t = now();
        for (size_t i = 0; i < burst; i++) {
            struct duo_product p = {.m = &m[(k * burst + i) % copies], .y = y, .stride = rows};
            duo_acts_set(&a, x, 1, cols, cols);
            duo_multiply(pool, &a, &p, 1);
        }
        t = (now() - t) / (double)burst;
        if (t < one) one = t;
    }
    for (size_t k = 0; k < BURSTS / 2; k++) {
        struct duo_product p = {.m = &m[k % copies], .y = y, .stride = rows};
        double t = now();
        duo_acts_set(&a, x, TOKENS, cols, cols);
        duo_multiply(pool, &a, &p, 1);
        t = now() - t;
        if (t < many) many = t;
    }
    double speed = (double)bytes / one, ops = 2.0 * (double)(rows * cols * TOKENS) / many;
    printf("%-14s %-8s %-5s %d %7.2f GB/s %5.2f of reading %8.1f Gop/s %5.2f of int8\n", shapes[s].model, shapes[s].layer,
           duo_format_info(format)->name, duo_pool_threads(pool), speed / 1e9, speed / reads, ops / 1e9, ops / most);
    fflush(stdout);
    for (size_t i = 0; i < copies; i++) duo_matrix_free(&m[i]);
    duo_acts_free(&a);
    free(data), free(x), free(y), free(row), free(m);
}

int main(int argc, char **argv)
{
    for (int threads = 1; threads <= 2; threads++) {
        struct duo_pool *pool = duo_pool_new(threads);
        double reads = read_speed(pool), most = peak(pool);
        printf("%s, %d threads: reads %.1f GB/s, int8 %.0f Gop/s\n", duo_isa_name(duo_isa_current()), threads, reads / 1e9, most / 1e9);
        for (int f = 0; f < DUO_FORMAT_COUNT; f++) {
            bool wanted = argc == 1 && duo_format_info((enum duo_format)f)->values > 1;
            for (int i = 1; i < argc; i++) wanted |= duo_format_of_name(argv[i]) == (enum duo_format)f;
            for (size_t s = 0; wanted && s < sizeof shapes / sizeof *shapes; s++)
                if (shapes[s].cols % duo_format_info((enum duo_format)f)->values == 0) shape(pool, (enum duo_format)f, s, reads, most);
        }
        duo_pool_free(pool);
    }
    return 0;
}
