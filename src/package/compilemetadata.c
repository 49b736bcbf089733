/* SPDX-License-Identifier: MIT */
/*
 * metadata.json: what Xcode and other tools show of a compiled model. CoreML itself does not need
 * it.
 */
#include <string.h>

#include "src/package/compile.h"

static json_t *schema(Pb__FeatureDescription *const *features, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, anm_compile_feature(features[i]));
    return array;
}

static void set_if_text(json_t *object, const char *key, const char *text) {
    if (text && *text) json_object_set_new(object, key, json_string(text));
}

static void set_if_known(json_t *object, const char *key, json_t *value) {
    if (json_is_null(value)) json_decref(value);
    else json_object_set_new(object, key, value);
}

static void add_program(json_t *object, const anm_mil_function *function) {
    json_object_set_new(object, "mlProgramOperationTypeHistogram", anm_compile_histogram(function));
    set_if_known(object, "computePrecision", anm_compile_compute_precision(function));
    set_if_known(object, "storagePrecision", anm_compile_storage_precision(function));
}

static json_t *make_function(const anm_mil_program *program, const Pb__FunctionDescription *f) {
    const anm_mil_function *function = anm_mil_program_find(program, f->name);
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(f->name));
    json_object_set_new(object, "inputSchema", schema(f->input, f->n_input));
    json_object_set_new(object, "outputSchema", schema(f->output, f->n_output));
    json_object_set_new(object, "stateSchema", schema(f->state, f->n_state));
    if (function) add_program(object, function);
    return object;
}

/* The default function stands at the top level too. */
static void add_functions(json_t *root, const anm_mil_program *program,
                          const Pb__ModelDescription *d) {
    static const char *const shared[] = {"inputSchema",      "outputSchema",
                                         "stateSchema",      "mlProgramOperationTypeHistogram",
                                         "computePrecision", "storagePrecision"};
    json_t *functions = json_array();
    for (size_t i = 0; i < d->n_functions; i++) {
        json_t *f = make_function(program, d->functions[i]);
        bool standard = strcmp(d->functions[i]->name, d->defaultfunctionname) == 0;
        for (size_t k = 0; standard && k < sizeof shared / sizeof shared[0]; k++)
            if (json_object_get(f, shared[k]))
                json_object_set(root, shared[k], json_object_get(f, shared[k]));
        json_array_append_new(functions, f);
    }
    json_object_set_new(root, "functions", functions);
    json_object_set_new(root, "defaultFunctionName", json_string(d->defaultfunctionname));
}

static void add_single(json_t *root, const anm_mil_program *program,
                       const Pb__ModelDescription *d) {
    const anm_mil_function *function = anm_mil_program_find(program, "main");
    json_object_set_new(root, "inputSchema", schema(d->input, d->n_input));
    json_object_set_new(root, "outputSchema", schema(d->output, d->n_output));
    json_object_set_new(root, "stateSchema", schema(d->state, d->n_state));
    if (function) add_program(root, function);
}

static json_t *availability(int spec_version) {
    static const struct {
        const char *mac, *ios, *watch, *vision;
    } systems[] = {{"12.0", "15.0", "8.0", "1.0"},
                   {"13.0", "16.0", "9.0", "1.0"},
                   {"14.0", "17.0", "10.0", "1.0"},
                   {"15.0", "18.0", "11.0", "2.0"}};
    int at = spec_version < 6 ? 0 : spec_version > 9 ? 3 : spec_version - 6;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "macOS", systems[at].mac, "tvOS",
                     systems[at].ios, "visionOS", systems[at].vision, "watchOS", systems[at].watch,
                     "iOS", systems[at].ios, "macCatalyst", systems[at].ios);
}

static void add_user_metadata(json_t *root, const Pb__Metadata *m) {
    json_t *user = json_object();
    if (m) {
        set_if_text(root, "shortDescription", m->shortdescription);
        set_if_text(root, "author", m->author);
        set_if_text(root, "version", m->versionstring);
        set_if_text(root, "license", m->license);
        for (size_t i = 0; i < m->n_userdefined; i++)
            json_object_set_new(user, m->userdefined[i]->key,
                                json_string(m->userdefined[i]->value));
    }
    json_object_set_new(root, "userDefinedMetadata", user);
}

/* The name of a Swift class made of a file name. */
static json_t *class_name(const char *stem) {
    anm_strbuf text = {0};
    if (*stem >= '0' && *stem <= '9') anm_strbuf_putc(&text, '_');
    for (const char *c = stem; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || *c == '_';
        anm_strbuf_putc(&text, plain ? *c : '_');
    }
    json_t *value = text.failed ? NULL : json_string(anm_strbuf_cstr(&text));
    anm_strbuf_free(&text);
    return value;
}

json_t *anm_compile_metadata(const anm_mil_program *program,
                             const Pb__ModelDescription *description, const char *stem) {
    json_t *root = json_object(), *list = json_array();
    json_object_set_new(root, "metadataOutputVersion", json_string("3.0"));
    add_user_metadata(root, description->metadata);
    if (description->n_functions) add_functions(root, program, description);
    else add_single(root, program, description);
    json_object_set_new(root, "modelParameters", json_array());
    json_object_set_new(root, "specificationVersion", json_integer(program->spec_version));
    json_object_set_new(root, "isUpdatable", json_string("0"));
    json_object_set_new(root, "availability", availability(program->spec_version));
    json_object_set_new(root, "modelType", json_pack("{s:s}", "name", "MLModelType_mlProgram"));
    json_object_set_new(root, "generatedClassName", class_name(stem));
    json_object_set_new(root, "method", json_string("predict"));
    json_array_append_new(list, root);
    return list;
}
