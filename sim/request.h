/* request.h - a request from its arrival to its row, and the steps that its policy asks for.
 *
 * The policy is called through one queue: an event waits until the policy's turn (think time) is over, and a
 * step that ends while the policy still asks (nothing to move, nothing to do) is told after the call. */
#ifndef DUO_SIM_REQUEST_H
#define DUO_SIM_REQUEST_H

#include "sim/transport.h"
#include "sim/world.h"

/* A text of one request.  Handle 0: none; 1: the prompt. */
struct duo_text_record {
    struct duo_text_path path;     /* the answer so far */
    uint8_t sites;                 /* bit enum duo_site: all its ids are there */
    int32_t input;                 /* handle of the text it was written from */
};

enum duo_step_kind { DUO_STEP_WRITE, DUO_STEP_VERIFY, DUO_STEP_SCORE, DUO_STEP_SEND, DUO_STEP_WAIT, DUO_STEP_SHOW, DUO_STEP_ANSWER };

/* What a write is asked for, but for its parts. */
struct duo_order { int tokens, samples; double patience, stop_below, temperature; };

struct duo_step_record {
    struct duo_request *request;
    struct duo_step_record *next, *previous;
    duo_step        id;
    enum duo_step_kind kind;
    int             holds;                /* callers on the stack that still use it */
    int             place, replica;
    duo_text        from, draft;          /* input; draft: of a verification, of a text to move */
    int             scorer;
    bool            show;
    bool            begun;                /* its first token is on its way or there */
    bool            told;                 /* its event has gone to the seat, or won't */
    bool            abandoned;            /* its event won't come; what is still done is paid as waste */
    bool            failed;
    enum duo_failure why;
    double          asked_at;
    struct duo_job  job;
    bool            working;              /* the job is at its server */
    struct duo_residence *kv;
    int             resident;             /* tokens in it when the word left */
    struct duo_message *order, *chunk, *tail, *word, *recall, *notice;     /* in flight: to the place, to the screen, to the seat, a cancel, "it began" */
    struct duo_alarm alarm;               /* wait, patience */
    union {
        struct duo_written  written;      /* of a write */
        struct duo_verified verified;     /* of a verification */
    };
    struct duo_order work;                /* of a write */
    struct duo_work *parts;               /* with its parts, when it has some: freed with the step */
    bool            tail_left;            /* the stream's end has still to arrive */
    bool            waits;                /* for the end of the speech */
    struct duo_speech *speech;            /* speech.c: it takes in what is spoken */
    duo_text        result;
    struct duo_event event;
    struct duo_split *split;              /* parts.c */
};

struct duo_request {
    struct duo_row_request row;
    struct duo_world   *world;
    struct duo_request *next, *previous;
    struct duo_query    query;
    struct duo_device_class *class;
    struct duo_session *session;
    int                 trace_tokens;     /* lengths: trace: tokens of the answer; 0: as the answers say */
    int                 prompt_tokens;
    struct duo_prompt_ids ids;            /* of the prompt's blocks, w->id_tokens each; none: not known */

    int                 n_texts, room_texts;
    struct duo_text_record *texts;
    struct duo_step_record *steps;        /* in flight, in the order of asking */
    struct duo_residence   *residences;
    duo_step            last_id;
    int                 n_live;           /* steps that will still tell the policy */
    uint32_t            n_messages;
    void               *block;            /* the policy's */

    int                 n_inbox, room_inbox;
    struct duo_event   *inbox;            /* events that wait for the policy, oldest first */
    int                 holds;            /* callers on the stack that still use it */
    bool                in_turn, thinking;
    struct duo_alarm    think_alarm;

    duo_text            shown;            /* what is promised to the user */
    int                 shown_tokens;     /* of it, promised */
    int                 screen_tokens;    /* on the screen by now */
    double              first_at, screen_at;
    duo_text            answer;
    struct duo_alarm    speech_alarm;     /* the user has spoken */
    int                 spoken;           /* tokens of the prompt; 0: it was written */
    bool                heard;            /* the seat has been told, or will be by a message */
    bool                over;             /* answered, given up or failed: the policy is not called any more */
    bool                settled;          /* the answer is on the screen, or there is none: the row's status is known */
    bool                delivering;       /* duo_answer's own transport is on its way */
    int                 written;          /* tokens written anywhere, for the waste */
    int                 calls;            /* of APIs, so far */
};

/* request.c */
void duo_request_arrive (struct duo_world *, const struct duo_arrival *, int query, struct duo_session *);
void duo_request_heard  (struct duo_request *);                             /* its prompt is there, or begins to be: to the seat */
void duo_request_tell   (struct duo_request *, const struct duo_event *);   /* an event has reached the seat */
void duo_request_end    (struct duo_request *, int status, const char *why); /* 0 answered, 1 failed */
void duo_request_close  (struct duo_request *);                             /* when settled and no step is left: row out, freed */
void duo_request_screen (struct duo_request *, int tokens, bool counted);   /* so many tokens are on the screen now; counted: their gaps are */
void duo_request_promise(struct duo_request *, duo_text);                   /* shown is final: fails the run when it takes something back */
void duo_world_keep     (struct duo_world *, void *block);                  /* freed with the world */
void duo_request_emit   (struct duo_request *, int status);                 /* writes its row */
double duo_request_alone(const struct duo_request *, int place);            /* the quality of that place's own answer; NAN: not known */

