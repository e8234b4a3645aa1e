/* speaker_inside.h - the inside of speaker.h, shared by speaker.c (texts, writing) and speaker_read.c (reading what is there). */
#ifndef DUO_ANSWERS_SPEAKER_INSIDE_H
#define DUO_ANSWERS_SPEAKER_INSIDE_H

#include "models/answers/memo.h"
#include "models/answers/speaker.h"
#include "models/pair/ngram.h"
#include "models/slm/chat.h"
#include "models/slm/transformer.h"

enum { DUO_SPEAKER_SLOTS = 16, DUO_SPEAKER_ROWS = 32 };     /* contexts a voice keeps; rows of logits held at once */

/* A context and the tokens that it holds. */
struct duo_slot { struct duo_context *context; int32_t *ids; int n; uint64_t used; };

/* A file, opened once however many voices are of it: a model, or an n-gram drafter, which has no texts of its own. */
struct duo_mind { char *path; struct duo_model *model; struct duo_tokenizer *tokenizer; struct duo_chat_form chat; struct duo_ngram *ngram; };

struct duo_mouth {
    const struct duo_mind *mind, *texts; /* texts: whose tokens they are */
    int                    layers;       /* it speaks behind so many; all, or FILE@L */
    bool                   early;        /* fewer than the model has */
    struct duo_slot        slot[DUO_SPEAKER_SLOTS];
    int                    n_slots, most_slots, context;
    size_t                 vocabulary, width;
    float                 *logits;       /* DUO_SPEAKER_ROWS rows */
    float                 *state;        /* of the tokens of a pass */
    size_t                 state_room;
    char                  *name, digest[40];
};

/* Room that grows: of a key, of a text. */
struct duo_words { int32_t *at; size_t n, room; };
void duo_words_add(struct duo_words *, const void *ids, size_t n);

struct duo_speaker {
    int              n_voices, n_minds;
    struct duo_mouth voice[DUO_SPEAKER_VOICES];
    struct duo_mind  mind[DUO_SPEAKER_VOICES];
    struct duo_pool *pool;
    struct duo_memo *memo;
    struct duo_sampler sampler;
    uint64_t         clock;              /* of the slots' use */
    struct duo_words key, text, ids;     /* ids, numbers: of what was said last */
    struct duo_grained *numbers;
    size_t           numbers_room;
};

uint16_t duo_grain_of(float in_0_1);
struct duo_grained duo_grained_of(struct duo_token_numbers);
void     duo_said_add(struct duo_speaker *, int32_t id, struct duo_grained);
enum duo_status duo_no_number(const struct duo_mouth *, int position, struct duo_err *);     /* a model whose logits are none */

/* A context that holds a beginning of ids[0 .. n - 1), the longest there is: the rest, at least the last one, is to be run. */
enum duo_status duo_mouth_reach(struct duo_speaker *, int voice, const int32_t *ids, int n, struct duo_slot **, struct duo_err *);

/* Runs m tokens behind what the slot holds; logits into voice->logits (of all: m at most DUO_SPEAKER_ROWS).  `see`, unless it is
 * NULL, gets the states of the m tokens, of the model's width, behind each layer, 1 .. layers. */
typedef void duo_seeing(void *user, int layer, int m, const float *states);
enum duo_status duo_mouth_run(struct duo_speaker *, int voice, struct duo_slot *, const int32_t *ids, int m, enum duo_logits,
                              duo_seeing *see, void *user, struct duo_err *);

/* Keys of the memo: what is asked, of whom, with which numbers, behind which ids. */
void duo_key_begin(struct duo_speaker *, int what, int voice);
void duo_key_add  (struct duo_speaker *, const void *, size_t bytes);      /* a multiple of 4 */

#endif
