/* status: what came of whom through a peer, and how long nothing did. */
#ifndef STATUS_NEWS_H
#define STATUS_NEWS_H

#include <stdbool.h>

struct err;
struct local;
struct replica;

/* As JSON all of them; else the peer and those in line with it. */
int status_news_print(struct replica *r, struct local *local, const char *code,
    bool json, struct err *err);

#endif
