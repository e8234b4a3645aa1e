/* module.c - a policy from outside, built as several modules for test_registry.c: MODULE is its name, and what is
 * wrong with it is said by MODULE_ABI, MODULE_SIZE, MODULE_NEXT. */
#include "policies/policy.h"

#ifndef MODULE_ABI
#define MODULE_ABI DUO_POLICY_ABI
#endif
#ifndef MODULE_SIZE
#define MODULE_SIZE sizeof(struct duo_policy)
#endif
#ifndef MODULE_NEXT
#define MODULE_NEXT 1
#endif
#define TEXT(x) #x
#define NAME(x) TEXT(x)
#define JOIN(a, b) a##b
#define SYMBOL(x) JOIN(duo_policy_, x)

struct config { double level, all; duo_place at; duo_scorer scorer; const char *word; const void *blob; size_t bytes; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    double quantile = -1;
    const char *signal = NULL;
    int bad;

    *c = (struct config){ .level = 0.5, .all = -1, .at = DUO_NOWHERE, .scorer = -1, .word = "none" };
    if ((bad = duo_number_of(p, "level", 0, 10, &c->level)) != 0) return bad;
    if ((bad = duo_place_of(p, "at", &c->at)) != 0) return bad;
    if ((bad = duo_scorer_of(p, "score", &c->scorer)) != 0) return bad;
    if ((bad = duo_text_of(p, "word", &c->word)) != 0) return bad;
    if ((bad = duo_blob_of(p, "weights", &c->blob, &c->bytes)) != 0) return bad;
    if ((bad = duo_text_of(p, "signal", &signal)) != 0) return bad;
    if (signal && (bad = duo_quantile_of(p, signal, 0.5, &quantile)) != 0) return bad;
    c->all = quantile;
    return c->level > 9 ? duo_refuse(p, "level", "too much") : 0;
}

static void next(struct duo_turn *t)
{
    if (t->event.kind == DUO_ARRIVED)
        duo_write(t, (struct duo_work){ .at = DUO_DEVICE, .from = t->prompt });
    else
        duo_answer(t, t->event.text);
}

extern const struct duo_policy SYMBOL(MODULE);
const struct duo_policy SYMBOL(MODULE) = {
    .abi = MODULE_ABI, .size = MODULE_SIZE, .name = NAME(MODULE), .about = "a policy from outside",
    .config_size = sizeof(struct config), .init = init, .next = MODULE_NEXT ? next : NULL };
