/* catalogue.c - tables of rows: opened, laid over one another, found by name, drawn.  Requirements: catalogue.h. */
#include "models/cost/catalogue.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/cost/catalogue_inside.h"
#include "sim/base/rng.h"

const struct duo_key_info duo_keys[DUO_KEYS] = {
#define X(key, table, claim, least, most, unit, what) [DUO_KEY_##key] = { #key, unit, what, DUO_##table, DUO_CLAIM_##claim, least, most },
    DUO_CONSTANTS(X)
#undef X
};

const char *const duo_table_names[DUO_NO_TABLE] = {
#define X(name, text, one) [DUO_##name] = text,
    DUO_TABLES(X)
#undef X
};
const char *const duo_table_one[DUO_NO_TABLE] = {
#define X(name, text, one) [DUO_##name] = one,
    DUO_TABLES(X)
#undef X
};

const char *duo_provenance_text(enum duo_provenance p)
{
    static const char *const text[] = {
#define X(name, word) [DUO_##name] = word,
        DUO_PROVENANCES(X)
#undef X
    };
    return p < DUO_PROVENANCE_END ? text[p] : "none";
}

bool duo_table_has(enum duo_table t, int key)
{
    return duo_keys[key].table == t || (t == DUO_PRICES && (key == DUO_KEY_context || key == DUO_KEY_vocabulary));
}

/* ---- rows ---- */

struct duo_row *duo_row_new(struct duo_catalogue *all, enum duo_table t, const char *name)
{
    struct duo_entries *table = &all->table[t];
    struct duo_row *r = duo_new(1, sizeof *r);

    r->table = t;
    r->name = duo_copy(name);
    for (int k = 0; k < DUO_KEYS; k++) r->value[k] = (struct duo_value){ .value = NAN, .given = NAN, .low = NAN, .high = NAN, .status = DUO_PROVENANCE_END };
    table->rows  = duo_grow(table->rows, (size_t)table->n + 1, sizeof *table->rows);
    table->names = duo_grow(table->names, (size_t)table->n + 1, sizeof *table->names);
    table->read  = duo_grow(table->read, (size_t)table->n + 1, sizeof *table->read);
    table->rows[table->n] = r, table->names[table->n] = r->name, table->read[table->n] = false;
    table->n++;
    return r;
}

static void row_free(struct duo_row *r)
{
    for (int k = 0; k < DUO_KEYS; k++) duo_value_free(&r->value[k]);
    free((char *)r->name), free((char *)r->title), free((char *)r->class), free((char *)r->site), free((char *)r->runtime);
    free((char *)r->quant), free((char *)r->activation), free((char *)r->aliases), free((char *)r->date), free((char *)r->source);
    free(r);
}

void duo_row_drop(struct duo_catalogue *all, enum duo_table t) { row_free(all->table[t].rows[--all->table[t].n]); }

void duo_value_free(struct duo_value *v)
{
    free((char *)v->unit), free((char *)v->source), free((char *)v->url);
    free((char *)v->note), free((char *)v->date), free((char *)v->scope);
    v->unit = v->source = v->url = v->note = v->date = v->scope = NULL;
}

void duo_row_standards(struct duo_row *r)
{
    static const struct { enum duo_key key; double value; const char *source; } standard[] = {
        { DUO_KEY_image_tokens, 576, "CLIP ViT-L/14 at 336 pixels, as in LLaVA-1.5" }, { DUO_KEY_image_flop, 3.8e11, "the same encoder" },
        { DUO_KEY_audio_bytes, 160, "25 tokens a second at 32 kbit/s" }, { DUO_KEY_audio_flop, 2.6e9, "an encoder of Whisper-small's size" },
        { DUO_KEY_document_bytes, 4, "four letters a token, of English" },
    };

    for (size_t i = 0; i < sizeof standard / sizeof standard[0]; i++) {
        struct duo_value *v = &r->value[standard[i].key];
        char id[300];
        if (!isnan(v->given)) continue;
        snprintf(id, sizeof id, "%s/%s/%s", duo_table_names[r->table], r->name, duo_keys[standard[i].key].name);
        *v = (struct duo_value){ .value = standard[i].value, .given = standard[i].value, .low = 0.7 * standard[i].value, .high = 1.4 * standard[i].value,
                                 .status = DUO_ASSUMED, .unit = duo_copy(duo_keys[standard[i].key].unit), .source = duo_copy(standard[i].source),
                                 .id = duo_hash(0, id, 0) };
    }
}

/* ---- open and close ---- */

