-- Lock names: the server's rules.
-- May use: body (UTF-8), faults.
-- Beyond ASCII the server accepts what Unicode calls alphabetic or numeric. Carrying those tables is
-- not worth it in a double: the blocks below hold none of them, everything else is let through.

local body = require "octostore.testing.body"
local faults = require "octostore.testing.faults"

local names = {}

local NOT_ALPHANUMERIC = {
  { 0x80, 0xA9 }, { 0xAB, 0xB1 }, { 0xB4, 0xB4 }, { 0xB6, 0xB8 }, { 0xBB, 0xBB }, { 0xBF, 0xBF },
  { 0xD7, 0xD7 }, { 0xF7, 0xF7 }, { 0x2C2, 0x2C5 }, { 0x300, 0x344 }, { 0x346, 0x362 }, { 0x93C, 0x93C },
  { 0x94D, 0x94D }, { 0x200B, 0x206F }, { 0x2000, 0x200A }, { 0x20A0, 0x20F0 }, { 0x2190, 0x245F },
  { 0x2500, 0x2775 }, { 0x2794, 0x2BFF }, { 0x3000, 0x3004 }, { 0x3008, 0x3020 }, { 0xE000, 0xF8FF },
  { 0xFE00, 0xFE6F }, { 0xFF01, 0xFF0F }, { 0xFFFC, 0xFFFD }, { 0x1F000, 0x1F0FF }, { 0x1F1E6, 0x1FAFF },
  { 0xE0000, 0x10FFFF },
}

local function is_alphanumeric(code)
  for _, block in ipairs(NOT_ALPHANUMERIC) do
    if code >= block[1] and code <= block[2] then
      return false
    end
  end
  return true
end

local function code_point(sequence)
  local first = sequence:byte()
  local code = first >= 0xF0 and first - 0xF0 or first >= 0xE0 and first - 0xE0 or first - 0xC0
  for i = 2, #sequence do
    code = code * 64 + sequence:byte(i) - 0x80
  end
  return code
end

local function has_strange_character(name)
  if name:find("[^%w%-_./\128-\255]") then
    return true
  end
  for sequence in name:gmatch("[\194-\244][\128-\191]+") do
    if not is_alphanumeric(code_point(sequence)) then
      return true
    end
  end
  return false
end

local function problem(name)
  if name == "" or #name > 256 then
    return "A lock name has 1 to 256 bytes"
  elseif name:find("^/") or name:find("/$") or name:find("//", 1, true) then
    return "A lock name has no empty component"
  elseif has_strange_character(name) then
    return "A lock name has letters, digits, '-', '_', '.' and '/' only"
  end
  for component in name:gmatch("[^/]+") do
    if component == ".." then
      return "A lock name has no '..' component"
    elseif #component > 64 then
      return "A component of a lock name has at most 64 bytes"
    end
  end
end

---@param name string
function names.check(name)
  local details = problem(name)
  if details then
    faults.raise("invalid_lock_name", details)
  end
end

---@param seconds integer
function names.check_ttl(seconds, least, most)
  if seconds < least or seconds > most then
    faults.raise("invalid_ttl", ("A TTL is from %d to %d seconds"):format(least, most))
  end
end

---@param text string?
function names.check_metadata(text)
  if text and select(2, body.is_utf8(text)) > 1024 then
    faults.raise("invalid_input", "Metadata has at most 1024 characters")
  end
end

return names
