/* SPDX-License-Identifier: MIT */
/* Making and destroying grammars; schemas are made in schema.c. */
#include "src/grammar/gbnf.h"
#include "src/grammar/grammar_graph.h"
#include "src/grammar/grammar_json.h"

static anm_status compile_root(const anm_grammar_book *book, anm_sv text, const char *where,
                               anm_grammar **out, anm_error *err) {
    uint64_t root;
    if (!anm_map_get(&book->by_name, anm_sv_from("root"), &root))
        return anm_fail(err, ANM_ERROR_FORMAT, where, "there is no rule \"root\"");
    return anm_graph_compile(book, (uint32_t)root, text, where, out, err);
}

anm_status anm_grammar_parse(const char *text, size_t len, const char *where, anm_grammar **out,
                             anm_error *err) {
    anm_grammar_book book;
    anm_sv all = {text, len};
    *out = NULL;
    if (!where) where = "grammar";
    anm_status status = anm_book_init(&book) ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK) status = anm_gbnf_read(&book, all, where, err);
    if (status == ANM_OK) status = compile_root(&book, all, where, out, err);
    anm_book_free(&book);
    return status;
}

anm_status anm_grammar_json(bool object_only, anm_grammar **out, anm_error *err) {
    anm_grammar_book book;
    anm_sv rules = anm_sv_from(anm_grammar_json_rules);
    anm_sv root = anm_sv_from(object_only ? "object" : "value");
    *out = NULL;
    anm_status status = anm_book_init(&book) ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK) status = anm_gbnf_read(&book, rules, "json", err);
    if (status == ANM_OK)
        status = anm_graph_compile(&book, anm_book_rule(&book, root, 0), rules, "json", out, err);
    anm_book_free(&book);
    return status;
}

void anm_grammar_destroy(anm_grammar *grammar) {
    if (!grammar) return;
    anm_vec_free(&grammar->nodes);
    anm_vec_free(&grammar->sets);
    anm_vec_free(&grammar->rules);
    anm_free(grammar->productive);
    anm_free(grammar);
}
