/* ask_pair.c - what training and measuring the pair ask of tasks and models; no part of the product.
 *
 *   ask_pair grade TASKS.jsonl ANSWERS.jsonl      a grade a line; the answers stand in the second file's references
 *   ask_pair context TASKS.jsonl facts|others     closed-book tasks with their facts, or with three others, before the prompt
 *   ask_pair features TASKS.jsonl prompt|words    features for judge.h: a JSON list a line; of words: task, from, to, features
 *   ask_pair answer TASKS.jsonl EDGE CLOUD NGRAM
 *       an object a line: both models' greedy texts with probabilities and margins, the the edge's ranks of the cloud's
 *       tokens and whether n-grams agree (1) or not (2), the edge's mean state over the prompt */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers/speaker.h"
#include "models/pair/judge.h"
#include "models/pair/ngram.h"
#include "sim/base/json.h"

enum { TOKENS = 200 };

static enum duo_status grade(const char *tasks, const char *answers, struct duo_err *err)
{
    struct duo_tasks asked, said;
    DUO_TRY(duo_tasks_read(&asked, tasks, err));
    DUO_TRY(duo_tasks_read(&said, answers, err));
    if (asked.n != said.n) return duo_fail_at(err, DUO_BAD_INPUT, answers, 0, 0, "%d answers to %d tasks", said.n, asked.n);
    for (int i = 0; i < asked.n; i++) {
        if (strcmp(asked.at[i].id, said.at[i].id) != 0)
            return duo_fail_at(err, DUO_BAD_INPUT, answers, 0, 0, "the answer to %s expected, got one to %s", asked.at[i].id, said.at[i].id);
        char text[32];
        duo_show_double(duo_task_grade(&asked.at[i], said.at[i].reference), text);
        puts(text);
    }
    duo_tasks_free(&asked), duo_tasks_free(&said);
    return DUO_OK;
}

static enum duo_status context(const char *tasks, const char *which, struct duo_err *err)
{
    struct duo_tasks list;
    bool facts = strcmp(which, "facts") == 0;
    if (!facts && strcmp(which, "others") != 0) return duo_fail(err, DUO_BAD_INPUT, "%s: facts or others expected", which);
    DUO_TRY(duo_tasks_read(&list, tasks, err));
    for (int i = 0; i < list.n; i++) {
        char *prompt = facts ? duo_task_with_facts(&list.at[i]) : duo_task_with_others(&list.at[i], 1, 3);
        if (!prompt) continue;
        free(list.at[i].prompt);
        list.at[i].prompt = prompt;
        duo_task_print(stdout, &list.at[i]);
    }
    duo_tasks_free(&list);
    return DUO_OK;
}

static void print_feature(void *user, const char *feature) { duo_json_text(user, feature); }

static enum duo_status features(const char *tasks, const char *which, struct duo_err *err)
{
    struct duo_tasks list;
    struct duo_span where;
    bool words = strcmp(which, "words") == 0;
    if (!words && strcmp(which, "prompt") != 0) return duo_fail(err, DUO_BAD_INPUT, "%s: prompt or words expected", which);
    DUO_TRY(duo_tasks_read(&list, tasks, err));
    for (int i = 0; i < list.n; i++)
        for (int word = 0;; word++) {
            struct duo_json named;
            char *text = NULL;
            size_t n;
            FILE *out = open_memstream(&text, &n);
            duo_json_init(&named, out);
            named.flat = true;
            duo_json_open(&named, '[');
            bool more = !words || duo_features_word(list.at[i].prompt, word, &where, print_feature, &named);
            if (!words) duo_features_prompt(list.at[i].prompt, print_feature, &named);
            duo_json_close(&named);
            fclose(out);
            if (more && words) printf("[%d, %d, %d, %s]\n", i, where.from, where.to, text);
            else if (more)     printf("%s\n", text);
            free(text);
            if (!more || !words) break;
        }
    duo_tasks_free(&list);
    return DUO_OK;
}

static void numbers(struct duo_json *j, const char *key, const struct duo_said *said, bool margin)
{
    duo_json_key(j, key), duo_json_open(j, '[');
    for (int i = 0; i < said->n; i++)
        duo_json_number(j, (double)(margin ? said->numbers[i].margin : said->numbers[i].probability) / DUO_GRID);
    duo_json_close(j);
}

/* One voice's answer; *text: its ids, which the caller frees. */
static enum duo_status say(struct duo_speaker *s, int voice, const char *name, const char *prompt, struct duo_json *j, int32_t **text, int *n,
                           struct duo_err *err)
{
    struct duo_said said;
    int32_t *ids;
    int length = duo_speaker_encode(s, voice, prompt, &ids);
    enum duo_status status = duo_speaker_say(s, voice, ids, length, &(struct duo_say) { .tokens = TOKENS }, &said, err);
    free(ids);
    if (status != DUO_OK) return status;
    char *words = duo_speaker_decode(s, voice, said.ids, said.n);
    duo_json_key(j, name), duo_json_open(j, '{');
    duo_json_key(j, "text"), duo_json_text(j, words);
    numbers(j, "p", &said, false), numbers(j, "margin", &said, true);
    duo_json_close(j);
    free(words);
    *text = duo_new((size_t)said.n + 1, sizeof **text);
    memcpy(*text, said.ids, (size_t)said.n * sizeof **text);
    *n = said.n;
    return DUO_OK;
}

