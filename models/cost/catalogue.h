/* catalogue.h - the constants behind a cost model, for the files of this room. */
#ifndef DUO_MODELS_COST_CATALOGUE_H
#define DUO_MODELS_COST_CATALOGUE_H

#include "models/cost/cost.h"

enum duo_table { DUO_HARDWARE, DUO_MODELS, DUO_QUANTS, DUO_RADIOS, DUO_CARBON, DUO_NO_TABLE };

/* What a status column vouches for. */
enum duo_claim { DUO_CLAIM_FACTS, DUO_CLAIM_TIME, DUO_CLAIM_ENERGY, DUO_CLAIM_MONEY, DUO_CLAIMS };

/* X(key, table, claim, least, standard, unit): every number of a cost model.  In a table it is the column of
 * that name; without one, `standard`.  A scenario's `cost: {key: value}` replaces it. */
#define DUO_CONSTANTS(X)                                                                             \
    X(flops,            HARDWARE, TIME,   1,    NAN, "FLOP/s, effective")                            \
    X(bandwidth,        HARDWARE, TIME,   1,    NAN, "B/s, effective")                               \
    X(overhead,         HARDWARE, TIME,   0,    NAN, "s an iteration")                               \
    X(memory,           HARDWARE, TIME,   1,    NAN, "B")                                            \
    X(usable,           HARDWARE, TIME,   0,    NAN, "share of the memory for weights and KV")       \
    X(first_token,      HARDWARE, TIME,   0,    NAN, "s to an API's first token")                    \
    X(tokens_per_s,     HARDWARE, TIME,   1e-9, NAN, "1/s, of an API's answer")                      \
    X(busy_watts,       HARDWARE, ENERGY, 0,    NAN, "W")                                            \
    X(idle_watts,       HARDWARE, ENERGY, 0,    NAN, "W")                                            \
    X(dollars_hour,     HARDWARE, MONEY,  0,    NAN, "$/h")                                          \
    X(params,           MODELS,   FACTS,  1,    NAN, "weights")                                      \
    X(active_params,    MODELS,   FACTS,  1,    NAN, "weights a token uses")                         \
    X(layers,           MODELS,   FACTS,  1,    NAN, "layers")                                       \
    X(width,            MODELS,   FACTS,  1,    NAN, "numbers of a hidden state")                    \
    X(vocabulary,       MODELS,   FACTS,  1,    NAN, "tokens")                                       \
    X(context,          MODELS,   FACTS,  1,    NAN, "tokens")                                       \
    X(kv_bytes,         MODELS,   FACTS,  0,    NAN, "B a token, 16 bit")                            \
    X(dollars_in,       MODELS,   MONEY,  0,    NAN, "$/token")                                      \
    X(dollars_cached,   MODELS,   MONEY,  0,    NAN, "$/token")                                      \
    X(dollars_out,      MODELS,   MONEY,  0,    NAN, "$/token")                                      \
    X(bits,             QUANTS,   FACTS,  1e-3, NAN, "bits a weight")                                \
    X(joules_byte_up,   RADIOS,   ENERGY, 0,    NAN, "J/B")                                          \
    X(joules_byte_down, RADIOS,   ENERGY, 0,    NAN, "J/B")                                          \
    X(active_watts,     RADIOS,   ENERGY, 0,    NAN, "W")                                            \
    X(tail_watts,       RADIOS,   ENERGY, 0,    NAN, "W")                                            \
    X(tail_seconds,     RADIOS,   ENERGY, 0,    NAN, "s")                                            \
    X(promotion_watts,  RADIOS,   ENERGY, 0,    NAN, "W")                                            \
    X(promotion_seconds, RADIOS,  ENERGY, 0,    NAN, "s")                                            \
    X(grams_kwh,        CARBON,   ENERGY, 0,    NAN, "g CO2e/kWh")                                   \
    X(image_tokens,     NO_TABLE, TIME,   0,    576, "tokens an image becomes")                      \
    X(image_flop,       NO_TABLE, TIME,   0,    3.8e11, "FLOP to encode an image")                   \
    X(audio_bytes,      NO_TABLE, TIME,   1e-3, 160, "B of sound a token")                           \
    X(audio_flop,       NO_TABLE, TIME,   0,    2.6e9, "FLOP to encode a token of sound")            \
    X(document_bytes,   NO_TABLE, TIME,   1e-3, 4,   "B of a document a token")

enum duo_key {
#define X(key, table, claim, least, standard, unit) DUO_KEY_##key,
    DUO_CONSTANTS(X)
#undef X
    DUO_KEYS
};

struct duo_key_info { const char *name, *unit; enum duo_table table; enum duo_claim claim; double least, standard; };
extern const struct duo_key_info duo_keys[DUO_KEYS];

struct duo_row {
    const char *name, *site, *date, *source;      /* site: of hardware only */
    double      value[DUO_KEYS];                  /* NAN: not this table's, or empty */
    enum duo_provenance status[DUO_CLAIMS];       /* END: none given, there is nothing to vouch for */
};

/* NULL: *err names the nearest. */
const struct duo_row *duo_catalogue_row(const struct duo_catalogue *, enum duo_table, const char *name, const char *file,
                                        int line, struct duo_err *);

enum duo_status duo_linear_new(struct duo_cost **, const struct duo_cost_spec *, const struct duo_row *hardware,
                               const struct duo_row *model, const struct duo_row *quant, struct duo_err *);

#endif
