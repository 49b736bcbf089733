/* SPDX-License-Identifier: MIT */
/*
 * The answer parser's insides. Bytes wait in `held` until the current stage can tell what they
 * are; a stage takes what it can and perhaps changes the stage, until nothing moves any more.
 */
#ifndef ANM_HF_ANSWERPARSER_H
#define ANM_HF_ANSWERPARSER_H

#include "anemone/tool_call.h"
#include "src/base/str.h"
#include "src/hf/callscan.h"

typedef enum anm_answer_stage {
    ANM_STAGE_START,       /* nothing but white space so far; reasoning may begin */
    ANM_STAGE_REASONING,
    ANM_STAGE_AFTER_THINK, /* white space behind </think> is dropped */
    ANM_STAGE_BEGIN,       /* where Llama's bare call may begin */
    ANM_STAGE_TEXT,
    ANM_STAGE_JSON,   /* in a call's JSON object */
    ANM_STAGE_CLOSE,  /* Qwen: before </tool_call> */
    ANM_STAGE_MARKED, /* DeepSeek: in a call, up to its end mark */
    ANM_STAGE_CODE,   /* Llama: behind <|python_tag|>, and no JSON */
    ANM_STAGE_BETWEEN /* behind a call */
} anm_answer_stage;

struct anm_answer_parser {
    anm_answer_options options;
    anm_answer_stage stage;
    anm_strbuf held;  /* not yet told what it is */
    anm_strbuf raw;   /* the call being read, its mark first */
    anm_strbuf piece; /* of an event */
    anm_strbuf name;  /* of the call being read, once known */
    size_t mark;      /* bytes of raw that are the mark; the JSON text comes behind */
    anm_callscan scan;
    size_t calls;     /* so far; the number of the one being read */
    bool begun;       /* CALL_BEGIN was told */
    bool naming, arguing; /* the key just read is the name's, the arguments' */
    bool streaming;   /* the arguments are an object and are told as they come */
    size_t told;      /* bytes of raw whose arguments were told */
    bool fresh;       /* reasoning: nothing was told of it yet */
};

void anm_answer_tell(anm_answer_parser *p, anm_answer_event_kind kind, const char *text,
                     size_t len);

/* Each takes what it can from `held`; true when something changed. */
bool anm_answer_json(anm_answer_parser *p);
bool anm_answer_marked(anm_answer_parser *p);
/* Starts a call whose mark is the first `mark` bytes of held. */
void anm_answer_open_call(anm_answer_parser *p, size_t mark, anm_answer_stage stage);
/* The call is none: all of it comes back. */
void anm_answer_break_call(anm_answer_parser *p);

const char *anm_answer_deepseek_mark(void); /* what opens a call */

/* The first `count` bytes of held are done with. */
void anm_answer_drop(anm_answer_parser *p, size_t count);

#endif
