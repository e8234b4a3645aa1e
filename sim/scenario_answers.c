/* scenario_answers.c - the keys of answers: a declared synthetic model, recorded outcomes with what is filled in,
 * or models that answer; roles and scorers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers/speaker.h"
#include "sim/scenario_keys.h"
#include "sim/share.h"
#include "traces/outcomes/outcomes.h"

/* ---- voices of the synthetic model ---------------------------------------------------------------- */

#define AT(field) .at = offsetof(struct duo_synthetic_voice, field)
static const struct duo_key voice_keys[] = {
    { "ability",     DUO_KEY_NUMBER, .dim = DUO_DIM_NUMBER, .min = -20, .max = 20, .def = "0", AT(ability), .doc = "right with probability logistic(slope (ability - difficulty))" },
    { "auc",         DUO_KEY_NUMBER, .dim = DUO_DIM_NUMBER, .min = 0.5, .max = 0.999, .def = "0.75", AT(auc), .doc = "of its confidence for its own correctness" },
    { "acceptance",  DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 1, .def = "0.7", AT(acceptance), .doc = "as a drafter: mean share of tokens that agree" },
    { "correlation", DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 0.99, .def = "0.3", AT(correlation), .doc = "of one token's agreement with the next one's" },
    { "length",      DUO_KEY_LAW,    .dim = DUO_DIM_NUMBER, .def = "uniform(20, 180)", AT(length), .doc = "tokens of its answers" },
    { "thinking",    DUO_KEY_LAW,    .dim = DUO_DIM_NUMBER, AT(thinking), .def_doc = "none", .doc = "tokens before an answer that nobody sees: written, paid, in the KV until the answer ends" },
};
#undef AT
static const struct duo_keys voice = { sizeof(struct duo_synthetic_voice), DUO_NO_WHERE, DUO_KEYS(voice_keys), NULL };

static enum duo_status read_voices(struct duo_reader *r, const struct duo_node *node, void *at)
{
    struct duo_synthetic_spec *s = at;
    if (node->kind != DUO_NODE_MAP || node->n == 0) return duo_bad(r, node, "expected a map of voices, { NAME: { ability: 0, ... } }");
    struct duo_synthetic_voice *voices = duo_new((size_t)node->n, sizeof *voices);
    s->voices = voices;
    for (int i = 0; i < node->n; i++) {
        size_t length = duo_path_push(r, node->child[i]->key);
        voices[s->n_voices++].name = duo_copy(node->child[i]->key);
        DUO_TRY(duo_keys_read(r, &voice, node->child[i], &voices[i]));
        duo_path_pop(r, length);
    }
    return DUO_OK;
}

/* ---- synthetic ------------------------------------------------------------------------------------ */

static const char *const attachments[] = { [DUO_NO_ATTACHMENT] = "none", [DUO_IMAGE] = "image", [DUO_AUDIO] = "audio",
                                           [DUO_DOCUMENT] = "document", NULL };

