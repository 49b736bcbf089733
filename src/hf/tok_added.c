/* SPDX-License-Identifier: MIT */
/* Finding added tokens in a text. Loading: tok_added_load.c. */
#include "src/hf/tok_added.h"

#include "src/hf/tok_unicode.h"

void anm_added_free(anm_added *a) {
    anm_vec_free(&a->tokens);
    anm_map_free(&a->by_text);
    anm_map_free(&a->by_id);
    anm_trie_free(&a->plain);
    anm_trie_free(&a->normalized);
}

const anm_added_token *anm_added_by_text(const anm_added *a, anm_sv text) {
    uint64_t index;
    return anm_map_get(&a->by_text, text, &index) ? &a->tokens.data[index] : NULL;
}

const anm_added_token *anm_added_by_id(const anm_added *a, int32_t id) {
    uint64_t index;
    anm_sv key = {(const char *)&id, sizeof id};
    return anm_map_get(&a->by_id, key, &index) ? &a->tokens.data[index] : NULL;
}

void anm_added_start(anm_added_finder *f, const anm_added *added, bool normalized,
                     bool parse_special, anm_sv text) {
    *f = (anm_added_finder){.added = added,
                            .trie = normalized ? &added->normalized : &added->plain,
                            .text = text,
                            .parse_special = parse_special};
}

static bool word_before(anm_sv text, size_t at) {
    size_t width;
    return at > 0 && anm_char_is_word(anm_utf8_get(text.data + anm_utf8_before(text.data, at),
                                                   &width));
}

static bool word_at(anm_sv text, size_t at) {
    size_t width;
    return at < text.len && anm_char_is_word(anm_utf8_get(text.data + at, &width));
}

/* Back over white space, but not into what was given out already. */
static size_t strip_left(anm_sv text, size_t start, size_t floor) {
    size_t width;
    while (start > floor) {
        size_t before = anm_utf8_before(text.data, start);
        if (!anm_char_is_space(anm_utf8_get(text.data + before, &width))) break;
        start = before;
    }
    return start < floor ? floor : start;
}

static size_t strip_right(anm_sv text, size_t end) {
    size_t width;
    while (end < text.len && anm_char_is_space(anm_utf8_get(text.data + end, &width)))
        end += width;
    return end;
}

/* The next match that counts. One that is discarded has used up its text all the same. */
static bool find_token(anm_added_finder *f, anm_added_span *out) {
    int32_t index;
    while (anm_trie_find(f->trie, f->text, f->search, &out->start, &out->end, &index)) {
        const anm_added_token *token = &f->added->tokens.data[index];
        f->search = out->end;
        if (token->special && !f->parse_special) continue;
        if (token->single_word && (word_before(f->text, out->start) || word_at(f->text, out->end)))
            continue;
        /* The white space that a token before this one swallowed is gone. */
        if (token->lstrip) out->start = strip_left(f->text, out->start, f->covered);
        if (token->rstrip) out->end = strip_right(f->text, out->end);
        out->token = token;
        return true;
    }
    return false;
}

bool anm_added_next(anm_added_finder *f, anm_added_span *out) {
    if (f->held) {
        f->held = false;
        *out = f->token;
        f->covered = out->end;
        return true;
    }
    if (find_token(f, &f->token)) {
        f->held = f->token.start > f->covered;
        *out = f->held ? (anm_added_span){f->covered, f->token.start, NULL} : f->token;
        f->covered = out->end;
        return true;
    }
    f->search = f->text.len;
    *out = (anm_added_span){f->covered, f->text.len, NULL};
    f->covered = f->text.len;
    return out->start < out->end;
}
