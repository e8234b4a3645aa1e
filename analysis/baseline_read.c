/* baseline_read.c - a baseline's text, line by line, each the one that is due; baseline.h (2). */
#include "analysis/baseline.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/baseline_inside.h"
#include "sim/base/number.h"
#include "sim/base/rng.h"

struct reader {
    const char *path;
    char *text, **line;                      /* lines without their end; `at`: the next */
    int n, at;
    struct duo_err *err;
};

#define BAD(r, ...) duo_fail_at((r)->err, DUO_BAD_INPUT, (r)->path, (r)->at + 1, 0, __VA_ARGS__)

/* What follows the word at the start of the next line; NULL: another line is next. */
static char *after(const struct reader *r, const char *word)
{
    size_t n = strlen(word);
    if (r->at >= r->n || strncmp(r->line[r->at], word, n) != 0) return NULL;
    char *rest = r->line[r->at] + n;
    return *rest == 0 ? rest : *rest == ' ' ? rest + 1 : NULL;
}

static enum duo_status due(struct reader *r, const char *word, char **rest)
{
    if ((*rest = after(r, word))) return DUO_OK;
    return BAD(r, "expected a line \"%s ...\"; got \"%.40s\"", word, r->at < r->n ? r->line[r->at] : "");
}

/* ---- words of a line */

static bool take_whole(char **p, int64_t most, int64_t *out)
{
    char *end;
    if (!isdigit((unsigned char)**p)) return false;
    errno = 0;
    long long x = strtoll(*p, &end, 10);
    if (errno || x > most || (*end && *end != ' ' && *end != '-')) return false;
    *out = x;
    *p = end;
    return true;
}

static bool take_hash(char **p, uint64_t *out)
{
    size_t n = strspn(*p, "0123456789abcdef");
    if (n != 16) return false;
    *out = strtoull(*p, NULL, 16);
    *p += 16;
    return true;
}

static bool take_space(char **p) { return **p == ' ' ? (*p)++, true : false; }

/* A number, or '-' for one that is not known. */
static bool take_number(char **p, double *out)
{
    *out = NAN;
    if (**p == '-' && (p[0][1] == ' ' || p[0][1] == 0)) return (*p)++, true;
    const char *end = duo_read_number(*p, out);
    if (!end || (*end && *end != ' ')) return false;
    *p += end - *p;
    return true;
}

/* ---- the head */

static int by_name(const void *a, const void *b) { return strcmp(((const struct duo_input *)a)->name, ((const struct duo_input *)b)->name); }

static enum duo_status read_inputs(struct reader *r, struct duo_baseline *b)
{
    for (char *rest; (rest = after(r, "input")); r->at++) {
        struct duo_input in = { 0 };
        if (!take_hash(&rest, &in.hash) || !take_space(&rest) || !*rest) return BAD(r, "expected \"input HASH NAME\", the hash of 16 digits");
        in.name = duo_copy(rest);
        b->inputs = duo_grow(b->inputs, (size_t)b->n_inputs + 1, sizeof *b->inputs);
        b->inputs[b->n_inputs++] = in;
        if (b->n_inputs > 1 && by_name(&b->inputs[b->n_inputs - 2], &b->inputs[b->n_inputs - 1]) >= 0)
            return BAD(r, "inputs are sorted by name, each there once; got %.60s after %.60s", in.name, b->inputs[b->n_inputs - 2].name);
    }
    return DUO_OK;
}

static enum duo_status read_head(struct reader *r, struct duo_baseline *b)
{
    char *rest;
    int64_t version;
    r->at = 1;
    DUO_TRY(due(r, "scenario", &rest));
    b->scenario = duo_copy(rest);
    r->at++;
    DUO_TRY(due(r, "made", &rest));
    b->made = duo_copy(rest);
    r->at++;
    DUO_TRY(due(r, "sampling", &rest));
    if (!take_whole(&rest, 1 << 30, &version) || !take_space(&rest) || !take_hash(&rest, &b->draws) || *rest)
        return BAD(r, "expected \"sampling VERSION HASH\"");
    b->sampling = (int)version;
    r->at++;
    return read_inputs(r, b);
}

