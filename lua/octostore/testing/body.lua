-- Request bodies: read as the server's deserializer reads them.
-- May use: json, ids, faults. A body that is not JSON is 400, a wrong type in it is 422, a missing
-- content type 415; all that before anything else is looked at, authentication included.

local faults = require "octostore.testing.faults"
local ids = require "octostore.testing.ids"
local json = require "octostore.testing.json"

local body = {}

local MAX_BYTES = 2 * 1024 * 1024
local MAX_U32 = 4294967295

local function mismatch()
  faults.raise("invalid_input", "The body does not have the expected form", { status = 422 })
end

local readers = {}

function readers.string(value)
  return type(value) == "string" and value or mismatch()
end

function readers.boolean(value)
  if type(value) ~= "boolean" then
    mismatch()
  end
  return value
end

function readers.u32(value)
  local text = json.number_text(value)
  local number = text and text:match("^%d+$") and tonumber(text)
  return number and number <= MAX_U32 and number or mismatch()
end

function readers.uuid(value)
  return type(value) == "string" and ids.parse_uuid(value) or mismatch()
end

function readers.strings(value)
  if not json.is_array(value) then
    mismatch()
  end
  local list = {}
  for i, item in ipairs(value) do
    list[i] = readers.string(item)
  end
  return list
end

local ACL = { { "acquire", "strings", true } }

function readers.acl(value)
  return body.struct(value, ACL)
end

local function field(value, reader, required)
  if value == nil or value == json.null then
    if required then
      mismatch()
    end
    return nil
  end
  return readers[reader](value)
end

-- A struct may also be written as the list of all its fields.
local function from_list(list, fields)
  if #list < #fields then
    mismatch()
  elseif #list > #fields then
    faults.raise("invalid_input", "The body is not JSON of the expected form")
  end
  local values = {}
  for i, spec in ipairs(fields) do
    values[spec[1]] = field(list[i], spec[2], spec[3])
  end
  return values
end

---Reads a JSON value as a struct. Fields: { name, reader, required }; others are ignored.
function body.struct(value, fields)
  if json.is_array(value) then
    return from_list(value, fields)
  elseif not json.is_object(value) then
    mismatch()
  end
  local values = {}
  for _, spec in ipairs(fields) do
    if value.repeated[spec[1]] then
      mismatch()
    end
    values[spec[1]] = field(value.members[spec[1]], spec[2], spec[3])
  end
  return values
end

local TOKEN = "[%w!#$%%&'*+.^_`|~-]+"
local PARAMETER = "^; *" .. TOKEN .. "="

-- Parameters are ";name=value" without a blank before the semicolon; the last semicolon may stand alone.
local function are_parameters(text)
  while text ~= "" and text ~= ";" do
    text = text:match(PARAMETER .. TOKEN .. "(.*)$") or text:match(PARAMETER .. '"[^"]*"(.*)$')
    if not text then
      return false
    end
  end
  return true
end

local function is_json_type(content_type)
  local kind, parameters = (content_type or ""):match("^[ \t]*([^;]*)(.-)[ \t]*$")
  local subtype = kind:lower():match("^application/(" .. TOKEN .. ")$")
  if not subtype or not are_parameters(parameters) then
    return false
  end
  return subtype == "json" or subtype:find("^json%+") ~= nil or subtype:find(".%+json$") ~= nil
end

---@param request table with headers in lower case
---@param fields table
---@return table values
function body.read(request, fields)
  local text = request.body or ""
  if not is_json_type(request.headers["content-type"]) then
    faults.raise("invalid_input", "Content-Type must be application/json", { status = 415 })
  elseif #text > MAX_BYTES then
    faults.raise("invalid_input", "The body is too large", { status = 413 })
  end
  local ok, value = json.decode(text)
  if not ok or not body.is_utf8(text) then
    faults.raise("invalid_input", "The body is not JSON")
  end
  return body.struct(value, fields)
end

-- First byte, least and greatest second byte of each well-formed sequence (RFC 3629).
local function sequence_length(text, at)
  local first, second = text:byte(at, at + 1)
  if first < 0x80 then
    return 1
  elseif first < 0xC2 or first > 0xF4 or not second then
    return nil
  end
  local least = first == 0xE0 and 0xA0 or first == 0xF0 and 0x90 or 0x80
  local most = first == 0xED and 0x9F or first == 0xF4 and 0x8F or 0xBF
  local length = first < 0xE0 and 2 or first < 0xF0 and 3 or 4
  local tail = text:sub(at + 2, at + length - 1)
  local whole = #tail == length - 2 and not tail:find("[^\128-\191]")
  return second >= least and second <= most and whole and length or nil
end

---@param text string
---@return boolean
---@return integer characters
function body.is_utf8(text)
  local at, count = 1, 0
  while at <= #text do
    local length = sequence_length(text, at)
    if not length then
      return false, count
    end
    at, count = at + length, count + 1
  end
  return true, count
end

return body
