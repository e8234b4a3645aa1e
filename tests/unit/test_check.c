/* test_check.c - analysis/check.h by its numbers, and by repetition: what is caught, and what is not blamed. */
#include "analysis/check.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>

#include "analysis/check_inside.h"
#include "sim/base/number.h"
#include "sim/base/rng.h"
#include "tests/check.h"
#include "tests/unit/baseline_case.h"

static bool number(const char *text, double *out)
{
    const char *end = duo_read_number(text, out);
    return end && !*end;
}

/* "p0.quality: 5 %" */
static struct duo_gate_rule rule(const char *label, const char *name, const char *text)
{
    struct duo_gate_rule r = { .label = label };
    CHECK(duo_gate_find(name, &r.gate, &r.area));
    CHECK(duo_gate_rule_parse(text, number, &r));
    return r;
}

static struct duo_check check_with(const struct duo_baseline *was, const struct duo_baseline *is, const struct duo_gate_rule *rules, int n)
{
    struct duo_check c;
    duo_check_compare(&c, was, is, &(struct duo_check_spec){ .rules = rules, .n_rules = n, .alpha = 0.01 });
    return c;
}

static void all_right(struct duo_baseline *b, double share)
{
    for (int v = 0; v < b->n_variants; v++)
        for (int l = 0; l < b->variants[v].n_labels; l++)
            for (int k = 0; k < b->variants[v].labels[l].n_answers; k++)
                for (int q = 0; q < b->variants[v].n_asked; q++)
                    b->variants[v].labels[l].answers[k].quality[q] = q < share * b->variants[v].n_asked;
    case_close(b);
}

static const enum duo_metric none = DUO_N_METRICS;
static enum duo_metric metric_of(int gate)
{
    if (gate == DUO_G_joules) return DUO_M_joules_cloud;         /* with joules_device_radio at 0 */
    int m = duo_metric_find(duo_gate_info[gate].name);
    return m < 0 ? none : (enum duo_metric)m;
}

