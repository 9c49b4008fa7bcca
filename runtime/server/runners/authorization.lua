-- Asks the application's function whether a client may call, and answers {allowed, reason}.
local http = require("http")
local json = require("json")

return function()
  local request = http.request()
  local called = json.decode(request:param("natterjack.called"))
  local handler = find_method(called.method)
  local allowed, reason = handler(called.call, called.params or {}, request)
  if allowed == true then return {allowed = true} end
  if reason ~= nil then reason = tostring(reason) end
  return {allowed = false, reason = reason}
end
