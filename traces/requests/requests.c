/* requests.c - see requests.h. */
#include "traces/requests/requests.h"

#include <math.h>
#include <string.h>

const struct duo_log_format *const duo_log_formats[DUO_LOG_FORMATS] = { &duo_log_vllm, &duo_log_litellm, &duo_log_otel };

void duo_log_head(const char *path, char *head, size_t n)
{
    FILE *in = fopen(path, "rb");
    size_t got = in ? fread(head, 1, n - 1, in) : 0;

    head[got] = 0;
    if (in) fclose(in);
}

bool duo_log_is_json(const char *head)
{
    if (strncmp(head, "\xEF\xBB\xBF", 3) == 0) head += 3;
    head += strspn(head, " \t\r\n");
    return *head == '{' || *head == '[';
}

enum duo_status duo_log_read(const struct duo_log_format *format, const char *path, duo_logged_taker *take, void *to, struct duo_err *err)
{
    static char head[DUO_LOG_HEAD];

    duo_log_head(path, head, sizeof head);
    for (int i = 0; i < DUO_LOG_FORMATS && *head && !format->is(head); i++)
        if (duo_log_formats[i]->is(head))                                     /* (3) */
            return duo_fail_at(err, DUO_BAD_INPUT, path, 1, 0, "expected %s (format %s); this looks like %s: format: %s", format->form, format->name,
                               duo_log_formats[i]->form, duo_log_formats[i]->name);
    return format->read(path, take, to, err);
}

const char *duo_logged_lacks(const struct duo_logged *r)
{
    if (isnan(r->prompt_tokens) || isnan(r->output_tokens)) return "no token counts";
    if (r->prompt_tokens <= 0) return "no prompt tokens";
    return r->output_tokens <= 0 ? "no output tokens" : NULL;
}
