#if defined(__linux__)
#define _GNU_SOURCE
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE
#endif

#include "engine/pin.h"

#include <dlfcn.h>
#include <stddef.h>

bool oct_pin_module(void)
{
    static const char here = 0; /* an address within this module */
    Dl_info info;
    return dladdr(&here, &info) != 0 && info.dli_fname != NULL &&
           dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) != NULL;
}
