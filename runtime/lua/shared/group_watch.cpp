#include "runtime/lua/shared/group_watch.hpp"

#include <caf/all.hpp>
#include <nlohmann/json.hpp>

namespace natterjack::runtime::lua {

void group_watch::declare(const std::string& scope, group_bounds bounds) {
  std::lock_guard guard(mutex_);
  scopes_[scope] = bounds;
}

bool group_watch::knows(const std::string& scope) const {
  std::lock_guard guard(mutex_);
  return scopes_.empty() || scopes_.contains(scope);
}

std::string group_watch::refusal(hub::node& node, const std::string& scope,
                                 const std::string& full_name) const {
  group_bounds bounds;
  {
    std::lock_guard guard(mutex_);
    if (auto i = scopes_.find(scope); i != scopes_.end())
      bounds = i->second;
  }
  const auto present = bounds.members + bounds.groups == 0 ? 0 : node.groups().members(full_name).size();
  if (bounds.members != 0 && present >= bounds.members)
    return "max_members_per_group (" + std::to_string(bounds.members) + ") of " + scope + " reached";
  if (bounds.groups != 0 && present == 0) {
    const auto prefix = scope + "/";
    size_t count = 0;
    for (const auto& name : node.groups().names())
      count += name.starts_with(prefix) ? 1 : 0;
    if (count >= bounds.groups)
      return "max_groups (" + std::to_string(bounds.groups) + ") of " + scope + " reached";
  }
  return {};
}

uint64_t group_watch::watch(const std::string& scope, const std::string& group,
                            const reply_address& to) {
  std::lock_guard guard(mutex_);
  watchers_.emplace(++last_, watcher{scope, group, to});
  return last_;
}

void group_watch::unwatch(uint64_t number) {
  std::lock_guard guard(mutex_);
  watchers_.erase(number);
}

void group_watch::tell(const std::string& scope, const std::string& group, const hub::pid& member,
                       const char* kind) {
  std::vector<std::pair<uint64_t, reply_address>> wanted;
  {
    std::lock_guard guard(mutex_);
    for (const auto& [number, one] : watchers_)
      if (one.scope == scope && (one.group.empty() || one.group == group))
        wanted.emplace_back(number, one.to);
  }
  if (wanted.empty())
    return;
  const nlohmann::json event{
      {"system", "pg"},
      {"kind", kind},
      {"path", group},
      {"data", {{"Group", group}, {"PIDs", nlohmann::json::array({to_string(member)})}}}};
  // Names may be any bytes; a throw would leave a process half ended, since this runs at its end, too.
  const auto item = hub::payload::json(
      event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  for (const auto& [number, to] : wanted)
    if (stream_item(to, {item}) == hub::send_result::no_process)
      unwatch(number);
}

void group_watch::track(const std::string& scope, const std::string& group,
                        const hub::process_ref& member) {
  const auto id = member.self->id();
  bool is_first = false;
  {
    std::lock_guard guard(mutex_);
    auto [places, is_new] = members_.try_emplace(id.number()); // who has left all is known still
    is_first = is_new;
    places->second.emplace(scope, group);
  }
  if (!is_first)
    return;
  std::weak_ptr<group_watch> weak = weak_from_this();
  member.actor->get()->attach_functor([weak, id](const caf::error&) {
    if (auto self = weak.lock())
      self->ended(id);
  });
}

void group_watch::joined(const std::string& scope, const std::string& group,
                         const hub::process_ref& member) {
  {
    std::lock_guard guard(mutex_);
    if (watchers_.empty())
      return; // who watches later asks who is there
  }
  track(scope, group, member);
  tell(scope, group, member.self->id(), "member.joined");
}

void group_watch::left(const std::string& scope, const std::string& group, const hub::pid& member) {
  {
    std::lock_guard guard(mutex_);
    if (auto i = members_.find(member.number()); i != members_.end())
      i->second.erase({scope, group});
  }
  tell(scope, group, member, "member.left");
}

void group_watch::ended(const hub::pid& member) {
  std::set<std::pair<std::string, std::string>> places;
  {
    std::lock_guard guard(mutex_);
    if (auto i = members_.find(member.number()); i != members_.end()) {
      places = std::move(i->second);
      members_.erase(i);
    }
  }
  for (const auto& [scope, group] : places)
    tell(scope, group, member, "member.left");
}

} // namespace natterjack::runtime::lua
