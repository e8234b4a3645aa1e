/* floats_avx2.c - 16 lanes in two registers. */
#include "models/kernels/inside.h"

#ifdef __x86_64__
#include <immintrin.h>

#define DUO_TARGET "avx2,fma,f16c"
#include "models/kernels/target.h"

typedef struct { __m256 a, b; } v16;

DUO_INLINE v16 v_all(float x)            { return (v16){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
DUO_INLINE v16 v_load(const float *x)    { return (v16){_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8)}; }
DUO_INLINE void v_store(float *x, v16 v) { _mm256_storeu_ps(x, v.a), _mm256_storeu_ps(x + 8, v.b); }
DUO_INLINE v16 v_add(v16 x, v16 y)       { return (v16){_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
DUO_INLINE v16 v_sub(v16 x, v16 y)       { return (v16){_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
DUO_INLINE v16 v_mul(v16 x, v16 y)       { return (v16){_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
DUO_INLINE v16 v_div(v16 x, v16 y)       { return (v16){_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
DUO_INLINE v16 v_max(v16 x, v16 y)       { return (v16){_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
DUO_INLINE v16 v_fma(v16 x, v16 y, v16 z) { return (v16){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
DUO_INLINE v16 v_swap(v16 x)             { return (v16){_mm256_permute_ps(x.a, 0xB1), _mm256_permute_ps(x.b, 0xB1)}; }

DUO_INLINE v16 v_abs(v16 x)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return (v16){_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}

DUO_INLINE v16 v_if_less(v16 x, v16 y, v16 yes, v16 no)
{
    return (v16){_mm256_blendv_ps(no.a, yes.a, _mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ)),
                 _mm256_blendv_ps(no.b, yes.b, _mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ))};
}

DUO_INLINE __m256 power(__m256 shifted)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127)), 23));
}

DUO_INLINE v16 v_power(v16 shifted)      { return (v16){power(shifted.a), power(shifted.b)}; }

DUO_INLINE v16 v_halves(const unsigned char *at)
{
    return (v16){_mm256_cvtph_ps(_mm_loadu_si128((const void *)at)), _mm256_cvtph_ps(_mm_loadu_si128((const void *)(at + 16)))};
}

DUO_INLINE v16 v_bytes(const int8_t *at)
{
    __m128i bytes = _mm_loadu_si128((const void *)at);
    return (v16){_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))};
}

DUO_INLINE void v_to_halves(unsigned char *at, v16 v)
{
    _mm_storeu_si128((void *)at, _mm256_cvtps_ph(v.a, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128((void *)(at + 16), _mm256_cvtps_ph(v.b, _MM_FROUND_TO_NEAREST_INT));
}

DUO_INLINE float v_total(v16 x)
{
    __m256 s = _mm256_add_ps(x.a, x.b);
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

#define DUO_FLOATS duo_floats_avx2
#include "models/kernels/floats.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
