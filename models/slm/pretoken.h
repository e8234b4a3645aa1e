/* pretoken.h - a text is cut into words before byte pairs are merged; no merge crosses a cut.
 *
 * The rules are those of the models' own tokenizer.json, as regular expressions over Unicode:
 *   smollm     each \p{N} alone, and between them gpt2
 *   gpt2       's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *   llama-bpe  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *   qwen2      the same with \p{N} for \p{N}{1,3}
 * Bytes that are no UTF-8 count as characters that are neither letter, number nor space. */
#ifndef DUO_SLM_PRETOKEN_H
#define DUO_SLM_PRETOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DUO_PRETOKENIZERS(X) X(GPT2, "gpt-2") X(SMOLLM, "smollm") X(QWEN2, "qwen2") X(LLAMA, "llama-bpe")
enum duo_pretokenizer {
#define X(name, text) DUO_PRE_##name,
    DUO_PRETOKENIZERS(X)
#undef X
    DUO_PRE_END
};

/* A character of the text: where it begins, its code and kind. */
struct duo_char { size_t at; uint32_t code; uint8_t kind; };

/* All characters of the text, and one behind the last that begins at n.  The caller frees.  *count is without it. */
struct duo_char *duo_chars(const char *text, size_t n, size_t *count);

/* Words one after the other: characters [from, to) of the text.  Zero-initialise `at` and `part`. */
struct duo_words {
    enum duo_pretokenizer  pre;
    const struct duo_char *c;
    size_t                 count, at, part;    /* part: no word crosses this character */
};
bool duo_word_next(struct duo_words *, size_t *from, size_t *to);

#endif
