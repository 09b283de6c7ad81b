/* Words, paths and response files; see wheelyard/cross/words.py. */
#include "shim.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEEPEST = 10 };

void *taken(size_t size) {
    void *found = malloc(size ? size : 1);
    if (!found) {
        fputs("wheelyard: no memory for a compiler command\n", stderr);
        _exit(1);
    }
    return found;
}

char *copied(const char *text, size_t length) {
    char *found = taken(length + 1);
    memcpy(found, text, length);
    found[length] = 0;
    return found;
}

char *glued(const char *first, const char *second) {
    size_t length = strlen(first), more = strlen(second);
    char *found = taken(length + more + 1);
    memcpy(found, first, length);
    memcpy(found + length, second, more + 1);
    return found;
}

void add(Words *words, char *word) {
    if (words->count + 1 >= words->room) {
        size_t room = words->room ? words->room * 2 : 32;
        char **item = taken(room * sizeof *item);
        if (words->count)
            memcpy(item, words->item, words->count * sizeof *item);
        words->item = item;
        words->room = room;
    }
    words->item[words->count++] = word;
    words->item[words->count] = NULL;
}

void add_all(Words *words, const Words *other, size_t from) {
    for (size_t at = from; other && at < other->count; at++)
        add(words, other->item[at]);
}

bool begins(const char *text, const char *start) { return !strncmp(text, start, strlen(start)); }

bool ends(const char *text, const char *end) {
    size_t length = strlen(text), shorter = strlen(end);
    return length >= shorter && !strcmp(text + length - shorter, end);
}

bool same(const char *one, const char *other) { return !strcmp(one, other); }

bool matches(const char *word, const char *pattern) {
    size_t length = strlen(pattern);
    if (length && pattern[length - 1] == '*')
        return !strncmp(word, pattern, length - 1);
    return same(word, pattern);
}

const char *base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *normal(const char *path, const char *folder) {
    char *whole = *path == '/' ? copied(path, strlen(path)) : glued(folder, glued("/", path));
    char *found = taken(strlen(whole) + 2), *end = found;
    for (char *part = whole; *part;) {
        while (*part == '/')
            part++;
        size_t length = strcspn(part, "/");
        if (length == 2 && part[0] == '.' && part[1] == '.') {
            while (end > found && *--end != '/')
                ;
        } else if (length && !(length == 1 && *part == '.')) {
            *end++ = '/';
            memcpy(end, part, length);
            end += length;
        }
        part += length;
    }
    if (end == found)
        *end++ = '/';
    *end = 0;
    return found;
}

char *content(const char *path, size_t *length) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (file < 0)
        return NULL;
    if (fstat(file, &about) || !S_ISREG(about.st_mode)) {
        close(file);
        return NULL;
    }
    char *text = taken((size_t)about.st_size + 1);
    size_t had = 0;
    while (had < (size_t)about.st_size) {
        ssize_t more = read(file, text + had, (size_t)about.st_size - had);
        if (more <= 0)
            break;
        had += (size_t)more;
    }
    close(file);
    text[had] = 0;
    *length = had;
    return text;
}

static bool blank(char letter) { return letter && strchr(" \t\n\r\v\f", letter); }

static void split(Words *into, const char *text, size_t size, int depth) {
    char *word = taken(size + 1), quote = 0;
    size_t length = 0;
    bool begun = false;
    for (size_t at = 0; at < size;) {
        char letter = text[at++];
        if (letter == '\\' && at < size) {
            word[length++] = text[at++];
            begun = true;
        } else if (quote) {
            if (letter == quote)
                quote = 0;
            else
                word[length++] = letter;
        } else if (letter == '\'' || letter == '"') {
            quote = letter;
            begun = true;
        } else if (blank(letter)) {
            if (begun)
                expand(into, copied(word, length), depth);
            length = 0;
            begun = false;
        } else {
            word[length++] = letter;
            begun = true;
        }
    }
    if (begun)
        expand(into, copied(word, length), depth);
}

/* Add a word, or what the response file that it names has. */
void expand(Words *into, char *word, int depth) {
    size_t length = 0;
    char *text = NULL;
    if (*word == '@' && word[1] && depth < DEEPEST)
        text = content(word + 1, &length);
    if (text)
        split(into, text, length, depth + 1);
    else
        add(into, word);
}

/* The text of a response file with some words. */
char *escaped(const Words *words, size_t from, size_t *length) {
    size_t room = 1;
    for (size_t at = from; at < words->count; at++)
        room += 2 * strlen(words->item[at]) + 3;
    char *text = taken(room), *end = text;
    for (size_t at = from; at < words->count; at++) {
        const char *letter = words->item[at];
        if (!*letter) {
            *end++ = '"';
            *end++ = '"';
        }
        for (; *letter; letter++) {
            if (blank(*letter) || strchr("\\'\"", *letter))
                *end++ = '\\';
            *end++ = *letter;
        }
        *end++ = '\n';
    }
    *length = (size_t)(end - text);
    return text;
}
