-- Statements that write a row unless a newer fencing token has written it.
-- May use: errors, options. Texts only: the caller's driver runs them.
-- The condition is part of the statement that writes, so the database checks and writes in one step. The cast keeps
-- a token exact when it is sent as text, and means the same in SQLite, PostgreSQL, MySQL and MariaDB.

local errors = require "octostore.errors"
local options = require "octostore.options"

local sql = {}

---Names are written as they are given, unquoted: ASCII letters, digits and "_", no word that SQL reserves.
---@class octostore.fence.Statement
---@field table string may have a schema before it: "app.reports"
---@field key string the column that names the row; for upsert it has a primary key or a unique index
---@field token string? the column of the token (default "fencing_token"): BIGINT NOT NULL DEFAULT 0
---@field columns string[]? what is written besides the token (default: nothing, for a table of fences only)
---@field placeholder "?"|"$"|nil "?" (default), or "$" for $1, $2 and so on, as PostgreSQL has them

local TYPES = { table = "string", key = "string", token = "string", columns = "table", placeholder = "string" }
local DEFAULTS = { token = "fencing_token", columns = {}, placeholder = "?" }
local NAME = "[A-Za-z_][A-Za-z0-9_]*"

-- ---- the description ----

local function check_type(where, name, value, expected)
  if type(value) ~= expected then
    error(("bad argument '%s' to '%s' (%s expected, got %s)"):format(name, where, expected, type(value)), 0)
  end
end

---Raises for wrong types, with no position of its own; gives the description with its defaults.
local function complete(where, given)
  check_type(where, "statement", given, "table")
  local full = {}
  for name, expected in pairs(TYPES) do
    full[name] = given[name]
    if full[name] == nil then
      full[name] = DEFAULTS[name]
    end
    check_type(where, name, full[name], expected)
  end
  return full
end

local function invalid(where, argument, rule, value)
  local message = ("%s: %s must be %s (got '%s')"):format(where, argument, rule, options.shown(value))
  return errors.validation(argument, message)
end

local function is_name(value)
  return type(value) == "string" and value:find("^" .. NAME .. "$") ~= nil
end

---The first rule that the columns break: a column that is assigned twice would take the last value in SQLite.
local function check_columns(where, full)
  local taken = { [full.key:lower()] = true, [full.token:lower()] = true }
  if full.key:lower() == full.token:lower() then
    return invalid(where, "token", "another column than the key", full.token)
  end
  for _, column in ipairs(full.columns) do
    if not is_name(column) then
      return invalid(where, "columns", "names of letters, digits and '_'", column)
    elseif taken[column:lower()] then
      return invalid(where, "columns", "distinct, without key and token", column)
    end
    taken[column:lower()] = true
  end
end

local function check(where, given, full)
  for _, name in ipairs { "key", "token" } do
    if not is_name(full[name]) then
      return invalid(where, name, "a name of letters, digits and '_'", full[name])
    end
  end
  if not is_name(full.table) and not full.table:find("^" .. NAME .. "%." .. NAME .. "$") then
    return invalid(where, "table", "a name of letters, digits and '_', or two with a '.' between them", full.table)
  elseif full.placeholder ~= "?" and full.placeholder ~= "$" then
    return invalid(where, "placeholder", "'?' or '$'", full.placeholder)
  end
  return options.unknown(where, given, TYPES) or check_columns(where, full)
end

---The description with its defaults, or nil and an error. Raises, to blame the caller's caller, for wrong types.
local function read(where, given)
  local ok, full = pcall(complete, where, given)
  if not ok then
    error(full, 3)
  end
  local problem = check(where, given, full)
  if problem then
    return nil, problem
  end
  return full
end

-- ---- the texts ----

---The placeholders of one statement, and the columns whose values go there.
local function placeholders(style)
  local order, numbers = {}, {}
  return function(column)
    if style == "$" and numbers[column] then
      return "$" .. numbers[column]
    end
    order[#order + 1] = column
    numbers[column] = #order
    return style == "$" and "$" .. #order or "?"
  end, order
end

local function cast(placeholder)
  return ("CAST(%s AS DECIMAL(19))"):format(placeholder)
end

---An UPDATE that changes the row when the token is at least the row's. The number of rows that it affected is the
---verdict: 1 written; 0 refused, as stale or since there is no such row. (MySQL and MariaDB count only rows that
---changed, so there the same write again is 0 too, unless the connection has CLIENT_FOUND_ROWS.)
---@param statement octostore.fence.Statement
---@return string? text
---@return string[]|octostore.Error columns whose values the placeholders stand for, in their order; or an error
function sql.update(statement)
  local full, err = read("update", statement)
  if not full then
    return nil, err
  end
  local value, order = placeholders(full.placeholder)
  local assignments = {}
  for i, column in ipairs(full.columns) do
    assignments[i] = column .. " = " .. value(column)
  end
  assignments[#assignments + 1] = full.token .. " = " .. cast(value(full.token))
  local text = ("UPDATE %s SET %s WHERE %s = %s AND %s <= %s"):format(
    full.table,
    table.concat(assignments, ", "),
    full.key,
    value(full.key),
    full.token,
    cast(value(full.token))
  )
  return text, order
end

---An INSERT that turns into such an UPDATE when the row exists, for SQLite (3.24 or newer) and PostgreSQL. It affects
---1 row: written; 0: refused as stale. Elsewhere insert the row once, with token 0, and use update.
---@param statement octostore.fence.Statement
---@return string? text
---@return string[]|octostore.Error columns whose values the placeholders stand for, in their order; or an error
function sql.upsert(statement)
  local full, err = read("upsert", statement)
  if not full then
    return nil, err
  end
  local value, order = placeholders(full.placeholder)
  local columns, values, assignments = {}, {}, {}
  local function add(column, placeholder)
    columns[#columns + 1], values[#values + 1] = column, placeholder
  end
  add(full.key, value(full.key))
  for i, column in ipairs(full.columns) do
    add(column, value(column))
    assignments[i] = column .. " = excluded." .. column
  end
  add(full.token, cast(value(full.token)))
  assignments[#assignments + 1] = full.token .. " = excluded." .. full.token
  local text = "INSERT INTO %s AS existing (%s) VALUES (%s) "
    .. "ON CONFLICT (%s) DO UPDATE SET %s WHERE existing.%s <= excluded.%s"
  return text:format(
    full.table,
    table.concat(columns, ", "),
    table.concat(values, ", "),
    full.key,
    table.concat(assignments, ", "),
    full.token,
    full.token
  ), order
end

return sql
