/* draft_verify.c - the device drafts, the cloud verifies a draft in one pass.
 *
 * (1) The drafter writes `draft` tokens; the verifier accepts a prefix of them and adds one of its own.
 * (2) What the verifier returned is shown; the next draft starts from it.
 * (3) The answer is the verifier's text, once it ends.
 * (4) If the drafter fails, the verifier writes the rest itself, shown as it comes.
 * (5) If the verifier fails, the request fails: the drafter's own words would be another text.  Only with
 *     `fallback: edge`, and while nothing was shown, the drafter writes on from its draft, shown as it comes. */
#include "policies/policy.h"

#include <string.h>

struct config  { double draft; bool fall_back; duo_place drafter, verifier; };
struct request { duo_text base, draft; bool ended; enum { DRAFTING, VERIFYING, FINISHING } doing; };

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

static void draft_from(struct duo_turn *t, duo_text base)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    r->base = base;
    r->doing = DRAFTING;
    duo_write(t, (struct duo_work){ .at = c->drafter, .from = base, .tokens = (int)c->draft });
}

static void finish(struct duo_turn *t, duo_place at, duo_text from)
{
    struct request *r = t->request;

    r->doing = FINISHING;
    duo_write(t, (struct duo_work){ .at = at, .from = from, .show = true });
}

static void failed(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    if (r->doing == DRAFTING)
        finish(t, c->verifier, r->base);                               /* (4) */
    else if (r->doing == FINISHING || !c->fall_back || !duo_fits(t, t->prompt))
        duo_give_up(t, duo_why(t->event.why));                         /* (5) */
    else if (r->ended)
        duo_answer(t, r->draft);                                       /* (5) */
    else
        finish(t, c->drafter, r->draft);                               /* (5) */
}

static void next(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    switch (t->event.kind) {
    case DUO_ARRIVED:
        draft_from(t, t->prompt);                                      /* (1) */
        break;
    case DUO_WRITTEN:
        if (r->doing == FINISHING) {
            duo_answer(t, t->event.text);                              /* (4) (5) */
            break;
        }
        r->draft = t->event.text;
        r->ended = t->event.ended;
        r->doing = VERIFYING;
        duo_verify(t, c->verifier, r->base, r->draft);                 /* (1) */
        break;
    case DUO_VERIFIED:
        if (t->event.ended) {
            duo_answer(t, t->event.text);                              /* (3) */
            break;
        }
        duo_show(t, t->event.text);                                    /* (2) */
        draft_from(t, t->event.text);
        break;
    default:
        failed(t);
    }
}

DUO_POLICY(draft_verify,
    .about        = "the device drafts, the cloud verifies",
    .source       = "Leviathan, Kalman, Matias 2023, the two models on two sides of a link",
    .needs        = DUO_AGREEMENT,
    .config_size  = sizeof(struct config),
    .request_size = sizeof(struct request),
    .init = init, .next = next);
