/* scenario_policies.c - the list of policies, a policy on the command line, and the expect block. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policies/policy.h"
#include "sim/scenario_keys.h"

/* ---- policies ------------------------------------------------------------------------------------- */

/* Documentation only: any other key is a parameter of the policy, so these are read by hand. */
static const char *const seats[] = { [DUO_SEAT_DEVICE] = "device", [DUO_SEAT_GATEWAY] = "gateway", NULL };
static const struct duo_key policy_keys[] = {
    { "use",   DUO_KEY_TEXT,   .form = "NAME | ./mine.so | mix", .def_doc = "needed, or pipe", .doc = "a built-in policy (duosim policies), a module, or a mix" },
    { "pipe",  DUO_KEY_TEXT,   .form = "[PROGRAM, WORD, ...]", .def_doc = "-", .doc = "a policy that is a program of yours (policies/PIPE.md)" },
    { "as",    DUO_KEY_NAME,   .def_doc = "its name", .doc = "its label in tables; labels are unique" },
    { "of",    DUO_KEY_NAME,   .form = "LABEL", .doc = "use: mix: cloud calls at random, as many as that policy makes" },
    { "seat",  DUO_KEY_CHOICE, .choices = seats, .def_doc = "the policy's own", .doc = "where it sits" },
    { "OTHER", DUO_KEY_TEXT,   .form = "one value", .doc = "a parameter of the policy (duosim policies NAME)" },
};
const struct duo_keys duo_keys_policy = { 0, DUO_NO_WHERE, DUO_KEYS(policy_keys), NULL };

void duo_policy_spec_free(struct duo_policy_spec *p)
{
    for (int i = 0; i < p->n_params; i++) {
        free(p->params[i].key);
        free(p->params[i].value);
    }
    for (int i = 0; i < p->n_command; i++) free(p->command[i]);
    free(p->command);
    free(p->params);
    free(p->use);
    free(p->label);
    free(p->of);
    *p = (struct duo_policy_spec){ .seat = -1 };
}

static void add_param(struct duo_policy_spec *p, const char *key, const char *value, struct duo_where at)
{
    p->params = duo_grow(p->params, (size_t)p->n_params + 1, sizeof *p->params);
    p->params[p->n_params++] = (struct duo_param){ duo_copy(key), duo_copy(value), at };
}

/* The name; of ./my/own.so: own. */
static char *default_label(const char *use)
{
    const char *slash = strrchr(use, '/');
    char *label = duo_copy(slash ? slash + 1 : use), *dot = strrchr(label, '.');
    if (slash && dot && dot > label) *dot = 0;
    return label;
}

/* ---- pipe: the words of a command ---- */

static void add_word(struct duo_policy_spec *p, const char *from, size_t n)
{
    p->command = duo_grow(p->command, (size_t)p->n_command + 2, sizeof *p->command);
    p->command[p->n_command] = strndup(from, n);
    p->command[++p->n_command] = NULL;
}

/* "python3 'my router.py', ..." word by word, up to a comma outside of quotes.  Returns where it ended; NULL: a quote is open. */
static const char *split_words(struct duo_policy_spec *p, const char *text)
{
    char *word = duo_new(strlen(text) + 1, 1);
    size_t n = 0;
    bool begun = false;
    char quote = 0;
    for (;; text++) {
        if (quote && *text == quote) quote = 0;
        else if (quote && *text) word[n++] = *text;
        else if (*text == '"' || *text == '\'') quote = *text, begun = true;
        else if (*text && *text != ',' && !isspace((unsigned char)*text)) word[n++] = *text, begun = true;
        else {
            if (begun) add_word(p, word, n);
            begun = false, n = 0;
            if (!*text || *text == ',') break;
        }
    }
    free(word);
    return quote ? NULL : text;
}

/* "pipe:python3 mine.py" */
static char *joined(const struct duo_policy_spec *p)
{
    size_t room = sizeof "pipe:";
    for (int i = 0; i < p->n_command; i++) room += strlen(p->command[i]) + 1;
    char *text = duo_new(room, 1);
    strcpy(text, "pipe:");
    for (int i = 0; i < p->n_command; i++) {
        if (i) strcat(text, " ");
        strcat(text, p->command[i]);
    }
    return text;
}

/* Of "python3 -u routers/mine.py --fast": mine.  Of a program alone: its name. */
static char *pipe_label(const struct duo_policy_spec *p)
{
    const char *word = p->command[0];
    for (int i = p->n_command - 1; i > 0; i--)
        if (p->command[i][0] != '-') word = p->command[i];
    const char *slash = strrchr(word, '/');
    char *label = duo_copy(slash ? slash + 1 : word), *dot = strrchr(label, '.');
    if (dot && dot > label) *dot = 0;
    return label;
}

