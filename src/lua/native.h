/* The parts of the module octostore.native; each part defines its own class of userdata.
 * May use: core, transport, compat.h. Owns: nothing here, see each part.
 * Wrong types raise where noted; every other failure returns nil and an error table. */
#ifndef OCT_LUA_NATIVE_H
#define OCT_LUA_NATIVE_H

#include "core/error.h"
#include "core/request.h"
#include "core/response.h"
#include "core/url.h"
#include "lua/compat.h"
#include "lua/object.h"

/* Where requests go and with which credentials: the text that never leaves C again. */
struct oct_endpoint {
    struct oct_base_url base;
    char *token;     /* NULL when there is none */
    char *admin_key; /* likewise */
    bool allow_insecure_http;
};

/* The argument, a number of seconds, as milliseconds from 0 to INT32_MAX (24 days): libcurl counts
 * in 32 bits, and a conversion beyond the range of its type is undefined. */
int64_t oct_check_ms(lua_State *L, int argument);

void oct_register_endpoint(lua_State *L);
int oct_endpoint_new(lua_State *L);
struct oct_endpoint *oct_endpoint_check(lua_State *L, int index);
struct oct_credentials oct_endpoint_credentials(const struct oct_endpoint *endpoint);

/* A request, and its answer's result for as long as that is being pushed: pushing may raise, and
 * then the request's __gc frees what is left. */
struct oct_request_box {
    struct oct_request request;
    struct oct_result result;
    const void *transport; /* where it was sent last, NULL for nowhere; only to be compared */
    uint64_t exchange;     /* its number there */
};

void oct_register_request(lua_State *L);
int oct_request_new(lua_State *L);
struct oct_request_box *oct_request_box_check(lua_State *L, int index);
struct oct_request *oct_request_check(lua_State *L, int index);

/* Pushes a request as a table { operation, method, url, path, headers, body }. */
void oct_push_request_fields(lua_State *L, const struct oct_request *request);

void oct_register_transport(lua_State *L);
extern const luaL_Reg oct_transport_functions[];
/* The answer to the request in the transport at `index`, borrowed until its next exchange. Raises
 * when the transport has sent something else since. */
const struct oct_response *oct_transport_answer(lua_State *L, int index,
                                                const struct oct_request_box *request);

/* keeper_lua.c */
void oct_register_keeper(lua_State *L);
int oct_keeper_of_engine(lua_State *L);
int oct_keeper_stepped(lua_State *L);

/* port_lua.c */
void oct_register_port(lua_State *L);
int oct_port_create(lua_State *L);

/* Reads a driver's response table; its text lives as long as what is left on the stack. */
void oct_read_response(lua_State *L, int table, struct oct_response *response);
/* response_lua.c: (request, response table or transport) -> result | nil, error table */
int oct_response_read(lua_State *L);
/* error_lua.c: (request, kind, code, message, sent) -> error table */
int oct_error_make(lua_State *L);

/* Pushes an error as a plain table; the Lua side gives it its metatable. */
void oct_push_error(lua_State *L, const struct oct_error *error,
                    const struct oct_operation *operation);
/* Pushes nil and the error, or raises when memory ran out; returns 2. */
int oct_push_failure(lua_State *L, enum oct_status status, const struct oct_error *error,
                     const struct oct_operation *operation);
/* Pushes a checked result: a table, or true where the answer has no body. */
void oct_push_result(lua_State *L, const struct oct_result *result);
/* Adds the fields of a held or delayed answer to the error table on top of the stack. */
void oct_merge_fields(lua_State *L, const struct oct_result *result);

#endif
