/* make.h - model files of an exact shape with random weights: as fast and as large as the real ones, and no one's property.
 *
 * (1) The same seed gives the same bytes.
 * (2) Each tensor has the format that llama.cpp's quantize program gives it in a file of that name: one name stands for
 *     a mix (Q4_K_M of rows that are no multiple of 256 is mostly Q5_0), and the head keeps more bits.
 * (3) The vocabulary has the real one's size, family and special tokens; its words are made up.
 * (4) llama.cpp opens the file.
 * (5) The shapes tiny-* are for tests: every architecture in a few hundred kilobytes. */
#ifndef DUO_SLM_MAKE_H
#define DUO_SLM_MAKE_H

#include "models/slm/shape.h"

enum duo_word_family { DUO_WORDS_SMOLLM, DUO_WORDS_QWEN, DUO_WORDS_LLAMA3, DUO_WORDS_LLAMA2, DUO_WORDS_GEMMA };

struct duo_model_plan {
    const char           *name, *about;
    enum duo_architecture arch;
    enum duo_word_family        words;
    int    layers, width, heads, kv_heads, key_width, ffn, vocabulary, context;
    double base, eps;
    bool   tied;
    int    window;               /* 0: none */
};

/* All plans, and all names of mixes ("q4_0", "q4_k_m", ...). */
const struct duo_model_plan *duo_model_plans(int *n);
int duo_model_mixes(const char *const **names);

/* `like` and `mix` by name; an unknown one is refused with the nearest.  *bytes: the file's size; may be NULL. */
enum duo_status duo_model_make(const char *like, const char *mix, uint64_t seed, const char *path, size_t *bytes, struct duo_err *);

/* The format of a weight in a file of that mix (an index of duo_model_mixes). */
enum duo_format duo_mix_format(int mix, enum duo_weight, const struct duo_shape *, int layer);

/* For make.c: the tokenizer's part of the metadata. */
void duo_words_put(struct duo_gguf_out *, enum duo_word_family, int n, uint64_t seed);

#endif
