/* rng.c - random numbers by name.
 *
 * splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; constants of
 * Vigna's splitmix64.c.  xoroshiro128++: Blackman and Vigna, "Scrambled linear pseudorandom number generators",
 * ACM TOMS 47(4), 2021.  FNV-1a: draft-eastlake-fnv. */
#include "sim/base/rng.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(unsigned long) == sizeof(uint64_t), "gsl hands random bits over as unsigned long");

#define GOLDEN 0x9E3779B97F4A7C15u

uint64_t duo_mix(uint64_t x)
{
    x += GOLDEN;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static uint64_t fnv(const unsigned char *bytes, size_t n)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ bytes[i]) * 0x100000001B3u;
    return h;
}

uint64_t duo_hash(uint64_t seed, const char *name, uint64_t index)
{
    return duo_mix(duo_hash_bytes(seed, name, strlen(name)) ^ index);
}

uint64_t duo_hash_bytes(uint64_t seed, const void *bytes, size_t n)
{
    return duo_mix(duo_mix(seed) ^ fnv(bytes, n));
}

uint64_t duo_hash_file(uint64_t seed, const char *path)
{
    static unsigned char part[1 << 16];
    FILE *in = fopen(path, "rb");

    for (size_t n; in && (n = fread(part, 1, sizeof part, in)) > 0;) seed = duo_hash_bytes(seed, part, n);
    if (in) fclose(in);
    return seed;
}

static uint64_t left(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

static uint64_t next(uint64_t s[2])
{
    uint64_t a = s[0], b = s[1], result = left(a + b, 17) + a;
    b ^= a;
    s[0] = left(a, 49) ^ b ^ (b << 21);
    s[1] = left(b, 28);
    return result;
}

/* Two outputs of splitmix64 cannot both be 0, the one state that the generator may not be in. */
static void seed(uint64_t s[2], uint64_t with)
{
    s[0] = duo_mix(with);
    s[1] = duo_mix(with + GOLDEN);
}

static void          gsl_set(void *state, unsigned long with) { seed(state, with); }
static unsigned long gsl_get(void *state) { return next(state); }
static double        gsl_get_unit(void *state) { return duo_unit(next(state)); }

static const gsl_rng_type type = {
    .name = "xoroshiro128++", .max = UINT64_MAX, .min = 0, .size = 2 * sizeof(uint64_t),
    .set = gsl_set, .get = gsl_get, .get_double = gsl_get_unit,
};
const gsl_rng_type *duo_rng_type = &type;

void duo_rng_init(struct duo_rng *r, uint64_t from, const char *name, uint64_t index)
{
    seed(r->state, duo_hash(from, name, index));
    r->gsl.type  = duo_rng_type;
    r->gsl.state = r->state;
}

uint64_t duo_rng_bits(struct duo_rng *r)
{
    assert(r->gsl.state == r->state);    /* it was not moved */
    return next(r->state);
}

double duo_rng_unit(struct duo_rng *r) { return duo_unit(duo_rng_bits(r)); }
