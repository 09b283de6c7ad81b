/* A shim: stands in for a compiler, runs the command for the target instead, and writes down what it did.
 *
 * Does what wheelyard/cross/applying.py does, by the same rules; what needs more thought is left to Python.
 * Memory is never given back: a shim lives for one command.
 */
#ifndef WHEELYARD_SHIM_H
#define WHEELYARD_SHIM_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char **item;
    size_t count, room;
} Words;

typedef struct {
    Words *item;
    size_t count, room;
} Rows;

/* The keys of rules, as wheelyard/cross/rules.py names them. */
typedef enum {
    AFTER, AT, DROP, ENVIRONMENT, EXPORTED, EXPORTS, FAIL, FAMILY, FORMATS, LAUNCHER, NAME, PAIR, PATH, PLACE,
    PYTHON, REFUSE, RPATH, SOURCES, TOOL, TRACE, TWO, KEYS
} Key;

typedef struct {
    Rows rows[KEYS];
} Rules;

/* What is to become of a command. THINK leaves it to Python. */
typedef enum { RUN, REFUSED, THINK } Verdict;

typedef struct {
    Verdict verdict;
    const char *tool, *family;
    char *reason;
    Words words, environment;
    size_t fixed; /* how many of the words stay before a response file */
} Result;

void *taken(size_t size);
char *copied(const char *text, size_t length);
char *glued(const char *first, const char *second);
void add(Words *words, char *word);
void add_all(Words *words, const Words *other, size_t from);
bool begins(const char *text, const char *start);
bool ends(const char *text, const char *end);
bool same(const char *one, const char *other);
bool matches(const char *word, const char *pattern);
const char *base(const char *path);
char *normal(const char *path, const char *folder);
char *content(const char *path, size_t *length);
void expand(Words *into, char *word, int depth);
char *escaped(const Words *words, size_t from, size_t *length);

bool read_rules(Rules *rules, const char *path);
const Words *row(const Rules *rules, Key key, const char *first);
const char *value(const Rules *rules, Key key, const char *first);
const char *only(const Rules *rules, Key key);
bool listed(const Rules *rules, Key key, const char *first, const char *second);

typedef enum { KEPT, DROPPED, MOVED } Action;
Action placed(const Rules *rules, const char *path, const char *folder, char **to);
size_t folder_flag(const Rules *rules, const char *family, const Words *words, size_t at, const char *folder,
                   Words *out);
bool paired(const Rules *rules, const char *family, const Words *words, size_t at);
bool dropped(const Rules *rules, const char *family, const char *word);
char *library(const Rules *rules, char *word, const char *folder, bool module);
void for_linker(const Rules *rules, const Words *words, const char *folder, bool module, Words *out,
                size_t **places);

Result rewrite(const Rules *rules, int argc, char **argv, const char *folder);
bool compile(const Rules *rules, const char *tool, const Words *words, const char *folder, Result *result);
void add_missing(const Words *words, const Words *row, Words *added);

void write_trace(const Rules *rules, const Result *result, int argc, char **argv, const char *folder, int code,
                 double began, double milliseconds);

#endif
