// A hub and a handler in the guide's dialect against a fake connection.
#include "lua_world.hpp"
#include "runtime/lua/function_pool.hpp"
#include "tests/catch.hpp"

#include <nlohmann/json.hpp>

#include <future>

using namespace test;
using nlohmann::json;

namespace {

const char* hub_text = R"lua(
local json = require("json")

function run()
    process.registry.register("my_hub")
    print("hub started with PID:", process.pid())
    local clients = {}
    local client_count = 0
    local inbox = process.inbox()
    local events = process.events()
    while true do
        local result = channel.select({
            inbox:case_receive(),
            events:case_receive()
        })
        if result.channel == inbox then
            local msg = result.value
            if not msg then goto continue end
            local topic = msg:topic()
            local payload = msg:payload() and msg:payload():data()
            local sender = msg:from() or "unknown"
            if topic == "ws.join" then
                if type(payload) == "string" then
                    local info, err = json.decode(payload)
                    if err then goto continue end
                    clients[info.ClientPID] = {
                        connected_at = os.time(),
                        metadata = info.Metadata or {}
                    }
                    client_count = client_count + 1
                    process.send(info.ClientPID, "welcome", {
                        message = "Connected successfully",
                        client_count = client_count
                    })
                end
            elseif topic == "ws.message" then
                local data, err = json.decode(payload)
                if err then
                    print("Error decoding message payload:", err)
                    goto continue
                end
                if data.type == "chat" then
                    broadcast(data, sender, clients)
                end
            end
        elseif result.channel == events then
            local event = result.value
            if event.kind == process.event.CANCEL then
                break
            end
        end
        ::continue::
    end
    return { status = "shutdown", clients = client_count }
end

function broadcast(data, sender, clients)
    for client_pid, _ in pairs(clients) do
        process.send(client_pid, "chat", {
            from = clients[sender].metadata.nickname or "Anonymous",
            message = data.message,
            timestamp = os.time()
        })
    end
end

return { run = run }
)lua";

const char* handler_text = R"lua(
local http = require("http")
local json = require("json")

function handler()
    local req = http.request()
    local res = http.response()
    local hub_pid = process.registry.lookup("my_hub")
    local config_json, err = json.encode({
        target_pid = hub_pid,
        message_topic = "ws.message",
        metadata = { client_type = "web" }
    })
    if err then
        res:set_status(500)
        return
    end
    res:set_header("X-WS-Relay", config_json)
end

return { handler = handler }
)lua";

} // namespace

SCENARIO("the guide's hub talks to its clients", "[lua][guide]") {
  world w;
  w.add("app.websocket:ws_hub.process", hub_text, "run", {"time", "json"});
  std::promise<void> waits;
  lua::spawn_options options;
  options.on_first_wait = [&waits] {
    waits.set_value();
  };
  auto hub = w.spawn_id("app.websocket:ws_hub.process", {}, std::move(options));
  REQUIRE(waits.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready);
  CHECK(w.node->names().lookup("my_hub") == hub.self->id());
  CHECK(w.printed() == "hub started with PID: " + to_string(hub.self->id()) + "\n");

  auto client = w.make_probe();
  const json join{{"ClientPID", client->pid_text()}, {"Metadata", json::object()}};
  w.send(hub, "ws.join", natterjack::hub::payload::text(join.dump()), client->hub::process::id());
  auto letters = client->wait_for(1);
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].topic == "welcome");
  CHECK(letters[0].kind == natterjack::hub::payload_kind::json);
  CHECK(json::parse(letters[0].body) ==
        json{{"message", "Connected successfully"}, {"client_count", 1}});

  WHEN("a client says something, then something that is no JSON, then something again") {
    w.send(hub, "ws.message", natterjack::hub::payload::text(R"({"type":"chat","message":"hi"})"),
           client->hub::process::id());
    w.send(hub, "ws.message", natterjack::hub::payload::text("{oops"), client->hub::process::id());
    w.send(hub, "ws.message", natterjack::hub::payload::text(R"({"type":"chat","message":"ho"})"),
           client->hub::process::id());
    letters = client->wait_for(3);
    REQUIRE(letters.size() == 3);
    auto first = json::parse(letters[1].body);
    CHECK(letters[1].topic == "chat");
    CHECK(first["from"] == "Anonymous");
    CHECK(first["message"] == "hi");
    CHECK(first["timestamp"].is_number_integer());
    CHECK(json::parse(letters[2].body)["message"] == "ho");
    CHECK(w.printed().find("Error decoding message payload:") != std::string::npos);
  }

  WHEN("it is cancelled") {
    caf::anon_send(caf::actor_cast<caf::actor>(hub.actor),
                   natterjack::hub::cancel_signal{{}, "service stopping"});
    CHECK(json::parse(w.end_of(hub)) == json{{"status", "shutdown"}, {"clients", 1}});
    CHECK_FALSE(w.node->names().lookup("my_hub"));
  }

  WHEN("a client asks the handler for the way") {
    auto program = w.add("app.websocket:ws_auth", handler_text, "handler", {"http", "json"});
    auto pool = lua::function_pool::make(*w.runtime, program, w.node->host("app:functions"));
    std::promise<natterjack::relay::http_response> answered;
    auto request = std::make_shared<natterjack::relay::http_request>();
    request->method = "GET";
    request->path = "/ws/connect";
    pool->call_http(request, [&answered](natterjack::relay::http_response response) {
      answered.set_value(std::move(response));
    });
    auto future = answered.get_future();
    REQUIRE(future.wait_for(std::chrono::seconds(10)) == std::future_status::ready);
    auto response = future.get();
    CHECK(response.status == 200);
    CHECK(response.body.empty());
    auto relay = json::parse(response.header("X-WS-Relay"));
    CHECK(relay["target_pid"] == to_string(hub.self->id()));
    CHECK(relay["message_topic"] == "ws.message");
    CHECK(relay["metadata"]["client_type"] == "web");
    pool->stop();
  }
}
