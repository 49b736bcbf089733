/* SPDX-License-Identifier: MIT */
/* Features as metadata.json shows them. Everything is a string. */
#include <inttypes.h>

#include "src/package/compile.h"

enum { GRAY = 10, RGB = 20, BGR = 30, GRAY_FP16 = 40 };

static const char *array_type(int32_t code) {
    switch (code) {
    case 65552: return "Float16";
    case 65568: return "Float32";
    case 65600: return "Double";
    case 131104: return "Int32";
    case 131080: return "Int8";
    default: return NULL;
    }
}

static void put_dims(anm_strbuf *out, const int64_t *dims, size_t count, const char *between) {
    for (size_t i = 0; i < count; i++)
        anm_strbuf_printf(out, "%s%" PRId64, i ? between : "", dims[i]);
}

static void put_shape(anm_strbuf *out, const int64_t *dims, size_t count) {
    anm_strbuf_putc(out, '[');
    put_dims(out, dims, count, ", ");
    anm_strbuf_putc(out, ']');
}

/* Takes the text into the object and clears it. */
static void set_text(json_t *object, const char *key, anm_strbuf *text) {
    json_object_set_new(object, key, json_string(anm_strbuf_cstr(text)));
    anm_strbuf_clear(text);
}

static void put_range(anm_strbuf *out, const Pb__SizeRange *range) {
    anm_strbuf_printf(out, "%" PRIu64, range->lowerbound);
    if (range->upperbound < 0) anm_strbuf_puts(out, "...");
    else if ((uint64_t)range->upperbound != range->lowerbound)
        anm_strbuf_printf(out, "...%" PRId64, range->upperbound);
}

static void add_ranges(json_t *object, const Pb__ArrayFeatureType__ShapeRange *range,
                       anm_strbuf *text) {
    for (size_t i = 0; i < range->n_sizeranges; i++) {
        if (i) anm_strbuf_puts(text, " × ");
        put_range(text, range->sizeranges[i]);
    }
    set_text(object, "shapeFlexibility", text);
    anm_strbuf_putc(text, '[');
    for (size_t i = 0; i < range->n_sizeranges; i++)
        anm_strbuf_printf(text, "%s[%" PRIu64 ", %" PRId64 "]", i ? ", " : "",
                          range->sizeranges[i]->lowerbound, range->sizeranges[i]->upperbound);
    anm_strbuf_putc(text, ']');
    set_text(object, "shapeRange", text);
}

static void add_shapes(json_t *object, const Pb__ArrayFeatureType__EnumeratedShapes *shapes,
                       anm_strbuf *text) {
    for (size_t i = 0; i < shapes->n_shapes; i++) {
        if (i) anm_strbuf_puts(text, " | ");
        put_dims(text, shapes->shapes[i]->shape, shapes->shapes[i]->n_shape, " × ");
    }
    set_text(object, "shapeFlexibility", text);
    anm_strbuf_putc(text, '[');
    for (size_t i = 0; i < shapes->n_shapes; i++) {
        if (i) anm_strbuf_puts(text, ", ");
        put_shape(text, shapes->shapes[i]->shape, shapes->shapes[i]->n_shape);
    }
    anm_strbuf_putc(text, ']');
    set_text(object, "enumeratedShapes", text);
}

static void add_array(json_t *object, const Pb__ArrayFeatureType *array, const char *kind,
                      anm_strbuf *text) {
    const char *type = array_type(array->datatype);
    json_object_set_new(object, "dataType", json_string(type));
    anm_strbuf_printf(text, "%s (%s%s", kind, type, array->n_shape ? " " : "");
    put_dims(text, array->shape, array->n_shape, " × ");
    anm_strbuf_putc(text, ')');
    set_text(object, "formattedType", text);
    put_shape(text, array->shape, array->n_shape);
    set_text(object, "shape", text);
}

static void add_flexibility(json_t *object, const Pb__ArrayFeatureType *array, anm_strbuf *text) {
    bool fixed =
        array->shape_flexibility_case == PB__ARRAY_FEATURE_TYPE__SHAPE_FLEXIBILITY__NOT_SET;
    json_object_set_new(object, "hasShapeFlexibility", json_string(fixed ? "0" : "1"));
    if (array->shape_flexibility_case == PB__ARRAY_FEATURE_TYPE__SHAPE_FLEXIBILITY_SHAPE_RANGE)
        add_ranges(object, array->shaperange, text);
    else if (!fixed) add_shapes(object, array->enumeratedshapes, text);
}

static void add_image(json_t *object, const Pb__ImageFeatureType *image, anm_strbuf *text) {
    bool gray = image->colorspace == GRAY || image->colorspace == GRAY_FP16;
    anm_strbuf_printf(text, "%" PRId64, image->width);
    set_text(object, "width", text);
    anm_strbuf_printf(text, "%" PRId64, image->height);
    set_text(object, "height", text);
    anm_strbuf_printf(text, "Image (%s %" PRId64 " × %" PRId64 ")", gray ? "Grayscale" : "Color",
                      image->width, image->height);
    set_text(object, "formattedType", text);
    json_object_set_new(object, "colorspace",
                        json_string(gray                       ? ""
                                    : image->colorspace == BGR ? "BGR"
                                                               : "RGB"));
    json_object_set_new(object, "isColor", json_string(gray ? "0" : "1"));
    json_object_set_new(object, "hasSizeFlexibility", json_string("0"));
}

bool anm_compile_feature_known(const Pb__FeatureDescription *feature) {
    const Pb__FeatureType *type = feature->type;
    if (!type) return false;
    switch (type->type_case) {
    case PB__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE:
        return array_type(type->multiarraytype->datatype) != NULL;
    case PB__FEATURE_TYPE__TYPE_STATE_TYPE:
        return type->statetype->arraytype && array_type(type->statetype->arraytype->datatype);
    case PB__FEATURE_TYPE__TYPE_IMAGE_TYPE: /* sizes to choose from are fields we do not read */
        return type->imagetype->base.n_unknown_fields == 0;
    default: return false;
    }
}

json_t *anm_compile_feature(const Pb__FeatureDescription *feature) {
    const Pb__FeatureType *type = feature->type;
    json_t *object = json_object();
    anm_strbuf text = {0};
    const char *kind = "MultiArray";
    if (type->type_case == PB__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE) {
        add_array(object, type->multiarraytype, kind, &text);
        add_flexibility(object, type->multiarraytype, &text);
    } else if (type->type_case == PB__FEATURE_TYPE__TYPE_STATE_TYPE) {
        kind = "State";
        add_array(object, type->statetype->arraytype, kind, &text);
    } else {
        kind = "Image";
        add_image(object, type->imagetype, &text);
    }
    json_object_set_new(object, "isOptional", json_string(type->isoptional ? "1" : "0"));
    json_object_set_new(object, "name", json_string(feature->name));
    json_object_set_new(object, "shortDescription", json_string(feature->shortdescription));
    json_object_set_new(object, "type", json_string(kind));
    if (text.failed) {
        json_decref(object);
        object = NULL;
    }
    anm_strbuf_free(&text);
    return object;
}
