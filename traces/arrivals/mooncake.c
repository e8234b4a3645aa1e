/* mooncake.c - traces with the prompts' blocks, one JSON object a line (github.com/kvcache-ai/Mooncake, FAST25-release/traces;
 * Qin et al. 2025, Mooncake, FAST'25).
 *
 * (1) Keys timestamp (ms), input_length, output_length (tokens), hash_ids: the ids of the prompt's blocks of 512 tokens, a
 *     rest being the last one.  Equal leading ids are equal text.  Other keys are read over.
 * (2) A line that is no JSON object, a key that is missing, a count that is not a whole number, ids that are not as many as
 *     the prompt has blocks, an id twice in one line: refused with line and column.
 * (3) Lines with chat_id are another format (blocks of 16 tokens, seconds): refused in words.
 * (4) A request without input or without output tokens is dropped and counted. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/number.h"
#include "traces/arrivals/importer.h"

enum { BLOCK = 512, DEEPEST = 32 };

struct line { const char *path, *text, *at; int number; struct duo_err *err; };
struct record { double ms, input, output; int64_t first_id; int n_ids; bool has_ids; };

static enum duo_status bad(const struct line *l, const char *expected)
{
    return duo_fail_at(l->err, DUO_BAD_INPUT, l->path, l->number, (int)(l->at - l->text) + 1, "expected %s", expected);
}

static void blanks(struct line *l) { while (*l->at == ' ' || *l->at == '\t' || *l->at == '\r' || *l->at == '\n') l->at++; }

static bool take(struct line *l, char c)
{
    blanks(l);
    if (*l->at != c) return false;
    l->at++;
    return true;
}

/* A string, as it stands; escapes are stepped over. */
static enum duo_status word(struct line *l, const char **from, size_t *n)
{
    if (!take(l, '"')) return bad(l, "a string");
    for (*from = l->at; *l->at != '"'; l->at++) {
        if (*l->at == '\\') l->at++;
        if ((unsigned char)*l->at < 32) return bad(l, "the end of the string");
    }
    *n = (size_t)(l->at++ - *from);
    return DUO_OK;
}

static enum duo_status number(struct line *l, double *out)
{
    const char *end;

    blanks(l);
    end = duo_read_number(l->at, out);
    if (!end) return bad(l, "a number");
    l->at = end;
    return DUO_OK;
}

static enum duo_status value(struct line *l, int depth)              /* any, read over */
{
    const char *from;
    size_t n;
    double x;

    blanks(l);
    if (depth > DEEPEST) return bad(l, "less deep nesting");
    if (*l->at == '"') return word(l, &from, &n);
    if (*l->at == '{' || *l->at == '[') {
        char end = *l->at++ == '{' ? '}' : ']';
        if (take(l, end)) return DUO_OK;
        do {
            if (end == '}') {
                DUO_TRY(word(l, &from, &n));
                if (!take(l, ':')) return bad(l, ":");
            }
            DUO_TRY(value(l, depth + 1));
        } while (take(l, ','));
        return take(l, end) ? DUO_OK : bad(l, end == '}' ? ", or }" : ", or ]");
    }
    for (size_t i = 0; i < 3; i++) {
        const char *fixed = (const char *const[]){ "true", "false", "null" }[i];
        if (strncmp(l->at, fixed, strlen(fixed)) != 0) continue;
        l->at += strlen(fixed);
        return DUO_OK;
    }
    return number(l, &x);
}

static enum duo_status whole(struct line *l, double most, const char *expected, double *out)
{
    const char *at;

    blanks(l);
    at = l->at;
    DUO_TRY(number(l, out));
    if (*out >= 0 && *out <= most && *out <= floor(*out)) return DUO_OK;
    l->at = at;
    return bad(l, expected);
}

