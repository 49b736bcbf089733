/* SPDX-License-Identifier: MIT */
#include "src/cli/mdterm.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { HEAD_SIZE = 128, NARROWEST = 8 };

typedef enum md_block {
    MD_UNDECIDED, /* the line's start may still become a mark */
    MD_TEXT,
    MD_VERBATIM, /* a table's row, code, or a line of a fence: no marks, no wrapping */
} md_block;

struct mdterm {
    mdterm_options o;
    bool failed, dim;
    /* The line: its undecided start, what it turned out to be, and how far it is written. */
    md_block block;
    char head[HEAD_SIZE];
    size_t head_length;
    int hanging; /* columns of indentation of wrapped rows */
    bool quote;
    int column, spaces; /* written, and held back until a word follows */
    /* Code between fences. */
    char fence;
    size_t fence_length;
    /* Inline styles. */
    bool bold, italic, heading;
    size_t code; /* back-ticks that opened it; 0: none */
    char run;    /* a run of marks that is not over, its length, and what stood before it */
    size_t run_length;
    int before;
    bool escaped;
    /* The word being read. Styles are in its bytes, but not in its width. */
    char *word;
    size_t word_length, word_capacity;
    int word_width;
    /* A character that is not complete. */
    unsigned char partial[4];
    size_t partial_length, partial_wanted;
    char style[32]; /* the escape sequence that was written last */
};

static bool fancy(const mdterm *m) {
    return m->o.colour && m->o.unicode;
}

mdterm *mdterm_open(const mdterm_options *options) {
    mdterm *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->o = *options;
    if (m->o.columns < NARROWEST) m->o.columns = NARROWEST;
    m->before = ' ';
    strcpy(m->style, "\033[0m");
    return m;
}

void mdterm_free(mdterm *m) {
    if (m) free(m->word);
    free(m);
}

static void put(mdterm *m, const char *text, size_t length) {
    if (length && fwrite(text, 1, length, m->o.out) != length) m->failed = true;
}

static void put_text(mdterm *m, const char *text) {
    put(m, text, strlen(text));
}

/* --- words and rows ------------------------------------------------------------------------- */

static void add_to_word(mdterm *m, const char *bytes, size_t length, int width) {
    if (m->word_length + length > m->word_capacity) {
        size_t wanted = (m->word_length + length) * 2 + 32;
        char *grown = realloc(m->word, wanted);
        if (!grown) {
            m->failed = true;
            return;
        }
        m->word = grown;
        m->word_capacity = wanted;
    }
    memcpy(m->word + m->word_length, bytes, length);
    m->word_length += length;
    m->word_width += width;
}

/* One escape sequence that says all of the style, so that no order of marks can confuse it. */
static void add_style(mdterm *m) {
    if (!m->o.colour) return;
    char sequence[sizeof m->style];
    int length = snprintf(sequence, sizeof sequence, "\033[0%s%s%s%s%sm", m->dim ? ";2" : "",
                          m->bold || m->heading ? ";1" : "", m->italic ? ";3" : "",
                          m->heading ? ";4" : "", m->code || m->fence ? ";36" : "");
    if (strcmp(sequence, m->style) == 0) return;
    memcpy(m->style, sequence, sizeof sequence);
    add_to_word(m, sequence, (size_t)length, 0);
}

static void put_spaces(mdterm *m, int count) {
    for (int i = 0; i < count; i++) put(m, " ", 1);
}

static void new_row(mdterm *m) {
    put(m, "\n", 1);
    if (m->quote) put_text(m, fancy(m) ? "│ " : "> ");
    put_spaces(m, m->hanging - (m->quote ? 2 : 0));
    m->column = m->hanging;
}

static void flush_word(mdterm *m) {
    if (m->word_length == 0) return;
    if (m->word_width > 0) {
        if (m->column > m->hanging && m->column + m->spaces + m->word_width > m->o.columns)
            new_row(m);
        else put_spaces(m, m->spaces), m->column += m->spaces;
        m->spaces = 0;
    }
    put(m, m->word, m->word_length);
    m->column += m->word_width;
    m->word_length = 0;
    m->word_width = 0;
}

