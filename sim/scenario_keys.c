/* scenario_keys.c - the decoder that the key tables drive. */
#include "sim/scenario_keys.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- where we are, and what is wrong there -------------------------------------------------------- */

size_t duo_path_push(struct duo_reader *r, const char *key)
{
    size_t length = strlen(r->path);
    snprintf(r->path + length, sizeof r->path - length, "%s%.60s", length ? "." : "", key);
    return length;
}

void duo_path_pop(struct duo_reader *r, size_t length) { r->path[length] = 0; }

enum duo_status duo_bad(struct duo_reader *r, const struct duo_node *node, const char *fmt, ...)
{
    char text[360];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return duo_tree_bad(node, r->scenario->file, r->err, "%s%s%s", r->path, *r->path ? ": " : "", text);
}

enum duo_status duo_bad_key(struct duo_reader *r, const struct duo_node *node, const char *fmt, ...)
{
    char text[360];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return duo_tree_bad_key(node, r->scenario->file, r->err, "%s%s%s", r->path, *r->path ? ": " : "", text);
}

const char *duo_hint(const char *word, const char *const *words, size_t n, char out[160])
{
    const char *nearest = strlen(word) < 200 ? duo_nearest(word, words, n) : NULL;
    out[0] = 0;
    if (nearest) snprintf(out, 160, " (did you mean %.120s?)", nearest);
    return out;
}

struct duo_where duo_where_of(const struct duo_node *node) { return (struct duo_where){ node->line, node->column }; }

static const char *kind_of(const struct duo_node *node)
{
    return node->null ? "nothing" : node->kind == DUO_NODE_MAP ? "a map" : node->kind == DUO_NODE_LIST ? "a list" : node->text;
}

/* ---- scalars -------------------------------------------------------------------------------------- */

enum duo_status duo_read_scalar(struct duo_reader *r, const struct duo_node *node, const char *expected, const char **text)
{
    if (node->kind != DUO_NODE_SCALAR || node->null || !*node->text)
        return duo_bad(r, node, "expected %s; got %.60s", expected,
                       node->kind == DUO_NODE_SCALAR ? "nothing" : kind_of(node));
    *text = node->text;
    return DUO_OK;
}

static const char *words_of(enum duo_dimension dim)
{
    static const char *const words[DUO_DIM_END] = {
#define X(name, unit, example) [DUO_DIM_##name] = unit,
        DUO_DIMENSIONS(X)
#undef X
    };
    return words[dim];
}

/* "0 or more", "from 0 to 1", "more than 0", ... */
static void show_range(const struct duo_key *k, char *out, size_t n)
{
    char low[32], high[32];
    duo_show_quantity(k->min, k->dim, low, sizeof low);
    duo_show_quantity(k->max, k->dim, high, sizeof high);
    if (k->max > 0 && k->open) snprintf(out, n, "more than %s and at most %s", low, high);
    else if (k->max > 0)       snprintf(out, n, "%s to %s", low, high);
    else if (k->open)          snprintf(out, n, "more than %s", low);
    else                       snprintf(out, n, "%s or more", low);
}

enum duo_status duo_read_quantity(struct duo_reader *r, const struct duo_key *k, const struct duo_node *node, double *out)
{
    const char *text;
    char why[200], range[120];
    DUO_TRY(duo_read_scalar(r, node, words_of(k->dim), &text));
    if (k->word && strcmp(text, k->word) == 0) {
        *out = k->means;
        return DUO_OK;
    }
    char shown[80];
    snprintf(shown, sizeof shown, "%.70s", text);
    if (duo_quantity(strlen(text) < sizeof shown ? text : shown, k->dim, out, why, sizeof why) != 0)
        return duo_bad(r, node, "expected %s%s%s", k->word ? k->word : "", k->word ? ", or " : "", why);
    bool endless = k->word && isinf(k->means);
    if ((isinf(*out) && !endless) || *out < k->min || (k->open && *out <= k->min) || (k->max > 0 && *out > k->max)) {
        show_range(k, range, sizeof range);
        return duo_bad(r, node, "expected %s; got %s", range, shown);
    }
    return DUO_OK;
}

