-- The service's JSON: strict as the server's, exact with numbers.
-- May use: octostore.testing.json, octostore.testing.ids, octostore.testing.names.

local ids = require "octostore.testing.ids"
local json = require "octostore.testing.json"
local names = require "octostore.testing.names"

describe("octostore.testing.json", function()
  it("keeps a number's text", function()
    for _, text in ipairs { "0", "-0", "60", "60.0", "6e1", "9223372036854775807", "1.5E-3" } do
      local ok, value = json.decode(text)
      assert.is_true(ok)
      assert.equal(text, json.number_text(value))
    end
  end)

  it("refuses what is not JSON", function()
    local wrong = { "", "{", "[1,]", "{,}", "{'a':1}", "01", "1.", ".5", "+1", "nul", "truex", '"\1"', '"\\x"',
      '"\\ud800"', '"\\udc00"', "1e400", "{1:2}", "[1 2]", "NaN", "0x10", '"abc' }
    for _, text in ipairs(wrong) do
      assert.is_false(json.decode(text), text)
    end
  end)

  it("reads escapes", function()
    local _, value = json.decode([["a\u00e4\ud83d\ude00\n\/\"\\"]])
    assert.equal('a\195\164\240\159\152\128\n/"\\', value)
  end)

  it("remembers which members were repeated", function()
    local _, value = json.decode('{"a":1,"b":2,"a":3}')
    assert.same({ a = true, b = false }, value.repeated)
  end)

  it("writes sorted keys, exact integers, arrays and null", function()
    local value = { b = json.array { 1, "x", true }, a = json.null, c = json.raw "9223372036854775807", d = 2 ^ 52 }
    assert.equal('{"a":null,"b":[1,"x",true],"c":9223372036854775807,"d":4503599627370496}', json.encode(value))
  end)

  it("escapes control characters", function()
    assert.equal('"\\u0000\\u000a\\u0022\\u005c\195\164"', json.encode '\0\n"\\\195\164')
  end)
end)

describe("octostore.testing.ids", function()
  it("reads a UUID in every form that the server does", function()
    local canonical = "51e22caa-69a7-4de6-8b17-67cfec4e1025"
    local forms = { canonical, canonical:upper(), (canonical:gsub("-", "")), "{" .. canonical .. "}",
      "urn:uuid:" .. canonical }
    for _, form in ipairs(forms) do
      assert.equal(canonical, ids.parse_uuid(form), form)
    end
    for _, wrong in ipairs { "", "51e22caa", canonical .. "0", "g" .. canonical:sub(2), "{" .. canonical } do
      assert.is_nil(ids.parse_uuid(wrong), wrong)
    end
  end)
end)

describe("octostore.testing.names", function()
  it("tells letters of other scripts from signs", function()
    for _, good in ipairs { "\195\164", "\208\150", "\233\148\129", "\217\161" } do
      names.check(good)
    end
    for _, bad in ipairs { "\226\130\172", "\240\159\144\153", "a\204\136", "\226\128\141" } do
      assert.has_error(function()
        names.check(bad)
      end)
    end
  end)
end)
