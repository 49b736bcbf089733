/* SPDX-License-Identifier: MIT */
#include "src/package/description.h"

#include <stdbool.h>
#include <string.h>

#include "src/package/protonew.h"

/* ArrayFeatureType.ArrayDataType: 0x10000 | bits for floats, 0x20000 | bits for integers. */
static const struct {
    int32_t code;
    anm_dtype dtype;
} array_types[] = {
    {65552, ANM_DTYPE_FP16},   {65568, ANM_DTYPE_FP32},  {65600, ANM_DTYPE_FP64},
    {131104, ANM_DTYPE_INT32}, {131080, ANM_DTYPE_INT8},
};
enum { ARRAY_TYPES = sizeof array_types / sizeof array_types[0] };

static anm_dtype dtype_of(int32_t code) {
    for (int i = 0; i < ARRAY_TYPES; i++)
        if (array_types[i].code == code) return array_types[i].dtype;
    return ANM_DTYPE_NONE;
}

static int32_t code_of(anm_dtype dtype) {
    for (int i = 0; i < ARRAY_TYPES; i++)
        if (array_types[i].dtype == dtype) return array_types[i].code;
    return 0;
}

static anm_status bad_feature(const char *where, const anm_feature *f, const char *what,
                              anm_error *err) {
    return anm_fail(err, ANM_ERROR_FORMAT, where, "feature \"%s\" of the interface %s", f->name,
                    what);
}

static anm_status read_enumerated(anm_arena *arena, const Pb__ArrayFeatureType *array,
                                  const char *where, anm_feature *f, anm_error *err) {
    const Pb__ArrayFeatureType__EnumeratedShapes *e = array->enumeratedshapes;
    int64_t(*shapes)[ANM_MAX_RANK] = anm_arena_array(arena, e->n_shapes, sizeof *shapes);
    if (!shapes) return anm_fail_memory(err);
    for (size_t i = 0; i < e->n_shapes; i++) {
        if ((int)e->shapes[i]->n_shape != f->rank)
            return bad_feature(where, f, "enumerates a shape of another rank", err);
        for (int d = 0; d < f->rank; d++) shapes[i][d] = e->shapes[i]->shape[d];
    }
    f->shape_kind = ANM_SHAPE_ENUMERATED;
    f->shape_count = e->n_shapes;
    f->shapes = (const int64_t(*)[ANM_MAX_RANK])shapes;
    return ANM_OK;
}

static anm_status read_range(const Pb__ArrayFeatureType *array, const char *where, anm_feature *f,
                             anm_error *err) {
    const Pb__ArrayFeatureType__ShapeRange *range = array->shaperange;
    if ((int)range->n_sizeranges != f->rank)
        return bad_feature(where, f, "has a range of another rank", err);
    f->shape_kind = ANM_SHAPE_RANGE;
    for (int d = 0; d < f->rank; d++) {
        uint64_t lower = range->sizeranges[d]->lowerbound;
        f->lower[d] = lower < INT64_MAX ? (int64_t)lower : INT64_MAX;
        f->upper[d] = range->sizeranges[d]->upperbound;
    }
    return ANM_OK;
}

static anm_status read_array(anm_arena *arena, const Pb__ArrayFeatureType *array, const char *where,
                             anm_feature *f, anm_error *err) {
    f->kind = ANM_FEATURE_TENSOR;
    f->dtype = dtype_of(array->datatype);
    if (f->dtype == ANM_DTYPE_NONE)
        return bad_feature(where, f, "has an unknown element type", err);
    if (array->n_shape > ANM_MAX_RANK) return bad_feature(where, f, "has too many dimensions", err);
    f->rank = (int)array->n_shape;
    for (int d = 0; d < f->rank; d++) f->shape[d] = array->shape[d];
    if (array->shape_flexibility_case ==
        PB__ARRAY_FEATURE_TYPE__SHAPE_FLEXIBILITY_ENUMERATED_SHAPES)
        return read_enumerated(arena, array, where, f, err);
    if (array->shape_flexibility_case == PB__ARRAY_FEATURE_TYPE__SHAPE_FLEXIBILITY_SHAPE_RANGE)
        return read_range(array, where, f, err);
    return ANM_OK;
}

static void read_image(const Pb__ImageFeatureType *image, anm_feature *f) {
    bool gray = image->colorspace == 10 || image->colorspace == 40;
    const int64_t shape[4] = {1, gray ? 1 : 3, image->height, image->width};
    f->kind = ANM_FEATURE_IMAGE;
    f->dtype = ANM_DTYPE_FP32;
    f->rank = 4;
    memcpy(f->shape, shape, sizeof shape);
}

