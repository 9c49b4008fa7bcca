#include "actors/amqp/actor_worker.hpp"

#include "actors/amqp/actor_schema.hpp"
#include "actors/amqp/shell_words.hpp"
#include "relay/pinned_actor.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>

#include <spdlog/spdlog.h>

#include <map>
#include <unordered_map>

namespace natterjack::amqp {

namespace {

constexpr size_t depth_max = 512;

const hub::shared_bytes& topic_of(const char* name) {
  thread_local std::unordered_map<const char*, hub::shared_bytes> topics;
  auto& topic = topics[name];
  if (topic.empty())
    topic = hub::shared_bytes(std::string_view(name));
  return topic;
}
constexpr const char* command_topic = "amqp.command";
constexpr const char* task_topic = "amqp.task";

json_value text_list(const std::vector<std::string>& lines) {
  std::vector<json_value> list;
  for (const auto& line : lines)
    list.emplace_back(line);
  return json_value::make_array(std::move(list));
}

json_value one_member(const char* key, json_value value) {
  return json_value::make_object({{key, std::move(value)}});
}

class worker final : public relay::pinned_actor {
 public:
  worker(caf::actor_config& config, std::shared_ptr<bridge> owner, const actor_options& options)
      : pinned_actor(config, owner->thread(), owner->node(), owner->node().host(options.id)),
        bridge_(std::move(owner)), options_(options), commands_(options.name, options.commands),
        schema_(make_actor_schema(options.schema)) {
    enter(ctrl());
  }

  const char* name() const override { return "amqp_actor"; }

  caf::behavior make_behavior() override {
    set_down_handler([this](const caf::down_msg& down) { on_down(down.source); });
    set_default_handler([](caf::scheduled_actor*, caf::message_view&) {
      return caf::result<caf::message>{caf::sec::unexpected_message};
    });
    return {[this](const hub::cancel_signal&) {
      quit();
    }};
  }

  void on_exit() override {
    has_ended_ = true;
    fail_all("the actor is shutting down");
    hub::process::leave();
  }

  // On the bridge's thread, as all below.
  void on_command(actor_request came) {
    if (came.is_task) {
      on_task(came);
      return;
    }
    const auto token = std::to_string(++last_token_);
    auto& one = running_[token];
    one.came = std::move(came);
    reply(one.came, ">", json_value::make_object(), true);
    if (has_ended_ || running_.size() > options_.commands_max) {
      finish(token, "f",
             one_member("error", json_value(has_ended_ ? "The actor is shutting down."
                                                       : "Too many commands are running.")));
      return;
    }
    dispatch(token);
  }

  void accept(const hub::message_ptr& what) override {
    what->settle();
    json_error error;
    std::optional<json_value> said;
    const auto values = what->payloads();
    if (values.size() == 1 && values.front().kind() == hub::payload_kind::json)
      said = json_value::parse(values.front().bytes(), error, depth_max);
    if (!said || !said->is(json_value::kind::object)) {
      spdlog::error("{}: {} from {} is not a table with \"code\" and \"body\": ignored",
                    options_.id, what->topic(), to_string(what->from()));
      return;
    }
    if (what->topic() == "reply")
      on_reply(*said, what->from());
    else if (what->topic() == "broadcast")
      on_broadcast(*said);
    else
      spdlog::error("{}: unknown topic \"{}\" from {}; known are reply, broadcast", options_.id,
                    what->topic(), to_string(what->from()));
  }

 private:
  struct running {
    actor_request came;
    caf::strong_actor_ptr runner; // the process that has it
  };

  // -- what is answered here

  void dispatch(const std::string& token) {
    const auto* text = running_[token].came.body.find("command_string");
    const auto line = text == nullptr ? std::string() : text->to_python_text();
    std::string problem;
    const auto words = split_words(line, problem);
    std::optional<parsed_command> parsed;
    if (words)
      parsed = commands_.parse(*words, problem);
    else
      problem = "UsageError: " + problem;
    if (!parsed) {
      std::string quoted;
      append_python_repr(quoted, line);
      reply(running_[token].came, "w", one_member("help", text_list({problem})));
      finish(token, "f",
             one_member("error",
                        json_value("Command " + quoted + " does not exist or cannot be parsed.")));
    } else if (parsed->wants_help) {
      finish(token, ":", one_member("help", text_list(commands_.help(parsed->spec))));
    } else if (!answer(token, *parsed)) {
      hand_over(token, *parsed, line);
    }
  }