enum duo_status duo_catalogue_open(struct duo_catalogue **out, const char *dir, struct duo_err *err)
{
    struct duo_err own = { 0 };
    struct duo_catalogue *c = duo_new(1, sizeof *c);
    enum duo_status status = duo_catalogue_read(c, dir, true, err ? err : &own);

    if (status == DUO_OK) *out = c;
    else                  duo_catalogue_free(c);
    return status;
}

enum duo_status duo_catalogue_layer(struct duo_catalogue *c, const char *dir, struct duo_err *err)
{
    struct duo_err own = { 0 };
    return duo_catalogue_read(c, dir, false, err ? err : &own);
}

static void drawn_free(struct duo_catalogue *c)
{
    for (int i = 0; i < c->n_drawn; i++) free((char *)c->drawn[i].name);
    free(c->drawn);
    c->drawn = NULL, c->n_drawn = 0;
}

void duo_catalogue_free(struct duo_catalogue *c)
{
    if (!c) return;
    for (int t = 0; t < DUO_NO_TABLE; t++) {
        for (int i = 0; i < c->table[t].n; i++) row_free(c->table[t].rows[i]);
        free(c->table[t].rows), free(c->table[t].names), free(c->table[t].read);
    }
    for (int i = 0; i < c->n_scoped; i++) {
        duo_value_free(&c->scoped[i].value);
        free((char *)c->scoped[i].scope), free((char *)c->scoped[i].runtime), free((char *)c->scoped[i].quant);
    }
    free(c->scoped);
    drawn_free(c);
    free(c);
}

/* ---- draws (5) ---- */

static bool can_be_drawn(const struct duo_value *v, int key)
{
    bool open = v->status == DUO_ASSUMED || v->status == DUO_FITTED;
    return open && v->low < v->high && duo_keys[key].claim != DUO_CLAIM_READ && *duo_keys[key].unit;
}

/* Log-uniform; from 0 on there are no logarithms, so uniform. */
static void value_draw(struct duo_value *v, enum duo_key key, uint64_t draw)
{
    double u;

    v->value = v->given;
    if (!draw || !can_be_drawn(v, (int)key)) return;
    u = duo_unit(duo_mix(v->id ^ duo_mix(draw)));
    v->value = v->low > 0 ? v->low * pow(v->high / v->low, u) : v->low + u * (v->high - v->low);
    v->value = fmin(fmax(v->value, v->low), v->high);
}

/* ---- by name (3) ---- */

static char plain_letter(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c == '_' || c == ' ' ? '-' : c;
}

void duo_name_plain(const char *name, char *out, size_t n)
{
    size_t i = 0;
    for (; name[i] && i + 1 < n; i++) out[i] = plain_letter(name[i]);
    out[i] = 0;
}

static bool same_plain(const char *name, size_t length, const char *plain)
{
    for (size_t i = 0; i < length; i++)
        if (plain_letter(name[i]) != plain[i]) return false;
    return plain[length] == 0;
}

static bool has_alias(const struct duo_row *r, const char *plain)
{
    for (const char *at = r->aliases; at && *at;) {
        size_t length = strcspn(at, ";");
        if (same_plain(at, length, plain)) return true;
        at += length;
        at += *at == ';';
    }
    return false;
}

int duo_entries_at(const struct duo_entries *table, const char *name)
{
    char plain[200];

    duo_name_plain(name, plain, sizeof plain);
    for (int i = 0; i < table->n; i++)
        if (same_plain(table->names[i], strlen(table->names[i]), plain)) return i;
    for (int i = 0; i < table->n; i++)
        if (has_alias(table->rows[i], plain)) return i;
    return -1;
}

const struct duo_row *duo_entries_clash(const struct duo_entries *table, const struct duo_row *r, char *which, size_t n)
{
    for (const char *at = r->aliases; at && *at;) {
        size_t length = strcspn(at, ";");
        snprintf(which, n, "%.*s", (int)length, at);
        duo_name_plain(which, which, n);
        for (int i = 0; i < table->n; i++)
            if (table->rows[i] != r && (same_plain(table->names[i], strlen(table->names[i]), which) || has_alias(table->rows[i], which))) return table->rows[i];
        at += length;
        at += *at == ';';
    }
    return NULL;
}

/* Take one of a model's endings off; false: it has none. */
static bool cut_ending(char *plain)
{
    static const char *const endings[] = { "-instruct", "-chat", "-it", "-hf", "-fp8", "-awq", "-gptq", "-gguf", "-2507", "-bnb-4bit" };
    size_t length = strlen(plain);

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t own = strlen(endings[i]);
        if (length <= own || strcmp(plain + length - own, endings[i])) continue;
        plain[length - own] = 0;
        return true;
    }
    return false;
}

