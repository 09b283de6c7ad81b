/* Calls the C library and the mathematical one, and says how wide a pointer is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words) {
    (void)words;
    if (lround(sqrt(16.0 * count)) != 4) return EXIT_FAILURE;
    printf("it works, %d bits\n", (int)(8 * sizeof(void *)));
    return EXIT_SUCCESS;
}
