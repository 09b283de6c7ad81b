/* One line of JSON for each call, appended at once so that lines of many compilers never mix. */
#include "shim.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST = 64 * 1024 };

typedef struct {
    char *text;
    size_t length;
    bool cut;
} Line;

static void put(Line *line, const char *text) {
    size_t length = strlen(text);
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

/* The length of a UTF-8 sequence at text, or 0 where there is none. */
static int sequence(const unsigned char *text, unsigned *point) {
    int length = *text < 0x80 ? 1 : *text >= 0xF0 && *text < 0xF5 ? 4 : *text >= 0xE0 ? 3 : *text >= 0xC2 ? 2 : 0;
    if (!length || *text >= 0xF5)
        return 0;
    *point = length == 1 ? *text : *text & (0xFFu >> (length + 1));
    for (int at = 1; at < length; at++) {
        if ((text[at] & 0xC0) != 0x80)
            return 0;
        *point = *point << 6 | (text[at] & 0x3F);
    }
    bool odd = (length == 3 && (*point < 0x800 || (*point >= 0xD800 && *point < 0xE000))) ||
               (length == 4 && (*point < 0x10000 || *point > 0x10FFFF));
    return odd ? 0 : length;
}

/* Bytes that are no text are written as Python's surrogateescape has them. */
static void quote(Line *line, const char *word) {
    put(line, "\"");
    for (const unsigned char *at = (const unsigned char *)word; *at;) {
        unsigned point;
        int length = sequence(at, &point);
        char *end = line->text + line->length;
        if (!length) {
            line->length += (size_t)sprintf(end, "\\udc%02x", *at++);
            continue;
        }
        if (point == '"' || point == '\\')
            line->length += (size_t)sprintf(end, "\\%c", point);
        else if (point >= 0x20 && point < 0x7F)
            line->length += (size_t)sprintf(end, "%c", point);
        else if (point < 0x10000)
            line->length += (size_t)sprintf(end, "\\u%04x", point);
        else
            line->length += (size_t)sprintf(end, "\\u%04x\\u%04x", 0xD800 + ((point - 0x10000) >> 10),
                                            0xDC00 + ((point - 0x10000) & 0x3FF));
        at += length;
    }
    put(line, "\"");
}

static void list(Line *line, const char *key, char **words, size_t count) {
    size_t length = 0;
    put(line, key);
    for (size_t at = 0; at < count; at++) {
        if ((length += strlen(words[at])) > LONGEST) {
            line->cut = true;
            break;
        }
        if (at)
            put(line, ", ");
        quote(line, words[at]);
    }
    put(line, "]");
}

void write_trace(const Rules *rules, const Result *result, int argc, char **argv, const char *folder, int code,
                 double began, double milliseconds) {
    const char *path = only(rules, TRACE);
    size_t room = 4096 + 6 * (strlen(folder) + (result->reason ? strlen(result->reason) : 0));
    char number[64];
    if (!path)
        return;
    for (int at = 0; at < argc; at++)
        room += 6 * strlen(argv[at]) + 4;
    for (size_t at = 0; at < result->words.count; at++)
        room += 6 * strlen(result->words.item[at]) + 4;
    Line line = {.text = taken(room)};
    put(&line, "{\"tool\": ");
    quote(&line, result->tool);
    list(&line, ", \"argv\": [", argv, (size_t)argc);
    list(&line, ", \"run\": [", result->words.item, result->words.count);
    put(&line, ", \"folder\": ");
    quote(&line, folder);
    if (result->verdict == REFUSED) {
        put(&line, ", \"refused\": ");
        quote(&line, result->reason);
    }
    if (line.cut)
        put(&line, ", \"cut\": true");
    snprintf(number, sizeof number, ", \"exit\": %d, \"at\": %.3f, \"ms\": %.2f}\n", code, began, milliseconds);
    put(&line, number);
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
        return;
    /* A full disk loses lines, never the command. */
    if (write(file, line.text, line.length) < 0)
        line.length = 0;
    close(file);
}
