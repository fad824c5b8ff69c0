/* Requests: reads the arguments of a call from Lua and builds the request userdata.
 * May use: core, compat.h. Owns: the request inside the userdata until __gc. */
#include "lua/native.h"

#include <string.h>

/* Stack of oct_request_new; positional arguments follow. */
enum { ENDPOINT_AT = 1, OPERATION_AT, OPTIONS_AT, FIRST_POSITIONAL };

struct oct_request_box *oct_request_box_check(lua_State *L, int index)
{
    return oct_object_check(L, index, OCT_REQUEST);
}

struct oct_request *oct_request_check(lua_State *L, int index)
{
    return &oct_request_box_check(L, index)->request;
}

/* ---- arguments ---- */

static void wrong_type(lua_State *L, const struct oct_operation *operation, const char *name,
                       const char *expected, int index, struct oct_error *error)
{
    oct_error_set(error, OCT_VALIDATION, "wrong_type",
                  "bad argument '%s' to '%s' (%s expected, got %s)", name, operation->name,
                  expected, luaL_typename(L, index));
    error->argument = name;
    error->wrong_type = true;
}

/* Reads the list at `index`; its strings stay referenced by the list itself. The array of their
 * texts is a userdata that is left on the stack. */
static bool read_strings(lua_State *L, int index, struct oct_value *value)
{
    size_t count = lua_rawlen(L, index);
    struct oct_text *items = lua_newuserdata(L, (count + 1) * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, index, (int)i + 1);
        bool is_string = lua_type(L, -1) == LUA_TSTRING;
        if (is_string) {
            items[i].data = lua_tolstring(L, -1, &items[i].len);
        }
        lua_pop(L, 1);
        if (!is_string) {
            return false;
        }
    }
    value->items = items;
    value->item_count = count;
    return true;
}

/* An ACL has the shape that it has on the wire: { acquire = { principals } }. */
static bool read_acl(lua_State *L, int index, struct oct_value *value)
{
    if (!lua_istable(L, index)) {
        return false;
    }
    lua_getfield(L, index, "acquire");
    return lua_istable(L, -1) && read_strings(L, lua_gettop(L), value);
}

static bool read_value(lua_State *L, int index, const struct oct_parameter *parameter,
                       struct oct_value *value, const char **expected)
{
    value->set = true;
    value->type = oct_rule_type(parameter->rule);
    switch (value->type) {
    case OCT_NUMBER:
        *expected = "number";
        value->number = lua_tonumber(L, index);
        return lua_type(L, index) == LUA_TNUMBER;
    case OCT_BOOLEAN:
        *expected = "boolean";
        value->flag = lua_toboolean(L, index);
        return lua_isboolean(L, index);
    case OCT_STRINGS:
        if (parameter->rule == OCT_RULE_ACL) {
            *expected = "table of the form { acquire = { strings } }";
            return read_acl(L, index, value);
        }
        *expected = "list of strings";
        return lua_istable(L, index) && read_strings(L, index, value);
    case OCT_STRING:
        break;
    }
    *expected = "string";
    if (lua_type(L, index) != LUA_TSTRING) {
        return false;
    }
    value->text.data = lua_tolstring(L, index, &value->text.len);
    return true;
}

/* Where the value of parameter `i` stands on the stack: given by position, or among the options. */
static int locate(lua_State *L, const struct oct_operation *operation, size_t i)
{
    int position = FIRST_POSITIONAL + (int)i;
    if (i < operation->positional && !lua_isnil(L, position)) {
        return position;
    }
    if (lua_isnil(L, OPTIONS_AT)) {
        return OPTIONS_AT; /* a nil like any other */
    }
    lua_getfield(L, OPTIONS_AT, operation->parameters[i].name);
    return lua_gettop(L);
}

/* Leaves each value on the stack, so that what it points to stays alive. */
static enum oct_status read_arguments(lua_State *L, const struct oct_operation *operation,
                                      struct oct_arguments *arguments, struct oct_error *error)
{
    const char *expected = NULL;
    for (size_t i = 0; i < operation->parameter_count; i++) {
        const struct oct_parameter *parameter = &operation->parameters[i];
        int index = locate(L, operation, i);
        if (lua_isnil(L, index) && !parameter->required) {
            continue;
        }
        if (!read_value(L, index, parameter, &arguments->values[i], &expected)) {
            wrong_type(L, operation, parameter->name, expected, index, error);
            return OCT_FAILED;
        }
    }
    return OCT_OK;
}

/* ---- options that no parameter takes ---- */

/* Options of the call itself; the Lua side reads them. */
static bool is_call_option(const char *name)
{
    return strcmp(name, "timeout") == 0 || strcmp(name, "cancel") == 0 ||
           strcmp(name, "retry") == 0;
}