/* ---- a variant */

static enum duo_status read_seeds(struct reader *r, struct duo_baseline_variant *v)
{
    char *rest;
    DUO_TRY(due(r, "seeds", &rest));
    for (;;) {
        int64_t seed;
        if (!take_whole(&rest, INT64_MAX, &seed) || *rest == '-') return BAD(r, "expected seeds, like \"seeds 1 2 3\"");
        v->seeds = duo_grow(v->seeds, (size_t)v->n_seeds + 1, sizeof *v->seeds);
        v->seeds[v->n_seeds++] = seed;
        if (!take_space(&rest)) break;
    }
    r->at++;
    return DUO_OK;
}

static enum duo_status read_asked(struct reader *r, struct duo_baseline_variant *v)
{
    for (char *rest; (rest = after(r, "asked")); r->at++)
        for (;;) {
            int64_t from, to;
            bool good = take_whole(&rest, INT32_MAX - 1, &from);
            to = good ? from : 0;
            if (good && *rest == '-') rest++, good = take_whole(&rest, INT32_MAX - 1, &to) && *rest != '-' && to >= from;
            if (!good || (v->n_asked && from <= v->asked[v->n_asked - 1])) return BAD(r, "expected questions asked, ascending, like \"asked 0-99 120\"");
            if (to - from >= DUO_BASELINE_QUESTIONS || v->n_asked + (to - from) >= DUO_BASELINE_QUESTIONS)
                return BAD(r, "more than %d questions", DUO_BASELINE_QUESTIONS);
            v->asked = duo_grow(v->asked, (size_t)v->n_asked + (size_t)(to - from) + 1, sizeof *v->asked);
            for (int64_t i = from; i <= to; i++) v->asked[v->n_asked++] = (int)i;
            if (!take_space(&rest)) break;
        }
    return DUO_OK;
}

static enum duo_status read_metrics(struct reader *r, const struct duo_baseline_variant *v, struct duo_baseline_label *l)
{
    int before = -1;
    for (char *rest; (rest = after(r, "metric")); r->at++) {
        char *space = strchr(rest, ' ');
        if (!space) return BAD(r, "expected \"metric NAME VALUE : VALUE...\"");
        *space = 0;
        int m = duo_metric_find(rest);
        if (m < 0) return BAD(r, "no metric is called %.60s", rest);
        if (m <= before) return BAD(r, "metric %.60s is there twice, or not in its place", rest);
        before = m;
        rest = space + 1;
        bool good = take_number(&rest, &l->value[m]) && take_space(&rest) && *rest == ':';
        if (good) rest++;
        for (int s = 0; s < v->n_seeds && good; s++) good = take_space(&rest) && take_number(&rest, &l->seed[s][m]);
        if (!good || *rest) return BAD(r, "expected \"metric %s VALUE :\" and %d values, one a seed", duo_metric_info[m].name, v->n_seeds);
    }
    return DUO_OK;
}

static double *no_cells(int n)
{
    double *cell = duo_new((size_t)n + 1, sizeof *cell);
    for (int i = 0; i < n; i++) cell[i] = NAN;
    return cell;
}

/* "q FROM CELLS", or "a ..." */
static enum duo_status read_cells(struct reader *r, const struct duo_baseline_variant *v, const char *key, double **cells)
{
    int64_t next = 0;
    for (char *rest; (rest = after(r, key)); r->at++) {
        int64_t from;
        bool good = take_whole(&rest, INT32_MAX, &from) && take_space(&rest);
        int n = good ? (int)strlen(rest) : 0;
        bool whole = n == DUO_CELLS_A_LINE || (good && from + n == v->n_asked);
        if (!good || from % DUO_CELLS_A_LINE || from < next || n == 0 || n > DUO_CELLS_A_LINE || !whole || from + n > v->n_asked)
            return BAD(r, "expected \"%s FROM CELLS\", %d cells, or as many as are left of %d", key, DUO_CELLS_A_LINE, v->n_asked);
        next = from + n;
        if (!*cells) *cells = no_cells(v->n_asked);
        for (int i = 0; i < n; i++) {
            const char *at = strchr(duo_sixtieths, rest[i]);
            if (!at && rest[i] != '-')
                return duo_fail_at(r->err, DUO_BAD_INPUT, r->path, r->at + 1, (int)(rest + i - r->line[r->at]) + 1, "no cell is written '%c'", rest[i]);
            (*cells)[from + i] = at ? (double)(at - duo_sixtieths) / 60 : NAN;
        }
    }
    return DUO_OK;
}

