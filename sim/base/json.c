/* json.c - write JSON (RFC 8259).  Text that is not UTF-8 gets U+FFFD for each byte that does not fit. */
#include "sim/base/json.h"

#include <assert.h>
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "sim/base/number.h"

void duo_json_init(struct duo_json *j, FILE *out) { *j = (struct duo_json){ .out = out, .first = { true } }; }

/* What stands before any value or key: a comma, a new line, the depth; nothing after a key. */
static void lead(struct duo_json *j)
{
    if (j->keyed) {
        j->keyed = false;
        return;
    }
    if (j->depth == 0) return;
    if (!j->first[j->depth]) putc(',', j->out);
    if (j->flat && !j->first[j->depth]) putc(' ', j->out);
    j->first[j->depth] = false;
    if (!j->flat) fprintf(j->out, "\n%*s", 2 * j->depth, "");
}

static void value(struct duo_json *j)
{
    assert(j->depth == 0 || j->keyed == j->object[j->depth]);    /* keys in objects, none in arrays */
    lead(j);
}

void duo_json_open(struct duo_json *j, char bracket)
{
    assert(bracket == '{' || bracket == '[');
    assert(j->depth < 31);
    value(j);
    putc(bracket, j->out);
    j->depth++;
    j->first[j->depth]  = true;
    j->object[j->depth] = bracket == '{';
}

void duo_json_close(struct duo_json *j)
{
    assert(j->depth > 0 && !j->keyed);
    bool empty = j->first[j->depth], object = j->object[j->depth];
    j->depth--;
    if (!empty && !j->flat) fprintf(j->out, "\n%*s", 2 * j->depth, "");
    putc(object ? '}' : ']', j->out);
}

/* Bytes of the character at p, or 0 when it is not UTF-8 (overlong, surrogate, too large, cut short). */
static int utf8(const unsigned char *p)
{
    if (p[0] < 0x80) return 1;
    int n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4) return 0;
    uint32_t c = p[0] & (0xFFu >> (n + 1));
    for (int i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        c = c << 6 | (p[i] & 0x3F);
    }
    if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10FFFF))) return 0;
    return c >= 0xD800 && c <= 0xDFFF ? 0 : n;
}

static void quoted(FILE *out, const char *text)
{
    putc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        int n = utf8(p);
        if (n == 0)                       fputs("\\ufffd", out), n = 1;
        else if (*p == '"' || *p == '\\') putc('\\', out), putc(*p, out);
        else if (*p == '\n')              fputs("\\n", out);
        else if (*p == '\t')              fputs("\\t", out);
        else if (*p < 0x20)               fprintf(out, "\\u%04x", *p);
        else                              fwrite(p, 1, (size_t)n, out);
        p += n;
    }
    putc('"', out);
}

void duo_json_key(struct duo_json *j, const char *key)
{
    assert(j->depth > 0 && j->object[j->depth] && !j->keyed);
    lead(j);
    quoted(j->out, key);
    fputs(": ", j->out);
    j->keyed = true;
}

void duo_json_text(struct duo_json *j, const char *text)
{
    value(j);
    if (text) quoted(j->out, text);
    else      fputs("null", j->out);
}

void duo_json_number(struct duo_json *j, double x)
{
    char text[32] = "null";
    value(j);
    if (isfinite(x)) duo_show_double(x, text);
    fputs(text, j->out);
}

void duo_json_bool(struct duo_json *j, bool b)
{
    value(j);
    fputs(b ? "true" : "false", j->out);
}

void duo_json_null(struct duo_json *j)
{
    value(j);
    fputs("null", j->out);
}

void duo_json_end(struct duo_json *j)
{
    assert(j->depth == 0 && !j->keyed);
    putc('\n', j->out);
}

static bool reads_back(const char *text, double x)
{
    double back;
    return duo_read_number(text, &back) && back == x;
}

/* "1e+20" and "1e-05" as "1e20" and "1e-5". */
static void trim_exponent(char *text)
{
    char *e = strchr(text, 'e');
    if (!e) return;
    char *from = ++e;
    if (*from == '+') from++;
    else if (*from == '-') from++, e++;
    while (*from == '0' && from[1]) from++;
    memmove(e, from, strlen(from) + 1);
}

/* 15 digits, without their last zeros, are the shortest form of every normal number that has one of at most 15.  The
 * nearest of 16 digits may miss a power of two, below which doubles are twice as dense, where the next above hits. */
void duo_show_double(double x, char out[32])
{
    if (!isfinite(x)) {
        strcpy(out, isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
        return;
    }
    int digits = fabs(x) < DBL_MIN ? 1 : 15;
    for (; digits <= 17; digits++) {
        duo_write_number(out, 32, digits, 'g', x);
        if (reads_back(out, x)) break;
        if (digits != 16) continue;
        int old = fegetround();
        fesetround(x > 0 ? FE_UPWARD : FE_DOWNWARD);
        duo_write_number(out, 32, digits, 'g', x);
        fesetround(old);
        if (reads_back(out, x)) break;
    }
    trim_exponent(out);
}
