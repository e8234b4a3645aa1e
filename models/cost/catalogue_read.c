/* catalogue_read.c - the files of a catalogue folder.
 *
 * (1) Every column is there; further ones are left alone.  A quantity, a unit, a status that is not known names the nearest; a unit of another dimension
 *     is refused.
 * (2) A number is within what its key allows; a price is above 0, and a row of prices.csv gives both that of the prompt and
 *     that of the answer.
 * (3) A value has a status and a source; `low` and `high` come together and hold the value; a fitted one has them.
 * (4) Nothing is given twice in one file: a name, an alias, or (name, quantity).  The files of a layer replace.
 * (5) What was wrong is file:line:column. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/cost/catalogue_inside.h"
#include "sim/base/csv.h"
#include "sim/base/rng.h"

/* As people write them, and what they are inside. */
static const struct unit { const char *name, *inside; double factor; } units[] = {
    { "TFLOPS", "FLOP/s", 1e12 }, { "GFLOPS", "FLOP/s", 1e9 }, { "TOPS", "FLOP/s", 1e12 }, { "FLOP/s", "FLOP/s", 1 },
    { "GB/s", "B/s", 1e9 }, { "MB/s", "B/s", 1e6 }, { "Gbit/s", "B/s", 1.25e8 }, { "B/s", "B/s", 1 },
    { "GB", "B", 1e9 }, { "MB", "B", 1e6 }, { "GiB", "B", 1073741824.0 }, { "MiB", "B", 1048576.0 }, { "B", "B", 1 },
    { "W", "W", 1 }, { "mW", "W", 1e-3 }, { "s", "s", 1 }, { "ms", "s", 1e-3 }, { "us", "s", 1e-6 }, { "1/s", "1/s", 1 },
    { "USD/h", "$/h", 1 }, { "$/h", "$/h", 1 }, { "$/Mtok", "$/token", 1e-6 }, { "$/token", "$/token", 1 },
    { "1", "1", 1 }, { "%", "1", 0.01 }, { "J/B", "J/B", 1 }, { "uJ/B", "J/B", 1e-6 }, { "pJ/B", "J/B", 1e-12 },
    { "J/FLOP", "J/FLOP", 1 }, { "pJ/FLOP", "J/FLOP", 1e-12 }, { "g/kWh", "g/kWh", 1 }, { "bit", "bit", 1 }, { "FLOP", "FLOP", 1 },
    { "GFLOP", "FLOP", 1e9 }, { "", "", 1 },
};
enum { N_UNITS = sizeof units / sizeof units[0] };

/* A file's texts outlive its row. */
static const char *kept(const struct duo_csv *c, int column) { return column < 0 ? NULL : duo_copy(duo_csv_cell(c, column)); }

static bool blank(const struct duo_csv *c, int column) { return !*duo_csv_cell(c, column); }

static enum duo_status read_status(const struct duo_csv *c, int column, enum duo_provenance *out, struct duo_err *err)
{
    const char *names[DUO_PROVENANCE_END], *cell = duo_csv_cell(c, column), *near;