#define AT(field) .at = offsetof(struct duo_synthetic_spec, field)
static const struct duo_key synthetic_keys[] = {
    { "voices",           DUO_KEY_OWN,    .need = true, .read = read_voices, .keys = &voice, .form = "{NAME: {...}}", .doc = "who answers, by name" },
    { "slope",            DUO_KEY_NUMBER, .dim = DUO_DIM_NUMBER, .open = true, .max = 100, .def = "1.7", AT(slope), .doc = "of the logistic" },
    { "tie",              DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 1, .def = "0.3", AT(tie), .doc = "share of luck that voices have in common" },
    { "prompt_tokens",    DUO_KEY_LAW,    .dim = DUO_DIM_NUMBER, .def = "uniform(50, 450)", AT(prompt_tokens), .doc = "of a question" },
    { "prompt_bytes",     DUO_KEY_LAW,    .dim = DUO_DIM_BYTES, .def = "0", AT(prompt_bytes), .doc = "on the wire; 0: tokens x bytes_per_token" },
    { "bytes_per_token",  DUO_KEY_NUMBER, .dim = DUO_DIM_NUMBER, .open = true, .max = 1e4, .def = "4.5", AT(bytes_per_token), .doc = "of a prompt" },
    { "train",            DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 0.99, .def = "0.3", AT(train_share), .doc = "share of the questions that thresholds are fitted on" },
    { "sessions",         DUO_KEY_INT,    .dim = DUO_DIM_COUNT, .min = 1, .max = 1000, .def = "1", AT(sessions), .doc = "turns a session has" },
    { "router_auc",       DUO_KEY_NUMBER, .dim = DUO_DIM_NUMBER, .word = "none", .means = 0, .min = 0.5, .max = 0.999, .def = "none", AT(router_auc), .doc = "of the score `router`, known before an answer" },
    { "attachment",       DUO_KEY_CHOICE, .choices = attachments, .def = "none", AT(attachment), .doc = "that every question carries" },
    { "attachment_bytes", DUO_KEY_NUMBER, .dim = DUO_DIM_BYTES, .max = 1e12, .def = "0 B", AT(attachment_bytes), .doc = "its size" },
    { "exit_floor",       DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 0.999, .def = "0.4", AT(exit_floor), .doc = "mean confidence of an exit at the first layer" },
    { "exit_harm",        DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .open = true, .max = 1, .def = "0.9", AT(exit_harm), .doc = "a token that an exit changed: factor on the odds of being right" },
};
#undef AT

static enum duo_status check_synthetic(struct duo_reader *r, const struct duo_node *node, void *at)
{
    const struct duo_synthetic_spec *s = at;
    const struct duo_node *bytes = duo_tree_find(node, "attachment_bytes");
    if (s->attachment && !(s->attachment_bytes > 0)) return duo_bad(r, node, "attachment_bytes is missing: how large the attachment is, like 200 kB");
    if (!s->attachment && bytes) return duo_bad_key(r, bytes, "attachment_bytes needs attachment: image, audio or document");
    return DUO_OK;
}

static const struct duo_keys synthetic = { sizeof(struct duo_synthetic_spec), DUO_NO_WHERE, DUO_KEYS(synthetic_keys), check_synthetic };

/* ---- fill: one voice's signals for all ------------------------------------------------------------ */

#define VOICE(field) .at = offsetof(struct duo_synthetic_voice, field)
static const struct duo_key confidence_keys[] = {
    { "auc", DUO_KEY_NUMBER, .dim = DUO_DIM_NUMBER, .min = 0.5, .max = 0.999, .def = "0.75", VOICE(auc), .doc = "of a confidence for correctness" },
};
static const struct duo_key agreement_keys[] = {
    { "acceptance",  DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 1, .def = "0.7", VOICE(acceptance), .doc = "mean share of tokens that agree" },
    { "correlation", DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 0.99, .def = "0.3", VOICE(correlation), .doc = "of one token with the next" },
};
#undef VOICE
#define AT(field) .at = offsetof(struct duo_synthetic_spec, field)
static const struct duo_key exits_keys[] = {
    { "floor", DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 0.999, .def = "0.4", AT(exit_floor), .doc = "mean confidence at the first layer" },
    { "harm",  DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .open = true, .max = 1, .def = "0.9", AT(exit_harm), .doc = "factor on the odds of being right, a changed token" },
};
static const struct duo_key scores_keys[] = {
    { "auc", DUO_KEY_NUMBER, .dim = DUO_DIM_NUMBER, .min = 0.5, .max = 0.999, .def = "0.7", AT(router_auc), .doc = "of the score `router`" },
};
#undef AT
static const struct duo_keys confidence = { 0, DUO_NO_WHERE, DUO_KEYS(confidence_keys), NULL };
static const struct duo_keys agreement  = { 0, DUO_NO_WHERE, DUO_KEYS(agreement_keys), NULL };
static const struct duo_keys exits      = { 0, DUO_NO_WHERE, DUO_KEYS(exits_keys), NULL };
static const struct duo_keys scores     = { 0, DUO_NO_WHERE, DUO_KEYS(scores_keys), NULL };

