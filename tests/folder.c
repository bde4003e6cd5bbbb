#include "folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void folder_make(char path[FOLDER_PATH])
{
    const char *base = getenv("TMPDIR");

    snprintf(path, FOLDER_PATH, "%s/midwatch-test-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(path) == NULL)
        abort();
}

void folder_remove(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    char below[4096];

    while (d != NULL && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
        if (unlink(below) < 0)
            folder_remove(below);
    }
    if (d != NULL)
        closedir(d);
    rmdir(path);
}
