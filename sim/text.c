/* text.c - the texts of a request: handles, where their ids are, what moving them costs.
 *
 * (1) A text is a path (answers.h) after the request's prompt.  Handles are never reused in a request.
 * (2) A site that holds a text holds all its beginnings; bringing a longer one costs the ids beyond the longest
 *     common beginning with what is there.
 * (3) A site without any text of the request lacks the prompt, too: its bytes and the attachment's are paid. */
#include "sim/request.h"

#include <assert.h>

enum { PROMPT = 1 };

duo_text duo_text_new(struct duo_request *r, const struct duo_text_path *path, duo_text input)
{
    if (r->n_texts == r->room_texts) {
        r->room_texts = r->room_texts ? 2 * r->room_texts : 4;
        r->texts = duo_grow(r->texts, (size_t)r->room_texts, sizeof *r->texts);
    }
    r->texts[r->n_texts] = (struct duo_text_record){ .path = *path, .input = input };
    return r->n_texts++;
}

bool duo_text_known(const struct duo_request *r, duo_text t) { return t >= PROMPT && t < r->n_texts; }

int duo_text_tokens(const struct duo_request *r, duo_text t) { return duo_path_tokens(&r->texts[t].path); }

int duo_text_common(const struct duo_request *r, const struct duo_text_path *a, const struct duo_text_path *b)
{
    return a->n && b->n ? duo_ask_common(r, a, b) : 0;
}

void duo_text_put(struct duo_request *r, duo_text t, enum duo_site site)
{
    for (; t; t = r->texts[t].input) {                     /* (2) */
        if (r->texts[t].sites & 1u << site) break;
        r->texts[t].sites |= (uint8_t)(1u << site);
    }
}

double duo_text_missing(const struct duo_request *r, duo_text t, enum duo_site site)
{
    const struct duo_text_path *want = &r->texts[t].path;
    int tokens = duo_path_tokens(want), have = -1, first = PROMPT;
    double bytes;

    if (r->texts[t].sites & 1u << site) return 0;
    for (duo_text a = r->texts[t].input; a; a = r->texts[a].input)     /* the nearest beginning that is there, ... */
        if (r->texts[a].sites & 1u << site) { have = duo_text_tokens(r, a), first = a + 1; break; }
    for (int i = r->n_texts - 1; i >= first && have < tokens; i--)     /* ... unless something made since has more in common */
        if (r->texts[i].sites & 1u << site) {
            int common = duo_text_common(r, &r->texts[i].path, want);
            if (common > have) have = common;
        }
    bytes = (tokens - (have < 0 ? 0 : have)) * r->world->places[DUO_CLOUD].cost->facts.id_bytes;
    if (have < 0) bytes += r->query.prompt_bytes + r->query.attachment_bytes;      /* (3) */
    return bytes;
}

int duo_text_holder(const struct duo_request *r, duo_text t, int prefer)
{
    const struct duo_world *w = r->world;
    uint8_t sites = r->texts[t].sites;

    if (sites & 1u << duo_node_site(w, prefer)) return prefer;
    for (int p = 0; p < w->n_places; p++)
        if (sites & 1u << w->places[p].site) return p;
    return DUO_GATEWAY;                                    /* only a gateway seat's site has no place of its own */
}

bool duo_text_begins(const struct duo_request *r, duo_text whole, duo_text beginning)
{
    const struct duo_text_path *b = &r->texts[beginning].path, *w = &r->texts[whole].path;
    int n = duo_path_tokens(b);

    return n <= duo_path_tokens(w) && (n == 0 || duo_text_common(r, w, b) >= n);
}
