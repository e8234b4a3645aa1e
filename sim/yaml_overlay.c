/* yaml_overlay.c - laying settings and variants over a tree: requirement (3) of yaml_tree.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/yaml_tree.h"

/* In the map called `map`: `key` (with the value `only`, where given) takes the place of `loses`. */
static const struct rival { const char *map, *key, *only, *loses[12]; } rivals[] = {
    { "up",       "rate",      NULL,      { "trace", "format", "offset" } },
    { "up",       "trace",     NULL,      { "rate", "format", "offset" } },
    { "down",     "rate",      NULL,      { "trace", "format", "offset" } },
    { "down",     "trace",     NULL,      { "rate", "format", "offset" } },
    { "arrivals", "process",   NULL,      { "trace", "format", "rate_scale", "lengths" } },
    { "arrivals", "process",   "poisson", { "cv" } },
    { "arrivals", "process",   "uniform", { "cv" } },
    { "arrivals", "process",   "at_once", { "cv", "rate" } },
    { "arrivals", "trace",     NULL,      { "process", "rate", "cv", "format" } },
    { "answers",  "synthetic", NULL,      { "recorded", "executed", "format", "metric", "columns", "train", "tokens", "chars_per_token", "default_tokens", "accepts", "fill" } },
    { "answers",  "recorded",  NULL,      { "synthetic", "executed", "format" } },
    { "answers",  "executed",  NULL,      { "synthetic", "recorded", "format", "metric", "columns", "tokens", "chars_per_token", "default_tokens", "accepts", "fill" } },
    { "answers",  "tokens",    NULL,      { "chars_per_token" } },
    { "answers",  "chars_per_token", NULL, { "tokens" } },
    { "cells",    "radio",     NULL,      { "joules_up", "joules_down" } },
    { "cells",    "joules_up", NULL,      { "radio" } },
    { "transport", "protocol", NULL,      { "trips" } },
    { "transport", "trips",    NULL,      { "protocol", "first", "again" } },
};

static void drop_rivals(struct duo_node *base, const struct duo_node *over, const char *name)
{
    for (size_t i = 0; name && i < sizeof rivals / sizeof *rivals; i++) {
        const struct rival *r = &rivals[i];
        const struct duo_node *winner = strcmp(r->map, name) == 0 ? duo_tree_find(over, r->key) : NULL;
        if (!winner || winner->null) continue;
        if (r->only && (winner->kind != DUO_NODE_SCALAR || strcmp(winner->text, r->only) != 0)) continue;
        for (int k = 0; k < 12 && r->loses[k]; k++) duo_tree_drop(base, r->loses[k]);
    }
}

/* What a list's item is called; NULL: nothing. */
static const char *name_of(const struct duo_node *item)
{
    static const char *const keys[] = { "name", "as", "use" };
    if (item->kind == DUO_NODE_SCALAR) return item->text;
    for (int k = 0; k < 3; k++) {
        const struct duo_node *n = duo_tree_find(item, keys[k]);
        if (n && n->kind == DUO_NODE_SCALAR) return n->text;
    }
    if (item->kind == DUO_NODE_MAP && item->n == 1) return item->child[0]->key;      /* { decisions: {...} } */
    return NULL;
}

static int item_at(const struct duo_node *list, const char *address)
{
    for (int i = 0; i < list->n; i++) {
        const char *name = name_of(list->child[i]);
        if (name && strcmp(name, address) == 0) return i;
    }
    if (!*address || strspn(address, "0123456789") != strlen(address) || strlen(address) > 6) return -1;
    int index = atoi(address);
    return index < list->n ? index : -1;
}

static enum duo_status no_item(const struct duo_node *list, const struct duo_node *over, const char *file, struct duo_err *err)
{
    const char **names = duo_new((size_t)list->n + 1, sizeof *names);
    size_t n = 0;
    for (int i = 0; i < list->n; i++)
        if (name_of(list->child[i])) names[n++] = name_of(list->child[i]);
    const char *nearest = duo_nearest(over->key, names, n);
    free(names);
    return duo_tree_bad_key(over, file, err, "%s: no item of that name or number among the %d (from 0) of %s%s%s%s", over->key,
                            list->n, list->key ? list->key : "the list", nearest ? " (did you mean " : "",
                            nearest ? nearest : "", nearest ? "?)" : "");
}

