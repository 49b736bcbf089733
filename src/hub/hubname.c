/* SPDX-License-Identifier: MIT */
#include "src/hub/hubname.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST_PART = 96, LONGEST_REVISION = 100, LONGEST_PATH = 250 };

/* As the Hub demands: letters, digits, - _ . ; neither end is . or -, no -- and no .. */
static bool is_part(const char *text, size_t length) {
    if (length < 1 || length > LONGEST_PART) return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool mark = c == '.' || c == '-';
        if (!(isalnum(c) && c < 0x80) && c != '_' && !mark) return false;
        if (mark && (i == 0 || i + 1 == length)) return false;
        if (mark && text[i - 1] == (char)c) return false;
    }
    return true;
}

static bool is_revision(const char *text, size_t length) {
    if (length < 1 || length > LONGEST_REVISION || text[0] == '-' || text[0] == '/') return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!(isalnum(c) && c < 0x80) && !strchr("-_./", c)) return false;
        if (i && (c == '.' || c == '/' || c == '-') && text[i - 1] == (char)c) return false;
    }
    return text[length - 1] != '/';
}

bool anm_hub_name_parse(const char *text, anm_hub_name *out) {
    *out = (anm_hub_name){0};
    size_t org = strcspn(text, "/@:");
    if (text[org] != '/') return false;
    const char *name = text + org + 1;
    size_t length = strcspn(name, "/@:");
    if (!is_part(text, org) || !is_part(name, length)) return false;
    snprintf(out->repo, sizeof out->repo, "%.*s/%.*s", (int)org, text, (int)length, name);
    snprintf(out->folder, sizeof out->folder, "%.*s--%.*s", (int)org, text, (int)length, name);
    snprintf(out->revision, sizeof out->revision, "main");
    const char *rest = name + length;
    if (*rest == '@') {
        size_t n = strcspn(rest + 1, ":");
        if (!is_revision(rest + 1, n)) return false;
        snprintf(out->revision, sizeof out->revision, "%.*s", (int)n, rest + 1);
        rest += 1 + n;
    }
    if (!*rest) return true;
    if (*rest != ':' || strlen(rest + 1) > LONGEST_PATH) return false;
    snprintf(out->path, sizeof out->path, "%s", rest + 1);
    size_t end = strlen(out->path);
    if (end && out->path[end - 1] == '/') out->path[end - 1] = '\0';
    return anm_hub_path_is_tame(out->path);
}

bool anm_hub_is_hex(const char *text, unsigned digits) {
    return strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

bool anm_hub_is_commit(const char *revision) {
    return anm_hub_is_hex(revision, 40);
}

bool anm_hub_path_is_tame(const char *path) {
    if (!*path || strlen(path) > 4000) return false;
    for (const char *p = path; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == '\\' || *p == 0x7f) return false;
    for (const char *part = path;; part++) {
        size_t length = strcspn(part, "/");
        bool dots = (length == 1 || length == 2) && strspn(part, ".") >= length;
        if (!length || length > 255 || dots) return false;
        part += length;
        if (!*part) return true;
    }
}

bool anm_hub_pattern_fits(const char *patterns, const char *path) {
    for (const char *p = patterns; *p;) {
        char one[256];
        size_t length = strcspn(p, ",");
        snprintf(one, sizeof one, "%.*s", (int)length, p);
        if (length && length < sizeof one && fnmatch(one, path, 0) == 0) return true;
        p += length + (p[length] == ',');
    }
    return false;
}
