/*
 * A temporary folder for a test, removed with all that is in it.
 */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

enum { FOLDER_PATH = 256 };

void folder_make(char path[FOLDER_PATH]);
void folder_remove(const char *path);

#endif
