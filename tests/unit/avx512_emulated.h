/* avx512_emulated.h - what models/kernels uses of AVX-512, in C on AVX2: so that its results can be checked on any machine.
 * Written from the instructions' definitions; nothing here is fast. */
#ifndef DUO_TESTS_AVX512_EMULATED_H
#define DUO_TESTS_AVX512_EMULATED_H

#include <stdint.h>
#include <string.h>

typedef struct { float v[16]; } emulated_floats;
typedef union { int32_t i[16]; uint32_t u[16]; int16_t s[32]; uint16_t t[32]; int8_t b[64]; uint8_t c[64]; } emulated_whole;
typedef uint16_t emulated_mask;

#define E static inline __attribute__((always_inline, unused))
#define FLOATS(name, args, value)  E emulated_floats name args { emulated_floats r; for (int i = 0; i < 16; i++) r.v[i] = (value); return r; }
#define WHOLE32(name, args, value) E emulated_whole name args { emulated_whole r; for (int i = 0; i < 16; i++) r.u[i] = (uint32_t)(value); return r; }

E float emulated_fma(float a, float b, float c)
{
    return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
}

E uint16_t emulated_half(const void *at, int i)
{
    uint16_t h;
    memcpy(&h, (const char *)at + 2 * i, 2);
    return h;
}

typedef emulated_floats F;
typedef emulated_whole  W;
FLOATS(emu_set1_ps, (float x), x)
FLOATS(emu_setzero_ps, (void), 0)
FLOATS(emu_loadu_ps, (const float *x), x[i])
FLOATS(emu_maskz_loadu_ps, (emulated_mask m, const void *x), m >> i & 1 ? _mm_cvtss_f32(_mm_load_ss((const float *)x + i)) : 0)
FLOATS(emu_add_ps, (F a, F b), a.v[i] + b.v[i])
FLOATS(emu_sub_ps, (F a, F b), a.v[i] - b.v[i])
FLOATS(emu_mul_ps, (F a, F b), a.v[i] * b.v[i])
FLOATS(emu_div_ps, (F a, F b), a.v[i] / b.v[i])
FLOATS(emu_max_ps, (F a, F b), a.v[i] > b.v[i] ? a.v[i] : b.v[i])
FLOATS(emu_abs_ps, (F a), __builtin_fabsf(a.v[i]))
FLOATS(emu_fmadd_ps, (F a, F b, F c), emulated_fma(a.v[i], b.v[i], c.v[i]))
FLOATS(emu_permute_ps, (F a, int k), a.v[(i & ~3) | (k >> i % 4 * 2 & 3)])
FLOATS(emu_mask_blend_ps, (emulated_mask m, F no, F yes), m >> i & 1 ? yes.v[i] : no.v[i])
FLOATS(emu_cvtepi32_ps, (W a), (float)a.i[i])
FLOATS(emu_cvtph_ps, (__m256i h), _cvtsh_ss(emulated_half(&h, i)))
WHOLE32(emu_set1_epi32, (int x), x)
WHOLE32(emu_setzero_si512, (void), 0)
WHOLE32(emu_add_epi32, (W a, W b), a.u[i] + b.u[i])
WHOLE32(emu_sub_epi32, (W a, W b), a.u[i] - b.u[i])
WHOLE32(emu_mullo_epi32, (W a, W b), a.u[i] * b.u[i])
WHOLE32(emu_and_si512, (W a, W b), a.u[i] & b.u[i])
WHOLE32(emu_or_si512, (W a, W b), a.u[i] | b.u[i])
WHOLE32(emu_xor_si512, (W a, W b), a.u[i] ^ b.u[i])
WHOLE32(emu_slli_epi32, (W a, unsigned n), a.u[i] << n)
WHOLE32(emu_srli_epi32, (W a, unsigned n), a.u[i] >> n)
WHOLE32(emu_srai_epi32, (W a, unsigned n), a.i[i] >> n)
WHOLE32(emu_cvtepu16_epi32, (__m256i a), emulated_half(&a, i))
WHOLE32(emu_cvtepi8_epi32, (__m128i a), ((const int8_t *)&a)[i])

E W emu_set1_epi8(char x)           { W r; memset(&r, x, sizeof r); return r; }
E W emu_loadu_si512(const void *at) { W r; memcpy(&r, at, sizeof r); return r; }
E W emu_castps_si512(F a)           { W r; memcpy(&r, &a, sizeof r); return r; }
E F emu_castsi512_ps(W a)           { F r; memcpy(&r, &a, sizeof r); return r; }
E void emu_storeu_ps(float *x, F a) { memcpy(x, &a, sizeof a); }
E W emu_srli_epi16(W a, unsigned n) { for (int i = 0; i < 32; i++) a.t[i] = (uint16_t)(a.t[i] >> n); return a; }

E emulated_mask emu_cmp_ps_mask(F a, F b, int how)
{
    unsigned m = 0;
    for (int i = 0; i < 16; i++) m |= (unsigned)(how == _CMP_LT_OQ && a.v[i] < b.v[i]) << i;
    return (emulated_mask)m;
}

