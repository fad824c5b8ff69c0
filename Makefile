# octostore for Lua: builds, tests and installs. `make help` lists the targets.
#
# Layers (each may use only those before it): src/core (pure C: libc and jansson), src/transport
# and src/engine (libcurl), src/lua (the binding). All but the binding are compiled once and linked
# into one module for each Lua: build/NAME/octostore/native.so, NAME = 5.1 luajit 5.2 5.3 5.4.

ifeq ($(OS),Windows_NT)
$(error octostore needs POSIX threads and sockets: Windows is not supported, Linux and macOS are)
endif
SYSTEM := $(shell uname -s)
ifeq ($(filter Linux Darwin,$(SYSTEM)),)
$(error octostore is supported on Linux and macOS, not on $(SYSTEM))
endif

# What a user may set on the command line.
ifeq ($(origin CC),default)
CC = gcc
endif
CFLAGS = -O2 -g
LDFLAGS =
B = build
PREFIX = /usr/local
DESTDIR =
LUA = lua5.4
INSTALL = install
# The Luas to build for; by default all whose headers are found.
ifeq ($(origin LUAS),undefined)
LUAS := $(shell sh spec/support/luas.sh list)
endif
# `make WERROR=1` turns warnings into errors, `make SANITIZE=address,undefined` adds sanitizers.
WERROR =
SANITIZE =

# `make V=1` shows the commands.
V =
Q = $(if $(V),,@)
say = $(if $(V),@:,@echo)

WARNINGS = -Wall -Wextra -pedantic -Wshadow -Wconversion $(if $(WERROR),-Werror)
INSTRUMENT = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
OCT_CFLAGS = -std=c99 -D_POSIX_C_SOURCE=200809L -fPIC -fvisibility=hidden -pthread -Isrc \
             -MMD -MP $(WARNINGS) $(INSTRUMENT) $(CFLAGS)
ifeq ($(SYSTEM),Darwin)
MODULE_FLAGS = -bundle -undefined dynamic_lookup
else
MODULE_FLAGS = -shared
endif

