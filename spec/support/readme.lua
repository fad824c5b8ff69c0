-- Reads the examples out of README.md, so that what it shows is what runs.
-- May use: nothing. An example is a fenced block after a line "<!-- example: NAME -->".

local readme = {}

local PATH = "README.md"

---@return table<string, string> code by name
---@return string[] names in their order
function readme.examples()
  local code, names = {}, {}
  local name, lines
  for line in io.lines(PATH) do
    if lines and line:match("^%s*```%s*$") then
      code[name] = table.concat(lines, "\n") .. "\n"
      names[#names + 1] = name
      name, lines = nil, nil
    elseif lines then
      lines[#lines + 1] = line
    elseif name and line:match("^%s*```lua") then
      lines = {}
    else
      name = line:match("<!%-%- example: ([%w_]+) %-%->") or name
    end
  end
  return code, names
end

---Runs one example with the globals given (the rest of _G stays visible); returns what it returns.
---@param name string
---@param globals table?
function readme.run(name, globals)
  local code = assert(readme.examples()[name], "README.md has no example " .. name)
  local environment = setmetatable(globals or {}, { __index = _G })
  local chunk
  if setfenv then -- luacheck: ignore 113
    chunk = assert(loadstring(code, "@README.md:" .. name)) -- luacheck: ignore 113
    setfenv(chunk, environment) -- luacheck: ignore 113
  else
    chunk = assert(load(code, "@README.md:" .. name, "t", environment))
  end
  return chunk()
end

return readme
