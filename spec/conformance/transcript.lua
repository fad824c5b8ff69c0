-- What a case saw, one line a fact, with all that differs from run to run masked: two servers agree when the lines do.
-- Uses: lua-cjson; identities (leases, tokens, terms) become labels by order of appearance, so reuse stays visible.
-- Owner: one transcript for each case and server.

local cjson = require "cjson"

local unpack = table.unpack or unpack -- luacheck: ignore 143

local transcript = {}

local Transcript = {}
Transcript.__index = Transcript

local UUID = ("x"):rep(8):gsub("x", "%%x") .. ("%-" .. ("%x"):rep(4)):rep(3) .. "%-" .. ("%x"):rep(12)
local TIME = "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.?%d*(.*)$"
local EMPTY_ARRAY = "\1empty array"
local HEADERS = { "content-type", "x-request-id", "retry-after", "cache-control", "allow" }

-- Fields whose values only say "the same as before" or "another one".
local IDENTITIES = {
  fencing_token = "number", term = "number", previous_term = "number",
  token = "string", leader_token = "string", election_id = "string",
}

-- Fields whose values depend on the moment, and prose that is no part of the contract.
local VOLATILE = { retry_after_ms = true, details = true, error = true, request_id = true, db_size_bytes = true }

function transcript.new()
  return setmetatable({ lines = {}, labels = {}, counts = {} }, Transcript)
end

local function label(self, kind, value)
  if not self.labels[value] then
    self.counts[kind] = (self.counts[kind] or 0) + 1
    self.labels[value] = ("<%s %d>"):format(kind, self.counts[kind])
  end
  return self.labels[value]
end

local function mask_text(self, text)
  text = text:gsub(UUID, function(uuid) return label(self, "uuid", uuid) end)
  for value, name in pairs(self.labels) do
    if type(value) == "string" and #value >= 32 then
      local first, last = text:find(value, 1, true)
      if first then text = text:sub(1, first - 1) .. name .. text:sub(last + 1) end
    end
  end
  return text
end

local function quoted(text)
  return '"' .. text:gsub("%c", function(byte) return ("\\%d"):format(byte:byte()) end) .. '"'
end

local function mask_string(self, value)
  local zone = value:match(TIME)
  if zone then return "<time " .. zone .. ">" end
  return quoted(mask_text(self, value))
end

-- The counter's next value, which a free lock shows, is nobody's token.
local function is_identity(key, value, object)
  return key ~= nil and type(value) == IDENTITIES[key] and object.status ~= "free"
end

local function scalar(self, key, value, object)
  if value == cjson.null then return "null" end
  if VOLATILE[key] then return "<" .. type(value) .. ">" end
  if is_identity(key, value, object) then return label(self, key, value) end
  if key == "renew_after_ms" then return ("<about %d s>"):format(math.ceil(value / 1000)) end
  if type(value) == "string" then return mask_string(self, value) end
  if type(value) ~= "number" then return tostring(value) end
  return object.status == "free" and "<number>" or ("%.14g"):format(value)
end

