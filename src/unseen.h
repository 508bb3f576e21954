/*
 * What is typed at a terminal without being shown.
 */
#ifndef UNSEEN_H
#define UNSEEN_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Ask, on stderr, and read a line of the terminal into out, without its end;
 * false if none came.  Whoever stops the program meanwhile finds the terminal
 * as it was.
 */
bool unseen_line(char *out, int max, FILE *terminal, const char *prompt);

#endif
