/* number.h - numbers and text without the locale. */
#ifndef DUO_BASE_NUMBER_H
#define DUO_BASE_NUMBER_H

#include <stddef.h>

/* Read a decimal number ("-1", ".5", "2e6") at the start of `text`.  Returns where it ended, or NULL
 * when there is none or it is too large for a double.  No hexadecimal, no nan, no inf, no leading space. */
const char *duo_read_number(const char *text, double *out);

/* snprintf(out, n, "%.*g" or "%.*f") with a point for a point. */
void duo_write_number(char *out, size_t n, int precision, char letter, double value);

#endif
