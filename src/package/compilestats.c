/* SPDX-License-Identifier: MIT */
/*
 * What metadata.json counts of a function: ops by name and opset, the types it computes in and
 * the types its weights are stored in.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/package/compile.h"

/* ---- op names ---- */

/*
 * Opsets in which Apple's op set defines an op anew; bit n: iOS 16 + n. An op that is not here is
 * as it was in iOS 15. Taken from metadata.json of real models where one shows the op, otherwise
 * from the opsets of coremltools or from the op's family (docs/compile.md). No loader needs it.
 */
enum { IN16 = 1, IN17 = 2, IN18 = 4 };
typedef struct redefinition {
    const char *type;
    unsigned opsets;
} redefinition;

static const redefinition redefinitions[] = {
    {"abs", IN16 | IN18},
    {"add", IN16 | IN17 | IN18},
    {"avg_pool", IN16 | IN18},
    {"batch_norm", IN16 | IN17},
    {"cast", IN16 | IN17 | IN18},
    {"clamped_relu", IN17},
    {"clip", IN16 | IN17 | IN18},
    {"concat", IN17 | IN18},
    {"constexpr_affine_dequantize", IN16},
    {"constexpr_blockwise_shift_scale", IN18},
    {"constexpr_cast", IN16 | IN18},
    {"constexpr_lut_to_dense", IN16 | IN18},
    {"constexpr_lut_to_sparse", IN18},
    {"constexpr_sparse_blockwise_shift_scale", IN18},
    {"constexpr_sparse_to_dense", IN16 | IN18},
    {"conv", IN16 | IN17 | IN18},
    {"conv_transpose", IN16 | IN17 | IN18},
    {"cos", IN16 | IN18},
    {"crop_resize", IN16 | IN17},
    {"dequantize", IN17 | IN18},
    {"einsum", IN16 | IN18},
    {"elu", IN17},
    {"equal", IN16 | IN17 | IN18},
    {"erf", IN16 | IN18},
    {"exp", IN16 | IN18},
    {"expand_dims", IN17 | IN18},
    {"fill_like", IN16},
    {"floor", IN16 | IN18},
    {"floor_div", IN16 | IN17 | IN18},
    {"gather", IN16 | IN17 | IN18},
    {"gather_along_axis", IN16 | IN17 | IN18},
    {"gather_nd", IN16 | IN17 | IN18},
    {"gelu", IN16 | IN18},
    {"greater", IN16 | IN17 | IN18},
    {"greater_equal", IN16 | IN17 | IN18},
    {"gru", IN17 | IN18},
    {"instance_norm", IN16 | IN17 | IN18},
    {"inverse", IN17},
    {"l2_norm", IN17},
    {"layer_norm", IN16 | IN17 | IN18},
    {"leaky_relu", IN17},
    {"less", IN16 | IN17 | IN18},
    {"less_equal", IN16 | IN17 | IN18},
    {"linear", IN16 | IN17 | IN18},
    {"linear_activation", IN17},
    {"local_response_norm", IN17},
    {"log", IN16 | IN17 | IN18},
    {"lstm", IN17},
    {"matmul", IN16 | IN17 | IN18},
    {"max_pool", IN16 | IN18},
    {"maximum", IN16 | IN17 | IN18},
    {"minimum", IN16 | IN17 | IN18},
    {"mod", IN16 | IN17 | IN18},
    {"mul", IN16 | IN17 | IN18},
    {"non_maximum_suppression", IN17},
    {"not_equal", IN16 | IN17 | IN18},
    {"pixel_unshuffle", IN16},
    {"pow", IN16 | IN17 | IN18},
    {"prelu", IN17},
    {"quantize", IN17 | IN18},
    {"read_state", IN18},
    {"real_div", IN16 | IN17 | IN18},
    {"reduce_argmax", IN16 | IN17},
    {"reduce_argmin", IN16 | IN17},
    {"reduce_l1_norm", IN16 | IN18},
    {"reduce_l2_norm", IN16 | IN18},
    {"reduce_log_sum", IN16 | IN18},
    {"reduce_log_sum_exp", IN16 | IN18},
    {"reduce_max", IN16 | IN18},
    {"reduce_mean", IN16 | IN18},
    {"reduce_min", IN16 | IN18},
    {"reduce_prod", IN16 | IN18},
    {"reduce_sum", IN16 | IN18},
    {"reduce_sum_square", IN16 | IN18},
    {"relu", IN16 | IN18},
    {"resample", IN16 | IN17},
    {"reshape", IN17 | IN18},
    {"reshape_like", IN16 | IN17},
    {"resize", IN17},
    {"reverse", IN17},
    {"reverse_sequence", IN17},
    {"rnn", IN17},
    {"rsqrt", IN16 | IN17 | IN18},
    {"scaled_dot_product_attention", IN18},
    {"scaled_tanh", IN17},
    {"scatter", IN17},
    {"scatter_along_axis", IN17},
    {"scatter_nd", IN17},
    {"sigmoid", IN16 | IN18},
    {"sigmoid_hard", IN17},
    {"silu", IN16 | IN18},
    {"sin", IN16 | IN18},
    {"slice_by_index", IN17 | IN18},
    {"slice_by_size", IN17 | IN18},
    {"slice_update", IN18},
    {"sliding_windows", IN17},
    {"softmax", IN16 | IN18},
    {"softplus", IN16 | IN18},
    {"softplus_parametric", IN17},
    {"sqrt", IN16 | IN18},
    {"square", IN16 | IN18},
    {"squeeze", IN17 | IN18},
    {"sub", IN16 | IN17 | IN18},
    {"tanh", IN16 | IN18},
    {"thresholded_relu", IN17},
    {"topk", IN16 | IN17 | IN18},
    {"transpose", IN17 | IN18},
    {"upsample_bilinear", IN16},
    {"write_state", IN18},
};

