#include "hub/process_host.hpp"

#include <caf/abstract_actor.hpp>
#include <caf/monitorable_actor.hpp>

namespace natterjack::hub {

struct process_host::book {
  mutable std::mutex mutex;
  size_t taken = 0; // reserved or held
  std::unordered_map<caf::actor_id, caf::strong_actor_ptr> held;
};

process_host::process_host(const host_name* name, size_t max_processes)
    : name_(name), max_processes_(max_processes), book_(std::make_shared<book>()) {}

bool process_host::reserve() noexcept {
  std::lock_guard guard(book_->mutex);
  if (book_->taken >= max_processes_)
    return false;
  ++book_->taken;
  return true;
}

void process_host::cancel() noexcept {
  std::lock_guard guard(book_->mutex);
  --book_->taken;
}

void process_host::hold(caf::strong_actor_ptr actor) {
  const auto id = actor->id();
  {
    std::lock_guard guard(book_->mutex);
    book_->held.emplace(id, actor);
  }
  // Runs at once if the process has ended already.
  actor->get()->attach_functor([book = book_, id](const caf::error&) {
    caf::strong_actor_ptr last; // released outside the lock: it may be the last reference
    std::lock_guard guard(book->mutex);
    --book->taken;
    if (auto i = book->held.find(id); i != book->held.end()) {
      last = std::move(i->second);
      book->held.erase(i);
    }
  });
}

size_t process_host::size() const {
  std::lock_guard guard(book_->mutex);
  return book_->held.size();
}

std::vector<caf::strong_actor_ptr> process_host::all() const {
  std::vector<caf::strong_actor_ptr> result;
  std::lock_guard guard(book_->mutex);
  result.reserve(book_->held.size());
  for (auto& [id, actor] : book_->held)
    result.push_back(actor);
  return result;
}

} // namespace natterjack::hub
