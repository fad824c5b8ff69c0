-- Protected calls of functions that may yield, on PUC Lua 5.1 too, whose pcall does not let them.
-- May use: nothing.

local protected = {}

local function yields_across_pcall()
  local thread = coroutine.create(function()
    pcall(coroutine.yield)
  end)
  coroutine.resume(thread)
  return coroutine.status(thread) == "suspended"
end

local is_native = yields_across_pcall()

---Hands on what the thread yields and what it is resumed with, until it ends.
local function follow(thread, handler, ok, ...)
  if coroutine.status(thread) == "suspended" then
    return follow(thread, handler, coroutine.resume(thread, coroutine.yield(...)))
  end
  if ok then
    return true, ...
  end
  return false, handler(..., thread)
end

---As xpcall. Where it takes a thread of its own the handler gets that as well: the stack of the
---error is there. Outside of coroutines nothing can yield, and Ctrl-C reaches the main thread only.
---@param fn function
---@param handler fun(problem: any, thread: thread?): any
---@return boolean ok
---@return any ...
function protected.xpcall(fn, handler)
  if is_native or not coroutine.running() then
    return xpcall(fn, handler)
  end
  local thread = coroutine.create(fn)
  return follow(thread, handler, coroutine.resume(thread))
end

return protected
