/* validate_edge.h - rows of published measurements on one device, as the closed form of one stream sees them.
 *
 *     seconds a token = ((bytes / (stream bandwidth))^3 + (amount / (issue units clock pipes))^3)^(1/3)
 *                       + layers cycles / clock + KV bytes / (attend bandwidth)
 *
 * amount: weight bytes on GPUs, weights on CPUs.  It is roofline.c's price of one decoding sequence, with the row's own weight bytes. */
#ifndef DUO_APP_VALIDATE_EDGE_H
#define DUO_APP_VALIDATE_EDGE_H

#include "sim/app/validate.h"

/* Who computes: each family has constants of its own. */
#define DUO_FAMILIES(X) X(CUDA, "GPU, CUDA") X(METAL, "GPU, Metal") X(CPU, "CPU") X(NPU, "NPU") X(JETSON, "Jetson GPU") X(MCU, "microcontroller")
enum duo_family {
#define X(name, text) DUO_FAMILY_##name,
    DUO_FAMILIES(X)
#undef X
    DUO_FAMILY_END
};
enum duo_format { DUO_HALF, DUO_EIGHT, DUO_FOUR, DUO_K, DUO_GROUPED };    /* 16 or 32 bit; 8 bit; blocks of 32; K and IQ; the others */

struct duo_edge_row {
    const struct duo_perf *perf;
    const struct duo_row  *hardware;             /* NULL: not in the catalogue: what its class has in common */
    enum duo_family family;
    enum duo_format format;
    const char *runtime, *quant;                 /* the catalogue's names of them */
    bool   packed, compiled;                     /* kernels that reorder weights for the CPU; one kernel a layer */
    double layers, bytes, amount, kv_bytes, attend;
    double bandwidth, rate, clock;               /* rate: units x clock x pipes */
    double prompt_rate;                          /* the same with the prompt's threads */
    bool   measured_bandwidth;
    double prompt_flop;                          /* of a prompt's token */
};

/* The rows that `wanted` keeps; those whose device, model or family are not known are noted by `gate`. */
int  duo_edge_rows(struct duo_validation *, const char *gate, bool (*wanted)(const struct duo_perf *), struct duo_edge_row **out);
/* The constants that ship for a row: its device's, or those of its class. */
void duo_edge_constants(const struct duo_validation *, const struct duo_edge_row *, struct duo_value out[DUO_KEYS]);
/* Seconds a token with the constants that ship; NAN: some are not known. */
double duo_edge_shipped(const struct duo_validation *, const struct duo_edge_row *);
/* Seconds a token of rows that edge-decode judges, too, from constants that their device had no part in; NAN: it judges them not. */
enum duo_status duo_edge_decode_seconds(struct duo_validation *, const struct duo_edge_row *, int n, double *seconds, struct duo_err *);
/* A model by the name that a table gives it; NULL: not in the catalogue. */
const struct duo_row *duo_edge_model(const struct duo_catalogue *, const char *name);
/* A note, once. */
void duo_edge_note(struct duo_validation *, const char *gate, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Of a vLLM server, however it is spelled. */
bool duo_edge_vllm(const struct duo_perf *);
/* validate_rows.c: what tables leave out, from the catalogue; rows that no gate takes are noted. */
void duo_rows_complete(struct duo_validation *);
const char *duo_family_text(enum duo_family);
/* Was this row part of what the shipped constants were fitted to? */
bool duo_edge_fitted(const struct duo_perf *);

#endif
