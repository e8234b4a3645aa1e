/* catalogue.h - the constants behind a cost model, for the files of this room.
 *
 * Files of a catalogue folder (UTF-8 CSV, the header in the first line, all columns there; every value has unit, status, source):
 *   devices.csv    name,title,class,site,runtime,aliases                           one device a row; aliases apart by ';'
 *   hardware.csv   name,quantity,value,unit,status,low,high,source,url,note        one number a row
 *   models.csv     name,aliases,family,<numbers of the architecture>,status,date,source,note
 *   quants.csv     name,aliases,activation,bits,head_bits,kv_bits,status,date,source,note    activation: the rate its products run at (fp32, fp16, fp8, int8)
 *   radios.csv     as hardware.csv
 *   prices.csv     name,aliases,dollars_in,dollars_cached,dollars_out,context,vocabulary,status,date,source,note   $/Mtok in the file
 *   carbon.csv     name,aliases,grams_kwh,status,date,source,note
 *   runtimes.csv   scope,runtime,quant,quantity,value,unit,status,low,high,date,source,note     scope: a device, "class:apple", or "*";
 *                  where a folder has none it is looked for in ../calibration
 * A folder laid over another (--catalogue DIR) has any of them; its numbers replace those with the same name and quantity,
 * its rows of the wide tables those with the same name.
 *
 * (1) One list of keys: what a file gives, a cost model reads, a scenario's `cost: {key: value}` replaces, --perturb draws.
 * (2) The narrowest scope of a runtime's constant wins: device, class, "*"; within one, with the quant before without, with
 *     the runtime before "*".  Another device's is never taken.
 * (3) A name is found in any case, with ' ' and '_' for '-', by its aliases; a model's also without the organisation ("Qwen/")
 *     and without the endings -instruct, -chat, -it, -hf, -fp8, -awq, -gptq, -gguf, -2507, -bnb-4bit.  What is found so is the
 *     architecture alone: the weights' format is the quant's.
 * (4) `low` and `high` hold the value.  An assumed value without them: 0.7 to 1.4 times, within what the key allows.  A fitted
 *     one needs them.
 * (5) Drawn are assumed and fitted values of the cost model; not counts, and not what is for people only (READ). */
#ifndef DUO_MODELS_COST_CATALOGUE_H
#define DUO_MODELS_COST_CATALOGUE_H

#include "models/cost/cost.h"
#include "models/cost/work.h"

/* X(NAME, file and subcommand, one of it) */
#define DUO_TABLES(X) X(HARDWARE, "hardware", "hardware") X(MODELS, "models", "model") X(QUANTS, "quants", "quant") X(RADIOS, "radios", "radio") \
                      X(PRICES, "prices", "priced model") X(CARBON, "carbon", "region") X(RUNTIMES, "runtimes", "runtime")
enum duo_table {
#define X(name, text, one) DUO_##name,
    DUO_TABLES(X)
#undef X
    DUO_NO_TABLE
};

/* What a status vouches for.  READ: for people, no cost model reads it. */
enum duo_claim { DUO_CLAIM_FACTS, DUO_CLAIM_TIME, DUO_CLAIM_ENERGY, DUO_CLAIM_MONEY, DUO_CLAIMS, DUO_CLAIM_READ = DUO_CLAIMS };

