/* lm_eval.c - samples of lm-evaluation-harness (lm_eval --log_samples: lm_eval/evaluator.py makes them,
 * lm_eval/loggers/evaluation_tracker.py writes samples_TASK_DATE.jsonl), one file a task and model.
 *
 * (1) A query is a document, by its doc_hash: files of the same task, whatever model and prompt, meet in it.  A document that
 *     its task has twice counts once.
 * (2) A task with filters has a line a document and filter: `metric: exact_match,strict-match` names both as the harness's own
 *     results do.  More than one filter and none named: refused.
 * (3) Quality is the named metric, or the one there is: a number or truth value from 0 to 1.
 * (4) Lengths are characters, since the harness counts no tokens: of the prompt, arguments' gen_args_0.arg_0; of the answer,
 *     the first of resps, where the model wrote one (arg_1 holds settings; with multiple choice it is an answer to score).
 * (5) A line without doc_hash (older versions wrote none), without the metric, or with what is none: refused. */
#include "traces/outcomes/gather.h"

#include <math.h>
#include <string.h>

#include "sim/base/jsonl.h"
#include "traces/outcomes/table.h"

struct reading {
    const struct duo_jsonl *in;
    const char *metric, *filter;                 /* as wanted; NULL: the one there is */
    char        seen[80];                        /* the filter of the first line, where none is wanted */
    char        name[80];                        /* room for `metric` */
    int64_t     taken;
};

static bool is(const char *head) { return strstr(head, "\"doc_id\"") && (strstr(head, "\"doc\"") || strstr(head, "\"doc_hash\"")); }

/* "exact_match,strict-match" */
static enum duo_status split_metric(const char *text, struct reading *r, struct duo_err *err)
{
    const char *comma = text ? strchr(text, ',') : NULL;

    if (!text) return DUO_OK;
    if (strlen(text) >= sizeof r->name) return duo_fail(err, DUO_BAD_INPUT, "metric: expected a name of at most %zu letters", sizeof r->name - 1);
    snprintf(r->name, sizeof r->name, "%.*s", comma ? (int)(comma - text) : (int)strlen(text), text);
    r->metric = r->name;
    if (comma) r->filter = comma + 1;
    if (!*r->name || (comma && !comma[1])) return duo_fail(err, DUO_BAD_INPUT, "metric: expected METRIC or METRIC,FILTER, like exact_match,strict-match; got \"%s\"", text);
    return DUO_OK;
}

/* *skip: another filter's line. */
static enum duo_status check_filter(struct reading *r, const json_t *line, bool *skip, struct duo_err *err)   /* (2) */
{
    const char *filter = duo_json_text_of(line, "filter");

    if (!filter) filter = "none";                /* the harness's own name for it */
    *skip = r->filter && strcmp(filter, r->filter) != 0;
    if (r->filter) return DUO_OK;
    if (!*r->seen) snprintf(r->seen, sizeof r->seen, "%s", filter);
    if (strncmp(filter, r->seen, sizeof r->seen - 1) == 0) return DUO_OK;
    return duo_jsonl_bad(r->in, err, "lines of two filters, \"%.60s\" and \"%.60s\": say which, like metric: %s,%.60s", r->seen, filter, r->metric ? r->metric : "exact_match", r->seen);
}

/* The metric's name: wanted, or the only one of the line's own list. */
static enum duo_status find_metric(struct reading *r, const json_t *line, struct duo_err *err)
{
    const json_t *list = json_object_get(line, "metrics");
    const char *names[32], *near;
    char all[200] = "";
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(list) && n < sizeof names / sizeof *names; i++)
        if (json_is_string(json_array_get(list, i))) names[n++] = json_string_value(json_array_get(list, i));
    if (r->metric && json_object_get(line, r->metric)) return DUO_OK;
    if (!r->metric && n == 1 && strlen(names[0]) < sizeof r->name) {
        snprintf(r->name, sizeof r->name, "%s", names[0]);
        r->metric = r->name;
        return DUO_OK;
    }
    for (size_t i = 0; i < n; i++) snprintf(all + strlen(all), sizeof all - strlen(all), "%s%.40s", i ? ", " : "", names[i]);
    if (!r->metric) return duo_jsonl_bad(r->in, err, "which metric?  metric: takes one of %s", n ? all : "the line's keys");
    near = duo_nearest(r->metric, names, n);
    if (near) return duo_jsonl_bad(r->in, err, "no metric \"%s\" (did you mean \"%s\"?)", r->metric, near);
    return duo_jsonl_bad(r->in, err, "no metric \"%s\"%s%s", r->metric, n ? "; there are: " : "", all);
}

static enum duo_status quality_of(struct reading *r, const json_t *line, double *out, struct duo_err *err)    /* (3) */
{
    const json_t *value;

