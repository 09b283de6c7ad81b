/* Greets whoever is named, or the world. */
#include <stdio.h>

#ifndef GREETING
#define GREETING "hello"
#endif

int main(int count, char **words)
{
    if (count > 2) {
        fprintf(stderr, "usage: %s [NAME]\n", words[0]);
        return 2;
    }
    printf("%s, %s\n", GREETING, count == 2 ? words[1] : "world");
    return 0;
}
