/* voice_url.c - a model behind a server as a voice.  Requirements: voice_url.h. */
#include "models/answers/voice_url.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers/grained.h"

struct said {                                /* an utterance's own */
    struct duo_heard heard;
    int32_t *ids;
    struct duo_grained *numbers;
};

struct url {
    struct duo_voice voice;                  /* first: a voice is one of these */
    struct duo_endpoint *endpoint;
    char *name, *digest, *prompt;
    struct said *first;                      /* its greedy answer, where asking for it is the only way to have the prompt counted */
    int n_asked;                             /* for whom it was asked whether it drafts: once a recording */
    struct { const struct duo_voice *verifier; bool yes; } asked[DUO_SPEAKER_VOICES];
};

static struct url *own(struct duo_voice *v) { return (struct url *)v; }

/* On the record's grid. */
static uint16_t grain(double p)
{
    if (isnan(p)) return DUO_GRID_UNKNOWN;
    return (uint16_t)lround((p < 0 ? 0 : p > 1 ? 1 : p) * DUO_GRID);
}

static void drop(struct said *s)
{
    if (!s) return;
    duo_heard_free(&s->heard);
    free(s->ids);
    free(s->numbers);
    free(s);
}

static enum duo_status ask(struct duo_voice *v, const char *prompt, int *tokens, const int32_t **ids, struct duo_err *err)
{
    struct url *u = own(v);
    drop(u->first);
    u->first = NULL;
    free(u->prompt);
    u->prompt = duo_copy(prompt);
    DUO_TRY(duo_endpoint_prompt(u->endpoint, prompt, tokens, ids, err));
    if (*tokens >= 0) return DUO_OK;
    struct said *s = duo_new(1, sizeof *s);
    enum duo_status status = duo_endpoint_say(u->endpoint, prompt, &(struct duo_hear) { .tokens = DUO_ANSWER_TOKENS }, &s->heard, err);
    if (status == DUO_OK && s->heard.prompt_tokens < 1) {
        duo_heard_free(&s->heard);
        status = duo_fail(err, DUO_RUN_FAILED, "%s: the server doesn't count the tokens of a prompt", v->name);
    }
    if (status != DUO_OK) return free(s), status;
    *tokens = s->heard.prompt_tokens;
    u->first = s;
    return DUO_OK;
}

static void forget(struct duo_voice *v, struct duo_utterance *said)
{
    (void)v;
    drop(said->own);
    *said = (struct duo_utterance) { 0 };
}

/* In the recorder's form: ids only when all are known. */
static void put(struct said *s, struct duo_utterance *out)
{
    const struct duo_heard *h = &s->heard;
    *out = (struct duo_utterance) { .n = h->tokens, .ended = h->ended, .thinking = h->thinking, .text = h->text, .own = s };
    if (h->n == 0) return;
    bool ids = true;
    s->ids = duo_new((size_t)h->n, sizeof *s->ids);
    s->numbers = duo_new((size_t)h->n, sizeof *s->numbers);
    for (int i = 0; i < h->n; i++) {
        const struct duo_heard_token *t = &h->at[i];
        s->ids[i] = t->id;
        s->numbers[i] = (struct duo_grained) { grain(t->probability), grain(t->margin), grain(t->entropy) };
        if (t->id < 0) ids = false;
    }
    out->ids = ids ? s->ids : NULL;
    out->numbers = s->numbers;
}