/* A model's name without the organisation. */
static void bare_name(const char *name, char *plain, size_t n)
{
    const char *slash = strrchr(name, '/');
    duo_name_plain(slash ? slash + 1 : name, plain, n);
}

/* As it is; without the organisation; then without one ending after the other. */
static int model_at(const struct duo_entries *table, const char *name)
{
    char plain[200];
    int at = duo_entries_at(table, name);

    if (at >= 0) return at;
    bare_name(name, plain, sizeof plain);
    at = duo_entries_at(table, plain);
    while (at < 0 && cut_ending(plain)) at = duo_entries_at(table, plain);
    return at;
}

static bool is_gguf(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".gguf") == 0;
}

const struct duo_row *duo_catalogue_find(const struct duo_catalogue *c, enum duo_table t, const char *name)
{
    const struct duo_entries *table = &c->table[t];
    int i = t == DUO_MODELS ? model_at(table, name) : duo_entries_at(table, name);

    if (i < 0) return NULL;
    table->read[i] = true;
    return table->rows[i];
}

struct words { size_t n; char **at; };

static void add_word(struct words *w, const char *text, size_t length)
{
    w->at = duo_grow(w->at, w->n + 1, sizeof *w->at);
    w->at[w->n] = duo_new(length + 1, 1);
    memcpy(w->at[w->n], text, length);
    duo_name_plain(w->at[w->n], w->at[w->n], length + 1);
    w->n++;
}

/* Names as they are written, and aliases, which are as good to be told. */
static const char *nearest(const struct duo_entries *table, enum duo_table t, const char *name, char *room, size_t n)
{
    struct words w = { 0 };
    char plain[200];
    const char *near;
    size_t found = 0;

    if (t == DUO_MODELS) bare_name(name, plain, sizeof plain);
    else                 duo_name_plain(name, plain, sizeof plain);
    while (t == DUO_MODELS && cut_ending(plain)) continue;
    for (int i = 0; i < table->n; i++) add_word(&w, table->names[i], strlen(table->names[i]));
    for (int i = 0; i < table->n; i++)
        for (const char *at = table->rows[i]->aliases; at && *at;) {
            size_t length = strcspn(at, ";");
            add_word(&w, at, length);
            at += length;
            at += *at == ';';
        }
    near = duo_nearest(plain, (const char *const *)w.at, w.n);
    while (near && w.at[found] != near) found++;
    if (near) snprintf(room, n, "%s", found < (size_t)table->n ? table->names[found] : near);
    for (size_t i = 0; i < w.n; i++) free(w.at[i]);
    free(w.at);
    return near ? room : NULL;
}

static const struct duo_row *from_gguf(struct duo_catalogue *c, const char *name, const char *scenario, struct duo_err *err)
{
    const char *slash = scenario && *name != '/' ? strrchr(scenario, '/') : NULL;
    char path[4200];
    struct duo_row *r;

    snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash - scenario + 1) : 0, slash ? scenario : "", name);
    for (int i = 0; i < c->table[DUO_MODELS].n; i++)
        if (strcmp(c->table[DUO_MODELS].names[i], path) == 0) return c->table[DUO_MODELS].rows[i];
    r = duo_row_from_gguf(c, path, err);
    for (int k = 0; r && k < DUO_KEYS; k++) value_draw(&r->value[k], (enum duo_key)k, c->draw);
    if (r) c->table[DUO_MODELS].read[c->table[DUO_MODELS].n - 1] = true;
    return r;
}

const struct duo_row *duo_catalogue_row(const struct duo_catalogue *c, enum duo_table t, const char *name, const char *file,
                                        int line, struct duo_err *err)
{
    const struct duo_row *r;
    char room[200];
    const char *near;

    if (t == DUO_MODELS && is_gguf(name)) return from_gguf((struct duo_catalogue *)c, name, file, err);    /* added to the table */
    if ((r = duo_catalogue_find(c, t, name))) return r;
    near = nearest(&c->table[t], t, name, room, sizeof room);
    if (near)
        duo_fail_at(err, DUO_BAD_INPUT, file ? file : "", line, 0, "unknown %s '%s' (did you mean %s?)", duo_table_one[t], name, near);
    else
        duo_fail_at(err, DUO_BAD_INPUT, file ? file : "", line, 0, "unknown %s '%s'; `duosim %s` lists them", duo_table_one[t], name, duo_table_names[t]);
    return NULL;
}

int duo_catalogue_names(const struct duo_catalogue *c, const char *which, const char *const **names)
{
    int t = 0;
    while (t < DUO_NO_TABLE && strcmp(which, duo_table_names[t])) t++;
    assert(t < DUO_NO_TABLE);
    *names = c->table[t].names;
    return c->table[t].n;
}

