/* floats_neon.c - 16 lanes in four registers. */
#include "models/kernels/inside.h"

#ifdef __aarch64__
#include <arm_neon.h>

typedef struct { float32x4_t q[4]; } v16;

#define LANES(expression)                                             \
    do {                                                              \
        v16 r;                                                        \
        DUO_UNROLL for (int i = 0; i < 4; i++) r.q[i] = (expression); \
        return r;                                                     \
    } while (0)

DUO_INLINE v16 v_all(float x)            { LANES(vdupq_n_f32(x)); }
DUO_INLINE v16 v_load(const float *x)    { LANES(vld1q_f32(x + 4 * i)); }
DUO_INLINE void v_store(float *x, v16 v) { DUO_UNROLL for (int i = 0; i < 4; i++) vst1q_f32(x + 4 * i, v.q[i]); }
DUO_INLINE v16 v_add(v16 x, v16 y)       { LANES(vaddq_f32(x.q[i], y.q[i])); }
DUO_INLINE v16 v_sub(v16 x, v16 y)       { LANES(vsubq_f32(x.q[i], y.q[i])); }
DUO_INLINE v16 v_mul(v16 x, v16 y)       { LANES(vmulq_f32(x.q[i], y.q[i])); }
DUO_INLINE v16 v_div(v16 x, v16 y)       { LANES(vdivq_f32(x.q[i], y.q[i])); }
DUO_INLINE v16 v_max(v16 x, v16 y)       { LANES(vbslq_f32(vcgtq_f32(x.q[i], y.q[i]), x.q[i], y.q[i])); }
DUO_INLINE v16 v_abs(v16 x)              { LANES(vabsq_f32(x.q[i])); }
DUO_INLINE v16 v_fma(v16 x, v16 y, v16 z) { LANES(vfmaq_f32(z.q[i], x.q[i], y.q[i])); }
DUO_INLINE v16 v_swap(v16 x)             { LANES(vrev64q_f32(x.q[i])); }
DUO_INLINE v16 v_if_less(v16 x, v16 y, v16 yes, v16 no) { LANES(vbslq_f32(vcltq_f32(x.q[i], y.q[i]), yes.q[i], no.q[i])); }

DUO_INLINE v16 v_power(v16 shifted)
{
    LANES(vreinterpretq_f32_u32(vshlq_n_u32(vaddq_u32(vreinterpretq_u32_f32(shifted.q[i]), vdupq_n_u32(127)), 23)));
}

DUO_INLINE v16 v_halves(const unsigned char *at)
{
    LANES(vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(at + 8 * i))));
}

DUO_INLINE v16 v_bytes(const int8_t *at)
{
    int8x16_t bytes = vld1q_s8(at);
    int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_s8(vget_high_s8(bytes));
    return (v16){{vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(low))),
                  vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(high)))}};
}

DUO_INLINE void v_to_halves(unsigned char *at, v16 v)
{
    DUO_UNROLL for (int i = 0; i < 4; i++) vst1_u8(at + 8 * i, vreinterpret_u8_f16(vcvt_f16_f32(v.q[i])));
}

DUO_INLINE float v_total(v16 x)
{
    float32x4_t s = vaddq_f32(vaddq_f32(x.q[0], x.q[2]), vaddq_f32(x.q[1], x.q[3]));
    float32x2_t pair = vadd_f32(vget_low_f32(s), vget_high_f32(s));
    return vget_lane_f32(pair, 0) + vget_lane_f32(pair, 1);
}

#define DUO_FLOATS duo_floats_neon
#include "models/kernels/floats.h"
#endif
