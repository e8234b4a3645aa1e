/* validate_rows.c - what a table leaves out, and what no gate predicts.
 *
 * (1) Parameters and weights that are not told: the catalogue's, of a dense model in a known format, and the report says so.
 *     Devices that are not told: one.
 * (2) A row with a speed that no gate takes is counted by its reason, with the lines. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "sim/app/validate_edge.h"

bool duo_edge_vllm(const struct duo_perf *p)
{
    for (const char *at = p->runtime; *at; at++)
        if (strncasecmp(at, "vllm", 4) == 0) return true;
    return false;
}

static void complete(struct duo_validation *v, struct duo_perf *p)                                               /* (1) */
{
    const struct duo_row *model = duo_edge_model(v->catalogue, p->model), *quant = duo_catalogue_find(v->catalogue, DUO_QUANTS, p->quant);
    bool dense = model && !(model->value[DUO_KEY_experts].value > 0);

    if (isnan(p->gpus)) p->gpus = 1;
    if (isnan(p->decode) && isnan(p->prefill)) return;
    if (isnan(p->params) && dense) {
        p->params = model->value[DUO_KEY_parameters].value;
        duo_edge_note(v, "edge-decode", "parameters of %s are not told: the catalogue's", p->model);
    }
    if (!isnan(p->weight_bytes) || isnan(p->params) || !dense || !quant) return;
    p->weight_bytes = p->params * quant->value[DUO_KEY_bits].value / 8;
    duo_edge_note(v, "edge-decode", "weights of %s %s are not told: by the format's bits", p->model, p->quant);
}

/* NULL: a gate takes it. */
static const char *reason_of(const struct duo_perf *p)                                                           /* (2) */
{
    if (isnan(p->decode) && isnan(p->prefill)) return "no speed";
    if (isnan(p->decode)) return NULL;
    if (duo_edge_vllm(p) && p->batch > 0 && p->output >= 1) return NULL;
    if (duo_edge_vllm(p) && !p->single) return "a batch, or its answers' length, is not told";
    if (!p->single) return "neither one stream nor a batch of vLLM";
    if (p->gpus > 1) return "one stream on several devices";
    if (isnan(p->weight_bytes) || isnan(p->params)) return "the size of the weights is not known";
    return NULL;
}

static void say(struct duo_validation *v, const char *reason, const char *file)
{
    char lines[160];
    size_t used = 0;
    int n = 0;

    for (int i = 0; i < v->found.n_perf; i++) {
        const struct duo_perf *p = &v->found.perf[i];
        const char *of = reason_of(p);
        if (!of || strcmp(of, reason) != 0 || strcmp(p->file, file) != 0) continue;
        if (used + 16 < sizeof lines) used += (size_t)snprintf(lines + used, sizeof lines - used, "%s%d", n ? ", " : "", p->line);
        else if (lines[used - 1] != '.') used += (size_t)snprintf(lines + used, sizeof lines - used, " ...");
        n++;
    }
    duo_edge_note(v, "edge-decode", "%d row%s not predicted: %s (line%s %s)", n, n == 1 ? " is" : "s are", reason, n == 1 ? "" : "s", lines);
}

void duo_rows_complete(struct duo_validation *v)
{
    for (int i = 0; i < v->found.n_perf; i++) complete(v, &v->found.perf[i]);
    for (int i = 0; i < v->found.n_perf; i++) {
        const struct duo_perf *p = &v->found.perf[i];
        const char *reason = reason_of(p);
        bool seen = false;
        for (int k = 0; k < i && reason && !seen; k++) {
            const char *of = reason_of(&v->found.perf[k]);
            seen = of && strcmp(of, reason) == 0 && strcmp(p->file, v->found.perf[k].file) == 0;
        }
        if (reason && !seen) say(v, reason, p->file);
    }
}