/* A map over the item of a list; a policy that was only a word becomes a map. */
static enum duo_status lay_item(struct duo_node *list, const struct duo_node *over, const char *file, struct duo_err *err)
{
    int i = item_at(list, over->key);
    if (i < 0) return no_item(list, over, file, err);
    struct duo_node *item = list->child[i];
    bool policies = list->key && strcmp(list->key, "policies") == 0;
    if (policies && over->kind == DUO_NODE_MAP && item->kind == DUO_NODE_SCALAR) {
        struct duo_node *map = duo_tree_new(NULL);
        map->line = item->line;
        map->column = item->column;
        duo_tree_put(map, "use", item);
        list->child[i] = map;
    } else if (policies && item->kind == DUO_NODE_MAP && item->n == 1 && item->child[0]->kind == DUO_NODE_MAP) {
        return duo_tree_lay(&item->child[0], over, file, err);
    }
    DUO_TRY(duo_tree_lay(&list->child[i], over, file, err));
    free(list->child[i]->key);                           /* an item of a list has none */
    list->child[i]->key = NULL;
    return DUO_OK;
}

static enum duo_status lay_key(struct duo_node *base, const struct duo_node *over, const char *file, struct duo_err *err)
{
    for (int i = 0; i < base->n; i++) {
        if (strcmp(base->child[i]->key, over->key) != 0) continue;
        if (over->null) duo_tree_drop(base, over->key);
        else return duo_tree_lay(&base->child[i], over, file, err);
        return DUO_OK;
    }
    if (!over->null) duo_tree_put(base, over->key, duo_tree_copy(over));
    return DUO_OK;
}

enum duo_status duo_tree_lay(struct duo_node **base, const struct duo_node *over, const char *file, struct duo_err *err)
{
    struct duo_node *b = *base;
    if (over->kind == DUO_NODE_MAP && b->kind == DUO_NODE_MAP) {
        drop_rivals(b, over, b->key);
        for (int i = 0; i < over->n; i++) DUO_TRY(lay_key(b, over->child[i], file, err));
        return DUO_OK;
    }
    if (over->kind == DUO_NODE_MAP && b->kind == DUO_NODE_LIST) {
        for (int i = 0; i < over->n; i++) DUO_TRY(lay_item(b, over->child[i], file, err));
        return DUO_OK;
    }
    *base = duo_tree_copy(over);
    duo_tree_free(b);
    return DUO_OK;
}

static void mark_setting(struct duo_node *node, const char *setting)
{
    node->setting = setting;
    node->line = node->column = node->key_line = node->key_column = 0;
    for (int i = 0; i < node->n; i++) mark_setting(node->child[i], setting);
}

/* { a: { b: value } } from "a.b". */
static enum duo_status nest(const char *path, size_t n, const char *setting, struct duo_node **value, struct duo_err *err)
{
    for (size_t end = n;;) {
        size_t start = end;
        while (start > 0 && path[start - 1] != '.') start--;
        if (start == end)
            return duo_fail(err, DUO_BAD_INPUT, "--set %s: a key is empty; expected KEY=VALUE, like cells.rtt=40 ms", setting);
        char *key = strndup(path + start, end - start);
        if (!key) return duo_fail(err, DUO_NO_RESOURCES, "out of memory");
        struct duo_node *map = duo_tree_new(NULL);
        duo_tree_put(map, key, *value);
        free(key);
        *value = map;
        if (start == 0) return DUO_OK;
        end = start - 1;
    }
}

enum duo_status duo_tree_set(struct duo_node **base, const char *setting, const char *file, struct duo_err *err)
{
    const char *equals = strchr(setting, '=');
    if (!equals || equals == setting)
        return duo_fail(err, DUO_BAD_INPUT, "--set %s: expected KEY=VALUE, like cells.rtt=40 ms", setting);
    if (!duo_tree_is_text(setting)) return duo_fail(err, DUO_BAD_INPUT, "--set: not UTF-8");
    char place[256];
    snprintf(place, sizeof place, "--set %s", setting);
    struct duo_node *value = NULL;
    const char *text = equals + 1;
    if (!text[strspn(text, " \t")]) {
        value = duo_tree_new("");
        value->null = true;
    } else {
        DUO_TRY(duo_tree_parse(&value, text, strlen(text), place, err));
    }
    enum duo_status status = nest(setting, (size_t)(equals - setting), setting, &value, err);
    if (status == DUO_OK) {
        mark_setting(value, setting);
        status = duo_tree_lay(base, value, file, err);
    }
    duo_tree_free(value);
    return status;
}
