/* unicode.c - UTF-8, and kinds of characters by bisection of a table. */
#include "models/slm/unicode.h"

enum duo_char_kind duo_char_kind(uint32_t code)
{
    if (code >= DUO_NO_CHAR) return DUO_CHAR_OTHER;
    int low = 0, high = duo_unicode_ranges;          /* starts[low] <= code < starts[high] */
    while (high - low > 1) {
        int mid = low + (high - low) / 2;
        if (duo_unicode_starts[mid] >> 2 <= code) low = mid;
        else high = mid;
    }
    return (enum duo_char_kind)(duo_unicode_starts[low] & 3);
}

int duo_utf8_read(const char *text, size_t n, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *b = (const unsigned char *)text;
    int length = b[0] < 0x80 ? 1 : b[0] < 0xC0 ? 0 : b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : b[0] < 0xF8 ? 4 : 0;
    *code = DUO_NO_CHAR;
    if (length == 0 || (size_t)length > n) return 1;
    uint32_t c = length == 1 ? b[0] : b[0] & (0x7Fu >> length);
    for (int i = 1; i < length; i++) {
        if ((b[i] & 0xC0) != 0x80) return 1;
        c = c << 6 | (b[i] & 0x3F);
    }
    if (c < least[length] || c >= DUO_NO_CHAR || (c >= 0xD800 && c < 0xE000)) return 1;
    *code = c;
    return length;
}

int duo_utf8_write(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    int length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)((0xF00u >> length & 0xFF) | code);
    return length;
}