CORE := $(patsubst src/%.c,$(B)/obj/%.o,$(wildcard src/core/*.c))
LIBRARY := $(patsubst src/%.c,$(B)/obj/%.o,$(wildcard src/transport/*.c src/engine/*.c))
BINDING := $(wildcard src/lua/*.c)
MODULES := $(LUAS:%=$(B)/%/octostore/native.so)
comma := ,
C_TESTS := $(patsubst spec/c/%.c,$(B)/c/%,$(wildcard spec/c/*.c))

.PHONY: all modules layers ctests demo test check check-full bench chaos install uninstall clean help
.PHONY: run-demo run-test
.DELETE_ON_ERROR:
.SECONDARY:

# The layers are not checked when sanitizers have put symbols of their own into the core.
all: modules $(if $(SANITIZE),,layers)
	@test -n "$(strip $(LUAS))" || { echo 'no Lua headers found; what is missing:' \
	    '`sh spec/support/bootstrap.sh test` installs it or says what to install' >&2; exit 1; }

modules: $(MODULES)

## Compiling. The flags of the libraries are asked for once and kept in files that the compiler reads.

$(B)/libraries.cflags $(B)/libraries.libs:
	@mkdir -p $(@D)
	@pkg-config --$(patsubst .%,%,$(suffix $@)) libcurl jansson > $@ || { \
	    echo 'the headers of libcurl and jansson are needed (found through pkg-config)' >&2; exit 1; }

$(B)/obj/%.o: src/%.c Makefile | $(B)/libraries.cflags
	@mkdir -p $(@D)
	$(say) 'cc $<'
	$(Q)$(CC) $(OCT_CFLAGS) @$(B)/libraries.cflags -c $< -o $@

# Rules of one Lua; $(1) is its name.
define lua_rules
$(B)/$(1)/lua.cflags: spec/support/luas.sh
	@mkdir -p $$(@D)
	@sh spec/support/luas.sh cflags $(1) > $$@

$(B)/$(1)/obj/%.o: src/lua/%.c Makefile | $(B)/$(1)/lua.cflags $(B)/libraries.cflags
	@mkdir -p $$(@D)
	$$(say) 'cc $$< ($(1))'
	$$(Q)$$(CC) $$(OCT_CFLAGS) @$(B)/$(1)/lua.cflags @$(B)/libraries.cflags -c $$< -o $$@

$(B)/$(1)/octostore/native.so: $(BINDING:src/lua/%.c=$(B)/$(1)/obj/%.o) $(LIBRARY) $(CORE) | $(B)/libraries.libs
	@mkdir -p $$(@D)
	$$(say) 'link $$@'
	$$(Q)$$(CC) $$(MODULE_FLAGS) $$(INSTRUMENT) $$(LDFLAGS) -o $$@ $$^ @$(B)/libraries.libs -pthread -ldl
endef
$(foreach name,$(LUAS),$(eval $(call lua_rules,$(name))))

# Unit tests in C: one program for each spec/c/*.c, linked with the core alone.
ctests: $(C_TESTS)

# This one makes the core's allocations fail one by one, where the linker can put itself in between.
ifeq ($(SYSTEM),Linux)
$(B)/c/allocation_test: WRAP = $(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc free)
endif

$(B)/c/%: spec/c/%.c $(CORE) Makefile | $(B)/libraries.cflags
	@mkdir -p $(@D)
	$(say) 'cc $<'
	$(Q)$(CC) $(OCT_CFLAGS) -MF $@.d -MT $@ @$(B)/libraries.cflags $(LDFLAGS) $(WRAP) -o $@ $< $(CORE) $$(pkg-config --libs jansson)

-include $(wildcard $(B)/obj/*/*.d $(B)/*/obj/*.d $(B)/c/*.d)

## The layering: the core's undefined symbols, and who includes what.

layers: $(B)/layers.checked

$(B)/layers.checked: $(CORE) $(wildcard src/*/*.[ch]) spec/support/check_layers.sh spec/support/core_symbols.allow
	@sh spec/support/check_layers.sh $(CORE)
	@touch $@

## What the README says. These first install what is missing, or say what to install.

demo:
	@sh spec/support/bootstrap.sh demo
	@$(MAKE) --no-print-directory run-demo LUAS=5.4

run-demo: modules
	@LUA_PATH='./?.lua;lua/?.lua;lua/?/init.lua;;' LUA_CPATH='$(B)/5.4/?.so;;' \
	    "$$(sh spec/support/luas.sh interpreter 5.4)" spec/demo/quickstart.lua

test:
	@LUAS='$(if $(filter undefined file,$(origin LUAS)),,$(LUAS))' sh spec/support/bootstrap.sh test
	@sh spec/support/server.sh
	@sh spec/support/toxiproxy.sh
	@$(MAKE) --no-print-directory run-test

run-test: all ctests
	@sh spec/support/test.sh $(B) $(LUAS)

check:
	@sh spec/support/bootstrap.sh check
	@MAKE='$(MAKE)' sh spec/support/check.sh

check-full:
	@sh spec/support/bootstrap.sh check
	@OCTOSTORE_REQUIRE_REAL=1 sh spec/support/server.sh
	@MAKE='$(MAKE)' OCTOSTORE_LONG=1 OCTOSTORE_REQUIRE_REAL=1 sh spec/support/check.sh full
	@OCTOSTORE_LONG=1 OCTOSTORE_REQUIRE_REAL=1 $(MAKE) --no-print-directory test

# Two and a half minutes, and more on a slow machine; spec/chaos/chaos_spec.lua is the short form.
chaos:
	@LUAS=5.4 sh spec/support/bootstrap.sh test
	@OCTOSTORE_REQUIRE_REAL=1 sh spec/support/server.sh
	@OCTOSTORE_REQUIRE_REAL=1 sh spec/support/toxiproxy.sh
	@$(MAKE) --no-print-directory modules LUAS=5.4
	@LUA_PATH='./?.lua;lua/?.lua;lua/?/init.lua;;' LUA_CPATH='$(B)/5.4/?.so;;' \
	    "$$(sh spec/support/luas.sh interpreter 5.4)" spec/chaos/run.lua 150 2000

bench:
	@LUAS='5.4 luajit' sh spec/support/bootstrap.sh test
	@sh spec/support/server.sh
	@$(MAKE) --no-print-directory modules LUAS='5.4 luajit'
	@sh spec/bench/run.sh

## Installing, for the interpreter $(LUA): modules in share/lua/VERSION, the C module in lib/lua/VERSION.

INSTALL_NAME = $(shell $(LUA) -e 'io.write(jit and "luajit" or _VERSION:match("%d%.%d"))' 2>/dev/null)
INSTALL_VERSION = $(patsubst luajit,5.1,$(INSTALL_NAME))
INST_LUADIR = $(PREFIX)/share/lua/$(INSTALL_VERSION)
INST_LIBDIR = $(PREFIX)/lib/lua/$(INSTALL_VERSION)

install:
	@test -n '$(INSTALL_NAME)' || { echo 'cannot run $(LUA): choose the interpreter with LUA=' >&2; exit 1; }
	@$(MAKE) --no-print-directory all LUAS=$(INSTALL_NAME)
	cd lua && find octostore -name '*.lua' -exec sh -c 'for file; do \
	    $(INSTALL) -d "$$0/$${file%/*}" && $(INSTALL) -m 644 "$$file" "$$0/$$file" || exit 1; done' \
	    '$(DESTDIR)$(INST_LUADIR)' {} +
	$(INSTALL) -d '$(DESTDIR)$(INST_LIBDIR)/octostore'
	$(INSTALL) -m 755 $(B)/$(INSTALL_NAME)/octostore/native.so '$(DESTDIR)$(INST_LIBDIR)/octostore/native.so'

# Takes away the files that install put there, then the directories that are empty by that.
uninstall:
	@test -n '$(INSTALL_NAME)' || { echo 'cannot run $(LUA): choose the interpreter with LUA=' >&2; exit 1; }
	cd lua && find octostore -name '*.lua' -exec sh -c 'for file; do \
	    rm -f "$$0/$$file"; done' '$(DESTDIR)$(INST_LUADIR)' {} +
	rm -f '$(DESTDIR)$(INST_LIBDIR)/octostore/native.so'
	@for dir in '$(DESTDIR)$(INST_LUADIR)/octostore' '$(DESTDIR)$(INST_LIBDIR)/octostore'; do \
	    test ! -d "$$dir" || find "$$dir" -depth -type d -exec rmdir {} \; 2>/dev/null || true; done

clean:
	rm -rf $(B)

help:
	@echo 'make             build for every Lua found ($(LUAS)) and check the layering'
	@echo 'make demo        the quick start of the README, against an embedded service'
	@echo 'make test        all specs on every Lua; LUAS="5.4 luajit" chooses'
	@echo 'make check       lint, format, warnings as errors, sanitizers, valgrind, the rock'
	@echo 'make check-full  all of check and test, in their long forms'
	@echo 'make chaos       processes with one token on the real server, behind proxies that break'
	@echo 'make bench       the cost of a request, against bare libcurl'
	@echo 'make install     PREFIX=$(PREFIX) DESTDIR= LUA=$(LUA) INST_LUADIR= INST_LIBDIR='
	@echo 'make uninstall   takes away what install with the same settings installed'
	@echo 'make clean       removes $(B)/'
	@echo 'demo, test and check install missing Debian packages when run as root, and name them otherwise;'
	@echo 'OCTOSTORE_NO_INSTALL=1 forbids installing'