static enum duo_status read_whole(struct duo_reader *r, const struct duo_key *k, const struct duo_node *node, void *at)
{
    double value;
    struct duo_key limited = *k;
    if (limited.max <= 0) limited.max = k->kind == DUO_KEY_INT ? 1e9 : 1e15;
    DUO_TRY(duo_read_quantity(r, &limited, node, &value));
    if (k->kind == DUO_KEY_INT) *(int *)at = (int)value;
    else                        *(int64_t *)at = (int64_t)value;
    return DUO_OK;
}

static enum duo_status read_choice(struct duo_reader *r, const struct duo_key *k, const struct duo_node *node, int *out)
{
    const char *text;
    char list[160] = "", hint[160];
    size_t n = 0;
    while (k->choices[n]) n++;
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", k->choices[i]);
    }
    DUO_TRY(duo_read_scalar(r, node, list, &text));
    for (size_t i = 0; i < n; i++)
        if (strcmp(k->choices[i], text) == 0) {
            *out = (int)i;
            return DUO_OK;
        }
    return duo_bad(r, node, "expected %s; got %.60s%s", list, text, duo_hint(text, k->choices, n, hint));
}

enum duo_status duo_read_name(struct duo_reader *r, const struct duo_node *node, char **out)
{
    const char *text;
    DUO_TRY(duo_read_scalar(r, node, "a name", &text));
    if (strlen(text) > 60) return duo_bad(r, node, "expected a name of at most 60 bytes; got %zu", strlen(text));
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 32 || *c == '/' || *c == '.' || *c == ',' || *c == '=')
            return duo_bad(r, node, "expected a name without / . , = and control characters; got %.60s", text);
    *out = duo_copy(text);
    return DUO_OK;
}

enum duo_status duo_scenario_path(const char *scenario, const char *path, char **out, char *why, size_t n)
{
    static const char root[] = "$DUOSIM_DATA";
    const char *before = "", *slash = strrchr(scenario, '/'), *rest = path;
    size_t length = 0;
    *out = NULL;
    if (strncmp(path, root, sizeof root - 1) == 0 && (path[sizeof root - 1] == '/' || !path[sizeof root - 1])) {
        before = getenv("DUOSIM_DATA");
        rest = path + sizeof root - 1;
        if (!before || !*before) {
            snprintf(why, n, "%.100s lies outside this project: set DUOSIM_DATA to the folder that holds it", path);
            return DUO_BAD_INPUT;
        }
        length = strlen(before);
        if (*rest) {                                       /* as it is, or below the root's folder data */
            size_t room = length + sizeof "/data" + strlen(rest);
            char *direct = duo_new(room, 1), *below = duo_new(room, 1);
            snprintf(direct, room, "%s%s", before, rest);
            snprintf(below, room, "%s/data%s", before, rest);
            bool is_below = access(direct, F_OK) != 0 && access(below, F_OK) == 0;
            *out = is_below ? below : direct;
            free(is_below ? direct : below);
            return DUO_OK;
        }
    } else if (*path == '$') {
        snprintf(why, n, "expected a path; of variables only $DUOSIM_DATA is known; got %.100s", path);
        return DUO_BAD_INPUT;
    } else if (*path != '/' && slash) {
        before = scenario;
        length = (size_t)(slash - scenario) + 1;
    }
    size_t room = length + strlen(rest) + 1;
    *out = duo_new(room, 1);
    snprintf(*out, room, "%.*s%s", (int)length, before, rest);
    return DUO_OK;
}

enum duo_status duo_read_file(struct duo_reader *r, const struct duo_node *node, char **out)
{
    const char *text;
    char why[256];
    struct stat st;
    DUO_TRY(duo_read_scalar(r, node, "a file", &text));
    if (strlen(text) > 4000) return duo_bad(r, node, "expected a file; the path is too long");
    if (duo_scenario_path(r->scenario->file, text, out, why, sizeof why) != DUO_OK) return duo_bad(r, node, "%s", why);
    const char *wrong = stat(*out, &st) != 0 ? "no such file" : S_ISDIR(st.st_mode) ? "a directory"
                      : access(*out, R_OK) != 0 ? "not readable" : NULL;
    if (wrong) {
        enum duo_status status = duo_bad(r, node, "%s: %.200s", wrong, *out);
        free(*out);
        *out = NULL;
        return status;
    }
    struct duo_scenario *s = r->scenario;
    s->files = duo_grow(s->files, (size_t)s->n_files + 1, sizeof *s->files);
    s->files[s->n_files++] = (struct duo_file_named){ duo_copy(r->path), duo_copy(*out) };
    return DUO_OK;
}