/* What the edge and the n-grams think of the cloud's text. */
static enum duo_status ranks(struct duo_speaker *s, const struct duo_ngram *ngram, const char *prompt, const int32_t *text, int n, struct duo_json *j,
                             struct duo_err *err)
{
    int32_t *ids;
    int length = duo_speaker_encode(s, 0, prompt, &ids);
    struct duo_judged *judged = duo_new((size_t)n + 1, sizeof *judged);
    ids = duo_grow(ids, (size_t)(length + n) + 1, sizeof *ids);
    memcpy(ids + length, text, (size_t)n * sizeof *ids);
    enum duo_status status = duo_speaker_judge(s, 0, ids, length, n, judged, err);
    duo_json_key(j, "edge_ranks"), duo_json_open(j, '[');
    for (int i = 0; i < n; i++) duo_json_number(j, judged[i].rank);
    duo_json_close(j);
    duo_json_key(j, "ngram_ranks"), duo_json_open(j, '[');
    for (int i = 0; i < n; i++) duo_json_number(j, duo_ngram_next(ngram, ids, length + i, NULL) == text[i] ? 1 : 2);
    duo_json_close(j);
    free(judged);
    free(ids);
    return status;
}

static enum duo_status state(struct duo_speaker *s, const char *prompt, struct duo_json *j, struct duo_err *err)
{
    int32_t *ids;
    int length = duo_speaker_encode(s, 0, prompt, &ids), width = duo_speaker_width(s, 0);
    float *mean = duo_new((size_t)width, sizeof *mean);
    enum duo_status status = duo_speaker_embed(s, 0, ids, length, mean, err);
    duo_json_key(j, "state"), duo_json_open(j, '[');
    for (int i = 0; i < width; i++) duo_json_number(j, (double)mean[i]);
    duo_json_close(j);
    free(mean);
    free(ids);
    return status;
}

static enum duo_status answer_one(struct duo_speaker *s, const struct duo_ngram *ngram, const struct duo_task *t, struct duo_err *err)
{
    struct duo_json j;
    int32_t *own, *text;
    int n;
    duo_json_init(&j, stdout);
    j.flat = true;
    duo_json_open(&j, '{');
    duo_json_key(&j, "id"), duo_json_text(&j, t->id);
    DUO_TRY(say(s, 0, "edge", t->prompt, &j, &own, &n, err));
    free(own);
    DUO_TRY(say(s, 1, "cloud", t->prompt, &j, &text, &n, err));
    enum duo_status status = ranks(s, ngram, t->prompt, text, n, &j, err);
    free(text);
    DUO_TRY(status);
    DUO_TRY(state(s, t->prompt, &j, err));
    duo_json_close(&j);
    duo_json_end(&j);
    return DUO_OK;
}

static enum duo_status answer(const char *tasks, char **models, struct duo_err *err)
{
    struct duo_speaker_spec spec = { .n_voices = 2, .names = { "edge", "cloud" }, .paths = { models[0], models[1] } };
    struct duo_speaker *s = NULL;
    struct duo_ngram *ngram = NULL;
    struct duo_tasks list;
    DUO_TRY(duo_tasks_read(&list, tasks, err));
    enum duo_status status = duo_speaker_open(&s, &spec, err);
    if (status == DUO_OK) status = duo_ngram_open(&ngram, models[2], err);
    for (int i = 0; i < list.n && status == DUO_OK; i++) status = answer_one(s, ngram, &list.at[i], err);
    duo_ngram_free(ngram);
    duo_speaker_free(s);
    duo_tasks_free(&list);
    return status;
}

int main(int argc, char **argv)
{
    struct duo_err err = { 0 };
    enum duo_status status = DUO_BAD_INPUT;
    const char *what = argc > 1 ? argv[1] : "";
    if (argc == 4 && strcmp(what, "grade") == 0) status = grade(argv[2], argv[3], &err);
    else if (argc == 4 && strcmp(what, "context") == 0) status = context(argv[2], argv[3], &err);
    else if (argc == 4 && strcmp(what, "features") == 0) status = features(argv[2], argv[3], &err);
    else if (argc == 6 && strcmp(what, "answer") == 0) status = answer(argv[2], argv + 3, &err);
    else duo_fail(&err, DUO_BAD_INPUT, "usage: ask_pair grade|context|features|answer ...; its first lines say how");
    if (status != DUO_OK) duo_err_print(stderr, &err, false);
    return (int)status;
}
