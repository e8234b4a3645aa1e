/* stream.c - a text on its way to the screen while it is written.
 *
 * (1) It is a first chunk, with the first token and what is not on the screen yet, and a tail: one flow that ends
 *     when the last token was written.
 * (2) At a device seat its end is the step's word. */
#include "sim/request.h"

#include "models/answers/path.h"

void duo_step_streamed(struct duo_step_record *s)
{
    struct duo_request *r = s->request;

    if (s->result) duo_text_put(r, s->result, DUO_SITE_DEVICE);
    if (duo_seat_node(r->world) == DUO_DEVICE) duo_step_finish(s, DUO_DEVICE);       /* (2) */
    duo_step_close(s);
}

static void tail_arrived_now(struct duo_step_record *s, bool ok)
{
    struct duo_request *r = s->request;

    if (!ok) {
        s->tail_left = false;
        if (!s->told) { duo_step_fail(s, DUO_UNREACHABLE); return; }
        if (r->over && !r->settled && !s->abandoned) duo_request_end(r, 1, "the answer could not be delivered");
        return;
    }
    s->tail_left = false;
    if (s->abandoned) return;
    if (!s->chunk) {
        duo_request_screen(r, duo_path_tokens(&s->written.path), true);
        duo_step_streamed(s);
    }                                                      /* else the chunk, still on its way, ends it */
}

static void tail_arrived(void *arg, bool ok)
{
    struct duo_step_record *s = arg;

    s->tail = NULL;
    s->holds++;
    tail_arrived_now(s, ok);
    duo_step_release(s);
}

static void chunk_arrived_now(struct duo_step_record *s, bool ok)
{
    struct duo_request *r = s->request;

    if (!ok) {
        if (!s->told) duo_step_fail(s, DUO_UNREACHABLE);
        else if (r->over && !r->settled && !s->abandoned) duo_request_end(r, 1, "the answer could not be delivered");
        return;
    }
    if (s->abandoned) return;
    if (duo_seat_node(r->world) == DUO_DEVICE) duo_clock_cancel(r->world->clock, &s->alarm);    /* the first token came in time */
    duo_request_screen(r, duo_text_tokens(r, s->from) + 1, false);
    if (!s->tail_left) {
        duo_request_screen(r, duo_path_tokens(&s->written.path), true);
        if (!s->working) duo_step_streamed(s);
    }
}

static void chunk_arrived(void *arg, bool ok)
{
    struct duo_step_record *s = arg;

    s->chunk = NULL;
    s->holds++;
    chunk_arrived_now(s, ok);
    duo_step_release(s);
}

void duo_step_stream(struct duo_step_record *s, int node)
{
    struct duo_request *r = s->request;
    struct duo_world *w = r->world;
    double id = w->places[DUO_CLOUD].cost->facts.id_bytes;
    int before = duo_text_tokens(r, s->from) - r->screen_tokens;

    if (duo_node_site(w, node) == DUO_SITE_DEVICE) {
        duo_request_screen(r, duo_text_tokens(r, s->from) + 1, false);
        return;
    }
    s->chunk = duo_transport_send(w, r, node, DUO_DEVICE, duo_framed(w, ((before > 0 ? before : 0) + 1) * id), false, chunk_arrived, s);
    if (s->written.tokens > 1) {
        s->tail_left = true;
        s->tail = duo_transport_send(w, r, node, DUO_DEVICE, duo_streamed(w, s->written.tokens - 1, (s->written.tokens - 1) * id), true, tail_arrived, s);
    }
}
