-- In front of each runner: the application's function, whatever its file returns.
local function find_method(method)
  local code = require("code")
  local found = code
  if type(code) == "table" then found = code[method] end
  if type(found) ~= "function" then
    error(("method '%s' not found: the file must return a table with that function, "
      .. "or the function itself"):format(method), 0)
  end
  return found
end