    DUO_TRY(find_metric(r, line, err));
    value = json_object_get(line, r->metric);
    *out  = duo_json_number_of(line, r->metric);
    if (isnan(*out)) return duo_jsonl_bad(r->in, err, "%s: expected a number from 0 to 1 as a quality; got %s", r->metric,
                                          json_is_null(value) ? "none" : json_is_array(value) ? "a list" : json_is_object(value) ? "an object" : "text");
    if (*out >= 0 && *out <= 1) return DUO_OK;
    return duo_jsonl_bad(r->in, err, "%s: expected a number from 0 to 1 as a quality; got %g", r->metric, *out);
}

/* An argument of the first request: {"gen_args_0": {"arg_0": ...}}, as lists in older versions. */
static const json_t *argument(const json_t *line, const char *key, size_t index)
{
    const json_t *all = json_object_get(line, "arguments");

    if (json_is_array(all)) return json_array_get(json_array_get(all, 0), index);
    return json_object_get(json_object_get(all, "gen_args_0"), key);
}

static void lengths_of(const json_t *line, struct duo_gathered *out)          /* (4) */
{
    const json_t *prompt = argument(line, "arg_0", 0), *settings = argument(line, "arg_1", 1);
    const json_t *answer = json_array_get(json_array_get(json_object_get(line, "resps"), 0), 0);

    if (json_is_string(prompt)) out->prompt_chars = (double)duo_json_letters(prompt);
    if (json_is_object(settings) && json_is_string(answer)) out->value[DUO_M_CHARS] = (double)duo_json_letters(answer);
}

static enum duo_status read_line(struct reading *r, const json_t *line, struct duo_gather *g, int voice, struct duo_err *err)
{
    struct duo_gathered found = duo_gathered_nothing;
    const char *hash = duo_json_text_of(line, "doc_hash");
    bool skip;

    if (!json_is_object(line)) return duo_jsonl_bad(r->in, err, "expected a sample of lm-evaluation-harness, {...}");
    if (!hash || !*hash)
        return duo_jsonl_bad(r->in, err, json_object_get(line, "doc_id") ? "no doc_hash, by which files are joined: older versions of the harness wrote none"
                                                                         : "no doc_hash: expected samples of lm-evaluation-harness, one a line");
    DUO_TRY(check_filter(r, line, &skip, err));
    if (skip) return DUO_OK;
    r->taken++;
    DUO_TRY(quality_of(r, line, &found.value[DUO_M_QUALITY], err));
    lengths_of(line, &found);
    if (duo_gather_take(g, hash, voice, duo_jsonl_line(r->in), &found)) duo_gather_again(g, duo_jsonl_line(r->in));    /* (1) */
    return DUO_OK;
}

static enum duo_status read_samples(const char *path, const char *metric, struct duo_gather *g, int voice, struct duo_err *err)
{
    struct reading r = { .metric = NULL };
    struct duo_jsonl *in;
    const json_t *line;
    enum duo_status status;
    int got;
    int64_t lines = 0;

    DUO_TRY(split_metric(metric, &r, err));
    DUO_TRY(duo_jsonl_open(&in, path, err));
    r.in = in;
    for (status = DUO_OK; status == DUO_OK && (got = duo_jsonl_next(in, &line, err)) != 0; lines++)
        status = got < 0 ? DUO_BAD_INPUT : read_line(&r, line, g, voice, err);
    if (status == DUO_OK && !lines) status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "no samples: the file is empty");
    if (status == DUO_OK && !r.taken)
        status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "no line of the filter \"%s\"", r.filter);
    duo_jsonl_close(in);
    return status;
}

static enum duo_status gather(const struct duo_outcome_source *from, struct duo_outcomes *to, struct duo_err *err)
{
    struct duo_gather g;
    enum duo_status status = DUO_OK;

    duo_gather_init(&g, "documents");
    for (int i = 0; i < from->n_files && status == DUO_OK; i++) {
        const struct duo_outcome_file *f = &from->files[i];
        if (!f->voice)
            status = duo_fail_at(err, DUO_BAD_INPUT, f->path, 0, 0, "samples don't say whose they are: recorded: { NAME: FILE, NAME: FILE }");
        else
            status = read_samples(f->path, from->metric, &g, duo_gather_voice(&g, f->voice), err);
    }
    if (status == DUO_OK) return duo_gather_done(&g, to, from->files[0].path, err);
    duo_gather_free(&g);
    return status;
}

const struct duo_outcome_format duo_outcomes_lm_eval = {
    .name = "lm_eval", .about = "samples of lm-evaluation-harness, a file a model, joined by doc_hash: metric: acc", .is_text = is, .gather = gather, .takes_metric = true };
