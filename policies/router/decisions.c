/* decisions.c - a stranger's router: its decisions, made elsewhere, replayed from a file.
 *
 * (1) `file` (and `column`) tells the place of each query by its id.  Looking it up costs what the scenario says
 *     that a score costs.
 * (2) The place that it names writes the answer, shown as it comes.
 * (3) A query that the file does not name goes to `default`; without one, it fails.
 * (4) If the named place fails, or has not begun within `patience`, and nothing was shown, `default` answers; if
 *     there is none, or it fails, too, the request fails. */
#include "policies/policy.h"

#include <math.h>

struct config  { double patience; duo_scorer file; duo_place otherwise; };
struct request { duo_place at; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    const char *column = NULL;
    int bad;

    *c = (struct config){ .file = -1, .otherwise = DUO_NOWHERE };
    if ((bad = duo_scorer_of(p, "file", &c->file)) != 0) return bad;
    if ((bad = duo_text_of(p, "column", &column)) != 0) return bad;           /* of the file: its reader's business */
    if ((bad = duo_number_of(p, "patience", 0, 1e6, &c->patience)) != 0) return bad;
    if ((bad = duo_place_of(p, "default", &c->otherwise)) != 0) return bad;
    return c->file < 0 ? duo_refuse(p, "file", "name the file with the decisions: columns query_id and place") : 0;
}

static void ask(struct duo_turn *t, duo_place at, double patience)
{
    struct request *r = t->request;

    r->at = at;
    duo_write(t, (struct duo_work){ .at = at, .from = t->prompt, .show = true, .patience = patience });
}

static void decide(struct duo_turn *t, double place)
{
    const struct config *c = t->config;

    if (place >= 0 && place < t->view->n_places)
        ask(t, (duo_place)place, c->patience);                                /* (2) */
    else if (c->otherwise != DUO_NOWHERE)
        ask(t, c->otherwise, 0);                                              /* (3) */
    else
        duo_give_up(t, "no decision for this query");                         /* (3) */
}

static void next(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    switch (t->event.kind) {
    case DUO_ARRIVED:
        r->at = DUO_NOWHERE;
        duo_score(t, DUO_DEVICE, c->file, t->prompt);                         /* (1) */
        break;
    case DUO_SCORED:
        decide(t, t->event.score);
        break;
    case DUO_WRITTEN:
        duo_answer(t, t->event.text);                                         /* (2) */
        break;
    default:
        if (c->otherwise != DUO_NOWHERE && r->at != c->otherwise && duo_fits(t, t->prompt))
            ask(t, c->otherwise, 0);                                          /* (4) */
        else
            duo_give_up(t, duo_why(t->event.why));                            /* (4) */
    }
}

DUO_POLICY(decisions,
    .about        = "replays a stranger's routing decisions from a file",
    .config_size  = sizeof(struct config),
    .request_size = sizeof(struct request),
    .init = init, .next = next);
