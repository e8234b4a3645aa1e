/* recording_read.h - a recording in memory, by index. */
#ifndef DUO_MODELS_RECORDING_READ_H
#define DUO_MODELS_RECORDING_READ_H

#include "models/answers/answers.h"
#include "models/answers/source.h"

struct duo_recorded_answer {
    int                       tokens, thinking;
    double                    quality, share;    /* NAN: not known */
    struct { int tokens, draw; double quality; const unsigned char *alike; } elected;    /* tokens 0: the own answer won, or nobody voted */
    const struct duo_grained *numbers;           /* NULL: not known */
    const unsigned char      *exit_same;         /* bits, rows of layers - 1 */
    const uint16_t           *exit_probability;  /* NULL: not known */
};

struct duo_recorded_ranks {
    const unsigned char      *rank;              /* a token of the verifier's answer each; NULL: not known */
    const struct duo_grained *numbers;           /* of the drafter's own choices; NULL: not known */
    const int32_t            *behind;            /* index of what it wrote behind a disagreement, or -1; NULL: not known */
};

struct duo_recording {
    int      n, n_voices, n_pairs, n_scores, n_behind, samples;
    double   temperature;
    unsigned caps;
    char   **voices, **scores;
    int     *layers;                             /* of each voice; 0: not known */
    int     *pair;                               /* [drafter * n_voices + verifier]; -1: none */
    struct duo_query           *query;
    struct duo_recorded_answer *answer;          /* [query * n_voices + voice] */
    struct duo_recorded_ranks  *ranks;           /* [query * n_pairs + pair] */
    struct duo_behind          *behind;
    double                     *score;           /* [query * n_scores + score] */
    struct duo_keep { struct duo_keep *next; } *kept;        /* memory behind the pointers above */
};

enum duo_status duo_recording_read(struct duo_recording **, const char *path, double train_share, struct duo_err *);
void            duo_recording_free(struct duo_recording *);

#endif
