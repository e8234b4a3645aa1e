/* units.h - numbers with units, as people write them: "40 ms", "2 Mbit/s", "15 Wh", "1 GB",
 * "40/s", "30 %".  Inside the program everything is SI (s, B, B/s, J, W, 1/s, $, share 0..1). */
#ifndef DUO_BASE_UNITS_H
#define DUO_BASE_UNITS_H

#include <stddef.h>

/* X(name, SI unit in words, example) */
#define DUO_DIMENSIONS(X)                                        \
    X(NUMBER,  "a number",                    "4")               \
    X(COUNT,   "a whole number",              "64")              \
    X(SHARE,   "a share from 0 to 1 or in %", "0.3")             \
    X(TIME,    "a time",                      "40 ms")           \
    X(BYTES,   "an amount of data",           "1 GB")            \
    X(SPEED,   "a bit rate",                  "2 Mbit/s")        \
    X(ENERGY,  "an energy",                   "15 Wh")           \
    X(POWER,   "a power",                     "5 W")             \
    X(RATE,    "a rate",                      "40/s")            \
    X(MONEY,   "an amount of money",          "$0.15")           \
    X(MONEY_PER_TOKEN, "a price of tokens",   "$0.15/Mtok")      \
    X(MONEY_PER_TIME,  "a price of time",     "$2.50/h")         \
    X(MONEY_PER_BYTES, "a price of data",     "$5/GB")           \
    X(MONEY_PER_ENERGY, "a price of energy",  "$0.30/kWh")

enum duo_dimension {
#define X(name, unit, example) DUO_DIM_##name,
    DUO_DIMENSIONS(X)
#undef X
    DUO_DIM_END
};

/* Parse all of `text`.  0, or -1 with `why` ("a time, like 40 ms; got 3 Mbit/s").  SPEED gives
 * bytes per second from bit/s, B/s and their multiples; SI prefixes are decimal (1 kB = 1000 B),
 * KiB/MiB/GiB binary.  A bare number is accepted where the dimension is NUMBER, COUNT or SHARE,
 * and 0 everywhere; else the unit is asked for.  "inf" is accepted for TIME, SPEED, ENERGY.
 * NaN never.  Independent of the locale. */
int duo_quantity(const char *text, enum duo_dimension, double *out, char *why, size_t n);

/* The other way, for people: 3 significant digits and a fitting prefix ("38.2 ms"). */
void duo_show_quantity(double value, enum duo_dimension, char *out, size_t n);

#endif
