/* SPDX-License-Identifier: MIT */
#include "src/cli/chatfile.h"
#include "src/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char format_name[] = "anemone-chat";

/* --- writing -------------------------------------------------------------------------------- */

static json_t *message_json(const anm_chat_message *message) {
    return json_pack("{s:s, s:s}", "role", message->role, "content", message->content);
}

static char *conversation_text(const char *model, const anm_chat_message *messages, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, message_json(messages + i));
    bool whole = json_array_size(list) == count;
    json_t *root = json_pack("{s:s, s:s, s:o}", "format", format_name, "model", model, "messages",
                             list);
    char *text = whole && root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    return text;
}

static bool write_all(int file, const char *text, size_t length) {
    while (length) {
        ssize_t written = write(file, text, length);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text += written;
        length -= (size_t)written;
    }
    return fsync(file) == 0;
}

static bool replace_file(const char *path, const char *temporary, const char *text) {
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return false;
    bool written = write_all(file, text, strlen(text));
    int problem = errno;
    if (close(file) != 0 && written) written = false, problem = errno;
    if (written && rename(temporary, path) == 0) return true;
    if (written) problem = errno;
    unlink(temporary);
    errno = problem;
    return false;
}

anm_status chatfile_save(const char *path, const char *model, const anm_chat_message *messages,
                         size_t count, anm_error *err) {
    char *text = conversation_text(model, messages, count);
    size_t size = strlen(path) + 32;
    char *temporary = malloc(size);
    anm_status status = ANM_OK;
    if (!text || !temporary) {
        status = cli_raise(err, ANM_ERROR_MEMORY, path, "out of memory");
    } else {
        snprintf(temporary, size, "%s.%ld.partial", path, (long)getpid());
        if (!replace_file(path, temporary, text))
            status = cli_raise(err, ANM_ERROR_IO, path, strerror(errno));
    }
    free(temporary);
    free(text);
    return status;
}

/* --- reading -------------------------------------------------------------------------------- */

static bool known_role(const char *role) {
    return role && (strcmp(role, "system") == 0 || strcmp(role, "user") == 0 ||
                    strcmp(role, "assistant") == 0 || strcmp(role, "tool") == 0);
}

static anm_status read_message(const char *path, size_t index, const json_t *value, chatfile *out,
                               anm_error *err) {
    const char *role = json_string_value(json_object_get(value, "role"));
    const char *content = json_string_value(json_object_get(value, "content"));
    char where[sizeof err->where];
    snprintf(where, sizeof where, "%s: message %zu", path, index + 1);
    if (!known_role(role))
        return cli_raise(err, ANM_ERROR_FORMAT, where,
                         "\"role\" is system, user, assistant or tool");
    if (!content) return cli_raise(err, ANM_ERROR_FORMAT, where, "\"content\" must be a text");
    anm_chat_message *m = out->messages + out->count++;
    *m = (anm_chat_message){.role = strdup(role), .content = strdup(content)};
    return m->role && m->content ? ANM_OK : cli_raise(err, ANM_ERROR_MEMORY, path, "out of memory");
}

static anm_status read_messages(const char *path, const json_t *root, chatfile *out,
                                anm_error *err) {
    const json_t *list = json_is_array(root) ? root : json_object_get(root, "messages");
    if (!json_is_array(list))
        return cli_raise(err, ANM_ERROR_FORMAT, path,
                     "this is no saved chat: an array of messages, or an object with "
                     "\"messages\", is expected");
    size_t count = json_array_size(list);
    out->messages = calloc(count + 1, sizeof *out->messages);
    if (!out->messages) return cli_raise(err, ANM_ERROR_MEMORY, path, "out of memory");
    anm_status status = ANM_OK;
    for (size_t i = 0; i < count && status == ANM_OK; i++)
        status = read_message(path, i, json_array_get(list, i), out, err);
    return status;
}

anm_status chatfile_load(const char *path, chatfile *out, anm_error *err) {
    *out = (chatfile){0};
    FILE *file = fopen(path, "rb");
    if (!file)
        return cli_raise(err, errno == ENOENT ? ANM_ERROR_NOT_FOUND : ANM_ERROR_IO, path,
                     strerror(errno));
    json_error_t problem;
    json_t *root = json_loadf(file, JSON_REJECT_DUPLICATES, &problem);
    fclose(file);
    if (!root) {
        char message[sizeof err->message];
        snprintf(message, sizeof message, "line %d: %s", problem.line, problem.text);
        return cli_raise(err, ANM_ERROR_FORMAT, path, message);
    }
    anm_status status = read_messages(path, root, out, err);
    json_decref(root);
    if (status != ANM_OK) chatfile_free(out);
    return status;
}

void chatfile_free(chatfile *file) {
    for (size_t i = 0; i < file->count; i++) {
        free((char *)file->messages[i].role);
        free((char *)file->messages[i].content);
    }
    free(file->messages);
    *file = (chatfile){0};
}
