/* SPDX-License-Identifier: MIT */
/* The parsed form of a template. Immutable after parsing; everything lives in the arena. */
#ifndef ANM_HF_JINJA_AST_H
#define ANM_HF_JINJA_AST_H

#include "src/base/arena.h"
#include "src/hf/jinja.h"
#include "src/hf/jinja_builtin.h"
#include "src/hf/jinja_lex.h"
#include "src/hf/jinja_value.h"

/* What the node's fields hold is told beside each kind. */
typedef enum jinja_node_kind {
    /* expressions */
    JINJA_N_CONST,     /* value */
    JINJA_N_NAME,      /* symbol, name */
    JINJA_N_LIST,      /* list */
    JINJA_N_TUPLE,     /* list */
    JINJA_N_DICT,      /* list: key, value, key, value ... */
    JINJA_N_ATTR,      /* a . name */
    JINJA_N_ITEM,      /* a [ b ] */
    JINJA_N_SLICE,     /* a [ list[0] : list[1] : list[2] ], absent parts NULL */
    JINJA_N_CALL,      /* a ( list ): arguments may be KEYWORD, STAR, STAR_STAR */
    JINJA_N_FILTER,    /* a | name ( list ), builtin NULL when unknown */
    JINJA_N_TEST,      /* a is name ( list ), builtin NULL when unknown */
    JINJA_N_KEYWORD,   /* name = a */
    JINJA_N_STAR,      /* * a */
    JINJA_N_STAR_STAR, /* ** a */
    JINJA_N_NOT,       /* a */
    JINJA_N_NEGATE,    /* a */
    JINJA_N_PLUS,      /* a */
    JINJA_N_AND,       /* a, b */
    JINJA_N_OR,        /* a, b */
    JINJA_N_BINARY,    /* a op b */
    JINJA_N_CONCAT,    /* list, joined by ~ */
    JINJA_N_COMPARE,   /* a, then list of COMPARE_TO */
    JINJA_N_COMPARE_TO, /* op a */
    JINJA_N_IF_ELSE,   /* a if b else c; c may be NULL */
    JINJA_N_CAPTURED,  /* what a filter block or block set has rendered */
    /* statements */
    JINJA_N_BLOCK,      /* list of statements */
    JINJA_N_TEXT,       /* value */
    JINJA_N_PRINT,      /* a */
    JINJA_N_IF,         /* list: condition, block, condition, block ...; else in c */
    JINJA_N_FOR,        /* a in b if c, body, otherwise; op is 1 when recursive */
    JINJA_N_BREAK,
    JINJA_N_CONTINUE,
    JINJA_N_SET,        /* a = b */
    JINJA_N_SET_BLOCK,  /* a = b over the captured body */
    JINJA_N_FILTER_BLOCK, /* print b over the captured body */
    JINJA_N_MACRO,      /* symbol, name, list of parameters (NAME, default in a), body, op: uses */
    JINJA_N_CALL_BLOCK, /* a is the CALL, b the MACRO that becomes caller() */
    JINJA_N_WITH,       /* list of SET, body */
    JINJA_N_SCOPE       /* body, with variables of its own */
} jinja_node_kind;

typedef enum jinja_op {
    JINJA_OP_ADD,
    JINJA_OP_SUB,
    JINJA_OP_MUL,
    JINJA_OP_DIV,
    JINJA_OP_FLOOR_DIV,
    JINJA_OP_MOD,
    JINJA_OP_POW,
    JINJA_OP_EQ,
    JINJA_OP_NE,
    JINJA_OP_LT,
    JINJA_OP_LE,
    JINJA_OP_GT,
    JINJA_OP_GE,
    JINJA_OP_IN,
    JINJA_OP_NOT_IN
} jinja_op;

/* What a macro's body names, so that a call may pass it: bits of the macro node's op. */
enum { JINJA_USES_CALLER = 1, JINJA_USES_VARARGS = 2, JINJA_USES_KWARGS = 4 };

typedef struct jinja_nodes {
    jinja_node **items;
    size_t len;
} jinja_nodes;

struct jinja_node {
    uint8_t kind, op;
    uint32_t pos, symbol;
    jinja_node *a, *b, *c, *body, *otherwise;
    jinja_nodes list;
    union {
        jinja_value value;
        struct {
            anm_sv name;
            const jinja_builtin *builtin;
        };
    };
};

struct jinja_template {
    anm_arena *arena;
    jinja_source source;
    jinja_node *body;
    anm_sv *symbols; /* every name that is used as a variable */
    size_t symbol_count;
    uint32_t loop_symbol, caller_symbol, varargs_symbol, kwargs_symbol;
};

#endif
