/* unicode.h - characters of a text, and their kind. */
#ifndef DUO_SLM_UNICODE_H
#define DUO_SLM_UNICODE_H

#include <stddef.h>
#include <stdint.h>

enum duo_char_kind { DUO_CHAR_OTHER, DUO_CHAR_LETTER, DUO_CHAR_NUMBER, DUO_CHAR_SPACE };    /* \p{L}, \p{N}, White_Space */

extern const uint32_t duo_unicode_starts[];    /* unicode_table.c */
extern const int      duo_unicode_ranges;

enum duo_char_kind duo_char_kind(uint32_t code);

/* The character at the start of n > 0 bytes: its code and how many bytes it has.  What is no UTF-8 (cut short, too
 * long a form, a surrogate, past 0x10FFFF) is one byte with the code DUO_NO_CHAR, of kind OTHER. */
enum { DUO_NO_CHAR = 0x110000 };
int duo_utf8_read(const char *text, size_t n, uint32_t *code);
int duo_utf8_write(uint32_t code, char out[4]);

#endif
