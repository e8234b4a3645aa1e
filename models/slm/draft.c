/* draft.c - drafting.  Requirements: draft.h. */
#include "models/slm/draft.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void duo_drafter_init(struct duo_drafter *d, const struct duo_model *m, struct duo_context *c)
{
    *d = (struct duo_drafter) { .context = c, .model = m, .logits = duo_new((size_t)duo_model_shape(m)->vocabulary, sizeof(float)) };
}

void duo_drafter_free(struct duo_drafter *d)
{
    free(d->ran.at);
    free(d->logits);
    duo_sampler_free(&d->sampler);
    *d = (struct duo_drafter) { 0 };
}

static enum duo_status run(struct duo_drafter *d, const int32_t *ids, size_t n, struct duo_err *err)
{
    DUO_TRY(duo_context_run(d->context, ids, n, DUO_LOGITS_LAST, d->logits, NULL, err));
    if (d->ran.n + n > d->ran.room) {
        d->ran.room = 2 * (d->ran.n + n);
        d->ran.at = duo_grow(d->ran.at, d->ran.room, sizeof *d->ran.at);
    }
    memcpy(d->ran.at + d->ran.n, ids, n * sizeof *ids);
    d->ran.n += n;
    return DUO_OK;
}

enum duo_status duo_draft(struct duo_drafter *d, const int32_t *text, size_t n, size_t most, const struct duo_sampling *how, int32_t *out, size_t *drafted,
                          struct duo_err *err)
{
    assert(n >= 1);
    size_t same = 0, room = duo_context_capacity(d->context);
    while (same < d->ran.n && same + 1 < n && d->ran.at[same] == text[same]) same++;     /* the last one is always run: its logits are needed */
    duo_context_cut(d->context, d->ran.n = same);
    *drafted = 0;
    if (most == 0 || n > room) return DUO_OK;
    DUO_TRY(run(d, text + same, n - same, err));
    for (;;) {
        int token = duo_sample(&d->sampler, how, d->logits, duo_model_shape(d->model)->vocabulary, n + *drafted);
        if (token == DUO_NO_TOKEN) return DUO_OK;                                        /* (1): a drafter that has nothing to say does no harm */
        out[(*drafted)++] = token;
        if (*drafted == most || d->ran.n == room) return DUO_OK;
        DUO_TRY(run(d, &out[*drafted - 1], 1, err));
    }
}

enum duo_status duo_draft_check(const struct duo_tokenizer *drafter, const char *drafter_path, const struct duo_tokenizer *verifier,
                                const char *verifier_path, struct duo_err *err)
{
    int at = duo_tokenizers_differ(drafter, verifier), n = duo_tokenizer_size(drafter), m = duo_tokenizer_size(verifier);
    if (at < 0) return DUO_OK;
    size_t a = 0, b = 0;
    const char *mine = at < n ? duo_token_text(drafter, at, &a) : "", *theirs = at < m ? duo_token_text(verifier, at, &b) : "";
    return duo_fail_at(err, DUO_BAD_INPUT, drafter_path, 0, 0, "its vocabulary of %d is not that of %s (%d): token %d is '%.*s' and '%.*s'; a draft can't be verified",
                       n, verifier_path, m, at, (int)(a < 40 ? a : 40), mine, (int)(b < 40 ? b : 40), theirs);
}
