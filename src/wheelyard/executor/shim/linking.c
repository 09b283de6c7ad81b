/* Folders, libraries and what linkers are told; see wheelyard/cross/linking.py. */
#include "shim.h"

#include <string.h>

static bool under(const char *path, const char *folder) {
    size_t length = strlen(folder);
    return !strncmp(path, folder, length) && (!path[length] || path[length] == '/');
}

Action placed(const Rules *rules, const char *path, const char *folder, char **to) {
    *to = (char *)path;
    if (!*path || *path == '=' || *path == '$' || (*path != '/' && !strstr(path, "..")))
        return KEPT;
    char *whole = normal(path, folder);
    const Rows *rows = &rules->rows[AT];
    for (size_t at = 0; at < rows->count; at++) {
        char **place = rows->item[at].item;
        if (!under(whole, place[0]))
            continue;
        if (same(place[1], "move")) {
            *to = glued(place[2], whole + strlen(place[0]));
            return *place[2] ? MOVED : DROPPED;
        }
        return same(place[1], "drop") ? DROPPED : KEPT;
    }
    return KEPT;
}

/* How many words a flag with a folder takes; 0: it is no such flag. What stays of it goes to out. */
size_t folder_flag(const Rules *rules, const char *family, const Words *words, size_t at, const char *folder,
                   Words *out) {
    char *word = words->item[at], *to;
    const Rows *rows = &rules->rows[PATH];
    for (size_t number = 0; number < rows->count; number++) {
        char *flag = rows->item[number].item[1];
        size_t length = strlen(flag);
        if (!same(rows->item[number].item[0], family) || strncmp(word, flag, length))
            continue;
        if (!word[length]) {
            if (at + 1 == words->count) {
                add(out, word);
                return 1;
            }
            if (placed(rules, words->item[at + 1], folder, &to) != DROPPED) {
                add(out, flag);
                add(out, to);
            }
            return 2;
        }
        if (length > 2 && word[length] == '=')
            length++;
        if (placed(rules, word + length, folder, &to) != DROPPED)
            add(out, glued(copied(word, length), to));
        return 1;
    }
    return 0;
}

bool paired(const Rules *rules, const char *family, const Words *words, size_t at) {
    const Rows *rows = &rules->rows[PAIR];
    if (at + 1 >= words->count)
        return false;
    for (size_t number = 0; number < rows->count; number++) {
        char **pair = rows->item[number].item;
        if (same(pair[0], family) && same(words->item[at], pair[1]) && matches(words->item[at + 1], pair[2]))
            return true;
    }
    return false;
}

bool dropped(const Rules *rules, const char *family, const char *word) {
    const Rows *rows = &rules->rows[DROP];
    for (size_t at = 0; at < rows->count; at++)
        if (same(rows->item[at].item[0], family) && matches(word, rows->item[at].item[1]))
            return true;
    return false;
}

/* What is linked in place of a file; NULL where it is the build machine's Python. */
char *library(const Rules *rules, char *word, const char *folder, bool module) {
    const char *name = base(word), *so = strstr(name, ".so");
    char *to;
    if (!begins(name, "lib") || (!so && !ends(name, ".a")))
        return placed(rules, word, folder, &to) == MOVED ? to : word;
    if (module && begins(name, "libpython"))
        return NULL;
    if (placed(rules, word, folder, &to) != DROPPED)
        return to;
    size_t length = so ? (size_t)(so - name) : strlen(name) - 2;
    return glued("-l", length > 3 ? copied(name + 3, length - 3) : "");
}

/* The folders of a run path that go with a wheel. */
static char *rpath(const Rules *rules, const char *value) {
    const char *kept = only(rules, RPATH);
    char *found = taken(strlen(value) + 1), *end = found;
    if (kept && same(kept, "origin")) {
        for (const char *part = value; *part;) {
            size_t length = strcspn(part, ":");
            if (begins(part, "$ORIGIN") || begins(part, "${ORIGIN}")) {
                if (end > found)
                    *end++ = ':';
                memcpy(end, part, length);
                end += length;
            }
            part += length + (part[length] == ':');
        }
    }
    *end = 0;
    return found;
}

static bool joined_rpath(const Rules *rules, char *word, Words *out) {
    static const char *const starts[] = {"-rpath=", "--rpath=", "-R"};
    for (size_t at = 0; at < 3; at++) {
        if (!begins(word, starts[at]) || same(word, starts[at]))
            continue;
        char *value = rpath(rules, word + strlen(starts[at]));
        if (*value)
            add(out, glued(starts[at], value));
        return true;
    }
    return false;
}

static size_t one(const Rules *rules, const Words *words, size_t at, const char *folder, bool module, Words *out) {
    char *word = words->item[at];
    bool more = at + 1 < words->count;
    if (more && (same(word, "-rpath") || same(word, "--rpath") || same(word, "-R"))) {
        char *value = rpath(rules, words->item[at + 1]);
        if (*value) {
            add(out, word);
            add(out, value);
        }
        return 2;
    }
    if (joined_rpath(rules, word, out))
        return 1;
    if (paired(rules, "linker", words, at))
        return 2;
    if (dropped(rules, "linker", word))
        return 1;
    size_t took = folder_flag(rules, "linker", words, at, folder, out);
    if (took)
        return took;
    if (listed(rules, TWO, "linker", word)) {
        add(out, word);
        if (more)
            add(out, words->item[at + 1]);
        return more ? 2 : 1;
    }
    if (module && begins(word, "-lpython"))
        return 1;
    if (*word != '-')
        word = library(rules, word, folder, module);
    if (word)
        add(out, word);
    return 1;
}

/* The words that a linker is left with, and for each the place of the one that it was. */
void for_linker(const Rules *rules, const Words *words, const char *folder, bool module, Words *out,
                size_t **places) {
    size_t *where = taken((2 * words->count + 2) * sizeof *where);
    for (size_t at = 0; at < words->count;) {
        size_t had = out->count;
        size_t took = one(rules, words, at, folder, module, out);
        for (size_t number = had; number < out->count; number++)
            where[number] = at + (number - had < took ? number - had : took - 1);
        at += took;
    }
    if (places)
        *places = where;
}