static enum duo_status say(struct duo_voice *v, const struct duo_utterance *behind, int keep, const struct duo_say *say, struct duo_utterance *out, struct duo_err *err)
{
    struct url *u = own(v);
    if (say->exit_layer || say->stop_below > 0) return duo_fail(err, DUO_FELL_SHORT, "a server's model exits no layer early and stops at no token");
    struct duo_hear hear = { .tokens = say->tokens, .temperature = say->temperature, .seed = say->seed };
    if (!behind && u->first && say->temperature == 0 && say->tokens == DUO_ANSWER_TOKENS) {
        put(u->first, out);
        u->first = NULL;
        return DUO_OK;
    }
    struct said *s = duo_new(1, sizeof *s);
    enum duo_status status = behind ? duo_endpoint_say_behind(u->endpoint, u->prompt, &((const struct said *)behind->own)->heard, keep, &hear, &s->heard, err)
                           : duo_endpoint_say(u->endpoint, u->prompt, &hear, &s->heard, err);
    if (status == DUO_OK) put(s, out);
    else                  free(s);
    return status;
}

static enum duo_status judge(struct duo_voice *v, const struct duo_utterance *answer, struct duo_judged *out, struct duo_err *err)
{
    struct url *u = own(v);
    const struct duo_heard *heard = &((const struct said *)answer->own)->heard;
    struct duo_weighed *weighed = duo_new((size_t)heard->n + 1, sizeof *weighed);
    enum duo_status status = duo_endpoint_weigh(u->endpoint, u->prompt, heard, weighed, err);
    for (int i = 0; status == DUO_OK && i < heard->n; i++)
        out[i] = (struct duo_judged) { .rank = weighed[i].rank, .choice = -1, .probability = grain(weighed[i].probability),
                                       .numbers = { grain(weighed[i].choice), grain(weighed[i].margin), DUO_GRID_UNKNOWN } };
    free(weighed);
    return status;
}

static bool drafts(struct duo_voice *drafter, struct duo_voice *verifier);

static void release(struct duo_voice *v)
{
    struct url *u = own(v);
    duo_endpoint_free(u->endpoint);
    drop(u->first);
    free(u->name);
    free(u->digest);
    free(u->prompt);
    free(u);
}

static const struct duo_voice_kind kind = { .name = "url", .ask = ask, .say = say, .forget = forget, .drafts = drafts, .judge = judge, .free = release };

enum duo_status duo_voice_url_drafts(struct duo_voice *drafter, struct duo_voice *verifier, struct duo_err *err)
{
    struct url *u = own(drafter);
    if (drafter->kind != &kind || verifier->kind != &kind)                                                  /* (2) */
        return duo_fail(err, DUO_FELL_SHORT, "%s and %s don't both stand behind servers: neither can draft for the other", drafter->name, verifier->name);
    enum duo_status status = duo_endpoint_same_words(u->endpoint, own(verifier)->endpoint, err);
    if (u->n_asked < DUO_SPEAKER_VOICES) {
        u->asked[u->n_asked].verifier = verifier;
        u->asked[u->n_asked++].yes = status == DUO_OK;
    }
    return status;
}

static bool drafts(struct duo_voice *drafter, struct duo_voice *verifier)
{
    const struct url *u = own(drafter);
    for (int i = 0; i < u->n_asked; i++)
        if (u->asked[i].verifier == verifier) return u->asked[i].yes;
    return duo_voice_url_drafts(drafter, verifier, NULL) == DUO_OK;
}

enum duo_status duo_voice_url(struct duo_voice **out, const char *name, const struct duo_endpoint_spec *spec, struct duo_err *err)
{
    struct url *u = duo_new(1, sizeof *u);
    *out = &u->voice;
    u->name = duo_copy(name);
    u->voice = (struct duo_voice) { .kind = &kind, .name = u->name };
    DUO_TRY(duo_endpoint_open(&u->endpoint, spec, err));
    const char *server = duo_endpoint_server_name(u->endpoint), *model = duo_endpoint_model(u->endpoint);
    size_t n = strlen(server) + strlen(model) + 2;
    u->digest = duo_new(n, 1);                                                         /* (1) */
    snprintf(u->digest, n, "%s:%s", server, model);
    u->voice.digest = u->digest;
    if (duo_endpoint_vocabulary(u->endpoint) > 0) u->voice.vocabulary = duo_endpoint_vocabulary(u->endpoint);
    return DUO_OK;
}