/* `at`: the answers.  A key that is there asks for its signal. */
#define FILL(cap, keys, at)                                                                     \
    struct duo_answers_spec *a = to;                                                            \
    a->fill |= cap;                                                                             \
    return duo_keys_read(r, &keys, node, at)
#define FIRST_VOICE ((void *)(uintptr_t)a->fill_spec.voices)
static enum duo_status fill_confidence(struct duo_reader *r, const struct duo_node *node, void *to) { FILL(DUO_CAP_CONFIDENCE, confidence, FIRST_VOICE); }
static enum duo_status fill_agreement (struct duo_reader *r, const struct duo_node *node, void *to) { FILL(DUO_CAP_AGREEMENT, agreement, FIRST_VOICE); }
static enum duo_status fill_exits     (struct duo_reader *r, const struct duo_node *node, void *to) { FILL(DUO_CAP_EXITS, exits, &a->fill_spec); }
static enum duo_status fill_scores    (struct duo_reader *r, const struct duo_node *node, void *to) { FILL(DUO_CAP_SCORES, scores, &a->fill_spec); }
static enum duo_status fill_length(struct duo_reader *r, const struct duo_node *node, void *to)
{
    struct duo_answers_spec *a = to;
    a->fill |= DUO_CAP_LENGTH;
    struct duo_synthetic_voice *first = FIRST_VOICE;
    return duo_read_law(r, node, DUO_DIM_NUMBER, &first->length);
}

static const struct duo_key fill_keys[] = {
    { "confidence", DUO_KEY_OWN, .read = fill_confidence, .keys = &confidence, .form = "a map", .doc = "of an answer's tokens" },
    { "agreement",  DUO_KEY_OWN, .read = fill_agreement,  .keys = &agreement,  .form = "a map", .doc = "of a drafter with a verifier" },
    { "exits",      DUO_KEY_OWN, .read = fill_exits,      .keys = &exits,      .form = "a map", .doc = "of exit heads" },
    { "length",     DUO_KEY_OWN, .read = fill_length,     .form = "120 | uniform(20, 180)", .doc = "of answers, tokens" },
    { "scores",     DUO_KEY_OWN, .read = fill_scores,     .keys = &scores,     .form = "a map", .doc = "known before an answer" },
};
static const struct duo_keys fill = { 0, DUO_NO_WHERE, DUO_KEYS(fill_keys), NULL };

static enum duo_status read_fill(struct duo_reader *r, const struct duo_node *node, void *to)
{
    struct duo_answers_spec *a = to;
    struct duo_synthetic_voice *voices = duo_new(1, sizeof *voices);
    *voices = (struct duo_synthetic_voice){ .name = duo_copy("any"), .ability = 0, .auc = 0.75, .acceptance = 0.7, .correlation = 0.3,
                                            .length = { DUO_UNIFORM, 20, 180 } };
    a->fill_spec = (struct duo_synthetic_spec){ .n_voices = 1, .voices = voices, .slope = 1.7, .tie = 0.3, .bytes_per_token = 4.5,
                                                .prompt_tokens = { DUO_UNIFORM, 50, 450 }, .train_share = 0.3, .exit_floor = 0.4,
                                                .exit_harm = 0.9, .sessions = 1 };
    return duo_keys_read(r, &fill, node, to);
}

/* ---- recorded ------------------------------------------------------------------------------------- */

#define AT(field) .at = offsetof(struct duo_recorded_spec, accepts##field)
static const struct duo_key accepts_keys[] = {
    { "file",     DUO_KEY_FILE, .need = true, AT(), .doc = "accept lists, joined by query id" },
    { "drafter",  DUO_KEY_TEXT, .need = true, AT(_drafter), .doc = "the voice that drafted" },
    { "verifier", DUO_KEY_TEXT, .need = true, AT(_verifier), .doc = "the voice that verified" },
};
#undef AT
static const struct duo_keys accepts = { 0, DUO_NO_WHERE, DUO_KEYS(accepts_keys), NULL };

static enum duo_status read_accepts(struct duo_reader *r, const struct duo_node *node, void *to)
{
    struct duo_answers_spec *a = to;
    return duo_keys_read(r, &accepts, node, &a->recorded);
}

