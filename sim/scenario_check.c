/* scenario_check.c - the check: block: what `duosim check` may find worse than the baseline, and by how much.
 *
 *   check:
 *     alpha: 0.01                             of all tests together
 *     quality: statistical 0.005              worse by more than this, and chance ruled out
 *     e2e_p99: 10 %                           of what it was
 *     cascade.cloud_share: 0.02               of one label
 *     lte/cascade.dollars: off
 *     area_dollars: statistical 0.01          of every policy with several settings; cascade.area_dollars: of that policy's */
#include <stdlib.h>
#include <string.h>

#include "analysis/check.h"
#include "sim/scenario_keys.h"

static enum duo_status bad_rule(struct duo_reader *r, const struct duo_node *node, const char *text)
{
    return duo_bad(r, node, "expected off, a tolerance like 0.02, 50 ms or 5 %%, or statistical and the smallest effect, like statistical 0.005; got %.60s",
                   text);
}

static enum duo_status read_rule(struct duo_reader *r, const struct duo_node *node, struct duo_check_rule *rule)
{
    const char *slash = strchr(node->key, '/'), *cell = slash ? slash + 1 : node->key, *text;
    struct duo_gate_rule own = { 0 };
    rule->at = (struct duo_where){ node->key_line, node->key_column };
    if (slash) rule->variant = strndup(node->key, (size_t)(slash - node->key));
    if (!duo_split_cell(cell, strlen(cell), &rule->label, &rule->column))
        return duo_bad_key(r, node, "expected [VARIANT/][LABEL.]FIGURE, like cascade.quality; got %.60s", node->key);
    if (!duo_gate_find(rule->column, &own.gate, &own.area)) {
        const char *near = duo_gate_nearest(rule->column);
        return duo_bad_key(r, node, "%.60s is no figure that gets worse or better%s%s%s", rule->column, near ? " (did you mean " : "",
                           near ? near : ", like quality, e2e_p99, dollars or area_dollars", near ? "?)" : "");
    }
    DUO_TRY(duo_read_scalar(r, node, "off, a tolerance, or statistical", &text));
    if (!duo_gate_rule_parse(text, duo_any_quantity, &own)) return bad_rule(r, node, text);
    rule->gate = own.gate;
    rule->area = own.area;
    rule->kind = (int)own.kind;
    rule->amount = own.amount;
    rule->relative = own.relative;
    return DUO_OK;
}

enum duo_status duo_read_check(struct duo_reader *r, const struct duo_node *node, void *at)
{
    static const struct duo_key alpha = { "alpha", DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .min = 1e-6, .max = 0.5 };
    struct duo_scenario *s = at;
    s->check_alpha = 0.01;
    if (node->null) return DUO_OK;
    if (node->kind != DUO_NODE_MAP) return duo_bad(r, node, "expected a map, { [VARIANT/][LABEL.]FIGURE: a tolerance }");
    s->check = duo_new((size_t)node->n + 1, sizeof *s->check);
    for (int i = 0; i < node->n; i++) {
        const struct duo_node *child = node->child[i];
        size_t length = duo_path_push(r, child->key);
        if (strcmp(child->key, "alpha") == 0) DUO_TRY(duo_read_quantity(r, &alpha, child, &s->check_alpha));
        else                                  DUO_TRY(read_rule(r, child, &s->check[s->n_check++]));
        duo_path_pop(r, length);
    }
    return DUO_OK;
}

static enum duo_status bad_name(struct duo_reader *r, const struct duo_check_rule *c, const char *what, const char *name, const char *hint)
{
    const char *file = c->at.line ? r->scenario->file : "--set";
    return duo_fail_at(r->err, DUO_BAD_INPUT, file, c->at.line, c->at.column, "check: no %s is called %.60s%s", what, name, hint);
}

enum duo_status duo_check_check(struct duo_reader *r, const char *const *names, size_t n)
{
    const struct duo_scenario *s = r->scenario;
    enum duo_status status = DUO_OK;
    char hint[160];
    const char **labels = duo_new((size_t)s->n_policies + 1, sizeof *labels);
    for (int i = 0; i < s->n_check && status == DUO_OK; i++) {
        const struct duo_check_rule *c = &s->check[i];
        bool variant = !c->variant, label = !c->label;
        for (size_t k = 0; k < n; k++) variant |= c->variant && strcmp(names[k], c->variant) == 0;
        for (int k = 0; k < s->n_policies; k++) {
            labels[k] = c->area ? s->policies[k].use : s->policies[k].label;
            label |= c->label && strcmp(labels[k], c->label) == 0;
        }
        if (!variant) status = bad_name(r, c, "variant", c->variant, duo_hint(c->variant, names, n, hint));
        else if (!label && (!c->variant || strcmp(c->variant, s->variant) == 0))
            status = bad_name(r, c, c->area ? "policy (an area is a policy's)" : "policy", c->label, duo_hint(c->label, labels, (size_t)s->n_policies, hint));
    }
    free(labels);
    return status;
}
