/* test_jsonl.c - reading JSON (sim/base/jsonl.h, by requirement) and texts by number (names.h). */
#include "sim/base/jsonl.h"

#include <stdlib.h>
#include <unistd.h>

#include "sim/base/names.h"
#include "tests/check.h"

static char path[64];
static struct duo_err err;

static const char *file(const char *text, size_t n)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(text, 1, n, f) == n);
    if (f) fclose(f);
    return path;
}

/* The sum of "a" over all lines, -1 where a line is refused. */
static double sum_of(const char *text)
{
    struct duo_jsonl *in;
    const json_t *line;
    double sum = 0;
    int got;

    err = (struct duo_err){ 0 };
    CHECK_INT(duo_jsonl_open(&in, file(text, strlen(text)), &err), DUO_OK);
    while ((got = duo_jsonl_next(in, &line, &err)) == 1) sum += duo_json_number_of(line, "a");
    duo_jsonl_close(in);
    return got < 0 ? -1 : sum;
}

static void lines(void)                                       /* (1) (2) */
{
    CHECK_NEAR(sum_of("{\"a\": 1}\n{\"a\": 2}\n"), 3, 0);
    CHECK_NEAR(sum_of("\xEF\xBB\xBF{\"a\": 1}\r\n\r\n  \n{\"a\": 2e0}"), 3, 0);
    CHECK_NEAR(sum_of(""), 0, 0);
    CHECK_NEAR(sum_of("{\"a\": true, \"b\": \"NaN\"}"), 1, 0);
    CHECK_NEAR(sum_of("{\"a\": 12345678901234567890123}"), 12345678901234567890123., 0);       /* larger than any int */
    CHECK_NEAR(sum_of("{\"a\": NaN}"), NAN, 0);
    CHECK_NEAR(sum_of("{\"b\": [Infinity, -Infinity,NaN ], \"a\": 4}"), 4, 0);
    CHECK_NEAR(sum_of("{\"b\": \"x NaN \\\" NaN\", \"a\": -0.5, \"c\": NaN}"), -.5, 0);
    CHECK_NEAR(sum_of("{\"a\": 1, \"b\": \"\\u0000\\ud83d\\ude00\"}"), 1, 0);
}

static void refused(const char *text, int line, const char *part)             /* (3) */
{
    CHECK_NEAR(sum_of(text), -1, 0);
    CHECK_INT(err.status, DUO_BAD_INPUT);
    CHECK_INT(err.line, line);
    CHECK_TEXT(err.file, path);
    CHECK_HAS(err.text, part);
}

static void bad_lines(void)
{
    refused("{\"a\": 1}\n{\"a\": }\n", 2, "no JSON");
    CHECK_INT(err.column, 7);
    refused("{\"a\": 1", 1, "no JSON");
    refused("{\"a\": 1} {\"a\": 2}\n", 1, "end of file expected");
    refused("{\"a\": 1, \"a\": 2}\n", 1, "duplicate object key");
    refused("{\"a\": \"\xff\"}\n", 1, "unable to decode byte 0xff");
    refused("{'a': 1}\n", 1, "no JSON");
    refused("{\"a\": 01}\n", 1, "no JSON");
    refused("{\"a\": .5}\n", 1, "no JSON");
    refused("{\"a\": nan}\n", 1, "no JSON");
    refused("{\"a\": -NaN}\n", 1, "no JSON");
    refused("{\"a\": NaNN}\n", 1, "no JSON");
    refused("query_id,prompt_tokens\n", 1, "no JSON");
    {
        struct duo_jsonl *in;
        err = (struct duo_err){ 0 };
        CHECK_INT(duo_jsonl_open(&in, "/nowhere/at/all", &err), DUO_BAD_INPUT);
        CHECK_TEXT(err.file, "/nowhere/at/all");
    }
    {
        size_t n = 100000;
        char *deep = malloc(n + 1);
        memset(deep, '[', n);
        deep[n] = 0;
        refused(deep, 1, "depth");
        free(deep);
    }
}

