/* floats_avx512.c - 16 lanes in one register. */
#include "models/kernels/inside.h"

#ifdef __x86_64__
#include "models/kernels/avx512.h"

typedef __m512 v16;

DUO_INLINE v16 v_all(float x)            { return _mm512_set1_ps(x); }
DUO_INLINE v16 v_load(const float *x)    { return _mm512_loadu_ps(x); }
DUO_INLINE void v_store(float *x, v16 v) { _mm512_storeu_ps(x, v); }
DUO_INLINE v16 v_add(v16 x, v16 y)       { return _mm512_add_ps(x, y); }
DUO_INLINE v16 v_sub(v16 x, v16 y)       { return _mm512_sub_ps(x, y); }
DUO_INLINE v16 v_mul(v16 x, v16 y)       { return _mm512_mul_ps(x, y); }
DUO_INLINE v16 v_div(v16 x, v16 y)       { return _mm512_div_ps(x, y); }
DUO_INLINE v16 v_max(v16 x, v16 y)       { return _mm512_max_ps(x, y); }
DUO_INLINE v16 v_fma(v16 x, v16 y, v16 z) { return _mm512_fmadd_ps(x, y, z); }
DUO_INLINE v16 v_swap(v16 x)             { return _mm512_permute_ps(x, 0xB1); }
DUO_INLINE v16 v_abs(v16 x)              { return _mm512_abs_ps(x); }
DUO_INLINE v16 v_halves(const unsigned char *at) { return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)at)); }
DUO_INLINE v16 v_bytes(const int8_t *at) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)at))); }

DUO_INLINE v16 v_if_less(v16 x, v16 y, v16 yes, v16 no)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, y, _CMP_LT_OQ), no, yes);
}

DUO_INLINE v16 v_power(v16 shifted)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32(127)), 23));
}

DUO_INLINE void v_to_halves(unsigned char *at, v16 v)
{
    _mm256_storeu_si256((void *)at, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

DUO_INLINE float v_total(v16 x)
{
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1)), s = _mm256_add_ps(_mm512_castps512_ps256(x), high);
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

#include "models/kernels/floats.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