static const char *wrong_label(const char *label)
{
    if (!*label) return "a label is empty";
    if (strlen(label) > 60) return "a label has at most 60 bytes";
    for (const char *c = label; *c; c++)
        if ((unsigned char)*c <= 32 || *c == '/' || *c == '.' || *c == ',' || *c == '=')
            return "a label is one word without / . , and =";
    return NULL;
}

static int seat_of(const char *text)
{
    for (int i = 0; seats[i]; i++)
        if (strcmp(text, seats[i]) == 0) return i;
    return -1;
}

static enum duo_status read_command(struct duo_reader *r, struct duo_policy_spec *p, const struct duo_node *node)
{
    const char *text;
    if (node->kind == DUO_NODE_LIST) {
        for (int i = 0; i < node->n; i++) {
            DUO_TRY(duo_read_scalar(r, node->child[i], "a word of the command", &text));
            add_word(p, text, strlen(text));
        }
    } else {
        DUO_TRY(duo_read_scalar(r, node, "a command, like [python3, my_router.py]", &text));
        const char *end = split_words(p, text);
        if (!end || *end) return duo_bad(r, node, "%s; write it as a list: [python3, my_router.py]", end ? "a comma in the command" : "a quote is not closed");
    }
    if (p->n_command == 0 || !*p->command[0]) return duo_bad(r, node, "expected a command, like [python3, my_router.py]");
    free(p->use);
    p->use = joined(p);
    return DUO_OK;
}

static enum duo_status read_param(struct duo_reader *r, struct duo_policy_spec *p, const struct duo_node *node)
{
    const char *text, *wrong;
    if (strcmp(node->key, "pipe") == 0) return read_command(r, p, node);
    DUO_TRY(duo_read_scalar(r, node, "one value", &text));
    if (strcmp(node->key, "use") == 0) {
        p->use = duo_copy(text);
    } else if (strcmp(node->key, "as") == 0) {
        if ((wrong = wrong_label(text))) return duo_bad(r, node, "%s; got %.60s", wrong, text);
        p->label = duo_copy(text);
    } else if (strcmp(node->key, "of") == 0) {
        p->of = duo_copy(text);
    } else if (strcmp(node->key, "seat") == 0) {
        if ((p->seat = seat_of(text)) < 0) return duo_bad(r, node, "expected device or gateway; got %.60s", text);
    } else {
        add_param(p, node->key, text, duo_where_of(node));
    }
    return DUO_OK;
}

/* { use: NAME, as: LABEL, ... }, { pipe: COMMAND, as: LABEL, ... } or { NAME: { as: LABEL, ... } } */
static enum duo_status read_policy_map(struct duo_reader *r, struct duo_policy_spec *p, const struct duo_node *node)
{
    const struct duo_node *from = node, *pipe = duo_tree_find(node, "pipe");
    if (pipe && duo_tree_find(node, "use")) return duo_bad_key(r, pipe, "expected either use or pipe");
    if (!pipe && !duo_tree_find(node, "use")) {
        bool nested = node->n == 1 && (node->child[0]->kind == DUO_NODE_MAP || node->child[0]->null);
        if (!nested) return duo_bad(r, node, "use is missing: the policy's name");
        from = node->child[0];
        p->use = duo_copy(from->key);
        const struct duo_node *twice = duo_tree_find(from, "use");
        if (!twice) twice = duo_tree_find(from, "pipe");
        if (twice) return duo_bad_key(r, twice, "%s is given twice: the policy is %.60s", twice->key, p->use);
    }
    for (int i = 0; i < from->n; i++) {
        size_t length = duo_path_push(r, from->child[i]->key);
        DUO_TRY(read_param(r, p, from->child[i]));
        duo_path_pop(r, length);
    }
    return DUO_OK;
}

static enum duo_status read_policy(struct duo_reader *r, struct duo_policy_spec *p, const struct duo_node *node)
{
    const char *text, *wrong;
    p->seat = -1;
    p->at = duo_where_of(node);
    if (node->kind == DUO_NODE_MAP) {
        DUO_TRY(read_policy_map(r, p, node));
    } else {
        DUO_TRY(duo_read_scalar(r, node, "a policy's name or { use: NAME, ... }", &text));
        p->use = duo_copy(text);
    }
    if (p->of && strcmp(p->use, "mix") != 0) return duo_bad(r, duo_tree_find(node, "of"), "of is for use: mix");
    if (!p->of && strcmp(p->use, "mix") == 0) return duo_bad(r, node, "of is missing: the label whose cloud share the mix takes");
    if (!p->label) p->label = p->n_command ? pipe_label(p) : default_label(p->use);
    if ((wrong = wrong_label(p->label))) return duo_bad(r, node, "%s; got %.60s: give it one with as:", wrong, p->label);
    return DUO_OK;
}

