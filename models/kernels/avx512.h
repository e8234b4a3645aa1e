/* avx512.h - the instructions of floats_avx512.c and product_avx512.c; tests put emulated ones in their place (DUO_EMULATED). */
#include <immintrin.h>

#ifdef DUO_EMULATED
#define DUO_TARGET "avx2,fma,f16c"
#define DUO_FLOATS   duo_floats_emulated
#define DUO_PRODUCTS duo_products_emulated
#else
#define DUO_TARGET "avx512f,avx512bw,avx512vl,avx512vnni,fma"
#define DUO_FLOATS   duo_floats_avx512
#define DUO_PRODUCTS duo_products_avx512
#endif
#include "models/kernels/target.h"
#ifdef DUO_EMULATED
#include DUO_EMULATED
#endif
