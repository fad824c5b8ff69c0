-- JSON for the service: strict reading that keeps numbers as they were written, exact writing.
-- May use: nothing. lua-cjson serves everywhere else; it makes every number a double, and a service
-- that stands in for the real one must tell 60 from 60.0 and a syntax error from a wrong type.

local json = {}

---Stands for null, read and written.
json.null = setmetatable({}, {
  __tostring = function()
    return "null"
  end,
})

local Number, Object, Array, Raw = {}, {}, {}, {}

---@return boolean
function json.is_object(value)
  return getmetatable(value) == Object
end

---@return boolean
function json.is_array(value)
  return getmetatable(value) == Array
end

---The text of a number that was read, or nil when the value is something else.
---@return string?
function json.number_text(value)
  return getmetatable(value) == Number and value.text or nil
end

---Marks a list as an array; every other table is written as an object.
---@param list table
function json.array(list)
  return setmetatable(list, Array)
end

---Text that is written as it is: an integer beyond what a double holds.
---@param text string
function json.raw(text)
  return setmetatable({ text = text }, Raw)
end

-- ---- reading ----

local LITERALS = { ["true"] = true, ["false"] = false, ["null"] = json.null }
local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function fail()
  error("syntax", 0)
end

local function utf8_char(code)
  local char = string.char
  local function tail(shift)
    return 0x80 + math.floor(code / 2 ^ shift) % 64
  end
  if code < 0x80 then
    return char(code)
  elseif code < 0x800 then
    return char(0xC0 + math.floor(code / 64), tail(0))
  elseif code < 0x10000 then
    return char(0xE0 + math.floor(code / 4096), tail(6), tail(0))
  end
  return char(0xF0 + math.floor(code / 262144), tail(12), tail(6), tail(0))
end

local Reader = {}
Reader.__index = Reader

function Reader:skip()
  self.at = self.text:find("[^ \t\r\n]", self.at) or #self.text + 1
end

function Reader:peek()
  self:skip()
  return self.text:sub(self.at, self.at)
end

function Reader:take(char)
  if self:peek() ~= char then
    fail()
  end
  self.at = self.at + 1
end

function Reader:hex4()
  local digits = self.text:match("^%x%x%x%x", self.at) or fail()
  self.at = self.at + 4
  return tonumber(digits, 16)
end

function Reader:unicode_escape()
  local code = self:hex4()
  if code >= 0xDC00 and code <= 0xDFFF then
    fail()
  elseif code >= 0xD800 and code <= 0xDBFF then
    if self.text:sub(self.at, self.at + 1) ~= "\\u" then
      fail()
    end
    self.at = self.at + 2
    local low = self:hex4()
    if low < 0xDC00 or low > 0xDFFF then
      fail()
    end
    code = 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00)
  end
  return utf8_char(code)
end

function Reader:escape()
  local char = self.text:sub(self.at, self.at)
  self.at = self.at + 1
  if char == "u" then
    return self:unicode_escape()
  end
  return ESCAPES[char] or fail()
end

function Reader:string()
  self:take('"')
  local parts = {}
  while true do
    local plain = self.text:match('^[^"\\%c]*', self.at)
    parts[#parts + 1] = plain
    self.at = self.at + #plain
    local char = self.text:sub(self.at, self.at)
    self.at = self.at + 1
    if char == '"' then
      return table.concat(parts)
    elseif char == "\\" then
      parts[#parts + 1] = self:escape()
    elseif char == "\127" then
      parts[#parts + 1] = char
    else
      fail()
    end
  end
end

function Reader:number()
  local integer = self.text:match("^-?0", self.at) or self.text:match("^-?[1-9]%d*", self.at) or fail()
  local finish = self.at + #integer
  finish = self.text:match("^%.%d+()", finish) or finish
  finish = self.text:match("^[eE][+-]?%d+()", finish) or finish
  if self.text:find("^[%w.+-]", finish) then
    fail()
  end
  local text = self.text:sub(self.at, finish - 1)
  self.at = finish
  if math.abs(tonumber(text)) == math.huge then
    fail()
  end
  return setmetatable({ text = text }, Number)
end

---Calls item() for each element between the brackets.
function Reader:sequence(open, close, item)
  self:take(open)
  if self:peek() == close then
    self.at = self.at + 1
  else
    repeat
      item()
      local char = self:peek()
      self.at = self.at + 1
      if char ~= "," and char ~= close then
        fail()
      end
    until char == close
  end
end

function Reader:object()
  local object = setmetatable({ members = {}, repeated = {} }, Object)
  self:sequence("{", "}", function()
    self:skip()
    local key = self:string()
    self:take(":")
    local value = self:value()
    object.repeated[key] = object.members[key] ~= nil
    object.members[key] = value
  end)
  return object
end

function Reader:array()
  local list = json.array {}
  self:sequence("[", "]", function()
    list[#list + 1] = self:value()
  end)
  return list
end

function Reader:value()
  local char = self:peek()
  if char == "{" then
    return self:object()
  elseif char == "[" then
    return self:array()
  elseif char == '"' then
    return self:string()
  elseif char:find("[%d-]") then
    return self:number()
  end
  local word = self.text:match("^%l+", self.at)
  local value = LITERALS[word or ""]
  if value == nil then
    fail()
  end
  self.at = self.at + #word
  return value
end

---Reads the JSON value that a text begins with; what follows it is ignored, as the server does.
---Objects come as { members, repeated }, numbers keep their text.
---@param text string
---@return boolean ok false when it is not JSON
---@return any value
function json.decode(text)
  local reader = setmetatable({ text = text, at = 1 }, Reader)
  return pcall(reader.value, reader)
end

-- ---- writing ----

local function escape(char)
  return ("\\u%04x"):format(char:byte())
end

local function write_string(text)
  return '"' .. text:gsub('[%c"\\]', escape) .. '"'
end

local function write_number(number)
  if number == math.floor(number) and math.abs(number) < 2 ^ 53 then
    return ("%d"):format(number)
  end
  return ("%.17g"):format(number)
end

local write

local function write_array(list)
  local parts = {}
  for i, value in ipairs(list) do
    parts[i] = write(value)
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function write_object(object)
  local keys, parts = {}, {}
  for key in pairs(object) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  for i, key in ipairs(keys) do
    parts[i] = write_string(key) .. ":" .. write(object[key])
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function write(value)
  local kind, metatable = type(value), getmetatable(value)
  if value == json.null then
    return "null"
  elseif metatable == Raw then
    return value.text
  elseif metatable == Array then
    return write_array(value)
  elseif kind == "table" then
    return write_object(value)
  elseif kind == "string" then
    return write_string(value)
  elseif kind == "number" then
    return write_number(value)
  end
  return tostring(value)
end

---Writes a value; keys are sorted, so that the same value always gives the same text.
---@param value any
---@return string
function json.encode(value)
  return write(value)
end

return json
