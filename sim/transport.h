/* transport.h - messages between a device, the gateway and the places.
 *
 * SimGrid or the fluid model shares the links; what is ours: propagation (half the round trips on the way),
 * framing bytes, connection set-up, the radio's readiness and joules.
 * (1) A message is a flow of framing + payload over the links on its way; it arrives one propagation after the
 *     flow's end, plus jitter where declared.
 * (2) Between nodes of one site no bytes are counted; only the places' own delays pass.
 * (3) A device without an open connection to a site, or idle for long, pays `trips` round trips first; what it
 *     sends meanwhile waits with it.
 * (4) A message held back arrives no earlier than one propagation after its release: the tail of a stream is
 *     one flow that starts with the stream, and ends when the last token was written.
 * (5) Bytes are charged to the request when carried, also of what was cancelled or failed.
 * (6) A device's radio is active while a message of its own is carried, and all through a stream to it; an idle one is
 *     promoted first, whichever way the message goes. */
#ifndef DUO_SIM_TRANSPORT_H
#define DUO_SIM_TRANSPORT_H

#include "sim/world.h"

struct duo_message;
typedef void duo_arrival_fn(void *arg, bool ok);           /* ok: false when it was lost */

/* `bytes` on the wire, framing included.  `held`: see (4). */
struct duo_message *duo_transport_send(struct duo_world *, struct duo_request *, int from, int to, double bytes,
                                       bool held, duo_arrival_fn *, void *arg);
void duo_transport_release(struct duo_world *, struct duo_message *);
void duo_transport_cancel (struct duo_world *, struct duo_message *);     /* no callback */

/* Bytes of a message of its own; of `n` pieces in a stream that is open. */
static inline double duo_framed  (const struct duo_world *w, double payload)           { return w->scenario->transport.message + payload; }
static inline double duo_streamed(const struct duo_world *w, double n, double payload) { return n * w->scenario->transport.token + payload; }

double duo_transport_delay(const struct duo_world *, int from, int to);   /* propagation, one way, s */

#endif