static const struct duo_policy_spec *labelled(const struct duo_scenario *s, const char *label)
{
    for (int i = 0; i < s->n_policies; i++)
        if (strcmp(s->policies[i].label, label) == 0) return &s->policies[i];
    return NULL;
}

static const char *hint_label(const struct duo_scenario *s, const char *label, char out[160])
{
    const char **labels = duo_new((size_t)s->n_policies + 1, sizeof *labels);
    for (int i = 0; i < s->n_policies; i++) labels[i] = s->policies[i].label;
    duo_hint(label, labels, (size_t)s->n_policies, out);
    free(labels);
    return out;
}

/* Labels are unique; a mix names a policy that is none. */
static enum duo_status check_policies(const struct duo_scenario *s, struct duo_err *err)
{
    char hint[160];
    for (int i = 0; i < s->n_policies; i++) {
        const struct duo_policy_spec *p = &s->policies[i], *other = labelled(s, p->label), *of = p->of ? labelled(s, p->of) : NULL;
        if (other != p && p->at.line == 0)
            return duo_fail(err, DUO_BAD_INPUT, "two policies are called %s: tell them apart with as=, like %.60s:as=%.40s_2", p->label, p->use, p->label);
        if (other != p)
            return duo_fail_at(err, DUO_BAD_INPUT, s->file, p->at.line, p->at.column,
                               "policies.%d: two policies are called %s: tell them apart with as:, like { use: %.60s, as: %.40s_2 }",
                               i, p->label, p->use, p->label);
        if (p->of && (!of || of->of))
            return duo_fail_at(err, DUO_BAD_INPUT, p->at.line ? s->file : "", p->at.line, p->at.column,
                               "policies.%d.of: %s %.60s%s", i, of ? "a mix can't be made of a mix, like" : "no policy is called",
                               p->of, of ? "" : hint_label(s, p->of, hint));
    }
    return DUO_OK;
}

enum duo_status duo_read_policies(struct duo_reader *r, const struct duo_node *node, void *at)
{
    struct duo_scenario *s = at;
    if (node->kind != DUO_NODE_LIST || node->n == 0)
        return duo_bad(r, node, "expected a list of policies, like [ edge_only, { use: cascade, floor: 0.8 } ]");
    s->policies = duo_new((size_t)node->n, sizeof *s->policies);
    for (int i = 0; i < node->n; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        size_t length = duo_path_push(r, number);
        s->n_policies++;
        DUO_TRY(read_policy(r, &s->policies[i], node->child[i]));
        duo_path_pop(r, length);
    }
    return check_policies(s, r->err);
}

/* ---- a policy on the command line: NAME or NAME:KEY=VALUE,KEY=VALUE; pipe:COMMAND,KEY=VALUE ----------- */

static enum duo_status parse_pair(struct duo_policy_spec *p, char *pair, const char *whole, struct duo_err *err)
{
    char *equals = strchr(pair, '=');
    const char *wrong;
    if (!equals || equals == pair || !equals[1])
        return duo_fail(err, DUO_BAD_INPUT, "%.200s: expected NAME:KEY=VALUE,KEY=VALUE; got %.60s", whole, *pair ? pair : "nothing");
    *equals = 0;
    const char *value = equals + 1;
    for (int i = 0; i < p->n_params; i++)
        if (strcmp(p->params[i].key, pair) == 0) return duo_fail(err, DUO_BAD_INPUT, "%.200s: %.60s is given twice", whole, pair);
    if (strcmp(pair, "as") == 0) {
        if ((wrong = wrong_label(value))) return duo_fail(err, DUO_BAD_INPUT, "%.200s: %s", whole, wrong);
        free(p->label);
        p->label = duo_copy(value);
    } else if (strcmp(pair, "of") == 0) {
        free(p->of);
        p->of = duo_copy(value);
    } else if (strcmp(pair, "seat") == 0) {
        if ((p->seat = seat_of(value)) < 0) return duo_fail(err, DUO_BAD_INPUT, "%.200s: seat: expected device or gateway", whole);
    } else if (strcmp(pair, "use") == 0 || strcmp(pair, "pipe") == 0) {
        return duo_fail(err, DUO_BAD_INPUT, "%.200s: %s stands before the colon", whole, pair);
    } else {
        add_param(p, pair, value, (struct duo_where){ 0, 0 });
    }
    return DUO_OK;
}