static int compare_redefinitions(const void *key, const void *row) {
    return strcmp(key, ((const redefinition *)row)->type);
}

static int defined_in(const char *type, int opset) {
    const redefinition *r =
        bsearch(type, redefinitions, sizeof redefinitions / sizeof *redefinitions,
                sizeof *redefinitions, compare_redefinitions);
    for (int n = opset < 18 ? opset : 18; r && n >= 16; n--)
        if (r->opsets & 1u << (n - 16)) return n;
    return 15;
}

void anm_compile_op_name(anm_strbuf *out, const char *type, int opset) {
    int since = defined_in(type, opset);
    bool capital = since == 15;
    if (since > 15) anm_strbuf_printf(out, "Ios%d.", since);
    for (const char *c = type; *c; c++) {
        bool upper = capital && *c >= 'a' && *c <= 'z';
        capital = *c == '_';
        if (*c != '_') anm_strbuf_putc(out, upper ? (char)(*c - 'a' + 'A') : *c);
    }
}

typedef struct histogram {
    json_t *counts;
    int opset;
    anm_strbuf name;
} histogram;

static bool count_op(void *context, anm_mil_op *op) {
    histogram *h = context;
    if (strcmp(op->type, "const") == 0) return true;
    anm_strbuf_clear(&h->name);
    anm_compile_op_name(&h->name, op->type, h->opset);
    const char *name = anm_strbuf_cstr(&h->name);
    json_int_t before = json_integer_value(json_object_get(h->counts, name));
    json_object_set_new(h->counts, name, json_integer(before + 1));
    return true;
}

json_t *anm_compile_histogram(const anm_mil_function *function) {
    histogram h = {json_object(), anm_mil_opset_number(function->opset), {0}};
    anm_mil_block_walk(function->body, count_op, &h);
    anm_strbuf_free(&h.name);
    return h.counts;
}

/* ---- types ---- */

enum { MOST_NAMES = 48, NAME_SIZE = 32 };

typedef struct name_set {
    char names[MOST_NAMES][NAME_SIZE];
    size_t count;
} name_set;

static void add_name(name_set *set, const char *name) {
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->names[i], name) == 0) return;
    if (set->count < MOST_NAMES) snprintf(set->names[set->count++], NAME_SIZE, "%s", name);
}

