#include "actors/amqp/remote_commands.hpp"

namespace natterjack::amqp {

namespace {

constexpr auto sweep_interval = std::chrono::milliseconds(500);
constexpr size_t followers_max = 10'000; // of one actor

const hub::shared_bytes& reply_topic() {
  thread_local const hub::shared_bytes bytes(std::string_view("amqp.reply"));
  return bytes;
}

const char* status_of(std::string_view code) noexcept {
  return code == ":" ? "done" : code == "f" || code == "!" ? "failed" : "running";
}

} // namespace

// {"command_id":…,"actor":…,"code":…,"status":…,"final":…,"internal":…,"body":…}
hub::payload describe_reply(std::string_view command_id, std::string_view actor,
                            std::string_view code, bool is_final, bool internal,
                            std::string_view body) {
  std::string text = R"({"command_id": )";
  if (command_id.empty())
    text += "null";
  else
    append_python_text(text, command_id);
  text += R"(, "actor": )";
  append_python_text(text, actor);
  text += R"(, "code": )";
  append_python_text(text, code);
  text += R"(, "status": ")";
  text += status_of(code);
  text += is_final ? R"(", "final": true)" : R"(", "final": false)";
  text += internal ? R"(, "internal": true, "body": )" : R"(, "internal": false, "body": )";
  text += body;
  text += '}';
  return hub::payload::json(text);
}

std::string error_body(const std::string& why) {
  std::string body;
  json_value::make_object({{"error", json_value(why)}}).write(body, number_style::strict);
  return body;
}

void remote_commands::start() {
  reply_listener_ = bridge_.listen([this](const reply_ptr& what) { on_reply(*what); });
  link_listener_ = bridge_.listen_link([this](const link_event& event) { on_link(event); });
  sweep_later();
}

void remote_commands::stop() {
  if (std::exchange(stopped_, true))
    return;
  bridge_.forget(reply_listener_);
  bridge_.forget_link(link_listener_);
  while (!commands_.empty())
    finish(commands_.begin()->first, "shutting down");
}

std::string remote_commands::key_of(std::string_view id, std::string_view commander_id) {
  return std::string(id) + '\n' + std::string(commander_id);
}

bool remote_commands::add(const std::string& key, running one) {
  if (commands_.size() >= commands_max_)
    return false;
  const auto actor = one.actor;
  if (!commands_.emplace(key, std::move(one)).second)
    return false;
  ++busy_[actor];
  return true;
}

void remote_commands::drop(command_map::iterator i) {
  if (auto b = busy_.find(i->second.actor); b != busy_.end() && --b->second == 0)
    busy_.erase(b);
  commands_.erase(i);
}

void remote_commands::finish(const std::string& key, const std::string& why) {
  auto i = commands_.find(key);
  if (i == commands_.end())
    return;
  const auto one = i->second;
  drop(i);
  tell(one.asker, one.from, describe_reply(one.id, one.actor, "f", true, false, error_body(why)),
       one.topic);
}

void remote_commands::finish_all_of(const std::string& actor, const std::string& why) {
  std::vector<std::string> keys;
  for (const auto& [key, one] : commands_)
    if (one.actor == actor)
      keys.push_back(key);
  for (const auto& key : keys)
    finish(key, why);
}

// -- followers ----------------------------------------------------------------

void remote_commands::follow(const std::string& actor, const hub::pid& who, const hub::pid& from) {
  auto& list = followers_[actor];
  if (list.size() < followers_max)
    list.insert_or_assign(who, from);
}

void remote_commands::unfollow(const std::string& actor, const hub::pid& who) {
  auto i = followers_.find(actor);
  if (i == followers_.end())
    return;
  i->second.erase(who);
  if (i->second.empty())
    followers_.erase(i);
}

bool remote_commands::tell(const hub::pid& to, const hub::pid& from, hub::payload what,
                           const hub::shared_bytes& topic) {
  const auto& subject = topic.empty() ? reply_topic() : topic;
  return bridge_.node().send(to, hub::make_message(from, subject, std::move(what))) !=
         hub::send_result::no_process;
}

// -- replies ------------------------------------------------------------------

void remote_commands::on_reply(const reply& what) {
  tell_followers(what);
  if (what.command_id.empty() || commands_.empty())
    return;
  auto i = commands_.find(key_of(what.command_id, what.commander_id));
  if (i == commands_.end())
    return;
  const auto one = i->second;
  const bool is_there = tell(one.asker, one.from,
                             describe_reply(what.command_id, one.actor, what.code, what.is_final(),
                                            what.internal, what.body()),
                             one.topic);
  if (what.is_final() || !is_there)
    drop(i);
}

void remote_commands::tell_followers(const reply& what) {
  auto f = followers_.find(what.sender);
  if (f == followers_.end())
    return;
  const auto told = describe_reply(what.command_id, what.sender, what.code, what.is_final(),
                                   what.internal, what.body());
  for (auto i = f->second.begin(); i != f->second.end();)
    i = tell(i->first, i->second, told) ? std::next(i) : f->second.erase(i);
  if (f->second.empty())
    followers_.erase(f);
}

// -- time and outages ---------------------------------------------------------

void remote_commands::on_link(const link_event& event) {
  if (event.state != link_state::up || !std::exchange(has_been_up_, true))
    return;
  up_again_ = clock::now();
  // What was said meanwhile is lost: a final may have been among it.
  for (auto& [key, one] : commands_)
    if (up_again_ + outage_grace_ < one.deadline) {
      one.deadline = up_again_ + outage_grace_;
      one.why_late = "the broker was away, and no final reply came after it returned";
    }
}

void remote_commands::sweep_later() {
  bridge_.later(sweep_interval, [weak = weak_from_this()] {
    if (auto self = weak.lock(); self && !self->stopped_) {
      self->sweep();
      self->sweep_later();
    }
  });
}

void remote_commands::sweep() {
  const auto now = clock::now();
  std::vector<std::pair<std::string, std::string>> late;
  std::vector<std::string> orphans;
  for (const auto& [key, one] : commands_) {
    if (one.deadline <= now)
      late.emplace_back(key, one.why_late);
    else if (!bridge_.node().processes().find(one.asker.number()))
      orphans.push_back(key);
  }
  for (const auto& [key, why] : late)
    finish(key, why);
  for (const auto& key : orphans)
    drop(commands_.find(key));
}

} // namespace natterjack::amqp
