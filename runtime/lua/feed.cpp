#include "runtime/lua/feed.hpp"

#include <algorithm>

namespace natterjack::runtime::lua {

bool matches_glob(std::string_view pattern, std::string_view text) noexcept {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos; // the last one, and where the text stood then
  size_t mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
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