/* text.c */
duo_text duo_text_new   (struct duo_request *, const struct duo_text_path *, duo_text input);
bool     duo_text_known (const struct duo_request *, duo_text);
int      duo_text_tokens(const struct duo_request *, duo_text);             /* of the answer so far, without the prompt */
double   duo_text_missing(const struct duo_request *, duo_text, enum duo_site);   /* bytes to bring it there; 0: it is there */
int      duo_text_holder(const struct duo_request *, duo_text, int prefer); /* a node that has it */
void     duo_text_put   (struct duo_request *, duo_text, enum duo_site);
bool     duo_text_begins(const struct duo_request *, duo_text whole, duo_text beginning);
int      duo_text_common(const struct duo_request *, const struct duo_text_path *, const struct duo_text_path *);

/* ask.c: the answers */
void   duo_ask_write (struct duo_request *, const struct duo_ask *, struct duo_written *);
void   duo_ask_verify(struct duo_request *, int voice, const struct duo_text_path *base, const struct duo_text_path *draft, struct duo_verified *);
int    duo_ask_common(const struct duo_request *, const struct duo_text_path *, const struct duo_text_path *);
bool   duo_ask_exits (struct duo_request *, const struct duo_text_path *, int voice, int position, int layer, int layers, double above);
double duo_ask_score (struct duo_request *, int scorer);
double duo_ask_grade (const struct duo_request *, const struct duo_text_path *, const char **why);
int    duo_ask_length(const struct duo_request *, int voice);

/* kv.c: where the KV of a request or session is */
struct duo_residence *duo_kv_find(struct duo_request *, int place, const struct duo_text_path *, int from_layer, int to_layer, int *positions);
struct duo_residence *duo_kv_make(struct duo_request *, int place, int replica, int from_layer, int to_layer);
void   duo_kv_forget(struct duo_world *, struct duo_residence **list);
int    duo_kv_told  (const struct duo_request *, int place);
int    duo_pick_replica(struct duo_request *, int place);                   /* balancer.c */
struct duo_server *duo_replica_server(struct duo_request *, int place, int replica);

/* place.c: a place's replicas, or the API that it is */
bool duo_work_submit(struct duo_request *, int place, int replica, struct duo_job *);     /* false: it never fits */
void duo_work_cancel(struct duo_request *, int place, int replica, struct duo_job *);
void duo_work_left  (struct duo_request *, int place, int replica);                       /* after a job's done or cancel */
int  duo_work_written(struct duo_request *, int place, int replica, const struct duo_job *);

/* step.c */
struct duo_step_record *duo_step_new(struct duo_request *, enum duo_step_kind, int place);
void duo_step_start  (struct duo_step_record *);           /* moves its input to its place, then begins the work there */
void duo_step_fail   (struct duo_step_record *, enum duo_failure);   /* where it is; the seat is told */
void duo_step_finish (struct duo_step_record *, int node); /* the result is at `node`: its event goes to the seat */
void duo_step_cancel (struct duo_step_record *, bool now); /* the word goes out; now: none is needed or possible */
void duo_step_stop   (struct duo_step_record *);           /* all that is in flight for it ends here and is paid */
void duo_step_shown  (struct duo_step_record *);           /* a stream that broke off: what was written stays on the screen */
void duo_step_begun  (struct duo_step_record *, int node); /* the first token was written at `node`: patience */
void duo_step_stream (struct duo_step_record *, int node); /* the same, shown: stream.c */
void duo_step_streamed(struct duo_step_record *);          /* all of it is on the screen */
void duo_step_arrived(struct duo_step_record *);           /* its input is at its place: the work begins */
void duo_step_refuse (struct duo_step_record *, int node, enum duo_failure);      /* the place can't: it says so in a message */
int  duo_attachment_tokens(const struct duo_request *, int place);
void duo_step_close  (struct duo_step_record *);           /* frees it once nothing is left of it and nobody holds it */
void duo_step_release(struct duo_step_record *);           /* the end of what began with s->holds++: each callback does both */
void duo_step_pay    (struct duo_step_record *, const struct duo_job *, int place, bool wasted);      /* also in money.h */
void duo_step_forget (struct duo_step_record *, struct duo_residence *);      /* KV of what was thought */
void duo_step_written(struct duo_step_record *, int node); /* its text is whole at `node`: makes the event */
int  duo_seat_node   (const struct duo_world *);

/* speech.c: prompts that are spoken */
void duo_speech_begin (struct duo_request *);
bool duo_speech_on    (const struct duo_request *);        /* the user still speaks */
int  duo_speech_tokens(const struct duo_request *);        /* of the prompt, so far */
bool duo_speech_listen(struct duo_step_record *);          /* true: it takes in what is spoken, or waits */
void duo_speech_run   (struct duo_step_record *);
void duo_speech_stop  (struct duo_step_record *);

/* parts.c: one model over several places */
void duo_parts_begin (struct duo_step_record *);           /* its input is at the first part's place */
void duo_parts_stop  (struct duo_step_record *);           /* leaves servers and links now; pays */
void duo_parts_free  (struct duo_step_record *);
bool duo_parts_working(const struct duo_step_record *);

/* feedback.c */
bool duo_feedback_later(struct duo_request *);             /* will the policy be told how good the answer was, late and rarely? */
void duo_world_tick   (struct duo_world *);                /* the policy's periodic call, seat by seat */

/* view.c */
void duo_view_fill   (struct duo_request *, struct duo_view *, struct duo_place_view *);
void duo_world_publish(struct duo_world *);                /* places publish their figures */

#endif