/* "fp16" is "Float16", "uint4" is "UInt4". Booleans and strings do not count. */
static void add_dtype(name_set *set, anm_dtype dtype) {
    const char *name = anm_dtype_name(dtype);
    char text[NAME_SIZE];
    if (dtype == ANM_DTYPE_BOOL || dtype == ANM_DTYPE_STRING || dtype == ANM_DTYPE_NONE) return;
    if (strncmp(name, "fp", 2) == 0) snprintf(text, sizeof text, "Float%s", name + 2);
    else if (strncmp(name, "bf", 2) == 0) snprintf(text, sizeof text, "BFloat%s", name + 2);
    else if (strncmp(name, "uint", 4) == 0) snprintf(text, sizeof text, "UInt%s", name + 4);
    else snprintf(text, sizeof text, "Int%s", name + 3);
    add_name(set, text);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

static json_t *show_names(name_set *set) {
    anm_strbuf text = {0};
    if (!set->count) return json_null();
    qsort(set->names, set->count, NAME_SIZE, compare_names);
    if (set->count > 1) anm_strbuf_puts(&text, "Mixed (");
    for (size_t i = 0; i < set->count; i++)
        anm_strbuf_printf(&text, "%s%s", i ? ", " : "", set->names[i]);
    if (set->count > 1) anm_strbuf_putc(&text, ')');
    json_t *value = text.failed ? NULL : json_string(anm_strbuf_cstr(&text));
    anm_strbuf_free(&text);
    return value;
}

static bool add_outputs(void *context, anm_mil_op *op) {
    for (size_t i = 0; i < op->output_count; i++)
        if (op->outputs[i]->type->kind == ANM_MIL_TENSOR)
            add_dtype(context, op->outputs[i]->type->dtype);
    return true;
}

json_t *anm_compile_compute_precision(const anm_mil_function *function) {
    name_set set = {.count = 0};
    anm_mil_block_walk(function->body, add_outputs, &set);
    return show_names(&set);
}

static const anm_mil_literal *blob_of(const anm_mil_op *op, const char *name) {
    const anm_mil_literal *literal = anm_mil_operand_constant(anm_mil_op_operand(op, name));
    return literal && literal->blob_path ? literal : NULL;
}

/* Indices of the iOS 16 form are packed bytes, whose type says nothing. */
static void add_palette(name_set *set, const anm_mil_op *op) {
    const anm_mil_literal *indices = blob_of(op, "indices");
    const anm_mil_literal *lut = anm_mil_operand_constant(anm_mil_op_operand(op, "lut"));
    bool packed = anm_mil_op_attr(op, "shape") != NULL;
    char text[NAME_SIZE];
    int bits = indices ? anm_dtype_bits(indices->type->dtype) : 0;
    if (!indices) return;
    if (packed)
        for (bits = 0; lut && bits < 8 && anm_mil_literal_elements(lut) > (int64_t)1 << bits;)
            bits++;
    snprintf(text, sizeof text, "Palettized (%d bits)", bits);
    add_name(set, text);
}

static void add_literal(name_set *set, const anm_mil_op *op, const char *name,
                        const anm_mil_literal *literal) {
    bool indices = strcmp(op->type, "constexpr_lut_to_dense") == 0 &&
                   strcmp(name, "indices") == 0 && anm_mil_op_attr(op, "shape");
    if (literal && literal->blob_path && !indices) add_dtype(set, literal->type->dtype);
}

static bool add_stored(void *context, anm_mil_op *op) {
    if (strcmp(op->type, "constexpr_lut_to_dense") == 0) add_palette(context, op);
    if (strncmp(op->type, "constexpr_sparse", 16) == 0) add_name(context, "Sparse");
    for (size_t i = 0; i < op->attr_count; i++)
        add_literal(context, op, op->attrs[i].name, op->attrs[i].literal);
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t k = 0; k < op->args[i].count; k++)
            add_literal(context, op, op->args[i].name, op->args[i].operands[k].literal);
    return true;
}

json_t *anm_compile_storage_precision(const anm_mil_function *function) {
    name_set set = {.count = 0};
    anm_mil_block_walk(function->body, add_stored, &set);
    return show_names(&set);
}
