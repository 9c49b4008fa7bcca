#include "runtime/config/application.hpp"

#include "runtime/config/checks/references.hpp"
#include "runtime/config/kinds/kind_schema.hpp"
#include "runtime/config/network_address.hpp"
#include "runtime/config/source/implicit_entries.hpp"

#include <algorithm>
#include <set>

namespace natterjack::runtime {

const entry* application::find(std::string_view id) const noexcept {
  auto found = places_.find(id);
  return found == places_.end() ? nullptr : &entries[found->second];
}

entry* application::find(std::string_view id) noexcept {
  auto found = places_.find(id);
  return found == places_.end() ? nullptr : &entries[found->second];
}

entry& application::add(entry e) {
  places_.emplace(e.id, entries.size());
  return entries.emplace_back(std::move(e));
}

std::optional<diagnostic> apply_listen(application& app, std::string_view address) {
  const std::string option = "--listen " + std::string(address);
  std::string why;
  if (!parse_address(address, &why))
    return diagnostic{option, 0, "", "the address " + why, "ADDR:PORT such as 127.0.0.1:8082"};
  entry* meant = app.find(implicit_gateway);
  if (!meant || !meant->implicit) {
    std::vector<entry*> gateways;
    for (auto& e : app.entries)
      if (e.kind == "http.service")
        gateways.push_back(&e);
    if (gateways.empty()) {
      app.warnings.push_back(
          {option, 0, "", "changes nothing: the application has no http.service", ""});
      return {};
    }
    if (gateways.size() > 1) {
      std::string names;
      for (const auto* e : gateways)
        names += (names.empty() ? "" : ", ") + e->id;
      return diagnostic{option, 0, "", "the application has several http.service: " + names,
                        "--set " + gateways.front()->id + ".addr=" + std::string(address)};
    }
    meant = gateways.front();
  }
  auto value = config_value::text(std::string(address));
  value.set_origin(std::make_shared<const std::string>(option));
  meant->data.put("addr", std::move(value));
  return {};
}

namespace {

// Lower starts earlier where dependencies leave the choice: a listener opens when all is there.
int rank_of(const entry& e) {
  return e.kind == "process.host" ? 0 : e.kind == "http.service" ? 2 : 1;
}

bool is_service(const entry& e) {
  const auto* kind = find_kind(e.kind);
  return kind && kind->is_service;
}

std::vector<std::string> needs_of(const entry& e) {
  std::vector<std::string> ids;
  for (const auto& r : references_of(e))
    if (r.path == "lifecycle.depends_on" || r.path == "lifecycle.requires" || r.path == "host")
      ids.push_back(r.id);
  return ids;
}

} // namespace

std::vector<std::string> start_order(const application& app) {
  std::set<const entry*> wanted;
  std::vector<const entry*> open;
  for (const auto& e : app.entries) {
    const auto* starts = e.data.find_path("lifecycle.auto_start");
    if (is_service(e) && starts && starts->as_bool().value_or(false))
      open.push_back(&e);
  }
  while (!open.empty()) {
    const entry* e = open.back();
    open.pop_back();
    if (!wanted.insert(e).second)
      continue;
    for (const auto& id : needs_of(*e))
      if (const auto* needed = app.find(id); needed && is_service(*needed))
        open.push_back(needed);
  }
  std::map<const entry*, size_t> waits_for;
  std::map<const entry*, std::vector<const entry*>> waiting;
  for (const auto* e : wanted) {
    waits_for[e];
    for (const auto& id : needs_of(*e))
      if (const auto* needed = app.find(id); needed && needed != e && wanted.contains(needed)) {
        ++waits_for[e];
        waiting[needed].push_back(e);
      }
  }
  // Entries stand in one vector, so their addresses are the order of the files.
  auto earlier = [](const entry* a, const entry* b) {
    return std::pair(rank_of(*a), a) < std::pair(rank_of(*b), b);
  };
  std::set<const entry*, decltype(earlier)> ready(earlier);
  for (auto [e, count] : waits_for)
    if (count == 0)
      ready.insert(e);
  std::vector<std::string> order;
  while (!ready.empty()) {
    const entry* e = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(e->id);
    for (const auto* other : waiting[e])
      if (--waits_for[other] == 0)
        ready.insert(other);
  }
  return order;
}

} // namespace natterjack::runtime
