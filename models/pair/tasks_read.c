/* tasks_read.c - tasks from JSON Lines.
 *
 * (1) Each line is one JSON object; a blank line is skipped.
 * (2) prompt and reference are needed; the id defaults to the line's number; the split of a task that names
 *     none is not known (DUO_TASK_NO_SPLIT).
 * (3) Keys that are not ours are ignored.
 * (4) What is wrong is said with the line and the key, or the column: no JSON, invalid UTF-8, a 0 in a text, a key twice, a
 *     field missing or of another type, an id twice, a span that doesn't lie in the prompt. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "models/pair/tasks.h"

struct reader { const char *path; int line; struct duo_err *err; };

static enum duo_status wrong(const struct reader *r, const char *key, const char *what)
{
    return duo_fail_at(r->err, DUO_BAD_INPUT, r->path, r->line, 0, "%s: %s", key, what);
}

/* ---------------------------------------------------------------- values */

static enum duo_status read_text(const struct reader *r, const json_t *task, const char *key, bool needed, char **out)
{
    const json_t *value = json_object_get(task, key);
    if (!value) return needed ? wrong(r, key, "missing") : DUO_OK;
    if (!json_is_string(value)) return wrong(r, key, "a text expected");
    *out = duo_copy(json_string_value(value));
    return DUO_OK;
}

static enum duo_status to_whole(const struct reader *r, const json_t *value, const char *key, int low, int high, int *out)
{
    json_int_t x = json_integer_value(value);
    if (!json_is_integer(value) || x < low || x > high)
        return duo_fail_at(r->err, DUO_BAD_INPUT, r->path, r->line, 0, "%s: a whole number from %d to %d expected", key, low, high);
    *out = (int)x;
    return DUO_OK;
}

static enum duo_status read_whole(const struct reader *r, const json_t *task, const char *key, int low, int *out)
{
    const json_t *value = json_object_get(task, key);
    return value ? to_whole(r, value, key, low, 1 << 30, out) : DUO_OK;
}

/* One of a few words, by its index; *out stays when the key isn't there. */
static enum duo_status read_word(const struct reader *r, const json_t *task, const char *key, const char *const *words, size_t n, int *out)
{
    const json_t *value = json_object_get(task, key);
    const char *text = json_string_value(value);
    char list[120] = "";
    if (!value) return DUO_OK;
    for (size_t i = 0; i < n; i++) {
        if (text && strcmp(text, words[i]) == 0) return *out = (int)i, DUO_OK;
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "one of ", words[i]);
    }
    const char *near = text ? duo_nearest(text, words, n) : NULL;
    if (near) return duo_fail_at(r->err, DUO_BAD_INPUT, r->path, r->line, 0, "%s: %s expected (did you mean %s?)", key, list, near);
    return duo_fail_at(r->err, DUO_BAD_INPUT, r->path, r->line, 0, "%s: %s expected", key, list);
}

/* A list of at most `most`; *n: its length, 0 when the key isn't there. */
static enum duo_status read_list(const struct reader *r, const json_t *task, const char *key, int most, const json_t **out, int *n)
{
    char what[48];
    *out = json_object_get(task, key);
    snprintf(what, sizeof what, "a list of at most %d expected", most);
    if (*out && (!json_is_array(*out) || json_array_size(*out) > (size_t)most)) return wrong(r, key, what);
    *n = (int)json_array_size(*out);
    return DUO_OK;
}

/* ---------------------------------------------------------------- a task */

static enum duo_status read_spans(const struct reader *r, const json_t *task, struct duo_task *t)
{
    const json_t *list;
    int n, end = (int)strlen(t->prompt);
    DUO_TRY(read_list(r, task, "sensitive", DUO_TASK_SPANS, &list, &n));
    for (int i = 0; i < n; i++) {
        const json_t *span = json_array_get(list, (size_t)i);
        struct duo_span *s = &t->sensitive[i];
        if (!json_is_array(span) || json_array_size(span) != 2) return wrong(r, "sensitive", "[from, to] expected, in bytes of the prompt");
        DUO_TRY(to_whole(r, json_array_get(span, 0), "sensitive", 0, end, &s->from));
        DUO_TRY(to_whole(r, json_array_get(span, 1), "sensitive", s->from, end, &s->to));
    }
    t->n_sensitive = n;
    return DUO_OK;
}

static enum duo_status read_facts(const struct reader *r, const json_t *task, struct duo_task *t)
{
    const json_t *list;
    int n;
    DUO_TRY(read_list(r, task, "facts", DUO_TASK_FACTS, &list, &n));
    for (int i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, (size_t)i));
        if (!text) return wrong(r, "facts", "texts expected");
        t->facts[t->n_facts++] = duo_copy(text);
    }
    return DUO_OK;
}

static enum duo_status read_slots(const struct reader *r, const json_t *task, struct duo_task *t)
{
    const json_t *list;
    int n, x = -1;
    DUO_TRY(read_list(r, task, "slots", DUO_TASK_SLOTS, &list, &n));
    for (int i = 0; i < n; i++) {
        DUO_TRY(to_whole(r, json_array_get(list, (size_t)i), "slots", x + 1, INT16_MAX, &x));
        t->slots[i] = (int16_t)x;
    }
    t->n_slots = n;
    return t->grading == DUO_GRADE_SLOTS && n == 0 ? wrong(r, "slots", "missing; grading slots needs them") : DUO_OK;
}