static enum duo_status read_answers(struct reader *r, const struct duo_baseline_variant *v, struct duo_baseline_label *l)
{
    for (char *rest; (rest = after(r, "block")); ) {
        int64_t seed = -1;
        bool good = strcmp(rest, "all") == 0 ? l->n_answers == 0 : take_whole(&rest, INT64_MAX, &seed) && !*rest && l->n_answers < v->n_seeds &&
                    seed == v->seeds[l->n_answers];
        if (!good) return BAD(r, "expected \"block all\", or a block for each seed in their order; got %.40s", r->line[r->at]);
        r->at++;
        l->answers = duo_grow(l->answers, (size_t)l->n_answers + 1, sizeof *l->answers);
        struct duo_answers_of *a = &l->answers[l->n_answers++];
        *a = (struct duo_answers_of){ .seed = seed };
        DUO_TRY(read_cells(r, v, "q", &a->quality));
        if (!a->quality) a->quality = no_cells(v->n_asked);
        DUO_TRY(read_cells(r, v, "a", &a->answered));
        if (seed < 0) break;
    }
    return DUO_OK;
}

static enum duo_status read_label(struct reader *r, struct duo_baseline_variant *v, char *name)
{
    char *rest;
    if (!*name || duo_baseline_label(v, name)) return BAD(r, *name ? "label %.60s is there twice" : "expected a label's name%s", name);
    v->labels = duo_grow(v->labels, (size_t)v->n_labels + 1, sizeof *v->labels);
    struct duo_baseline_label *l = &v->labels[v->n_labels++];
    *l = (struct duo_baseline_label){ .label = duo_copy(name), .seed = duo_new((size_t)v->n_seeds, sizeof *l->seed) };
    for (int m = 0; m < DUO_N_METRICS; m++) {
        l->value[m] = NAN;
        for (int s = 0; s < v->n_seeds; s++) l->seed[s][m] = NAN;
    }
    r->at++;
    DUO_TRY(due(r, "policy", &rest));
    l->policy = duo_copy(rest);
    r->at++;
    rest = after(r, "params");
    if (rest) r->at++;
    l->params = duo_copy(rest ? rest : "");
    rest = after(r, "truth");
    if (rest && *rest) return BAD(r, "expected \"truth\" alone");
    if (rest) l->cheats = true, r->at++;
    DUO_TRY(read_metrics(r, v, l));
    return read_answers(r, v, l);
}

static enum duo_status read_variant(struct reader *r, struct duo_baseline *b, char *name)
{
    if (duo_baseline_variant(b, name)) return BAD(r, "variant %.60s is there twice", name);
    b->variants = duo_grow(b->variants, (size_t)b->n_variants + 1, sizeof *b->variants);
    struct duo_baseline_variant *v = &b->variants[b->n_variants++];
    *v = (struct duo_baseline_variant){ .variant = duo_copy(name) };
    r->at++;
    DUO_TRY(read_seeds(r, v));
    DUO_TRY(read_asked(r, v));
    for (char *label; (label = after(r, "label")); ) DUO_TRY(read_label(r, v, label));
    return DUO_OK;
}

/* ---- all of it */

