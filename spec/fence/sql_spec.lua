-- Guarded statements: their texts, and what SQLite does with them.
-- Uses: octostore.fence, SQLite.
-- Owner: each spec closes its database.

local expect = require "spec.support.expect"
local fence = require "octostore.fence"
local sqlite = require "spec.support.sqlite"

local REPORTS = { table = "reports", key = "name", columns = { "body" } }

local function with(changes)
  local statement = { table = "reports", key = "name", columns = { "body" } }
  for name, value in pairs(changes) do
    statement[name] = value
  end
  return statement
end

describe("fence.sql.update", function()
  it("checks the token in the statement that writes", function()
    local text, columns = fence.sql.update(REPORTS)
    assert.are.equal(
      "UPDATE reports SET body = ?, fencing_token = CAST(? AS DECIMAL(19)) "
        .. "WHERE name = ? AND fencing_token <= CAST(? AS DECIMAL(19))",
      text
    )
    assert.are.same({ "body", "fencing_token", "name", "fencing_token" }, columns)
  end)

  it("numbers the placeholders for PostgreSQL", function()
    local text, columns = fence.sql.update(with { table = "app.reports", token = "fence", placeholder = "$" })
    assert.are.equal(
      "UPDATE app.reports SET body = $1, fence = CAST($2 AS DECIMAL(19)) "
        .. "WHERE name = $3 AND fence <= CAST($2 AS DECIMAL(19))",
      text
    )
    assert.are.same({ "body", "fence", "name" }, columns)
  end)

  it("writes a token alone, for a table of fences", function()
    local text, columns = fence.sql.update { table = "fences", key = "resource" }
    assert.are.equal(
      "UPDATE fences SET fencing_token = CAST(? AS DECIMAL(19)) "
        .. "WHERE resource = ? AND fencing_token <= CAST(? AS DECIMAL(19))",
      text
    )
    assert.are.same({ "fencing_token", "resource", "fencing_token" }, columns)
  end)
end)

describe("fence.sql.upsert", function()
  it("checks the token where the row exists", function()
    local text, columns = fence.sql.upsert(REPORTS)
    assert.are.equal(
      "INSERT INTO reports AS existing (name, body, fencing_token) VALUES (?, ?, CAST(? AS DECIMAL(19))) "
        .. "ON CONFLICT (name) DO UPDATE SET body = excluded.body, fencing_token = excluded.fencing_token "
        .. "WHERE existing.fencing_token <= excluded.fencing_token",
      text
    )
    assert.are.same({ "name", "body", "fencing_token" }, columns)
  end)

  it("numbers the placeholders for PostgreSQL", function()
    local text = fence.sql.upsert(with { placeholder = "$" })
    assert.is_truthy(text:find("VALUES ($1, $2, CAST($3 AS DECIMAL(19)))", 1, true))
  end)
end)

for _, form in ipairs { "update", "upsert" } do
  local build = fence.sql[form]

  describe("the description for fence.sql." .. form, function()
    it("has names that need no quotes", function()
      for _, name in ipairs { "", "1st", "na me", 'na"me', "name;--", "n\195\164me", "a.b.c", ".a", "a.", "a\n" } do
        expect.invalid("table", "must be a name", build(with { table = name }))
        expect.invalid("key", "must be a name", build(with { key = name }))
        expect.invalid("token", "must be a name", build(with { token = name }))
        expect.invalid("columns", "must be names", build(with { columns = { "body", name } }))
      end
      expect.invalid("key", "must be a name", build(with { key = "a.b" }))
      expect.invalid("columns", "must be names", build(with { columns = { 1 } }))
    end)

    it("assigns no column twice", function()
      for _, column in ipairs { "name", "fencing_token", "FENCING_TOKEN", "body" } do
        expect.invalid("columns", "distinct", build(with { columns = { "body", column } }))
      end
      expect.invalid("token", "another column than the key", build(with { token = "Name" }))
    end)

    it("has one of two kinds of placeholders", function()
      expect.invalid("placeholder", "'?' or '$' (got ':')", build(with { placeholder = ":" }))
    end)

    it("has no unknown field", function()
      expect.failure({ kind = "validation", code = "unknown_option" }, build(with { colums = {} }))
    end)

    it("has fields of the right types", function()
      expect.wrong_type("statement", form, function() build() end)
      expect.wrong_type("table", form, function() build { key = "name" } end)
      expect.wrong_type("key", form, function() build { table = "reports" } end)
      expect.wrong_type("token", form, function() build(with { token = false }) end)
      expect.wrong_type("columns", form, function() build(with { columns = "body" }) end)
    end)
  end)
end

describe("SQLite", function()
  local db

  before_each(function()
    db = sqlite.open(":memory:")
    sqlite.execute(db, sqlite.SCHEMA)
  end)

  after_each(function()
    db:close()
  end)

  local function values(columns, row)
    local list = {}
    for i, column in ipairs(columns) do
      list[i] = row[column]
    end
    return (table.unpack or unpack)(list)
  end

  for _, placeholder in ipairs { "?", "$" } do
    for _, form in ipairs { "update", "upsert" } do
      describe(("with %s and placeholders of %s"):format(form, placeholder), function()
        local function write(token, body)
          local text, columns = fence.sql[form](with { placeholder = placeholder })
          local row = { name = "daily", body = body, fencing_token = fence.tostring(token) }
          return sqlite.execute(db, text, values(columns, row))
        end

        before_each(function()
          sqlite.execute(db, "INSERT INTO reports (name) VALUES ('daily'), ('weekly')")
        end)

        it("writes newer tokens and the same one", function()
          for _, token in ipairs { 1, 1, 9, 10, "9007199254740992", "9007199254740993", "9223372036854775807" } do
            assert.are.equal(1, write(token, "by " .. token))
            local body, stored = sqlite.report(db, "daily")
            assert.are.equal("by " .. token, body)
            assert.are.equal(fence.tostring(token), stored)
          end
        end)

        for _, pair in ipairs {
          { "1", "2" },
          { "9", "10" },
          { "9007199254740992", "9007199254740993" },
          { "9223372036854775806", "9223372036854775807" },
        } do
          it(("refuses %s after %s"):format(pair[1], pair[2]), function()
            assert.are.equal(1, write(pair[2], "new"))
            assert.are.equal(0, write(pair[1], "old"))
            local body, stored = sqlite.report(db, "daily")
            assert.are.equal("new", body)
            assert.are.equal(pair[2], stored)
          end)
        end

        it("touches no other row", function()
          write(5, "text")
          local body, stored = sqlite.report(db, "weekly")
          assert.is_nil(body)
          assert.are.equal("0", stored)
        end)
      end)
    end
  end

  it("updates no row that is not there", function()
    local text = fence.sql.update(REPORTS)
    assert.are.equal(0, sqlite.execute(db, text, "text", "5", "daily", "5"))
  end)

  it("inserts with upsert the row that is not there", function()
    local text = fence.sql.upsert(REPORTS)
    assert.are.equal(1, sqlite.execute(db, text, "daily", "text", "5"))
    local body, token = sqlite.report(db, "daily")
    assert.are.equal("text", body)
    assert.are.equal("5", token)
  end)

  it("refuses a token that is NULL", function()
    sqlite.execute(db, "INSERT INTO reports (name) VALUES ('daily')")
    assert.are.equal(0, sqlite.execute(db, fence.sql.update(REPORTS), "text", nil, "daily", nil))
  end)
end)