/* A voice's file, or a list of them. */
static enum duo_status read_voice_files(struct duo_reader *r, const struct duo_node *node, const char *name, struct duo_answers_spec *a)
{
    int n = node->kind == DUO_NODE_LIST ? node->n : 1;
    if (!n) return duo_bad(r, node, "expected a file, or a list of files");
    for (int i = 0; i < n; i++) {
        struct duo_outcome_file *files = duo_grow((void *)(uintptr_t)a->recorded.files, (size_t)a->recorded.n_files + 1, sizeof *files);
        a->recorded.files = files;
        files[a->recorded.n_files] = (struct duo_outcome_file){ duo_copy(name), NULL };
        a->recorded.n_files++;
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        size_t length = node->kind == DUO_NODE_LIST ? duo_path_push(r, number) : strlen(r->path);
        DUO_TRY(duo_read_file(r, node->kind == DUO_NODE_LIST ? node->child[i] : node, &files[a->recorded.n_files - 1].path));
        duo_path_pop(r, length);
    }
    return DUO_OK;
}

/* FILE, "pair": the recording that ships, or { VOICE: FILE, VOICE: [FILE, FILE] } */
static enum duo_status read_recorded(struct duo_reader *r, const struct duo_node *node, void *to)
{
    static const char expected[] = "a file, pair, or a map of a file for each model: { NAME: FILE, NAME: FILE }";
    struct duo_answers_spec *a = to;
    const char *text;
    char path[4200], *file = NULL;
    struct duo_err why = { 0 };
    if (node->kind == DUO_NODE_LIST || (node->kind == DUO_NODE_MAP && node->n == 0)) return duo_bad(r, node, "expected %s", expected);
    for (int i = 0; node->kind == DUO_NODE_MAP && i < node->n; i++) {
        size_t length = duo_path_push(r, node->child[i]->key);
        DUO_TRY(read_voice_files(r, node->child[i], node->child[i]->key, a));
        duo_path_pop(r, length);
    }
    if (node->kind == DUO_NODE_MAP) {
        a->recorded.path = duo_copy(a->recorded.files[0].path);
        return DUO_OK;
    }
    DUO_TRY(duo_read_scalar(r, node, expected, &text));
    if (strcmp(text, "pair") != 0) {
        DUO_TRY(duo_read_file(r, node, &file));
        a->recorded.path = file;
        return DUO_OK;
    }
    if (duo_share_file(DUO_SHARE_RECORDED, "pair.db", path, sizeof path, &why) != DUO_OK) return duo_bad(r, node, "pair: %.160s %.200s", why.file, why.text);
    a->recorded.path = duo_copy(path);
    return DUO_OK;
}

/* { query: id, model: m, score: acc } */
static enum duo_status read_columns(struct duo_reader *r, const struct duo_node *node, void *to)
{
    struct duo_answers_spec *a = to;
    struct duo_outcome_column *columns;
    const char *const *known;
    char hint[160];
    int n = duo_outcome_columns(&known);
    if (node->kind != DUO_NODE_MAP || node->n == 0) return duo_bad(r, node, "expected what the columns are called, { query: id, model: m, score: acc }");
    a->recorded.columns = columns = duo_new((size_t)node->n, sizeof *columns);
    for (int i = 0; i < node->n; i++) {
        const struct duo_node *child = node->child[i];
        const char *text;
        bool fine = (strncmp(child->key, "f:", 2) == 0 || strncmp(child->key, "s:", 2) == 0) && child->key[2];
        for (int k = 0; k < n; k++) fine = fine || strcmp(known[k], child->key) == 0;
        if (!fine) return duo_bad_key(r, child, "unknown key %.60s%s; features are called f:NAME, scores s:NAME", child->key, duo_hint(child->key, known, (size_t)n, hint));
        size_t length = duo_path_push(r, child->key);
        DUO_TRY(duo_read_scalar(r, child, "a column's name", &text));
        duo_path_pop(r, length);
        columns[a->recorded.n_columns++] = (struct duo_outcome_column){ duo_copy(child->key), duo_copy(text) };
    }
    if (!duo_tree_find(node, "query")) return duo_bad(r, node, "query is missing: the column with the query's id");
    return DUO_OK;
}

