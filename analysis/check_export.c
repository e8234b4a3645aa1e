/* check_export.c - what a check found, for programs: JSON, and JUnit's XML for CI. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check.h"
#include "sim/base/json.h"

/* ---- JSON; the keys are in the man page */

static void put_text(struct duo_json *j, const char *key, const char *text) { duo_json_key(j, key), duo_json_text(j, text); }
static void put_number(struct duo_json *j, const char *key, double value)   { duo_json_key(j, key), duo_json_number(j, value); }
static void put_bool(struct duo_json *j, const char *key, bool value)       { duo_json_key(j, key), duo_json_bool(j, value); }

static void put_gate(struct duo_json *j, const struct duo_gate_result *g)
{
    static const char *const kinds[] = { [DUO_GATE_OFF] = "none", [DUO_GATE_TOLERANCE] = "tolerance", [DUO_GATE_STATISTICAL] = "statistical" };
    duo_json_open(j, '{');
    put_text(j, "variant", g->variant);
    put_text(j, "label", g->label);
    put_text(j, "figure", g->name);
    put_text(j, "worse", g->worse > 0 ? "higher" : "lower");
    put_number(j, "was", g->was);
    put_number(j, "is", g->is);
    put_number(j, "moved", g->moved);
    put_number(j, "low_moved", g->low);
    put_number(j, "high_moved", g->high);
    put_text(j, "kind", kinds[g->rule.kind]);
    put_number(j, "amount", g->rule.kind == DUO_GATE_OFF ? (double)NAN : g->rule.amount);
    put_bool(j, "relative", g->rule.relative);
    put_number(j, "p", g->p);
    put_number(j, "p_limit", g->limit);
    put_number(j, "sees", g->sees);
    put_text(j, "verdict", duo_verdict_text[g->verdict]);
    duo_json_close(j);
}

static void put_flips(struct duo_json *j, const struct duo_check_report *r, const struct duo_flips *f)
{
    duo_json_open(j, '{');
    put_text(j, "variant", f->variant);
    put_text(j, "label", f->label);
    put_number(j, "questions", f->questions);
    put_number(j, "lost", f->lost);
    put_number(j, "won", f->won);
    duo_json_key(j, "worst");
    duo_json_open(j, '[');
    for (int i = 0; i < f->n_worst; i++) {
        const struct duo_lost *l = &f->worst[i];
        char *id = r->question ? r->question(r->arg, l->question) : NULL;
        duo_json_open(j, '{');
        put_number(j, "question", l->question);
        put_text(j, "id", id);
        put_number(j, "seed", l->seed < 0 ? (double)NAN : (double)l->seed);
        put_number(j, "was", l->was);
        put_number(j, "is", l->is);
        duo_json_close(j);
        free(id);
    }
    duo_json_close(j);
    duo_json_close(j);
}

static void put_texts(struct duo_json *j, const char *key, char *const *text, int n)
{
    duo_json_key(j, key);
    duo_json_open(j, '[');
    for (int i = 0; i < n; i++) duo_json_text(j, text[i]);
    duo_json_close(j);
}

void duo_check_json(FILE *out, const struct duo_check_report *r)
{
    const struct duo_check *c = r->check;
    struct duo_json j;
    duo_json_init(&j, out);
    duo_json_open(&j, '{');
    put_text(&j, "scenario", r->is->scenario);
    put_text(&j, "baseline", r->file);
    put_text(&j, "made", r->was->made);
    put_bool(&j, "held", c->held);
    put_bool(&j, "same_days", c->same_days);
    put_number(&j, "alpha", c->alpha);
    put_number(&j, "tests", c->n_tests);
    put_texts(&j, "inputs_changed", r->changed, r->n_changed);
    put_texts(&j, "notes", c->notes, c->n_notes);
    duo_json_key(&j, "gates");
    duo_json_open(&j, '[');
    for (int i = 0; i < c->n_gates; i++) put_gate(&j, &c->gates[i]);
    duo_json_close(&j);
    duo_json_key(&j, "flips");
    duo_json_open(&j, '[');
    for (int i = 0; i < c->n_flips; i++) put_flips(&j, r, &c->flips[i]);
    duo_json_close(&j);
    duo_json_close(&j);
    duo_json_end(&j);
}

/* ---- JUnit: a suite, a test case a gate */

/* Of text and attributes; what XML 1.0 may not hold becomes '?'. */
static void xml(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<':  fputs("&lt;", out);   break;
        case '>':  fputs("&gt;", out);   break;
        case '&':  fputs("&amp;", out);  break;
        case '"':  fputs("&quot;", out); break;
        default:   putc((unsigned char)*text < ' ' ? '?' : *text, out);
        }
}

static void attribute(FILE *out, const char *name, const char *text)
{
    fprintf(out, " %s=\"", name);
    xml(out, text);
    putc('"', out);
}

static bool failed(const struct duo_gate_result *g) { return g->verdict == DUO_FELL || g->verdict == DUO_LOST; }

static void gate_case(FILE *out, const struct duo_gate_result *g)
{
    char class[256], text[256], was[32], is[32];
    snprintf(class, sizeof class, "%.120s%s%.120s", g->variant, *g->variant ? "/" : "", g->label);
    fputs("  <testcase", out);
    attribute(out, "classname", class);
    attribute(out, "name", g->name);
    if (g->verdict == DUO_UNTOLD) {
        fputs("><skipped", out);
        attribute(out, "message", duo_verdict_text[g->verdict]);
        fputs("/></testcase>\n", out);
    } else if (failed(g)) {
        duo_show_double(g->was, was);
        duo_show_double(g->is, is);
        snprintf(text, sizeof text, "%s: was %s, is %s", duo_verdict_text[g->verdict], was, is);
        fputs("><failure", out);
        attribute(out, "message", text);
        fputs("/></testcase>\n", out);
    } else {
        fputs("/>\n", out);
    }
}

void duo_check_junit(FILE *out, const struct duo_check_report *r)
{
    const struct duo_check *c = r->check;
    int tests = 1, failures = 0, untold = 0;
    bool refused = r->n_changed > 0 && !r->accepted;
    for (int i = 0; i < c->n_gates; i++) {
        if (c->gates[i].rule.kind == DUO_GATE_OFF) continue;
        tests++;
        failures += failed(&c->gates[i]);
        untold += c->gates[i].verdict == DUO_UNTOLD;
    }
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n <testsuite", out);
    attribute(out, "name", r->is->scenario);
    tests += r->broken != NULL;
    fprintf(out, " tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\">\n", tests, failures, refused + (r->broken != NULL), untold);
    fputs("  <testcase classname=\"inputs\" name=\"unchanged\"", out);
    if (refused) {
        fputs("><error message=\"inputs changed\">", out);
        for (int i = 0; i < r->n_changed; i++) xml(out, r->changed[i]), putc('\n', out);
        fputs("</error></testcase>\n", out);
    } else {
        fputs("/>\n", out);
    }
    if (r->broken) {
        fputs("  <testcase classname=\"runs\" name=\"done\"><error", out);
        attribute(out, "message", r->broken);
        fputs("/></testcase>\n", out);
    }
    for (int i = 0; i < c->n_gates; i++)
        if (c->gates[i].rule.kind != DUO_GATE_OFF) gate_case(out, &c->gates[i]);
    fputs(" </testsuite>\n</testsuites>\n", out);
}
