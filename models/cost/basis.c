/* basis.c - what a place's cost model rests on, gathered from the catalogue and the scenario.
 *
 * (1) A scenario's `cost: {KEY: value}` replaces the catalogue's number and is `assumed`; a key that no place has, or a value
 *     out of its range, is refused where it stands.
 * (2) What a result rests on is what was taken, no more: its status is the weakest of that. */
#include "models/cost/basis.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum duo_provenance duo_weaker(enum duo_provenance a, enum duo_provenance b)
{
    if (a == DUO_PROVENANCE_END) return b;
    return b == DUO_PROVENANCE_END || a > b ? a : b;
}

/* Not a radio's, not a region's, not what is for people only. */
static bool of_a_place(int key) { return duo_keys[key].table != DUO_RADIOS && duo_keys[key].table != DUO_CARBON && duo_keys[key].claim != DUO_CLAIM_READ; }

static const char *unit_of(int key) { return strcmp(duo_keys[key].unit, "1") == 0 ? "" : duo_keys[key].unit; }

/* (1) */
static enum duo_status set_one(struct duo_basis *b, const struct duo_constant *o, struct duo_err *err)
{
    const char *names[DUO_KEYS], *file = b->spec->file ? b->spec->file : "", *near;
    size_t n = 0;
    int k = 0, line = o->line ? o->line : b->spec->line;

    while (k < DUO_KEYS && !(of_a_place(k) && strcmp(duo_keys[k].name, o->key) == 0)) k++;
    if (k == DUO_KEYS) {
        for (int i = 0; i < DUO_KEYS; i++)
            if (of_a_place(i)) names[n++] = duo_keys[i].name;
        near = duo_nearest(o->key, names, n);
        return duo_fail_at(err, DUO_BAD_INPUT, file, line, o->column, "cost: unknown key '%s'%s%s%s", o->key,
                           near ? " (did you mean " : "; models/cost/README.md lists them", near ? near : "", near ? "?)" : "");
    }
    bool no_price = duo_keys[k].claim == DUO_CLAIM_MONEY && o->value == 0;      /* refused where it is known whose it is */
    if (!no_price && !(o->value >= duo_keys[k].least && o->value <= duo_keys[k].most))
        return duo_fail_at(err, DUO_BAD_INPUT, file, line, o->column, "cost: %s is %g, expected %g to %g%s%s", o->key, o->value,
                           duo_keys[k].least, duo_keys[k].most, *unit_of(k) ? " " : "", unit_of(k));
    if (duo_keys[k].table == DUO_MODELS && !*duo_keys[k].unit && o->value != floor(o->value))
        return duo_fail_at(err, DUO_BAD_INPUT, file, line, o->column, "cost: %s is %g, expected a whole number", o->key, o->value);
    b->v[k] = (struct duo_value){ .value = o->value, .given = o->value, .low = o->value, .high = o->value, .status = DUO_ASSUMED,
                                  .unit = duo_keys[k].unit, .source = "scenario" };
    return DUO_OK;
}

static void merge(struct duo_basis *b, const struct duo_row *row, enum duo_table t)
{
    for (int k = 0; k < DUO_KEYS; k++)
        if (duo_keys[k].table == t && row) b->v[k] = row->value[k];
}

/* The other way: rows are asked for peaks and architectures. */
static void write_back(const struct duo_basis *b, struct duo_row *row, enum duo_table t)
{
    for (int k = 0; k < DUO_KEYS; k++)
        if (duo_keys[k].table == t) row->value[k] = b->v[k];
}

enum duo_status duo_basis_make(struct duo_basis *b, const struct duo_catalogue *c, const struct duo_cost_spec *spec, struct duo_err *err)
{
    const struct duo_row *hardware, *model, *quant = NULL, *runtime = NULL;
    struct duo_value constants[DUO_KEYS];