static enum duo_status read_synthetic(struct duo_reader *r, const struct duo_node *node, void *to)
{
    struct duo_answers_spec *a = to;
    a->kind = DUO_ANSWERS_SYNTHETIC;
    return duo_keys_read(r, &synthetic, node, &a->synthetic);
}

/* "chars/4" */
static enum duo_status read_tokens(struct duo_reader *r, const struct duo_node *node, void *to)
{
    struct duo_answers_spec *a = to;
    const char *text;
    char why[160];
    DUO_TRY(duo_read_scalar(r, node, "how tokens are counted, like chars/4", &text));
    if (strncmp(text, "chars/", 6) != 0 || strlen(text) > 30 ||
        duo_quantity(text + 6, DUO_DIM_NUMBER, &a->recorded.chars_per_token, why, sizeof why) != 0 ||
        !(a->recorded.chars_per_token > 0) || a->recorded.chars_per_token > 1000)
        return duo_bad(r, node, "expected how tokens are counted, like chars/4; got %.60s", text);
    return DUO_OK;
}

/* ---- executed ------------------------------------------------------------------------------------- */

/* A model's file, or FILE@L: that model left behind layer L. */
static enum duo_status read_model(struct duo_reader *r, const struct duo_node *node, char **out)
{
    const char *text, *at;
    DUO_TRY(duo_read_scalar(r, node, "a model's file, FILE.gguf", &text));
    at = strrchr(text, '@');
    if (!at || !at[1] || strspn(at + 1, "0123456789") != strlen(at + 1)) return duo_read_file(r, node, out);
    char *name = duo_copy(text), *path = NULL;
    name[at - text] = '\0';
    struct duo_node file = *node;
    file.text = name;
    enum duo_status status = duo_read_file(r, &file, &path);
    free(name);
    DUO_TRY(status);
    size_t room = strlen(path) + strlen(at) + 1;
    *out = duo_new(room, 1);
    snprintf(*out, room, "%s%s", path, at);
    free(path);
    return DUO_OK;
}

static enum duo_status read_models(struct duo_reader *r, const struct duo_node *node, void *at)
{
    struct duo_executed_spec *e = at;
    if (node->kind != DUO_NODE_MAP || node->n == 0) return duo_bad(r, node, "expected a map of models, { NAME: FILE.gguf }");
    if (node->n > DUO_SPEAKER_VOICES) return duo_bad(r, node, "expected at most %d models; got %d", DUO_SPEAKER_VOICES, node->n);
    struct duo_executed_voice *voices = duo_new((size_t)node->n, sizeof *voices);
    e->voices = voices;
    for (int i = 0; i < node->n; i++) {
        size_t length = duo_path_push(r, node->child[i]->key);
        voices[e->n_voices++].name = duo_copy(node->child[i]->key);
        DUO_TRY(read_model(r, node->child[i], (char **)(uintptr_t)&voices[i].path));
        duo_path_pop(r, length);
    }
    return DUO_OK;
}

#define AT(field) .at = offsetof(struct duo_executed_spec, field)
static const struct duo_key executed_keys[] = {
    { "voices", DUO_KEY_OWN,   .read = read_models, .form = "{NAME: FILE.gguf}", .def_doc = "the pair", .doc = "models of one vocabulary, by name; the pair that ships: edge, cloud, ngram" },
    { "tasks",  DUO_KEY_FILE,  AT(tasks), .def_doc = "our own", .doc = "questions, a file of JSON Lines" },
    { "n",      DUO_KEY_INT,   .dim = DUO_DIM_COUNT, .min = 1, .max = 1e6, .def = "1000", AT(n), .doc = "our own: so many of the test split, a quarter as many to fit on" },
    { "seed",   DUO_KEY_INT64, .dim = DUO_DIM_COUNT, .max = 1e15, .def = "1", AT(task_seed), .doc = "of our own tasks" },
};
#undef AT
static const struct duo_keys executed = { 0, DUO_NO_WHERE, DUO_KEYS(executed_keys), NULL };

