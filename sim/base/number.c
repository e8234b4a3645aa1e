/* number.c - numbers and text without the locale. */
#include "sim/base/number.h"

#include <assert.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"

static locale_t plain(void)
{
    static locale_t c;
    if (!c) c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    assert(c);
    return c;
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

const char *duo_read_number(const char *text, double *out)
{
    const char *p = text;
    int digits = 0;
    if (*p == '+' || *p == '-') p++;
    for (; digit(*p); p++) digits++;
    if (*p == '.')
        for (p++; digit(*p); p++) digits++;
    if (!digits) return NULL;
    if (*p == 'e' || *p == 'E') {
        const char *e = p + 1;
        if (*e == '+' || *e == '-') e++;
        if (digit(*e)) {
            while (digit(*e)) e++;
            p = e;
        }
    }
    /* strtod reads further than we do only for what follows "0x": cut it there. */
    char  small[64], *copy = small, *end;
    size_t n = (size_t)(p - text);
    if (n >= sizeof small) copy = duo_new(n + 1, 1);
    memcpy(copy, text, n);
    copy[n] = '\0';
    *out = strtod_l(copy, &end, plain());
    bool whole = *end == '\0';
    if (copy != small) free(copy);
    return whole && isfinite(*out) ? p : NULL;
}

void duo_write_number(char *out, size_t n, int precision, char letter, double value)
{
    locale_t old = uselocale(plain());
    if (letter == 'f') snprintf(out, n, "%.*f", precision, value);
    else               snprintf(out, n, "%.*g", precision, value);
    uselocale(old);
}
