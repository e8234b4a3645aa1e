/* catalogue_print.c - what the catalogue knows, for people and for programs: every value with unit, status, interval, source. */
#include <math.h>
#include <string.h>

#include "models/cost/catalogue_inside.h"
#include "sim/base/json.h"

static bool some(const char *text) { return text && *text; }

static void number(double value, char out[32]) { snprintf(out, 32, "%.6g", value); }

/* Draws aside: what is printed is what the files say. */
static void text_value(FILE *out, const struct duo_value *v, int key)
{
    char value[32], low[32], high[32], interval[80] = "";

    number(v->given, value), number(v->low, low), number(v->high, high);
    if (v->low < v->high) snprintf(interval, sizeof interval, "%s to %s", low, high);
    fprintf(out, "%-18s %-12s %-8s %-10s %-22s %s%s%s", duo_keys[key].name, value, duo_keys[key].unit, duo_provenance_text(v->status), interval,
            some(v->source) ? v->source : "", some(v->note) ? "; " : "", some(v->note) ? v->note : "");
    if (some(v->scope)) fprintf(out, " [%s]", v->scope);
    fputc('\n', out);
}

static void json_text(struct duo_json *j, const char *key, const char *text)
{
    if (!some(text)) return;
    duo_json_key(j, key);
    duo_json_text(j, text);
}

static void json_value(struct duo_json *j, const struct duo_value *v, int key)
{
    duo_json_open(j, '{');
    duo_json_key(j, "key"),    duo_json_text(j, duo_keys[key].name);
    duo_json_key(j, "value"),  duo_json_number(j, v->given);
    duo_json_key(j, "unit"),   duo_json_text(j, duo_keys[key].unit);
    duo_json_key(j, "status"), duo_json_text(j, duo_provenance_text(v->status));
    if (v->low < v->high) {
        duo_json_key(j, "low"),  duo_json_number(j, v->low);
        duo_json_key(j, "high"), duo_json_number(j, v->high);
    }
    json_text(j, "scope", v->scope);
    json_text(j, "date", v->date);
    duo_json_key(j, "source"), duo_json_text(j, v->source);
    json_text(j, "url", v->url);
    json_text(j, "note", v->note);
    duo_json_close(j);
}

static void value(struct duo_json *j, FILE *out, const struct duo_value *v, int key)
{
    if (j) json_value(j, v, key);
    else   text_value(out, v, key);
}

static void values(struct duo_json *j, FILE *out, const struct duo_catalogue *c, const struct duo_row *r)
{
    for (int k = 0; k < DUO_KEYS; k++)
        if (!isnan(r->value[k].given)) value(j, out, &r->value[k], k);
    for (int i = 0; r->table == DUO_RUNTIMES && i < c->n_scoped; i++)
        if (strcmp(c->scoped[i].runtime, r->name) == 0 || strcmp(c->scoped[i].runtime, "*") == 0) value(j, out, &c->scoped[i].value, (int)c->scoped[i].key);
}

/* What stands beside a name in a list: what people look for first. */
static void about(const struct duo_catalogue *c, const struct duo_row *r, char *out, size_t n)
{
    const struct duo_value *v = r->value;
    struct duo_arch a;
    struct duo_parameters p;
    int scoped = 0;

    switch (r->table) {
    case DUO_HARDWARE: snprintf(out, n, "%-12s %s", r->class, r->title); break;
    case DUO_MODELS:
        duo_row_arch(r, &a);
        duo_work_parameters(&a, &p);
        if (p.active + (a.tied ? 0 : p.embedding) < 0.9 * p.total) snprintf(out, n, "%.3g B parameters, %.3g B active", p.total / 1e9, p.active / 1e9);
        else snprintf(out, n, "%.3g %s parameters", p.total >= 1e9 ? p.total / 1e9 : p.total / 1e6, p.total >= 1e9 ? "B" : "M");
        break;
    case DUO_QUANTS: snprintf(out, n, "%.4g bits a weight, products in %s", v[DUO_KEY_bits].given, r->activation); break;
    case DUO_RADIOS: snprintf(out, n, "%.3g uJ/B up, %.3g down, %.3g W", 1e6 * v[DUO_KEY_joules_byte_up].given, 1e6 * v[DUO_KEY_joules_byte_down].given, v[DUO_KEY_active_watts].given); break;
    case DUO_PRICES: snprintf(out, n, "$%.4g/Mtok in, $%.4g/Mtok out, %s", 1e6 * v[DUO_KEY_dollars_in].given, 1e6 * v[DUO_KEY_dollars_out].given, r->date); break;
    case DUO_CARBON: snprintf(out, n, "%.4g g/kWh, %s", v[DUO_KEY_grams_kwh].given, r->date); break;
    case DUO_RUNTIMES:
        for (int i = 0; i < c->n_scoped; i++) scoped += strcmp(c->scoped[i].runtime, r->name) == 0;
        snprintf(out, n, "%d constants", scoped);
        break;
    case DUO_NO_TABLE: break;
    }
}