static enum duo_status take_pair(struct duo_reader *r, const struct duo_node *node, struct duo_executed_spec *e)
{
    static const struct { const char *name, *file; } pair[] = { { "edge", "edge-q8_0.gguf" }, { "cloud", "cloud-q8_0.gguf" }, { "ngram", "ngram.bin" } };
    static const char *const judges[] = { "router", "router_state", "guard" };
    enum { N = sizeof pair / sizeof *pair, JUDGES = sizeof judges / sizeof *judges };
    struct duo_executed_voice *voices = duo_new(N, sizeof *voices);
    e->voices = voices;
    for (; e->n_voices < N; e->n_voices++) {
        char path[4096];
        struct duo_err why = { 0 };
        if (duo_share_file(DUO_SHARE_PAIR, pair[e->n_voices].file, path, sizeof path, &why) != DUO_OK) return duo_bad(r, node, "the pair that ships: %s", why.text);
        voices[e->n_voices] = (struct duo_executed_voice){ duo_copy(pair[e->n_voices].name), duo_copy(path) };
    }
    struct duo_executed_voice *found = duo_new(JUDGES, sizeof *found);
    e->scores = found;
    for (int i = 0; i < JUDGES; i++) {
        char path[4096], file[40];
        struct duo_err none = { 0 };
        snprintf(file, sizeof file, "%s.csv", judges[i]);
        if (duo_share_file(DUO_SHARE_PAIR, file, path, sizeof path, &none) != DUO_OK) continue;
        found[e->n_scores++] = (struct duo_executed_voice){ duo_copy(judges[i]), duo_copy(path) };
    }
    return DUO_OK;
}

static enum duo_status read_executed(struct duo_reader *r, const struct duo_node *node, void *to)
{
    struct duo_answers_spec *a = to;
    struct duo_node *none = NULL;
    enum duo_status status;
    if (node->kind == DUO_NODE_SCALAR && !node->null) {
        if (strcmp(node->text, "pair") != 0) return duo_bad(r, node, "expected pair, the models that ship, or { voices: { NAME: FILE.gguf } }; got %.60s", node->text);
        none = duo_tree_new(NULL);
    }
    status = duo_keys_read(r, &executed, none ? none : node, &a->executed);
    duo_tree_free(none);
    DUO_TRY(status);
    return a->executed.n_voices ? DUO_OK : take_pair(r, node, &a->executed);
}

/* ---- roles and scorers ---------------------------------------------------------------------------- */

static enum duo_status read_roles(struct duo_reader *r, const struct duo_node *node, void *to)
{
    struct duo_answers_spec *a = to;
    if (node->null) return DUO_OK;
    if (node->kind != DUO_NODE_MAP) return duo_bad(r, node, "expected a map, { PLACE: VOICE }");
    a->roles = duo_new((size_t)node->n, sizeof *a->roles);
    for (int i = 0; i < node->n; i++) {
        const char *text;
        size_t length = duo_path_push(r, node->child[i]->key);
        DUO_TRY(duo_read_scalar(r, node->child[i], "a voice", &text));
        a->roles[a->n_roles++] = (struct duo_role){ duo_copy(node->child[i]->key), duo_copy(text), duo_where_of(node->child[i]) };
        duo_path_pop(r, length);
    }
    return DUO_OK;
}

#define AT(field) .at = offsetof(struct duo_score_file, field)
static const struct duo_key scorer_keys[] = {
    { "file",    DUO_KEY_FILE,   AT(file), .doc = "a CSV with a column query_id or id; none: a score that the answers have" },
    { "column",  DUO_KEY_TEXT,   AT(column), .def_doc = "the second", .doc = "the score's column" },
    { "seconds", DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .def = "0 s", AT(seconds), .doc = "what scoring one question takes" },
};
#undef AT
static const struct duo_keys scorer = { sizeof(struct duo_score_file), offsetof(struct duo_score_file, at), DUO_KEYS(scorer_keys), NULL };

