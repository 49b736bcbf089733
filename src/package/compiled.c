/* SPDX-License-Identifier: MIT */
/*
 * coremldata.bin of an ML Program: u32 model type (502), u32 archive version, 20 bytes, u64 7,
 * "generic", u8 specification version, 31 zero bytes, u64 n, n bytes ModelDescription, trailers.
 */
#include "src/package/compiled.h"

#include <string.h>

#include "src/mil/text.h"
#include "src/package/flexibleread.h"
#include "src/package/protoread.h"

enum { TYPE_ML_PROGRAM = 502, SPECIFICATION_AT = 0x2b, LENGTH_AT = 0x4b, PAYLOAD_AT = 0x53 };

static anm_status read_archive(anm_package *p, const char *file, const anm_mapping *m,
                               anm_error *err) {
    uint32_t type = 0;
    uint64_t size = 0;
    Pb__ModelDescription *message;
    if (m->size >= sizeof type) memcpy(&type, m->data, sizeof type);
    if (m->size < PAYLOAD_AT)
        return anm_fail(err, ANM_ERROR_FORMAT, file, "too short for a compiled model's archive");
    if (type != TYPE_ML_PROGRAM)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, file,
                        "model type %u is not an ML Program (502)", type);
    memcpy(&size, m->data + LENGTH_AT, sizeof size);
    if (size > m->size - PAYLOAD_AT)
        return anm_fail_at(err, ANM_ERROR_FORMAT, file, LENGTH_AT,
                           "description of %llu bytes lies outside the file",
                           (unsigned long long)size);
    p->program->spec_version = m->data[SPECIFICATION_AT];
    ANM_TRY(anm_proto_parse_description(m->data + PAYLOAD_AT, (size_t)size, file, &message, err));
    anm_status status = anm_description_read(p->arena, message, file, &p->description, err);
    pb__model_description__free_unpacked(message, NULL);
    p->described = status == ANM_OK;
    return status;
}

/* Features from MIL values, when there is no description to tell more. */
static anm_status describe_values(anm_arena *arena, anm_mil_value *const *values, size_t count,
                                  bool states, anm_feature **out, size_t *out_count,
                                  anm_error *err) {
    *out = ANM_ARENA_ARRAY(arena, anm_feature, count);
    if (!*out) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        const anm_mil_type *type = values[i]->type;
        if ((type->kind == ANM_MIL_STATE) != states) continue;
        if (states) type = type->items[0];
        anm_feature *f = &(*out)[(*out_count)++];
        f->name = values[i]->name;
        f->description = "";
        f->kind = type->kind == ANM_MIL_TENSOR ? ANM_FEATURE_TENSOR : ANM_FEATURE_OTHER;
        f->dtype = type->dtype;
        f->rank = type->rank > 0 ? type->rank : 0;
        for (int d = 0; d < f->rank; d++) {
            f->shape[d] = type->shape[d];
            f->lower[d] = type->shape[d] < 0 ? 1 : type->shape[d];
            f->upper[d] = type->shape[d];
            if (type->shape[d] < 0) f->shape_kind = ANM_SHAPE_RANGE;
        }
    }
    return ANM_OK;
}

static anm_status describe_program(anm_package *p, anm_error *err) {
    anm_description *d = &p->description;
    size_t count = p->program->function_count;
    d->functions = ANM_ARENA_ARRAY(p->arena, anm_interface, count);
    if (!d->functions) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        const anm_mil_function *f = p->program->functions[i];
        anm_interface *face = &d->functions[d->function_count++];
        face->name = f->name;
        face->predicted_feature = "";
        ANM_TRY(describe_values(p->arena, f->inputs, f->input_count, false, &face->inputs,
                                &face->input_count, err));
        ANM_TRY(describe_values(p->arena, f->inputs, f->input_count, true, &face->states,
                                &face->state_count, err));
        ANM_TRY(describe_values(p->arena, f->body->outputs, f->body->output_count, false,
                                &face->outputs, &face->output_count, err));
        ANM_TRY(anm_flexible_read(p->arena, f, face, err));
    }
    d->multi = count > 1;
    d->default_function = count ? d->functions[0].name : "main";
    d->summary = d->version = d->author = d->license = "";
    return ANM_OK;
}

static anm_status load_text(anm_package *p, const char *file, anm_error *err) {
    anm_mapping mapping;
    ANM_TRY(anm_mapping_open(file, &mapping, err));
    anm_status status =
        anm_mil_text_parse((const char *)mapping.data, mapping.size, file, &p->program, err);
    anm_mapping_close(&mapping);
    return status;
}

static anm_status load_archive(anm_package *p, const char *file, anm_error *err) {
    anm_mapping mapping;
    ANM_TRY(anm_mapping_open(file, &mapping, err));
    anm_status status = read_archive(p, file, &mapping, err);
    anm_mapping_close(&mapping);
    return status;
}

anm_status anm_compiled_load(anm_package *p, anm_error *err) {
    const char *mil = anm_path_join(p->arena, p->path, "model.mil");
    const char *archive = anm_path_join(p->arena, p->path, "coremldata.bin");
    const char *espresso = anm_path_join(p->arena, p->path, "model.espresso.net");
    if (!mil || !archive || !espresso) return anm_fail_memory(err);
    if (anm_path_exists(espresso))
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, p->path,
                        "a compiled neural network of the older kind (espresso); only ML "
                        "Programs are supported");
    if (!anm_path_exists(mil))
        return anm_fail(err, ANM_ERROR_NOT_FOUND, p->path,
                        "neither Manifest.json (.mlpackage) nor model.mil (.mlmodelc) is here");
    p->model_path = p->path;
    p->compiled = true;
    ANM_TRY(load_text(p, mil, err));
    if (anm_path_exists(archive)) return load_archive(p, archive, err);
    return describe_program(p, err);
}
