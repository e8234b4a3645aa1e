/* cmd_validate.c - how well the models predict what others measured.
 *
 * (1) Data are found by layout below --data DIR, or $DUOSIM_DATA; without any, every gate is skipped in words, exit 0.
 * (2) A gate prints its verdicts, misses on top, then every row, predicted beside measured, the largest error first.
 * (3) Exit 1 when a mark is missed.  A file that can't be read ends no gate but itself: what can be judged is, a line for each such
 *     file follows on stderr, and the exit is 2.
 * (4) Fits are made afresh from the data; constants that ship and lie outside a fit's interval are named. */
#include <stdlib.h>
#include <string.h>

#include "sim/app/app.h"
#include "sim/app/validate_edge.h"

enum { DATA = DUO_LONG_ONLY, FIT, BRIEF, FINGERPRINTS, CATALOGUE };

static const struct duo_option options[] = {
    { DATA,         "data",         "DIR", "where measurements lie; default: $DUOSIM_DATA" },
    { FIT,          "fit",          NULL,  "every constant of every fit beside the one that ships" },
    { BRIEF,        "brief",        NULL,  "verdicts only, without the rows" },
    { FINGERPRINTS, "fingerprints", NULL,  "print what models/calibration/fitted_rows.csv holds of these tables, and end" },
    DUO_CATALOGUE_OPTION(CATALOGUE),
    { 0 }
};

static const struct gate { const char *name; enum duo_status (*run)(struct duo_validation *, struct duo_err *); bool tables; } gates[] = {
    { "vllm",         duo_gate_vllm, false },
    { "edge-decode",  duo_gate_edge_decode, true },
    { "edge-prefill", duo_gate_edge_prefill, true },
    { "edge-joules",  duo_gate_edge_joules, true },
    { "h100-batch",   duo_gate_batch, true },
    { "speculation",  duo_gate_speculation, false },
    { "radio",        duo_gate_radio, false },
    { "host",         duo_gate_host, false },
};
enum { N_GATES = sizeof gates / sizeof gates[0] };

struct wishes { const char *data; bool fit, brief, fingerprints, gate[N_GATES]; struct duo_layers layers; };

static void read_wishes(struct duo_args *a, struct wishes *w)
{
    const char *names[N_GATES], *value;
    int id;

    while ((id = duo_args_next(a, &value)) != -1)
        switch (id) {
        case DATA:         w->data = value; break;
        case FIT:          w->fit = true; break;
        case BRIEF:        w->brief = true; break;
        case FINGERPRINTS: w->fingerprints = true; break;
        case CATALOGUE:    duo_app_layer(a, &w->layers, value); break;
        default: break;
        }
    if (!w->data) w->data = getenv("DUOSIM_DATA");
    if (w->data && !*w->data) w->data = NULL;
    for (int i = 0; i < N_GATES; i++) names[i] = gates[i].name, w->gate[i] = a->n_words == 0;
    for (int i = 0; i < a->n_words; i++) w->gate[duo_choice(a, "gate", a->words[i], names, N_GATES)] = true;
}

/* All but the machines timed by the project itself, whose timings ship. */
static enum duo_status skip_all(struct duo_validation *v, const struct wishes *w, struct duo_err *err)
{
    for (int i = 0; i < N_GATES; i++) {
        if (!w->gate[i]) continue;
        if (gates[i].run == duo_gate_host) DUO_TRY(duo_gate_host(v, err));
        else duo_report_note(&v->report, gates[i].name, "skipped: no measurements; --data DIR or DUOSIM_DATA names their folder");
    }
    return DUO_OK;
}

static enum duo_status judge(struct duo_validation *v, const struct wishes *w, struct duo_err *err)
{
    bool tables = false;

    v->data = w->data;
    if (!w->data) return skip_all(v, w, err);                                                                     /* (1) */
    DUO_TRY(duo_find(&v->found, w->data, &v->report, err));
    if (w->fingerprints) return duo_edge_fingerprints(&v->found, stdout), DUO_OK;
    for (int i = 0; i < N_GATES; i++) tables |= w->gate[i] && gates[i].tables;
    if (tables) duo_rows_complete(v);
    for (int i = 0; i < N_GATES; i++)
        if (w->gate[i]) DUO_TRY(duo_report_broken(&v->report, gates[i].run(v, err), err));                        /* (3) */
    return DUO_OK;
}

static int validate(const struct duo_command *self, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    struct wishes w = { 0 };
    struct duo_validation v = { 0 };
    enum duo_status status;
    int missed;

    duo_args_init(&a, self, argc, argv);
    read_wishes(&a, &w);
    v.fit = w.fit, v.json = a.json;
    status = duo_app_catalogue(&v.catalogue, &w.layers, &err);
    if (status == DUO_OK) status = judge(&v, &w, &err);
    duo_report_close(&v.report);
    missed = duo_report_missed(&v.report);
    if (status == DUO_OK && !w.fingerprints) {
        if (a.json) duo_report_json(&v.report, stdout);
        else duo_report_print(&v.report, stdout, !w.brief);                                                       /* (2) */
        if (missed) status = DUO_FELL_SHORT;                                                                      /* (3) */
        if (missed) fprintf(stderr, "%d mark%s missed\n", missed, missed == 1 ? "" : "s");
    }
    fflush(stdout);
    for (int i = 0; i < v.report.n_broken; i++) {
        duo_err_print(stderr, &v.report.broken[i], a.json);
        status = DUO_BAD_INPUT;
    }
    duo_report_free(&v.report), duo_found_free(&v.found), duo_catalogue_free(v.catalogue);
    return duo_finish(&a, status, &err);
}

const struct duo_command duo_cmd_validate = {
    .name = "validate", .words = "[GATE]...", .about = "predicted beside measured: every fidelity gate, misses on top",
    .example = "  duosim validate edge-decode --data ../shared --brief\n", .options = options, .run = validate,
};