-- lua-cjson decodes [] and {} to the same table: the text tells them apart, outside of its strings.
local function mark_empty_arrays(text)
  local parts, position = {}, 1
  while true do
    local found = text:find("[\"%[]", position)
    if not found then break end
    local last = found
    if text:sub(found, found) == "\"" then
      repeat
        last = text:find("[\"\\]", last + 1)
        local escaped = last and text:sub(last, last) == "\\"
        if escaped then last = last + 1 end
      until not escaped
      if not last then break end
      parts[#parts + 1] = text:sub(position, last)
    elseif text:match("^%[%s*%]", found) then
      last = text:find("]", found, true)
      parts[#parts + 1] = text:sub(position, found) .. "\"" .. "\\u0001empty array" .. "\"]"
    else
      parts[#parts + 1] = text:sub(position, found)
    end
    position = last + 1
  end
  return table.concat(parts) .. text:sub(position)
end

local walk

local function walk_object(path, object, visit)
  local keys = {}
  for key in pairs(object) do keys[#keys + 1] = key end
  table.sort(keys)
  if #keys == 0 then visit(path, nil, nil, {}, "{}") end
  for _, key in ipairs(keys) do walk(path .. "." .. key, key, object[key], object, visit) end
end

-- The server lists locks in any order; labels must not depend on it.
local function by_name(array)
  if type(array[1]) ~= "table" or not array[1].name then return array end
  local sorted = { unpack(array) }
  table.sort(sorted, function(a, b) return a.name < b.name end)
  return sorted
end

local function walk_array(path, array, visit)
  if array[1] == EMPTY_ARRAY then return visit(path, nil, nil, {}, "[]") end
  for _, item in ipairs(by_name(array)) do walk(path .. "[]", "[]", item, array, visit) end
end

-- Calls visit(path, key, value, object, fixed) for each leaf.
function walk(path, key, value, object, visit)
  if type(value) ~= "table" then return visit(path, key, value, object) end
  if #value > 0 then return walk_array(path, value, visit) end
  return walk_object(path, value, visit)
end

local function set_of_lines(collect)
  local lines, seen = {}, {}
  collect(function(line)
    if not seen[line] then lines[#lines + 1] = line end
    seen[line] = true
  end)
  table.sort(lines)
  return lines
end

-- A path in one answer may hold the identity that another field shows: labels come first.
local function label_identities(self, value)
  walk("$", nil, value, {}, function(_, key, leaf, object)
    if is_identity(key, leaf, object) then label(self, key, leaf) end
  end)
end

local function value_lines(self, value)
  label_identities(self, value)
  return set_of_lines(function(add)
    walk("$", nil, value, {}, function(path, key, leaf, object, fixed)
      add("    " .. path .. " = " .. (fixed or scalar(self, key, leaf, object)))
    end)
  end)
end

-- Lists of numbers may be empty or not, as time goes by.
local function shape_lines(value)
  return set_of_lines(function(add)
    walk("$", nil, value, {}, function(path, _, leaf, _, fixed)
      local kind = leaf == cjson.null and "null" or "<" .. type(leaf) .. ">"
      if fixed == "[]" then path = path .. fixed end
      add("    " .. path .. " = " .. (path:sub(-2) == "[]" and "<list>" or fixed or kind))
    end)
  end)
end

local function body_lines(self, body, shape)
  if body == "" then return { "    (no body)" } end
  local ok, value = pcall(cjson.decode, mark_empty_arrays(body))
  if not ok then return { "    " .. mask_string(self, body) } end
  return shape and shape_lines(value) or value_lines(self, value)
end

local function append(self, lines)
  for _, line in ipairs(lines) do self.lines[#self.lines + 1] = line end
end

local function header_line(headers)
  local words = {}
  for _, name in ipairs(HEADERS) do
    local value = headers[name]
    if value and (name == "x-request-id" or name == "retry-after") then value = "…" end
    if value then words[#words + 1] = name .. ": " .. value end
  end
  return "  " .. table.concat(words, "; ")
end

-- shape = true keeps the paths and types but no values, for answers about the whole server.
function Transcript:exchange(method, target, who, response, shape)
  append(self, { ("%s %s as %s: %d"):format(method, mask_text(self, target), who, response.status),
    header_line(response.headers) })
  append(self, body_lines(self, response.body, shape))
end

function Transcript:frame(frame)
  append(self, { ("  frame%s%s"):format(frame.event and " event " .. frame.event or "",
    frame.retry and " retry " .. frame.retry or "") })
  append(self, value_lines(self, frame.json))
end

function Transcript:text()
  return table.concat(self.lines, "\n") .. "\n"
end

-- The first line that differs, with what stands around it, or nil.
function transcript.difference(expected, actual)
  local a, b = expected.lines, actual.lines
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then
      local request = i
      while request > 1 and not (a[request] or b[request]):match("^%S") do request = request - 1 end
      return ("after %s\n  expected %s\n  actual   %s"):format(
        a[request] or b[request], tostring(a[i]), tostring(b[i]))
    end
  end
  return nil
end

return transcript
