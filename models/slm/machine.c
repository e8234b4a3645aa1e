/* machine.c - how fast this machine is at most.  Requirements: machine.h. */
#include "models/slm/machine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

double duo_machine_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---------------------------------------------------------------- memory */

/* A number in a file of the system, behind `key` when that is not NULL; NAN: none ("max" in a control group). */
static double number_in(const char *path, const char *key)
{
    FILE *f = fopen(path, "r");
    char word[128];
    double value = NAN;
    bool found = !key;
    while (f && fscanf(f, "%127s", word) == 1) {
        char *end;
        if (found) {
            value = strtod(word, &end);
            if (end == word || *end) value = NAN;
            break;
        }
        found = strcmp(word, key) == 0;
    }
    if (f) fclose(f);
    return value;
}

static double group_limit(void)
{
    double limit = number_in("/sys/fs/cgroup/memory.max", NULL);
    return isnan(limit) ? number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes", NULL) : limit;
}

static double group_used(void)
{
    double used = number_in("/sys/fs/cgroup/memory.current", NULL), cached = number_in("/sys/fs/cgroup/memory.stat", "inactive_file");
    if (isnan(used)) used = number_in("/sys/fs/cgroup/memory/memory.usage_in_bytes", NULL);
    return isnan(cached) ? used : used - cached;                 /* what is only cached is given up when asked for */
}

double duo_machine_memory(void)
{
    struct rlimit own;
    double left = number_in("/proc/meminfo", "MemAvailable:") * 1024, group = group_limit() - group_used();
    if (isnan(left)) left = INFINITY;
    if (group < left) left = group;
    if (getrlimit(RLIMIT_AS, &own) == 0 && own.rlim_cur != RLIM_INFINITY) {
        double space = (double)own.rlim_cur - number_in("/proc/self/statm", NULL) * (double)sysconf(_SC_PAGESIZE);
        if (space < left) left = space;
    }
    return left < 0 ? 0 : left;
}

double duo_machine_memory_all(void)
{
    double all = number_in("/proc/meminfo", "MemTotal:") * 1024, group = group_limit();
    return group < all ? group : all;
}

enum duo_status duo_machine_room(double bytes, const char *what, const char *path, struct duo_err *err)
{
    double left = duo_machine_memory();
    if (bytes <= left) return DUO_OK;
    return duo_fail_at(err, DUO_NO_RESOURCES, path, 0, 0, "%s need %.2f GB of memory; %.2f GB are free", what, bytes * 1e-9, left * 1e-9);
}

/* ---------------------------------------------------------------- reading */

enum { READ_BYTES = 256 << 20, READ_PIECE = 1 << 20, READ_TIMES = 10, LANES = 2, UNROLL = 8, STREAMS_MOST = 8 };

/* 16 bytes: every instruction set has such a register, and eight sums of them stay in registers. */
typedef uint64_t lane __attribute__((vector_size(8 * LANES)));

struct reading { const lane *at; int streams; _Atomic uint64_t sum; };

/* A piece is read as one stream, or as several side by side, as a kernel reads several rows: which of them a machine's
   prefetchers serve best is its own affair, so that the test tries them all. */