static enum duo_status parse_policy(struct duo_policy_spec *p, const char *text, struct duo_err *err)
{
    const char *rest = strchr(text, ':'), *wrong;             /* where the pairs begin: behind a colon, or a command's comma */
    if (strncmp(text, "pipe:", 5) == 0) {
        rest = split_words(p, text + 5);
        if (!rest) return duo_fail(err, DUO_BAD_INPUT, "%.200s: a quote is not closed", text);
        if (p->n_command == 0 || !*p->command[0]) return duo_fail(err, DUO_BAD_INPUT, "expected a command, like \"pipe:python3 my_router.py\"; got \"%.60s\"", text);
        rest = *rest ? rest : NULL;
        p->here = true;
        p->use = joined(p);
    } else {
        size_t n = rest ? (size_t)(rest - text) : strlen(text);
        if (n == 0) return duo_fail(err, DUO_BAD_INPUT, "expected a policy, like cascade or cascade:floor=0.8,as=c8; got \"%.60s\"", text);
        p->use = strndup(text, n);
        if (!p->use) return duo_fail(err, DUO_NO_RESOURCES, "out of memory");
    }
    char *pairs = duo_copy(rest ? rest + 1 : ""), *next = rest ? pairs : NULL, *pair;
    enum duo_status status = DUO_OK;
    while (status == DUO_OK && (pair = strsep(&next, ",")) != NULL) status = parse_pair(p, pair, text, err);
    free(pairs);
    if (status != DUO_OK) return status;
    bool mix = strcmp(p->use, "mix") == 0;
    if (!!p->of != mix)
        return duo_fail(err, DUO_BAD_INPUT, "%.200s: %s", text, mix ? "a mix names a policy, like mix:of=cascade" : "of is for mix only");
    if (!p->label) p->label = p->n_command ? pipe_label(p) : default_label(p->use);
    if ((wrong = wrong_label(p->label))) return duo_fail(err, DUO_BAD_INPUT, "%.200s: %s; give it one with as=", text, wrong);
    return DUO_OK;
}

enum duo_status duo_policy_spec_parse(struct duo_policy_spec *p, const char *text, struct duo_err *err)
{
    *p = (struct duo_policy_spec){ .seat = -1 };
    enum duo_status status = parse_policy(p, text, err);
    if (status != DUO_OK) duo_policy_spec_free(p);
    return status;
}

enum duo_status duo_plan_add_policy(struct duo_plan *plan, const char *text, struct duo_err *err)
{
    for (int v = 0; v < plan->n_variants; v++) {
        struct duo_scenario *s = &plan->variants[v];
        struct duo_policy_spec p;
        DUO_TRY(duo_policy_spec_parse(&p, text, err));
        s->policies = duo_grow(s->policies, (size_t)s->n_policies + 1, sizeof *s->policies);
        s->policies[s->n_policies++] = p;
        DUO_TRY(check_policies(s, err));
    }
    return DUO_OK;
}

/* ---- expect --------------------------------------------------------------------------------------- */

#define EXPECTED "expected a number, LOW .. HIGH, or one of >= <= > < == before a number or [NUMBER *] [LABEL.]COLUMN"

static const char *skip_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\n') p++;
    return p;
}

static bool is_column(const char *text)
{
    if (!islower((unsigned char)*text)) return false;
    for (; *text; text++)
        if (!islower((unsigned char)*text) && !isdigit((unsigned char)*text) && *text != '_') return false;
    return true;
}

bool duo_split_cell(const char *text, size_t n, char **label, char **column)
{
    char *copy = strndup(text, n), *dot = copy ? strrchr(copy, '.') : NULL;
    if (!copy) return false;
    while (n > 0 && (copy[n - 1] == ' ' || copy[n - 1] == '\t')) copy[--n] = 0;
    *label = dot ? strndup(copy, (size_t)(dot - copy)) : NULL;
    *column = duo_copy(dot ? dot + 1 : copy);
    free(copy);
    return is_column(*column) && (!dot || **label);
}

static bool is_no_number(const char *text) { return strcasecmp(text, "nan") == 0 || strncasecmp(text, "inf", 3) == 0; }

static enum duo_status read_range(struct duo_reader *r, const struct duo_node *node, struct duo_expect *e, const char *text, const char *dots)
{
    char low[80];
    snprintf(low, sizeof low, "%.*s", (int)(dots - text), text);
    if (dots - text > 70 || !duo_any_quantity(low, &e->low) || !duo_any_quantity(dots + 2, &e->high))
        return duo_bad(r, node, EXPECTED "; got %.60s", text);
    if (e->low > e->high) return duo_bad(r, node, "expected LOW .. HIGH with LOW first; got %.60s", text);
    e->op = DUO_BETWEEN;
    return DUO_OK;
}

