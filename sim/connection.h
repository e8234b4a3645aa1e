/* connection.h - what a connection adds to bytes over a rate: arithmetic alone, no world.
 *
 * (1) Opening one costs round trips before the first byte of a message: TCP 1 (RFC 9293, 3.5); TLS 1.3 one more (RFC 8446,
 *     2), none with early data when resumed; TLS 1.2 two more (RFC 5246, 7.3), one when resumed; QUIC 1 with its TLS
 *     (RFC 9001, 4.1), none with early data when resumed.  Certificates' bytes are not counted.
 * (2) Slow start: the first window is `window` bytes (RFC 6928: 10 segments) and doubles a round trip.  As long as a
 *     window is carried in less than a round trip, the sender waits for the rest of it: after k windows W, 2 W, 4 W ...
 *     the wait was the sum of max(0, trip - 2^i W / rate).  (Cardwell, Savage, Anderson, INFOCOM 2000, without losses.)
 * (3) A window that has grown stays so until the connection was silent for a retransmission timeout (RFC 5681, 4.1).
 * (4) Loss: a segment is lost with probability p.  One of those before the last three is seen by what follows it and
 *     costs a round trip (RFC 5681, 3.2; selective acknowledgments mend all in one: RFC 6675); one of the last three costs
 *     a timeout, and twice as much each time that it is lost again (RFC 6298, 5.5).  What losses do to the window is left
 *     out. */
#ifndef DUO_SIM_CONNECTION_H
#define DUO_SIM_CONNECTION_H

#define DUO_PROTOCOLS(X) X(NONE, "none", 0, 0) X(TCP, "tcp", 1, 1) X(TLS12, "tls1.2", 3, 2) X(TLS13, "tls1.3", 2, 1) X(QUIC, "quic", 1, 0)
enum duo_protocol {
#define X(name, text, cold, resumed) DUO_PROTOCOL_##name,
    DUO_PROTOCOLS(X)
#undef X
    DUO_PROTOCOL_END
};
enum duo_opening { DUO_OPEN_COLD, DUO_OPEN_RESUMED, DUO_OPEN_WARM };

double duo_connection_trips(enum duo_protocol, enum duo_opening);                              /* (1) */
double duo_connection_wait(double bytes, double rate, double trip, double window);            /* (2), s; rate may be INFINITY */
int    duo_connection_grown(double bytes, double window, int grown);    /* (3): the window is 2^grown times the first; after `bytes` more */
/* (4), s; two draws in [0, 1) */
double duo_connection_loss(double segments, double p, double trip, double timeout, double draw_middle, double draw_last);

#endif
