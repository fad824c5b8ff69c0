/* The classes of userdata that the module knows.
 * May use: compat.h. Owns: nothing.
 * Every function of the module is a closure over the metatables of all classes: an argument's class
 * is told by comparing with an upvalue, where luaL_checkudata would look a name up each time. */
#ifndef OCT_LUA_OBJECT_H
#define OCT_LUA_OBJECT_H

#include "lua/compat.h"

/* A class's number is the upvalue that its metatable is, and its place on the stack while the
 * classes are being defined. */
enum oct_class {
    OCT_ENDPOINT = 1,
    OCT_REQUEST,
    OCT_TRANSPORT,
    OCT_KEEPER,
    OCT_ACCOUNT,
    OCT_SESSION,
    OCT_HELD,
    OCT_PORT,
    OCT_LAST_CLASS = OCT_PORT
};

/* Pushes the metatables, each at the stack index of its class. Call it on an empty stack. */
void oct_push_classes(lua_State *L);

/* Defines a class: its metamethods, and its methods where __index is not one of those (else NULL).
 */
void oct_define_class(lua_State *L, enum oct_class class, const luaL_Reg *metamethods,
                      const luaL_Reg *methods);

/* Adds the functions to the table on top of the stack, as closures over the metatables. */
void oct_set_functions(lua_State *L, const luaL_Reg *functions);

/* The two below work only in functions that were defined so. */

/* Pushes a new object, zeroed. */
void *oct_object_new(lua_State *L, enum oct_class class, size_t size);

/* The object at `index`, or raises. */
void *oct_object_check(lua_State *L, int index, enum oct_class class);

#endif
