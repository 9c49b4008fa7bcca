#include "runtime/lua/storage/env_variables.hpp"

#include "hub/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace natterjack::runtime::lua {

namespace {

constexpr int router_depth_max = 8;
constexpr std::string_view spaces = " \t\r"; // lines of a file may end as on other systems
constexpr size_t names_max = 10'000;
constexpr size_t bytes_max = 16u << 20;

std::optional<std::string> of_system(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

// What a line has behind `=`: quotes around it are taken off, and `#` begins a comment outside them.
std::string value_of(std::string_view text) {
  const std::string value(hub::trimmed(text, spaces));
  if (!value.empty() && (value.front() == '"' || value.front() == '\''))
    if (const auto closing = value.find(value.front(), 1); closing != value.npos) {
      const auto behind = hub::trimmed(std::string_view(value).substr(closing + 1), spaces);
      if (behind.empty() || behind.front() == '#')
        return value.substr(1, closing - 1);
      if (const auto last = value.rfind(value.front()); last == value.size() - 1)
        return value.substr(1, last - 1); // quotes in between belong to the value
    }
  return std::string(hub::trimmed(std::string_view(value).substr(0, value.find('#')), spaces));
}

// @returns 0, or why not (errno)
int write_all(int to, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(to, text.data(), text.size());
    if (written < 0 && errno != EINTR)
      return errno;
    text.remove_prefix(static_cast<size_t>(std::max<ssize_t>(written, 0)));
  }
  return 0;
}

// A new file takes the place of the old one, so that nobody ever reads half of it.
// @returns empty, or why not; nothing is left behind then
std::string write_file(const env_storage& to, const std::map<std::string, std::string>& values) {
  std::string text;
  for (const auto& [key, value] : values)
    text += key + "=\"" + value + "\"\n";
  const auto fresh = to.file + ".new";
  ::unlink(fresh.c_str());
  const int made = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  int problem = made < 0 ? errno : write_all(made, text);
  if (problem == 0 && ::fchmod(made, to.mode) != 0)
    problem = errno;
  if (made >= 0 && ::close(made) != 0 && problem == 0)
    problem = errno;
  if (problem == 0 && std::rename(fresh.c_str(), to.file.c_str()) != 0)
    problem = errno;
  if (problem == 0)
    return {};
  if (made >= 0)
    ::unlink(fresh.c_str());
  return "cannot write " + to.file + ": " + std::generic_category().message(problem);
}

void make_file(const env_storage& which) {
  std::error_code ignored; // what is wrong with the folder is wrong with the file
  std::filesystem::create_directories(std::filesystem::path(which.file).parent_path(), ignored);
  if (auto problem = write_file(which, {}); !problem.empty())
    throw std::runtime_error(which.id + ": " + problem);
}

bool refuse(failure& why, error_kind kind, std::string text) {
  why = {kind, std::move(text), {}};
  return false;
}

bool refuse_full(failure& why, const std::string& where) {
  return refuse(why, error_kind::unavailable,
                where + " is full: it holds 10000 variables or 16 MiB at most");
}

} // namespace

bool env_variables::value_map::set(const std::string& key, const std::string& value) {
  const auto there = all.find(key);
  const auto before = there == all.end() ? 0 : key.size() + there->second.size();
  const auto after = key.size() + value.size();
  if (there == all.end() && all.size() >= names_max)
    return false;
  if (after > before && bytes - before + after > bytes_max)
    return false;
  bytes += after - before;
  all.insert_or_assign(key, value);
  return true;
}

std::map<std::string, std::string> read_variables_file(const std::string& path) {
  std::map<std::string, std::string> all;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const auto text = hub::trimmed(line, spaces);
    const auto equals = text.find('=');
    if (text.empty() || text.front() == '#' || equals == text.npos)
      continue;
    auto key = hub::trimmed(text.substr(0, equals), spaces);
    if (key.starts_with("export "))
      key = hub::trimmed(key.substr(7), spaces);
    all[std::string(key)] = value_of(text.substr(equals + 1));
  }
  return all;
}

