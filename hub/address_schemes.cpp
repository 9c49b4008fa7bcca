#include "hub/address_schemes.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

namespace natterjack::hub {

namespace {

struct scheme_table {
  std::shared_mutex mutex;
  std::map<std::pair<const node*, std::string>, scheme_finder> finders;
  std::atomic<size_t> count{0}; // so that nobody locks where there is none
};

scheme_table& table() {
  static scheme_table all;
  return all;
}

} // namespace

bool add_scheme(const node& where, std::string scheme, scheme_finder find) {
  auto& all = table();
  std::unique_lock guard(all.mutex);
  const bool is_new =
      all.finders.emplace(std::pair(&where, std::move(scheme)), std::move(find)).second;
  all.count = all.finders.size();
  return is_new;
}

void remove_scheme(const node& where, std::string_view scheme) noexcept {
  auto& all = table();
  std::unique_lock guard(all.mutex);
  all.finders.erase(std::pair(&where, std::string(scheme)));
  all.count = all.finders.size();
}

std::optional<process_ref> find_by_scheme(const node& where, std::string_view address,
                                          std::string* why) {
  auto& all = table();
  const auto colon = address.find(':');
  if (all.count.load(std::memory_order_relaxed) == 0 || colon == std::string_view::npos)
    return std::nullopt;
  std::shared_lock guard(all.mutex);
  auto i = all.finders.find(std::pair(&where, std::string(address.substr(0, colon))));
  if (i == all.finders.end())
    return std::nullopt;
  return i->second(address, why);
}

} // namespace natterjack::hub
