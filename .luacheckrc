-- luacheck: no globals of our own; what exists in any Lua from 5.1 on, guarded where it is used.
std = "max"
max_line_length = 120
codes = true
self = false -- a method may leave its object alone: drivers share an interface
ignore = { "581" } -- not (x > y) also holds for NaN, x <= y does not
exclude_files = { "build" }

files["spec"] = { std = "max+busted" }