void env_variables::declare(std::vector<env_storage> storages,
                            std::vector<env_variable> variables) {
  std::lock_guard guard(mutex_);
  for (auto& one : storages) {
    shelf made;
    if (one.kind == env_storage_kind::file) {
      if (one.auto_create && !std::filesystem::exists(one.file))
        make_file(one);
      made.values.all = read_variables_file(one.file);
    } else if (one.kind == env_storage_kind::fixed) {
      made.values.all = one.fixed;
    }
    for (const auto& [key, value] : made.values.all)
      made.values.bytes += key.size() + value.size();
    auto id = one.id;
    made.what = std::move(one);
    shelves_.insert_or_assign(std::move(id), std::move(made));
  }
  variables_ = std::move(variables);
}

const env_variable* env_variables::find(const std::string& name) const {
  for (const auto& one : variables_)
    if (one.name == name || one.id == name)
      return &one;
  return nullptr;
}

std::optional<std::string> env_variables::read(const std::string& storage, const std::string& key,
                                               int depth) const {
  auto i = shelves_.find(storage);
  if (i == shelves_.end() || depth > router_depth_max)
    return std::nullopt;
  const auto& [what, values] = i->second;
  if (what.kind == env_storage_kind::os)
    if (!values.all.contains(key))
      return of_system(key);
  if (what.kind == env_storage_kind::router) {
    for (const auto& next : what.storages)
      if (auto found = read(next, key, depth + 1))
        return found;
    return std::nullopt;
  }
  auto value = values.all.find(key);
  return value == values.all.end() ? std::nullopt : std::optional(value->second);
}

std::optional<std::string> env_variables::get(const std::string& name) const {
  std::lock_guard guard(mutex_);
  if (const auto* declared = find(name)) {
    auto value = read(declared->storage, declared->name, 0);
    return value ? value : declared->otherwise;
  }
  if (auto i = loose_.all.find(name); i != loose_.all.end())
    return i->second;
  for (const auto& [id, one] : shelves_)
    if (one.what.kind != env_storage_kind::os)
      if (auto value = read(id, name, 0))
        return value;
  return of_system(name);
}

bool env_variables::write(const std::string& storage, const std::string& key,
                          const std::string& value, failure& why, int depth) {
  auto i = shelves_.find(storage);
  if (i == shelves_.end() || depth > router_depth_max)
    return refuse(why, error_kind::not_found, "no storage '" + storage + "'");
  auto& [what, values] = i->second;
  switch (what.kind) {
  case env_storage_kind::fixed:
    return refuse(why, error_kind::permission_denied, "storage '" + storage + "' is read-only");
  case env_storage_kind::router:
    if (what.storages.empty())
      return refuse(why, error_kind::not_found, "storage '" + storage + "' names no other");
    return write(what.storages.front(), key, value, why, depth + 1);
  case env_storage_kind::file: {
    if (value.find('\n') != value.npos)
      return refuse(why, error_kind::invalid, "a value in a file has no line breaks");
    auto next = values;
    if (!next.set(key, value))
      return refuse_full(why, "storage '" + storage + "'");
    if (auto problem = write_file(what, next.all); !problem.empty())
      return refuse(why, error_kind::internal, std::move(problem));
    values = std::move(next);
    return true;
  }
  // The environment of this process is read by other threads: what scripts set lies above it.
  case env_storage_kind::os:
  case env_storage_kind::memory:
    return values.set(key, value) || refuse_full(why, "storage '" + storage + "'");
  }
  return false;
}

bool env_variables::set(const std::string& name, const std::string& value, failure& why) {
  std::lock_guard guard(mutex_);
  const auto* declared = find(name);
  if (declared == nullptr) {
    return loose_.set(name, value) || refuse_full(why, "the place of undeclared variables");
  }
  if (declared->read_only)
    return refuse(why, error_kind::permission_denied, "variable '" + name + "' is read-only");
  return write(declared->storage, declared->name, value, why);
}

std::map<std::string, std::string> env_variables::all() const {
  std::lock_guard guard(mutex_);
  std::map<std::string, std::string> result;
  for (const auto& [id, one] : shelves_)
    if (one.what.kind != env_storage_kind::os)
      result.insert(one.values.all.begin(), one.values.all.end());
  for (const auto& [name, value] : loose_.all)
    result[name] = value;
  for (const auto& one : variables_) {
    auto value = read(one.storage, one.name, 0);
    if (!value)
      value = one.otherwise;
    if (value)
      result[one.name] = *value;
  }
  return result;
}

} // namespace natterjack::runtime::lua
