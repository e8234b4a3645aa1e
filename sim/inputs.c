/* inputs.c - see inputs.h, whose numbers are cited. */
#include "sim/inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/rng.h"
#include "sim/world.h"
#include "sim/yaml_tree.h"

struct list { struct duo_input *at; int n; };

static void add(struct list *list, const char *name, uint64_t hash)
{
    list->at = duo_grow(list->at, (size_t)list->n + 1, sizeof *list->at);
    list->at[list->n++] = (struct duo_input){ duo_copy(name), hash };
}

static const struct duo_input *find(const struct list *list, const char *name)
{
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->at[i].name, name) == 0) return &list->at[i];
    return NULL;
}

/* (1) Of a variant after the first only what is not there yet with the same hash. */
static void add_of(struct list *list, const char *variant, const char *name, uint64_t hash)
{
    char own[300];
    const struct duo_input *first = find(list, name);
    if (!first) {
        add(list, name, hash);
    } else if (first->hash != hash) {
        snprintf(own, sizeof own, "%.80s/%.200s", variant, name);
        add(list, own, hash);
    }
}

/* ---- the scenario */

static uint64_t hash_node(const struct duo_node *node)
{
    char *text = duo_tree_text(node);
    uint64_t hash = duo_hash_bytes(1, text, strlen(text));
    free(text);
    return hash;
}

static const char *name_of(const struct duo_node *item)
{
    const struct duo_node *name = duo_tree_find(item, "name");
    return name && name->kind == DUO_NODE_SCALAR ? name->text : NULL;
}

static void add_key(struct list *list, const char *variant, const struct duo_node *node)
{
    char name[240];
    for (int i = 0; node->kind == DUO_NODE_LIST && i < node->n; i++) {
        const char *own = name_of(node->child[i]);
        if (own) snprintf(name, sizeof name, "%.60s.%.100s", node->key, own);
        else     snprintf(name, sizeof name, "%.60s.%d", node->key, i);
        add_of(list, variant, name, hash_node(node->child[i]));
    }
    if (node->kind != DUO_NODE_LIST) add_of(list, variant, node->key, hash_node(node));
}

static bool left_out(const char *key)
{
    static const char *const keys[] = { "name", "note", "seed", "expect", "check", "policies" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i], key) == 0) return true;
    return false;
}

static enum duo_status add_tree(struct list *list, const struct duo_scenario *s, struct duo_err *err)
{
    struct duo_node *tree = NULL;
    DUO_TRY(duo_tree_parse(&tree, s->text, strlen(s->text), s->file, err));
    for (int i = 0; i < tree->n; i++)
        if (!left_out(tree->child[i]->key)) add_key(list, s->variant, tree->child[i]);
    duo_tree_free(tree);
    return DUO_OK;
}

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* As given, on whichever machine: of a module's path, and of paths in a command, the name. */
static void add_policy(struct list *list, const struct duo_scenario *s, const struct duo_policy_spec *p)
{
    char name[160], *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    fprintf(out, "%s of=%s seat=%d", p->n_command ? "pipe" : base(p->use), p->of ? p->of : "", p->seat);
    for (int i = 0; i < p->n_command; i++) fprintf(out, " %s", base(p->command[i]));
    for (int i = 0; i < p->n_params; i++) fprintf(out, " %s=%s", p->params[i].key, p->params[i].value);
    fclose(out);
    snprintf(name, sizeof name, "policies.%.100s", p->label);
    add_of(list, s->variant, name, duo_hash_bytes(1, text, n));
    free(text);
}

/* ---- files (2) */

static enum duo_status hash_file(const char *path, uint64_t *hash, struct duo_err *err)
{
    static unsigned char part[1 << 16];
    size_t n;
    FILE *in = fopen(path, "rb");
    if (!in) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    *hash = 2;
    while ((n = fread(part, 1, sizeof part, in)) > 0) *hash = duo_hash_bytes(*hash, part, n);
    bool failed = ferror(in) != 0;
    fclose(in);
    return failed ? duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "could not be read") : DUO_OK;
}

static enum duo_status add_file(struct list *list, const char *variant, const char *key, const char *path, struct duo_err *err)
{
    char name[300];
    uint64_t hash = 0;
    DUO_TRY(hash_file(path, &hash, err));
    snprintf(name, sizeof name, "%.250s (file)", key);
    add_of(list, variant, name, hash);
    return DUO_OK;
}

/* A parameter that names a file that is there. */
static enum duo_status add_param_file(struct list *list, const struct duo_scenario *s, const struct duo_policy_spec *p, const struct duo_param *q,
                                      struct duo_err *err)
{
    char key[240], why[256], *path;
    struct stat st;
    if (duo_scenario_path(s->file, q->value, &path, why, sizeof why) != DUO_OK) return DUO_OK;
    enum duo_status status = DUO_OK;
    snprintf(key, sizeof key, "policies.%.100s.%.60s", p->label, q->key);
    if (*q->value && stat(path, &st) == 0 && S_ISREG(st.st_mode)) status = add_file(list, s->variant, key, path, err);
    free(path);
    return status;
}

static enum duo_status add_files(struct list *list, const struct duo_scenario *s, struct duo_err *err)
{
    for (int i = 0; i < s->n_files; i++) DUO_TRY(add_file(list, s->variant, s->files[i].key, s->files[i].path, err));
    for (int i = 0; i < s->n_policies; i++)
        for (int k = 0; k < s->policies[i].n_params; k++)
            DUO_TRY(add_param_file(list, s, &s->policies[i], &s->policies[i].params[k], err));
    return DUO_OK;
}

/* ---- all of it */

static void add_rows(struct list *list, const struct duo_catalogue *catalogue)
{
    struct duo_used *used;
    int n = duo_catalogue_used(catalogue, &used);
    for (int i = 0; i < n; i++) {
        char name[440];
        snprintf(name, sizeof name, "catalogue %s", used[i].name);
        add(list, name, used[i].hash);
        free(used[i].name);
    }
    free(used);
}

enum duo_status duo_inputs_list(const struct duo_plan *plan, const struct duo_catalogue *catalogue, struct duo_input **out, int *n, struct duo_err *err)
{
    struct list list = { 0 };
    enum duo_status status = DUO_OK;
    for (int v = 0; v < plan->n_variants && status == DUO_OK; v++) {
        const struct duo_scenario *s = &plan->variants[v];
        status = add_tree(&list, s, err);
        for (int i = 0; i < s->n_policies; i++) add_policy(&list, s, &s->policies[i]);
        if (status == DUO_OK) status = add_files(&list, s, err);
    }
    add_rows(&list, catalogue);
    *out = list.at;
    *n = list.n;
    if (status == DUO_OK) return DUO_OK;
    for (int i = 0; i < list.n; i++) free(list.at[i].name);
    free(list.at);
    *out = NULL;
    *n = 0;
    return status;
}

enum duo_status duo_inputs_questions(const struct duo_run_spec *spec, const int *question, int n, char **names, struct duo_err *err)
{
    struct duo_world *w = duo_new(1, sizeof *w);
    enum duo_status status = duo_world_build(w, spec, true, NULL, 0, err);
    for (int i = 0; i < n; i++) {
        struct duo_query q = { 0 };
        names[i] = NULL;
        if (status != DUO_OK || (w->answers->n_queries && question[i] >= w->answers->n_queries)) continue;
        w->answers->kind->query(w->answers, question[i], &q);
        names[i] = duo_copy(q.name);
    }
    duo_world_free(w);
    free(w);
    return status;
}