static int table_of(const char *which)
{
    int t = 0;
    while (t < DUO_NO_TABLE && strcmp(which, duo_table_names[t])) t++;
    return t;
}

static enum duo_status list(const struct duo_catalogue *c, int t, FILE *out, bool json)
{
    const struct duo_entries *table = &c->table[t];
    struct duo_json j;
    char line[256];

    if (json) duo_json_init(&j, out), duo_json_open(&j, '[');
    for (int i = 0; i < table->n; i++) {
        line[0] = 0;
        about(c, table->rows[i], line, sizeof line);
        if (!json) { fprintf(out, "%-28s %s\n", table->names[i], line); continue; }
        duo_json_open(&j, '{');
        duo_json_key(&j, "name");  duo_json_text(&j, table->names[i]);
        json_text(&j, "title", table->rows[i]->title);
        json_text(&j, "class", table->rows[i]->class);
        duo_json_key(&j, "about"); duo_json_text(&j, line);
        duo_json_close(&j);
    }
    if (json) duo_json_close(&j), duo_json_end(&j);
    return DUO_OK;
}

enum duo_status duo_catalogue_print(const struct duo_catalogue *c, const char *which, const char *name, FILE *out, bool json,
                                    struct duo_err *err)
{
    int t = table_of(which);
    const struct duo_row *r;
    struct duo_json j;
    char line[256] = "";

    if (t == DUO_NO_TABLE) return duo_fail(err, DUO_BAD_INPUT, "no table '%s' in the catalogue", which);
    if (!name) return list(c, t, out, json);
    r = duo_catalogue_row(c, (enum duo_table)t, name, NULL, 0, err);
    if (!r) return DUO_BAD_INPUT;
    about(c, r, line, sizeof line);
    if (!json) {
        fprintf(out, "%s: %s%s%s%s%s\n", r->name, t == DUO_HARDWARE ? r->title : line, t == DUO_HARDWARE ? ", " : "", t == DUO_HARDWARE ? r->class : "",
                t == DUO_HARDWARE ? ", " : "", t == DUO_HARDWARE ? r->site : "");
        if (some(r->aliases)) fprintf(out, "also: %s\n", r->aliases);
        if (some(r->runtime)) fprintf(out, "usual runtime: %s\n", r->runtime);
        values(NULL, out, c, r);
        return DUO_OK;
    }
    duo_json_init(&j, out);
    duo_json_open(&j, '{');
    duo_json_key(&j, "name"), duo_json_text(&j, r->name);
    json_text(&j, "title", r->title),   json_text(&j, "class", r->class),           json_text(&j, "site", r->site);
    json_text(&j, "runtime", r->runtime), json_text(&j, "activation", r->activation), json_text(&j, "aliases", r->aliases);
    json_text(&j, "date", r->date);
    duo_json_key(&j, "values"), duo_json_open(&j, '[');
    values(&j, out, c, r);
    duo_json_close(&j), duo_json_close(&j), duo_json_end(&j);
    return DUO_OK;
}
