/* draft.h - a smaller model of the same vocabulary guesses how a text goes on; duo_context_verify() of the larger one judges it.
 *
 * (1) What is drafted never changes the text: that is the verifier's.
 * (2) The drafter draws with the verifier's sampling, seed and positions, so that both draw alike where they think alike.
 * (3) It runs each token once: what it has run and the text no longer has is forgotten. */
#ifndef DUO_SLM_DRAFT_H
#define DUO_SLM_DRAFT_H

#include "models/slm/tokenizer.h"
#include "models/slm/transformer.h"

struct duo_drafter {
    struct duo_context *context;     /* the caller's, with room for the text and the draft */
    const struct duo_model *model;
    struct duo_ids      ran;         /* what the context holds */
    struct duo_sampler  sampler;
    float              *logits;
};
void duo_drafter_init(struct duo_drafter *, const struct duo_model *, struct duo_context *);
void duo_drafter_free(struct duo_drafter *);     /* the context stays */

/* At most `most` tokens behind text[0 .. n), n at least 1, into `out`; *drafted: how many (fewer when there is no room). */
enum duo_status duo_draft(struct duo_drafter *, const int32_t *text, size_t n, size_t most, const struct duo_sampling *, int32_t *out, size_t *drafted,
                          struct duo_err *);

/* Two models that can work so have one vocabulary; else the error names the first token that differs. */
enum duo_status duo_draft_check(const struct duo_tokenizer *drafter, const char *drafter_path, const struct duo_tokenizer *verifier,
                                const char *verifier_path, struct duo_err *);

#endif
