/* The answer of the blocking transport as a userdata: one block that holds its text.
 * May use: core, compat.h. Owns: a copy of the answer, freed with the userdata; nothing to close.
 * A driver written in Lua returns a table of the same form; this spares a call two tables and three
 * strings that nobody but the core reads. */
#include "lua/native.h"

#include <string.h>

struct answer {
    int status;
    bool repeated;
    size_t body_len;
    size_t request_id_len;
    size_t retry_after_len;
    char text[]; /* body, request id and retry-after, one after the other */
};

static char *append(char *at, struct oct_text text)
{
    if (text.len > 0) {
        memcpy(at, text.data, text.len);
    }
    return at + text.len;
}

void oct_push_answer(lua_State *L, const struct oct_response *response, bool repeated)
{
    size_t len = response->body.len + response->request_id.len + response->retry_after.len;
    struct answer *answer = oct_object_new(L, OCT_ANSWER, sizeof *answer + len);
    answer->status = response->status;
    answer->repeated = repeated;
    answer->body_len = response->body.len;
    answer->request_id_len = response->request_id.len;
    answer->retry_after_len = response->retry_after.len;
    char *end = append(answer->text, response->body);
    append(append(end, response->request_id), response->retry_after);
}

void oct_read_answer(lua_State *L, int index, struct oct_response *response)
{
    const struct answer *answer = oct_object_check(L, index, OCT_ANSWER);
    const char *request_id = answer->text + answer->body_len;
    response->status = answer->status;
    response->body = (struct oct_text){answer->text, answer->body_len};
    response->request_id = (struct oct_text){request_id, answer->request_id_len};
    response->retry_after =
        (struct oct_text){request_id + answer->request_id_len, answer->retry_after_len};
}

static void set_header(lua_State *L, const char *name, struct oct_text value)
{
    if (value.len > 0) {
        lua_pushlstring(L, value.data, value.len);
        lua_setfield(L, -2, name);
    }
}

/* The fields of a driver's response: status, headers, body, repeated. */
static int index(lua_State *L)
{
    struct oct_response response;
    const char *field = luaL_checkstring(L, 2);

    oct_read_answer(L, 1, &response);
    if (strcmp(field, "repeated") == 0) {
        lua_pushboolean(L, ((const struct answer *)lua_touserdata(L, 1))->repeated);
    } else if (strcmp(field, "status") == 0) {
        lua_pushinteger(L, response.status);
    } else if (strcmp(field, "body") == 0) {
        lua_pushlstring(L, response.body.data, response.body.len);
    } else if (strcmp(field, "headers") == 0) {
        lua_createtable(L, 0, 2);
        set_header(L, "x-request-id", response.request_id);
        set_header(L, "retry-after", response.retry_after);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

void oct_register_answer(lua_State *L)
{
    static const luaL_Reg metamethods[] = {{"__index", index}, {NULL, NULL}};
    oct_define_class(L, OCT_ANSWER, metamethods, NULL);
}
