/* hedged.c - both models start at once; the first good answer wins.
 *
 * (1) The weak and the strong model start together; nobody sees either yet, since either may win.
 * (2) The strong one's answer is good.  The weak one's is good when its mean token probability is at least `floor`
 *     (0: always; a confidence that is not known is not).
 * (3) The first good answer is given; the other writer is cancelled, and what it did is paid.
 * (4) With `delay`, the strong model starts only so many seconds later, if it is still wanted then; it starts at
 *     once when the weak one fails or doubts.
 * (5) If the strong model fails, or has not begun within `patience` of its start, the weak answer is given as it is;
 *     if both fail, the request fails. */
#include "policies/policy.h"

struct config  { double floor, delay, patience; duo_place weak, strong; };
struct request { duo_step weak, strong; duo_text doubtful; bool weak_over, strong_begun, strong_over; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    int bad;

    *c = (struct config){ .floor = 0.8, .weak = DUO_DEVICE, .strong = DUO_CLOUD };
    if ((bad = duo_number_of(p, "floor", 0, 1, &c->floor)) != 0) return bad;
    if ((bad = duo_number_of(p, "delay", 0, 1e6, &c->delay)) != 0) return bad;
    if ((bad = duo_number_of(p, "patience", 0, 1e6, &c->patience)) != 0) return bad;
    if ((bad = duo_place_of(p, "weak", &c->weak)) != 0) return bad;
    return duo_place_of(p, "strong", &c->strong);
}

static void start_strong(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    if (r->strong_begun) return;
    r->strong_begun = true;
    r->strong = duo_write(t, (struct duo_work){ .at = c->strong, .from = t->prompt, .patience = c->patience });    /* (5) */
}

static void win(struct duo_turn *t, duo_step other, bool other_over)
{
    if (other && !other_over) duo_cancel(t, other);
    duo_answer(t, t->event.text);
}

static void failed(struct duo_turn *t)
{
    struct request *r = t->request;

    if (t->event.step == r->strong) r->strong_over = true;
    else                            r->weak_over = true;
    if (!r->weak_over) return;                                    /* the weak one may still come */
    if (r->strong_over) {
        if (r->doubtful) duo_answer(t, r->doubtful);              /* (5) */
        else             duo_give_up(t, duo_why(t->event.why));   /* (5) */
        return;
    }
    start_strong(t);                                              /* (4) */
}

static void next(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    switch (t->event.kind) {
    case DUO_ARRIVED:
        r->weak = duo_write(t, (struct duo_work){ .at = c->weak, .from = t->prompt });                  /* (1) */
        if (c->delay > 0) duo_wait(t, c->delay);                                                        /* (4) */
        else              start_strong(t);                                                              /* (1) */
        break;
    case DUO_RANG:
        start_strong(t);                                                                                /* (4) */
        break;
    case DUO_WRITTEN:
        if (t->event.step == r->strong) {
            win(t, r->weak, r->weak_over);                                                              /* (2) (3) */
        } else if (r->strong_over || c->floor <= 0 || t->event.confidence.mean >= c->floor) {
            win(t, r->strong, r->strong_over);                                                          /* (2) (3) (5) */
        } else {
            r->weak_over = true;
            r->doubtful = t->event.text;
            start_strong(t);                                                                            /* (4) */
        }
        break;
    default:
        failed(t);
    }
}

DUO_POLICY(hedged,
    .about        = "both models start, the first good answer wins",
    .source       = "Dean and Barroso 2013 (The Tail at Scale): hedged requests, between two models",
    .needs        = DUO_CONFIDENCE | DUO_TIME,
    .config_size  = sizeof(struct config),
    .request_size = sizeof(struct request),
    .init = init, .next = next);