static anm_status read_feature(anm_arena *arena, const Pb__FeatureDescription *message,
                               const char *where, anm_feature *f, anm_error *err) {
    const Pb__FeatureType *type = message->type;
    f->name = anm_arena_strdup(arena, message->name);
    f->description = anm_arena_strdup(arena, message->shortdescription);
    f->kind = ANM_FEATURE_OTHER;
    if (!f->name || !f->description) return anm_fail_memory(err);
    if (!type) return bad_feature(where, f, "has no type", err);
    f->optional = type->isoptional;
    switch (type->type_case) {
    case PB__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE:
        return read_array(arena, type->multiarraytype, where, f, err);
    case PB__FEATURE_TYPE__TYPE_STATE_TYPE:
        if (!type->statetype->arraytype) return bad_feature(where, f, "has no state type", err);
        return read_array(arena, type->statetype->arraytype, where, f, err);
    case PB__FEATURE_TYPE__TYPE_IMAGE_TYPE: read_image(type->imagetype, f); break;
    case PB__FEATURE_TYPE__TYPE_DICTIONARY_TYPE: f->kind = ANM_FEATURE_DICTIONARY; break;
    case PB__FEATURE_TYPE__TYPE_STRING_TYPE: f->kind = ANM_FEATURE_STRING; break;
    default: break;
    }
    return ANM_OK;
}

static anm_status read_features(anm_arena *arena, Pb__FeatureDescription *const *messages,
                                size_t count, const char *where, anm_feature **out,
                                size_t *out_count, anm_error *err) {
    *out = ANM_ARENA_ARRAY(arena, anm_feature, count);
    if (!*out) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++)
        ANM_TRY(read_feature(arena, messages[i], where, &(*out)[i], err));
    *out_count = count;
    return ANM_OK;
}

static anm_status read_single(anm_arena *arena, const Pb__ModelDescription *m, const char *where,
                              anm_interface *f, anm_error *err) {
    f->name = "main";
    f->predicted_feature = anm_arena_strdup(arena, m->predictedfeaturename);
    ANM_TRY(read_features(arena, m->input, m->n_input, where, &f->inputs, &f->input_count, err));
    ANM_TRY(
        read_features(arena, m->output, m->n_output, where, &f->outputs, &f->output_count, err));
    return read_features(arena, m->state, m->n_state, where, &f->states, &f->state_count, err);
}

static anm_status read_one(anm_arena *arena, const Pb__FunctionDescription *m, const char *where,
                           anm_interface *f, anm_error *err) {
    f->name = anm_arena_strdup(arena, m->name);
    f->predicted_feature = anm_arena_strdup(arena, m->predictedfeaturename);
    if (!f->name || !f->predicted_feature) return anm_fail_memory(err);
    ANM_TRY(read_features(arena, m->input, m->n_input, where, &f->inputs, &f->input_count, err));
    ANM_TRY(
        read_features(arena, m->output, m->n_output, where, &f->outputs, &f->output_count, err));
    return read_features(arena, m->state, m->n_state, where, &f->states, &f->state_count, err);
}

static anm_status read_metadata(anm_arena *arena, const Pb__Metadata *m, anm_description *out,
                                anm_error *err) {
    static const Pb__Metadata none = PB__METADATA__INIT;
    if (!m) m = &none;
    out->summary = anm_arena_strdup(arena, m->shortdescription);
    out->version = anm_arena_strdup(arena, m->versionstring);
    out->author = anm_arena_strdup(arena, m->author);
    out->license = anm_arena_strdup(arena, m->license);
    out->user = ANM_ARENA_ARRAY(arena, anm_metadata_entry, m->n_userdefined);
    if (!out->summary || !out->version || !out->author || !out->license || !out->user)
        return anm_fail_memory(err);
    for (size_t i = 0; i < m->n_userdefined; i++) {
        anm_metadata_entry *e = &out->user[out->user_count++];
        e->key = anm_arena_strdup(arena, m->userdefined[i]->key);
        e->value = anm_arena_strdup(arena, m->userdefined[i]->value);
        if (!e->key || !e->value) return anm_fail_memory(err);
    }
    return ANM_OK;
}

