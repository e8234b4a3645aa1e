/* test_tasks.c - the pair's tasks: models/pair/tasks.h (1) to (5). */
#include <stdlib.h>
#include <unistd.h>

#include "models/pair/tasks_inside.h"
#include "tests/check.h"

/* ---------------------------------------------------------------- (1) the same bytes, in any order */

static char *printed(const struct duo_task *t)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    duo_task_print(out, t);
    fclose(out);
    return text;
}

static void test_determinism(void)
{
    enum { N = 300 };
    char *forwards[N];
    for (int i = 0; i < N; i++) {
        struct duo_task t = duo_task_make(5, DUO_TASK_TEST, -1, i);
        forwards[i] = printed(&t);
        duo_task_free(&t);
    }
    int same = 0, other = 0;
    for (int i = N - 1; i >= 0; i--) {
        struct duo_task t = duo_task_make(5, DUO_TASK_TEST, -1, i), u = duo_task_make(6, DUO_TASK_TEST, -1, i);
        char *a = printed(&t), *b = printed(&u);
        same += strcmp(a, forwards[i]) == 0, other += strcmp(b, forwards[i]) != 0;
        duo_task_free(&t), duo_task_free(&u), free(a), free(b), free(forwards[i]);
    }
    CHECK_INT(same, N);
    CHECK(other > N * 9 / 10);
    struct duo_task t = duo_task_make(1, DUO_TASK_TEST, DUO_TASK_add, 1);
    char *line = printed(&t);
    CHECK_TEXT(line, "{\"id\": \"add/2/1\", \"family\": \"add\", \"difficulty\": 2, \"split\": \"test\", \"grading\": \"exact\", "
                     "\"prompt\": \"add 67+91\\n\", \"reference\": \"851\"}\n");
    free(line);
    duo_task_free(&t);
}

/* ---------------------------------------------------------------- (2) splits never share a prompt */

struct seen { uint64_t hash; int split; };
static int by_hash(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static void test_splits(void)
{
    enum { N = 34000 };                              /* of each split, two seeds: 2 * 3 * 17,000 > 10^5 prompts */
    struct seen *at = duo_new(3 * N, sizeof *at);
    int n = 0, wrong = 0, shared = 0;
    for (int split = 0; split < 3; split++)
        for (int i = 0; i < N; i++) {
            struct duo_task t = duo_task_make(1 + (uint64_t)(i % 2), (enum duo_task_split)split, -1, i / 2);
            wrong += duo_task_split_of(t.prompt) != (enum duo_task_split)split || t.split != (enum duo_task_split)split;
            at[n++] = (struct seen) { duo_hash_bytes(0, t.prompt, strlen(t.prompt)), split };
            duo_task_free(&t);
        }
    CHECK_INT(wrong, 0);
    qsort(at, (size_t)n, sizeof *at, by_hash);
    for (int i = 1; i < n; i++) shared += at[i].hash == at[i - 1].hash && at[i].split != at[i - 1].split;
    CHECK_INT(shared, 0);
    free(at);
}

/* Rows to train on: whole prompts of all segments, put together again from the printed row, are of split train. */
static void test_rows(void)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    duo_tasks_print_rows(out, 3, 0, 3000, 0.5);
    fclose(out);
    int rows = 0, segments = 0, wrong = 0;
    for (char *line = text, *next; *line; line = next) {
        next = strchr(line, '\n') + 1;
        next[-1] = 0;
        rows++;
        char first[DUO_DRAFT_TEXT] = "";
        for (char *at = line + 1; (at = strstr(at, "[\"")); segments++) {
            at += 2;
            char *end = strstr(at, "\\n\"");
            char whole[2 * DUO_DRAFT_TEXT];
            if (!first[0]) snprintf(first, sizeof first, "%.*s", (int)(end - at), at), snprintf(whole, sizeof whole, "%s\n", first);
            else {                                   /* behind the context: the last full stop, or the letters counted */
                char *stop = strrchr(first, '.');
                size_t shared = strncmp(first, "count", 5) == 0 ? strcspn(first + 6, " ") + 6 : (size_t)(stop - first) + 1;
                snprintf(whole, sizeof whole, "%.*s%.*s\n", (int)shared, first, (int)(end - at), at);
            }
            wrong += duo_task_split_of(whole) != DUO_TASK_TRAIN;
        }
    }
    CHECK_INT(rows, 3000);
    CHECK(segments > 3500);
    CHECK_INT(wrong, 0);
    free(text);
}

