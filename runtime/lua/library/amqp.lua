-- amqp: publish, subscribe, commands to CLU actors, actors of one's own; docs/lua.md says what each does.
local process, channel, coroutine, errors = process, channel, coroutine, errors
local pcall, type, tostring, setmetatable = pcall, type, tostring, setmetatable
local pairs, next = pairs, next

local kinds = {
  invalid = errors.INVALID, unroutable = errors.NOT_FOUND, refused = errors.PERMISSION_DENIED,
  expired = errors.TIMEOUT, unconfirmed = errors.UNAVAILABLE, queue_full = errors.RATE_LIMITED,
  stopped = errors.UNAVAILABLE, unknown = errors.NOT_FOUND,
}

local M = {}

-- The process of a bridge that takes publications: of the named one, else of the first.
local function desk_of(bridge)
  if bridge == nil then return "amqp" end
  if not bridge:find(":", 1, true) then bridge = process.id():match("^[^:]*:") .. bridge end
  return "amqp/" .. bridge
end

local function copy(from, without)
  local to = {}
  for key, value in pairs(from) do
    if not without[key] then to[key] = value end
  end
  return to
end

local last_answer = 0
local function next_topic(what)
  last_answer = last_answer + 1
  return "amqp." .. what .. "." .. last_answer
end

-- Sends a request and waits for its answer. A body goes beside it, byte for byte.
local function ask(desk, what, request, body)
  request.answer = next_topic("answer")
  local answers, err = process.listen(request.answer)
  if not answers then return nil, err end
  local sent
  if body == nil then
    sent, err = process.send(desk, what, request)
  else
    sent, err = process.send(desk, what, request, body)
  end
  local answer = sent and answers:receive()
  process.unlisten(answers)
  if not sent then
    if errors.is(err, errors.NOT_FOUND) then
      err = errors.new(errors.UNAVAILABLE, "there is no amqp.bridge: " .. tostring(err))
    end
    return nil, err
  end
  return answer
end

local own = { bridge = true, timeout = true, resend = true, notify = true, id = true, body = true }

function M.publish(fields)
  if type(fields) ~= "table" then
    return nil, errors.new(errors.INVALID, "amqp.publish takes a table, got " .. type(fields))
  end
  local request = { message = copy(fields, own), timeout = fields.timeout, resend = fields.resend }
  local body
  if type(fields.body) == "string" then
    body = fields.body
  else
    request.message.body = fields.body
  end
  if next(request.message) == nil then
    return nil, errors.new(errors.INVALID, "exchange and routing_key are missing")
  end
  if fields.notify then
    request.answer, request.id = fields.notify, fields.id
    if body == nil then return process.send(desk_of(fields.bridge), "publish", request) end
    return process.send(desk_of(fields.bridge), "publish", request, body)
  end
  local answer, err = ask(desk_of(fields.bridge), "publish", request, body)
  if not answer then return nil, err end
  if answer.result == "confirmed" then return true end
  return nil, errors.new(kinds[answer.result] or errors.UNKNOWN,
                         answer.result .. (answer.text and ": " .. answer.text or ""))
end

function M.subscribe(fields)
  if type(fields) ~= "table" then
    return nil, errors.new(errors.INVALID, "amqp.subscribe takes a table, got " .. type(fields))
  end
  local desk = desk_of(fields.bridge)
  local answer, err = ask(desk, "subscribe", copy(fields, { bridge = true }))
  if not answer then return nil, err end
  if answer.feed then return answer.feed end
  return nil, errors.new(kinds[answer.result] or errors.UNKNOWN, answer.text or answer.result)
end

function M.unsubscribe(feed, bridge)
  local answer, err = ask(desk_of(bridge), "unsubscribe", { feed = feed })
  if not answer then return nil, err end
  return answer.result == "unsubscribed"
end

-- `message`: as it came from the inbox; its data has the token.
function M.ack(message)
  return process.send(message:from(), "ack", { token = message:payload():data().token })
end
function M.reject(message, requeue)
  return process.send(message:from(), "reject",
                      { token = message:payload():data().token, requeue = requeue or false })
end

-- -- commands to actors --------------------------------------------------------

local function address_of(actor)
  return actor:find(":", 1, true) and actor or "amqp:" .. actor
end

function M.command(actor, text, options)
  options = options or {}
  local replies, err
  local request = {
    command = text, timeout = options.timeout, internal = options.internal,
    command_id = options.command_id, commander = options.commander, topic = next_topic("reply"),
  }
  replies, err = process.listen(request.topic)
  if not replies then return nil, err end
  local sent
  sent, err = process.send(address_of(actor), "command", request)
  while sent do
    local reply = replies:receive()
    if options.on_reply then options.on_reply(reply) end
    if reply.final then
      process.unlisten(replies)
      if reply.status == "done" then return reply.body end
      local why = type(reply.body) == "table" and reply.body.error or "the command failed"
      if type(why) ~= "string" then why = "the command failed" end
      return nil, errors.new(errors.UNKNOWN, why)
    end
  end
  process.unlisten(replies)
  return nil, err
end

-- -- actors of our own ---------------------------------------------------------

local command = {}
command.__index = command

local function as_body(said, key)
  if said == nil then return {} end
  if type(said) == "table" then return said end
  return { [key] = tostring(said) }
end

function command:reply(code, body)
  if self.is_final then return nil, errors.new(errors.INVALID, "the command has ended") end
  self.is_final = code == ":" or code == "f" or code == "!"
  return process.send(self.worker, "reply", { token = self.token, code = code, body = body })
end
function command:debug(said) return self:reply("d", as_body(said, "text")) end
function command:info(said) return self:reply("i", as_body(said, "text")) end
function command:warn(said) return self:reply("w", as_body(said, "text")) end
function command:error(said) return self:reply("e", as_body(said, "error")) end
function command:finish(said) return self:reply(":", as_body(said, "text")) end
function command:fail(said) return self:reply("f", as_body(said, "error")) end
-- Another actor's command as a part of this one: same id, longer commander id.
function command:command(actor, text, options)
  options = copy(options or {}, {})
  options.command_id, options.commander = self.command_id, self.commander_id
  return M.command(actor, text, options)
end

local function run(handler, one)
  local good, body, err = pcall(handler, one, one.params)
  if one.is_final then return end
  if not good then
    one:fail(body)
  elseif body == nil and err ~= nil then
    one:fail(err)
  else
    one:finish(body)
  end
end

local actors = {} -- by name
local commands

local function take_commands()
  while true do
    local message, open = commands:receive()
    if not open then return end
    local one = setmetatable(message:payload():data(), command)
    one.worker = message:from()
    local handler = actors[one.actor] and actors[one.actor].handlers[one.verb]
    if handler then
      coroutine.spawn(run, handler, one)
    else
      one:fail("The actor's process does not know the command '" .. tostring(one.verb) .. "'.")
    end
  end
end

local actor = {}
actor.__index = actor

function actor:broadcast(body, code)
  return process.send("amqp.actor/" .. self.name, "broadcast", { code = code or "i", body = body })
end

function M.actor(name, handlers)
  if type(name) ~= "string" or type(handlers) ~= "table" then
    return nil, errors.new(errors.INVALID, "amqp.actor takes a name and a table of functions")
  end
  local good, err = process.registry.register(name)
  if not good then return nil, err end
  actors[name] = setmetatable({ name = name, handlers = handlers }, actor)
  if not commands then
    commands, err = process.listen("amqp.command", { message = true })
    if not commands then return nil, err end
    coroutine.spawn(take_commands)
  end
  return actors[name]
end

return M