anm_status anm_description_read(anm_arena *arena, const Pb__ModelDescription *message,
                                const char *where, anm_description *out, anm_error *err) {
    size_t count = message->n_functions;
    *out = (anm_description){.multi = count > 0, .default_function = "main"};
    out->functions = ANM_ARENA_ARRAY(arena, anm_interface, count ? count : 1);
    if (!out->functions) return anm_fail_memory(err);
    if (!count) ANM_TRY(read_single(arena, message, where, &out->functions[0], err));
    for (size_t i = 0; i < count; i++)
        ANM_TRY(read_one(arena, message->functions[i], where, &out->functions[i], err));
    out->function_count = count ? count : 1;
    if (count) {
        out->default_function = anm_arena_strdup(arena, message->defaultfunctionname);
        if (!out->default_function) return anm_fail_memory(err);
    }
    return read_metadata(arena, message->metadata, out, err);
}

const anm_interface *anm_description_find(const anm_description *d, const char *name) {
    for (size_t i = 0; i < d->function_count; i++)
        if (strcmp(d->functions[i].name, name) == 0) return &d->functions[i];
    return NULL;
}

/* Writing. Each maker gives NULL when memory is out. */

static Pb__SizeRange *make_size_range(anm_arena *arena, int64_t lower, int64_t upper) {
    Pb__SizeRange *range = ANM_PROTO_NEW(arena, Pb__SizeRange, pb__size_range);
    if (!range) return NULL;
    range->lowerbound = (uint64_t)lower;
    range->upperbound = upper;
    return range;
}

static bool make_range(anm_arena *arena, const anm_feature *f, Pb__ArrayFeatureType *array) {
    Pb__ArrayFeatureType__ShapeRange *range =
        ANM_PROTO_NEW(arena, Pb__ArrayFeatureType__ShapeRange, pb__array_feature_type__shape_range);
    if (!range) return false;
    range->n_sizeranges = (size_t)f->rank;
    range->sizeranges = ANM_ARENA_ARRAY(arena, Pb__SizeRange *, f->rank);
    if (!range->sizeranges) return false;
    for (int i = 0; i < f->rank; i++) {
        range->sizeranges[i] = make_size_range(arena, f->lower[i], f->upper[i]);
        if (!range->sizeranges[i]) return false;
    }
    array->shaperange = range;
    array->shape_flexibility_case = PB__ARRAY_FEATURE_TYPE__SHAPE_FLEXIBILITY_SHAPE_RANGE;
    return true;
}

static Pb__ArrayFeatureType__Shape *make_shape(anm_arena *arena, const int64_t *dims, int rank) {
    Pb__ArrayFeatureType__Shape *shape =
        ANM_PROTO_NEW(arena, Pb__ArrayFeatureType__Shape, pb__array_feature_type__shape);
    if (!shape) return NULL;
    shape->n_shape = (size_t)rank;
    shape->shape = anm_arena_copy(arena, dims, (size_t)rank * sizeof *dims);
    return shape->shape ? shape : NULL;
}

static bool make_enumerated(anm_arena *arena, const anm_feature *f, Pb__ArrayFeatureType *array) {
    Pb__ArrayFeatureType__EnumeratedShapes *e = ANM_PROTO_NEW(
        arena, Pb__ArrayFeatureType__EnumeratedShapes, pb__array_feature_type__enumerated_shapes);
    if (!e) return false;
    e->n_shapes = f->shape_count;
    e->shapes = ANM_ARENA_ARRAY(arena, Pb__ArrayFeatureType__Shape *, f->shape_count);
    if (!e->shapes) return false;
    for (size_t i = 0; i < f->shape_count; i++) {
        e->shapes[i] = make_shape(arena, f->shapes[i], f->rank);
        if (!e->shapes[i]) return false;
    }
    array->enumeratedshapes = e;
    array->shape_flexibility_case = PB__ARRAY_FEATURE_TYPE__SHAPE_FLEXIBILITY_ENUMERATED_SHAPES;
    return true;
}

static Pb__ArrayFeatureType *make_array(anm_arena *arena, const anm_feature *f) {
    Pb__ArrayFeatureType *array =
        ANM_PROTO_NEW(arena, Pb__ArrayFeatureType, pb__array_feature_type);
    if (!array) return NULL;
    array->n_shape = (size_t)f->rank;
    array->shape = anm_arena_copy(arena, f->shape, (size_t)f->rank * sizeof *f->shape);
    array->datatype = code_of(f->dtype);
    bool ok = array->shape != NULL;
    if (f->shape_kind == ANM_SHAPE_RANGE) ok = ok && make_range(arena, f, array);
    if (f->shape_kind == ANM_SHAPE_ENUMERATED) ok = ok && make_enumerated(arena, f, array);
    return ok ? array : NULL;
}

