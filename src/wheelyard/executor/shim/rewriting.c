/* What is to be run for a command; see apply in wheelyard/cross/applying.py. */
#include "shim.h"

/* Add the words of a rule (its first is the key), unless they are there already. */
void add_missing(const Words *words, const Words *row, Words *added) {
    size_t length = row ? row->count - 1 : 0;
    for (size_t start = 0; start + length <= words->count; start++) {
        size_t at = 0;
        while (at < length && same(words->item[start + at], row->item[at + 1]))
            at++;
        if (at == length)
            return;
    }
    add_all(added, row, 1);
}

static Words without(const Rules *rules, const Words *words) {
    Words kept = {0};
    for (size_t at = 0; at < words->count; at++) {
        const char *other = value(rules, FORMATS, words->item[at]);
        if (!dropped(rules, "plain", words->item[at]))
            add(&kept, other ? (char *)other : words->item[at]);
    }
    return kept;
}

static Words link_words(const Rules *rules, const Words *words, const char *folder) {
    Words kept = {0}, added = {0};
    bool module = false;
    for (size_t at = 0; at < words->count; at++)
        module = module || same(words->item[at], "-shared");
    for_linker(rules, words, folder, module, &kept, NULL);
    add_missing(&kept, row(rules, AFTER, "linker"), &added);
    add_all(&kept, &added, 0);
    return kept;
}

static bool fill(const Rules *rules, const Words *words, const char *folder, Result *result) {
    Words kept = *words;
    if (same(result->family, "compiler"))
        return compile(rules, result->tool, words, folder, result);
    if (same(result->family, "linker"))
        kept = link_words(rules, words, folder);
    else if (same(result->family, "plain"))
        kept = without(rules, words);
    add_all(&result->words, &kept, 0);
    return true;
}

static Result think(void) {
    Result result = {.verdict = THINK, .tool = "", .family = ""};
    return result;
}

Result rewrite(const Rules *rules, int argc, char **argv, const char *folder) {
    const char *tool = value(rules, NAME, base(argv[0]));
    Result result = {.verdict = RUN, .tool = "", .family = ""};
    if (tool && same(tool, "launcher") && argc > 1) {
        const char *after = value(rules, NAME, base(argv[1]));
        if (!after || same(after, "launcher"))
            return think();
        argv++;
        argc--;
        tool = after;
    }
    if (!tool || same(tool, "launcher"))
        return think();
    result.tool = tool;
    if ((result.reason = (char *)value(rules, REFUSE, tool))) {
        result.verdict = REFUSED;
        return result;
    }
    const Words *real = row(rules, TOOL, tool);
    result.family = value(rules, FAMILY, tool);
    if (!real || !result.family || same(result.family, "configuring"))
        return think();
    Words words = {0};
    for (int at = 1; at < argc; at++)
        expand(&words, argv[at], 0);
    if (same(result.family, "compiler") && rules->rows[LAUNCHER].count)
        add_all(&result.words, &rules->rows[LAUNCHER].item[0], 0);
    add_all(&result.words, real, 1);
    result.fixed = result.words.count;
    if (!fill(rules, &words, folder, &result))
        return result;
    const Rows *given = &rules->rows[ENVIRONMENT];
    for (size_t at = 0; at < given->count; at++)
        if (same(given->item[at].item[0], tool))
            add(&result.environment, given->item[at].item[1]);
    return result;
}
