/* SPDX-License-Identifier: MIT */
#include "src/cli/chatview.h"

#include <ctype.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/cli.h"

static bool renew_terminal(chatview *v) {
    mdterm_options options = {stdout, cli_columns(stdout), v->colour, v->unicode};
    mdterm *fresh = mdterm_open(&options);
    if (!fresh) return false;
    mdterm_free(v->md);
    v->md = fresh;
    return true;
}

bool chatview_open(chatview *v) {
    *v = (chatview){.colour = cli_colour(stdout)};
    v->unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return renew_terminal(v);
}

void chatview_close(chatview *v) {
    mdterm_free(v->md);
    free(v->thoughts);
    *v = (chatview){0};
}

void chatview_begin(chatview *v) {
    renew_terminal(v); /* the window may have another width by now */
    v->begun = v->in_thought = false;
    v->thoughts_length = 0;
}

static bool keep_thought(chatview *v, const char *text, size_t length) {
    if (v->thoughts_length + length + 1 > v->thoughts_capacity) {
        size_t wanted = (v->thoughts_length + length) * 2 + 256;
        char *grown = realloc(v->thoughts, wanted);
        if (!grown) return false;
        v->thoughts = grown;
        v->thoughts_capacity = wanted;
    }
    memcpy(v->thoughts + v->thoughts_length, text, length);
    v->thoughts_length += length;
    v->thoughts[v->thoughts_length] = '\0';
    return true;
}

/* A line that is written over; on a terminal that cannot, it is written once. */
static void tell_thinking(chatview *v) {
    double at = cli_seconds();
    if (!v->colour) {
        if (v->told == 0) printf("(thinking)\n");
        v->told = at;
    } else if (at - v->told >= 0.5) {
        printf("\r\033[2mthinking, %.0f s\033[0m\033[K", at - v->thought_began);
        fflush(stdout);
        v->told = at;
    }
}

static void begin_thought(chatview *v) {
    v->in_thought = true;
    v->thought_began = cli_seconds();
    v->told = 0;
    if (v->thinking == CHAT_THINK_SHOW) mdterm_dim(v->md, true);
}

static void end_thought(chatview *v) {
    if (!v->in_thought) return;
    v->in_thought = false;
    v->begun = false;
    if (v->thinking == CHAT_THINK_SHOW) {
        mdterm_dim(v->md, false);
        putchar('\n');
    } else if (v->colour) {
        printf("\r\033[2mthought for %.1f s; /think shows it\033[0m\033[K\n",
               cli_seconds() - v->thought_began);
    }
}

/* Line breaks before the first word of a part would leave empty rows. */
static void skip_leading(chatview *v, const char **text, size_t *length) {
    while (!v->begun && *length && isspace((unsigned char)**text)) ++*text, --*length;
    if (*length) v->begun = true;
}

bool chatview_thought(chatview *v, const char *text, size_t length) {
    skip_leading(v, &text, &length);
    if (!length) return true;
    if (!v->in_thought) begin_thought(v);
    bool kept = keep_thought(v, text, length);
    if (v->thinking == CHAT_THINK_SHOW) return mdterm_write(v->md, text, length) && kept;
    tell_thinking(v);
    return kept && !ferror(stdout);
}

bool chatview_answer(chatview *v, const char *text, size_t length) {
    if (length) end_thought(v);
    skip_leading(v, &text, &length);
    return mdterm_write(v->md, text, length);
}

void chatview_end(chatview *v) {
    end_thought(v);
    mdterm_end(v->md);
}

void chatview_show_thoughts(chatview *v) {
    if (!v->thoughts_length) {
        puts("The last answer came without thoughts.");
        return;
    }
    renew_terminal(v);
    mdterm_dim(v->md, true);
    mdterm_write(v->md, v->thoughts, v->thoughts_length);
    mdterm_end(v->md);
}
