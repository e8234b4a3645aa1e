/* parallel_draft.c - draft on while the cloud verifies, hoping that all is accepted.
 *
 * (1) A draft of `draft` tokens is verified as soon as no other verification is in flight.
 * (2) Meanwhile the drafter goes on from that draft: first one token, its guess of the one that the verifier adds,
 *     then `draft` more.
 * (3) If the verifier's text is the guess, the drafting stands.  Else it is cancelled and starts again from the
 *     verifier's text.  A guess not yet made is dropped, too; so this is never behind draft_verify.
 * (4) What the verifier returned is shown; its text, once it ends, is the answer.
 * (5) If the drafter fails, the verifier writes the rest itself from the last verified text, shown as it comes.
 * (6) If the verifier fails, the request fails.  Only with `fallback: edge`, and while nothing was shown, the
 *     drafter writes on from its draft, shown as it comes. */
#include "policies/policy.h"

#include <string.h>

struct config  { double draft; bool fall_back; duo_place drafter, verifier; };

struct request {
    duo_text base, sent;              /* verified so far; the draft being verified */
    duo_text guess, ready;            /* sent and one token; a whole draft that waits for the verifier */
    duo_step drafting, verifying;
    bool     sent_ended, ready_ended;
    bool     lame, finishing;         /* the drafter has failed; the last writer is at work */
};

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    const char *fallback = "none";
    int bad;

    *c = (struct config){ .draft = 4, .drafter = DUO_DEVICE, .verifier = DUO_CLOUD };
    if ((bad = duo_number_of(p, "draft", 1, 64, &c->draft)) != 0) return bad;
    if (c->draft > (int)c->draft) return duo_refuse(p, "draft", "expected a whole number");
    if ((bad = duo_place_of(p, "drafter", &c->drafter)) != 0) return bad;
    if ((bad = duo_place_of(p, "verifier", &c->verifier)) != 0) return bad;
    if ((bad = duo_text_of(p, "fallback", &fallback)) != 0) return bad;
    c->fall_back = strcmp(fallback, "edge") == 0;
    return c->fall_back || strcmp(fallback, "none") == 0 ? 0 : duo_refuse(p, "fallback", "expected none or edge");
}

static void draft_from(struct duo_turn *t, duo_text text, int tokens)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    r->drafting = duo_write(t, (struct duo_work){ .at = c->drafter, .from = text, .tokens = tokens });
}

static void finish(struct duo_turn *t, duo_place at, duo_text from)
{
    struct request *r = t->request;

    r->finishing = true;
    duo_write(t, (struct duo_work){ .at = at, .from = from, .show = true });
}

static void verify(struct duo_turn *t, duo_text draft, bool ended)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    r->sent = draft;
    r->sent_ended = ended;
    r->guess = r->ready = 0;
    r->verifying = duo_verify(t, c->verifier, r->base, draft);              /* (1) */
    if (!ended && !r->lame) draft_from(t, draft, 1);                        /* (2) */
}

static void drafted(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    r->drafting = 0;
    if (!r->verifying) {
        verify(t, t->event.text, t->event.ended);                           /* (1) */
    } else if (r->guess) {
        r->ready = t->event.text;
        r->ready_ended = t->event.ended;
    } else {
        r->guess = t->event.text;
        if (!t->event.ended) draft_from(t, r->guess, (int)c->draft);        /* (2) */
    }
}

static void verified(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;
    bool right = r->guess && duo_begins(t, r->guess, t->event.text);

    r->base = t->event.text;
    r->verifying = 0;
    if (t->event.ended) {
        duo_answer(t, r->base);                                             /* (4) */
        return;
    }
    duo_show(t, r->base);                                                   /* (4) */
    if (right && r->ready)    { verify(t, r->ready, r->ready_ended); return; }    /* (3) (1) */
    if (right && r->drafting) { r->guess = 0; return; }                           /* (3) */
    if (r->drafting) duo_cancel(t, r->drafting);                            /* (3) */
    r->drafting = 0;
    r->guess = r->ready = 0;
    if (r->lame) finish(t, c->verifier, r->base);                           /* (5) */
    else         draft_from(t, r->base, (int)c->draft);                     /* (3) */
}

static void failed(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    if (!r->finishing && t->event.step == r->drafting) {
        r->drafting = 0;
        r->lame = true;
        if (!r->verifying) finish(t, c->verifier, r->base);                 /* (5) */
    } else if (!r->finishing && c->fall_back && duo_fits(t, t->prompt)) {
        if (r->drafting) duo_cancel(t, r->drafting);
        if (r->sent_ended) duo_answer(t, r->sent);                          /* (6) */
        else               finish(t, c->drafter, r->sent);                  /* (6) */
    } else {
        duo_give_up(t, duo_why(t->event.why));                              /* (6) */
    }
}

static void next(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    switch (t->event.kind) {
    case DUO_ARRIVED:
        r->base = t->prompt;
        draft_from(t, t->prompt, (int)c->draft);                            /* (1) */
        break;
    case DUO_WRITTEN:
        if (r->finishing) duo_answer(t, t->event.text);                     /* (5) (6) */
        else              drafted(t);
        break;
    case DUO_VERIFIED:
        verified(t);
        break;
    default:
        failed(t);
    }
}

DUO_POLICY(parallel_draft,
    .about        = "drafts on while the cloud verifies",
    .source       = "Liu et al. 2024 (PEARL) and its relatives; the tokens drafted in vain are paid",
    .needs        = DUO_AGREEMENT | DUO_TIME,
    .config_size  = sizeof(struct config),
    .request_size = sizeof(struct request),
    .init = init, .next = next);
