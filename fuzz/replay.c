/* Feeds every file of a folder to a fuzz target, as a test.  usage: fuzz_<noun> FOLDER */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

enum { MAX_BYTES = 4 << 20 };

/* The bytes in a block of exactly their size, so that reading past them is noticed. */
static int replay(const char *path)
{
    uint8_t *bytes = malloc(MAX_BYTES), *exact;
    FILE *file = fopen(path, "rb");
    size_t len;

    if (bytes == NULL || file == NULL) {
        perror(path);
        return EXIT_FAILURE;
    }
    len = fread(bytes, 1, MAX_BYTES, file);
    fclose(file);
    exact = realloc(bytes, len > 0 ? len : 1);
    if (exact == NULL)
        return EXIT_FAILURE;
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    struct dirent *entry;
    char path[4096];
    size_t seeds = 0;
    int r = EXIT_SUCCESS;

    if (folder == NULL) {
        fprintf(stderr, "usage: %s FOLDER-OF-SEEDS\n", argv[0]);
        return EXIT_FAILURE;
    }
    while (r == EXIT_SUCCESS && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        r = replay(path);
        seeds++;
    }
    closedir(folder);
    printf("%zu seeds\n", seeds);
    return seeds > 0 ? r : EXIT_FAILURE;
}
