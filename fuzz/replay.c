/* Feeds every file of a folder to a fuzz target, as a test.  usage: fuzz_<noun> FOLDER */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

/* The bytes in a block of exactly their size, so that reading past them is noticed. */
static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;
    long len = -1;

    if (file == NULL) {
        perror(path);
        return EXIT_FAILURE;
    }
    if (fseek(file, 0, SEEK_END) == 0)
        len = ftell(file);
    rewind(file);
    bytes = len >= 0 ? malloc((size_t)len) : NULL;
    if (len > 0 && (bytes == NULL || fread(bytes, (size_t)len, 1, file) != 1))
        len = -1;
    fclose(file);
    if (len >= 0)
        LLVMFuzzerTestOneInput(bytes, (size_t)len);
    free(bytes);
    return len >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
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