E W emu_dpbusd_epi32(W sum, W a, W b)
{
    for (int i = 0; i < 64; i++) sum.u[i / 4] += (uint32_t)((int)a.c[i] * b.b[i]);
    return sum;
}

E __m128i emu_dpbusd_128(__m128i sum, __m128i a, __m128i b)
{
    W s = {{0}}, x = {{0}}, y = {{0}};
    memcpy(&s, &sum, 16), memcpy(&x, &a, 16), memcpy(&y, &b, 16);
    s = emu_dpbusd_epi32(s, x, y);
    memcpy(&sum, &s, 16);
    return sum;
}

E __m128i emu_cvtepi32_epi8(W a)
{
    int8_t low[16];
    __m128i r;
    for (int i = 0; i < 16; i++) low[i] = (int8_t)a.u[i];
    memcpy(&r, low, 16);
    return r;
}

E __m256i emu_cvtps_ph(F a, int how)
{
    uint16_t h[16];
    __m256i r;
    (void)how;
    for (int i = 0; i < 16; i++) h[i] = _cvtss_sh(a.v[i], 0);
    memcpy(&r, h, 32);
    return r;
}

E __m256i emu_maskz_loadu_256(emulated_mask m, const void *at)
{
    uint16_t h[16];
    __m256i r;
    for (int i = 0; i < 16; i++) h[i] = m >> i & 1 ? emulated_half(at, i) : 0;
    memcpy(&r, h, 32);
    return r;
}

E float emu_reduce_max_ps(F a)
{
    float most = a.v[0];
    for (int i = 1; i < 16; i++) most = a.v[i] > most ? a.v[i] : most;
    return most;
}

E __m256 emu_half_of(F a, int k)
{
    return _mm256_loadu_ps(a.v + 8 * k);
}

#define __m512                       emulated_floats
#define __m512i                      emulated_whole
#define __mmask16                    emulated_mask
#define _mm512_set1_ps               emu_set1_ps
#define _mm512_setzero_ps            emu_setzero_ps
#define _mm512_loadu_ps              emu_loadu_ps
#define _mm512_load_ps               emu_loadu_ps
#define _mm512_maskz_loadu_ps        emu_maskz_loadu_ps
#define _mm512_storeu_ps             emu_storeu_ps
#define _mm512_store_ps              emu_storeu_ps
#define _mm512_add_ps                emu_add_ps
#define _mm512_sub_ps                emu_sub_ps
#define _mm512_mul_ps                emu_mul_ps
#define _mm512_div_ps                emu_div_ps
#define _mm512_max_ps                emu_max_ps
#define _mm512_abs_ps                emu_abs_ps
#define _mm512_fmadd_ps              emu_fmadd_ps
#undef  _mm512_permute_ps
#define _mm512_permute_ps            emu_permute_ps
#define _mm512_mask_blend_ps         emu_mask_blend_ps
#undef  _mm512_cmp_ps_mask
#define _mm512_cmp_ps_mask           emu_cmp_ps_mask
#define _mm512_cvtepi32_ps           emu_cvtepi32_ps
#define _mm512_cvtph_ps              emu_cvtph_ps
#undef  _mm512_cvtps_ph
#define _mm512_cvtps_ph              emu_cvtps_ph
#define _mm512_cvtepu16_epi32        emu_cvtepu16_epi32
#define _mm512_cvtepi8_epi32         emu_cvtepi8_epi32
#define _mm512_cvtepi32_epi8         emu_cvtepi32_epi8
#define _mm512_set1_epi32            emu_set1_epi32
#define _mm512_set1_epi8             emu_set1_epi8
#define _mm512_setzero_si512         emu_setzero_si512
#define _mm512_loadu_si512           emu_loadu_si512
#define _mm512_add_epi32             emu_add_epi32
#define _mm512_sub_epi32             emu_sub_epi32
#define _mm512_mullo_epi32           emu_mullo_epi32
#define _mm512_and_si512             emu_and_si512
#define _mm512_or_si512              emu_or_si512
#define _mm512_xor_si512             emu_xor_si512
#undef  _mm512_slli_epi32
#define _mm512_slli_epi32            emu_slli_epi32
#undef  _mm512_srli_epi32
#define _mm512_srli_epi32            emu_srli_epi32
#undef  _mm512_srai_epi32
#define _mm512_srai_epi32            emu_srai_epi32
#undef  _mm512_srli_epi16
#define _mm512_srli_epi16            emu_srli_epi16
#define _mm512_dpbusd_epi32          emu_dpbusd_epi32
#undef  _mm_dpbusd_epi32
#define _mm_dpbusd_epi32             emu_dpbusd_128
#define _mm512_castps_si512          emu_castps_si512
#define _mm512_castsi512_ps          emu_castsi512_ps
#define _mm512_castps_pd(a)          (a)
#define _mm512_castps512_ps256(a)    emu_half_of(a, 0)
#undef  _mm512_extractf64x4_pd
#define _mm512_extractf64x4_pd(a, k) _mm256_castps_pd(emu_half_of(a, k))
#define _mm512_reduce_max_ps         emu_reduce_max_ps
#define _mm256_maskz_loadu_epi16     emu_maskz_loadu_256

#undef E
#undef FLOATS
#undef WHOLE32
#endif