static enum duo_status read_bound(struct duo_reader *r, const struct duo_node *node, struct duo_expect *e, const char *text)
{
    static const struct { const char *text; enum duo_bound op; } ops[] = {
        { ">=", DUO_GE }, { "<=", DUO_LE }, { "==", DUO_EQ }, { ">", DUO_GT }, { "<", DUO_LT }, { "=", DUO_EQ } };
    const char *rest = skip_blanks(text), *dots = strstr(rest, ".."), *star;
    bool bare = true;
    for (size_t i = 0; i < sizeof ops / sizeof *ops && bare; i++) {
        if (strncmp(rest, ops[i].text, strlen(ops[i].text)) != 0) continue;
        bare = false;
        e->op = ops[i].op;
        rest = skip_blanks(rest + strlen(ops[i].text));
    }
    if (bare && dots) return read_range(r, node, e, text, dots);
    if (duo_any_quantity(rest, &e->low)) return DUO_OK;
    if (bare || is_no_number(rest)) return duo_bad(r, node, EXPECTED "; got %.60s", text);
    if ((star = strchr(rest, '*'))) {
        char factor[80];
        snprintf(factor, sizeof factor, "%.*s", (int)(star - rest), rest);
        if (star - rest > 70 || !duo_any_quantity(factor, &e->factor)) return duo_bad(r, node, EXPECTED "; got %.60s", text);
        rest = skip_blanks(star + 1);
    }
    e->low = NAN;
    if (!duo_split_cell(rest, strlen(rest), &e->other_label, &e->other_column)) return duo_bad(r, node, EXPECTED "; got %.60s", text);
    return DUO_OK;
}

enum duo_status duo_read_expect(struct duo_reader *r, const struct duo_node *node, void *at)
{
    struct duo_scenario *s = at;
    if (node->null) return DUO_OK;
    if (node->kind != DUO_NODE_MAP) return duo_bad(r, node, "expected a map, { [VARIANT/][LABEL.]COLUMN: a number, or a bound like \">= 0.3\" }");
    s->expect = duo_new((size_t)node->n, sizeof *s->expect);
    for (int i = 0; i < node->n; i++) {
        const struct duo_node *child = node->child[i];
        const char *slash = strchr(child->key, '/'), *cell = slash ? slash + 1 : child->key, *text;
        size_t length = duo_path_push(r, child->key);
        struct duo_expect *e = &s->expect[s->n_expect++];
        e->at = (struct duo_where){ child->key_line, child->key_column };
        e->factor = 1;
        if (slash && !(e->variant = strndup(child->key, (size_t)(slash - child->key)))) return duo_bad(r, child, "out of memory");
        if (!duo_split_cell(cell, strlen(cell), &e->label, &e->column))
            return duo_bad_key(r, child, "expected [VARIANT/][LABEL.]COLUMN, like cascade.quality; got %.60s", child->key);
        DUO_TRY(duo_read_scalar(r, child, "a number or a bound", &text));
        DUO_TRY(read_bound(r, child, e, text));
        duo_path_pop(r, length);
    }
    return DUO_OK;
}

static enum duo_status bad_expect(struct duo_reader *r, const struct duo_expect *e, const char *what, const char *name, const char *hint)
{
    return duo_fail_at(r->err, DUO_BAD_INPUT, e->at.line ? r->scenario->file : "--set", e->at.line, e->at.column, "expect: %s is called %.60s%s", what, name, hint);
}

enum duo_status duo_check_expect(struct duo_reader *r, const char *const *names, size_t n)
{
    const struct duo_scenario *s = r->scenario;
    char hint[160];
    for (int i = 0; i < s->n_expect; i++) {
        const struct duo_expect *e = &s->expect[i];
        bool known = !e->variant;
        for (size_t k = 0; k < n && !known; k++) known = strcmp(names[k], e->variant) == 0;
        if (!known) return bad_expect(r, e, "no variant", e->variant, duo_hint(e->variant, names, n, hint));
        if (e->variant && strcmp(e->variant, s->variant) != 0) continue;       /* its labels are another variant's */
        if (e->label && !labelled(s, e->label)) return bad_expect(r, e, "no policy", e->label, hint_label(s, e->label, hint));
        if (e->other_label && !labelled(s, e->other_label))
            return bad_expect(r, e, "no policy", e->other_label, hint_label(s, e->other_label, hint));
    }
    return DUO_OK;
}
