#include "runtime/lua/process/feed.hpp"

#include <algorithm>

namespace natterjack::runtime::lua {

namespace {

constexpr auto nowhere = std::string_view::npos;

// Within one segment: `*` any characters, `?` one.
bool matches_shell(std::string_view pattern, std::string_view text) noexcept {
  size_t p = 0;
  size_t t = 0;
  size_t star = nowhere; // the last one, and where the text stood then
  size_t mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != nowhere) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

bool matches_segment(std::string_view pattern, std::string_view text) noexcept {
  if (pattern.size() < 2 || pattern.front() != '(' || pattern.back() != ')')
    return matches_shell(pattern, text);
  pattern = pattern.substr(1, pattern.size() - 2);
  while (true) {
    const auto bar = pattern.find('|');
    if (matches_shell(pattern.substr(0, bar), text))
      return true;
    if (bar == nowhere)
      return false;
    pattern.remove_prefix(bar + 1);
  }
}

// The segment that begins at `at`, which goes on to the next one, or nowhere behind the last.
std::string_view take_segment(std::string_view text, size_t& at) noexcept {
  const auto dot = text.find('.', at);
  const auto segment = text.substr(at, dot == nowhere ? nowhere : dot - at);
  at = dot == nowhere ? nowhere : dot + 1;
  return segment;
}

} // namespace

bool matches_glob(std::string_view pattern, std::string_view text) noexcept {
  size_t p = 0;
  size_t t = 0;
  bool has_run = false; // a `**` was met: it may take more of the text than it has
  size_t behind_run = 0;
  size_t run_end = 0;
  while (t != nowhere) {
    auto next_p = p;
    auto next_t = t;
    const auto wanted = p == nowhere ? std::string_view{} : take_segment(pattern, next_p);
    if (p != nowhere && wanted == "**") {
      has_run = true;
      behind_run = p = next_p;
      run_end = t;
    } else if (p != nowhere && matches_segment(wanted, take_segment(text, next_t))) {
      p = next_p;
      t = next_t;
    } else if (has_run) {
      take_segment(text, run_end);
      p = behind_run;
      t = run_end;
    } else {
      return false;
    }
  }
  while (p != nowhere)
    if (take_segment(pattern, p) != "**")
      return false;
  return true;
}

feed* intake::listener_for(std::string_view topic) noexcept {
  for (auto& one : listeners_)
    if (matches_glob(one->pattern, topic))
      return one.get();
  return nullptr;
}

feed* intake::sort_in(hub::message_ptr what) {
  auto* to = listeners_.empty() ? nullptr : listener_for(what->topic());
  if (to == nullptr)
    to = inbox_.get();
  auto& queue = to != nullptr ? to->queue : unclaimed_;
  queue.push({std::move(what), ++last_number_});
  return to;
}

void intake::add(process_event event) {
  event.number = ++last_number_;
  events_.push_back(std::move(event));
}

feed& intake::open_inbox() {
  inbox_ = std::make_unique<feed>();
  unclaimed_.move_matching(inbox_->queue, [](const hub::message&) { return true; });
  return *inbox_;
}

feed* intake::find_listener(std::string_view pattern, bool as_message) noexcept {
  for (auto& one : listeners_)
    if (one->pattern == pattern && one->as_message == as_message)
      return one.get();
  return nullptr;
}

feed& intake::listen(std::string pattern, bool as_message) {
  auto made = std::make_unique<feed>();
  made->pattern = std::move(pattern);
  made->as_message = as_message;
  auto& added = *listeners_.emplace_back(std::move(made));
  auto wanted = [&added](const hub::message& one) {
    return matches_glob(added.pattern, one.topic());
  };
  unclaimed_.move_matching(added.queue, wanted);
  if (inbox_)
    inbox_->queue.move_matching(added.queue, wanted);
  return added;
}

void intake::unlisten(feed* gone) {
  auto i = std::find_if(listeners_.begin(), listeners_.end(),
                        [gone](const auto& one) { return one.get() == gone; });
  if (i == listeners_.end())
    return;
  auto held = std::move(*i);
  listeners_.erase(i);
  for (auto& other : listeners_)
    held->queue.move_matching(other->queue, [&other](const hub::message& one) {
      return matches_glob(other->pattern, one.topic());
    });
  held->queue.move_matching(inbox_ ? inbox_->queue : unclaimed_,
                            [](const hub::message&) { return true; });
}

void intake::unclaim_all() {
  auto all = [](const hub::message&) { return true; };
  for (auto& one : listeners_)
    one->queue.move_matching(unclaimed_, all);
  listeners_.clear();
  if (inbox_)
    inbox_->queue.move_matching(unclaimed_, all);
  inbox_.reset();
}

void intake::clear() noexcept {
  unclaimed_.clear();
  inbox_.reset();
  listeners_.clear();
  events_.clear();
}

} // namespace natterjack::runtime::lua
