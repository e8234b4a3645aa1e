/* cascade.cpp - policies/router/cascade.c without its middle tier, in C++, as somebody outside would write it. */
#include "policies/policy.h"

namespace {

struct config  { double floor, patience; duo_place weak, strong; };
struct request { bool strong; duo_text best; };

int init(void *memory, const struct duo_params *p)
{
    auto *c = static_cast<config *>(memory);

    *c = config{ 0.8, 10, DUO_DEVICE, DUO_CLOUD };
    if (int bad = duo_number_of(p, "floor", 0, 1, &c->floor)) return bad;
    if (int bad = duo_number_of(p, "patience", 0, 1e6, &c->patience)) return bad;
    if (int bad = duo_place_of(p, "weak", &c->weak)) return bad;
    return duo_place_of(p, "strong", &c->strong);
}

void ask(struct duo_turn *t, bool strong)
{
    const auto *c = static_cast<const config *>(t->config);
    struct duo_work work = {};

    work.at       = strong ? c->strong : c->weak;
    work.from     = t->prompt;
    work.show     = strong;
    work.patience = strong ? c->patience : 0;
    static_cast<request *>(t->request)->strong = strong;
    duo_write(t, work);
}

void next(struct duo_turn *t)
{
    const auto *c = static_cast<const config *>(t->config);
    auto *r = static_cast<request *>(t->request);

    switch (t->event.kind) {
    case DUO_ARRIVED:
        ask(t, false);
        break;
    case DUO_WRITTEN:
        r->best = t->event.text;
        if (r->strong || c->floor <= 0 || (c->floor < 1 && t->event.confidence.mean >= c->floor)) duo_answer(t, r->best);
        else ask(t, true);
        break;
    default:
        if (!r->strong)                           ask(t, true);
        else if (r->best && duo_fits(t, r->best)) duo_answer(t, r->best);
        else                                      duo_give_up(t, duo_why(t->event.why));
    }
}

}

DUO_POLICY(cascade,
    .about        = "weak model first, a stronger one when its confidence is low",
    .needs        = DUO_CONFIDENCE,
    .config_size  = sizeof(config),
    .request_size = sizeof(request),
    .init = init, .next = next);
