#include "core/account.h"

#include <stdlib.h>
#include <string.h>

/* NULL stays NULL; `*failed` is set when memory ran out. */
static char *copy(const char *text, bool *failed)
{
    size_t size = text == NULL ? 0 : strlen(text) + 1;
    char *out = size == 0 ? NULL : malloc(size);
    if (out != NULL) {
        return memcpy(out, text, size);
    }
    *failed = *failed || size > 0;
    return NULL;
}

/* Freed memory shows up in core dumps and swap. */
static void free_secret(char *secret)
{
    for (volatile char *at = secret; at != NULL && *at != '\0'; at++) {
        *at = '\0';
    }
    free(secret);
}

struct oct_account *oct_account_new(const struct oct_account_options *options)
{
    struct oct_error error;
    struct oct_account *account = calloc(1, sizeof *account);
    bool failed = false;

    if (account == NULL) {
        return NULL;
    }
    account->users = 1;
    account->allow_insecure_http = options->allow_insecure_http;
    account->token = copy(options->token, &failed);
    account->token_file = copy(options->token_file, &failed);
    account->ca_file = copy(options->ca_file, &failed);
    account->proxy = copy(options->proxy, &failed);
    if (failed || oct_base_url_parse(options->base_url, &account->base, &error) != OCT_OK) {
        oct_account_let_go(account);
        return NULL;
    }
    return account;
}

struct oct_account *oct_account_use(struct oct_account *account)
{
    account->users++;
    return account;
}

void oct_account_let_go(struct oct_account *account)
{
    if (account == NULL || --account->users > 0) {
        return;
    }
    free_secret(account->token);
    free(account->token_file);
    free(account->ca_file);
    free(account->proxy);
    oct_base_url_free(&account->base);
    oct_events_free(&account->events);
    free(account);
}

bool oct_account_set_token(struct oct_account *account, const char *token)
{
    bool failed = false;
    char *fresh = copy(token, &failed);
    if (failed) {
        return false;
    }
    free_secret(account->token);
    account->token = fresh;
    account->token_refused = false;
    return true;
}

struct oct_credentials oct_account_credentials(const struct oct_account *account)
{
    return (struct oct_credentials){oct_text_of(account->token), oct_text_of(NULL),
                                    account->allow_insecure_http};
}