static void read_piece(void *arg, size_t i, int thread)
{
    struct reading *r = arg;
    const lane *at = r->at + i * (READ_PIECE / sizeof(lane));
    size_t each = READ_PIECE / sizeof(lane) / (size_t)r->streams;
    lane sum[UNROLL];
    uint64_t all = 0;
    (void)thread;
    memset(sum, 0, sizeof sum);
    for (size_t k = 0; k < each; k += UNROLL)
        for (int s = 0; s < r->streams; s++)
            for (int u = 0; u < UNROLL; u++) sum[u] += at[(size_t)s * each + k + (size_t)u];
    for (int u = 0; u < UNROLL; u++)
        for (int l = 0; l < LANES; l++) all += sum[u][l];
    r->sum += all;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What the best of the patterns sustains: the median of its rounds, as rates of models are medians, too. */
double duo_machine_bandwidth(struct duo_pool *pool)
{
    lane *at = aligned_alloc(2 << 20, READ_BYTES);
    double best = 0;
    if (!at) return NAN;
    madvise(at, READ_BYTES, MADV_HUGEPAGE);                      /* else the walk of pages is measured; refused: measured all the same */
    memset(at, 1, READ_BYTES);
    struct reading r = { .at = at };
    for (r.streams = 1; r.streams <= STREAMS_MOST; r.streams *= 2) {
        double rate[READ_TIMES];
        for (int i = 0; i < READ_TIMES; i++) {
            double start = duo_machine_seconds();
            duo_pool_each(pool, READ_BYTES / READ_PIECE, read_piece, &r);
            rate[i] = READ_BYTES / (duo_machine_seconds() - start);
        }
        qsort(rate, READ_TIMES, sizeof *rate, ascending);
        if (rate[READ_TIMES / 2] > best) best = rate[READ_TIMES / 2];
    }
    free(at);
    return best;
}

/* ---------------------------------------------------------------- int8 */

enum { CHAINS = 8, ROUNDS = 1 << 18, PEAK_TIMES = 10 };

/* Each does ROUNDS times CHAINS instructions; returns the multiply-adds.  What the compiler can't see through stays. */
typedef double peak_fn(void);

static double peak_scalar(void)
{
    int sum[CHAINS] = { 0 }, a = 3;
    for (int i = 0; i < ROUNDS; i++) {
        __asm__ volatile("" : "+r"(a));
        for (int k = 0; k < CHAINS; k++) sum[k] += a * (int8_t)(a + k);
    }
    for (int k = 0; k < CHAINS; k++) __asm__ volatile("" : : "r"(sum[k]));
    return (double)ROUNDS * CHAINS;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static double peak_avx2(void)
{
    __m256i sum[CHAINS], a = _mm256_set1_epi8(1), b = _mm256_set1_epi8(2);
    for (int k = 0; k < CHAINS; k++) sum[k] = _mm256_setzero_si256();
    for (int i = 0; i < ROUNDS; i++) {
#pragma GCC unroll 8
        for (int k = 0; k < CHAINS; k++) {
            __asm__ volatile("" : "+x"(a));
            sum[k] = _mm256_add_epi16(sum[k], _mm256_maddubs_epi16(a, b));
        }
    }
    for (int k = 0; k < CHAINS; k++) __asm__ volatile("" : : "x"(sum[k]));
    return (double)ROUNDS * CHAINS * 32;
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) static double peak_avx512(void)
{
    __m512i sum[CHAINS], a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(2);
    for (int k = 0; k < CHAINS; k++) sum[k] = _mm512_setzero_si512();
    for (int i = 0; i < ROUNDS; i++) {
#pragma GCC unroll 8
        for (int k = 0; k < CHAINS; k++) {
            __asm__ volatile("" : "+v"(a));
            sum[k] = _mm512_dpbusd_epi32(sum[k], a, b);
        }
    }
    for (int k = 0; k < CHAINS; k++) __asm__ volatile("" : : "v"(sum[k]));
    return (double)ROUNDS * CHAINS * 64;
}
#elif defined(__aarch64__)
__attribute__((target("arch=armv8.2-a+dotprod"))) static double peak_neon(void)
{
    int32x4_t sum[CHAINS];
    int8x16_t a = vdupq_n_s8(1), b = vdupq_n_s8(2);
    for (int k = 0; k < CHAINS; k++) sum[k] = vdupq_n_s32(0);
    for (int i = 0; i < ROUNDS; i++) {
#pragma GCC unroll 8
        for (int k = 0; k < CHAINS; k++) {
            __asm__ volatile("" : "+w"(a));
            sum[k] = vdotq_s32(sum[k], a, b);
        }
    }
    for (int k = 0; k < CHAINS; k++) __asm__ volatile("" : : "w"(sum[k]));
    return (double)ROUNDS * CHAINS * 16;
}
#endif

/* ---------------------------------------------------------------- F32 */

enum { FLOATS = 12 };            /* chains: more than the instruction's latency times its units */

static double fused_scalar(void)
{
    float sum[FLOATS] = { 0 }, a = 1, b = 0.5f;
    for (int i = 0; i < ROUNDS; i++) {
        __asm__ volatile("" : "+x"(a));
        for (int k = 0; k < FLOATS; k++) sum[k] = sum[k] * b + a;
    }
    for (int k = 0; k < FLOATS; k++) __asm__ volatile("" : : "x"(sum[k]));
    return (double)ROUNDS * FLOATS;
}

#define FUSED(name, target_, vector, lanes, zero, one, fma, reg)                                 \
    __attribute__((target(target_))) static double name(void)                                    \
    {                                                                                            \
        vector sum[FLOATS], a = one(1.0f), b = one(0.5f);                                        \
        for (int k = 0; k < FLOATS; k++) sum[k] = zero;                                          \
        for (int i = 0; i < ROUNDS; i++) {                                                       \
            _Pragma("GCC unroll 12") for (int k = 0; k < FLOATS; k++) {                          \
                __asm__ volatile("" : "+" reg(a));                                               \
                sum[k] = fma;                                                                    \
            }                                                                                    \
        }                                                                                        \
        for (int k = 0; k < FLOATS; k++) __asm__ volatile("" : : reg(sum[k]));                   \
        return (double)ROUNDS * FLOATS * (lanes);                                                \
    }
#if defined(__x86_64__)
FUSED(fused_avx2,   "avx2,fma", __m256, 8,  _mm256_setzero_ps(), _mm256_set1_ps, _mm256_fmadd_ps(sum[k], b, a), "x")
FUSED(fused_avx512, "avx512f",  __m512, 16, _mm512_setzero_ps(), _mm512_set1_ps, _mm512_fmadd_ps(sum[k], b, a), "v")
#elif defined(__aarch64__)
FUSED(fused_neon, "arch=armv8.2-a+dotprod", float32x4_t, 4, vdupq_n_f32(0), vdupq_n_f32, vfmaq_f32(a, sum[k], b), "w")
#endif

/* ---------------------------------------------------------------- peaks of all threads */

static peak_fn *peak_of(enum duo_isa isa, bool floats)
{
    switch (isa) {
#if defined(__x86_64__)
    case DUO_ISA_AVX2:   return floats ? fused_avx2 : peak_avx2;
    case DUO_ISA_AVX512: return floats ? fused_avx512 : peak_avx512;
#elif defined(__aarch64__)
    case DUO_ISA_NEON:   return floats ? fused_neon : peak_neon;
#endif
    default:             return floats ? fused_scalar : peak_scalar;
    }
}

struct peaking { peak_fn *run; double *macs; };

static void peak_piece(void *arg, size_t i, int thread)
{
    const struct peaking *p = arg;
    (void)thread;
    p->macs[i] = p->run();
}

static double peak(struct duo_pool *pool, bool floats)
{
    enum { PIECES = 4 * DUO_MAX_THREADS };
    double macs[PIECES], best = 0;
    struct peaking p = { peak_of(duo_isa_current(), floats), macs };
    size_t n = 4 * (size_t)duo_pool_threads(pool);
    for (int t = 0; t < PEAK_TIMES; t++) {
        double start = duo_machine_seconds(), all = 0;
        duo_pool_each(pool, n, peak_piece, &p);
        double took = duo_machine_seconds() - start;
        for (size_t i = 0; i < n; i++) all += macs[i];
        if (2 * all / took > best) best = 2 * all / took;
    }
    return best;
}

double duo_machine_int8(struct duo_pool *pool) { return peak(pool, false); }
double duo_machine_fp32(struct duo_pool *pool) { return peak(pool, true); }