/* --- inline marks --------------------------------------------------------------------------- */

static bool is_word_char(int c) {
    return c >= 128 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void add_character(mdterm *m, const char *bytes, size_t length, int width) {
    if (width == 2) flush_word(m); /* scripts without spaces wrap anywhere */
    add_to_word(m, bytes, length, width);
    if (width == 2) flush_word(m);
}

static void add_literal_run(mdterm *m) {
    for (size_t i = 0; i < m->run_length; i++) add_to_word(m, &m->run, 1, 1);
}

/* Whether a run of '*' or '_' between these two characters opens or closes; neither: text. */
static bool toggles(const mdterm *m, int after) {
    bool open = m->run_length >= 2 ? m->bold : m->italic;
    bool beside = open ? m->before != ' ' : after != ' ';
    bool within = is_word_char(m->before) && is_word_char(after);
    return beside && m->run_length <= 3 && !(m->run == '_' && within);
}

static void end_emphasis(mdterm *m, int after) {
    if (!toggles(m, after)) {
        add_literal_run(m);
        return;
    }
    if (m->run_length != 2) m->italic = !m->italic;
    if (m->run_length != 1) m->bold = !m->bold;
    add_style(m);
}

static void end_ticks(mdterm *m) {
    if (m->code && m->code != m->run_length) {
        add_literal_run(m);
        return;
    }
    m->code = m->code ? 0 : m->run_length;
    add_style(m);
}

/* `after` is the character that ended the run. */
static void end_run(mdterm *m, int after) {
    if (!m->run_length) return;
    if (m->run == '`') end_ticks(m);
    else end_emphasis(m, after);
    m->before = m->run;
    m->run_length = 0;
}

static bool starts_run(const mdterm *m, char c) {
    return m->o.colour && (c == '`' || (!m->code && (c == '*' || c == '_')));
}

static const char escapable[] = "\\`*_{}[]()#+-.!|~<>";

/* A character of a line of text. */
static void text_character(mdterm *m, const char *bytes, size_t length, int width) {
    char c = length == 1 ? *bytes : 'x';
    if (m->run_length && c == m->run && !m->escaped) {
        m->run_length++;
        return;
    }
    end_run(m, (unsigned char)*bytes == '\n' ? ' ' : (unsigned char)*bytes);
    if (m->escaped && !strchr(escapable, c)) add_to_word(m, "\\", 1, 1);
    else if (!m->escaped && c == '\\' && m->o.colour && !m->code) {
        m->escaped = true;
        return;
    }
    if (!m->escaped && starts_run(m, c)) {
        m->run = c;
        m->run_length = 1;
        return;
    }
    m->escaped = false;
    m->before = (unsigned char)*bytes;
    if (c != ' ') {
        add_character(m, bytes, length, width);
        return;
    }
    flush_word(m);
    m->spaces++;
}

/* --- the start of a line -------------------------------------------------------------------- */

typedef struct md_head {
    size_t indent, marks; /* spaces, then marks of the kind of the first */
    char mark;            /* '\0': only spaces so far */
    char next;            /* after the marks; '\0': nothing yet */
} md_head;

static md_head read_head(const mdterm *m) {
    md_head h = {0};
    size_t at = 0;
    while (at < m->head_length && m->head[at] == ' ') at++;
    h.indent = at;
    if (at < m->head_length) h.mark = m->head[at];
    bool number = h.mark >= '0' && h.mark <= '9';
    while (at < m->head_length &&
           (number ? m->head[at] >= '0' && m->head[at] <= '9' : m->head[at] == h.mark))
        at++;
    h.marks = at - h.indent;
    if (at < m->head_length) h.next = m->head[at];
    return h;
}

static void add_head(mdterm *m, size_t from) {
    size_t length = m->head_length;
    m->block = MD_TEXT;
    m->head_length = 0;
    for (size_t i = from; i < length; i++) text_character(m, m->head + i, 1, 1);
}

static void indent_line(mdterm *m, size_t indent) {
    put_spaces(m, (int)indent);
    m->column += (int)indent;
}

static void begin_heading(mdterm *m, const md_head *h) {
    m->heading = true;
    add_style(m);
    add_head(m, m->o.colour ? h->indent + h->marks + 1 : h->indent);
}

/* "- ", or "12. ": the text's later rows stand below its first letter. */
static void begin_item(mdterm *m, const md_head *h, size_t marker) {
    indent_line(m, h->indent);
    if (fancy(m) && marker == 1) add_to_word(m, "•", strlen("•"), 1);
    else add_to_word(m, m->head + h->indent, marker, (int)marker);
    add_to_word(m, " ", 1, 1);
    flush_word(m);
    m->hanging = m->column;
    m->block = MD_TEXT;
    m->head_length = 0;
}

static void begin_quote(mdterm *m, const md_head *h) {
    const char *bar = fancy(m) ? "│ " : "> ";
    add_to_word(m, bar, strlen(bar), 2);
    flush_word(m);
    m->quote = true;
    m->hanging = 2;
    add_head(m, h->indent + 1 + (h->next == ' '));
}

static void begin_verbatim(mdterm *m) {
    m->block = MD_VERBATIM;
    add_to_word(m, m->head, m->head_length, 0);
    flush_word(m);
    m->head_length = 0;
}

static void begin_text(mdterm *m, const md_head *h) {
    indent_line(m, h->indent);
    m->hanging = (int)h->indent;
    add_head(m, h->indent);
}

static bool is_fence(const md_head *h) {
    return (h->mark == '`' || h->mark == '~') && h->marks >= 3;
}

/* A line of three or more of these, and nothing else, is a rule. */
static bool may_be_rule(const md_head *h) {
    return h->mark == '-' || h->mark == '*' || h->mark == '_';
}

static bool is_item_mark(const md_head *h) {
    return h->marks == 1 && (h->mark == '-' || h->mark == '*' || h->mark == '+');
}

/* "12." or "12)" and what follows. */
static bool decide_number(mdterm *m, const md_head *h) {
    if (h->next == '\0') return h->marks <= 9;
    if (h->next != '.' && h->next != ')') return false;
    size_t after = h->indent + h->marks + 1;
    if (m->head_length == after) return true;
    if (m->head[after] == ' ') begin_item(m, h, h->marks + 1);
    else begin_text(m, h);
    return true;
}

/* Decides if it can; otherwise more of the line is needed. */
static void decide(mdterm *m) {
    md_head h = read_head(m);
    bool full = m->head_length == HEAD_SIZE;
    int widest = m->o.columns / 2;
    if (h.mark == '\0' && !full && (int)h.indent < widest) return;
    if (h.mark == '|' || (m->fence && (!is_fence(&h) || h.mark != m->fence) && h.next)) {
        begin_verbatim(m);
    } else if (m->fence) {
        if (full || h.mark != m->fence) begin_verbatim(m);
    } else if (h.mark >= '0' && h.mark <= '9') {
        if (!decide_number(m, &h)) begin_text(m, &h);
    } else if (h.next == '\0' && !full && strchr("#`~-*+_>", h.mark)) {
        return;
    } else if (h.mark == '>') {
        begin_quote(m, &h);
    } else if (h.mark == '#' && h.marks <= 6 && h.next == ' ') {
        begin_heading(m, &h);
    } else if (is_fence(&h)) {
        m->fence = h.mark;
        m->fence_length = h.marks;
        add_style(m);
        begin_verbatim(m);
    } else if (is_item_mark(&h) && h.next == ' ') {
        begin_item(m, &h, 1);
    } else {
        begin_text(m, &h);
    }
}

static void put_rule(mdterm *m) {
    int columns = m->o.columns < 40 ? m->o.columns : 40;
    for (int i = 0; i < columns; i++) put_text(m, fancy(m) ? "─" : "-");
    m->column = columns;
}

/* The line ended before its start was decided. */
static void decide_at_end(mdterm *m) {
    md_head h = read_head(m);
    size_t trailing = m->head_length;
    while (trailing > h.indent && m->head[trailing - 1] == ' ') trailing--;
    bool alone = h.indent + h.marks == trailing;
    if (m->fence) {
        bool closes = h.mark == m->fence && alone && h.marks >= m->fence_length;
        begin_verbatim(m);
        if (closes) m->fence = '\0';
    } else if (is_fence(&h)) {
        m->fence = h.mark;
        m->fence_length = h.marks;
        add_style(m);
        begin_verbatim(m);
    } else if (may_be_rule(&h) && alone && h.marks >= 3) {
        put_rule(m);
    } else if (h.mark) {
        begin_text(m, &h);
    }
    m->head_length = 0;
}

/* --- characters and lines ------------------------------------------------------------------- */

static void finish_line(mdterm *m) {
    if (m->block == MD_UNDECIDED) decide_at_end(m);
    if (m->escaped) add_to_word(m, "\\", 1, 1);
    end_run(m, ' ');
    m->escaped = m->bold = m->italic = m->heading = false;
    m->code = 0;
    add_style(m);
    flush_word(m);
    m->block = MD_UNDECIDED;
    m->hanging = m->spaces = 0;
    m->quote = false;
    m->before = ' ';
}

static void take_character(mdterm *m, const char *bytes, size_t length, int width) {
    if (length == 1 && *bytes == '\n') {
        finish_line(m);
        put(m, "\n", 1);
        m->column = 0;
    } else if (m->block == MD_VERBATIM) {
        put(m, bytes, length);
        m->column += width;
    } else if (m->block == MD_TEXT) {
        text_character(m, bytes, length, width);
    } else if (length == 1 && m->head_length < HEAD_SIZE) {
        m->head[m->head_length++] = *bytes;
        decide(m);
    } else { /* no mark is beyond ASCII */
        md_head h = read_head(m);
        if (m->fence) begin_verbatim(m);
        else begin_text(m, &h);
        take_character(m, bytes, length, width);
    }
}

/* Whatever could move the cursor or change the terminal is shown as a question mark. */
static void take_ascii(mdterm *m, char c) {
    if (c == '\r') return;
    if (c == '\t') {
        for (int i = 0; i < 4; i++) take_character(m, " ", 1, 1);
        return;
    }
    bool control = (c < ' ' && c != '\n') || c == 127;
    take_character(m, control ? "?" : &c, 1, 1);
}

static void take_multibyte(mdterm *m) {
    utf8proc_int32_t c;
    utf8proc_ssize_t read =
        utf8proc_iterate(m->partial, (utf8proc_ssize_t)m->partial_length, &c);
    bool control = read < 0 || (c >= 0x80 && c < 0xa0);
    if (control) take_character(m, "?", 1, 1);
    else take_character(m, (const char *)m->partial, m->partial_length, utf8proc_charwidth(c));
    m->partial_length = 0;
}

static void take_byte(mdterm *m, unsigned char b) {
    bool continues = (b & 0xc0) == 0x80;
    if (m->partial_length && !continues) take_multibyte(m);
    if (b < 0x80) {
        take_ascii(m, (char)b);
        return;
    }
    if (m->partial_length == 0)
        m->partial_wanted = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : b >= 0xc0 ? 2 : 1;
    m->partial[m->partial_length++] = b;
    if (m->partial_length >= m->partial_wanted) take_multibyte(m);
}

bool mdterm_write(mdterm *m, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) take_byte(m, (unsigned char)text[i]);
    if (fflush(m->o.out) != 0) m->failed = true;
    return !m->failed;
}

bool mdterm_end(mdterm *m) {
    if (m->partial_length) take_multibyte(m);
    m->dim = false;
    finish_line(m);
    if (m->fence) {
        m->fence = '\0';
        add_style(m);
        flush_word(m);
    }
    if (m->column) put(m, "\n", 1);
    m->column = 0;
    if (fflush(m->o.out) != 0) m->failed = true;
    return !m->failed;
}

void mdterm_dim(mdterm *m, bool dim) {
    mdterm_end(m);
    m->dim = dim;
    add_style(m);
    flush_word(m);
}
