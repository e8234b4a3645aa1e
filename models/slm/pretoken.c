/* pretoken.c - words of a text.  The rules: pretoken.h. */
#include "models/slm/pretoken.h"

#include "models/slm/unicode.h"
#include "sim/base/err.h"

struct duo_char *duo_chars(const char *text, size_t n, size_t *count)
{
    struct duo_char *c = duo_new(n + 1, sizeof *c);
    size_t k = 0;
    for (size_t at = 0; at < n; k++) {
        c[k].at = at;
        at += (size_t)duo_utf8_read(text + at, n - at, &c[k].code);
        c[k].kind = (uint8_t)duo_char_kind(c[k].code);
    }
    c[k] = (struct duo_char) { .at = n, .code = DUO_NO_CHAR };
    *count = k;
    return c;
}

/* A text's characters up to `end`, which no look-ahead crosses. */
struct span { const struct duo_char *c; size_t end; };

static bool     is(const struct span *s, size_t i, enum duo_char_kind kind) { return i < s->end && s->c[i].kind == kind; }
static uint32_t code(const struct span *s, size_t i) { return i < s->end ? s->c[i].code : DUO_NO_CHAR; }

static size_t run(const struct span *s, size_t i, enum duo_char_kind kind)
{
    while (is(s, i, kind)) i++;
    return i;
}

/* 's|'t|'re|'ve|'m|'ll|'d, of ASCII letters of both cases where `any_case`.  0: none here. */
static size_t contraction(const struct span *s, size_t i, bool any_case)
{
    if (code(s, i) != '\'') return 0;
    uint32_t fold = any_case ? 0x20 : 0;
    uint32_t a = code(s, i + 1), b = code(s, i + 2);
    if (a < 0x80) a |= fold;
    if (b < 0x80) b |= fold;
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return i + 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return i + 3;
    return 0;
}

/* \s+(?!\S)|\s+, from a space on: all of them at the end, else all but the last, which goes with the next word. */
static size_t spaces(const struct span *s, size_t i)
{
    size_t end = run(s, i, DUO_CHAR_SPACE);
    return end < s->end && end - i > 1 ? end - 1 : end;
}

static size_t gpt2_end(const struct span *s, size_t i)
{
    size_t end = contraction(s, i, false);
    if (end) return end;
    size_t first = i + (code(s, i) == ' ');
    if (first < s->end && s->c[first].kind != DUO_CHAR_SPACE) return run(s, first, (enum duo_char_kind)s->c[first].kind);
    return spaces(s, i);
}

/* llama-bpe and qwen2; numbers in groups of up to `digits`. */
static size_t llama_end(const struct span *s, size_t i, size_t digits)
{
    size_t end = contraction(s, i, true);
    if (end) return end;
    uint32_t c = code(s, i);
    bool line = c == '\r' || c == '\n';
    if (is(s, i, DUO_CHAR_LETTER)) return run(s, i, DUO_CHAR_LETTER);
    if (!line && !is(s, i, DUO_CHAR_NUMBER) && is(s, i + 1, DUO_CHAR_LETTER)) return run(s, i + 1, DUO_CHAR_LETTER);
    if (is(s, i, DUO_CHAR_NUMBER)) {
        end = run(s, i, DUO_CHAR_NUMBER);
        return end < i + digits ? end : i + digits;
    }
    size_t first = i + (c == ' ');
    if (is(s, first, DUO_CHAR_OTHER)) {
        end = run(s, first, DUO_CHAR_OTHER);
        while (code(s, end) == '\r' || code(s, end) == '\n') end++;
        return end;
    }
    end = run(s, i, DUO_CHAR_SPACE);                 /* \s*[\r\n]+ : up to the last end of a line among them */
    for (size_t k = end; k > i; k--)
        if (code(s, k - 1) == '\r' || code(s, k - 1) == '\n') return k;
    return spaces(s, i);
}

/* Numbers stand alone, and bound what lies between them. */
static size_t smollm_end(struct duo_words *w)
{
    if (w->c[w->at].kind == DUO_CHAR_NUMBER) return w->at + 1;
    if (w->part <= w->at)
        for (w->part = w->at; w->part < w->count && w->c[w->part].kind != DUO_CHAR_NUMBER;) w->part++;
    return gpt2_end(&(struct span) { w->c, w->part }, w->at);
}

bool duo_word_next(struct duo_words *w, size_t *from, size_t *to)
{
    struct span all = { w->c, w->count };
    if (w->at >= w->count) return false;
    *from = w->at;
    *to = w->count;
    switch (w->pre) {
    case DUO_PRE_GPT2:   *to = gpt2_end(&all, w->at);     break;
    case DUO_PRE_SMOLLM: *to = smollm_end(w);             break;
    case DUO_PRE_QWEN2:  *to = llama_end(&all, w->at, 1); break;
    case DUO_PRE_LLAMA:  *to = llama_end(&all, w->at, 3); break;
    case DUO_PRE_END:    break;
    }
    w->at = *to;
    return true;
}
