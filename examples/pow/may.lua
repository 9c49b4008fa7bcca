-- Decides who may have which job. The request is the websocket's handshake, or the REST request.

local function handler(name, arguments, request)
  if name ~= "secret" then return true end
  if request:query("friend") == "toad" or request:header("X-Friend") == "toad" then return true end
  return nil, "authorization denied"
end

return {handler = handler}
