/* cost.c - the cost model of a place: which kind it gets, and what it rests on in print. */
#include <math.h>
#include <string.h>

#include "models/cost/basis.h"
#include "sim/base/number.h"

/* Read without being taken one by one: an architecture, an encoder's work, the time to load; and what only groups of
 * accelerators read, whose number a variant may change. */
static bool read_otherwise(const struct duo_basis *b, enum duo_key k)
{
    bool encoder = duo_keys[k].table == DUO_MODELS && duo_keys[k].claim == DUO_CLAIM_TIME;
    bool group = k == DUO_KEY_one_shot_trip || k == DUO_KEY_one_shot_link || k == DUO_KEY_one_shot_limit || k == DUO_KEY_ring_trip || k == DUO_KEY_ring_link;
    return encoder || (!b->api && (duo_keys[k].claim == DUO_CLAIM_FACTS || k == DUO_KEY_storage_bandwidth || group));
}

/* What the scenario sets and this place's model doesn't read would change nothing without a word. */
static enum duo_status all_read(const struct duo_basis *b, struct duo_err *err)
{
    for (int i = 0; i < b->spec->n_over; i++) {
        const struct duo_constant *o = &b->spec->over[i];
        for (int k = 0; k < DUO_KEYS; k++) {
            if (strcmp(duo_keys[k].name, o->key) != 0 || b->taken[k] || read_otherwise(b, (enum duo_key)k) || isnan(b->v[k].value)) continue;
            return duo_fail_at(err, DUO_BAD_INPUT, b->spec->file ? b->spec->file : "", o->line ? o->line : b->spec->line, o->column,
                               "cost: %s changes nothing here: the model of %s on %s doesn't read it", o->key, b->spec->model, b->hardware.name);
        }
    }
    return DUO_OK;
}

static enum duo_status make(struct duo_cost **out, struct duo_basis *b, const struct duo_catalogue *catalogue, const struct duo_cost_spec *spec,
                            struct duo_err *err)
{
    struct duo_facts *f;

    DUO_TRY(duo_basis_make(b, catalogue, spec, err));
    DUO_TRY((b->api ? duo_cost_api : duo_cost_roofline)(out, b, err));
    if (all_read(b, err) != DUO_OK) return (*out)->kind->free(*out), DUO_BAD_INPUT;
    f = &(*out)->facts;
    snprintf(f->model, sizeof f->model, "%s", duo_row_label(&b->model));
    snprintf(f->hardware, sizeof f->hardware, "%s", b->hardware.name);
    snprintf(f->class, sizeof f->class, "%s", b->hardware.class ? b->hardware.class : "");
    snprintf(f->quant, sizeof f->quant, "%s", b->quant.name ? b->quant.name : "");
    snprintf(f->runtime, sizeof f->runtime, "%s", b->runtime);
    return DUO_OK;
}

enum duo_status duo_cost_new(struct duo_cost **out, const struct duo_catalogue *catalogue, const struct duo_cost_spec *spec, struct duo_err *err)
{
    struct duo_basis b;
    struct duo_cost *cost;

    DUO_TRY(make(&cost, &b, catalogue, spec, err));
    if (spec->measured && b.api) {
        cost->kind->free(cost);
        return duo_basis_bad(&b, err, "measured: an API has no iterations to measure");
    }
    if (spec->measured) return duo_cost_measured(out, cost, spec->measured, spec, err);
    *out = cost;
    return DUO_OK;
}

enum duo_status duo_cost_sources(FILE *out, const struct duo_catalogue *catalogue, const struct duo_cost_spec *spec, struct duo_err *err)
{
    struct duo_basis b;
    struct duo_cost *cost;

    DUO_TRY(make(&cost, &b, catalogue, spec, err));
    for (int k = 0; k < DUO_KEYS; k++) {
        char number[32];
        if (!b.taken[k] || duo_keys[k].claim == DUO_CLAIM_FACTS) continue;
        duo_write_number(number, sizeof number, 6, 'g', b.v[k].value);
        fprintf(out, "  %-18s %-12s %-8s %-11s %s\n", duo_keys[k].name, number, strcmp(duo_keys[k].unit, "1") ? duo_keys[k].unit : "", duo_provenance_text(b.v[k].status),
                b.v[k].source ? b.v[k].source : "");
    }
    cost->kind->free(cost);
    return DUO_OK;
}