static enum duo_status ids(struct line *l, struct duo_arrival_rows *rows, struct record *r)
{
    r->has_ids = true, r->n_ids = 0, r->first_id = rows->n_ids;
    if (!take(l, '[')) return bad(l, "a list of ids");
    if (take(l, ']')) return DUO_OK;
    do {
        double id;
        DUO_TRY(whole(l, UINT32_MAX, "an id, a whole number from 0 to 4294967295", &id));
        for (int i = 0; i < r->n_ids; i++)
            if (rows->ids[r->first_id + i] == (uint32_t)id) return bad(l, "ids that are all different; this one is there twice");
        duo_arrival_id(rows, (uint32_t)id);
        r->n_ids++;
    } while (take(l, ','));
    return take(l, ']') ? DUO_OK : bad(l, ", or ]");
}

static enum duo_status member(struct line *l, struct duo_arrival_rows *rows, struct record *r)
{
    const char *key;
    size_t n;

    DUO_TRY(word(l, &key, &n));
    if (!take(l, ':')) return bad(l, ":");
    if (n == 9 && memcmp(key, "timestamp", n) == 0)      return whole(l, 1e15, "milliseconds, a whole number", &r->ms);
    if (n == 12 && memcmp(key, "input_length", n) == 0)  return whole(l, 1e9, "tokens, a whole number from 0 to 1e9", &r->input);
    if (n == 13 && memcmp(key, "output_length", n) == 0) return whole(l, 1e9, "tokens, a whole number from 0 to 1e9", &r->output);
    if (n == 8 && memcmp(key, "hash_ids", n) == 0)       return ids(l, rows, r);
    if (n == 7 && memcmp(key, "chat_id", n) == 0)                    /* (3) */
        return bad(l, "Mooncake's lines; with chat_id they are of the Qwen-Bailian traces, which are not read");
    return value(l, 0);
}

static enum duo_status object(struct line *l, struct duo_arrival_rows *rows, struct record *r)
{
    *r = (struct record){ .ms = NAN, .input = NAN, .output = NAN };
    if (!take(l, '{')) return bad(l, "a JSON object, {...}");
    if (!take(l, '}')) {
        do DUO_TRY(member(l, rows, r));
        while (take(l, ','));
        if (!take(l, '}')) return bad(l, ", or }");
    }
    blanks(l);
    if (*l->at) return bad(l, "the end of the line");
    l->at = l->text;
    if (isnan(r->ms) || isnan(r->input) || isnan(r->output) || !r->has_ids)
        return bad(l, "the keys timestamp, input_length, output_length, hash_ids");
    if (r->n_ids != (int)ceil(r->input / BLOCK)) return bad(l, "as many hash_ids as the prompt has blocks of 512 tokens");
    return DUO_OK;
}

enum duo_status duo_arrivals_mooncake(FILE *in, const char *path, struct duo_arrival_rows *rows, struct duo_trace_count *count, struct duo_err *err)
{
    struct line l = { .path = path, .err = err };
    enum duo_status status = DUO_OK;
    char *text = NULL;
    size_t room = 0;
    ssize_t n;

    rows->id_tokens = BLOCK;
    while (status == DUO_OK && (n = getline(&text, &room, in)) >= 0) {
        struct record r;
        l.number++, l.text = l.at = text;
        blanks(&l);
        if (!*l.at && l.at == text + n) continue;                    /* an empty line */
        count->read++;
        status = object(&l, rows, &r);
        if (status != DUO_OK) break;
        if (r.input <= 0)  { duo_arrival_drop(count, "no input tokens", 1); continue; }      /* (4) */
        if (r.output <= 0) { duo_arrival_drop(count, "no output tokens", 1); rows->n_ids = r.first_id; continue; }
        duo_arrival_add(rows, (struct duo_arrival){ .at = r.ms / 1000, .prompt_tokens = (int)r.input, .output_tokens = (int)r.output,
                                                    .session = -1, .n_ids = r.n_ids });
    }
    free(text);
    return status;
}
