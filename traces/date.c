/* date.c - see date.h. */
#include "traces/date.h"

/* Days from 1970-01-01 of a day of the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400, of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool digits(const char **s, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, (*s)++) {
        if (**s < '0' || **s > '9') return false;
        *out = *out * 10 + (**s - '0');
    }
    return true;
}

static bool take(const char **s, char c) { return **s == c && (*s)++; }

static bool clock_of(const char **s, int *h, int *m)
{
    return digits(s, 2, h) && take(s, ':') && digits(s, 2, m) && *h < 24 && *m < 60;
}

bool duo_date_read(const char *s, struct duo_date *out)
{
    static const int month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year, month, day, h, m, sec, n = 0, zone_h, zone_m;
    bool leap;

    if (!digits(&s, 4, &year) || !take(&s, '-') || !digits(&s, 2, &month) || !take(&s, '-') || !digits(&s, 2, &day)) return false;
    leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month < 1 || month > 12 || day < 1 || day > month_days[month - 1] + (leap && month == 2)) return false;
    if (!take(&s, ' ') && !take(&s, 'T')) return false;
    if (!clock_of(&s, &h, &m) || !take(&s, ':') || !digits(&s, 2, &sec) || sec > 59) return false;
    out->seconds = ((days_of(year, month, day) * 24 + h) * 60 + m) * 60 + sec;
    out->nanos = 0;
    if (take(&s, '.')) {
        for (; *s >= '0' && *s <= '9' && n < 9; s++, n++) out->nanos = out->nanos * 10 + (*s - '0');
        if (n == 0) return false;
        for (; n < 9; n++) out->nanos *= 10;
    }
    if (*s == '+' || *s == '-') {
        int sign = *s++ == '+' ? 1 : -1;
        if (!clock_of(&s, &zone_h, &zone_m)) return false;
        out->seconds -= sign * (zone_h * 60 + zone_m) * 60;
    } else {
        (void)take(&s, 'Z');
    }
    return *s == '\0';
}