    for (int i = 0; i < DUO_PROVENANCE_END; i++) {
        names[i] = duo_provenance_text((enum duo_provenance)i);
        *out = (enum duo_provenance)i;
        if (strcmp(cell, names[i]) == 0) return DUO_OK;
    }
    near = duo_nearest(cell, names, DUO_PROVENANCE_END);
    return duo_csv_bad(c, column, err, "expected measured, recorded, documented, fitted or assumed, got '%s'%s%s%s", cell,
                       near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static enum duo_status read_unit(const struct duo_csv *c, int column, int key, double *factor, struct duo_err *err)
{
    const char *names[N_UNITS], *cell = duo_csv_cell(c, column), *near;
    size_t n = 0;

    for (int i = 0; i < N_UNITS; i++) {
        bool fits = strcmp(units[i].inside, duo_keys[key].unit) == 0;
        *factor = units[i].factor;
        if (strcmp(units[i].name, cell) == 0 && fits) return DUO_OK;
        if (strcmp(units[i].name, cell) == 0)
            return duo_csv_bad(c, column, err, "%s is in %s, got %s", duo_keys[key].name, *duo_keys[key].unit ? duo_keys[key].unit : "no unit", cell);
        if (fits) names[n++] = units[i].name;
    }
    near = duo_nearest(cell, names, n);
    return duo_csv_bad(c, column, err, "unit '%s' is not known (%s %s?)", cell, near ? "did you mean" : "expected, like,", near ? near : names[0]);
}

static enum duo_status check_range(const struct duo_csv *c, int column, int key, double value, struct duo_err *err)
{
    const struct duo_key_info *k = &duo_keys[key];

    if (value == 0 && k->claim == DUO_CLAIM_MONEY) return duo_csv_bad(c, column, err, "a price of 0: %s must be above it; leave out what has no price", k->name);
    if (value >= k->least && value <= k->most) return DUO_OK;
    return duo_csv_bad(c, column, err, "%s is %g %s, expected %g to %g", k->name, value, k->unit, k->least, k->most);
}

/* (3), and the interval of an assumed value that gives none. */
static enum duo_status set_interval(const struct duo_csv *c, int at_value, int at_low, int at_high, double factor, int key, struct duo_value *v,
                                    struct duo_err *err)
{
    bool given = at_low >= 0 && !blank(c, at_low);

    if (at_low >= 0 && blank(c, at_low) != blank(c, at_high))
        return duo_csv_bad(c, blank(c, at_low) ? at_low : at_high, err, "low and high come together");
    v->low = v->high = v->value;
    if (given) {
        DUO_TRY(duo_csv_number(c, at_low, &v->low, err));
        DUO_TRY(duo_csv_number(c, at_high, &v->high, err));
        v->low *= factor, v->high *= factor;
        DUO_TRY(check_range(c, at_low, key, v->low, err));
        DUO_TRY(check_range(c, at_high, key, v->high, err));
        if (!(v->low <= v->value && v->value <= v->high))
            return duo_csv_bad(c, at_value, err, "%g is outside its interval [%g, %g]", v->value, v->low, v->high);
    } else if (v->status == DUO_ASSUMED) {
        v->low = fmax(0.7 * v->value, duo_keys[key].least);
        v->high = fmin(1.4 * v->value, duo_keys[key].most);
    } else if (v->status == DUO_FITTED && at_low >= 0) {
        return duo_csv_bad(c, at_low, err, "a fitted value needs low and high");
    }
    return DUO_OK;
}

static uint64_t id_of(const char *table, const char *row, int key)
{
    char text[400];
    snprintf(text, sizeof text, "%s/%s/%s", table, row, duo_keys[key].name);
    return duo_hash(0, text, 0);
}

/* ---- one number a row: hardware.csv, radios.csv, runtimes.csv ---- */

struct long_columns { int name, runtime, quant, quantity, value, unit, status, low, high, source, url, note, date; };

static enum duo_status find_long(const struct duo_csv *c, bool scoped, struct long_columns *at, struct duo_err *err)
{
    at->runtime = at->quant = at->url = at->date = -1;
    DUO_TRY(duo_csv_need(c, scoped ? "scope" : "name", &at->name, err));
    if (scoped) DUO_TRY(duo_csv_need(c, "runtime", &at->runtime, err));
    if (scoped) DUO_TRY(duo_csv_need(c, "quant", &at->quant, err));
    if (scoped) DUO_TRY(duo_csv_need(c, "date", &at->date, err));
    DUO_TRY(duo_csv_need(c, "quantity", &at->quantity, err));
    DUO_TRY(duo_csv_need(c, "value", &at->value, err));
    DUO_TRY(duo_csv_need(c, "unit", &at->unit, err));
    DUO_TRY(duo_csv_need(c, "status", &at->status, err));
    DUO_TRY(duo_csv_need(c, "low", &at->low, err));
    DUO_TRY(duo_csv_need(c, "high", &at->high, err));
    DUO_TRY(duo_csv_need(c, "source", &at->source, err));
    if (!scoped) DUO_TRY(duo_csv_need(c, "url", &at->url, err));
    return duo_csv_need(c, "note", &at->note, err);
}

static enum duo_status read_key(const struct duo_csv *c, int column, enum duo_table t, enum duo_key *out, struct duo_err *err)
{
    const char *names[DUO_KEYS], *cell = duo_csv_cell(c, column), *near;
    size_t n = 0;

    for (int k = 0; k < DUO_KEYS; k++) {
        if (!duo_table_has(t, k)) continue;
        *out = (enum duo_key)k;
        if (strcmp(duo_keys[k].name, cell) == 0) return DUO_OK;
        names[n++] = duo_keys[k].name;
    }
    near = duo_nearest(cell, names, n);
    return duo_csv_bad(c, column, err, "unknown quantity '%s'%s%s%s", cell, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static enum duo_status read_number(const struct duo_csv *c, const struct long_columns *at, int key, struct duo_value *v, struct duo_err *err)
{
    double factor;

    DUO_TRY(duo_csv_number(c, at->value, &v->value, err));
    DUO_TRY(read_unit(c, at->unit, key, &factor, err));
    v->value *= factor;
    DUO_TRY(check_range(c, at->value, key, v->value, err));
    DUO_TRY(read_status(c, at->status, &v->status, err));
    DUO_TRY(set_interval(c, at->value, at->low, at->high, factor, key, v, err));
    if (blank(c, at->source)) return duo_csv_bad(c, at->source, err, "a source is needed");
    v->given = v->value;
    return DUO_OK;
}

static void keep_texts(const struct duo_csv *c, const struct long_columns *at, struct duo_value *v)
{
    v->unit = kept(c, at->unit), v->source = kept(c, at->source), v->url = kept(c, at->url);
    v->note = kept(c, at->note), v->date = kept(c, at->date);
}

/* Lines that this file has filled already, by the slot's address: for (4). */
struct seen { int n; const void **slot; };

static bool see(struct seen *s, const void *slot)
{
    for (int i = 0; i < s->n; i++)
        if (s->slot[i] == slot) return true;
    s->slot = duo_grow(s->slot, (size_t)s->n + 1, sizeof *s->slot);
    s->slot[s->n++] = slot;
    return false;
}

static enum duo_status read_long(struct duo_csv *c, struct duo_catalogue *all, enum duo_table t, struct seen *seen, struct duo_err *err)
{
    struct duo_entries *table = &all->table[t];
    struct long_columns at;
    int got;

    DUO_TRY(find_long(c, false, &at, err));
    while ((got = duo_csv_next(c, err)) > 0) {
        struct duo_value v = { 0 }, *slot;
        enum duo_key key;
        const char *name = duo_csv_cell(c, at.name), *near;
        int i = duo_entries_at(table, name);

        if (blank(c, at.name)) return duo_csv_bad(c, at.name, err, "expected a name");
        if (i < 0 && t == DUO_HARDWARE) {
            near = duo_nearest(name, table->names, (size_t)table->n);
            return duo_csv_bad(c, at.name, err, "'%s' is not in devices.csv%s%s%s", name, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
        }
        DUO_TRY(read_key(c, at.quantity, t, &key, err));
        DUO_TRY(read_number(c, &at, (int)key, &v, err));
        if (i < 0) duo_row_new(all, t, name), i = table->n - 1;
        slot = &table->rows[i]->value[key];
        if (see(seen, slot)) return duo_csv_bad(c, at.quantity, err, "%s of %s is there twice", duo_keys[key].name, name);
        v.id = id_of(duo_table_names[t], table->names[i], (int)key);
        keep_texts(c, &at, &v);
        duo_value_free(slot);
        *slot = v;
    }
    return got < 0 ? err->status : DUO_OK;
}

static const char *plain_copy(const char *text)
{
    char out[200];
    duo_name_plain(text, out, sizeof out);
    return duo_copy(out);
}

/* Where the constant of this scope stands, made when there was none. */
static struct duo_scoped *scoped_slot(struct duo_catalogue *all, const struct duo_csv *c, const struct long_columns *at, enum duo_key key, int *index)
{
    struct duo_scoped s = { .scope = plain_copy(duo_csv_cell(c, at->name)), .runtime = plain_copy(duo_csv_cell(c, at->runtime)),
                            .quant = plain_copy(duo_csv_cell(c, at->quant)), .key = key };

    for (*index = 0; *index < all->n_scoped; (*index)++) {
        const struct duo_scoped *o = &all->scoped[*index];
        if (o->key != key || strcmp(o->scope, s.scope) || strcmp(o->runtime, s.runtime) || strcmp(o->quant, s.quant)) continue;
        free((char *)s.scope), free((char *)s.runtime), free((char *)s.quant);
        return &all->scoped[*index];
    }
    all->scoped = duo_grow(all->scoped, (size_t)all->n_scoped + 1, sizeof *all->scoped);
    all->scoped[all->n_scoped] = s;
    return &all->scoped[all->n_scoped++];
}

/* A scope is "*", "class:" and a class that a device has, or a device; its canonical name is what is kept. */
static enum duo_status check_scope(const struct duo_csv *c, const struct long_columns *at, const struct duo_catalogue *all, struct duo_err *err)
{
    const struct duo_entries *devices = &all->table[DUO_HARDWARE];
    const char *scope = duo_csv_cell(c, at->name), *near;
    const char *quant = duo_csv_cell(c, at->quant);

    if (*quant && duo_entries_at(&all->table[DUO_QUANTS], quant) < 0) return duo_csv_bad(c, at->quant, err, "'%s' is not in quants.csv", quant);
    if (blank(c, at->runtime)) return duo_csv_bad(c, at->runtime, err, "expected a runtime, or *");
    if (strcmp(scope, "*") == 0) return DUO_OK;
    if (strncmp(scope, "class:", 6) == 0) {
        for (int i = 0; i < devices->n; i++)
            if (strcmp(devices->rows[i]->class, scope + 6) == 0) return DUO_OK;
        return duo_csv_bad(c, at->name, err, "no device is of class '%s'", scope + 6);
    }
    if (duo_entries_at(devices, scope) >= 0) return DUO_OK;
    near = duo_nearest(scope, devices->names, (size_t)devices->n);
    return duo_csv_bad(c, at->name, err, "'%s' is neither a device, class:NAME nor *%s%s%s", scope, near ? " (did you mean " : "", near ? near : "",
                       near ? "?)" : "");
}

static enum duo_status read_scoped(struct duo_csv *c, struct duo_catalogue *all, struct seen *seen, struct duo_err *err)
{
    struct long_columns at;
    int got;

    DUO_TRY(find_long(c, true, &at, err));
    while ((got = duo_csv_next(c, err)) > 0) {
        struct duo_value v = { 0 };
        struct duo_scoped *slot;
        enum duo_key key;
        char where[300];
        int index;

        DUO_TRY(check_scope(c, &at, all, err));
        DUO_TRY(read_key(c, at.quantity, DUO_RUNTIMES, &key, err));
        DUO_TRY(read_number(c, &at, (int)key, &v, err));
        slot = scoped_slot(all, c, &at, key, &index);
        if (see(seen, (const void *)(uintptr_t)(index + 1))) return duo_csv_bad(c, at.quantity, err, "%s is there twice for this scope", duo_keys[key].name);
        snprintf(where, sizeof where, "%s%s%s%s%s", slot->scope, *slot->runtime ? ", " : "", slot->runtime, *slot->quant ? ", " : "", slot->quant);
        v.id = id_of("runtimes", where, (int)key);
        keep_texts(c, &at, &v);
        v.scope = duo_copy(where);
        duo_value_free(&slot->value);
        slot->value = v;
        if (strcmp(slot->runtime, "*") && duo_entries_at(&all->table[DUO_RUNTIMES], slot->runtime) < 0) duo_row_new(all, DUO_RUNTIMES, slot->runtime);
    }
    return got < 0 ? err->status : DUO_OK;
}

/* ---- one thing a row: the other files ---- */

struct wide_columns { int name, title, class, site, runtime, activation, aliases, status, date, source, note, value[DUO_KEYS]; };

static enum duo_status find_wide(const struct duo_csv *c, enum duo_table t, bool devices, struct wide_columns *at, struct duo_err *err)
{
    const struct { const char *name; int *column; bool there; } need[] = {
        { "name", &at->name, true }, { "aliases", &at->aliases, true }, { "title", &at->title, devices }, { "class", &at->class, devices },
        { "site", &at->site, devices }, { "runtime", &at->runtime, devices }, { "family", &at->title, t == DUO_MODELS },
        { "activation", &at->activation, t == DUO_QUANTS }, { "status", &at->status, !devices }, { "date", &at->date, !devices },
        { "source", &at->source, !devices }, { "note", &at->note, !devices },
    };

    at->title = at->class = at->site = at->runtime = at->activation = at->status = at->date = at->source = at->note = -1;
    for (size_t i = 0; i < sizeof need / sizeof need[0]; i++)
        if (need[i].there) DUO_TRY(duo_csv_need(c, need[i].name, need[i].column, err));
    for (int k = 0; k < DUO_KEYS; k++) {
        at->value[k] = -1;
        if (!devices && duo_table_has(t, k)) DUO_TRY(duo_csv_need(c, duo_keys[k].name, &at->value[k], err));
    }
    return DUO_OK;
}

/* (2): what must be given for the row to be of use. */
static enum duo_status check_wide(const struct duo_csv *c, enum duo_table t, const struct wide_columns *at, const struct duo_row *r, struct duo_err *err)
{
    static const int wanted[][4] = { [DUO_MODELS] = { DUO_KEY_layers, DUO_KEY_width, DUO_KEY_heads, DUO_KEY_kv_heads }, [DUO_QUANTS] = { DUO_KEY_bits, DUO_KEY_bits, DUO_KEY_bits, DUO_KEY_bits },
                                     [DUO_PRICES] = { DUO_KEY_dollars_in, DUO_KEY_dollars_out, DUO_KEY_dollars_in, DUO_KEY_dollars_out },
                                     [DUO_CARBON] = { DUO_KEY_grams_kwh, DUO_KEY_grams_kwh, DUO_KEY_grams_kwh, DUO_KEY_grams_kwh } };
    double kv = r->value[DUO_KEY_kv_heads].value, heads = r->value[DUO_KEY_heads].value;

    for (int i = 0; i < 4; i++)
        if (isnan(r->value[wanted[t][i]].value)) return duo_csv_bad(c, at->value[wanted[t][i]], err, "%s of %s is missing", duo_keys[wanted[t][i]].name, r->name);
    if (t == DUO_MODELS && fmod(heads, kv) != 0)
        return duo_csv_bad(c, at->value[DUO_KEY_kv_heads], err, "%g heads don't share %g key and value heads evenly", heads, kv);
    if (t == DUO_QUANTS && strcmp(r->activation, "fp32") && strcmp(r->activation, "fp16") && strcmp(r->activation, "fp8") && strcmp(r->activation, "int8"))
        return duo_csv_bad(c, at->activation, err, "expected fp32, fp16, fp8 or int8, got '%s'", r->activation);
    return DUO_OK;
}

static enum duo_status read_cells(const struct duo_csv *c, enum duo_table t, const struct wide_columns *at, struct duo_row *r, struct duo_err *err)
{
    enum duo_provenance status;
    double factor = t == DUO_PRICES ? 1e-6 : 1;

    DUO_TRY(read_status(c, at->status, &status, err));
    if (blank(c, at->source)) return duo_csv_bad(c, at->source, err, "a source is needed");
    for (int k = 0; k < DUO_KEYS; k++) {
        struct duo_value *v = &r->value[k];
        double own = duo_keys[k].claim == DUO_CLAIM_MONEY ? factor : 1;
        if (at->value[k] < 0 || blank(c, at->value[k])) continue;
        v->status = status;
        DUO_TRY(duo_csv_number(c, at->value[k], &v->value, err));
        v->value *= own;
        DUO_TRY(check_range(c, at->value[k], k, v->value, err));
        if (!*duo_keys[k].unit && v->value != floor(v->value)) return duo_csv_bad(c, at->value[k], err, "%s is %g, expected a whole number", duo_keys[k].name, v->value);
        DUO_TRY(set_interval(c, at->value[k], -1, -1, own, k, v, err));
        v->given = v->value;
        v->id = id_of(duo_table_names[t], r->name, k);
        v->unit = duo_copy(own == 1 ? duo_keys[k].unit : "$/Mtok");
        v->source = kept(c, at->source), v->note = kept(c, at->note), v->date = kept(c, at->date);
    }
    return check_wide(c, t, at, r, err);
}

/* A replaced device keeps its numbers: they are hardware.csv's. */
static void set_texts(const struct duo_csv *c, const struct wide_columns *at, struct duo_row *r)
{
    const struct { const char **to; int column; } texts[] = {
        { &r->title, at->title }, { &r->class, at->class }, { &r->site, at->site }, { &r->runtime, at->runtime }, { &r->activation, at->activation },
        { &r->aliases, at->aliases }, { &r->date, at->date }, { &r->source, at->source },
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        free((char *)*texts[i].to);
        *texts[i].to = kept(c, texts[i].column);
    }
}

static enum duo_status read_wide(struct duo_csv *c, struct duo_catalogue *all, enum duo_table t, bool devices, struct seen *seen, struct duo_err *err)
{
    struct wide_columns at;
    int got;

    DUO_TRY(find_wide(c, t, devices, &at, err));
    while ((got = duo_csv_next(c, err)) > 0) {
        const char *name = duo_csv_cell(c, at.name);
        int i = duo_entries_at(&all->table[t], name);
        struct duo_row *r = i < 0 ? NULL : all->table[t].rows[i];
        const struct duo_row *other;
        char alias[200];

        if (!*name) return duo_csv_bad(c, at.name, err, "expected a name");
        if (!r) r = duo_row_new(all, t, name);
        if (see(seen, r)) return duo_csv_bad(c, at.name, err, "%s is there twice", name);
        set_texts(c, &at, r);
        if ((other = duo_entries_clash(&all->table[t], r, alias, sizeof alias)))
            return duo_csv_bad(c, at.aliases, err, "alias '%s' is %s, too", alias, other->name);
        if (devices && (!*r->class || !*r->site || !*r->runtime)) return duo_csv_bad(c, at.class, err, "%s needs class, site and runtime", name);
        if (devices) {
            static const char *const sites[] = { "device", "edge", "cloud", "api" };
            size_t site = 0;
            while (site < 4 && strcmp(r->site, sites[site]) != 0) site++;
            if (site == 4) return duo_csv_bad(c, at.site, err, "expected device, edge, cloud or api, got '%s'", r->site);
            continue;
        }
        for (int k = 0; k < DUO_KEYS; k++) duo_value_free(&r->value[k]), r->value[k] = (struct duo_value){ .value = NAN, .given = NAN, .low = NAN, .high = NAN, .status = DUO_PROVENANCE_END };
        DUO_TRY(read_cells(c, t, &at, r, err));
        if (t == DUO_MODELS || t == DUO_PRICES) duo_row_standards(r);
    }
    return got < 0 ? err->status : DUO_OK;
}

/* ---- a folder ---- */

enum form { DEVICES, LONG, WIDE, SCOPED };
static const struct file { const char *name; enum duo_table table; enum form form; } files[] = {      /* in this order: later ones name earlier ones' rows */
    { "devices", DUO_HARDWARE, DEVICES }, { "hardware", DUO_HARDWARE, LONG }, { "models", DUO_MODELS, WIDE }, { "quants", DUO_QUANTS, WIDE },
    { "radios", DUO_RADIOS, LONG }, { "prices", DUO_PRICES, WIDE }, { "carbon", DUO_CARBON, WIDE }, { "runtimes", DUO_RUNTIMES, SCOPED },
};
enum { N_FILES = sizeof files / sizeof files[0] };

static enum duo_status read_file(struct duo_catalogue *all, const struct file *f, const char *path, struct duo_err *err)
{
    struct seen seen = { 0 };
    struct duo_csv *c;
    enum duo_status status;

    DUO_TRY(duo_csv_open(&c, path, ',', err));
    if (f->form == LONG)        status = read_long(c, all, f->table, &seen, err);
    else if (f->form == SCOPED) status = read_scoped(c, all, &seen, err);
    else                        status = read_wide(c, all, f->table, f->form == DEVICES, &seen, err);
    duo_csv_close(c);
    free(seen.slot);
    return status;
}

enum duo_status duo_catalogue_read(struct duo_catalogue *all, const char *dir, bool every, struct duo_err *err)
{
    char path[4200];
    int read = 0;

    for (int i = 0; i < N_FILES; i++) {
        snprintf(path, sizeof path, "%s/%s.csv", dir, files[i].name);
        bool there = access(path, F_OK) == 0;
        if (!there && every && files[i].form == SCOPED) snprintf(path, sizeof path, "%s/../calibration/%s.csv", dir, files[i].name);
        if (!there && !every) continue;
        DUO_TRY(read_file(all, &files[i], path, err));
        read++;
    }
    if (!read) return duo_fail_at(err, DUO_BAD_INPUT, dir, 0, 0, "no file of a catalogue in it (devices.csv, hardware.csv, models.csv, quants.csv, radios.csv, prices.csv, carbon.csv, runtimes.csv)");
    return DUO_OK;
}
