/* Keeps this module in memory until the process ends: a thread, an atexit handler and a fork
 * handler run code of it after the last Lua state that loaded it may have closed. May use: POSIX,
 * dladdr. Owns: nothing. */
#ifndef OCT_PIN_H
#define OCT_PIN_H

#include <stdbool.h>

/* False when the module cannot be kept. */
bool oct_pin_module(void);

#endif
