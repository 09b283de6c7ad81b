/* Finds the rules, runs what they make of the command, and ends as that ended. */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* Beyond this, words go through a response file: the kernel takes 2 MB with the environment. */
enum { TRAILER = 8192, LONG = 256 * 1024 };
static const char MARK[] = "\n#wheelyard-rules:";
static volatile pid_t child;

static double now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The path of the rules stands at the end of this program, so that it is known whatever name it is called by. */
static char *rules_path(const char *called) {
    static char end[TRAILER + 1];
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        off_t size = lseek(file, 0, SEEK_END);
        ssize_t length = size > TRAILER ? pread(file, end, TRAILER, size - TRAILER) : -1;
        close(file);
        for (ssize_t at = length - (ssize_t)strlen(MARK); at >= 0; at--) {
            if (end[at] == '\n' && !memcmp(end + at, MARK, strlen(MARK))) {
                char *path = end + at + strlen(MARK);
                path[strcspn(path, "\n")] = 0;
                return path;
            }
        }
    }
    const char *slash = strrchr(called, '/');
    return slash ? glued(copied(called, (size_t)(slash - called)), "/../rules") : NULL;
}

static char *path_without(const char *place) {
    const char *path = getenv("PATH");
    if (!path)
        path = "/usr/local/bin:/usr/bin:/bin";
    char *found = taken(strlen(path) + 1), *end = found;
    while (*path) {
        size_t length = strcspn(path, ":");
        if (!place || length != strlen(place) || memcmp(path, place, length)) {
            if (end > found)
                *end++ = ':';
            memcpy(end, path, length);
            end += length;
        }
        path += length + (path[length] == ':');
    }
    *end = 0;
    return found;
}

static char *program(char *name, const char *path) {
    if (strchr(name, '/'))
        return name;
    while (*path) {
        size_t length = strcspn(path, ":");
        char *whole = glued(copied(path, length), glued("/", name));
        struct stat about;
        if (length && !access(whole, X_OK) && !stat(whole, &about) && S_ISREG(about.st_mode))
            return whole;
        path += length + (path[length] == ':');
    }
    return NULL;
}

static char **environment(const Result *result, const char *path) {
    Words found = {0};
    for (char **variable = environ; *variable; variable++) {
        bool replaced = path && begins(*variable, "PATH=");
        for (size_t at = 0; !replaced && at < result->environment.count; at++) {
            size_t length = strcspn(result->environment.item[at], "=") + 1;
            replaced = !strncmp(*variable, result->environment.item[at], length);
        }
        if (!replaced)
            add(&found, *variable);
    }
    if (path)
        add(&found, glued("PATH=", path));
    add_all(&found, &result->environment, 0);
    add(&found, NULL);
    return found.item;
}

/* Put words that are too many for the kernel into a response file, and return its path. */
static char *shorten(const Result *result, Words *run) {
    size_t length = 0;
    for (size_t at = 0; at < run->count; at++)
        length += strlen(run->item[at]) + 1;
    if (length < LONG || same(result->family, "asking"))
        return NULL;
    const char *folder = getenv("TMPDIR");
    char *path = glued(folder && *folder ? folder : "/tmp", "/wheelyard-XXXXXX");
    int file = mkstemp(path);
    if (file < 0)
        return NULL;
    char *text = escaped(run, result->fixed, &length);
    bool whole = write(file, text, length) == (ssize_t)length;
    close(file);
    if (!whole) {
        unlink(path);
        return NULL;
    }
    Words shorter = {0};
    for (size_t at = 0; at < result->fixed; at++)
        add(&shorter, run->item[at]);
    add(&shorter, glued("@", path));
    *run = shorter;
    return path;
}

static void forward(int number) {
    if (child > 0)
        kill(child, number);
}

static int run(const Rules *rules, const Result *result) {
    bool asks = same(result->family, "asking");
    char *path = path_without(only(rules, PLACE));
    char *real = program(result->words.item[0], path);
    Words words = {0};
    pid_t started;
    if (!real) {
        fprintf(stderr, "wheelyard: '%s' is not there\n", result->words.item[0]);
        return 127;
    }
    /* A program that is looked for by its own name would find the shim again. */
    add(&words, real);
    add_all(&words, &result->words, 1);
    char *response = shorten(result, &words);
    /* What a build's own tools start is caught again; what a compiler starts is its own. */
    int failed = posix_spawn(&started, real, NULL, NULL, words.item, environment(result, asks ? NULL : path));
    if (failed) {
        fprintf(stderr, "wheelyard: '%s' cannot be run: %s\n", real, strerror(failed));
        return 126;
    }
    child = started;
    for (const int *number = (const int[]){SIGTERM, SIGINT, SIGHUP, 0}; *number; number++)
        signal(*number, forward);
    int status;
    while (waitpid(started, &status, 0) < 0 && errno == EINTR)
        ;
    if (response)
        unlink(response);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int leave_to_python(const Rules *rules, int argc, char **argv) {
    Words words = {0};
    const Rows *python = &rules->rows[PYTHON];
    if (!python->count) {
        fprintf(stderr, "wheelyard: nothing knows what '%s' is for the target\n", base(argv[0]));
        return 127;
    }
    add_all(&words, &python->item[0], 0);
    if (!words.count)
        return 127;
    for (int at = 0; at < argc; at++)
        add(&words, argv[at]);
    char *real = program(words.item[0], path_without(only(rules, PLACE)));
    if (real)
        execv(real, words.item);
    fprintf(stderr, "wheelyard: '%s' cannot be run: %s\n", words.item[0], strerror(errno));
    return 126;
}

int main(int argc, char **argv) {
    double began = now(CLOCK_REALTIME), clock = now(CLOCK_MONOTONIC);
    Rules rules;
    char *path = argc ? rules_path(argv[0]) : NULL;
    if (!path || !read_rules(&rules, path)) {
        fprintf(stderr, "wheelyard: '%s' cannot be read\n", path ? path : "rules");
        return 127;
    }
    char *folder = getcwd(NULL, 0);
    if (!folder)
        folder = "/";
    Result result = rewrite(&rules, argc, argv, folder);
    if (result.verdict == THINK)
        return leave_to_python(&rules, argc, argv);
    int code = 1;
    if (result.verdict == REFUSED)
        fprintf(stderr, "wheelyard: %s\n", result.reason);
    else
        code = run(&rules, &result);
    write_trace(&rules, &result, argc, argv, folder, code, began, (now(CLOCK_MONOTONIC) - clock) * 1e3);
    return code;
}