static enum duo_status read_fields(const struct reader *r, const json_t *task, struct duo_task *t)
{
    static const char *const splits[] = { "train", "calibration", "test" }, *const gradings[] = { "exact", "parts", "slots", "contains" };
    char number[16];
    DUO_TRY(read_text(r, task, "prompt", true, &t->prompt));
    DUO_TRY(read_text(r, task, "reference", true, &t->reference));
    DUO_TRY(read_text(r, task, "id", false, &t->id));
    DUO_TRY(read_text(r, task, "family", false, &t->family));
    snprintf(number, sizeof number, "%d", r->line);
    if (!t->id)     t->id = duo_copy(number);
    if (!t->family) t->family = duo_copy("");
    int split = DUO_TASK_NO_SPLIT, grading = DUO_GRADE_EXACT;
    DUO_TRY(read_word(r, task, "split", splits, 3, &split));
    DUO_TRY(read_word(r, task, "grading", gradings, 4, &grading));
    t->split = (enum duo_task_split)split, t->grading = (enum duo_task_grading)grading;
    DUO_TRY(read_whole(r, task, "difficulty", 0, &t->difficulty));
    DUO_TRY(read_whole(r, task, "session", -1, &t->session));
    DUO_TRY(read_whole(r, task, "turn", 0, &t->turn));
    DUO_TRY(read_spans(r, task, t));
    DUO_TRY(read_facts(r, task, t));
    return read_slots(r, task, t);
}

static enum duo_status read_line(const struct reader *r, const char *line, size_t n, struct duo_task *t)
{
    json_error_t why;
    *t = (struct duo_task) { .session = -1 };
    json_t *task = json_loadb(line, n, JSON_REJECT_DUPLICATES, &why);
    if (!task) {
        const char *utf8 = json_error_code(&why) == json_error_invalid_utf8 ? "invalid UTF-8: " : "";
        return duo_fail_at(r->err, DUO_BAD_INPUT, r->path, r->line, why.column, "JSON: %s%s", utf8, why.text);
    }
    enum duo_status status = json_is_object(task) ? read_fields(r, task, t)
                           : duo_fail_at(r->err, DUO_BAD_INPUT, r->path, r->line, 0, "a JSON object expected: {\"prompt\": ..., \"reference\": ...}");
    json_decref(task);
    if (status != DUO_OK) duo_task_free(t);
    return status;
}

/* ---------------------------------------------------------------- the file */

static int by_id(const void *a, const void *b, void *tasks)
{
    const int x = *(const int *)a, y = *(const int *)b;
    const struct duo_task *at = tasks;
    int order = strcmp(at[x].id, at[y].id);
    return order ? order : x - y;
}

static enum duo_status unique(const struct duo_tasks *list, const int *lines, const char *path, struct duo_err *err)
{
    int *order = duo_new((size_t)list->n + 1, sizeof *order), twice = -1;
    for (int i = 0; i < list->n; i++) order[i] = i;
    qsort_r(order, (size_t)list->n, sizeof *order, by_id, list->at);
    for (int i = 1; i < list->n; i++)
        if (strcmp(list->at[order[i - 1]].id, list->at[order[i]].id) == 0 && (twice < 0 || order[i] < twice)) twice = order[i];
    free(order);
    if (twice < 0) return DUO_OK;
    return duo_fail_at(err, DUO_BAD_INPUT, path, lines[twice], 0, "id: %s stands on an earlier line, too", list->at[twice].id);
}

enum duo_status duo_tasks_read(struct duo_tasks *list, const char *path, struct duo_err *err)
{
    *list = (struct duo_tasks) { 0 };
    FILE *file = fopen(path, "r");
    if (!file) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    struct reader r = { .path = path, .err = err };
    enum duo_status status = DUO_OK;
    char *line = NULL;
    int *lines = NULL;
    size_t room = 0;
    for (ssize_t n; status == DUO_OK && (n = getline(&line, &room, file)) >= 0;) {
        r.line++;
        if (strspn(line, " \t\r\n") == (size_t)n) continue;
        struct duo_task t;
        status = read_line(&r, line, (size_t)n, &t);
        if (status != DUO_OK) break;
        list->at = duo_grow(list->at, (size_t)list->n + 1, sizeof *list->at);
        lines = duo_grow(lines, (size_t)list->n + 1, sizeof *lines);
        lines[list->n] = r.line;
        list->at[list->n++] = t;
    }
    if (status == DUO_OK && ferror(file)) status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "can't be read: %s", strerror(errno));
    if (status == DUO_OK && list->n == 0) status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "no task in it");
    if (status == DUO_OK) status = unique(list, lines, path, err);
    fclose(file);
    free(line);
    free(lines);
    if (status != DUO_OK) duo_tasks_free(list);
    return status;
}
