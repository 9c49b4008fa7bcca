#include "runtime/admin/admin_commands.hpp"

#include "runtime/admin/process_table.hpp"

#include <caf/send.hpp>

#include <spdlog/spdlog.h>

#include <charconv>

namespace natterjack::runtime {

namespace {

using json = nlohmann::json;

json failure(std::string text) { return {{"ok", false}, {"error", std::move(text)}}; }

json describe(const process_row& row) {
  json made{{"pid", to_string(row.id)},       {"entry", row.facts.entry},
            {"kind", row.facts.kind},         {"mailbox", row.facts.mailbox},
            {"memory", row.facts.memory},     {"messages", row.facts.messages},
            {"busy_ns", row.facts.busy_ns},   {"outbox", row.outbox_bytes},
            {"uptime_s", std::chrono::duration<double>(row.uptime).count()}};
  made["names"] = row.names;
  return made;
}

class commands {
 public:
  explicit commands(admin_sources sources) : sources_(std::move(sources)) {}

  void handle(const json& request, const admin_reply& reply) const {
    const auto name = request.value("command", "");
    if (name == "about")
      reply(about());
    else if (name == "ps")
      reply(list());
    else if (name == "send")
      reply(send(request));
    else if (name == "kill")
      reply(kill(request));
    else if (name == "metrics")
      reply({{"ok", true}, {"text", sources_.metrics()}});
    else if (name == "reload")
      sources_.reload(reply);
    else
      reply(failure("unknown command \"" + name +
                    "\"; expected about, ps, send, kill, reload or metrics"));
  }

 private:
  json about() const {
    auto made = sources_.about();
    made["ok"] = true;
    return made;
  }

  json list() const {
    auto made = about();
    auto& rows = made["processes"] = json::array();
    for (const auto& row : read_processes(*sources_.node, true))
      rows.push_back(describe(row));
    return made;
  }

  json send(const json& request) const {
    const auto topic = request.value("topic", "");
    if (topic.empty() || !request.contains("value"))
      return failure("send needs \"to\", \"topic\" and \"value\"");
    if (topic.front() == '@')
      return failure("cannot send to @ topics");
    std::string why;
    const auto found = find_process(sources_, request.value("to", ""), why);
    if (!found)
      return failure(why);
    const auto text =
        request["value"].dump(-1, ' ', false, json::error_handler_t::replace);
    const auto result = found.self->deliver(hub::make_message(
        hub::pid{}, hub::shared_bytes(topic), hub::payload::json(text)));
    if (result != hub::send_result::sent)
      return failure(to_string(result));
    return {{"ok", true}, {"to", to_string(found.self->id())}};
  }

  json kill(const json& request) const {
    std::string why;
    const auto found = find_process(sources_, request.value("who", ""), why);
    if (!found)
      return failure(why);
    const auto id = to_string(found.self->id());
    if (request.value("force", false)) {
      spdlog::warn("{}: ended by force, as the administrator asked", id);
      caf::anon_send_exit(found.actor, caf::exit_reason::kill);
    } else {
      spdlog::info("{}: CANCEL, as the administrator asked", id);
      found.actor->enqueue(
          nullptr, caf::make_message_id(),
          caf::make_message(hub::cancel_signal{hub::pid{}, "ended by the administrator"}), nullptr);
    }
    return {{"ok", true}, {"pid", id}};
  }

  admin_sources sources_;
};

// `0x2a`, `2a` or `42` written as a PID writes it: hexadecimal.
std::optional<uint64_t> read_number(std::string_view text) {
  if (text.starts_with("0x"))
    text.remove_prefix(2);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

} // namespace

hub::process_ref find_process(const admin_sources& sources, const std::string& who,
                              std::string& why) {
  if (who.empty()) {
    why = "whom? A PID, its number, a registered name or the id of a service";
    return {};
  }
  auto& node = *sources.node;
  if (auto found = node.resolve(who, &why))
    return found;
  if (const auto process = sources.service_process(who))
    if (auto found = node.processes().find(process.number()))
      return found;
  if (const auto number = read_number(who))
    if (auto found = node.processes().find(*number))
      return found;
  if (!who.starts_with('{'))
    why = "no process has the PID, number or name \"" + who +
          "\", and no service of that id runs; natterjack ps lists all";
  else
    why = who + ": " + why;
  return {};
}

admin_handler make_admin_commands(admin_sources sources) {
  return [all = commands(std::move(sources))](const json& request, admin_reply reply) {
    all.handle(request, reply);
  };
}

} // namespace natterjack::runtime
