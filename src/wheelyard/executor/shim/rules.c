/* Rules, as wheelyard/cross/lines.py writes them. */
#include "shim.h"

#include <string.h>

static const char *const NAMES[KEYS] = {
    "after", "at", "drop", "environment", "exported", "exports", "fail", "family", "formats", "launcher", "name",
    "pair", "path", "place", "python", "refuse", "rpath", "sources", "tool", "trace", "two",
};

static void keep(Rows *rows, Words values) {
    if (rows->count == rows->room) {
        size_t room = rows->room ? rows->room * 2 : 16;
        Words *item = taken(room * sizeof *item);
        if (rows->count)
            memcpy(item, rows->item, rows->count * sizeof *item);
        rows->item = item;
        rows->room = room;
    }
    rows->item[rows->count++] = values;
}

static void take(Rules *rules, char *line) {
    char *tab = strchr(line, '\t');
    if (!tab)
        return;
    *tab = 0;
    for (Key key = 0; key < KEYS; key++) {
        if (!same(line, NAMES[key]))
            continue;
        Words values = {0};
        while (tab) {
            char *next = strchr(tab + 1, '\t');
            if (next)
                *next = 0;
            add(&values, tab + 1);
            tab = next;
        }
        keep(&rules->rows[key], values);
        return;
    }
}

bool read_rules(Rules *rules, const char *path) {
    size_t length;
    char *text = content(path, &length);
    if (!text)
        return false;
    memset(rules, 0, sizeof *rules);
    while (*text) {
        char *end = strchr(text, '\n');
        if (end)
            *end = 0;
        take(rules, text);
        if (!end)
            break;
        text = end + 1;
    }
    return true;
}

/* The last line of a key with a first value counts, as in Python's dictionaries. */
const Words *row(const Rules *rules, Key key, const char *first) {
    const Rows *rows = &rules->rows[key];
    for (size_t at = rows->count; at-- > 0;)
        if (same(rows->item[at].item[0], first))
            return &rows->item[at];
    return NULL;
}

const char *value(const Rules *rules, Key key, const char *first) {
    const Words *found = row(rules, key, first);
    return found && found->count > 1 ? found->item[1] : NULL;
}

const char *only(const Rules *rules, Key key) {
    const Rows *rows = &rules->rows[key];
    return rows->count ? rows->item[rows->count - 1].item[0] : NULL;
}

bool listed(const Rules *rules, Key key, const char *first, const char *second) {
    const Rows *rows = &rules->rows[key];
    for (size_t at = 0; at < rows->count; at++)
        if (same(rows->item[at].item[0], first) && same(rows->item[at].item[1], second))
            return true;
    return false;
}