  bool is_own(std::string_view verb) const {
    for (const auto& own : options_.commands)
      if (own.name == verb)
        return true;
    return false;
  }

  bool answer(const std::string& token, const parsed_command& asked) {
    const auto& verb = asked.spec->name;
    if (is_own(verb))
      return false;
    if (verb == "ping") {
      finish(token, ":", one_member("text", json_value("Pong.")));
    } else if (verb == "version") {
      finish(token, ":", one_member("version", json_value(options_.version)));
    } else if (verb == "get_schema") {
      std::string text;
      schema_.document().write(text, number_style::strict);
      finish(token, ":", one_member("schema", json_value(text)));
    } else if (verb == "help") {
      answer_help(token, asked);
    } else if (verb == "keyword") {
      answer_keyword(token, asked);
    } else {
      answer_model(token, asked);
    }
    return true;
  }

  void answer_help(const std::string& token, const parsed_command& asked) {
    const auto& verbs = asked.params.find("command")->elements();
    const auto* spec = verbs.empty() ? nullptr : commands_.find(verbs.front().text());
    if (verbs.empty() || spec != nullptr)
      finish(token, ":", one_member("help", text_list(commands_.help(spec))));
    else
      finish(token, "f",
             one_member("error", json_value("command " + verbs.front().text() + " not found.")));
  }

  void answer_keyword(const std::string& token, const parsed_command& asked) {
    const auto& keyword = asked.params.find("keyword")->text();
    const auto lines = describe_keyword(schema_, keyword);
    if (lines.empty()) {
      finish(token, "f",
             one_member("error",
                        json_value("Keyword '" + keyword + "' is not part of the data model.")));
      return;
    }
    for (const auto& line : lines)
      reply(running_[token].came, "i", one_member("text", json_value(line)));
    finish(token, ":", json_value::make_object());
  }

  void answer_model(const std::string& token, const parsed_command& asked) {
    const auto* wanted = asked.params.find("command_name");
    const auto* spec =
        wanted->is(json_value::kind::text) ? commands_.find(wanted->text()) : nullptr;
    if (wanted->is(json_value::kind::text) && spec == nullptr) {
      finish(token, "f",
             one_member("error", json_value("Command " + wanted->text() + " not found.")));
      return;
    }
    running_[token].came.internal = true; // for programs
    finish(token, ":", one_member("command_model", commands_.model(spec)));
  }

  // -- what the process does

  void hand_over(const std::string& token, const parsed_command& asked, const std::string& line) {
    auto& one = running_[token];
    std::string why;
    auto found = bridge_->node().resolve(options_.process, &why);
    if (!found) {
      finish(token, "f",
             one_member("error", json_value("The actor's process is not there: " + why + ".")));
      return;
    }
    one.runner = found.actor;
    watch(one.runner);
    const auto what = json_value::make_object({{"token", json_value(token)},
                                               {"actor", json_value(options_.name)},
                                               {"verb", json_value(asked.spec->name)},
                                               {"params", asked.params},
                                               {"command_string", json_value(line)},
                                               {"command_id", one.came.command_id},
                                               {"commander_id", one.came.commander_id},
                                               {"internal", json_value(one.came.internal)}});
    if (!tell(found, command_topic, what))
      finish(token, "f",
             one_member("error", json_value("The actor's process takes no more messages.")));
  }

  // One monitor for each process that has commands: an old version ends its own while the new one
  // is given others.
  void watch(const caf::strong_actor_ptr& runner) {
    if (runners_[runner->address()]++ == 0)
      monitor(runner);
  }

  void unwatch(const caf::strong_actor_ptr& runner) {
    auto i = runners_.find(runner->address());
    if (i == runners_.end() || --i->second > 0)
      return;
    runners_.erase(i);
    demonitor(runner->address());
  }

  void on_task(const actor_request& came) {
    auto found = bridge_->node().resolve(options_.process);
    if (!found || !tell(found, task_topic, came.body))
      spdlog::error("{}: a task came, but the process \"{}\" is not there: dropped", options_.id,
                    options_.process);
  }

  bool tell(const hub::process_ref& to, const char* topic, const json_value& what) {
    std::string text;
    what.write(text, number_style::strict);
    return to.self->deliver(hub::make_message(id(), topic_of(topic), hub::payload::json(text))) ==
           hub::send_result::sent;
  }

  void on_down(const caf::actor_addr& who) {
    runners_.erase(who);
    std::vector<std::string> orphans;
    for (const auto& [token, one] : running_)
      if (one.runner && one.runner->address() == who)
        orphans.push_back(token);
    for (const auto& token : orphans)
      finish(token, "f", one_member("error", json_value("The actor's process has ended.")));
  }