/* The first line says the format, the last one whether all is there: "end LINES HASH". */
static enum duo_status check_ends(struct reader *r, size_t n, uint64_t *sum)
{
    char *rest = NULL;
    int64_t lines = -1, format = -1;
    r->at = 0;
    if (!r->n || !(rest = after(r, "duosim")) || strncmp(rest, "baseline ", 9) != 0)
        return BAD(r, "is no baseline of duosim: its first line is not \"duosim baseline %d\"", DUO_BASELINE_FORMAT);
    rest += 9;
    if (!take_whole(&rest, 1 << 30, &format) || *rest || format != DUO_BASELINE_FORMAT)
        return BAD(r, "is a baseline of another format, \"%.40s\"; this program reads %d: make it anew with --update", r->line[0], DUO_BASELINE_FORMAT);
    r->at = r->n - 1;
    rest = after(r, "end");
    bool whole = rest && r->text[n - 1] == 0 && take_whole(&rest, INT32_MAX, &lines) && take_space(&rest) && take_hash(&rest, sum) && !*rest &&
                 lines == r->at;
    if (!whole) return BAD(r, "is cut short: its last line is not \"end %d HASH\"", r->at);
    return DUO_OK;
}

static enum duo_status read_all(struct reader *r, struct duo_baseline *b, size_t n)
{
    uint64_t sum = 0, is;
    int lines = r->n - 1;
    DUO_TRY(check_ends(r, n, &sum));
    size_t before = (size_t)(r->line[lines] - r->text);      /* all but the last line, with the line ends put back */
    char *copy = duo_new(before + 1, 1);
    memcpy(copy, r->text, before);
    for (size_t i = 0; i < before; i++)
        if (!copy[i]) copy[i] = '\n';
    is = duo_hash_bytes(0, copy, before);
    free(copy);
    r->n = lines;
    DUO_TRY(read_head(r, b));
    for (char *name; (name = after(r, "variant")); ) DUO_TRY(read_variant(r, b, name));
    if (r->at < r->n) return BAD(r, "expected the next label, variant or the end; got \"%.40s\"", r->line[r->at]);
    if (sum == is) return DUO_OK;
    return BAD(r, "the lines above don't add up to this sum: edited by hand?  --update makes it anew");
}

enum duo_status duo_baseline_parse(struct duo_baseline *b, const char *text, size_t n, const char *path, struct duo_err *err)
{
    struct reader r = { .path = path, .err = err };
    *b = (struct duo_baseline){ 0 };
    if (n && memchr(text, 0, n)) return duo_fail_at(err, DUO_BAD_INPUT, path, 1, 0, "is no text: it has a byte 0");
    if (n > INT32_MAX / 2) return duo_fail_at(err, DUO_BAD_INPUT, path, 1, 0, "is no baseline of duosim: it is too large");
    r.text = duo_new(n + 1, 1);
    memcpy(r.text, text, n);
    for (char *p = r.text; p < r.text + n; ) {
        if ((r.n & (r.n - 1)) == 0) r.line = duo_grow(r.line, r.n ? 2 * (size_t)r.n : 1, sizeof *r.line);
        r.line[r.n++] = p;
        p += strcspn(p, "\n");
        *p++ = 0;
    }
    enum duo_status status = read_all(&r, b, n);
    free(r.line);
    free(r.text);
    if (status != DUO_OK) duo_baseline_free(b);
    return status;
}

bool duo_baseline_is(const char *path)
{
    static const char first[] = "duosim baseline ";
    char start[sizeof first] = "";
    FILE *in = fopen(path, "rb");
    if (!in) return false;
    size_t n = fread(start, 1, sizeof first - 1, in);
    fclose(in);
    return n == sizeof first - 1 && memcmp(start, first, n) == 0;
}

enum duo_status duo_baseline_read(struct duo_baseline *b, const char *path, struct duo_err *err)
{
    struct stat s;
    char *text = NULL;
    size_t n = 0, got;
    *b = (struct duo_baseline){ 0 };
    FILE *in = fopen(path, "rb");
    if (!in) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    if (fstat(fileno(in), &s) == 0 && S_ISDIR(s.st_mode)) {
        fclose(in);
        return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "is a folder, not a baseline");
    }
    do {
        text = duo_grow(text, n + 65536, 1);
        got = fread(text + n, 1, 65536, in);
        n += got;
    } while (got == 65536);
    bool failed = ferror(in) != 0;
    fclose(in);
    enum duo_status status = failed ? duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "could not be read") : duo_baseline_parse(b, text, n, path, err);
    free(text);
    return status;
}