static enum duo_status read_scorers(struct duo_reader *r, const struct duo_node *node, void *to)
{
    struct duo_answers_spec *a = to;
    if (node->null) return DUO_OK;
    if (node->kind != DUO_NODE_MAP) return duo_bad(r, node, "expected a map, { NAME: { file: FILE.csv } }");
    a->scores = duo_new((size_t)node->n, sizeof *a->scores);
    for (int i = 0; i < node->n; i++) {
        size_t length = duo_path_push(r, node->child[i]->key);
        a->scores[a->n_scores++].name = duo_copy(node->child[i]->key);
        DUO_TRY(duo_keys_read(r, &scorer, node->child[i], &a->scores[i]));
        duo_path_pop(r, length);
    }
    return DUO_OK;
}

/* ---- answers -------------------------------------------------------------------------------------- */

#define AT(field) .at = offsetof(struct duo_answers_spec, field)
static const struct duo_key answers_keys[] = {
    { "synthetic",       DUO_KEY_OWN,    .read = read_synthetic, .keys = &synthetic, .form = "a map", .doc = "a declared model (assumed), or" },
    { "executed",        DUO_KEY_OWN,    .read = read_executed, .keys = &executed, .form = "pair | a map", .doc = "models that answer while the run goes on (measured), or" },
    { "recorded",        DUO_KEY_OWN,    .read = read_recorded, .form = "a file | pair | {NAME: FILE, ...}", .doc = "recorded outcomes, of several models a file each, or a recording (duosim record); pair: the one that ships" },
    { "format",          DUO_KEY_TEXT,   AT(recorded.format), .def_doc = "from the file", .doc = "of the recorded files: duosim formats" },
    { "metric",          DUO_KEY_TEXT,   AT(recorded.metric), .def_doc = "the one there is", .doc = "lm_eval: what is the quality, as METRIC or METRIC,FILTER" },
    { "columns",         DUO_KEY_OWN,    .read = read_columns, .form = "{query: id, score: acc}", .doc = "csv: what the columns hold; NAME in one: a column for each model" },
    { "train",           DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 0.99, .def = "0.3", AT(recorded.train_share), .doc = "recorded, executed: share of questions of no split that thresholds are fitted on" },
    { "tokens",          DUO_KEY_OWN,    .read = read_tokens, .form = "chars/4", .def_doc = "as recorded", .doc = "how tokens are counted where characters were recorded" },
    { "chars_per_token", DUO_KEY_NUMBER, .dim = DUO_DIM_NUMBER, .open = true, .max = 1000, AT(recorded.chars_per_token), .def_doc = "as recorded", .doc = "the same as a number" },
    { "default_tokens",  DUO_KEY_INT,    .dim = DUO_DIM_COUNT, .min = 1, .max = 1e6, AT(recorded.default_tokens), .def_doc = "refused", .doc = "a length where none was recorded" },
    { "accepts",         DUO_KEY_OWN,    .read = read_accepts, .keys = &accepts, .form = "a map", .doc = "recorded speculative decoding" },
    { "fill",            DUO_KEY_OWN,    .read = read_fill, .keys = &fill, .form = "a map", .doc = "signals that were not recorded, declared (assumed)" },
    { "roles",           DUO_KEY_OWN,    .read = read_roles, .form = "{PLACE: VOICE}", .doc = "whose answers a place gives; device: every class of devices" },
    { "scorers",         DUO_KEY_OWN,    .read = read_scorers, .keys = &scorer, .form = "{NAME: {...}}", .doc = "scores by question from a file" },
};
#undef AT

static const char *const kinds[] = { [DUO_ANSWERS_SYNTHETIC] = "synthetic", [DUO_ANSWERS_RECORDED] = "recorded", [DUO_ANSWERS_EXECUTED] = "executed" };
enum { KINDS = sizeof kinds / sizeof *kinds };