bool duo_any_quantity(const char *text, double *out)
{
    char why[8];
    if (strlen(text) > 70) return false;
    for (int d = 0; d < DUO_DIM_END; d++)
        if (duo_quantity(text, (enum duo_dimension)d, out, why, sizeof why) == 0 && isfinite(*out)) return true;
    return false;
}

/* The cost model's keys are SI but for those that end in _hour. */
static double per_hour(const char *key, const char *text, double value)
{
    double scrap;
    char why[8];
    size_t n = strlen(key);
    bool hours = n > 5 && strcmp(key + n - 5, "_hour") == 0;
    return hours && duo_quantity(text, DUO_DIM_MONEY_PER_TIME, &scrap, why, sizeof why) == 0 ? value * 3600 : value;
}

/* What a law is of, how small and how large: tokens from 1, all else from 0. */
static const struct law_of { const char *what, *form; double least, most; } law_of[DUO_DIM_END] = {
    [DUO_DIM_NUMBER] = { "a length", "120 | uniform(20, 180) | lognormal(130, 1)", 1, 1e7 },
    [DUO_DIM_BYTES]  = { "a length", "2 kB | uniform(2 kB, 9 kB)", 0, 1e7 },
    [DUO_DIM_TIME]   = { "a time", "0.5 s | lognormal(0.5 s, 0.6)", 0, 1e5 },
    [DUO_DIM_RATE]   = { "a rate", "70/s | lognormal(70/s, 0.4)", 1e-3, 1e6 },
};

/* "120", "uniform(20, 180)", "lognormal(130, 0.9)". */
enum duo_status duo_read_law(struct duo_reader *r, const struct duo_node *node, enum duo_dimension dim, struct duo_length_law *out)
{
    const struct law_of *of = &law_of[dim];
    const char *text;
    char a[40], b[40], law[12], why[200], tail, ask[120];
    snprintf(ask, sizeof ask, "%s: a number, uniform(LOW, HIGH) or lognormal(MEAN, CV)", of->what);
    DUO_TRY(duo_read_scalar(r, node, ask, &text));
    bool two = sscanf(text, " %11[a-z] ( %39[^,()] , %39[^,()] ) %c", law, a, b, &tail) == 3 && strchr(text, ')');
    if (!two && strpbrk(text, "(,)"))
        return duo_bad(r, node, "expected a number, uniform(LOW, HIGH) or lognormal(MEAN, CV); got %.60s", text);
    if (!two) snprintf(a, sizeof a, "%.39s", text);
    out->kind = !two ? DUO_FIXED : strcmp(law, "uniform") == 0 ? DUO_UNIFORM : DUO_LOGNORMAL;
    if (two && strcmp(law, "uniform") != 0 && strcmp(law, "lognormal") != 0)
        return duo_bad(r, node, "expected uniform or lognormal; got %.20s", law);
    if (duo_quantity(a, dim, &out->a, why, sizeof why) != 0) return duo_bad(r, node, "expected %s", why);
    enum duo_dimension second = out->kind == DUO_LOGNORMAL ? DUO_DIM_NUMBER : dim;
    out->b = 0;
    if (two && duo_quantity(b, second, &out->b, why, sizeof why) != 0) return duo_bad(r, node, "expected %s", why);
    if (!(out->a >= of->least && out->a <= of->most)) return duo_bad(r, node, "expected %s of %g to %g; got %s", of->what, of->least, of->most, a);
    if (out->kind == DUO_UNIFORM && (out->b < out->a || out->b > of->most))
        return duo_bad(r, node, "expected uniform(LOW, HIGH) with HIGH from LOW to %g; got %.60s", of->most, text);
    if (out->kind == DUO_LOGNORMAL && (out->a <= 0 || out->b < 0 || out->b > 100))
        return duo_bad(r, node, "expected lognormal(MEAN, CV) with CV from 0 to 100; got %.60s", text);
    return DUO_OK;
}

