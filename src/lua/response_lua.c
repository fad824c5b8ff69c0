/* Answers: from a driver's response table to a result table or an error table.
 * May use: core, compat.h, jansson. Owns: nothing, the result lives in the request's userdata. */
#include "core/json.h"
#include "lua/native.h"

/* ---- JSON to Lua ---- */

static void push_text(lua_State *L, const json_t *value)
{
    lua_pushlstring(L, json_string_value(value), json_string_length(value));
}

static void push_strings(lua_State *L, const json_t *list)
{
    lua_createtable(L, (int)json_array_size(list), 0);
    for (size_t i = 0; i < json_array_size(list); i++) {
        push_text(L, json_array_get(list, i));
        lua_rawseti(L, -2, (int)i + 1);
    }
}

static void push_object(lua_State *L, const json_t *object, const struct oct_shape *shape);

static void push_objects(lua_State *L, const json_t *list, const struct oct_shape *shape)
{
    lua_createtable(L, (int)json_array_size(list), 0);
    for (size_t i = 0; i < json_array_size(list); i++) {
        push_object(L, json_array_get(list, i), shape);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

static void push_field(lua_State *L, const json_t *value, const struct oct_field *field)
{
    switch (field->type) {
    case OCT_FIELD_STRING:
    case OCT_FIELD_UUID:
    case OCT_FIELD_TIME:
        push_text(L, value);
        break;
    case OCT_FIELD_INTEGER:
        oct_push_integer(L, (int64_t)json_integer_value(value));
        break;
    case OCT_FIELD_MS:
        lua_pushnumber(L, (lua_Number)json_integer_value(value) / 1000);
        break;
    case OCT_FIELD_BOOLEAN:
        lua_pushboolean(L, json_is_true(value));
        break;
    case OCT_FIELD_STRINGS:
        push_strings(L, value);
        break;
    case OCT_FIELD_OBJECT:
        push_object(L, value, field->of);
        break;
    case OCT_FIELD_OBJECTS:
        push_objects(L, value, field->of);
        break;
    }
}

static void set_fields(lua_State *L, const json_t *object, const struct oct_shape *shape)
{
    struct oct_members members = oct_json_members(object);
    luaL_checkstack(L, 8, "answer nested too deep");
    for (size_t i = 0; i < shape->field_count; i++) {
        const json_t *value = oct_json_member(&members, shape->fields[i].wire);
        if (value != NULL && !json_is_null(value)) {
            push_field(L, value, &shape->fields[i]);
            lua_setfield(L, -2, shape->fields[i].name);
        }
    }
}

static void push_object(lua_State *L, const json_t *object, const struct oct_shape *shape)
{
    lua_createtable(L, 0, (int)shape->field_count);
    set_fields(L, object, shape);
}

/* Any JSON, for answers without a shape; null becomes nothing. The depth is limited by the core. */
static void push_any(lua_State *L, json_t *value)
{
    const char *key;
    json_t *member;

    luaL_checkstack(L, 8, "answer nested too deep");
    if (json_is_object(value)) {
        lua_createtable(L, 0, (int)json_object_size(value));
        json_object_foreach(value, key, member)
        {
            push_any(L, member);
            lua_setfield(L, -2, key);
        }
    } else if (json_is_array(value)) {
        lua_createtable(L, (int)json_array_size(value), 0);
        for (size_t i = 0; i < json_array_size(value); i++) {
            push_any(L, json_array_get(value, i));
            lua_rawseti(L, -2, (int)i + 1);
        }
    } else if (json_is_string(value)) {
        push_text(L, value);
    } else if (json_is_integer(value)) {
        oct_push_integer(L, (int64_t)json_integer_value(value));
    } else if (json_is_real(value)) {
        lua_pushnumber(L, json_real_value(value));
    } else if (json_is_boolean(value)) {
        lua_pushboolean(L, json_is_true(value));
    } else {
        lua_pushnil(L);
    }
}

void oct_push_result(lua_State *L, const struct oct_result *result)
{
    switch (result->variant->body) {
    case OCT_BODY_OBJECT:
        push_object(L, result->root, result->variant->shape);
        break;
    case OCT_BODY_LIST:
        push_objects(L, result->root, result->variant->shape);
        break;
    case OCT_BODY_OPEN:
        push_any(L, result->root);
        break;
    case OCT_BODY_NONE:
    case OCT_BODY_NULL:
    case OCT_BODY_STREAM:
        lua_pushboolean(L, 1);
        break;
    }
}

void oct_merge_fields(lua_State *L, const struct oct_result *result)
{
    lua_getfield(L, -1, "status");
    lua_insert(L, -2);
    set_fields(L, result->root, result->variant->shape);
    lua_insert(L, -2);
    lua_setfield(L, -2, "status"); /* the HTTP status, not the answer's field of that name */
}

/* ---- from a driver ---- */

static struct oct_text text_field(lua_State *L, int table, const char *name)
{
    struct oct_text text = {NULL, 0};
    lua_getfield(L, table, name);
    if (lua_type(L, -1) == LUA_TSTRING) {
        text.data = lua_tolstring(L, -1, &text.len);
    }
    return text; /* alive as long as the value stays on the stack */
}

void oct_read_response(lua_State *L, int table, struct oct_response *response)
{
    lua_getfield(L, table, "status");
    response->status = (int)lua_tonumber(L, -1);
    response->body = text_field(L, table, "body");
    response->request_id = (struct oct_text){NULL, 0};
    response->retry_after = (struct oct_text){NULL, 0};
    lua_getfield(L, table, "headers");
    if (lua_istable(L, -1)) {
        int headers = lua_gettop(L);
        response->request_id = text_field(L, headers, "x-request-id");
        response->retry_after = text_field(L, headers, "retry-after");
    }
}

int oct_response_read(lua_State *L)
{
    struct oct_error error;
    struct oct_response response;
    struct oct_request_box *box = oct_request_box_check(L, 1);
    const struct oct_request *request = &box->request;
    struct oct_result *result = &box->result;

    if (lua_istable(L, 2)) {
        oct_read_response(L, 2, &response);
    } else {
        response = *oct_transport_answer(L, 2, box);
    }
    oct_result_free(result);
    enum oct_status status = oct_response_parse(request, &response, result, &error);
    if (status == OCT_OK) {
        oct_push_result(L, result);
        oct_result_free(result);
        return 1;
    }
    oct_push_failure(L, status, &error, request->operation);
    if (result->root != NULL) {
        oct_merge_fields(L, result);
        oct_result_free(result);
    }
    return 2;
}
