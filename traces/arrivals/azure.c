/* azure.c - the Azure LLM inference traces (github.com/Azure/AzurePublicDataset; Patel et al. 2024, Splitwise).
 *
 * (1) Columns TIMESTAMP, ContextTokens, GeneratedTokens, by name; the 2025 file's NumImages is not used.
 * (2) TIMESTAMP: YYYY-MM-DD, a blank or T, HH:MM:SS, up to nine digits of fraction (none where it is zero),
 *     optionally Z or an offset as in +02:00.  2023: seven digits, no zone; 2024: six and +00:00; 2025: T, three and Z.
 * (3) A date that is none, a count that is not a whole number: refused with line and column.
 * (4) A row without prompt or without output tokens is dropped and counted. */
#include <string.h>

#include "traces/arrivals/importer.h"

struct date { int64_t seconds; int32_t nanos; };

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

static bool date_of(const char *s, struct date *out)                          /* (2) */
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

enum duo_status duo_arrivals_azure(struct duo_csv *csv, struct duo_arrival_rows *rows, struct duo_trace_count *count, struct duo_err *err)
{
    int when, prompt, output, more;
    struct date first = { 0, 0 }, date;

    DUO_TRY(duo_csv_need(csv, "TIMESTAMP", &when, err));                      /* (1) */
    DUO_TRY(duo_csv_need(csv, "ContextTokens", &prompt, err));
    DUO_TRY(duo_csv_need(csv, "GeneratedTokens", &output, err));
    while ((more = duo_csv_next(csv, err)) > 0) {
        struct duo_arrival a = { .session = -1 };

        count->read++;
        if (!date_of(duo_csv_cell(csv, when), &date))
            return duo_csv_bad(csv, when, err, "expected a date like 2023-11-16 18:15:46.6805900; got \"%s\"", duo_csv_cell(csv, when));
        DUO_TRY(duo_arrival_whole(csv, prompt, &a.prompt_tokens, err));       /* (3) */
        DUO_TRY(duo_arrival_whole(csv, output, &a.output_tokens, err));
        if (count->read == 1) first = date;
        if (a.prompt_tokens == 0)      { duo_arrival_drop(count, "no prompt tokens", 1); continue; }    /* (4) */
        if (a.output_tokens == 0)      { duo_arrival_drop(count, "no output tokens", 1); continue; }
        a.at = (double)(date.seconds - first.seconds) + (double)(date.nanos - first.nanos) * 1e-9;
        duo_arrival_add(rows, a);
    }
    return more < 0 ? DUO_BAD_INPUT : DUO_OK;
}
