/* SPDX-License-Identifier: MIT */
/* What passes make of a function, as text. */
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/str.h"
#include "src/mil/text.h"
#include "src/pass/pass.h"
#include "src/program/fast.h"

int anm_pass_info_at(size_t index, anm_pass_info *info) {
    const anm_pass *pass = anm_pass_at(index);
    *info = pass ? (anm_pass_info){pass->name, pass->doc} : (anm_pass_info){0};
    return pass != NULL;
}

static bool is_pass(const char *name, size_t length) {
    const anm_pass *pass;
    for (size_t i = 0; (pass = anm_pass_at(i)); i++)
        if (strlen(pass->name) == length && strncmp(pass->name, name, length) == 0) return true;
    return length == 3 && strncmp(name, "all", 3) == 0;
}

static anm_status check_names(const char *list, anm_error *err) {
    for (const char *p = list;; p++) {
        size_t length = strcspn(p, ",");
        if (!is_pass(p, length)) {
            anm_strbuf names = {0};
            const anm_pass *pass;
            for (size_t i = 0; (pass = anm_pass_at(i)); i++)
                anm_strbuf_printf(&names, "%s, ", pass->name);
            anm_status status =
                anm_fail(err, ANM_ERROR_ARGUMENT, "passes",
                         "\"%.*s\" is no pass; there are %sand all",
                         (int)(length < 80 ? length : 80), p, anm_strbuf_cstr(&names));
            anm_strbuf_free(&names);
            return status;
        }
        p += length;
        if (!*p) return ANM_OK;
    }
}

typedef struct printing {
    const char *passes;
    size_t elide;
    anm_text_fn write;
    void *context;
} printing;

static anm_status print_after(void *context, const char *pass, const anm_flow *g, anm_error *err) {
    const printing *p = context;
    anm_strbuf text = {0};
    anm_mil_text_options options = {.elide_above = p->elide};
    if (!anm_pass_listed(p->passes, pass)) return ANM_OK;
    anm_strbuf_printf(&text, "// after pass %s\n", pass);
    anm_mil_text_print(g->program, &options, &text);
    anm_strbuf_putc(&text, '\n');
    anm_status status = ANM_OK;
    if (text.failed) status = anm_fail_memory(err);
    else if (p->write(p->context, text.data, text.len) != 0)
        status = anm_fail(err, ANM_ERROR_CANCELLED, NULL, "stopped");
    anm_strbuf_free(&text);
    return status;
}

/* The shaped input of this name; NULL for a state, whose shape is always known. */
static const anm_tensor *find_shape(const anm_function *f, const anm_tensor *shaped,
                                    const char *name) {
    for (size_t i = 0; i < f->input_count; i++)
        if (strcmp(shaped[i].name, name) == 0) return &shaped[i];
    return NULL;
}

static anm_status copy_function(const anm_function *f, anm_flow *g, anm_error *err) {
    size_t count = f->mil->input_count;
    anm_tensor *shaped = anm_calloc(f->input_count + 1, sizeof *shaped);
    const anm_tensor **shapes = anm_calloc(count + 1, sizeof *shapes);
    anm_status status = shaped && shapes ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK) status = anm_function_shape_inputs(f, NULL, 0, shaped, err);
    for (size_t i = 0; i < count && status == ANM_OK; i++)
        shapes[i] = find_shape(f, shaped, f->mil->inputs[i]->name);
    if (status == ANM_OK) status = anm_flow_copy(f->mil, shapes, g, err);
    anm_free(shaped);
    anm_free(shapes);
    return status;
}

anm_status anm_function_print_passes(const anm_function *function, const char *passes,
                                     size_t elide, anm_text_fn write, void *context,
                                     anm_error *err) {
    printing p = {passes, elide, write, context};
    anm_pass_options options = {.after = print_after, .context = &p};
    anm_flow g = {0};
    ANM_TRY(check_names(passes, err));
    ANM_TRY(anm_function_check_usable(function, err));
    anm_status status = copy_function(function, &g, err);
    if (status == ANM_OK) status = anm_pass_run_all(&g, &options, err);
    anm_flow_free(&g);
    return status;
}
