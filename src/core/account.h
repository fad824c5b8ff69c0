/* An account: where the requests of a client's sessions and locks go, and with which credentials.
 * May use: core, libc. Owns: its text and its events, until its last user lets it go; the token is
 * overwritten before it is freed. */
#ifndef OCT_ACCOUNT_H
#define OCT_ACCOUNT_H

#include "core/event.h"
#include "core/request.h"
#include "core/url.h"

struct oct_account {
    struct oct_base_url base;
    char *token;
    char *token_file; /* read again when the token is refused; NULL for none */
    char *ca_file;    /* for the transport; NULL for the system's */
    char *proxy;      /* for the transport; NULL for none */
    bool allow_insecure_http;
    bool token_refused; /* by an answer since the token was set */
    struct oct_events events;
    size_t users;
};

/* What an account is made of; strings are copied, and may be NULL where the account's may. */
struct oct_account_options {
    struct oct_text base_url;
    const char *token;
    const char *token_file;
    const char *ca_file;
    const char *proxy;
    bool allow_insecure_http;
};

/* NULL when memory ran out; the base URL is one that was parsed before. It has one user. */
struct oct_account *oct_account_new(const struct oct_account_options *options);
struct oct_account *oct_account_use(struct oct_account *account);
void oct_account_let_go(struct oct_account *account);

/* False, and the old one stays, when memory ran out. */
bool oct_account_set_token(struct oct_account *account, const char *token);

struct oct_credentials oct_account_credentials(const struct oct_account *account);

#endif