    *b = (struct duo_basis){ .spec = spec, .tensor = spec->tensor_parallel > 1 ? spec->tensor_parallel : 1,
                             .stages = spec->pipeline_parallel > 1 ? spec->pipeline_parallel : 1 };
    b->gpus = b->tensor * b->stages;
    for (int k = 0; k < DUO_KEYS; k++) b->v[k] = (struct duo_value){ .value = NAN, .given = NAN, .status = DUO_PROVENANCE_END };
    if (!(hardware = duo_catalogue_row(c, DUO_HARDWARE, spec->hardware, spec->file, spec->line, err))) return DUO_BAD_INPUT;
    b->api = hardware->site && strcmp(hardware->site, "api") == 0;
    if (b->api) {
        if (!(model = duo_catalogue_row(c, DUO_PRICES, spec->model, spec->file, spec->line, err))) return DUO_BAD_INPUT;
    } else {
        if (!(model = duo_catalogue_find(c, DUO_MODELS, spec->model)) && duo_catalogue_find(c, DUO_PRICES, spec->model))
            return duo_basis_bad(b, err, "%s is known as an API only: hardware: api, not %s", spec->model, spec->hardware);
        if (!model && !(model = duo_catalogue_row(c, DUO_MODELS, spec->model, spec->file, spec->line, err))) return DUO_BAD_INPUT;
        if (spec->quant && !(quant = duo_catalogue_row(c, DUO_QUANTS, spec->quant, spec->file, spec->line, err))) return DUO_BAD_INPUT;
        if (!quant && !isnan(model->value[DUO_KEY_bits].value)) quant = model;      /* a GGUF file says how its weights are kept */
        if (!quant) return duo_basis_bad(b, err, "%s on %s needs a quant (duosim quants)", spec->model, spec->hardware);
    }
    if (!b->api && spec->runtime && !(runtime = duo_catalogue_row(c, DUO_RUNTIMES, spec->runtime, spec->file, spec->line, err))) return DUO_BAD_INPUT;
    b->runtime = b->api ? "" : runtime ? runtime->name : hardware->runtime ? hardware->runtime : "";
    merge(b, hardware, DUO_HARDWARE), merge(b, model, DUO_MODELS), merge(b, quant, DUO_QUANTS), merge(b, model, b->api ? DUO_PRICES : DUO_MODELS);
    if (!b->api) {
        duo_catalogue_constants(c, hardware, b->runtime, quant == model ? model->quant : quant->name, constants);
        for (int k = 0; k < DUO_KEYS; k++)
            if (duo_keys[k].table == DUO_RUNTIMES) b->v[k] = constants[k];
    }
    for (int i = 0; i < spec->n_over; i++) DUO_TRY(set_one(b, &spec->over[i], err));
    b->hardware = *hardware, b->model = *model;
    if (quant) b->quant = *quant;
    if (quant == model) b->quant.name = model->quant ? model->quant : "gguf";
    write_back(b, &b->hardware, DUO_HARDWARE), write_back(b, &b->model, DUO_MODELS), write_back(b, &b->quant, DUO_QUANTS);
    return DUO_OK;
}

double duo_take(struct duo_basis *b, enum duo_key k)
{
    if (!isnan(b->v[k].value)) b->taken[k] = true;
    return b->v[k].value;
}

double duo_take_or(struct duo_basis *b, enum duo_key k, double otherwise)
{
    double x = duo_take(b, k);
    return isnan(x) ? otherwise : x;
}

/* (2) */
enum duo_provenance duo_basis_status(const struct duo_basis *b, enum duo_claim claim)
{
    enum duo_provenance worst = DUO_PROVENANCE_END;

    for (int k = 0; k < DUO_KEYS; k++)
        if (b->taken[k] && duo_keys[k].claim == claim) worst = duo_weaker(worst, b->v[k].status);
    return worst;
}

void duo_basis_text(const struct duo_basis *b, char *out, size_t n)
{
    enum duo_provenance worst = duo_basis_status(b, DUO_CLAIM_TIME);
    char names[80] = "";

    *out = 0;
    if (worst == DUO_PROVENANCE_END) return;
    for (int k = DUO_KEYS - 1; k >= 0; k--) {                    /* runtimes' before hardware's: they are told apart by less */
        size_t used = strlen(names);
        if (!b->taken[k] || duo_keys[k].claim != DUO_CLAIM_TIME || b->v[k].status != worst) continue;
        if (used + strlen(duo_keys[k].name) + 8 > sizeof names) {
            snprintf(names + used, sizeof names - used, ", ...");
            break;
        }
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", duo_keys[k].name);
    }
    snprintf(out, n, "%s (%s%s%s): %s", names, b->hardware.name, *b->runtime ? ", " : "", b->runtime, duo_provenance_text(worst));
}

enum duo_status duo_basis_bad(const struct duo_basis *b, struct duo_err *err, const char *fmt, ...)
{
    char text[480];
    va_list list;

    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    return duo_fail_at(err, DUO_BAD_INPUT, b->spec->file ? b->spec->file : "", b->spec->line, 0, "%s", text);
}

enum duo_status duo_basis_need(const struct duo_basis *b, const enum duo_key *keys, size_t n, struct duo_err *err)
{
    for (size_t i = 0; i < n; i++) {
        enum duo_key k = keys[i];
        if (!isnan(b->v[k].value)) continue;
        return duo_basis_bad(b, err, "%s on %s%s%s: %s (%s%s%s) is not known; set it in cost: {%s: ...}", b->spec->model, b->hardware.name,
                             *b->runtime ? " with " : "", b->runtime, duo_keys[k].name, unit_of((int)k), *unit_of((int)k) && *duo_keys[k].what ? ", " : "",
                             duo_keys[k].what, duo_keys[k].name);
    }
    return DUO_OK;
}
