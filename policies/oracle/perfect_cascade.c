/* perfect_cascade.c - a cascade whose judge is never wrong.
 *
 * (1) The weak model writes its whole answer first; nobody sees it yet.
 * (2) It is given, unless the strong model's is truly better; a quality that nobody knows is not.
 * (3) Then the strong model writes, shown as it comes.
 * (4) If the weak model fails, the strong one writes.  If the strong one fails, or has not begun within
 *     `patience`, the weak answer is given, if it fits what is on the screen.  Else the request fails.
 *
 * The upper bound of every cascade between the two: it pays the weak model on every request, as they do. */
#include "policies/policy.h"
#include "policies/truth.h"

struct config  { double patience; duo_place weak, strong; };
struct request { duo_text weak; bool up; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    int bad;

    *c = (struct config){ .weak = DUO_DEVICE, .strong = DUO_CLOUD };
    if ((bad = duo_number_of(p, "patience", 0, 1e6, &c->patience)) != 0) return bad;
    if ((bad = duo_place_of(p, "weak", &c->weak)) != 0) return bad;
    return duo_place_of(p, "strong", &c->strong);
}

static void go_up(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    r->up = true;
    duo_write(t, (struct duo_work){ .at = c->strong, .from = t->prompt, .show = true, .patience = c->patience });
}

static void next(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    switch (t->event.kind) {
    case DUO_ARRIVED:
        duo_write(t, (struct duo_work){ .at = c->weak, .from = t->prompt });                          /* (1) */
        break;
    case DUO_WRITTEN:
        if (!r->up) r->weak = t->event.text;
        if (!r->up && duo_truth_quality(t, c->strong) > duo_truth_quality(t, c->weak))
            go_up(t);                                                                                 /* (2) (3) */
        else
            duo_answer(t, t->event.text);                                                             /* (2) (3) */
        break;
    default:
        if (!r->up)                               go_up(t);                                           /* (4) */
        else if (r->weak && duo_fits(t, r->weak)) duo_answer(t, r->weak);                             /* (4) */
        else                                      duo_give_up(t, duo_why(t->event.why));              /* (4) */
    }
}

DUO_POLICY(perfect_cascade,
    .about        = "a cascade that asks the strong model exactly when it is truly better",
    .needs        = DUO_TRUTH,
    .config_size  = sizeof(struct config),
    .request_size = sizeof(struct request),
    .init = init, .next = next);
