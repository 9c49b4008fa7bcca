#include "relay/target_watch.hpp"

#include "relay/io_thread.hpp"

#include <caf/abstract_actor.hpp>

#include <memory>
#include <unordered_map>

namespace natterjack::relay {

// Of one io thread: who waits for which actor.
class target_watches {
 public:
  target_watches() = default;
  target_watches(const target_watches&) = delete;
  target_watches& operator=(const target_watches&) = delete;
  ~target_watches() {
    for (auto& [id, first] : first_)
      while (first != nullptr)
        first->unwatch_target();
  }

  static target_watches& here() {
    thread_local target_watches own;
    return own;
  }

  void add(io_thread& thread, const caf::strong_actor_ptr& target, target_watch& who) {
    const auto id = target->id();
    const auto [known, is_new] = first_.try_emplace(id, nullptr);
    link(known->second, who);
    if (is_new) // once for the life of the target
      target->get()->attach_functor([&thread, id, is_here = std::weak_ptr<bool>(is_here_)] {
        if (const auto still = is_here.lock())
          thread.push_call([id] { here().ended(id); });
      });
  }

 private:
  static void link(target_watch*& first, target_watch& who) noexcept {
    who.next_ = first;
    who.link_ = &first;
    if (first != nullptr)
      first->link_ = &who.next_;
    first = &who;
  }

  // Whoever is told may begin to watch another target, or end others that wait here.
  void ended(caf::actor_id id) {
    const auto i = first_.find(id);
    if (i == first_.end())
      return;
    auto* first = i->second;
    first_.erase(i);
    if (first != nullptr)
      first->link_ = &first;
    while (first != nullptr) {
      auto& told = *first;
      told.unwatch_target();
      told.on_target_down();
    }
  }

  std::unordered_map<caf::actor_id, target_watch*> first_;
  std::shared_ptr<bool> is_here_ = std::make_shared<bool>(true); // gone when the thread is
};

void target_watch::watch_target(io_thread& thread, const caf::strong_actor_ptr& target) {
  unwatch_target();
  target_watches::here().add(thread, target, *this);
}

void target_watch::unwatch_target() noexcept {
  if (link_ == nullptr)
    return;
  *link_ = next_;
  if (next_ != nullptr)
    next_->link_ = link_;
  next_ = nullptr;
  link_ = nullptr;
}

} // namespace natterjack::relay
