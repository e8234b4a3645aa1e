/* chat.c - the layouts of conversations.  Requirements: chat.h. */
#include "models/slm/chat.h"

#include <stdlib.h>
#include <string.h>

#include "models/slm/vocabulary.h"

/* A turn is `open` role `mid` text `close`; the model's own begins with `open` its role `mid`. */
static const struct layout {
    const char *marker;                  /* in the template: this layout */
    const char *open, *mid, *close, *assistant;
    bool        bos, trim;               /* the template itself puts BOS; strips what is said */
} layouts[] = {
    [DUO_CHAT_NONE]   = { NULL, "", "", "\n", "", false, false },
    [DUO_CHAT_CHATML] = { "<|im_start|>", "<|im_start|>", "\n", "<|im_end|>\n", "assistant", false, false },
    [DUO_CHAT_LLAMA3] = { "<|start_header_id|>", "<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>", "assistant", true, true },
    [DUO_CHAT_GEMMA]  = { "<start_of_turn>", "<start_of_turn>", "\n", "<end_of_turn>\n", "model", true, true },
    [DUO_CHAT_ZEPHYR] = { "<|user|>", "<|", "|>\n", "</s>\n", "assistant", false, false },
};
enum { N_LAYOUTS = sizeof layouts / sizeof layouts[0] };

const char *duo_chat_name(enum duo_chat c)
{
    switch (c) {
#define X(name, text) case DUO_CHAT_##name: return text;
    DUO_CHATS(X)
#undef X
    }
    return "?";
}

static const char *find(struct duo_gguf_text in, const char *word) { return memmem(in.at, in.n, word, strlen(word)); }

/* What Llama 3.1 and later put before every system text; the date is the template's own default. */
static const char llama_system[] = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";

/* (2): a literal system turn in the template, '<|im_start|>system\nWORDS<|im_end|>', where \n is one character or two. */
static char *chatml_system(struct duo_gguf_text template)
{
    static const char open[] = "<|im_start|>system", close[] = "<|im_end|>";
    for (const char *at; (at = find(template, open)) != NULL;) {
        at += sizeof open - 1;
        template.n -= (size_t)(at - template.at);
        template.at = at;
        const char *end = find(template, close);
        if (!end) return NULL;
        if (*at == '\n') at += 1;
        else if (end - at >= 2 && at[0] == '\\' && at[1] == 'n') at += 2;
        else continue;
        size_t n = (size_t)(end - at);
        if (n == 0 || n > 1000 || memchr(at, '\'', n) || memchr(at, '"', n) || memchr(at, '{', n) || memchr(at, '\\', n)) continue;
        char *words = duo_new(n + 1, 1);
        memcpy(words, at, n);
        return words;
    }
    return NULL;
}

enum duo_status duo_chat_read(struct duo_chat_form *c, const struct duo_gguf *g, struct duo_err *err)
{
    *c = (struct duo_chat_form) { .form = DUO_CHAT_NONE };
    struct duo_gguf_text template = { "", 0 };
    DUO_TRY(duo_gguf_words(g, "tokenizer.chat_template", false, &template, err));
    if (template.n == 0) return DUO_OK;
    for (int i = 1; i < N_LAYOUTS && c->form == DUO_CHAT_NONE; i++)
        if (find(template, layouts[i].marker)) c->form = (enum duo_chat)i;
    if (c->form == DUO_CHAT_NONE)
        return duo_fail_at(err, DUO_BAD_INPUT, duo_gguf_path(g), 0, 0, "its chat template is none that is known here (chatml, llama-3, gemma, zephyr)");
    if (c->form == DUO_CHAT_CHATML) c->system = chatml_system(template);
    if (c->form == DUO_CHAT_LLAMA3 && find(template, "Cutting Knowledge Date")) c->system = duo_copy(llama_system);
    return DUO_OK;
}

void duo_chat_free(struct duo_chat_form *c)
{
    free(c->system);
    *c = (struct duo_chat_form) { 0 };
}

/* ---------------------------------------------------------------- writing */

struct writer { struct duo_part *parts; size_t n, room; };

