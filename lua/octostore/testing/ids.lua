-- Identifiers: random in looks, the same at every run with the same seed.
-- May use: nothing. Not for secrets: this is a double for tests.

local ids = {}

local Ids = {}
Ids.__index = Ids

local MODULUS, MULTIPLIER = 2147483647, 48271 -- minimal standard generator: exact in a double

function Ids:byte()
  self._state = self._state * MULTIPLIER % MODULUS
  return math.floor(self._state / 1024) % 256
end

function Ids:hex(bytes)
  local parts = {}
  for i = 1, bytes do
    parts[i] = ("%02x"):format(self:byte())
  end
  return table.concat(parts)
end

---@param version integer? of RFC 9562; 4 by default
---@return string
function Ids:uuid(version)
  local hex = self:hex(16)
  return ("%s-%s-%d%s-%x%s-%s"):format(
    hex:sub(1, 8),
    hex:sub(9, 12),
    version or 4,
    hex:sub(14, 16),
    8 + self:byte() % 4,
    hex:sub(18, 20),
    hex:sub(21, 32)
  )
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

---@param length integer
---@return string
function Ids:urlsafe(length)
  local parts = {}
  for i = 1, length do
    local at = self:byte() % 64 + 1
    parts[i] = ALPHABET:sub(at, at)
  end
  return table.concat(parts)
end

---@param seed integer
function ids.new(seed)
  return setmetatable({ _state = seed % (MODULUS - 1) + 1 }, Ids)
end

-- The forms in which the server reads a UUID, beside the canonical one.
local function strip(text)
  return text:match("^urn:uuid:(.*)$") or text:match("^{(.*)}$") or text
end

---The canonical form of a UUID, or nil.
---@param text string
---@return string?
function ids.parse_uuid(text)
  local body = strip(text):lower()
  if body:match("^%x+$") and #body == 32 and body == text:lower() then
    body = body:gsub("^(........)(....)(....)(....)", "%1-%2-%3-%4-")
  end
  local dashed = ("%x"):rep(8) .. "%-" .. (("%x"):rep(4) .. "%-"):rep(3) .. ("%x"):rep(12)
  return body:match("^" .. dashed .. "$")
end

return ids
