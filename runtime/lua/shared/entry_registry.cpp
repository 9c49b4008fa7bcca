#include "runtime/lua/shared/entry_registry.hpp"

#include "runtime/lua/shared/scripted_entries.hpp"

#include <nlohmann/json.hpp>

namespace natterjack::runtime::lua {

namespace {

// Kinds that are nothing but data; all others stand for something that runs or is configured.
bool is_data(std::string_view kind) noexcept {
  return kind == "registry.entry" || kind == "ns.definition" || kind.find('.') == kind.npos ||
         kind.starts_with("app.") || kind.starts_with("test.") || is_scripted(kind);
}

bool refuse(failure& why, error_kind kind, std::string text) {
  why = {kind, std::move(text), {}};
  return false;
}

// The same JSON with its members as those of the files have them, to be compared.
hub::payload in_order(const hub::payload& document) {
  return hub::payload::json(nlohmann::json::parse(document.bytes(), nullptr, false).dump());
}

bool change_one(entry_registry::entry_map& all, const entry_change& change,
                const std::function<std::string(const entry_record&)>& check_bounds, failure& why) {
  const auto& id = change.entry.id;
  const auto present = all.find(id);
  if (change.what == entry_change_kind::create && present != all.end())
    return refuse(why, error_kind::already_exists, "entry '" + id + "' exists already");
  if (change.what != entry_change_kind::create && present == all.end())
    return refuse(why, error_kind::not_found, "no entry '" + id + "'");
  const auto& kind = change.what == entry_change_kind::remove ? present->second.kind
                                                              : change.entry.kind;
  if (!is_data(kind))
    return refuse(why, error_kind::invalid,
                  "entry '" + id + "' of kind " + kind +
                      " cannot be changed while the application runs: only registry.entry, "
                      "kinds of the application's own, function.lua, process.lua and library.lua can");
  if (change.what == entry_change_kind::remove) {
    all.erase(present);
    return true;
  }
  auto entry = change.entry;
  if (is_scripted(kind)) {
    entry.data = in_order(entry.data);
    const bool is_new = present == all.end() || present->second.kind != kind ||
                        present->second.data.bytes() != entry.data.bytes();
    auto text = is_new ? scripted_entries::check(entry) : std::string();
    if (is_new && text.empty() && check_bounds)
      text = check_bounds(entry);
    if (!text.empty())
      return refuse(why, error_kind::invalid, std::move(text));
  }
  all.insert_or_assign(id, std::move(entry));
  return true;
}

} // namespace

entry_registry::entry_registry() {
  loaded_ = std::make_shared<const entry_map>();
  versions_.emplace(0, loaded_);
}

void entry_registry::load(std::vector<entry_record> all) {
  auto made = std::make_shared<entry_map>();
  for (auto& one : all) {
    auto id = one.id;
    made->insert_or_assign(std::move(id), std::move(one));
  }
  std::lock_guard guard(mutex_);
  versions_.clear();
  loaded_ = std::move(made);
  versions_.emplace(0, loaded_);
  present_ = 0;
}

uint64_t entry_registry::version() const {
  std::lock_guard guard(mutex_);
  return present_;
}

bool entry_registry::is_changed(const std::string& id) const {
  std::lock_guard guard(mutex_);
  const auto& now = versions_.at(present_);
  if (now == loaded_)
    return false;
  const auto before = loaded_->find(id);
  const auto after = now->find(id);
  if (before == loaded_->end() || after == now->end())
    return (before == loaded_->end()) != (after == now->end());
  return before->second.kind != after->second.kind ||
         before->second.data.bytes() != after->second.data.bytes();
}

std::vector<uint64_t> entry_registry::versions() const {
  std::lock_guard guard(mutex_);
  std::vector<uint64_t> all;
  for (const auto& [number, entries] : versions_)
    all.push_back(number);
  return all;
}

entry_registry::snapshot entry_registry::now() const {
  std::lock_guard guard(mutex_);
  return versions_.at(present_);
}

entry_registry::snapshot entry_registry::at(uint64_t version) const {
  std::lock_guard guard(mutex_);
  auto i = versions_.find(version);
  return i == versions_.end() ? nullptr : i->second;
}

uint64_t entry_registry::add(snapshot one) {
  const auto number = versions_.rbegin()->first + 1;
  versions_.emplace(number, std::move(one));
  present_ = number;
  if (versions_.size() > versions_max)
    versions_.erase(versions_.begin());
  return number;
}

std::optional<uint64_t> entry_registry::apply(const std::vector<entry_change>& changes, failure& why) {
  std::lock_guard guard(mutex_);
  auto made = std::make_shared<entry_map>(*versions_.at(present_));
  for (const auto& one : changes)
    if (!change_one(*made, one, check_bounds, why))
      return std::nullopt;
  return add(std::move(made));
}

std::optional<uint64_t> entry_registry::go_to(uint64_t version, failure& why) {
  std::lock_guard guard(mutex_);
  auto i = versions_.find(version);
  if (i == versions_.end()) {
    refuse(why, error_kind::not_found, "no version " + std::to_string(version));
    return std::nullopt;
  }
  present_ = version;
  return version;
}

} // namespace natterjack::runtime::lua