/* ---------------------------------------------------------------- what is in a task */

/* (3), and: spans point at the data, facts are true, references grade themselves 1, ids are unique, turns adjoin. */
static void test_tasks(void)
{
    enum { N = 3000 };
    struct duo_tasks list;
    int alphabet = 0, own = 0, empty = 0, spans = 0, names = 0, digits = 0, sessions = 0, facts = 0, per[DUO_TASK_N] = { 0 };
    duo_tasks_make(&list, 2, DUO_TASK_CALIBRATION, -1, N);
    CHECK_INT(list.n, N);
    for (int i = 0; i < list.n; i++) {
        const struct duo_task *t = &list.at[i];
        size_t n = strlen(t->prompt);
        per[duo_task_family_of(t->family)]++;
        alphabet += t->prompt[n - 1] != '\n' || strspn(t->prompt, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;:+") != n - 1;
        own += duo_task_grade(t, t->reference) != 1;
        empty += duo_task_grade(t, "") != 0;
        for (int s = 0; s < t->n_sensitive; s++, spans++) {
            int length = t->sensitive[s].to - t->sensitive[s].from;
            const char *at = t->prompt + t->sensitive[s].from;
            char name[DUO_PERSON_NAME] = "", found = 0;
            digits += length == 4 && strspn(at, "0123456789") == 4;
            for (int p = 0; p < DUO_PEOPLE + DUO_STRANGERS && !found; p++)
                duo_person_name(p, name), found = length == 4 && strncmp(at, name, 4) == 0;
            names += found;
        }
        if (strcmp(t->family, "again") == 0 && t->turn) sessions += list.at[i - 1].session == t->session && list.at[i - 1].turn == t->turn - 1;
        if (strcmp(t->family, "hop") == 0 || strcmp(t->family, "look") == 0) facts += strstr(t->prompt, t->facts[0]) != NULL;
    }
    CHECK_INT(alphabet, 0);
    CHECK_INT(own, 0);
    CHECK_INT(empty, 0);
    CHECK_INT(names + digits, spans);
    CHECK(names > 100 && digits > 100);
    CHECK_INT(sessions, per[DUO_TASK_again] / DUO_SESSION_TURNS * (DUO_SESSION_TURNS - 1));
    CHECK_INT(facts, per[DUO_TASK_hop] + per[DUO_TASK_look]);
    for (int f = 0; f < DUO_TASK_N; f++) CHECK_INT(per[f], f == DUO_TASK_again ? 400 : 200);    /* of each 30: two, and four of a session */
    duo_tasks_free(&list);
}

/* The world: names differ from each other and from every value; closed-book answers are the facts. */
static void test_world(void)
{
    int equal = 0, value = 0, true_facts = 0, helped = 0, missed = 0, n = 200;
    char a[DUO_PERSON_NAME], b[DUO_PERSON_NAME];
    for (int i = 0; i < DUO_PEOPLE + DUO_STRANGERS; i++) {
        duo_person_name(i, a);
        for (int k = 0; k < i; k++) duo_person_name(k, b), equal += strcmp(a, b) == 0;
        for (int k = 0; k < DUO_ATTRIBUTES * DUO_VALUES; k++) value += strcmp(a, duo_values[k / DUO_VALUES][k % DUO_VALUES]) == 0;
    }
    CHECK_INT(equal, 0);
    CHECK_INT(value, 0);
    for (int i = 0; i < n; i++) {
        struct duo_task t = duo_task_make(1, DUO_TASK_TEST, i % 2 ? DUO_TASK_know : DUO_TASK_again, i);
        char fact[64] = "", person[16], attribute[16], found[16];
        snprintf(fact, sizeof fact, "%s", t.facts[0]);
        sscanf(fact, "%15s %15s %15[a-z]", person, attribute, found);
        true_facts += strstr(t.prompt, person) && strstr(t.prompt, attribute) && strcmp(t.reference + 1, found) == 0;
        char *with = duo_task_with_facts(&t), *others = duo_task_with_others(&t, 1, 3), want[400];
        snprintf(want, sizeof want, "note %s %s", t.facts[0], t.prompt);
        helped += strcmp(with, want) == 0;
        missed += !strstr(others, t.facts[0]) && strstr(others, t.prompt) != NULL;
        free(with), free(others);
        duo_task_free(&t);
    }
    CHECK_INT(true_facts, n);
    CHECK_INT(helped, n);
    CHECK_INT(missed, n);
    struct duo_task sum = duo_task_make(1, DUO_TASK_TEST, DUO_TASK_add, 0);
    CHECK(duo_task_with_facts(&sum) == NULL && duo_task_with_others(&sum, 1, 2) == NULL);
    duo_task_free(&sum);
}

/* Answers against arithmetic of the test's own. */
static void test_arithmetic(void)
{
    int sums = 0, chains = 0, counts = 0, n = 300;
    for (int i = 0; i < n; i++) {
        struct duo_task a = duo_task_make(9, DUO_TASK_TRAIN, DUO_TASK_add, i), c = duo_task_make(9, DUO_TASK_TRAIN, DUO_TASK_chain, i),
                        k = duo_task_make(9, DUO_TASK_TRAIN, DUO_TASK_count, i);
        int x = 0, y = 0, back = 0;
        sscanf(a.prompt, "add %d+%d", &x, &y);
        for (size_t d = strlen(a.reference); d > 0; d--) back = 10 * back + (a.reference[d - 1] - '0');
        sums += back == x + y;

        int sum = 0, good = 1;
        const char *at = c.prompt + 6, *got = c.reference;
        for (int term = 0; *at != '\n'; term++, at += *at == '+') {
            sum += (int)strtol(at, (char **)&at, 10);
            if (term) good &= *got++ - '0' == sum % 10;
        }
        chains += good && !*got;

        char letters[16], asked;
        int found = 0;
        sscanf(k.prompt, "count %15s for %c", letters, &asked);
        for (char *l = letters; *l; l++) found += *l == asked;
        counts += atoi(k.reference) == found;
        duo_task_free(&a), duo_task_free(&c), duo_task_free(&k);
    }
    CHECK_INT(sums, n);
    CHECK_INT(chains, n);
    CHECK_INT(counts, n);
}

/* ---------------------------------------------------------------- (4) grading, by hand */

static double grade(enum duo_task_grading grading, const char *reference, int n, const int16_t *slots, const char *answer)
{
    struct duo_task t = { .grading = grading, .prompt = "", .reference = (char *)(size_t)reference, .n_slots = n };
    for (int i = 0; i < n; i++) t.slots[i] = slots[i];
    return duo_task_grade(&t, answer);
}

static void test_grading(void)
{
    static const int16_t slots[] = { 0, 3, 6 };
    static const char told[] = " bako lives in oslo. every morning bako swims.";
    CHECK_NEAR(grade(DUO_GRADE_EXACT, " oslo", 0, NULL, "oslo\n"), 1, 0);
    CHECK_NEAR(grade(DUO_GRADE_EXACT, " oslo", 0, NULL, " oslo bonn"), 0, 0);
    CHECK_NEAR(grade(DUO_GRADE_EXACT, " oslo", 0, NULL, " osl"), 0, 0);
    CHECK_NEAR(grade(DUO_GRADE_PARTS, "7; ABC; 2", 0, NULL, "7; ABD; 2"), 2.0 / 3, 1e-15);
    CHECK_NEAR(grade(DUO_GRADE_PARTS, "7; ABC; 2", 0, NULL, "7"), 1.0 / 3, 1e-15);
    CHECK_NEAR(grade(DUO_GRADE_PARTS, "7; ABC", 0, NULL, "7; ABC; 2"), 2.0 / 3, 1e-15);      /* a part too many costs */
    CHECK_NEAR(grade(DUO_GRADE_PARTS, "7; ABC", 0, NULL, ""), 0, 0);
    CHECK_NEAR(grade(DUO_GRADE_SLOTS, told, 3, slots, told), 1, 0);
    CHECK_NEAR(grade(DUO_GRADE_SLOTS, told, 3, slots, " bako lives in bonn. every morning bako runs."), 2.0 / 3, 1e-15);
    CHECK_NEAR(grade(DUO_GRADE_SLOTS, told, 3, slots, " bako lives in the oslo. every morning bako swims."), 1.0 / 3, 1e-15);
    CHECK_NEAR(grade(DUO_GRADE_SLOTS, told, 3, slots, " bako"), 1.0 / 3, 1e-15);
    CHECK_NEAR(grade(DUO_GRADE_CONTAINS, "42", 0, NULL, "It is 42."), 1, 0);
    CHECK_NEAR(grade(DUO_GRADE_CONTAINS, "42", 0, NULL, "It is 4 2."), 0, 0);
}

/* ---------------------------------------------------------------- (5) files */

static enum duo_status read_text(const char *text, size_t n, struct duo_tasks *list, struct duo_err *err)
{
    char path[] = "/tmp/duosim_tasks_XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fwrite(text, 1, n, file);
    fclose(file);
    *err = (struct duo_err) { 0 };
    enum duo_status status = duo_tasks_read(list, path, err);
    unlink(path);
    return status;
}

static void test_round_trip(void)
{
    struct duo_tasks list, again;
    struct duo_err err;
    char *text = NULL, *back = NULL;
    size_t n, m;
    duo_tasks_make(&list, 4, DUO_TASK_TEST, -1, 90);
    FILE *out = open_memstream(&text, &n);
    for (int i = 0; i < list.n; i++) duo_task_print(out, &list.at[i]);
    fclose(out);
    CHECK_INT(read_text(text, n, &again, &err), DUO_OK);
    out = open_memstream(&back, &m);
    for (int i = 0; i < again.n; i++) duo_task_print(out, &again.at[i]);
    fclose(out);
    CHECK_TEXT(back, text);
    duo_tasks_free(&list), duo_tasks_free(&again), free(text), free(back);
}

static void test_files(void)
{
    struct duo_tasks list;
    struct duo_err err;
    static const char good[] = "\n{\"prompt\": \"1+1?\", \"reference\": \"2\", \"mine\": {\"a\": [1, -2.5e3, true, null, \"x\"]}}\n"
                               "{\"reference\":\"\\u00e9\\ud83d\\ude00\\n\",\"prompt\":\"\xC3\xA9\",\"grading\":\"contains\",\"id\":\"b\"}";
    CHECK_INT(read_text(good, strlen(good), &list, &err), DUO_OK);
    CHECK_INT(list.n, 2);
    if (list.n == 2) {
        CHECK_TEXT(list.at[0].id, "2");
        CHECK_TEXT(list.at[0].family, "");
        CHECK_INT(list.at[0].session, -1);
        CHECK_TEXT(list.at[1].reference, "\xC3\xA9\xF0\x9F\x98\x80\n");
        CHECK_INT(list.at[1].grading, DUO_GRADE_CONTAINS);
    }
    duo_tasks_free(&list);

    static const struct { const char *text; int line; const char *says; } bad[] = {
        { "{\"prompt\": \"a\"}\n", 1, "reference: missing" },
        { "{\"prompt\": \"a\", \"reference\": \"b\"}\n{\"reference\": \"b\"}\n", 2, "prompt: missing" },
        { "{\"prompt\": 3, \"reference\": \"b\"}\n", 1, "prompt: a text expected" },
        { "{\"prompt\": \"a\xFF\", \"reference\": \"b\"}\n", 1, "UTF-8" },
        { "{\"prompt\": \"\xC0\xAF\", \"reference\": \"b\"}\n", 1, "UTF-8" },
        { "{\"prompt\": \"a\", \"reference\": \"b\", \"grading\": \"exakt\"}\n", 1, "did you mean exact?" },
        { "{\"prompt\": \"a\", \"reference\": \"b\", \"split\": 3}\n", 1, "split: one of train" },
        { "{\"prompt\": \"a\", \"reference\": \"b\", \"grading\": \"slots\"}\n", 1, "slots: missing" },
        { "{\"prompt\": \"a\", \"reference\": \"b\", \"slots\": [2, 1]}\n", 1, "slots: a whole number from 3" },
        { "{\"prompt\": \"a\", \"reference\": \"b\", \"facts\": [2]}\n", 1, "facts: texts expected" },
        { "{\"prompt\": \"a\", \"reference\": \"b\", \"facts\": [\"1\", \"2\", \"3\", \"4\", \"5\"]}\n", 1, "facts: a list of at most 4" },
        { "{\"prompt\": \"a\", \"reference\": \"b\", \"sensitive\": [[0, 5]]}\n", 1, "sensitive: a whole number from 0 to 1" },
        { "{\"prompt\": \"a\", \"reference\": \"b\", \"sensitive\": [[1, 0]]}\n", 1, "sensitive: a whole number from 1 to 1" },
        { "{\"prompt\": \"a\", \"reference\": \"b\", \"sensitive\": [3]}\n", 1, "[from, to] expected" },
        { "{\"prompt\": \"a\", \"reference\": \"b\", \"difficulty\": 1.5}\n", 1, "difficulty: a whole number" },
        { "{\"prompt\": \"a\", \"reference\": \"b\", \"id\": \"x\"}\n{\"prompt\": \"c\", \"reference\": \"b\", \"id\": \"x\"}\n", 2, "id: x" },
        { "{\"prompt\": \"a\", \"reference\": \"b\"} x\n", 1, "JSON: " },
        { "{\"prompt\": \"a\", \"reference\": \"b\n", 1, "JSON: " },
        { "{\"prompt\": \"a\", \"prompt\": \"c\", \"reference\": \"b\"}\n", 1, "JSON: duplicate" },
        { "{\"prompt\": \"\\ud800\", \"reference\": \"b\"}\n", 1, "JSON: " },
        { "{\"prompt\": \"a\\u0000\", \"reference\": \"b\"}\n", 1, "JSON: " },
        { "[1]\n", 1, "a JSON object expected" },
        { "not json\n", 1, "JSON: " },
        { "\n \n", 0, "no task in it" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_INT(read_text(bad[i].text, strlen(bad[i].text), &list, &err), DUO_BAD_INPUT);
        CHECK_INT(err.line, bad[i].line);
        CHECK_HAS(err.text, bad[i].says);
        CHECK_INT(list.n, 0);
    }
    static const char zero[] = "{\"prompt\": \"a\0\", \"reference\": \"b\"}\n";
    CHECK_INT(read_text(zero, sizeof zero - 1, &list, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "JSON: ");
    CHECK_INT(duo_tasks_read(&list, "/nowhere/tasks.jsonl", &err), DUO_BAD_INPUT);
}

int main(void)
{
    test_determinism();
    test_splits();
    test_rows();
    test_tasks();
    test_world();
    test_arithmetic();
    test_grading();
    test_round_trip();
    test_files();
    return check_done();
}
