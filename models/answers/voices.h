/* voices.h - who can be recorded: one table of functions for models that run here and models behind a server.
 *
 * (1) What a voice can't tell is a function that is not there, or one that says DUO_FELL_SHORT and why: then that is not
 *     recorded, and nothing else is missing.  Any other failure ends the recording; what is done is kept.
 * (2) One question at a time: ask() first; all else is about that question.
 * (3) An utterance is its voice's, and freed by it; those of different voices are only passed on to voices that draft
 *     for each other. */
#ifndef DUO_MODELS_VOICES_H
#define DUO_MODELS_VOICES_H

#include "models/answers/speaker.h"

struct duo_utterance {
    int                       n;             /* tokens; -1: not told */
    bool                      ended;         /* false: cut at the most tokens */
    int                       thinking;      /* tokens before the answer that nobody sees; -1: not told */
    const char               *text;
    const int32_t            *ids;           /* NULL: not told */
    const struct duo_grained *numbers;       /* NULL: not told; DUO_GRID_UNKNOWN in it: this one isn't */
    void                     *own;           /* the voice's: what it said, in its own form */
};

struct duo_voice {
    const struct duo_voice_kind *kind;
    const char *name, *digest, *quant;       /* digest: of the model's file, or of what names it; quant NULL: not told */
    int layers, width, vocabulary;           /* 0: none, or not told */
};

struct duo_voice_kind {
    const char *name;                        /* "gguf", "ngram", "exit" (a model left behind an early layer), "url" */
    bool only_drafts;                        /* its own answers are of no interest: no votes, no embeddings, few tokens */
    /* The prompt's tokens (-1: not told), and their ids, borrowed until the next question (NULL: not told). */
    enum duo_status (*ask)  (struct duo_voice *, const char *prompt, int *tokens, const int32_t **ids, struct duo_err *);
    /* Its answer, or what it writes behind the first `keep` tokens of an answer. */
    enum duo_status (*say)  (struct duo_voice *, const struct duo_utterance *behind, int keep, const struct duo_say *, struct duo_utterance *,
                             struct duo_err *);
    void            (*forget)(struct duo_voice *, struct duo_utterance *);        /* what it points to */
    /* From here on NULL: it can't.  One entry a token of the answer; of duo_judged the id of the choice may be -1: not told. */
    bool            (*drafts)(struct duo_voice *drafter, struct duo_voice *verifier);    /* asked of those with one judge() only */
    enum duo_status (*judge)(struct duo_voice *, const struct duo_utterance *answer, struct duo_judged *, struct duo_err *);
    enum duo_status (*accept)(struct duo_voice *drafter, struct duo_voice *verifier, const struct duo_utterance *answer, uint16_t *, struct duo_err *);
    enum duo_status (*exits)(struct duo_voice *, const struct duo_utterance *answer, struct duo_left *, struct duo_err *);   /* rows of layers - 1 */
    enum duo_status (*embed)(struct duo_voice *, float *, struct duo_err *);      /* of the prompt: `width` floats */
    void            (*free)(struct duo_voice *);
};

/* One voice for each of a speaker's, in its order; each is freed by its kind's free(), with the last of them the speaker. */
enum duo_status duo_voices_speak(struct duo_voice *out[], const struct duo_speaker_spec *, struct duo_err *);

#endif
