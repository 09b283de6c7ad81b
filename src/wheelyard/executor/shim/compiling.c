/* One command of a compiler driver; see Compiling in wheelyard/cross/applying.py. */
#include "shim.h"

#include <string.h>

typedef struct {
    const Rules *rules;
    const Words *words;
    const char *folder, *output, *language;
    bool links, module, sources;
    size_t inputs;
} Compiling;

/* One C++ file makes a command one for C++. */
static void speak(Compiling *called, const char *language) {
    if (same(language, "c++") || (same(language, "fortran") && same(called->language, "c")))
        called->language = language;
}

static void look_at_value(Compiling *called, const char *flag, const char *value) {
    if (same(flag, "-x"))
        speak(called, begins(value, "c++") ? "c++" : "c");
    else if (same(flag, "-o"))
        called->output = value;
    else if (same(flag, "-s") && begins(value, "SIDE_MODULE"))
        called->module = true;
}

static void look_at_input(Compiling *called, const char *word) {
    const char *name = base(word), *dot = strrchr(name, '.');
    const char *language = value(called->rules, SOURCES, dot ? dot : "");
    if (!language)
        language = "c";
    called->inputs++;
    speak(called, language);
    if (!same(language, "object") && !strstr(name, ".so."))
        called->sources = true;
}

static bool stops_before_linking(const char *word) {
    return same(word, "-c") || same(word, "-S") || same(word, "-E") || same(word, "-M") || same(word, "-MM") ||
           same(word, "-fsyntax-only");
}

static void look(Compiling *called) {
    const Words *words = called->words;
    for (size_t at = 0; at < words->count; at++) {
        char *word = words->item[at];
        if (listed(called->rules, TWO, "compiler", word)) {
            look_at_value(called, word, at + 1 < words->count ? words->item[at + 1] : "");
            at++;
        } else if (stops_before_linking(word)) {
            called->links = false;
        } else if (same(word, "-shared") || begins(word, "-sSIDE_MODULE")) {
            called->module = true;
        } else if (*word != '-' || !word[1]) {
            look_at_input(called, word);
        } else if (begins(word, "-x") && word[2]) {
            look_at_value(called, "-x", word + 2);
        }
    }
    if (called->links && ends(called->output, ".so"))
        called->module = true;
}

/* Words for the linker as they were written: with commas (their group is the word's place) or -Xlinker (0). */
static void hand_on(const Compiling *called, Words *waiting, const size_t *groups, Words *out) {
    Words kept = {0};
    size_t *places, last = 0;
    if (!waiting->count)
        return;
    for_linker(called->rules, waiting, called->folder, called->module, &kept, &places);
    for (size_t at = 0; at < kept.count; at++) {
        char *word = kept.item[at];
        size_t group = groups[places[at]];
        if (!group || strchr(word, ',')) {
            add(out, "-Xlinker");
            add(out, word);
            last = 0;
        } else if (group == last) {
            out->item[out->count - 1] = glued(glued(out->item[out->count - 1], ","), word);
        } else {
            add(out, glued("-Wl,", word));
            last = group;
        }
    }
    waiting->count = 0;
}

static size_t one(const Compiling *called, size_t at, Words *out, Result *result) {
    const Rules *rules = called->rules;
    const Words *words = called->words;
    char *word = words->item[at], *next = at + 1 < words->count ? words->item[at + 1] : NULL;
    for (size_t number = 0; number < rules->rows[FAIL].count; number++) {
        char **fail = rules->rows[FAIL].item[number].item;
        if (matches(word, fail[0])) {
            result->verdict = REFUSED;
            result->words.count = 0;
            result->reason = glued(glued("'", word), glued("': ", fail[1]));
            return 0;
        }
    }
    if (paired(rules, "compiler", words, at))
        return 2;
    if (dropped(rules, "compiler", word))
        return 1;
    size_t took = folder_flag(rules, "compiler", words, at, called->folder, out);
    if (took)
        return took;
    if ((same(word, "-R") || same(word, "-rpath")) && next)
        return 2;
    if (begins(word, "-R/"))
        return 1;
    if (called->module && same(word, "-l") && next && begins(next, "python"))
        return 2;
    if (listed(rules, TWO, "compiler", word)) {
        add(out, word);
        if (next)
            add(out, next);
        return next ? 2 : 1;
    }
    if (called->module && begins(word, "-lpython"))
        return 1;
    if (*word != '-')
        word = library(rules, word, called->folder, called->module);
    if (word)
        add(out, word);
    return 1;
}

static bool keep(const Compiling *called, Words *out, Result *result) {
    const Words *words = called->words;
    Words waiting = {0};
    size_t room = 16, *groups = taken(room * sizeof *groups);
    for (size_t at = 0; at < words->count;) {
        char *word = words->item[at];
        bool commas = begins(word, "-Wl,"), alone = same(word, "-Xlinker") && at + 1 < words->count;
        if (!commas && !alone) {
            hand_on(called, &waiting, groups, out);
            size_t took = one(called, at, out, result);
            if (!took)
                return false;
            at += took;
            continue;
        }
        char *part = commas ? word + 4 : words->item[at + 1];
        while (part) {
            size_t length = commas ? strcspn(part, ",") : strlen(part);
            if (waiting.count == room) {
                size_t *larger = taken(2 * room * sizeof *larger);
                memcpy(larger, groups, room * sizeof *larger);
                groups = larger;
                room *= 2;
            }
            groups[waiting.count] = commas ? at + 1 : 0;
            add(&waiting, copied(part, length));
            part = part[length] ? part + length + 1 : NULL;
        }
        at += commas ? 1 : 2;
    }
    hand_on(called, &waiting, groups, out);
    return true;
}

static bool starts_with(const Words *words, const Words *row) {
    if (words->count < row->count - 1)
        return false;
    for (size_t at = 1; at < row->count; at++)
        if (!same(words->item[at - 1], row->item[at]))
            return false;
    return true;
}

/* Whether a command could be dealt with here; result says what it came to otherwise. */
bool compile(const Rules *rules, const char *tool, const Words *words, const char *folder, Result *result) {
    Compiling called = {.rules = rules, .words = words, .folder = folder, .output = ""};
    Words kept = {0}, added = {0};
    called.language = same(tool, "c++") || same(tool, "fortran") ? tool : "c";
    called.links = !same(tool, "cpp");
    look(&called);
    const char *exports = only(rules, EXPORTS);
    if (called.inputs && called.links && called.module && exports && !same(exports, "all")) {
        result->verdict = THINK;
        return false;
    }
    if (!keep(&called, &kept, result))
        return false;
    if (called.inputs) {
        const Words *before = row(rules, AFTER, "compile");
        if (before && !starts_with(&kept, before))
            add_all(&result->words, before, 1);
        if (called.sources)
            add_missing(&kept, row(rules, AFTER, called.language), &added);
        if (called.links && called.module)
            add_missing(&kept, row(rules, AFTER, "module"), &added);
        if (called.links)
            add_missing(&kept, row(rules, AFTER, "link"), &added);
    }
    add_all(&result->words, &kept, 0);
    add_all(&result->words, &added, 0);
    return true;
}
