/* logs.c - lengths of answers from logs of requests (traces/requests): nobody graded these answers, so their quality is not known.
 *
 * (1) A query is a request, by its id in the log: litellm's id, otel's TRACE/SPAN, the number of vllm's prompt.
 * (2) One file without a name: one voice, `logged`: whoever answered, of whatever model; the note lists the models if there
 *     are several.  Files with names: a voice each, joined by the id.
 * (3) A request that counts as none is left out; the note counts them by reason. */
#include <math.h>
#include <string.h>

#include "traces/outcomes/gather.h"
#include "traces/outcomes/table.h"
#include "traces/requests/requests.h"

enum { REASONS = 8 };

struct taking {
    struct duo_gather g;
    int     voice;
    int64_t read, left_out;
    struct { const char *why; int64_t n; } reason[REASONS];
    struct duo_names models;
};

static void leave_out(struct taking *t, const char *why)
{
    int i = 0;

    while (i < REASONS - 1 && t->reason[i].why && strcmp(t->reason[i].why, why) != 0) i++;
    t->reason[i].why = why, t->reason[i].n++, t->left_out++;
}

static void take(void *to, const struct duo_logged *r)
{
    struct taking *t = to;
    struct duo_gathered found = duo_gathered_nothing;

    t->read++;
    if (r->why) {
        leave_out(t, r->why);                                                 /* (3) */
        return;
    }
    if (r->model) duo_names_add(&t->models, r->model);
    found.prompt_tokens = r->prompt_tokens;
    found.value[DUO_M_TOKENS] = r->output_tokens;
    if (duo_gather_take(&t->g, r->id, t->voice, r->line, &found)) duo_gather_again(&t->g, r->line);
}

static void add(char *note, size_t n, const char *text)
{
    size_t used = strlen(note);

    snprintf(note + used, n - used, "%s%s", used ? "; " : "", text);
}

static void describe(const struct taking *t, bool named, struct duo_outcomes *o)
{
    char text[300];

    if (t->left_out) {
        snprintf(text, sizeof text, "%lld of %lld requests are none:", (long long)t->left_out, (long long)t->read);
        for (int i = 0; i < REASONS && t->reason[i].why; i++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s %lld %s", i ? "," : "", (long long)t->reason[i].n, t->reason[i].why);
        add(o->note, sizeof o->note, text);
    }
    if (!named && t->models.n > 1) {                                          /* (2) */
        snprintf(text, sizeof text, "%d models read as one voice, logged: ", t->models.n);
        for (int i = 0; i < t->models.n; i++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.40s", i ? ", " : "", t->models.name[i]);
        add(o->note, sizeof o->note, text);
    }
}

static enum duo_status nothing(const struct taking *t, const char *path, struct duo_err *err)
{
    return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "no request in this log: %lld read, none kept%s%s", (long long)t->read,
                       t->left_out ? "; the first reason: " : "", t->left_out ? t->reason[0].why : "");
}

static enum duo_status read_logs(const struct duo_log_format *format, const struct duo_outcome_source *from, struct duo_outcomes *to, struct duo_err *err)
{
    struct taking t = { .voice = 0 };
    enum duo_status status = DUO_OK;

    duo_gather_init(&t.g, "requests");
    for (int i = 0; i < from->n_files && status == DUO_OK; i++) {
        const struct duo_outcome_file *f = &from->files[i];
        int64_t before = t.read - t.left_out;
        t.voice = duo_gather_voice(&t.g, f->voice ? f->voice : "logged");
        status  = duo_log_read(format, f->path, take, &t, err);
        if (status == DUO_OK && t.read - t.left_out == before) status = nothing(&t, f->path, err);
    }
    if (status == DUO_OK) {
        describe(&t, from->files[0].voice != NULL, to);
        status = duo_gather_done(&t.g, to, from->files[0].path, err);
    }
    duo_gather_free(&t.g);
    duo_names_free(&t.models);
    return status;
}

static enum duo_status gather_vllm(const struct duo_outcome_source *from, struct duo_outcomes *to, struct duo_err *err)    { return read_logs(&duo_log_vllm, from, to, err); }
static enum duo_status gather_litellm(const struct duo_outcome_source *from, struct duo_outcomes *to, struct duo_err *err) { return read_logs(&duo_log_litellm, from, to, err); }
static enum duo_status gather_otel(const struct duo_outcome_source *from, struct duo_outcomes *to, struct duo_err *err)    { return read_logs(&duo_log_otel, from, to, err); }
static bool is_vllm(const char *head)    { return duo_log_vllm.is(head); }
static bool is_litellm(const char *head) { return duo_log_litellm.is(head); }
static bool is_otel(const char *head)    { return duo_log_otel.is(head); }

const struct duo_outcome_format
    duo_outcomes_vllm    = { .name = "vllm",    .about = "vllm bench serve --save-detailed: tokens of prompts and answers; no quality", .is_text = is_vllm, .gather = gather_vllm },
    duo_outcomes_litellm = { .name = "litellm", .about = "LiteLLM's request log, lines of JSON: tokens of prompts and answers; no quality", .is_text = is_litellm, .gather = gather_litellm },
    duo_outcomes_otel    = { .name = "otel",    .about = "OpenTelemetry's GenAI spans, lines of OTLP's JSON: tokens of prompts and answers; no quality", .is_text = is_otel, .gather = gather_otel };
