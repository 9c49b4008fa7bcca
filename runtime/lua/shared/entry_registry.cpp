#include "runtime/lua/shared/entry_registry.hpp"

namespace natterjack::runtime::lua {

namespace {

// Kinds that are nothing but data; all others stand for something that runs or is configured.
bool is_data(std::string_view kind) noexcept {
  return kind == "registry.entry" || kind == "ns.definition" || kind.find('.') == kind.npos ||
         kind.starts_with("app.") || kind.starts_with("test.");
}

bool refuse(failure& why, error_kind kind, std::string text) {
  why = {kind, std::move(text), {}};
  return false;
}

bool change_one(entry_registry::entry_map& all, const entry_change& change, failure& why) {
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
                      " cannot be changed while the application runs: only registry.entry and "
                      "kinds of the application's own can");
  if (change.what == entry_change_kind::remove)
    all.erase(present);
  else
    all.insert_or_assign(id, change.entry);
  return true;
}

} // namespace

entry_registry::entry_registry() {
  versions_.emplace(0, std::make_shared<const entry_map>());
}

void entry_registry::load(std::vector<entry_record> all) {
  auto made = std::make_shared<entry_map>();
  for (auto& one : all) {
    auto id = one.id;
    made->insert_or_assign(std::move(id), std::move(one));
  }
  std::lock_guard guard(mutex_);
  versions_.clear();
  versions_.emplace(0, std::move(made));
}

uint64_t entry_registry::version() const {
  std::lock_guard guard(mutex_);
  return versions_.rbegin()->first;
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
  return versions_.rbegin()->second;
}

entry_registry::snapshot entry_registry::at(uint64_t version) const {
  std::lock_guard guard(mutex_);
  auto i = versions_.find(version);
  return i == versions_.end() ? nullptr : i->second;
}

uint64_t entry_registry::add(snapshot one) {
  const auto number = versions_.rbegin()->first + 1;
  versions_.emplace(number, std::move(one));
  if (versions_.size() > versions_max)
    versions_.erase(versions_.begin());
  return number;
}

std::optional<uint64_t> entry_registry::apply(const std::vector<entry_change>& changes, failure& why) {
  std::lock_guard guard(mutex_);
  auto made = std::make_shared<entry_map>(*versions_.rbegin()->second);
  for (const auto& one : changes)
    if (!change_one(*made, one, why))
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
  return add(i->second);
}

} // namespace natterjack::runtime::lua
