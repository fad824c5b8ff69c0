-- octostore.fence: what a resource needs in order to refuse a writer whose lock has passed to someone else.
-- May use: errors, options and its own folder; not the C module, so that a resource needs no client.
-- A fencing token is a whole number from 0 to 2^63 - 1, in any form that a Lua has for it: an integer, a float up
-- to 2^53, an int64_t of LuaJIT, or a string of decimal digits. All forms mix, and nothing is ever rounded.

local errors = require "octostore.errors"
local options = require "octostore.options"

local fence = {
  ---Statements for SQL databases.
  sql = require "octostore.fence.sql",
  ---Scripts for Redis.
  redis = require "octostore.fence.redis",
}

---@alias octostore.FencingToken integer|number|string

local MOST = "9223372036854775807"
local EXACT_FLOATS = 2 ^ 53
local RULE = "must be a whole number from 0 to " .. MOST .. " without leading zeros"
local FLOAT_RULE = "must be an integer or a string of digits beyond 2^53, where a float may have been rounded"
local BAD_ARGUMENT = "bad argument '%s' to '%s' (%s)"

-- ---- reading ----

local function is_integer(value)
  return math.type ~= nil and math.type(value) == "integer"
end

local function number_text(value)
  if is_integer(value) then
    return ("%d"):format(value)
  elseif value == math.floor(value) and math.abs(value) <= EXACT_FLOATS then
    return ("%.0f"):format(value == 0 and 0 or value) -- no "-0"
  end
  return tostring(value)
end

---The value in words: decimal digits when it is a token; nil when it is of a type that no token has.
local function text_of(value)
  local kind = type(value)
  if kind == "string" then
    return value
  elseif kind == "number" then
    return number_text(value)
  elseif kind == "cdata" then
    return tostring(value):match("^(%-?%d+)U?LL$")
  end
end

local function order(a, b)
  if #a ~= #b then
    return #a < #b and -1 or 1
  elseif a == b then
    return 0
  end
  return a < b and -1 or 1
end

local function is_token(text)
  return text == "0" or (text:find("^[1-9][0-9]*$") ~= nil and order(text, MOST) <= 0)
end

---@return string? text decimal digits
---@return string? problem
---@return boolean? wrong_type
local function parse(value)
  local text = text_of(value)
  if not text then
    return nil, "fencing token expected, got " .. type(value), true
  elseif is_token(text) then
    return text
  end
  local inexact = type(value) == "number" and value > EXACT_FLOATS and value < math.huge
  return nil, ("%s, got %s"):format(inexact and FLOAT_RULE or RULE, options.shown(text))
end

---For functions whose nil would be mistaken for an answer: raises for whatever is not a token.
local function strict(where, name, value)
  local text, problem = parse(value)
  return text or error(BAD_ARGUMENT:format(name, where, problem), 3)
end

---@return string?
---@return octostore.Error?
local function checked(where, name, value)
  local text, problem, wrong_type = parse(value)
  if wrong_type then
    error(BAD_ARGUMENT:format(name, where, problem), 3)
  elseif not text then
    return nil, errors.validation(name, ("%s: %s %s"):format(where, name, problem))
  end
  return text
end

---Compares two tokens. Raises for whatever is not a token, bad values too: an answer that is neither smaller, equal
---nor larger must not get into a condition. Read what comes from outside with fence.tostring first.
---@param a octostore.FencingToken
---@param b octostore.FencingToken
---@return integer -1, 0 or 1: a is older than, the same as, newer than b
function fence.compare(a, b)
  local first, second = strict("compare", "a", a), strict("compare", "b", b)
  return order(first, second)
end

---Whether a was granted after b. Raises as compare does.
---@param a octostore.FencingToken
---@param b octostore.FencingToken
---@return boolean
function fence.is_newer(a, b)
  local first, second = strict("is_newer", "a", a), strict("is_newer", "b", b)
  return order(first, second) > 0
end

---The token in decimal digits, for whatever has only doubles: lua-cjson, Redis, most database drivers. Each token
---has one such text, so it is also a check of what came from outside.
---@param token octostore.FencingToken
---@return string?
---@return octostore.Error? kind "validation"
function fence.tostring(token)
  local text, err = checked("tostring", "token", token)
  return text, err
end

-- ---- the guard ----

---Remembers the highest token of each resource, in memory: for a resource that lives in this Lua state.
---@class octostore.fence.Guard
local Guard = {}
Guard.__index = Guard
Guard.__name = "octostore.fence.guard"

local function check_resource(where, resource)
  if type(resource) ~= "string" then
    local problem = "string expected, got " .. type(resource)
    error(BAD_ARGUMENT:format("resource", where, problem), 3)
  end
end

local function stale(resource, token, highest)
  local message = "accept: fencing token %s is stale, '%s' has accepted %s"
  return errors.new("conflict", "stale_token", message:format(token, options.shown(resource), highest), {
    fencing_token = token,
    highest = highest,
  })
end

---Lets a write pass unless a newer token was here before. The same token passes again: a holder may write more than
---once. Write before anything else runs: a yield in between lets a newer writer in, whose work would be overwritten.
---@param resource string what the lock protects
---@param token octostore.FencingToken
---@return true?
---@return octostore.Error? kind "conflict", code "stale_token", with fencing_token and highest in decimal digits
function Guard:accept(resource, token)
  check_resource("accept", resource)
  local text, err = checked("accept", "token", token)
  if not text then
    return nil, err
  end
  local highest = self._highest[resource]
  if highest and order(text, highest) < 0 then
    return nil, stale(resource, text, highest)
  end
  self._highest[resource] = text
  return true
end

---The highest token accepted. Keep it with the resource and pass it to accept after a restart: a new guard knows of
---no token and lets a stale one pass.
---@param resource string
---@return string? token decimal digits
function Guard:highest(resource)
  check_resource("highest", resource)
  return self._highest[resource]
end

---Frees what is remembered of a resource that no longer exists. Should it be written again, any token passes.
---@param resource string
function Guard:forget(resource)
  check_resource("forget", resource)
  self._highest[resource] = nil
end

---@return octostore.fence.Guard
function fence.guard()
  return setmetatable({ _highest = {} }, Guard)
end

return fence