static Pb__FeatureDescription *make_feature(anm_arena *arena, const anm_feature *f, bool state) {
    Pb__FeatureDescription *message =
        ANM_PROTO_NEW(arena, Pb__FeatureDescription, pb__feature_description);
    Pb__FeatureType *type = ANM_PROTO_NEW(arena, Pb__FeatureType, pb__feature_type);
    Pb__ArrayFeatureType *array = make_array(arena, f);
    if (!message || !type || !array) return NULL;
    message->name = (char *)f->name;
    message->shortdescription = (char *)(f->description ? f->description : "");
    message->type = type;
    type->isoptional = f->optional;
    type->type_case = PB__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE;
    type->multiarraytype = array;
    if (!state) return message;
    Pb__StateFeatureType *wrapped =
        ANM_PROTO_NEW(arena, Pb__StateFeatureType, pb__state_feature_type);
    if (!wrapped) return NULL;
    wrapped->arraytype = array;
    type->type_case = PB__FEATURE_TYPE__TYPE_STATE_TYPE;
    type->statetype = wrapped;
    return message;
}

static bool make_features(anm_arena *arena, const anm_feature *features, size_t count, bool state,
                          Pb__FeatureDescription ***out, size_t *out_count) {
    *out = ANM_ARENA_ARRAY(arena, Pb__FeatureDescription *, count);
    if (!*out) return false;
    for (size_t i = 0; i < count; i++)
        if (!((*out)[i] = make_feature(arena, &features[i], state))) return false;
    *out_count = count;
    return true;
}

static Pb__FunctionDescription *make_function(anm_arena *arena, const anm_interface *f) {
    Pb__FunctionDescription *m =
        ANM_PROTO_NEW(arena, Pb__FunctionDescription, pb__function_description);
    if (!m) return NULL;
    m->name = (char *)f->name;
    bool ok = make_features(arena, f->inputs, f->input_count, false, &m->input, &m->n_input) &&
              make_features(arena, f->outputs, f->output_count, false, &m->output, &m->n_output) &&
              make_features(arena, f->states, f->state_count, true, &m->state, &m->n_state);
    return ok ? m : NULL;
}

static bool make_functions(anm_arena *arena, const anm_description *d, Pb__ModelDescription *m) {
    m->functions = ANM_ARENA_ARRAY(arena, Pb__FunctionDescription *, d->function_count);
    if (!m->functions) return false;
    m->n_functions = d->function_count;
    m->defaultfunctionname = (char *)d->default_function;
    for (size_t i = 0; i < d->function_count; i++)
        if (!(m->functions[i] = make_function(arena, &d->functions[i]))) return false;
    return true;
}

static bool make_single(anm_arena *arena, const anm_interface *f, Pb__ModelDescription *m) {
    return make_features(arena, f->inputs, f->input_count, false, &m->input, &m->n_input) &&
           make_features(arena, f->outputs, f->output_count, false, &m->output, &m->n_output) &&
           make_features(arena, f->states, f->state_count, true, &m->state, &m->n_state);
}

static const char *or_empty(const char *text) {
    return text ? text : "";
}

static Pb__Metadata *make_metadata(anm_arena *arena, const anm_description *d) {
    Pb__Metadata *m = ANM_PROTO_NEW(arena, Pb__Metadata, pb__metadata);
    if (!m) return NULL;
    m->shortdescription = (char *)or_empty(d->summary);
    m->versionstring = (char *)or_empty(d->version);
    m->author = (char *)or_empty(d->author);
    m->license = (char *)or_empty(d->license);
    m->n_userdefined = d->user_count;
    m->userdefined = ANM_ARENA_ARRAY(arena, Pb__Metadata__UserDefinedEntry *, d->user_count);
    if (!m->userdefined) return NULL;
    for (size_t i = 0; i < d->user_count; i++) {
        Pb__Metadata__UserDefinedEntry *e =
            ANM_PROTO_NEW(arena, Pb__Metadata__UserDefinedEntry, pb__metadata__user_defined_entry);
        if (!e) return NULL;
        e->key = (char *)d->user[i].key;
        e->value = (char *)d->user[i].value;
        m->userdefined[i] = e;
    }
    return m;
}

Pb__ModelDescription *anm_description_write(anm_arena *arena, const anm_description *d) {
    Pb__ModelDescription *m = ANM_PROTO_NEW(arena, Pb__ModelDescription, pb__model_description);
    if (!m) return NULL;
    m->metadata = make_metadata(arena, d);
    bool ok = d->multi ? make_functions(arena, d, m) : make_single(arena, &d->functions[0], m);
    return ok && m->metadata ? m : NULL;
}