/* ---- what rows say ---- */

/* (2): the larger the narrower; -1: not for this one. */
static int narrowness(const struct duo_scoped *s, const struct duo_row *device, const char *runtime, const char *quant)
{
    int scope = strcmp(s->scope, "*") == 0 ? 0 : -1;

    if (strncmp(s->scope, "class:", 6) == 0 && strcmp(s->scope + 6, device->class) == 0) scope = 1;
    if (same_plain(device->name, strlen(device->name), s->scope) || has_alias(device, s->scope)) scope = 2;
    if (scope < 0 || (*s->quant && (!quant || strcmp(s->quant, quant)))) return -1;
    if (strcmp(s->runtime, "*") && strcmp(s->runtime, runtime)) return -1;
    return 4 * scope + 2 * (*s->quant != 0) + (strcmp(s->runtime, "*") != 0);
}

void duo_catalogue_constants(const struct duo_catalogue *c, const struct duo_row *device, const char *runtime, const char *quant,
                             struct duo_value out[DUO_KEYS])
{
    int best[DUO_KEYS], at[DUO_KEYS];
    char plain_runtime[64], plain_quant[64];

    duo_name_plain(runtime, plain_runtime, sizeof plain_runtime);
    duo_name_plain(quant ? quant : "", plain_quant, sizeof plain_quant);
    for (int k = 0; k < DUO_KEYS; k++) best[k] = at[k] = -1;
    for (int i = 0; i < c->n_scoped; i++) {
        int how = narrowness(&c->scoped[i], device, plain_runtime, plain_quant);
        if (how > best[c->scoped[i].key]) best[c->scoped[i].key] = how, at[c->scoped[i].key] = i;
    }
    for (int k = 0; k < DUO_KEYS; k++) {
        out[k] = (struct duo_value){ .value = NAN, .given = NAN, .low = NAN, .high = NAN, .status = DUO_PROVENANCE_END };
        if (at[k] < 0) continue;
        out[k] = c->scoped[at[k]].value;
        c->scoped[at[k]].read = true;
    }
}

const char *duo_row_label(const struct duo_row *r)
{
    const char *slash = r->table == DUO_MODELS && is_gguf(r->name) ? strrchr(r->name, '/') : NULL;
    return slash ? slash + 1 : r->name;
}

static int whole(const struct duo_row *r, enum duo_key k) { return isnan(r->value[k].value) ? 0 : (int)r->value[k].value; }

void duo_row_arch(const struct duo_row *r, struct duo_arch *a)
{
    *a = (struct duo_arch){
        .layers = whole(r, DUO_KEY_layers), .width = whole(r, DUO_KEY_width), .heads = whole(r, DUO_KEY_heads), .kv_heads = whole(r, DUO_KEY_kv_heads),
        .head_dim = whole(r, DUO_KEY_head_dim), .ffn = whole(r, DUO_KEY_ffn), .vocabulary = whole(r, DUO_KEY_vocabulary), .context = whole(r, DUO_KEY_context),
        .tied = whole(r, DUO_KEY_tied) != 0, .gated = whole(r, DUO_KEY_gated) != 0,
        .experts = whole(r, DUO_KEY_experts), .active_experts = whole(r, DUO_KEY_active_experts), .expert_ffn = whole(r, DUO_KEY_expert_ffn),
        .shared_ffn = whole(r, DUO_KEY_shared_ffn), .dense_layers = whole(r, DUO_KEY_dense_layers),
        .window = whole(r, DUO_KEY_window), .period = whole(r, DUO_KEY_period), .positions = whole(r, DUO_KEY_positions),
    };
}

const struct duo_value *duo_row_peak(const struct duo_row *device, const struct duo_row *quant)
{
    static const enum duo_key wider[] = { DUO_KEY_fp16, DUO_KEY_fp32 };
    enum duo_key own = DUO_KEY_fp16;

    for (int k = 0; k < DUO_KEYS; k++)
        if (duo_keys[k].table == DUO_HARDWARE && strcmp(duo_keys[k].name, quant->activation) == 0) own = (enum duo_key)k;
    if (!isnan(device->value[own].value)) return &device->value[own];
    for (int i = own == DUO_KEY_fp32; i < 2; i++)
        if (!isnan(device->value[wider[i]].value)) return &device->value[wider[i]];
    return NULL;
}

/* ---- draws, of everything ---- */