static enum duo_status check_kind(struct duo_reader *r, const struct duo_node *node, void *at)
{
    static const char *const for_recorded[] = { "format", "metric", "columns", "tokens", "chars_per_token", "default_tokens", "accepts", "fill", "train" };
    struct duo_answers_spec *a = at;
    const struct duo_node *given[KINDS], *odd;
    int n = 0, kind = 0, rest = sizeof for_recorded / sizeof *for_recorded;
    for (int i = 0; i < KINDS; i++) {
        given[i] = duo_tree_find(node, kinds[i]);
        if (given[i]) n++, kind = i;
    }
    if (n == 0) return duo_bad(r, node, "expected recorded: FILE, synthetic: { voices: ... } or executed: { voices: ... }");
    for (int i = 0; n > 1 && i < kind; i++)
        if (given[i]) return duo_bad_key(r, given[i], "%s and %s exclude each other", kinds[i], kinds[kind]);
    switch (kind) {
    case DUO_ANSWERS_RECORDED: a->kind = DUO_ANSWERS_RECORDED; break;
    case DUO_ANSWERS_EXECUTED: a->kind = DUO_ANSWERS_EXECUTED; break;
    default:                   a->kind = DUO_ANSWERS_SYNTHETIC;
    }
    a->executed.train_share = a->recorded.train_share;
    if (kind == DUO_ANSWERS_SYNTHETIC) a->recorded.train_share = 0;
    if (kind == DUO_ANSWERS_EXECUTED) rest--;                /* train is of those, too */
    for (int i = 0; kind != DUO_ANSWERS_RECORDED && i < rest; i++)
        if ((odd = duo_tree_find(node, for_recorded[i]))) return duo_bad_key(r, odd, "%s is for recorded answers; these are %s", odd->key, kinds[kind]);
    odd = duo_tree_find(node, "chars_per_token");
    if (odd && duo_tree_find(node, "tokens")) return duo_bad_key(r, odd, "chars_per_token and tokens exclude each other");
    return DUO_OK;
}

const struct duo_keys duo_keys_answers = { sizeof(struct duo_answers_spec), offsetof(struct duo_answers_spec, at),
                                           DUO_KEYS(answers_keys), check_kind };

/* A role is of a known place or class; a synthetic voice is a declared one. */
static enum duo_status check_role(struct duo_reader *r, const struct duo_role *role, const char *const *places, size_t n)
{
    const struct duo_scenario *s = r->scenario;
    const struct duo_synthetic_spec *model = &s->answers.synthetic;
    char hint[160];
    size_t i = 0;
    while (i < n && strcmp(places[i], role->place) != 0) i++;
    if (i == n)
        return duo_fail_at(r->err, DUO_BAD_INPUT, s->file, role->at.line, role->at.column, "answers.roles.%.60s: no place or device is called that%s",
                           role->place, duo_hint(role->place, places, n, hint));
    if (s->answers.kind != DUO_ANSWERS_SYNTHETIC) return DUO_OK;
    const char **voices = duo_new((size_t)model->n_voices, sizeof *voices);
    bool known = false;
    for (int v = 0; v < model->n_voices; v++) {
        voices[v] = model->voices[v].name;
        known = known || strcmp(voices[v], role->voice) == 0;
    }
    duo_hint(role->voice, voices, (size_t)model->n_voices, hint);
    free(voices);
    if (known) return DUO_OK;
    return duo_fail_at(r->err, DUO_BAD_INPUT, s->file, role->at.line, role->at.column, "answers.roles.%.60s: no voice is called %.60s%s",
                       role->place, role->voice, hint);
}

enum duo_status duo_check_answers(struct duo_reader *r)
{
    const struct duo_scenario *s = r->scenario;
    const char **places = duo_new((size_t)(s->n_places + s->n_devices) + 1, sizeof *places);
    size_t n = 0;
    enum duo_status status = DUO_OK;
    places[n++] = "device";
    for (int i = 0; i < s->n_places; i++) places[n++] = s->places[i].name;
    for (int i = 0; i < s->n_devices; i++) places[n++] = s->devices[i].name;
    for (int i = 0; i < s->answers.n_roles && status == DUO_OK; i++) status = check_role(r, &s->answers.roles[i], places, n);
    free(places);
    return status;
}
