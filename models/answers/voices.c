/* voices.c - a speaker's models as voices that can be recorded (voices.h). */
#include "models/answers/voices.h"

#include <stdlib.h>
#include <string.h>

/* What all voices of one speaker share. */
struct band { struct duo_speaker *speaker; int voices; bool apart; };

struct speaking {
    struct duo_voice v;                      /* first */
    struct band     *band;
    int              index;                  /* the speaker's number of it */
    int32_t         *prompt, *ids;           /* the question's ids; room for them and what stands behind */
    int              n_prompt, room;
    char            *name, *file;
};

struct said { char *text; int32_t *ids; struct duo_grained *numbers; };

static struct speaking *of(struct duo_voice *v) { return (struct speaking *)v; }

static enum duo_status ask(struct duo_voice *v, const char *prompt, int *tokens, const int32_t **ids, struct duo_err *err)
{
    struct speaking *s = of(v);
    int context = duo_speaker_context(s->band->speaker, s->index);

    free(s->prompt);
    s->prompt = NULL;
    s->n_prompt = duo_speaker_encode(s->band->speaker, s->index, prompt, &s->prompt);
    *tokens = s->n_prompt;
    *ids    = s->prompt;
    if (s->n_prompt < 1) return duo_fail(err, DUO_BAD_INPUT, "%s: the prompt is no token", v->name);
    if (s->n_prompt >= context)
        return duo_fail(err, DUO_BAD_INPUT, "%s: the prompt is %d tokens; the model's context is %d", v->name, s->n_prompt, context);
    return DUO_OK;
}

/* The prompt and the first `keep` tokens of an answer; returns how many. */
static int context_of(struct speaking *s, const struct duo_utterance *answer, int keep)
{
    int n = s->n_prompt + keep;

    if (n > s->room) s->ids = duo_grow(s->ids, (size_t)(s->room = 2 * n), sizeof *s->ids);
    memcpy(s->ids, s->prompt, (size_t)s->n_prompt * sizeof *s->ids);
    if (keep) memcpy(s->ids + s->n_prompt, answer->ids, (size_t)keep * sizeof *s->ids);
    return n;
}

static enum duo_status say(struct duo_voice *v, const struct duo_utterance *behind, int keep, const struct duo_say *how, struct duo_utterance *out,
                           struct duo_err *err)
{
    struct speaking *s = of(v);
    struct duo_said said;
    struct said *own;
    int n = context_of(s, behind, keep);

    DUO_TRY(duo_speaker_say(s->band->speaker, s->index, s->ids, n, how, &said, err));
    own = duo_new(1, sizeof *own);
    own->ids     = duo_new((size_t)said.n + 1, sizeof *own->ids);
    own->numbers = duo_new((size_t)said.n + 1, sizeof *own->numbers);
    memcpy(own->ids, said.ids, (size_t)said.n * sizeof *own->ids);
    memcpy(own->numbers, said.numbers, (size_t)said.n * sizeof *own->numbers);
    *out = (struct duo_utterance){ .n = said.n, .ended = said.ended, .ids = own->ids, .numbers = own->numbers, .own = own };
    own->text = duo_speaker_decode(s->band->speaker, s->index, own->ids, out->n);
    out->text = own->text;
    return DUO_OK;
}

static void forget(struct duo_voice *v, struct duo_utterance *u)
{
    struct said *own = u->own;

    (void)v;
    if (!own) return;
    free(own->text);
    free(own->ids);
    free(own->numbers);
    free(own);
    *u = (struct duo_utterance){ 0 };
}

static bool drafts(struct duo_voice *drafter, struct duo_voice *verifier)
{
    return of(drafter)->band == of(verifier)->band && !of(drafter)->band->apart && drafter != verifier;
}

/* A model left early drafts for itself only: its file is FILE@L. */
static bool drafts_for_itself(struct duo_voice *drafter, struct duo_voice *verifier)
{
    size_t n = strlen(of(verifier)->file);

    return drafts(drafter, verifier) && strncmp(of(drafter)->file, of(verifier)->file, n) == 0 && of(drafter)->file[n] == '@';
}

static enum duo_status judge(struct duo_voice *v, const struct duo_utterance *answer, struct duo_judged *out, struct duo_err *err)
{
    struct speaking *s = of(v);

    context_of(s, answer, answer->n);
    return duo_speaker_judge(s->band->speaker, s->index, s->ids, s->n_prompt, answer->n, out, err);
}

static enum duo_status accept(struct duo_voice *drafter, struct duo_voice *verifier, const struct duo_utterance *answer, uint16_t *out, struct duo_err *err)
{
    struct speaking *s = of(drafter);

    context_of(s, answer, answer->n);
    return duo_speaker_accept(s->band->speaker, s->index, of(verifier)->index, s->ids, s->n_prompt, answer->n, out, err);
}

static enum duo_status exits(struct duo_voice *v, const struct duo_utterance *answer, struct duo_left *out, struct duo_err *err)
{
    struct speaking *s = of(v);

    context_of(s, answer, answer->n);
    return duo_speaker_exits(s->band->speaker, s->index, s->ids, s->n_prompt, answer->n, out, err);
}

static enum duo_status embed(struct duo_voice *v, float *out, struct duo_err *err)
{
    return duo_speaker_embed(of(v)->band->speaker, of(v)->index, of(v)->prompt, of(v)->n_prompt, out, err);
}

static void done(struct duo_voice *v)
{
    struct speaking *s = of(v);

    free(s->prompt);
    free(s->ids);
    free(s->name);
    free(s->file);
    if (--s->band->voices == 0) {
        duo_speaker_free(s->band->speaker);
        free(s->band);
    }
    free(s);
}

static const struct duo_voice_kind
    gguf  = { .name = "gguf", .ask = ask, .say = say, .forget = forget, .drafts = drafts, .judge = judge, .accept = accept, .exits = exits, .embed = embed,
              .free = done },
    left  = { .name = "exit", .only_drafts = true, .ask = ask, .say = say, .forget = forget, .drafts = drafts_for_itself, .judge = judge, .accept = accept,
              .free = done },
    ngram = { .name = "ngram", .only_drafts = true, .ask = ask, .say = say, .forget = forget, .drafts = drafts, .judge = judge, .accept = accept,
              .free = done };

static bool leaves_early(const char *file)
{
    const char *at = strrchr(file, '@');

    return at && at[1] && strspn(at + 1, "0123456789") == strlen(at + 1);
}

enum duo_status duo_voices_speak(struct duo_voice *out[], const struct duo_speaker_spec *spec, struct duo_err *err)
{
    struct band *band = duo_new(1, sizeof *band);
    enum duo_status status = duo_speaker_open(&band->speaker, spec, err);

    if (status != DUO_OK) {
        free(band);
        return status;
    }
    band->voices = spec->n_voices;
    band->apart  = spec->apart;
    for (int i = 0; i < spec->n_voices; i++) {
        struct speaking *s = duo_new(1, sizeof *s);
        int layers = duo_speaker_layers(band->speaker, i);
        s->band = band, s->index = i;
        s->name = duo_copy(spec->names[i]), s->file = duo_copy(spec->paths[i]);
        s->v = (struct duo_voice){ .kind = leaves_early(s->file) ? &left : layers ? &gguf : &ngram, .name = s->name,
            .digest = duo_speaker_digest(band->speaker, i), .quant = duo_speaker_quant(band->speaker, i), .layers = layers,
            .width = duo_speaker_width(band->speaker, i), .vocabulary = duo_speaker_vocabulary(band->speaker, i) };
        out[i] = &s->v;
    }
    return DUO_OK;
}