enum duo_status duo_read_constants(struct duo_reader *r, const struct duo_node *node, struct duo_constant **out, int *n)
{
    if (node->null) return DUO_OK;
    if (node->kind != DUO_NODE_MAP) return duo_bad(r, node, "expected a map of constants, {KEY: value}; got %.60s", kind_of(node));
    *out = duo_new((size_t)node->n, sizeof **out);
    for (int i = 0; i < node->n; i++) {
        const struct duo_node *child = node->child[i];
        size_t length = duo_path_push(r, child->key);
        const char *text;
        double value;
        DUO_TRY(duo_read_scalar(r, child, "a number, with a unit where it has one", &text));
        if (!duo_any_quantity(text, &value))
            return duo_bad(r, child, "expected a number, with a unit where it has one; got %.60s", text);
        (*out)[(*n)++] = (struct duo_constant){ duo_copy(child->key), per_hour(child->key, text, value), child->key_line, child->key_column };
        duo_path_pop(r, length);
    }
    return DUO_OK;
}

/* ---- maps ----------------------------------------------------------------------------------------- */

static enum duo_status read_value(struct duo_reader *, const struct duo_key *, const struct duo_node *, void *base);

static enum duo_status read_list(struct duo_reader *r, const struct duo_key *k, const struct duo_node *node, void *base)
{
    char **items = (char **)((char *)base + k->at);
    int *n = (int *)((char *)base + k->count_at);
    if (node->kind == DUO_NODE_MAP && k->single) {
        *items = duo_new(1, k->keys->size);
        *n = 1;
        return duo_keys_read(r, k->keys, node, *items);
    }
    if (node->kind != DUO_NODE_LIST)
        return duo_bad(r, node, "expected a list of maps%s; got %.60s", k->single ? ", or one map" : "", kind_of(node));
    *items = duo_new((size_t)node->n, k->keys->size);
    for (int i = 0; i < node->n; i++) {
        const struct duo_node *name = duo_tree_find(node->child[i], "name");
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        size_t length = duo_path_push(r, name && name->kind == DUO_NODE_SCALAR && !name->null ? name->text : number);
        (*n)++;
        DUO_TRY(duo_keys_read(r, k->keys, node->child[i], *items + (size_t)i * k->keys->size));
        duo_path_pop(r, length);
    }
    return DUO_OK;
}

static enum duo_status read_value(struct duo_reader *r, const struct duo_key *k, const struct duo_node *node, void *base)
{
    void *at = (char *)base + k->at;
    const char *text;
    int choice;
    switch (k->kind) {
    case DUO_KEY_NUMBER: return duo_read_quantity(r, k, node, at);
    case DUO_KEY_INT:
    case DUO_KEY_INT64:  return read_whole(r, k, node, at);
    case DUO_KEY_CHOICE: return read_choice(r, k, node, at);
    case DUO_KEY_FLAG:
        DUO_TRY(read_choice(r, k, node, &choice));
        *(bool *)at = choice == 1;
        return DUO_OK;
    case DUO_KEY_TEXT:
        DUO_TRY(duo_read_scalar(r, node, "a word", &text));
        *(char **)at = duo_copy(text);
        return DUO_OK;
    case DUO_KEY_NAME: return duo_read_name(r, node, at);
    case DUO_KEY_FILE: return duo_read_file(r, node, at);
    case DUO_KEY_LAW:  return duo_read_law(r, node, k->dim, at);
    case DUO_KEY_MAP:  return duo_keys_read(r, k->keys, node, at);
    case DUO_KEY_LIST: return read_list(r, k, node, base);
    case DUO_KEY_OWN:  return k->read(r, node, at);
    }
    abort();                                             /* a key of no kind */
}

enum { MAX_KEYS = 64 };

static enum duo_status refuse_strangers(struct duo_reader *r, const struct duo_keys *keys, const struct duo_node *node)
{
    const char *names[MAX_KEYS];
    char hint[160], list[500] = "";
    assert(keys->n <= MAX_KEYS);
    for (int i = 0; i < keys->n; i++) names[i] = keys->key[i].name;
    for (int c = 0; c < node->n; c++) {
        int i = 0;
        while (i < keys->n && strcmp(names[i], node->child[c]->key) != 0) i++;
        if (i < keys->n) continue;
        if (!*duo_hint(node->child[c]->key, names, (size_t)keys->n, hint)) {
            for (i = 0; i < keys->n; i++) {
                size_t used = strlen(list);
                snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
            }
            return duo_bad_key(r, node->child[c], "unknown key %.60s; expected one of %s", node->child[c]->key, list);
        }
        return duo_bad_key(r, node->child[c], "unknown key %.60s%s", node->child[c]->key, hint);
    }
    return DUO_OK;
}

