/* catalogue.c - hardware.csv, models.csv, quants.csv, radios.csv: one row a thing, each number with a status and a source.
 *
 * (1) Every column of a table must be there; an empty cell is a number that isn't known.
 * (2) A number out of range, an unknown status, a name given twice: an error with file:line:column.
 * (3) Whatever is not found names the nearest. */
#include "models/cost/catalogue.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/csv.h"
#include "sim/base/json.h"

const struct duo_key_info duo_keys[DUO_KEYS] = {
#define X(key, table, claim, least, standard, unit) \
    [DUO_KEY_##key] = { #key, unit, DUO_##table, DUO_CLAIM_##claim, least, standard },
    DUO_CONSTANTS(X)
#undef X
};

static const char *const table_names[DUO_NO_TABLE] = { "hardware", "models", "quants", "radios", "carbon" };
static const char *const one_of[DUO_NO_TABLE]      = { "hardware", "model", "quant", "radio", "region" };
static const char *const claim_names[DUO_CLAIMS]   = { "facts", "time", "energy", "money" };

struct table { int n; struct duo_row *rows; const char **names; };
struct duo_catalogue { struct table table[DUO_NO_TABLE]; };

const char *duo_provenance_text(enum duo_provenance p)
{
    static const char *const text[] = {
#define X(name, word) [DUO_##name] = word,
        DUO_PROVENANCES(X)
#undef X
    };
    return p < DUO_PROVENANCE_END ? text[p] : "none";
}

static enum duo_status read_status(const struct duo_csv *c, int column, enum duo_provenance *out, struct duo_err *err)
{
    const char *cell = duo_csv_cell(c, column);

    *out = DUO_PROVENANCE_END;
    if (!*cell) return DUO_OK;
    for (int i = 0; i < DUO_PROVENANCE_END; i++)
        if (strcmp(cell, duo_provenance_text((enum duo_provenance)i)) == 0) {
            *out = (enum duo_provenance)i;
            return DUO_OK;
        }
    return duo_csv_bad(c, column, err, "expected measured, recorded, documented, fitted, assumed or nothing, got '%s'", cell);
}

struct columns { int name, site, date, source, status[DUO_CLAIMS], value[DUO_KEYS]; };

static bool has_claim(enum duo_table t, enum duo_claim claim)
{
    for (int k = 0; k < DUO_KEYS; k++)
        if (duo_keys[k].table == t && duo_keys[k].claim == claim) return true;
    return false;
}

static enum duo_status find_columns(const struct duo_csv *c, enum duo_table t, struct columns *at, struct duo_err *err)
{
    at->site = -1;
    DUO_TRY(duo_csv_need(c, "name", &at->name, err));
    if (t == DUO_HARDWARE) DUO_TRY(duo_csv_need(c, "site", &at->site, err));
    DUO_TRY(duo_csv_need(c, "date", &at->date, err));
    DUO_TRY(duo_csv_need(c, "source", &at->source, err));
    for (int i = 0; i < DUO_CLAIMS; i++) {
        at->status[i] = -1;
        if (has_claim(t, (enum duo_claim)i)) DUO_TRY(duo_csv_need(c, claim_names[i], &at->status[i], err));
    }
    for (int k = 0; k < DUO_KEYS; k++) {
        at->value[k] = -1;
        if (duo_keys[k].table == t) DUO_TRY(duo_csv_need(c, duo_keys[k].name, &at->value[k], err));
    }
    return DUO_OK;
}

static enum duo_status read_row(const struct duo_csv *c, const struct columns *at, struct duo_row *r, struct duo_err *err)
{
    if (!*duo_csv_cell(c, at->name)) return duo_csv_bad(c, at->name, err, "expected a name");
    for (int k = 0; k < DUO_KEYS; k++) {
        r->value[k] = NAN;
        if (at->value[k] < 0 || !*duo_csv_cell(c, at->value[k])) continue;
        DUO_TRY(duo_csv_number(c, at->value[k], &r->value[k], err));
        if (!(r->value[k] >= duo_keys[k].least))
            return duo_csv_bad(c, at->value[k], err, "%s is %g, expected at least %g", duo_keys[k].name, r->value[k], duo_keys[k].least);
    }
    for (int i = 0; i < DUO_CLAIMS; i++) {
        r->status[i] = DUO_PROVENANCE_END;
        if (at->status[i] >= 0) DUO_TRY(read_status(c, at->status[i], &r->status[i], err));
    }
    for (int k = 0; k < DUO_KEYS; k++)
        if (!isnan(r->value[k]) && r->status[duo_keys[k].claim] == DUO_PROVENANCE_END)
            return duo_csv_bad(c, at->status[duo_keys[k].claim], err, "%s is given, so a status is needed here", duo_keys[k].name);
    r->name = duo_copy(duo_csv_cell(c, at->name));
    r->site = at->site < 0 ? NULL : duo_copy(duo_csv_cell(c, at->site));
    r->date = duo_copy(duo_csv_cell(c, at->date));
    r->source = duo_copy(duo_csv_cell(c, at->source));
    return DUO_OK;
}

static enum duo_status read_rows(struct duo_csv *c, enum duo_table t, struct table *table, struct duo_err *err)
{
    struct columns at;
    int got;

    DUO_TRY(find_columns(c, t, &at, err));
    while ((got = duo_csv_next(c, err)) > 0) {
        struct duo_row r = { 0 };
        DUO_TRY(read_row(c, &at, &r, err));
        table->rows  = duo_grow(table->rows, (size_t)table->n + 1, sizeof *table->rows);
        table->names = duo_grow(table->names, (size_t)table->n + 1, sizeof *table->names);
        table->rows[table->n] = r;
        table->names[table->n++] = r.name;
        for (int i = 0; i < table->n - 1; i++)
            if (strcmp(table->names[i], r.name) == 0) return duo_csv_bad(c, at.name, err, "%s is there twice", r.name);
    }
    return got < 0 ? err->status : DUO_OK;
}

static enum duo_status read_table(struct duo_catalogue *c, enum duo_table t, const char *dir, struct duo_err *err)
{
    char path[4200];
    struct duo_csv *csv;
    enum duo_status status;

    snprintf(path, sizeof path, "%s/%s.csv", dir, table_names[t]);
    DUO_TRY(duo_csv_open(&csv, path, ',', err));
    status = read_rows(csv, t, &c->table[t], err);
    duo_csv_close(csv);
    return status;
}

enum duo_status duo_catalogue_open(struct duo_catalogue **out, const char *dir, struct duo_err *err)
{
    struct duo_err own = { 0 };
    struct duo_catalogue *c = duo_new(1, sizeof *c);

    if (!err) err = &own;
    for (int t = 0; t < DUO_NO_TABLE; t++) {
        enum duo_status status = read_table(c, (enum duo_table)t, dir, err);
        if (status == DUO_OK) continue;
        duo_catalogue_free(c);
        return status;
    }
    *out = c;
    return DUO_OK;
}

void duo_catalogue_free(struct duo_catalogue *c)
{
    if (!c) return;
    for (int t = 0; t < DUO_NO_TABLE; t++) {
        for (int i = 0; i < c->table[t].n; i++) {
            struct duo_row *r = &c->table[t].rows[i];
            free((char *)r->name), free((char *)r->site), free((char *)r->date), free((char *)r->source);
        }
        free(c->table[t].rows);
        free(c->table[t].names);
    }
    free(c);
}

static int table_of(const char *which)
{
    for (int t = 0; t < DUO_NO_TABLE; t++)
        if (strcmp(which, table_names[t]) == 0) return t;
    return DUO_NO_TABLE;
}

int duo_catalogue_names(const struct duo_catalogue *c, const char *which, const char *const **names)
{
    int t = table_of(which);

    assert(t != DUO_NO_TABLE);
    *names = c->table[t].names;
    return c->table[t].n;
}

const struct duo_row *duo_catalogue_row(const struct duo_catalogue *c, enum duo_table t, const char *name, const char *file,
                                        int line, struct duo_err *err)
{
    const struct table *table = &c->table[t];
    const char *near;

    for (int i = 0; i < table->n; i++)
        if (strcmp(table->names[i], name) == 0) return &table->rows[i];
    near = duo_nearest(name, table->names, (size_t)table->n);
    if (near)
        duo_fail_at(err, DUO_BAD_INPUT, file ? file : "", line, 0, "unknown %s '%s' (did you mean %s?)", one_of[t], name, near);
    else
        duo_fail_at(err, DUO_BAD_INPUT, file ? file : "", line, 0, "unknown %s '%s'; `duosim %s` lists them", one_of[t], name,
                    t == DUO_HARDWARE ? "hardware" : "models");
    return NULL;
}

static void print_value(struct duo_json *j, FILE *out, const struct duo_row *r, int k)
{
    const char *status = duo_provenance_text(r->status[duo_keys[k].claim]);
    char number[32];

    if (!j) {
        duo_show_double(r->value[k], number);
        fprintf(out, "%-18s %-12s %-40s %s\n", duo_keys[k].name, number, duo_keys[k].unit, status);
        return;
    }
    duo_json_open(j, '{');
    duo_json_key(j, "key"),    duo_json_text(j, duo_keys[k].name);
    duo_json_key(j, "value"),  duo_json_number(j, r->value[k]);
    duo_json_key(j, "unit"),   duo_json_text(j, duo_keys[k].unit);
    duo_json_key(j, "status"), duo_json_text(j, status);
    duo_json_key(j, "source"), duo_json_text(j, r->source);
    duo_json_close(j);
}

enum duo_status duo_catalogue_print(const struct duo_catalogue *c, const char *which, const char *name, FILE *out, bool json,
                                    struct duo_err *err)
{
    int t = table_of(which);
    const struct duo_row *r;
    struct duo_json j;

    if (t == DUO_NO_TABLE) return duo_fail(err, DUO_BAD_INPUT, "no table '%s' in the catalogue", which);
    r = duo_catalogue_row(c, (enum duo_table)t, name, NULL, 0, err);
    if (!r) return DUO_BAD_INPUT;
    if (json) {
        duo_json_init(&j, out);
        duo_json_open(&j, '{');
        duo_json_key(&j, "name"), duo_json_text(&j, r->name);
        if (r->site) duo_json_key(&j, "site"), duo_json_text(&j, r->site);
        duo_json_key(&j, "date"), duo_json_text(&j, r->date);
        duo_json_key(&j, "values");
        duo_json_open(&j, '[');
    } else {
        fprintf(out, "%s%s%s\n", r->name, r->site ? ", " : "", r->site ? r->site : "");
    }
    for (int k = 0; k < DUO_KEYS; k++)
        if (!isnan(r->value[k])) print_value(json ? &j : NULL, out, r, k);
    if (json) duo_json_close(&j), duo_json_close(&j), duo_json_end(&j);
    else      fprintf(out, "source (%s): %s\n", r->date, r->source);
    return DUO_OK;
}

enum duo_status duo_cost_new(struct duo_cost **out, const struct duo_catalogue *c, const struct duo_cost_spec *spec, struct duo_err *err)
{
    const struct duo_row *hardware, *model, *quant = NULL;
    const char *file = spec->file;

    if (!(hardware = duo_catalogue_row(c, DUO_HARDWARE, spec->hardware, file, spec->line, err))) return DUO_BAD_INPUT;
    if (!(model = duo_catalogue_row(c, DUO_MODELS, spec->model, file, spec->line, err))) return DUO_BAD_INPUT;
    if (spec->quant && !(quant = duo_catalogue_row(c, DUO_QUANTS, spec->quant, file, spec->line, err))) return DUO_BAD_INPUT;
    return duo_linear_new(out, spec, hardware, model, quant, err);
}

enum duo_status duo_carbon_find(const struct duo_catalogue *c, const char *region, const char *file, int line, struct duo_carbon *out, struct duo_err *err)
{
    const struct duo_row *r = duo_catalogue_row(c, DUO_CARBON, region, file, line, err);

    if (!r) return DUO_BAD_INPUT;
    *out = (struct duo_carbon){ .grams_joule = r->value[DUO_KEY_grams_kwh] / 3.6e6, .status = r->status[DUO_CLAIM_ENERGY] };
    snprintf(out->date, sizeof out->date, "%s", r->date);
    return DUO_OK;
}

enum duo_status duo_radio_find(const struct duo_catalogue *c, const char *name, struct duo_radio *out, struct duo_err *err)
{
    const struct duo_row *r = duo_catalogue_row(c, DUO_RADIOS, name, NULL, 0, err);

    if (!r) return DUO_BAD_INPUT;
    *out = (struct duo_radio){
        .joules_byte_up = r->value[DUO_KEY_joules_byte_up],   .joules_byte_down = r->value[DUO_KEY_joules_byte_down],
        .active_watts   = r->value[DUO_KEY_active_watts],     .tail_watts = r->value[DUO_KEY_tail_watts],
        .tail_seconds   = r->value[DUO_KEY_tail_seconds],     .promotion_seconds = r->value[DUO_KEY_promotion_seconds],
        .promotion_watts = r->value[DUO_KEY_promotion_watts],
        .time           = r->status[DUO_CLAIM_ENERGY],        .energy = r->status[DUO_CLAIM_ENERGY],
    };
    snprintf(out->name, sizeof out->name, "%s", r->name);
    return DUO_OK;
}
