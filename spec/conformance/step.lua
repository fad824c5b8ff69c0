-- Conformance cases that are one request and its answer, as data.
-- Uses: the vocabulary of spec.conformance.context.
-- Owner: nobody; these functions only build cases.

local step = {}

-- "{name}" in a target stands for a fresh lock name.
local function send(t, method, target, options)
  local copy = {}
  for key, value in pairs(options or {}) do copy[key] = value end
  target = target:gsub("{name}", function() return t:unique("step") end)
  return t:request(method, target, copy)
end

function step.fails(name, method, target, options, status, code)
  return {
    name = name,
    run = function(t) t:fails(send(t, method, target, options), status, code) end,
  }
end

function step.answers(name, method, target, options, status, check)
  return {
    name = name,
    run = function(t)
      local response = t:ok(send(t, method, target, options), status)
      if check then check(response) end
    end,
  }
end

-- One list of several.
function step.join(...)
  local joined = {}
  for _, list in ipairs { ... } do
    for _, case in ipairs(list) do joined[#joined + 1] = case end
  end
  return joined
end

return step
