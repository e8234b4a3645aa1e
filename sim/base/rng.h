/* rng.h - random numbers by name.
 *
 * A stream is keyed by hash(seed, name, index): what one part of a run draws never moves
 * what another part draws, so every policy meets the same day.  Generator: xoroshiro128++
 * (Blackman and Vigna 2021), seeded by splitmix64; a gsl_rng_type of 16 bytes, so that every
 * gsl_ran_* accepts it. */
#ifndef DUO_BASE_RNG_H
#define DUO_BASE_RNG_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

/* Raise it when a change anywhere makes the same seed another day: baselines (`duosim check`) of the old one are told. */
enum { DUO_SAMPLING_VERSION = 1 };

/* 64 well-mixed bits of (seed, name, index).  FNV-1a over the name, then splitmix64 rounds. */
uint64_t duo_hash(uint64_t seed, const char *name, uint64_t index);
uint64_t duo_hash_bytes(uint64_t seed, const void *bytes, size_t n);
uint64_t duo_hash_file(uint64_t seed, const char *path);    /* of its bytes, in pieces; of none where it can't be read */
uint64_t duo_mix(uint64_t x);                       /* one splitmix64 finaliser: a bijection */

/* [0, 1) with 53 bits, from 64 random ones; and one draw without a stream. */
static inline double duo_unit(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }
static inline double duo_draw(uint64_t seed, const char *name, uint64_t index)
{
    return duo_unit(duo_hash(seed, name, index));
}

extern const gsl_rng_type *duo_rng_type;

/* Give `&r->gsl` to gsl_ran_*.  May not be moved once initialised (gsl points into it). */
struct duo_rng {
    gsl_rng  gsl;
    uint64_t state[2];
};

void     duo_rng_init(struct duo_rng *, uint64_t seed, const char *name, uint64_t index);
uint64_t duo_rng_bits(struct duo_rng *);
double   duo_rng_unit(struct duo_rng *);            /* [0, 1) */

#endif
