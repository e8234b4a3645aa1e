/* isa.c - which instruction set: what the processor has, what the environment asks for. */
#include "models/kernels/inside.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static const char *const names[DUO_ISA_COUNT] = {
#define X(id, text) [DUO_ISA_##id] = text,
    DUO_ISAS(X)
#undef X
};

static struct { const struct duo_products *products; const struct duo_floats *floats; bool emulated; } tables[DUO_ISA_COUNT] = {
    [DUO_ISA_SCALAR] = {&duo_products_scalar, &duo_floats_scalar, false},
#ifdef __x86_64__
    [DUO_ISA_AVX2]   = {&duo_products_avx2, &duo_floats_avx2, false},
    [DUO_ISA_AVX512] = {&duo_products_avx512, &duo_floats_avx512, false},
#endif
#ifdef __aarch64__
    [DUO_ISA_NEON]   = {&duo_products_neon, &duo_floats_neon, false},
#endif
};

static _Atomic int current = -1;

const char *duo_isa_name(enum duo_isa isa)
{
    return names[isa];
}

bool duo_isa_available(enum duo_isa isa)
{
    if (tables[isa].products == NULL) return false;
    if (tables[isa].emulated) return true;
#ifdef __x86_64__
    if (isa == DUO_ISA_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == DUO_ISA_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("fma");
#endif
#if defined(__aarch64__) && defined(__linux__)
    if (isa == DUO_ISA_NEON) return (getauxval(AT_HWCAP) >> 20 & 1) != 0;        /* the dot products of Armv8.2 */
#endif
    return true;
}

static enum duo_isa best(void)
{
    static const enum duo_isa order[] = {DUO_ISA_AVX512, DUO_ISA_AVX2, DUO_ISA_NEON};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (duo_isa_available(order[i])) return order[i];
    return DUO_ISA_SCALAR;
}

enum duo_status duo_isa_choose(const char *name, struct duo_err *err)
{
    const bool asked = name == NULL;
    if (asked) name = getenv("DUOSIM_ISA");
    if (name == NULL || *name == '\0') {
        current = best();
        return DUO_OK;
    }
    for (int i = 0; i < DUO_ISA_COUNT; i++)
        if (strcasecmp(name, names[i]) == 0) {
            if (!duo_isa_available((enum duo_isa)i))
                return duo_fail(err, DUO_BAD_INPUT, "%s%s: this processor or this build has no such instructions", asked ? "DUOSIM_ISA=" : "", name);
            current = i;
            return DUO_OK;
        }
    const char *near = duo_nearest(name, names, DUO_ISA_COUNT);
    return duo_fail(err, DUO_BAD_INPUT, "%s%s: expected scalar, avx2, avx512 or neon%s%s%s", asked ? "DUOSIM_ISA=" : "", name,
                    near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

enum duo_isa duo_isa_current(void)
{
    if (current < 0 && duo_isa_choose(NULL, NULL) != DUO_OK) current = best();
    return (enum duo_isa)current;
}

const struct duo_products *duo_products(void)
{
    return tables[duo_isa_current()].products;
}

const struct duo_floats *duo_floats(void)
{
    return tables[duo_isa_current()].floats;
}

void duo_isa_emulate(enum duo_isa isa, const struct duo_products *products, const struct duo_floats *floats)
{
    tables[isa].products = products, tables[isa].floats = floats, tables[isa].emulated = true;
}
