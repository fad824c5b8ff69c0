-- Coroutines over a fake driver that yields, as drivers of event loops do.
-- Uses: spec.support.fake_driver.
-- Owner: nothing; a run ends when every coroutine has.

local fake_driver = require "spec.support.fake_driver"

local coroutines = {}

---Steps: what the answer of a request is decided by when it is resumed after `turns` turns of the loop.
function coroutines.after(turns, step)
  return function(request, limits, driver)
    for _ = 1, turns do
      coroutine.yield()
    end
    if type(step) == "function" then
      return step(request, limits, driver)
    end
    return step
  end
end

---A client whose driver yields in every sleep.
function coroutines.client(script, options)
  local client, driver = fake_driver.lock_client(script, options)
  local sleep = driver.sleep
  function driver.sleep(...)
    sleep(...)
    coroutine.yield()
  end
  return client, driver
end

---Runs the functions side by side, one step each in turn, until all have ended; answers what each returned.
function coroutines.run(...)
  local threads, results = {}, {}
  for i, fn in ipairs { ... } do
    threads[i] = coroutine.create(function() results[i] = { fn() } end)
  end
  for _ = 1, 1000 do
    local alive = false
    for _, thread in ipairs(threads) do
      if coroutine.status(thread) ~= "dead" then
        assert(coroutine.resume(thread))
        alive = true
      end
    end
    if not alive then
      return (table.unpack or unpack)(results)
    end
  end
  error("the coroutines did not end within 1000 turns")
end

return coroutines
