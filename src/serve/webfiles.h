/* SPDX-License-Identifier: MIT */
/* The files of src/serve/web, as tools/embed_files.py puts them into the library. */
#ifndef ANM_SERVE_WEBFILES_H
#define ANM_SERVE_WEBFILES_H

#include <stddef.h>

typedef struct anm_web_file {
    const char *name; /* "index.html", "js/chat.js" */
    const char *type; /* MIME */
    const char *etag; /* in quotes: changes with the content */
    const unsigned char *data;
    size_t size;
} anm_web_file;

extern const anm_web_file anm_web_files[]; /* ends with a name of NULL */

#endif