  void on_reply(const json_value& said, const hub::pid& from) {
    const auto* token = said.find("token");
    const auto text = token == nullptr ? std::string() : token->to_python_text();
    auto i = running_.find(text);
    if (i == running_.end()) {
      spdlog::warn("{}: a reply from {} to a command that is not running: token {}", options_.id,
                   to_string(from), token == nullptr ? "missing" : text);
      return;
    }
    const auto code = code_of(said);
    const bool is_final = code == ":" || code == "f" || code == "!";
    const auto body = body_of(said);
    if (std::string problem; !schema_.accepts(body, &problem)) {
      reply(i->second.came, "e", invalid(body));
      spdlog::warn("{}: a reply breaks the schema: {}", options_.id, problem);
      if (is_final)
        finish(text, "f",
               one_member("error", json_value("The final reply does not match the schema.")));
    } else if (is_final) {
      finish(text, code, body);
    } else {
      reply(i->second.came, code, body);
    }
  }

  void on_broadcast(const json_value& said) {
    auto code = code_of(said);
    auto body = body_of(said);
    if (std::string problem; !schema_.accepts(body, &problem)) {
      spdlog::warn("{}: a broadcast breaks the schema: {}", options_.id, problem);
      body = invalid(body);
      code = "e";
    }
    publish({}, "reply.broadcast", code, body, false);
  }

  static std::string code_of(const json_value& said) {
    const auto* code = said.find("code");
    return code == nullptr || !code->is_truthy() ? "i" : code->to_python_text();
  }
  static json_value body_of(const json_value& said) {
    const auto* body = said.find("body");
    // An empty table of Lua's is an empty list in JSON; a body is an object.
    const bool is_empty = body == nullptr || body->is(json_value::kind::null) ||
                          (body->is(json_value::kind::array) && body->elements().empty());
    return is_empty ? json_value::make_object() : *body;
  }
  static json_value invalid(const json_value& body) {
    return one_member("error", json_value("Failed validating the reply: message " +
                                          body.to_python_repr() + " does not match the schema."));
  }

  // -- out

  void finish(const std::string& token, const std::string& code, const json_value& body) {
    auto i = running_.find(token);
    if (i == running_.end())
      return;
    const auto one = std::move(i->second);
    running_.erase(i);
    if (one.runner)
      unwatch(one.runner);
    reply(one.came, code, body);
  }

  void fail_all(const std::string& why) {
    while (!running_.empty())
      finish(running_.begin()->first, "f", one_member("error", json_value(why)));
  }

  void reply(const actor_request& to, const std::string& code, const json_value& body,
             bool is_internal = false) {
    publish(to, "reply." + to.commander_id.to_python_text(), code, body,
            is_internal || to.internal);
  }

  void publish(const actor_request& to, const std::string& key, const std::string& code,
               const json_value& body, bool is_internal) {
    auto p =
        to_publication(to, {options_.name, bridge_->self().exchange}, code, body, is_internal, key);
    publish_options how;
    how.deadline = publish_clock::now() + options_.reply_time;
    how.resend = true; // a final must not be lost; a reply said twice does no harm
    bridge_->link().publish(
        std::move(p), how, [name = options_.id, code](const publish_outcome& end) {
          if (end.result != publish_result::confirmed && end.result != publish_result::stopped)
            spdlog::warn("{}: a reply \"{}\" was not taken: {}: {}", name, code,
                         to_string(end.result), end.text);
        });
  }

  std::shared_ptr<bridge> bridge_;
  actor_options options_;
  actor_commands commands_;
  json_schema schema_;
  bool has_ended_ = false;
  std::map<caf::actor_addr, size_t> runners_; // how many commands each has
  uint64_t last_token_ = 0;
  std::unordered_map<std::string, running> running_;
};

} // namespace

actor_worker start_actor_worker(std::shared_ptr<bridge> owner, const actor_options& options) {
  caf::actor_config config{&owner->thread()};
  auto& system = owner->node().system();
  auto made = system.spawn_class<worker, caf::no_spawn_options>(config, std::move(owner), options);
  actor_worker result;
  result.handle = caf::actor_cast<caf::strong_actor_ptr>(made);
  auto* self = static_cast<worker*>(result.handle->get());
  result.process = self;
  result.on_command = [self, keep = result.handle](actor_request came) {
    self->on_command(std::move(came));
  };
  return result;
}

} // namespace natterjack::amqp
