/* speaker.h - real models that speak: texts as token ids, by the kernels' one order, each result computed once.
 *
 * A *voice* is a GGUF file (models/slm), or an n-gram drafter over the same vocabulary (models/pair/ngram.h).  All voices of a
 * speaker have one vocabulary (refused otherwise, unless `apart`: then only outcomes can be asked for, no verification).
 * FILE@L is that model left behind layer L (1 .. layers - 1): the exit head on that layer's states, an early-layer drafter.
 *
 * (1) Every function is pure: same voice, ids and options give the same bits, whatever was asked before, with any number of
 *     threads, on any instruction set.
 * (2) What was computed once is remembered by (voice, ids, options) up to a stated memory; what is forgotten is computed again.
 * (3) Numbers of a token are put on the record's grid (DUO_GRID steps in [0, 1], to the nearest) here, so that what is executed equals what
 *     was recorded to the last bit.
 * (4) A greedy token is the largest logit's, of equals the first id.  A sampled one at position p is drawn from
 *     stream (seed, "token", p) of sampler.h.
 * (5) An early exit chooses the token at the exit head when that is surer than its bound; the layers behind are caught up, so
 *     that keys and values are those of the whole model. */
#ifndef DUO_MODELS_SPEAKER_H
#define DUO_MODELS_SPEAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/err.h"

enum { DUO_GRID = 65534, DUO_GRID_UNKNOWN = 65535, DUO_SPEAKER_VOICES = 8 };    /* unknown: servers that don't tell */

struct duo_grained { uint16_t probability, margin, entropy; };      /* of a token, in steps of 1 / DUO_GRID */

struct duo_speaker_spec {
    int n_voices;
    const char *names[DUO_SPEAKER_VOICES], *paths[DUO_SPEAKER_VOICES];    /* a GGUF file, or an n-gram drafter's */
    int  threads;                        /* 0: one */
    bool apart;
    bool chat;                           /* put the prompt into the model's own chat layout (models that have one) */
    int64_t memory;                      /* bytes of results remembered; 0: 256 MB */
};

struct duo_speaker;
enum duo_status duo_speaker_open(struct duo_speaker **, const struct duo_speaker_spec *, struct duo_err *);
void            duo_speaker_free(struct duo_speaker *);
int             duo_speaker_layers(const struct duo_speaker *, int voice);      /* 0: an n-gram drafter */
int             duo_speaker_width(const struct duo_speaker *, int voice);       /* of a hidden state; 0 as above */
int             duo_speaker_context(const struct duo_speaker *, int voice);     /* most tokens of prompt and answer */
int             duo_speaker_vocabulary(const struct duo_speaker *, int voice);  /* entries */
bool            duo_speaker_only_drafts(const struct duo_speaker *, int voice); /* an n-gram drafter, an early layer */
const char     *duo_speaker_quant(const struct duo_speaker *, int voice);       /* "Q8_0"; NULL: an n-gram drafter */
const char     *duo_speaker_digest(const struct duo_speaker *, int voice);      /* of the file's bytes, hex */

/* Ids of a prompt with what the model puts before it; of an answer as text.  free(*ids); free the text. */
int    duo_speaker_encode(struct duo_speaker *, int voice, const char *prompt, int32_t **ids);
char  *duo_speaker_decode(struct duo_speaker *, int voice, const int32_t *ids, int n);
bool   duo_speaker_ends(const struct duo_speaker *, int voice, int32_t id);     /* the end of an answer; counted as a token */

struct duo_say {
    int      tokens;                     /* at most so many */
    double   temperature;                /* 0: greedy */
    uint64_t seed;
    int      exit_layer;                 /* 0: none; 1 .. layers - 1 of this model */
    double   exit_above;
    double   stop_below;                 /* stop after a token less probable; 0: never */
};

struct duo_said {                        /* borrowed from the speaker until the next call */
    int  n;                              /* tokens */
    bool ended;                          /* the last one ends the answer */
    const int32_t            *ids;
    const struct duo_grained *numbers;
};
/* What `voice` writes behind ids[0 .. n): prompt and text so far.  Results longer than memory allows end at the context's end. */
enum duo_status duo_speaker_say(struct duo_speaker *, int voice, const int32_t *ids, int n, const struct duo_say *, struct duo_said *, struct duo_err *);

/* What `voice` thinks of the text ids[n .. n + m) behind ids[0 .. n), in one pass: for each position the rank of the text's
 * token in its distribution (1: its own choice), that token's probability, its own choice and that one's numbers. */
struct duo_judged { int32_t rank, choice; uint16_t probability; struct duo_grained numbers; };
enum duo_status duo_speaker_judge(struct duo_speaker *, int voice, const int32_t *ids, int n, int m, struct duo_judged *out, struct duo_err *);

/* For the same positions: the chance that `verifier` accepts a token drawn from `drafter` (both at temperature 1), the sum over
 * the vocabulary, by id, of min(p, q), on the grid. */
enum duo_status duo_speaker_accept(struct duo_speaker *, int drafter, int verifier, const int32_t *ids, int n, int m, uint16_t *out, struct duo_err *);

/* For the positions of ids[n .. n + m): the exit head's choice and probability behind each layer 1 .. layers - 1 (rows of
 * layers - 1). */
struct duo_left { int32_t choice; uint16_t probability; };
enum duo_status duo_speaker_exits(struct duo_speaker *, int voice, const int32_t *ids, int n, int m, struct duo_left *out, struct duo_err *);

/* Mean of the last layer's states over ids[0 .. n): `width` floats. */
enum duo_status duo_speaker_embed(struct duo_speaker *, int voice, const int32_t *ids, int n, float *out, struct duo_err *);

/* Fused: the token of largest weighted mean of the voices' logits (log-probabilities), greedily, until the end.  One vocabulary. */
enum duo_status duo_speaker_fuse(struct duo_speaker *, int n_voices, const int *voices, const double *weights, const int32_t *ids, int n,
                                 int tokens, struct duo_said *, struct duo_err *);

#endif