/* X(key, table, claim, least, most, unit, what).  The unit is the one inside the program; "" counts. */
#define DUO_CONSTANTS(X)                                                                                                       \
    X(fp32,               HARDWARE, TIME,   1,    1e18, "FLOP/s",  "peak, dense, of 32-bit numbers")                           \
    X(fp16,               HARDWARE, TIME,   1,    1e18, "FLOP/s",  "peak, dense, of 16-bit numbers, summed in 32 bit")         \
    X(fp8,                HARDWARE, TIME,   1,    1e18, "FLOP/s",  "peak, dense, of 8-bit floats")                             \
    X(int8,               HARDWARE, TIME,   1,    1e18, "FLOP/s",  "peak, dense, of 8-bit whole numbers")                      \
    X(bandwidth,          HARDWARE, TIME,   1,    1e15, "B/s",     "of the memory, data sheet")                                \
    X(bandwidth_measured, HARDWARE, TIME,   1,    1e15, "B/s",     "of the memory, measured by streaming")                     \
    X(units,              HARDWARE, TIME,   1,    1e6,  "",        "cores, streaming multiprocessors")                         \
    X(clock,              HARDWARE, TIME,   1e6,  1e11, "1/s",     "of these: all of them at work, a GPU's boost")             \
    X(pipes,              HARDWARE, TIME,   0.1,  64,   "1",       "of a CPU core, for 16 bytes each, in pairs; GPUs: 1")      \
    X(memory,             HARDWARE, TIME,   1,    1e15, "B",       "")                                                         \
    X(link_bandwidth,     HARDWARE, READ,   1,    1e15, "B/s",     "of one accelerator to the others, each way")               \
    X(link_trip,          HARDWARE, READ,   0,    1,    "s",       "of a message between accelerators")                        \
    X(one_shot_trip,      HARDWARE, TIME,   0,    1,    "s",       "of an all-reduce in one step (small messages)")            \
    X(one_shot_link,      HARDWARE, TIME,   1,    1e15, "B/s",     "of the same")                                              \
    X(ring_trip,          HARDWARE, TIME,   0,    1,    "s",       "of an all-reduce in a ring (large messages)")              \
    X(ring_link,          HARDWARE, TIME,   1,    1e15, "B/s",     "of the same")                                              \
    X(storage_bandwidth,  HARDWARE, TIME,   1,    1e15, "B/s",     "of weights from storage")                                  \
    X(first_token,        HARDWARE, TIME,   0,    1e6,  "s",       "to an API's first token")                                  \
    X(tokens_per_s,       HARDWARE, TIME,   1e-9, 1e9,  "1/s",     "of an API's answer")                                       \
    X(tdp_watts,          HARDWARE, ENERGY, 0,    1e6,  "W",       "the vendor's power limit")                                 \
    X(idle_watts,         HARDWARE, ENERGY, 0,    1e6,  "W",       "powered, no work")                                         \
    X(load_watts,         HARDWARE, ENERGY, 0,    1e6,  "W",       "running a language model")                                 \
    X(host_watts,         HARDWARE, ENERGY, 0,    1e6,  "W",       "the host's share of an accelerator")                       \
    X(dollars_hour,       HARDWARE, MONEY,  1e-6, 1e6,  "$/h",     "")                                                         \
    X(npu_int8,           HARDWARE, READ,   1,    1e18, "FLOP/s",  "of a neural engine beside the processor that is meant")    \
    X(memory_max,         HARDWARE, READ,   1,    1e15, "B",       "largest supported")                                        \
    X(wall_max_watts,     HARDWARE, READ,   0,    1e6,  "W",       "maximum at the wall")                                      \
    X(cpu_watts,          HARDWARE, READ,   0,    1e6,  "W",       "all cores at work (HPL), at the wall")                     \
    X(core_watts,         HARDWARE, READ,   0,    1e6,  "W",       "one core at work")                                         \
    X(sleep_watts,        HARDWARE, READ,   0,    1e6,  "W",       "light sleep")                                              \
    X(list_dollars_hour,  HARDWARE, READ,   1e-6, 1e6,  "$/h",     "list price of a large provider")                           \
    X(compute,            RUNTIMES, TIME,   1e-4, 10,   "1",       "share of the peak rate that matrix products get")          \
    X(stream,             RUNTIMES, TIME,   1e-4, 1.2,  "1",       "share of the bandwidth that weights get")                  \
    X(stream_measured,    RUNTIMES, TIME,   1e-4, 1.2,  "1",       "the same of bandwidth_measured, which goes before")        \
    X(issue,              RUNTIMES, TIME,   1e-3, 1e3,  "B",       "of weights that a unit unpacks and multiplies in a cycle, a pair of pipes") \
    X(issue_weights,      RUNTIMES, TIME,   1e-3, 1e3,  "",        "the same in weights, where no format takes longer than another (CPUs); goes before") \
    X(issue_flop,         RUNTIMES, TIME,   1e-3, 1e5,  "",        "FLOP of products in a cycle, a unit and a pair of pipes; goes before compute") \
    X(attend,             RUNTIMES, TIME,   1e-4, 1.2,  "1",       "share of the bandwidth that reading KV gets")              \
    X(attend_compute,     RUNTIMES, TIME,   1e-4, 2,    "1",       "share of the peak rate that scores and values get")        \
    X(op,                 RUNTIMES, TIME,   0,    1,    "s",       "an operation launched")                                    \
    X(layer,              RUNTIMES, TIME,   0,    10,   "s",       "a layer of an iteration")                                  \
    X(layer_cycles,       RUNTIMES, TIME,   0,    1e9,  "",        "the same in cycles of the clock, which go before")         \
    X(step,               RUNTIMES, TIME,   0,    100,  "s",       "an iteration")                                             \
    X(item,               RUNTIMES, TIME,   0,    10,   "s",       "a sequence in an iteration")                               \
    X(request,            RUNTIMES, TIME,   0,    100,  "s",       "an API server's work on a request, beside the others")     \
    X(ahead,              RUNTIMES, TIME,   0,    1,    "1",       "1: an iteration is decided on while the one before runs")  \
    X(sharpness,          RUNTIMES, TIME,   0.5,  64,   "1",       "exponent of the soft roofline")                            \
    X(one_shot_limit,     RUNTIMES, TIME,   0,    1e12, "B",       "largest message of an all-reduce in one step")             \
    X(utilisation,        RUNTIMES, TIME,   0.01, 1,    "1",       "share of the memory that the runtime takes")               \
    X(runtime_bytes,      RUNTIMES, TIME,   0,    1e12, "B",       "contexts, graphs, buffers of the runtime, an accelerator") \
    X(activation_factor,  RUNTIMES, TIME,   0,    1e3,  "1",       "peak of the layers' activations over that of memory.c (2)") \
    X(sampler_bytes,      RUNTIMES, TIME,   0,    1e4,  "B",       "peak of the sampler, of a sequence and entry of the vocabulary") \
    X(logits_bytes,       RUNTIMES, TIME,   0,    1e4,  "B",       "reserved for logits, of a token at once and entry of the vocabulary") \
    X(throttle_share,     RUNTIMES, TIME,   0.01, 1,    "1",       "speed when hot, as a share")                               \
    X(throttle_heat,      RUNTIMES, TIME,   0,    1e6,  "s",       "of work until it is hot")                                  \
    X(throttle_cool,      RUNTIMES, TIME,   0,    1e6,  "s",       "of rest from hot to cold")                                 \
    X(power_static,       RUNTIMES, ENERGY, 0,    2,    "1",       "share of tdp_watts while any iteration runs")              \
    X(joules_flop,        RUNTIMES, ENERGY, 0,    1,    "J/FLOP",  "above that, of arithmetic")                                \
    X(joules_byte,        RUNTIMES, ENERGY, 0,    1,    "J/B",     "above that, of memory traffic")                            \
    X(pue,                RUNTIMES, ENERGY, 1,    10,   "1",       "energy of the building over that of the computers")        \
    X(layers,             MODELS,   FACTS,  1,    1e5,  "",        "layers")                                                   \
    X(width,              MODELS,   FACTS,  1,    1e6,  "",        "numbers of a hidden state")                                \
    X(heads,              MODELS,   FACTS,  1,    1e5,  "",        "query heads")                                              \
    X(kv_heads,           MODELS,   FACTS,  1,    1e5,  "",        "key and value heads")                                      \
    X(head_dim,           MODELS,   FACTS,  1,    1e5,  "",        "numbers of a head")                                        \
    X(ffn,                MODELS,   FACTS,  0,    1e7,  "",        "width of the feed-forward part; 0: experts only")          \
    X(vocabulary,         MODELS,   FACTS,  1,    1e8,  "",        "tokens")                                                   \
    X(context,            MODELS,   FACTS,  1,    1e9,  "",        "tokens at most")                                           \
    X(tied,               MODELS,   FACTS,  0,    1,    "",        "1: the embedding is the LM head")                          \
    X(gated,              MODELS,   FACTS,  0,    1,    "",        "1: a feed-forward part of three matrices, else two")       \
    X(experts,            MODELS,   FACTS,  0,    1e5,  "",        "of a layer; 0: dense")                                     \
    X(active_experts,     MODELS,   FACTS,  0,    1e5,  "",        "that a token passes")                                      \
    X(expert_ffn,         MODELS,   FACTS,  0,    1e7,  "",        "width of one expert")                                      \
    X(shared_ffn,         MODELS,   FACTS,  0,    1e7,  "",        "width of the experts that every token passes")             \
    X(dense_layers,       MODELS,   FACTS,  0,    1e5,  "",        "first layers without experts")                             \
    X(window,             MODELS,   FACTS,  0,    1e9,  "",        "tokens of the sliding window; 0: none")                    \
    X(period,             MODELS,   FACTS,  0,    1e5,  "",        "with a window: every so many layers one attends to all; 0: none does") \
    X(positions,          MODELS,   FACTS,  0,    1e9,  "",        "rows of learnt positions")                                 \
    X(parameters,         MODELS,   READ,   1,    1e15, "",        "as published")                                             \
    X(image_tokens,       MODELS,   TIME,   0,    1e7,  "",        "tokens an image becomes")                                  \
    X(image_flop,         MODELS,   TIME,   0,    1e18, "FLOP",    "to encode an image")                                       \
    X(audio_bytes,        MODELS,   TIME,   1e-3, 1e9,  "B",       "of sound a token")                                         \
    X(audio_flop,         MODELS,   TIME,   0,    1e18, "FLOP",    "to encode a token of sound")                               \
    X(document_bytes,     MODELS,   TIME,   1e-3, 1e9,  "B",       "of a document a token")                                    \
    X(bits,               QUANTS,   FACTS,  0.5,  64,   "bit",     "a weight")                                                 \
    X(head_bits,          QUANTS,   FACTS,  0.5,  64,   "bit",     "a weight of the embedding and the LM head; none: as the others") \
    X(kv_bits,            QUANTS,   FACTS,  0.5,  64,   "bit",     "a number of KV")                                           \
    X(dollars_in,         PRICES,   MONEY,  1e-12, 1,   "$/token", "of the prompt")                                            \
    X(dollars_cached,     PRICES,   MONEY,  1e-12, 1,   "$/token", "of a prompt's part that is cached")                        \
    X(dollars_out,        PRICES,   MONEY,  1e-12, 1,   "$/token", "of the answer")                                            \
    X(grams_kwh,          CARBON,   ENERGY, 0,    5000, "g/kWh",   "of CO2 equivalent")                                        \
    X(joules_byte_up,     RADIOS,   ENERGY, 0,    1,    "J/B",     "sent")                                                     \
    X(joules_byte_down,   RADIOS,   ENERGY, 0,    1,    "J/B",     "received")                                                 \
    X(active_watts,       RADIOS,   ENERGY, 0,    1000, "W",       "while data flow")                                          \
    X(tail_watts,         RADIOS,   ENERGY, 0,    1000, "W",       "after them")                                               \
    X(tail_seconds,       RADIOS,   ENERGY, 0,    1e4,  "s",       "of the tail")                                              \
    X(promotion_watts,    RADIOS,   ENERGY, 0,    1000, "W",       "while it wakes")                                           \
    X(promotion_seconds,  RADIOS,   TIME,   0,    1e3,  "s",       "until an idle radio sends")