static void whole_file(void)                                  /* (4) */
{
    static const char *const skip[] = { "bulk", "b\\\"q", NULL };
    static const char text[] = "{\"x\": [1, 2], \"bulk\": [[1, \"]}\", {\"bulk\": 3}], 2], \"kept\": {\"bulk\": 7},\n"
                               " \"bulk2\": \"bulk\", \"b\\\"q\" : \"gone\", \"y\": NaN, \"z\": -5}\n";
    size_t n = sizeof text - 1;
    json_t *v;

    err = (struct duo_err){ 0 };
    CHECK_INT(duo_json_read_file(&v, file(text, n), skip, &err), DUO_OK);
    CHECK_INT(json_array_size(json_object_get(v, "x")), 2);
    CHECK(json_is_null(json_object_get(v, "bulk")));
    CHECK(json_is_null(json_object_get(v, "b\"q")));
    CHECK_TEXT(duo_json_text_of(v, "bulk2"), "bulk");
    CHECK_NEAR(duo_json_number_of(json_object_get(v, "kept"), "bulk"), 7, 0);
    CHECK_NEAR(duo_json_number_of(v, "y"), NAN, 0);
    CHECK_NEAR(duo_json_number_of(v, "z"), -5, 0);
    json_decref(v);
    for (size_t cut = 0; cut < n - 1; cut++) {                /* cut short anywhere: refused, and no more */
        err = (struct duo_err){ 0 };
        CHECK(duo_json_read_file(&v, file(text, cut), skip, &err) == DUO_BAD_INPUT && v == NULL && err.text[0]);
    }
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_json_read_file(&v, file("\xEF\xBB\xBF[1]", 6), NULL, &err), DUO_OK);
    json_decref(v);
    CHECK_INT(duo_json_read(&v, "{\"a\": 1}\n", 9, "pipe", 3, &err), DUO_OK);
    json_decref(v);
    CHECK_INT(duo_json_read(&v, "{\"a\": x}", 8, "pipe", 3, &err), DUO_BAD_INPUT);
    CHECK_INT(err.line, 3);
    CHECK_TEXT(err.file, "pipe");
}

static void long_one(void)                                    /* longer than any buffer, in both ways of reading */
{
    size_t n = 300000;
    char *text = malloc(n + 64);
    json_t *v;

    if (!text) return;
    strcpy(text, "{\"t\": \"");
    memset(text + 7, 'x', n);
    strcpy(text + 7 + n, "\", \"a\": 5}");
    CHECK_NEAR(sum_of(text), 5, 0);
    CHECK_INT(duo_json_read_file(&v, path, NULL, &err), DUO_OK);
    CHECK_INT(duo_json_letters(json_object_get(v, "t")), n);
    CHECK_NEAR(duo_json_number_of(v, "a"), 5, 0);
    json_decref(v);
    v = json_string("a\xC3\xA9\xF0\x9F\x98\x80");
    CHECK_INT(duo_json_letters(v), 3);
    json_decref(v);
    free(text);
}

static void names(void)
{
    struct duo_names n = { 0 };
    char text[16];

    CHECK_INT(duo_names_find(&n, "a"), -1);
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "n%d", i);
        CHECK_INT(duo_names_add(&n, text), i);
    }
    for (int i = 999; i >= 0; i -= 37) {
        snprintf(text, sizeof text, "n%d", i);
        CHECK_INT(duo_names_add(&n, text), i);
        CHECK_INT(duo_names_find(&n, text), i);
        CHECK_TEXT(n.name[i], text);
    }
    CHECK_INT(duo_names_find(&n, "n1000"), -1);
    CHECK_INT(n.n, 1000);
    duo_names_free(&n);
    CHECK(n.n == 0 && n.name == NULL);
}

int main(void)
{
    snprintf(path, sizeof path, "/tmp/duosim-jsonl-%ld", (long)getpid());
    lines();
    bad_lines();
    whole_file();
    long_one();
    names();
    unlink(path);
    return check_done();
}