void duo_catalogue_draw(struct duo_catalogue *c, uint64_t draw)
{
    c->draw = draw;
    for (int t = 0; t < DUO_NO_TABLE; t++)
        for (int i = 0; i < c->table[t].n; i++)
            for (int k = 0; k < DUO_KEYS; k++) value_draw(&c->table[t].rows[i]->value[k], (enum duo_key)k, draw);
    for (int i = 0; i < c->n_scoped; i++) value_draw(&c->scoped[i].value, c->scoped[i].key, draw);
}

void duo_catalogue_move(struct duo_catalogue *c, const char *name, double value)
{
    uint64_t id = duo_hash(0, name, 0);

    for (int t = 0; t < DUO_NO_TABLE; t++)
        for (int i = 0; i < c->table[t].n; i++)
            for (int k = 0; k < DUO_KEYS; k++) {
                struct duo_value *v = &c->table[t].rows[i]->value[k];
                if (v->id == id && !isnan(v->given)) v->value = value;
            }
    for (int i = 0; i < c->n_scoped; i++)
        if (c->scoped[i].value.id == id) c->scoped[i].value.value = value;
}

static void add_drawn(struct duo_catalogue *c, const char *table, const char *row, int key, const struct duo_value *v)
{
    char name[400];

    if (!can_be_drawn(v, key)) return;
    snprintf(name, sizeof name, "%s/%s/%s", table, row, duo_keys[key].name);
    c->drawn = duo_grow(c->drawn, (size_t)c->n_drawn + 1, sizeof *c->drawn);
    c->drawn[c->n_drawn++] = (struct duo_drawn){ duo_copy(name), v->given, v->low, v->high, v->value, v->status };
}

int duo_catalogue_drawn(const struct duo_catalogue *constant, const struct duo_drawn **out)
{
    struct duo_catalogue *c = (struct duo_catalogue *)constant;      /* the answer is kept there */

    drawn_free(c);
    for (int t = 0; t < DUO_NO_TABLE; t++)
        for (int i = 0; i < c->table[t].n; i++)
            for (int k = 0; k < DUO_KEYS && c->table[t].read[i]; k++)
                add_drawn(c, duo_table_names[t], c->table[t].names[i], k, &c->table[t].rows[i]->value[k]);
    for (int i = 0; i < c->n_scoped; i++)
        if (c->scoped[i].read) add_drawn(c, "runtimes", c->scoped[i].value.scope, (int)c->scoped[i].key, &c->scoped[i].value);
    *out = c->drawn;
    return c->n_drawn;
}

enum duo_status duo_carbon_find(const struct duo_catalogue *c, const char *region, const char *file, int line, struct duo_carbon *out, struct duo_err *err)
{
    const struct duo_row *r = duo_catalogue_row(c, DUO_CARBON, region, file, line, err);

    if (!r) return DUO_BAD_INPUT;
    *out = (struct duo_carbon){ .grams_joule = r->value[DUO_KEY_grams_kwh].value / 3.6e6, .status = r->value[DUO_KEY_grams_kwh].status };
    snprintf(out->date, sizeof out->date, "%s", r->date);
    return DUO_OK;
}

enum duo_status duo_radio_find(const struct duo_catalogue *c, const char *name, const char *file, int line, struct duo_radio *out, struct duo_err *err)
{
    const struct duo_row *r = duo_catalogue_row(c, DUO_RADIOS, name, file, line, err);

    if (!r) return DUO_BAD_INPUT;
    *out = (struct duo_radio){
        .joules_byte_up  = r->value[DUO_KEY_joules_byte_up].value,  .joules_byte_down  = r->value[DUO_KEY_joules_byte_down].value,
        .active_watts    = r->value[DUO_KEY_active_watts].value,    .tail_watts        = r->value[DUO_KEY_tail_watts].value,
        .tail_seconds    = r->value[DUO_KEY_tail_seconds].value,    .promotion_watts   = r->value[DUO_KEY_promotion_watts].value,
        .promotion_seconds = r->value[DUO_KEY_promotion_seconds].value,
        .time = DUO_MEASURED, .energy = DUO_MEASURED,
    };
    for (int k = 0; k < DUO_KEYS; k++) {
        enum duo_provenance *rests = duo_keys[k].claim == DUO_CLAIM_TIME ? &out->time : &out->energy;
        if (duo_keys[k].table != DUO_RADIOS) continue;
        if (isnan(r->value[k].value)) return duo_fail(err, DUO_BAD_INPUT, "radio %s: %s is not known", r->name, duo_keys[k].name);
        if (r->value[k].status > *rests) *rests = r->value[k].status;
    }
    snprintf(out->name, sizeof out->name, "%s", r->name);
    return DUO_OK;
}
