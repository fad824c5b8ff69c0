-- SQLite for specs: one table of reports, any number of connections.
-- Uses: LuaDBI.
-- Owner: whoever opens a connection closes it.

local DBI = require "DBI"

local sqlite = {}

sqlite.SCHEMA = "CREATE TABLE reports (name TEXT PRIMARY KEY, body TEXT, fencing_token BIGINT NOT NULL DEFAULT 0)"

---@param path string a file, or ":memory:"
function sqlite.open(path)
  local db = assert(DBI.Connect("SQLite3", path))
  db:autocommit(true)
  return db
end

---Runs a statement; answers the number of rows that it affected.
function sqlite.execute(db, text, ...)
  local statement = assert(db:prepare(text))
  assert(statement:execute(...))
  local affected = statement:affected()
  statement:close()
  return affected
end

---The body and the token, in decimal digits, of a report; nil when there is none.
function sqlite.report(db, name)
  local statement = assert(db:prepare("SELECT body, CAST(fencing_token AS TEXT) FROM reports WHERE name = ?"))
  assert(statement:execute(name))
  local row = statement:fetch(false)
  local body, token = row and row[1], row and row[2]
  statement:close()
  return body, token
end

return sqlite