static bool is_parameter(const struct oct_operation *operation, const char *name)
{
    for (size_t i = 0; i < operation->parameter_count; i++) {
        if (strcmp(operation->parameters[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum oct_status refuse_unknown_options(lua_State *L, const struct oct_operation *operation,
                                              struct oct_error *error)
{
    if (lua_isnil(L, OPTIONS_AT)) {
        return OCT_OK;
    }
    for (lua_pushnil(L); lua_next(L, OPTIONS_AT) != 0; lua_pop(L, 1)) {
        bool named = lua_type(L, -2) == LUA_TSTRING;
        const char *name = named ? lua_tostring(L, -2) : luaL_typename(L, -2);
        if (named && (is_parameter(operation, name) || is_call_option(name))) {
            continue;
        }
        oct_error_set(error, OCT_VALIDATION, "unknown_option", "%s: unknown option '%.60s'",
                      operation->name, name);
        lua_pop(L, 2);
        return OCT_FAILED;
    }
    return OCT_OK;
}

/* ---- the userdata ---- */

static struct oct_request *push_request(lua_State *L)
{
    struct oct_request_box *box = oct_object_new(L, OCT_REQUEST, sizeof *box);
    return &box->request;
}

/* (endpoint, operation, options | nil, positional arguments...) -> request | nil, error; the error
 * has wrong_type = true when a type is wrong, which its caller raises. */
int oct_request_new(lua_State *L)
{
    struct oct_arguments arguments;
    struct oct_error error;
    const struct oct_endpoint *endpoint = oct_endpoint_check(L, ENDPOINT_AT);
    const struct oct_operation *operation = oct_operation_find(luaL_checkstring(L, OPERATION_AT));

    luaL_argcheck(L, operation != NULL, OPERATION_AT, "an operation's name expected");
    lua_settop(L, FIRST_POSITIONAL + OCT_MAX_PARAMETERS - 1);
    luaL_checkstack(L, 4 * OCT_MAX_PARAMETERS, "too many arguments");
    memset(&arguments, 0, sizeof arguments);

    enum oct_status status = OCT_FAILED;
    if (!lua_isnil(L, OPTIONS_AT) && !lua_istable(L, OPTIONS_AT)) {
        wrong_type(L, operation, "options", "table", OPTIONS_AT, &error);
    } else {
        status = refuse_unknown_options(L, operation, &error);
    }
    if (status == OCT_OK) {
        status = read_arguments(L, operation, &arguments, &error);
    }
    if (status == OCT_OK) {
        struct oct_credentials credentials = oct_endpoint_credentials(endpoint);
        struct oct_request *request = push_request(L);
        status = oct_request_build(&endpoint->base, &credentials, operation, &arguments, request,
                                   &error);
    }
    if (status == OCT_OK) {
        return 1;
    }
    oct_push_failure(L, status, &error, operation);
    if (error.wrong_type) {
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, "wrong_type");
    }
    return 2;
}

/* ---- what a driver reads ---- */

static void set_header(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

static void push_headers(lua_State *L, const struct oct_request *request)
{
    lua_createtable(L, 0, 3);
    set_header(L, "Accept", "application/json");
    if (request->body != NULL) {
        set_header(L, "Content-Type", "application/json");
    }
    if (request->credential != NULL && request->operation->auth == OCT_AUTH_ADMIN) {
        set_header(L, "X-OctoStore-Admin-Key", request->credential);
    } else if (request->credential != NULL) {
        lua_pushfstring(L, "Bearer %s", request->credential);
        lua_setfield(L, -2, "Authorization");
    }
}

static void push_field(lua_State *L, const struct oct_request *request, const char *field)
{
    if (strcmp(field, "operation") == 0) {
        lua_pushstring(L, request->operation->name);
    } else if (strcmp(field, "method") == 0) {
        lua_pushstring(L, request->operation->method);
    } else if (strcmp(field, "url") == 0) {
        lua_pushstring(L, request->url);
    } else if (strcmp(field, "path") == 0) {
        lua_pushstring(L, request->url + request->path_offset);
    } else if (strcmp(field, "headers") == 0) {
        push_headers(L, request);
    } else if (strcmp(field, "body") == 0 && request->body != NULL) {
        lua_pushlstring(L, request->body, request->body_len);
    } else if (strcmp(field, "settled_code") == 0) {
        lua_pushstring(L, request->operation->settled_code);
    } else {
        lua_pushnil(L);
    }
}

static int index(lua_State *L)
{
    push_field(L, oct_request_check(L, 1), luaL_checkstring(L, 2));
    return 1;
}

void oct_push_request_fields(lua_State *L, const struct oct_request *request)
{
    static const char *const fields[] = {"operation", "method", "url", "path", "headers", "body"};
    lua_createtable(L, 0, 7);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        push_field(L, request, fields[i]);
        lua_setfield(L, -2, fields[i]);
    }
}

static int collect(lua_State *L)
{
    struct oct_request_box *box = oct_request_box_check(L, 1);
    oct_request_free(&box->request);
    oct_result_free(&box->result);
    return 0;
}

static int to_string(lua_State *L)
{
    const struct oct_request *request = oct_request_check(L, 1);
    lua_pushfstring(L, "octostore.request(%s %s)", request->operation->method,
                    request->url == NULL ? "" : request->url);
    return 1;
}

void oct_register_request(lua_State *L)
{
    static const luaL_Reg metamethods[] = {
        {"__index", index}, {"__gc", collect}, {"__tostring", to_string}, {NULL, NULL}};
    oct_define_class(L, OCT_REQUEST, metamethods, NULL);
}