/* A default without a source is remembered: --perturb draws it. */
static void note_assumed(struct duo_reader *r, const struct duo_key *k, const void *base)
{
    struct duo_scenario *s = r->scenario;
    size_t at = (size_t)((const char *)base - (const char *)s) + k->at;
    assert(k->kind == DUO_KEY_NUMBER && at + sizeof(double) <= sizeof *s);
    s->assumed = duo_grow(s->assumed, (size_t)s->n_assumed + 1, sizeof *s->assumed);
    s->assumed[s->n_assumed++] = (struct duo_assumed){ duo_copy(r->path), at };
}

static enum duo_status read_key(struct duo_reader *r, const struct duo_key *k, const struct duo_node *map, void *at)
{
    const struct duo_node *node = duo_tree_find(map, k->name);
    size_t length = duo_path_push(r, k->name);
    enum duo_status status = DUO_OK;
    if (node) {
        status = read_value(r, k, node, at);
    } else if (k->need) {
        status = duo_bad(r, map, "is missing: %s", k->doc);
    } else if (k->def || k->kind == DUO_KEY_MAP) {       /* an absent map is an empty one */
        struct duo_node *absent = duo_tree_new(k->kind == DUO_KEY_MAP ? NULL : k->def);
        status = read_value(r, k, absent, at);
        duo_tree_free(absent);
        if (k->assumed) note_assumed(r, k, at);
    }
    duo_path_pop(r, length);
    return status;
}

enum duo_status duo_keys_read(struct duo_reader *r, const struct duo_keys *keys, const struct duo_node *node, void *at)
{
    if (node->kind != DUO_NODE_MAP && !node->null) return duo_bad(r, node, "expected a map; got %.60s", kind_of(node));
    if (keys->where != DUO_NO_WHERE) *(struct duo_where *)((char *)at + keys->where) = duo_where_of(node);
    DUO_TRY(refuse_strangers(r, keys, node));
    for (int i = 0; i < keys->n; i++) DUO_TRY(read_key(r, &keys->key[i], node, at));
    return keys->check ? keys->check(r, node, at) : DUO_OK;
}

/* ---- documentation -------------------------------------------------------------------------------- */

static void form_of(const struct duo_key *k, char *out, size_t n)
{
    out[0] = 0;
    if (k->form) {
        snprintf(out, n, "%s", k->form);
        return;
    }
    switch (k->kind) {
    case DUO_KEY_CHOICE:
    case DUO_KEY_FLAG:
        for (int i = 0; k->choices[i]; i++) {
            size_t used = strlen(out);
            snprintf(out + used, n - used, "%s%s", i ? " | " : "", k->choices[i]);
        }
        return;
    case DUO_KEY_TEXT: snprintf(out, n, "a word"); return;
    case DUO_KEY_NAME: snprintf(out, n, "a name"); return;
    case DUO_KEY_FILE: snprintf(out, n, "a file"); return;
    case DUO_KEY_MAP:  snprintf(out, n, "a map"); return;
    case DUO_KEY_LIST: snprintf(out, n, k->single ? "a map or a list" : "a list of maps"); return;
    case DUO_KEY_LAW:
        snprintf(out, n, "%s", law_of[k->dim].form);
        return;
    default: snprintf(out, n, "%s%s%s", words_of(k->dim), k->word ? " | " : "", k->word ? k->word : "");
    }
}

void duo_keys_print(FILE *out, const struct duo_keys *keys, const char *prefix)
{
    for (int i = 0; i < keys->n; i++) {
        const struct duo_key *k = &keys->key[i];
        char form[160], name[160];
        form_of(k, form, sizeof form);
        snprintf(name, sizeof name, "%s%s", prefix, k->name);
        const char *def = k->need ? "needed" : k->def_doc ? k->def_doc : k->def ? k->def : "-";
        fprintf(out, DUO_KEYS_LINE, name, form, def, k->doc);
        if (!k->keys) continue;
        bool named = strncmp(form, "{NAME", 5) == 0, list = k->kind == DUO_KEY_LIST || form[0] == '[';
        snprintf(name, sizeof name, "%s%s%s.", prefix, k->name, list ? "[]" : named ? ".NAME" : "");
        duo_keys_print(out, k->keys, name);
    }
}