enum duo_key {
#define X(key, table, claim, least, most, unit, what) DUO_KEY_##key,
    DUO_CONSTANTS(X)
#undef X
    DUO_KEYS
};

struct duo_key_info { const char *name, *unit, *what; enum duo_table table; enum duo_claim claim; double least, most; };
extern const struct duo_key_info duo_keys[DUO_KEYS];

/* One number with what vouches for it.  `value` is NAN where nothing is known; while a draw is on it is the drawn one. */
struct duo_value {
    double value, given, low, high;
    enum duo_provenance status;
    const char *unit, *source, *url, *note, *date;      /* unit: as in the file; date: of the wide tables and runtimes */
    const char *scope;                                  /* of a runtime's constant */
    uint64_t    id;                                     /* of the draw: hash of "table/row/key" */
};

/* A price list's row has also `context` and `vocabulary`. */
struct duo_row {
    enum duo_table table;
    const char *name, *title, *class, *site, *runtime;  /* of hardware: usual runtime; title also a model's family */
    const char *activation;                             /* of a quant */
    const char *quant;                                  /* of a GGUF file: the format of its weights, "q4_0"; NULL: none of quants.csv */
    const char *aliases, *date, *source;
    struct duo_value value[DUO_KEYS];
};

/* NULL: *err names the nearest.  A model may be the path of a GGUF file (ends with .gguf), relative to the folder of `file`. */
const struct duo_row *duo_catalogue_row(const struct duo_catalogue *, enum duo_table, const char *name, const char *file, int line,
                                        struct duo_err *);
/* The same without a message: NULL when there is none. */
const struct duo_row *duo_catalogue_find(const struct duo_catalogue *, enum duo_table, const char *name);
/* The constants of a runtime on a device for a quant (NULL: none), narrowest scope first (2); .value is NAN where none is given. */
void duo_catalogue_constants(const struct duo_catalogue *, const struct duo_row *device, const char *runtime, const char *quant,
                             struct duo_value out[DUO_KEYS]);
/* Its name for tables: of a file that without the folders. */
const char *duo_row_label(const struct duo_row *);
/* The architecture of a model; what its row leaves open is 0. */
void duo_row_arch(const struct duo_row *model, struct duo_arch *);
/* The peak rate that products of this quant run at on this device: its activation's format, or the next wider one that the
 * device has (fp8, int8, then fp16, then fp32).  NULL: none is known. */
const struct duo_value *duo_row_peak(const struct duo_row *device, const struct duo_row *quant);

#endif