static void say(struct writer *w, const char *text, size_t n, bool special)
{
    if (w->n == w->room) {
        w->room = w->room ? 2 * w->room : 16;
        w->parts = duo_grow(w->parts, w->room, sizeof *w->parts);
    }
    w->parts[w->n++] = (struct duo_part) { text, n, special };
}

static void mark(struct writer *w, const char *text) { say(w, text, strlen(text), true); }

static void content(struct writer *w, const char *text, bool trim)
{
    static const char spaces[] = " \t\n\r\v\f";
    size_t from = trim ? strspn(text, spaces) : 0, n = strlen(text);
    while (trim && n > from && strchr(spaces, text[n - 1])) n--;
    say(w, text + from, n - from, false);
}

static void turn(struct writer *w, const struct layout *l, const char *role, const char *before, const char *text)
{
    mark(w, l->open), mark(w, role), mark(w, l->mid);
    if (before) content(w, before, false);
    if (text) content(w, text, l->trim);
    mark(w, l->close);
}

static enum duo_status check(const struct duo_message *m, size_t n, struct duo_err *err)
{
    for (size_t i = 0; i < n; i++) {
        bool known = !strcmp(m[i].role, "user") || !strcmp(m[i].role, "assistant") || !strcmp(m[i].role, "system");
        if (!known) return duo_fail(err, DUO_BAD_INPUT, "nobody in a chat is called %s (system, user, assistant are)", m[i].role);
        if (!strcmp(m[i].role, "system") && i > 0) return duo_fail(err, DUO_BAD_INPUT, "a system text is the first of a chat");
    }
    return DUO_OK;
}

/* Gemma knows no system turn: its text goes before the first user's, as in Gemma 3's template. */
static void write_all(struct writer *w, const struct duo_chat_form *c, const struct duo_message *m, size_t n)
{
    const struct layout *l = &layouts[c->form];
    const char *system = n && !strcmp(m[0].role, "system") ? m[0].text : NULL, *before = NULL;
    if (system) m++, n--;
    if (c->form == DUO_CHAT_GEMMA) before = system;
    else if (c->form == DUO_CHAT_LLAMA3 && (c->system || system)) turn(w, l, "system", c->system, system);
    else if (system || c->system) turn(w, l, "system", NULL, system ? system : c->system);
    for (size_t i = 0; i < n; i++) {
        bool assistant = !strcmp(m[i].role, "assistant");
        mark(w, l->open), mark(w, assistant ? l->assistant : m[i].role), mark(w, l->mid);
        if (before && !assistant) content(w, before, false), mark(w, "\n\n"), before = NULL;
        content(w, m[i].text, l->trim);
        mark(w, l->close);
    }
    mark(w, l->open), mark(w, l->assistant), mark(w, l->mid);
}

static void write_plain(struct writer *w, const struct duo_message *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        content(w, m[i].text, false);
        if (i + 1 < n) say(w, "\n", 1, false);
    }
}

enum duo_status duo_chat_encode(const struct duo_chat_form *c, const struct duo_tokenizer *t, const struct duo_message *m, size_t n,
                                struct duo_ids *ids, struct duo_bytes *text, struct duo_err *err)
{
    struct writer w = { 0 };
    DUO_TRY(check(m, n, err));
    if (c->form == DUO_CHAT_NONE) write_plain(&w, m, n);
    else write_all(&w, c, m, n);
    bool bos = layouts[c->form].bos && !t->add_bos && t->bos >= 0;
    struct duo_tokenizer with_bos = *t;
    with_bos.add_bos |= bos;
    with_bos.add_eos = false;                       /* the answer is to come */
    duo_encode_parts(&with_bos, w.parts, w.n, true, ids);
    for (size_t i = 0; text && i < w.n; i++) {
        text->at = duo_grow(text->at, text->n + w.parts[i].n + 1, 1);
        text->room = text->n + w.parts[i].n + 1;
        memcpy(text->at + text->n, w.parts[i].text, w.parts[i].n);
        text->n += w.parts[i].n;
        text->at[text->n] = 0;
    }
    free(w.parts);
    return DUO_OK;
}
