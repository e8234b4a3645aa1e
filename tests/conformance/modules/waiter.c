/* Does what few policies do, by `mode`, where something may be in flight:
 *   stream   shows at `at`, answers only `wait` s after the word
 *   recall   cancels a shown stream after `wait` s, then writes on the device
 *   patience wants one token within `wait` s
 *   score    cancels a score after `wait` s
 *   split    cancels a shown split after `wait` s, then writes in the cloud
 *   crowd    twenty writes at once, most of them cancelled in the same breath */
#include "policies/policy.h"
#include <string.h>

enum mode { STREAM, RECALL, PATIENCE, SCORE, SPLIT, CROWD, MODES };
static const char *const modes[MODES] = { "stream", "recall", "patience", "score", "split", "crowd" };

struct config  { enum mode mode; double wait; duo_place at; };
struct request { duo_step step; duo_text text; double arrived; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    const char *mode = "stream";
    int bad;

    *c = (struct config){ .wait = 1, .at = DUO_CLOUD };
    if ((bad = duo_text_of(p, "mode", &mode)) != 0) return bad;
    while (c->mode < MODES && strcmp(modes[c->mode], mode) != 0) c->mode++;
    if (c->mode == MODES) return duo_refuse(p, "mode", "expected stream, recall, patience, score, split or crowd");
    if ((bad = duo_number_of(p, "wait", 0, 1000, &c->wait)) != 0) return bad;
    return duo_place_of(p, "at", &c->at);
}

static void arrived(struct duo_turn *t, const struct config *c, struct request *r)
{
    struct duo_work work = { .at = c->at, .from = t->prompt, .show = true };

    r->arrived = t->view->now;
    switch (c->mode) {
    case STREAM:   duo_write(t, work); return;
    case PATIENCE: work.show = false, work.tokens = 1, work.patience = c->wait; duo_write(t, work); return;
    case SCORE:    r->step = duo_score(t, c->at, 0, t->prompt); break;
    case SPLIT:    work.n_parts = 2, work.parts[0] = (struct duo_part){ DUO_DEVICE, 8, 0 }, work.parts[1] = (struct duo_part){ c->at, 0, 0 };
                   r->step = duo_write(t, work); break;
    case CROWD:
        for (int i = 0; i < 20; i++) {
            duo_step s = duo_write(t, (struct duo_work){ .at = i % t->view->n_places, .from = t->prompt, .tokens = 3 + i });
            if (i % 3) duo_cancel(t, s);
        }
        r->step = duo_write(t, work);
        return;
    default:       r->step = duo_write(t, work);
    }
    duo_wait(t, c->wait);
}

static void next(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;
    const struct duo_event *e = &t->event;

    switch (e->kind) {
    case DUO_ARRIVED:
        arrived(t, c, r);
        break;
    case DUO_RANG:
        if (c->mode == STREAM) { duo_answer(t, r->text); break; }
        duo_cancel(t, r->step);
        duo_write(t, (struct duo_work){ .at = c->mode == SPLIT ? DUO_CLOUD : DUO_DEVICE, .from = t->prompt });
        break;
    case DUO_WRITTEN:
        if (c->mode == STREAM) { r->text = e->text; duo_wait(t, c->wait); }
        else if (c->mode == PATIENCE) duo_give_up(t, t->view->now - r->arrived > c->wait ? "told after its patience" : "in time");
        else if (c->mode == CROWD && e->step != r->step) break;
        else if (duo_fits(t, e->text)) duo_answer(t, e->text);
        else duo_give_up(t, "does not begin with what was shown");
        break;
    case DUO_SCORED:
        break;
    default:
        if (c->mode != CROWD || e->step == r->step) duo_give_up(t, duo_why(e->why));
    }
}

DUO_POLICY(waiter, .about = "acts while things are in flight", .needs = DUO_TIME, .config_size = sizeof(struct config),
           .request_size = sizeof(struct request), .init = init, .next = next);
