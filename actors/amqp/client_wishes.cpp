#include "actors/amqp/client_wishes.hpp"

#include <algorithm>
#include <charconv>

namespace natterjack::amqp {

namespace {

constexpr size_t history_max = 10'000; // asked for; what there is may be less
constexpr size_t names_max = 100;

bool has(const std::vector<std::string>& list, std::string_view text) noexcept {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string percent_decode(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr ==
            text.data() + i + 3) {
      result += static_cast<char>(value);
      i += 2;
    } else {
      result += text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> result;
  while (!list.empty()) {
    const auto one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), one.size() + 1));
    if (!one.empty())
      result.push_back(percent_decode(one));
  }
  return result;
}

// One wish, whichever way it came. @returns a problem, or an empty text
std::string set(client_wishes& wishes, const std::string& name, const json_value& value) {
  using kind = json_value::kind;
  auto flag = [&name, &value](bool& to) -> std::string {
    if (!value.is(kind::boolean))
      return name + ": expected true or false, found " + value.to_python_text();
    to = value.boolean();
    return {};
  };
  auto list = [&name, &value](std::vector<std::string>& to) -> std::string {
    const auto is_text = [](const json_value& v) {
      return v.is(kind::text);
    };
    if (!value.is(kind::array) || value.elements().size() > names_max ||
        !std::all_of(value.elements().begin(), value.elements().end(), is_text))
      return name + ": expected a list of at most " + std::to_string(names_max) + " texts";
    to.clear();
    for (const auto& element : value.elements())
      to.push_back(element.text());
    return {};
  };
  if (name == "acks")
    return flag(wishes.acks);
  if (name == "status")
    return flag(wishes.status);
  if (name == "own")
    return flag(wishes.own);
  if (name == "sender")
    return list(wishes.senders);
  if (name == "code")
    return list(wishes.codes);
  if (name == "keys")
    return list(wishes.keys);
  if (name == "history") {
    const auto count = value.integer().value_or(-1);
    if (count < 0 || count > static_cast<int64_t>(history_max))
      return "history: expected a number from 0 to " + std::to_string(history_max) + ", found " +
             value.to_python_text();
    wishes.history = static_cast<size_t>(count);
    return {};
  }
  return "unknown option \"" + name +
         "\"; known are acks, status, own, sender, code, keys, history";
}

bool is_known(std::string_view name) noexcept {
  for (std::string_view known : {"acks", "status", "own", "sender", "code", "keys", "history"})
    if (name == known)
      return true;
  return false;
}

json_value from_query(std::string_view name, std::string_view text) {
  if (name == "sender" || name == "code" || name == "keys") {
    std::vector<json_value> texts;
    for (auto& one : split(text))
      texts.emplace_back(std::move(one));
    return json_value::make_array(std::move(texts));
  }
  if (name == "history")
    return json_value::make_integer(percent_decode(text));
  if (text.empty() || text == "1" || text == "true")
    return json_value(true);
  if (text == "0" || text == "false")
    return json_value(false);
  return json_value(percent_decode(text));
}

} // namespace

bool client_wishes::match(const reply& what) const noexcept {
  if (!senders.empty() && !has(senders, what.sender))
    return false;
  if (!codes.empty() && !has(codes, what.code))
    return false;
  return keys.empty() || std::any_of(what.keys.begin(), what.keys.end(),
                                     [this](const auto& key) { return has(keys, key); });
}

std::vector<std::string> read_wishes(std::string_view query, client_wishes& wishes) {
  std::vector<std::string> problems;
  while (!query.empty()) {
    const auto one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    const auto equals = one.find('=');
    const auto name = one.substr(0, equals);
    if (!is_known(name))
      continue;
    const auto text =
        equals == std::string_view::npos ? std::string_view{} : one.substr(equals + 1);
    if (auto problem = set(wishes, std::string(name), from_query(name, text)); !problem.empty())
      problems.push_back(std::move(problem));
  }
  return problems;
}

std::vector<std::string> read_wishes(const json_value& options, client_wishes& wishes) {
  if (!options.is(json_value::kind::object))
    return {"options: expected an object"};
  std::vector<std::string> problems;
  for (const auto& [name, value] : options.members())
    if (auto problem = set(wishes, name, value); !problem.empty())
      problems.push_back(std::move(problem));
  return problems;
}

void recent_ids::add(const std::string& id) {
  known_.insert(id);
  order_.push_back(id);
  if (order_.size() > kept_max) {
    known_.erase(known_.find(order_.front()));
    order_.pop_front();
  }
}

} // namespace natterjack::amqp
