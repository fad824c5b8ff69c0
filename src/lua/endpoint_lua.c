/* The endpoint userdata: base URL and credentials.
 * May use: core, compat.h. Owns: its text until __gc; secrets are overwritten before they are
 * freed and never pushed to Lua. */
#include "lua/native.h"

#include <stdlib.h>
#include <string.h>

struct oct_endpoint *oct_endpoint_check(lua_State *L, int index)
{
    return oct_object_check(L, index, OCT_ENDPOINT);
}

static void replace_secret(lua_State *L, char **secret, const char *value)
{
    char *fresh = NULL;
    if (value != NULL) {
        fresh = malloc(strlen(value) + 1);
        if (fresh == NULL) {
            luaL_error(L, "not enough memory");
            return;
        }
        strcpy(fresh, value);
    }
    if (*secret != NULL) {
        oct_wipe(*secret, strlen(*secret));
        free(*secret);
    }
    *secret = fresh;
}

/* The string at `index`, checked as a credential; NULL with an error when it breaks the rule. */
static const char *check_secret(lua_State *L, int index, const char *argument,
                                struct oct_error *error)
{
    size_t len = 0;
    const char *value = luaL_checklstring(L, index, &len);
    if (oct_is_token((struct oct_text){value, len})) {
        return value;
    }
    oct_error_set(error, OCT_VALIDATION, "invalid_argument",
                  "%s must be 1 to 4096 visible ASCII characters without spaces (got %lu bytes)",
                  argument, (unsigned long)len);
    error->argument = argument;
    return NULL;
}

struct oct_credentials oct_endpoint_credentials(const struct oct_endpoint *endpoint)
{
    return (struct oct_credentials){oct_text_of(endpoint->token), oct_text_of(endpoint->admin_key),
                                    endpoint->allow_insecure_http};
}

static bool are_credentials_safe(const struct oct_endpoint *endpoint, struct oct_error *error)
{
    struct oct_credentials credentials = oct_endpoint_credentials(endpoint);
    if ((credentials.token.len == 0 && credentials.admin_key.len == 0) ||
        oct_may_carry_credentials(&endpoint->base, &credentials)) {
        return true;
    }
    oct_error_set(error, OCT_VALIDATION, "insecure_http",
                  "base_url: credentials are not sent over cleartext http beyond loopback; use "
                  "https, or set allow_insecure_http");
    error->argument = "base_url";
    return false;
}

/* (base_url, token | nil, admin_key | nil, allow_insecure_http) -> endpoint | nil, error */
int oct_endpoint_new(lua_State *L)
{
    struct oct_error error;
    size_t len = 0;
    const char *url = luaL_checklstring(L, 1, &len);
    bool has_token = !lua_isnoneornil(L, 2);
    bool has_admin_key = !lua_isnoneornil(L, 3);

    struct oct_endpoint *endpoint = oct_object_new(L, OCT_ENDPOINT, sizeof *endpoint);
    int self = lua_gettop(L);

    endpoint->allow_insecure_http = lua_toboolean(L, 4);
    enum oct_status status =
        oct_base_url_parse((struct oct_text){url, len}, &endpoint->base, &error);
    if (status != OCT_OK) {
        return oct_push_failure(L, status, &error, NULL);
    }
    const char *token = has_token ? check_secret(L, 2, "token", &error) : NULL;
    if (has_token && token == NULL) {
        return oct_push_failure(L, OCT_FAILED, &error, NULL);
    }
    const char *admin_key = has_admin_key ? check_secret(L, 3, "admin_key", &error) : NULL;
    if (has_admin_key && admin_key == NULL) {
        return oct_push_failure(L, OCT_FAILED, &error, NULL);
    }
    replace_secret(L, &endpoint->token, token);
    replace_secret(L, &endpoint->admin_key, admin_key);
    if (!are_credentials_safe(endpoint, &error)) {
        return oct_push_failure(L, OCT_FAILED, &error, NULL);
    }
    lua_pushvalue(L, self);
    return 1;
}

/* (token) -> true | nil, error: later requests carry this token. */
static int set_token(lua_State *L)
{
    struct oct_endpoint *endpoint = oct_endpoint_check(L, 1);
    struct oct_error error;
    const char *token = check_secret(L, 2, "token", &error);
    if (token == NULL) {
        return oct_push_failure(L, OCT_FAILED, &error, NULL);
    }
    replace_secret(L, &endpoint->token, token);
    lua_pushboolean(L, 1);
    return 1;
}

/* (request) -> boolean: the request carries a token that has been replaced since. */
static int is_outdated(lua_State *L)
{
    const struct oct_endpoint *endpoint = oct_endpoint_check(L, 1);
    const struct oct_request *request = oct_request_check(L, 2);
    bool bearer = request->operation->auth == OCT_AUTH_BEARER && request->credential != NULL;
    lua_pushboolean(L, bearer && endpoint->token != NULL &&
                           strcmp(request->credential, endpoint->token) != 0);
    return 1;
}

static int base_url(lua_State *L)
{
    lua_pushstring(L, oct_endpoint_check(L, 1)->base.text);
    return 1;
}

static int is_secure(lua_State *L)
{
    lua_pushboolean(L, oct_endpoint_check(L, 1)->base.secure);
    return 1;
}

static int has_token(lua_State *L)
{
    lua_pushboolean(L, oct_endpoint_check(L, 1)->token != NULL);
    return 1;
}

static int collect(lua_State *L)
{
    struct oct_endpoint *endpoint = oct_endpoint_check(L, 1);
    replace_secret(L, &endpoint->token, NULL);
    replace_secret(L, &endpoint->admin_key, NULL);
    oct_base_url_free(&endpoint->base);
    return 0;
}

static int to_string(lua_State *L)
{
    lua_pushfstring(L, "octostore.endpoint(%s)", oct_endpoint_check(L, 1)->base.text);
    return 1;
}

void oct_register_endpoint(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"set_token", set_token}, {"is_outdated", is_outdated}, {"base_url", base_url},
        {"is_secure", is_secure}, {"has_token", has_token},     {NULL, NULL},
    };
    static const luaL_Reg metamethods[] = {
        {"__gc", collect}, {"__tostring", to_string}, {NULL, NULL}};
    oct_define_class(L, OCT_ENDPOINT, metamethods, methods);
}
