/* basis.h - the constants that a place's cost model rests on: rows of the catalogue, a runtime's constants for them, and what
 * the scenario sets instead.
 *
 * Whoever reads a constant takes it with duo_take(): so the model knows the weakest of what it used, and can name it. */
#ifndef DUO_MODELS_COST_BASIS_H
#define DUO_MODELS_COST_BASIS_H

#include "models/cost/catalogue.h"

struct duo_basis {
    const struct duo_cost_spec *spec;
    struct duo_row hardware, model, quant;       /* copies, with what the scenario sets; quant.name NULL: none */
    bool api;                                    /* hardware of site "api" */
    const char *runtime;                         /* "": none */
    int gpus, tensor, stages;
    struct duo_value v[DUO_KEYS];                /* every key, from the table it belongs to */
    bool taken[DUO_KEYS];
};

/* Names that are missing name the nearest; an unknown or impossible key of `cost:` is refused at its line and column. */
enum duo_status duo_basis_make(struct duo_basis *, const struct duo_catalogue *, const struct duo_cost_spec *, struct duo_err *);

/* NAN: not known. */
double duo_take(struct duo_basis *, enum duo_key);
double duo_take_or(struct duo_basis *, enum duo_key, double otherwise);     /* a term of the form that most have not */
/* The weakest of what was taken of a claim; DUO_PROVENANCE_END: nothing was. */
enum duo_provenance duo_basis_status(const struct duo_basis *, enum duo_claim);
/* The weakest of the seconds by name, for people: "attend, layer (h100-sxm, vllm): fitted". */
void duo_basis_text(const struct duo_basis *, char *out, size_t n);
enum duo_provenance duo_weaker(enum duo_provenance, enum duo_provenance);

/* An error at the place: file and line of the spec. */
enum duo_status duo_basis_bad(const struct duo_basis *, struct duo_err *, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The first of `keys` that is not known is asked for by name. */
enum duo_status duo_basis_need(const struct duo_basis *, const enum duo_key *keys, size_t n, struct duo_err *);

/* Cost models.  On DUO_OK the caller owns *out. */
enum duo_status duo_cost_roofline(struct duo_cost **out, struct duo_basis *, struct duo_err *);
enum duo_status duo_cost_api(struct duo_cost **out, struct duo_basis *, struct duo_err *);
/* Takes `below`, also when it fails. */
enum duo_status duo_cost_measured(struct duo_cost **out, struct duo_cost *below, const char *path, const struct duo_cost_spec *, struct duo_err *);

/* memory.c: fills weight_bytes, kv_bytes, activation_bytes, runtime_bytes, total_bytes, memory_bytes; refuses what does not fit. */
enum duo_status duo_memory_set(struct duo_facts *, struct duo_basis *, const struct duo_arch *, struct duo_err *);

/* energy.c: power while an iteration runs, all GPUs of a replica, their hosts and the building's overhead:
 *     watts = least of (most, still + joules_flop x FLOP/s + joules_byte x B/s).  NAN: not known. */
struct duo_power { double still, most, joules_flop, joules_byte, idle; };
void duo_power_set(struct duo_power *, struct duo_basis *);
static inline double duo_power_joules(const struct duo_power *p, double seconds, double flop, double bytes)
{
    double joules = p->still * seconds + p->joules_flop * flop + p->joules_byte * bytes, most = p->most * seconds;
    return joules > most ? most : joules;
}

/* attachments.c: what an attachment becomes; returns its tokens, and the encoder's work in *flop. */
struct duo_attachments { double image_tokens, image_flop, audio_bytes, audio_flop, document_bytes; };
void duo_attachments_set(struct duo_attachments *, const struct duo_basis *);
int  duo_attachments_tokens(const struct duo_attachments *, enum duo_attachment_kind, double bytes, double *flop);

#endif
