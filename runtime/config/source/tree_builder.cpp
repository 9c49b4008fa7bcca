#include "runtime/config/source/tree_builder.hpp"

#include <algorithm>

namespace natterjack::runtime {

bool tree_builder::wants_key() const noexcept {
  return !open_.empty() && open_.back().value.is_map() && !open_.back().pending;
}

void tree_builder::key(std::string name, int line, bool merges) {
  auto& map = open_.back();
  if (!merges && !map.keys.insert(name).second) {
    const auto* first = map.value.find_member(name);
    throw document_failure(line, "key \"" + name + "\" stands twice in one map, first in line " +
                                     std::to_string(first ? first->line : line));
  }
  count(0, name.size(), line);
  map.pending = std::move(name);
  map.pending_line = line;
  map.merges = merges;
}

void tree_builder::scalar(config_value value, anchor name) {
  const size_t bytes = value.as_text() ? value.as_text()->size() : 0;
  count(1, bytes, value.line());
  if (name != 0)
    anchors_[name] = {value, {1, bytes, 0}};
  attach(std::move(value), 0);
}

void tree_builder::begin_list(int line, anchor name) {
  begin(config_value::list(line), line, name);
}

void tree_builder::begin_map(int line, anchor name) {
  begin(config_value::map(line), line, name);
}

void tree_builder::begin(config_value empty, int line, anchor name) {
  if (open_.size() >= limits_.levels)
    throw document_failure(line, "lists and maps are nested deeper than " +
                                     std::to_string(limits_.levels) + " levels");
  frame made;
  made.value = std::move(empty);
  made.name = name;
  made.before = used_;
  open_.push_back(std::move(made));
  count(1, 0, line);
}

void tree_builder::end() {
  frame done = std::move(open_.back());
  open_.pop_back();
  merge(done);
  const size_t levels = done.levels + 1;
  if (done.name != 0)
    anchors_[done.name] = {
        done.value,
        {used_.nodes - done.before.nodes, used_.text_bytes - done.before.text_bytes, levels}};
  attach(std::move(done.value), levels);
}

void tree_builder::alias(anchor name, int line) {
  auto found = anchors_.find(name);
  if (found == anchors_.end())
    throw document_failure(line, "an alias stands inside the value it refers to");
  const auto& cost = found->second.cost;
  count(cost.nodes, cost.text_bytes, line);
  if (open_.size() + cost.levels > limits_.levels)
    throw document_failure(line, "an alias nests deeper than " + std::to_string(limits_.levels) +
                                     " levels");
  attach(found->second.value, cost.levels);
}

void tree_builder::attach(config_value value, size_t levels) {
  if (open_.empty()) {
    root_ = std::move(value);
    return;
  }
  auto& parent = open_.back();
  parent.levels = std::max(parent.levels, levels);
  if (parent.value.is_list()) {
    parent.value.items().push_back(std::move(value));
    return;
  }
  if (parent.merges) {
    const bool lists_maps =
        value.is_list() && std::all_of(value.items().begin(), value.items().end(),
                                       [](const auto& v) { return v.is_map(); });
    if (!value.is_map() && !lists_maps)
      throw document_failure(parent.pending_line, "\"<<\" needs a map or a list of maps");
    parent.merged.push_back(std::move(value));
    parent.merges = false;
  } else {
    parent.value.members().push_back(
        {std::move(*parent.pending), parent.pending_line, std::move(value)});
  }
  parent.pending.reset();
}

void tree_builder::count(size_t nodes, size_t text_bytes, int line) {
  used_.nodes += nodes;
  used_.text_bytes += text_bytes;
  if (used_.nodes > limits_.nodes)
    throw document_failure(line, "has more than " + std::to_string(limits_.nodes) +
                                     " values once its aliases are followed");
  if (used_.text_bytes > limits_.text_bytes)
    throw document_failure(line, "has more than " + std::to_string(limits_.text_bytes) +
                                     " bytes of text once its aliases are followed");
}

// What a map says itself stands; of several merged maps the earlier one wins.
void tree_builder::merge(frame& f) {
  auto take = [&f](const config_value& from) {
    for (const auto& member : from.members())
      if (f.keys.insert(member.key).second)
        f.value.members().push_back(member);
  };
  for (const auto& merged : f.merged) {
    if (merged.is_map())
      take(merged);
    for (const auto& item : merged.items())
      take(item);
  }
}

} // namespace natterjack::runtime
