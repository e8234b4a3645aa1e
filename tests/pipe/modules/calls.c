/* calls.c - what calls.py does, in C: draws, quantiles, scores, questions, alarms, state of seats, sessions and requests,
 * feedback and ticks must come to the same bytes. */
#include "policies/policy.h"

struct config  { double share, above; duo_scorer router; duo_place small; };
struct seat    { int n, told, ticks; };
struct session { int n; };
struct request { double coin, sure; duo_step first, alarm; duo_text draft; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    int bad;

    c->share = 0.5;
    if ((bad = duo_number_of(p, "share", 0, 1, &c->share)) != 0) return bad;
    if ((bad = duo_quantile_of(p, "prompt_tokens", 1 - c->share, &c->above)) != 0) return bad;
    c->router = duo_scorer_named(p, "router");
    c->small = duo_place_named(p, "small");
    return duo_place_of(p, "small", &c->small);
}

static void arrived(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;
    struct seat *s = t->seat;
    duo_place at;

    s->n++;
    if (t->session) ((struct session *)t->session)->n++;
    r->coin = duo_chance(t, 3);
    at = r->coin < c->share || t->view->prompt_tokens > c->above ? c->small : DUO_DEVICE;
    if (s->told) at = DUO_CLOUD;
    r->first = duo_write(t, (struct duo_work){ .at = at, .from = t->prompt, .tokens = 3 });
    if (c->router >= 0) duo_score(t, DUO_DEVICE, c->router, t->prompt);
    r->alarm = duo_wait(t, 0.001);
}

static void next(struct duo_turn *t)
{
    struct request *r = t->request;
    const struct duo_event *e = &t->event;

    if (e->kind == DUO_ARRIVED) arrived(t);
    else if (e->kind == DUO_RANG) { if (e->step != r->alarm) duo_give_up(t, "the alarm has another step's number"); }
    else if (e->kind == DUO_SCORED) r->sure = e->score;
    else if (e->kind == DUO_WRITTEN && e->step == r->first) {
        r->draft = e->text;
        duo_show(t, e->text);
        if (!duo_begins(t, e->text, t->prompt) && e->at == DUO_DEVICE) duo_give_up(t, "a text does not begin with its prompt");
        else if (duo_fits(t, t->prompt)) duo_give_up(t, "the prompt fits what was shown");
        else if (e->ended) duo_answer(t, e->text);
        else duo_write(t, (struct duo_work){ .at = r->sure < 0.5 ? DUO_DEVICE : DUO_CLOUD, .from = e->text, .show = true });
    } else if (e->kind == DUO_WRITTEN) duo_answer(t, e->text);
    else duo_give_up(t, duo_why(e->why));
}

static void feedback(struct duo_turn *t, double score)
{
    struct seat *s = t->seat;
    const struct request *r = t->request;

    if (r->first && score > 0.5) s->told++;
}

static void tick(struct duo_turn *t) { struct seat *s = t->seat; s->ticks++; }

DUO_POLICY(calls, .about = "all that a policy can ask", .config_size = sizeof(struct config), .seat_size = sizeof(struct seat),
           .session_size = sizeof(struct session), .request_size = sizeof(struct request), .init = init, .next = next,
           .feedback = feedback, .tick = tick);
