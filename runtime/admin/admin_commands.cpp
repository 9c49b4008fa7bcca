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

const char* a_kind_of(const json& value) {
  return value.is_number()    ? "a number"
         : value.is_boolean() ? "a boolean"
         : value.is_array()   ? "a list"
         : value.is_object()  ? "an object"
         : value.is_string()  ? "a text"
                              : "null";
}

// @param why  set, unless it is already, when the field is missing or no text
std::string text_of(const json& request, const char* field, std::string& why) {
  const auto found = request.find(field);
  if (found != request.end() && found->is_string())
    return found->get<std::string>();
  if (why.empty())
    why = '"' + std::string(field) + "\" is " +
          (found == request.end() ? "missing" : a_kind_of(*found)) + "; expected a text";
  return {};
}

class commands {
 public:
  explicit commands(admin_sources sources) : sources_(std::move(sources)) {}

  void handle(const json& request, const admin_reply& reply) const {
    std::string why;
    const auto name = text_of(request, "command", why);
    if (!why.empty())
      return reply(failure(why));
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
    std::string why;
    const auto to = text_of(request, "to", why);
    const auto topic = text_of(request, "topic", why);
    if (why.empty() && topic.empty())
      why = "the topic is empty";
    if (why.empty() && !request.contains("value"))
      why = "\"value\" is missing; expected anything that is JSON";
    if (!why.empty())
      return failure(why);
    if (topic.front() == '@')
      return failure("cannot send to @ topics");
    const auto found = find_process(sources_, to, why);
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
    const auto who = text_of(request, "who", why);
    const auto force = request.value("force", json(false));
    if (why.empty() && !force.is_boolean())
      why = std::string("\"force\" is ") + a_kind_of(force) + "; expected true or false";
    if (!why.empty())
      return failure(why);
    const auto found = find_process(sources_, who, why);
    if (!found)
      return failure(why);
    const auto id = to_string(found.self->id());
    if (force.get<bool>()) {
      spdlog::warn("{}: ended by force, as the administrator asked", id);
      caf::anon_send_exit(found.actor, caf::exit_reason::kill);
    } else {
      spdlog::info("{}: CANCEL, as the administrator asked", id);
      sources_.ended(found.self->id());
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

// The one process of an entry. @param why  set to the list of them if there are several
hub::process_ref find_by_entry(hub::node& node, const std::string& entry, std::string& why) {
  constexpr size_t listed_max = 10;
  std::vector<process_row> rows = read_processes(node, false);
  std::erase_if(rows, [&entry](const process_row& row) { return row.facts.entry != entry; });
  if (rows.size() == 1)
    return node.processes().find(rows.front().id.number());
  if (rows.empty())
    return {};
  why = std::to_string(rows.size()) + " processes run \"" + entry + "\"; say which:";
  for (size_t i = 0; i < rows.size() && i < listed_max; ++i)
    why += (i == 0 ? " " : ", ") + to_string(rows[i].id);
  if (rows.size() > listed_max)
    why += " and " + std::to_string(rows.size() - listed_max) + " more (natterjack ps --filter)";
  return {};
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
  std::string several;
  if (auto found = find_by_entry(node, who, several))
    return found;
  if (!several.empty()) {
    why = several;
    return {};
  }
  if (!who.starts_with('{'))
    why = "no process has the PID, number or name \"" + who +
          "\", and no service or entry of that id runs; natterjack ps lists all";
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