/* (1) (2): every figure, by a tolerance on the same days. */
static void tolerances(void)
{
    struct baseline_case c = { 1, 2, 3, 200, 1, false };
    static const struct { double by; bool to_nothing; enum duo_verdict absolute, relative; } cases[] = {
        { 0, false, DUO_HELD, DUO_HELD }, { 0.3, false, DUO_WORSE_HELD, DUO_WORSE_HELD }, { 0.5, false, DUO_WORSE_HELD, DUO_WORSE_HELD },
        { 0.51, false, DUO_FELL, DUO_FELL }, { 40, false, DUO_FELL, DUO_FELL }, { -40, false, DUO_BETTER, DUO_BETTER },
        { 5e-8, false, DUO_HELD, DUO_HELD }, { 0, true, DUO_LOST, DUO_LOST },
    };
    for (int g = 0; g < DUO_N_GATES; g++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            for (int relative = 0; relative < 2; relative++) {
                struct duo_baseline was = case_new(&c), is = case_new(&c);
                case_set(&was, NULL, DUO_M_joules_device_radio, 0, 0);
                case_set(&is, NULL, DUO_M_joules_device_radio, 0, 0);
                double now = cases[i].to_nothing ? (double)NAN : 10 + duo_gate_info[g].worse * cases[i].by;
                case_set(&was, "p0", metric_of(g), 10, 1);
                case_set(&is, "p0", metric_of(g), now, 1);
                struct duo_gate_rule r = rule("p0", duo_gate_info[g].name, relative ? "5 %" : "0.5");
                struct duo_check k = check_with(&was, &is, &r, 1);
                struct duo_gate_result *got = case_gate(&k, "p0", duo_gate_info[g].name);
                enum duo_verdict want = relative ? cases[i].relative : cases[i].absolute;
                if (got->verdict != want) printf("%s by %g: ", duo_gate_info[g].name, cases[i].by);
                CHECK_TEXT(duo_verdict_text[got->verdict], duo_verdict_text[want]);
                CHECK_INT(k.held, want != DUO_FELL && want != DUO_LOST);
                duo_check_free(&k);
                duo_baseline_free(&was);
                duo_baseline_free(&is);
            }
}

/* (2) (4) on other days: Student's t with pooled variance.  R: t.test(c(13, 14, 15), c(10, 11, 12), var.equal = TRUE, alternative =
 * "greater"): t = 3.6742, df = 4, p = 0.01066. */
static void other_days(void)
{
    struct baseline_case then = { 1, 1, 3, 10, 1, false }, now = { 1, 1, 3, 10, 4, false };
    struct duo_baseline was = case_new(&then), is = case_new(&now);
    struct duo_gate_rule r = rule("p0", "e2e_p50", "5 %");
    case_set(&was, "p0", DUO_M_e2e_p50, 11, 1);
    case_set(&is, "p0", DUO_M_e2e_p50, 14, 1);
    struct duo_check k = check_with(&was, &is, &r, 1);
    CHECK(!k.same_days);
    CHECK_NEAR(k.gates[0].p, 0.01066, 5e-6);
    CHECK_NEAR(k.gates[0].limit, 0.01, 0);
    CHECK_NEAR(k.gates[0].high - k.gates[0].moved, 2.776445 * sqrt(2.0 / 3), 1e-5);    /* t of 4 at 0.975 */
    CHECK_TEXT(duo_verdict_text[k.gates[0].verdict], "worse, held");                   /* 27 % worse, and chance is not ruled out */
    duo_check_free(&k);
    case_set(&is, "p0", DUO_M_e2e_p50, 14.1, 1);         /* p = 0.00955 */
    k = check_with(&was, &is, &r, 1);
    CHECK(k.gates[0].p < 0.01);
    CHECK_TEXT(duo_verdict_text[k.gates[0].verdict], "fell short");
    duo_check_free(&k);
    r = rule("p0", "e2e_p50", "30 %");                   /* ruled out, and within the tolerance */
    k = check_with(&was, &is, &r, 1);
    CHECK_TEXT(duo_verdict_text[k.gates[0].verdict], "worse, held");
    duo_check_free(&k);
    duo_baseline_free(&is);
    struct baseline_case one = { 1, 1, 1, 10, 4, false };        /* one seed: nothing can be told */
    is = case_new(&one);
    case_set(&is, "p0", DUO_M_e2e_p50, 100, 0);
    r = rule("p0", "e2e_p50", "5 %");
    k = check_with(&was, &is, &r, 1);
    CHECK_TEXT(duo_verdict_text[k.gates[0].verdict], "can't be told");
    CHECK(k.held);
    duo_check_free(&k);
    duo_baseline_free(&was);
    duo_baseline_free(&is);
}

/* (3) (4) seed by seed on the same days: differences 1, 2, 3; t = 2 / (1 / sqrt(3)) = 3.4641 with 2 degrees of freedom, p = 0.03709. */
static void paired_seeds(void)
{
    struct baseline_case c = { 1, 1, 3, 10, 1, false };
    struct duo_baseline was = case_new(&c), is = case_new(&c);
    struct duo_gate_rule r = rule("p0", "dollars", "statistical");
    case_set(&was, "p0", DUO_M_dollars, 10, 5);
    case_set(&is, "p0", DUO_M_dollars, 12, 6);
    struct duo_check k = check_with(&was, &is, &r, 1);
    CHECK(k.same_days);
    CHECK_NEAR(k.gates[0].p, 0.03709, 5e-6);
    CHECK_NEAR(k.gates[0].high - k.gates[0].moved, 4.302653 / sqrt(3), 1e-5);
    CHECK_TEXT(duo_verdict_text[k.gates[0].verdict], "worse, held");
    duo_check_free(&k);
    case_set(&is, "p0", DUO_M_dollars, 12, 5.1);         /* differences 1.9, 2, 2.1 */
    k = check_with(&was, &is, &r, 1);
    CHECK_TEXT(duo_verdict_text[k.gates[0].verdict], "fell short");
    duo_check_free(&k);
    r = rule("p0", "dollars", "statistical 2.5");        /* the smallest effect that counts */
    k = check_with(&was, &is, &r, 1);
    CHECK_TEXT(duo_verdict_text[k.gates[0].verdict], "worse, held");
    duo_check_free(&k);
    duo_baseline_free(&was);
    duo_baseline_free(&is);
}

/* (4) question by question: of 900, k flip to wrong.  McNemar's exact test: p = 2^-k. */
static void paired_questions(void)
{
    struct baseline_case c = { 1, 1, 3, 300, 1, true };
    for (int flips = 5; flips <= 12; flips++) {
        struct duo_baseline was = case_new(&c), is = case_new(&c);
        struct duo_gate_rule r = rule("p0", "quality", "statistical");
        all_right(&was, 0.6);
        all_right(&is, 0.6);
        for (int i = 0; i < flips; i++) is.variants[0].labels[0].answers[i % 3].quality[10 * i] = 0;
        case_close(&is);
        struct duo_check k = check_with(&was, &is, &r, 1);
        CHECK_NEAR(k.gates[0].moved, -flips / 900.0, 1e-9);
        CHECK_NEAR(k.gates[0].p, exp2(-flips), 1e-15);
        CHECK_INT(k.gates[0].verdict == DUO_FELL, flips > 6);        /* 2^-7 < 0.01 < 2^-6 */
        CHECK_INT(k.flips[0].lost, flips);
        CHECK_INT(k.flips[0].won, 0);
        CHECK_INT(k.flips[0].questions, 900);
        CHECK_INT(k.flips[0].n_worst, flips);
        CHECK_INT(k.flips[0].worst[1].seed, 1);          /* in the order of seeds and questions */
        CHECK_INT(k.flips[0].worst[1].question, 30);
        duo_check_free(&k);
        duo_baseline_free(&was);
        duo_baseline_free(&is);
    }
}

/* Ten questions by hand, other ones asked on the other side: u = (is - mean) / n where they are, less the same of what was. */
static void other_questions(void)
{
    const int was_asked[] = { 0, 1, 2, 3 }, is_asked[] = { 2, 3, 4, 5 };
    double was_cell[] = { 1, 0, 1, 0 }, is_cell[] = { 0, 1, 0, 0 }, was_seeds[] = { 0.5, 0.5 }, is_seeds[] = { 0.25, 0.25 };
    struct duo_block a = { -1, 4, was_asked, was_cell }, b = { -1, 4, is_asked, is_cell };
    struct duo_side was = { 1, &a, 2, was_seeds, 0.5 }, is = { 1, &b, 2, is_seeds, 0.25 };
    struct duo_moved m = duo_moved_of(&was, &is, true, true, false);
    const double u[] = { -0.125, 0.125, -0.0625 - 0.125, 0.1875 + 0.125, -0.0625, -0.0625 };
    double squares = 0;
    for (int i = 0; i < 6; i++) squares += u[i] * u[i];
    CHECK_NEAR(m.se, sqrt(squares * 6 / 5), 1e-15);
    CHECK_NEAR(m.df, 5, 0);
    CHECK_NEAR(m.by, -0.25, 0);
}

/* (5): Holm's example by hand: 0.001, 0.02, 0.03, 0.04 at 0.05 have the limits 0.0125, 0.0167, 0.025, 0.05; the first alone stands. */
static void holm(void)
{
    const double p[] = { 0.03, 0.001, NAN, 0.04, 0.02 };
    double limit[5];
    bool out[5];
    CHECK_INT(duo_holm(p, 5, 0.05, limit, out), 4);
    CHECK(out[1] && !out[0] && !out[2] && !out[3] && !out[4]);
    CHECK_NEAR(limit[4], 0.05 / 3, 1e-15);
    CHECK(isnan(limit[2]));
    const double q[] = { 0.01, 0.012, 0.02, 0.04 };
    CHECK_INT(duo_holm(q, 4, 0.05, limit, out), 4);
    CHECK(out[0] && out[1] && out[2] && out[3]);
}

/* (7) */
static void rules(void)
{
    struct baseline_case c = { 2, 2, 2, 100, 1, false };
    struct duo_baseline was = case_new(&c), is = case_new(&c);
    struct duo_gate_rule all[] = { rule(NULL, "e2e_p50", "5 %"), rule("p0", "e2e_p50", "50 %"), rule("p0", "e2e_p50", "off") };
    all[2].variant = "v1";
    case_set(&was, NULL, DUO_M_e2e_p50, 1, 0);
    case_set(&is, NULL, DUO_M_e2e_p50, 1.2, 0);
    struct duo_check k = check_with(&was, &is, all, 3);
    int fell = 0, held = 0, shown = 0;
    for (int i = 0; i < k.n_gates; i++)
        if (strcmp(k.gates[i].name, "e2e_p50") == 0) {
            fell += k.gates[i].verdict == DUO_FELL && strcmp(k.gates[i].label, "p1") == 0;
            held += k.gates[i].verdict == DUO_WORSE_HELD && strcmp(k.gates[i].label, "p0") == 0;
            shown += k.gates[i].verdict == DUO_SHOWN;
        }
    CHECK_INT(fell, 2);
    CHECK_INT(held, 1);
    CHECK_INT(shown, 1);
    CHECK(!k.defaults);
    duo_check_free(&k);
    is.variants[0].labels[0].cheats = is.variants[0].labels[1].cheats = is.variants[1].labels[0].cheats = is.variants[1].labels[1].cheats = true;
    k = check_with(&was, &is, NULL, 0);                  /* the defaults leave out what knows the truth */
    CHECK(k.held && k.defaults);
    duo_check_free(&k);
    k = check_with(&was, &is, all, 2);                   /* and so does a rule that doesn't name it */
    CHECK(k.held);
    duo_check_free(&k);
    struct duo_gate_rule r;
    static const char *const wrong[] = { "", "x", "-0.1", "5 %%", "statistical x", "statistically", "-5 %", "0.1 0.2", "%" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) CHECK(!duo_gate_rule_parse(wrong[i], number, &r));
    CHECK(duo_gate_rule_parse("statistical 2 %", number, &r) && r.relative && r.kind == DUO_GATE_STATISTICAL);
    CHECK_NEAR(r.amount, 0.02, 1e-15);
    int gate;
    bool area;
    CHECK(!duo_gate_find("area_quality", &gate, &area) && !duo_gate_find("requests", &gate, &area) && !duo_gate_find("area", &gate, &area));
    CHECK_TEXT(duo_gate_nearest("qualty"), "quality");
    duo_baseline_free(&was);
    duo_baseline_free(&is);
}

/* Areas: two settings of a policy; the dearer one loses 0.1 of quality in 60 of 600 questions: the area loses half of that. */
static void areas(void)
{
    struct baseline_case c = { 1, 2, 2, 600, 1, false };
    struct duo_baseline was = case_new(&c);
    for (int l = 0; l < 2; l++) {
        free(was.variants[0].labels[l].policy);
        was.variants[0].labels[l].policy = duo_copy("cascade");
        for (int q = 0; q < 600; q++) was.variants[0].labels[l].answers[0].quality[q] = q < 300 + 120 * l;
    }
    case_set(&was, "p0", DUO_M_dollars, 1, 0);
    case_set(&was, "p1", DUO_M_dollars, 3, 0);
    case_close(&was);
    struct duo_baseline is = case_copy(&was);
    for (int q = 0; q < 60; q++) is.variants[0].labels[1].answers[0].quality[q] = 0;
    case_close(&is);
    struct duo_check k = check_with(&was, &is, NULL, 0);
    struct duo_gate_result *g = case_gate(&k, "cascade", "area_dollars");
    CHECK_NEAR(g->was, (0.5 + 0.7) / 2, 1e-9);
    CHECK_NEAR(g->moved, -0.1 / 2, 1e-9);
    CHECK_TEXT(duo_verdict_text[g->verdict], "fell short");
    /* u is 1/2 in 60 of 600 questions: the standard error by arithmetic */
    CHECK_NEAR((g->high - g->low) / 2 / 1.963941, 0.5 * sqrt(0.1 * 0.9 / 599), 1e-6);    /* t of 599 at 0.975 */
    duo_check_free(&k);
    case_set(&is, "p0", DUO_M_dollars, 2, 0);            /* now the cheaper setting is dearer, too: less for half of the budgets */
    k = check_with(&was, &is, NULL, 0);
    g = case_gate(&k, "cascade", "area_dollars");
    CHECK_NEAR(g->is, (0 + 0.55) / 2, 1e-9);
    duo_check_free(&k);
    struct duo_gate_rule r[] = { rule("cascade", "area_dollars", "0.4") };
    k = check_with(&was, &is, r, 1);
    CHECK_TEXT(duo_verdict_text[case_gate(&k, "cascade", "area_dollars")->verdict], "worse, held");
    duo_check_free(&k);
    duo_baseline_free(&was);
    duo_baseline_free(&is);
}

/* (8): shared questions with means over seeds; the twenty that fell most, the largest fall first. */
static void flips(void)
{
    struct baseline_case c = { 1, 1, 3, 100, 1, false };
    struct duo_baseline was = case_new(&c), is = case_new(&c);
    all_right(&was, 0.8);
    all_right(&is, 0.8);
    for (int q = 0; q < 30; q++) is.variants[0].labels[0].answers[0].quality[q] = q % 2 ? 0 : 1.0 / 3;
    is.variants[0].labels[0].answers[0].quality[50] = 2.0 / 3;       /* worse, and still right */
    is.variants[0].labels[0].answers[0].quality[90] = 2.0 / 3;       /* won */
    is.variants[0].labels[0].answers[0].quality[91] = NAN;           /* not asked any more */
    case_close(&is);
    struct duo_check k = check_with(&was, &is, NULL, 0);
    CHECK_INT(k.flips[0].questions, 99);
    CHECK_INT(k.flips[0].lost, 30);
    CHECK_INT(k.flips[0].won, 1);
    CHECK_INT(k.flips[0].n_worst, 20);
    CHECK_INT(k.flips[0].worst[0].question, 1);
    CHECK_INT(k.flips[0].worst[14].question, 29);
    CHECK_INT(k.flips[0].worst[15].question, 0);
    CHECK_INT(k.flips[0].worst[19].question, 8);
    duo_check_free(&k);
    duo_baseline_free(&was);
    duo_baseline_free(&is);
}

static void inputs(void)
{
    struct baseline_case c = { 1, 1, 2, 5, 1, false };
    struct duo_baseline was = case_new(&c), is = case_new(&c);
    struct duo_input a[] = { { (char *)(uintptr_t)"arrivals", 1 }, { (char *)(uintptr_t)"cells", 2 }, { (char *)(uintptr_t)"policies.x", 3 } };
    struct duo_input b[] = { { (char *)(uintptr_t)"arrivals", 9 }, { (char *)(uintptr_t)"cells", 2 }, { (char *)(uintptr_t)"places.cloud", 3 } };
    was.inputs = a, was.n_inputs = 3;
    is.inputs = b, is.n_inputs = 3;
    char **names;
    int n = duo_check_inputs(&was, &is, false, &names);
    CHECK_INT(n, 3);
    CHECK_TEXT(names[0], "arrivals");
    CHECK_TEXT(names[1], "places.cloud (new)");
    CHECK_TEXT(names[2], "policies.x (gone)");
    for (int i = 0; i < n; i++) free(names[i]);
    free(names);
    n = duo_check_inputs(&was, &is, true, &names);       /* --only: a policy that was not run is not gone */
    CHECK_INT(n, 2);
    for (int i = 0; i < n; i++) free(names[i]);
    free(names);
    struct duo_check k = check_with(&was, &is, NULL, 0);
    CHECK(!k.same_days);                                 /* other arrivals are other days */
    duo_check_free(&k);
    was.inputs = is.inputs = NULL, was.n_inputs = is.n_inputs = 0;
    is.draws = 8;
    k = check_with(&was, &is, NULL, 0);
    CHECK(!k.same_days);
    duo_check_free(&k);
    duo_baseline_free(&was);
    duo_baseline_free(&is);
}

/* ---- by repetition */

enum { POWER_RUNS = 600, ALARM_RUNS = 1500 };

/* Quality of the quick start's kind: policies that are right with probability 0.5 to 0.85, about the same questions. */
static struct duo_baseline day(const struct baseline_case *c, uint64_t world)
{
    struct duo_baseline b = case_new(c);
    for (int v = 0; v < c->variants; v++)
        for (int l = 0; l < c->labels; l++)
            for (int k = 0; k < b.variants[v].labels[l].n_answers; k++)
                for (int q = 0; q < c->questions; q++) {
                    uint64_t question = duo_mix(duo_mix(world) + (uint64_t)(k * 100000 + q));
                    double u = 0.5 * duo_unit(question) + 0.5 * duo_unit(duo_mix(question + 1 + (uint64_t)l));
                    b.variants[v].labels[l].answers[k].quality[q] = u < 0.5 + 0.04 * l;
                }
    case_close(&b);
    return b;
}

/* Label 3 of every variant: a share `lost` of all answers turns from right to wrong, `won` the other way. */
static void worsen(struct duo_baseline *b, double lost, double won, uint64_t world)
{
    double right = b->variants[0].labels[3].value[DUO_M_quality];
    for (int v = 0; v < b->n_variants; v++)
        for (int k = 0; k < b->variants[v].labels[3].n_answers; k++)
            for (int q = 0; q < b->variants[v].n_asked; q++) {
                double *cell = &b->variants[v].labels[3].answers[k].quality[q], u = duo_unit(duo_mix(duo_mix(world) + (uint64_t)(k * 100000 + q)));
                if (*cell >= 0.5) { if (u < lost / right) *cell = 0; }
                else if (u < won / (1 - right)) *cell = 1;
            }
    case_close(b);
}

static double caught(const struct baseline_case *c, double lost, double won)
{
    int n = 0;
    for (int i = 0; i < POWER_RUNS; i++) {
        struct duo_baseline was = day(c, (uint64_t)i), is = case_copy(&was);
        worsen(&is, lost, won, (uint64_t)i + 1000000);
        struct duo_check k = check_with(&was, &is, NULL, 0);
        n += !k.held;
        duo_check_free(&k);
        duo_baseline_free(&was);
        duo_baseline_free(&is);
    }
    return (double)n / POWER_RUNS;
}

static void power(void)
{
    struct baseline_case quick = { 2, 6, 3, 300, 1, true }, recorded = { 1, 10, 3, 2000, 1, false };
    double a = caught(&quick, 0.02, 0), churn = caught(&quick, 0.03, 0.01), b = caught(&recorded, 0.03, 0.01), d = caught(&recorded, 0.03, 0.03);
    printf("the same days, quality 2 points worse: caught in %.1f %% (3 seeds of 300 questions, two variants; 2 %% of the answers lost), "
           "%.1f %% (the same; 3 %% lost, 1 %% won), %.1f %% (2,000 questions; 3 %% lost, 1 %% won); no worse (3 %% lost, 3 %% won): blamed in %.2f %%\n", 100 * a, 100 * churn, 100 * b, 100 * d);
    CHECK(a >= 0.95);
    CHECK(b >= 0.95);
    CHECK(d <= 0.01 + 3 * sqrt(0.01 * 0.99 / POWER_RUNS));
}

/* Everything that a check looks at, on days of their own: a day's load moves all labels' times together, and a little each. */
static void weather(struct duo_baseline *b, uint64_t world)
{
    static const struct { enum duo_metric m; double value, day, own; } figures[] = {
        { DUO_M_cloud_share, 0.6, 0, 0.03 }, { DUO_M_ttft_p50, 0.5, 0.05, 0.02 }, { DUO_M_ttft_p99, 2, 0.15, 0.1 }, { DUO_M_e2e_p50, 3, 0.05, 0.02 },
        { DUO_M_e2e_p99, 9, 0.15, 0.1 }, { DUO_M_joules_device_radio, 20, 0.01, 0.03 }, { DUO_M_joules_cloud, 100, 0.01, 0.03 }, { DUO_M_dollars, 5e-4, 0.01, 0.03 } };
    for (int v = 0; v < b->n_variants; v++)
        for (int l = 0; l < b->variants[v].n_labels; l++) {
            struct duo_baseline_label *t = &b->variants[v].labels[l];
            for (size_t f = 0; f < sizeof figures / sizeof *figures; f++) {
                double sum = 0;
                for (int s = 0; s < b->variants[v].n_seeds; s++) {
                    struct duo_rng rng;
                    duo_rng_init(&rng, duo_hash(world, "day", (uint64_t)s), "load", 0);
                    double load = gsl_ran_gaussian_ziggurat(&rng.gsl, 1);
                    duo_rng_init(&rng, duo_hash(world, "day", (uint64_t)s), "own", (uint64_t)(v * 10000 + l * 100) + f);
                    t->seed[s][figures[f].m] = figures[f].value * exp(figures[f].day * load + figures[f].own * gsl_ran_gaussian_ziggurat(&rng.gsl, 1));
                    t->seed[s][DUO_M_failed] = gsl_ran_poisson(&rng.gsl, 2 * exp(0.5 * load));
                    sum += t->seed[s][figures[f].m];
                }
                t->value[figures[f].m] = sum / b->variants[v].n_seeds;
            }
            double failed = 0;
            for (int s = 0; s < b->variants[v].n_seeds; s++) failed += t->seed[s][DUO_M_failed];
            t->value[DUO_M_failed] = failed / b->variants[v].n_seeds;
        }
}

static double blamed(const struct baseline_case *c, int64_t other_seed)
{
    struct baseline_case later = *c;
    int n = 0;
    later.first_seed = other_seed;
    for (int i = 0; i < ALARM_RUNS; i++) {
        struct duo_baseline was = day(c, (uint64_t)(2 * i)), is = day(&later, (uint64_t)(2 * i + 1));
        weather(&was, (uint64_t)(2 * i));
        weather(&is, (uint64_t)(2 * i + 1));
        struct duo_check k = check_with(&was, &is, NULL, 0);
        CHECK(!k.same_days);
        n += !k.held;
        duo_check_free(&k);
        duo_baseline_free(&was);
        duo_baseline_free(&is);
    }
    return (double)n / ALARM_RUNS;
}

static void alarms(void)
{
    struct baseline_case quick = { 2, 6, 3, 300, 1, true }, two = { 1, 3, 2, 200, 1, true }, ten = { 1, 4, 10, 100, 1, true };
    double a = blamed(&quick, 4), b = blamed(&two, 3), d = blamed(&ten, 11);
    printf("other days alone: blamed in %.2f %% (3 seeds, 12 labels), %.2f %% (2 seeds, 3 labels), %.2f %% (10 seeds, 4 labels)\n", 100 * a, 100 * b, 100 * d);
    CHECK(a < 0.01);
    CHECK(b < 0.01);
    CHECK(d < 0.01);
}

int main(void)
{
    tolerances();
    other_days();
    paired_seeds();
    paired_questions();
    other_questions();
    holm();
    rules();
    areas();
    flips();
    inputs();
    power();
    alarms();
    return check_done();
}
