#include "hub/node.hpp"

#include "hub/address_schemes.hpp"

#include <atomic>
#include <thread>

namespace natterjack::hub {

namespace {

// Processes that are taking leave of a node at this moment; of all nodes, of which there is one.
std::atomic<size_t> leaving{0};

} // namespace

const char* to_string(send_result result) noexcept {
  switch (result) {
    case send_result::sent:
      return "sent";
    case send_result::no_process:
      return "process not found";
    case send_result::no_host:
      return "host not found";
    case send_result::no_node:
      return "node not found";
    case send_result::mailbox_full:
      return "mailbox full";
  }
  return "unknown";
}

// -- process ------------------------------------------------------------------

process::process(node& home, const host_name* host) : home_(home), id_(home.next_pid(host)) {}

process::~process() { leave(); }

void process::enter(caf::actor_control_block* self) {
  entered_.store(true, std::memory_order_release);
  home_.processes().enter(id_, self, this);
}

void process::leave() noexcept {
  if (!entered_.exchange(false, std::memory_order_acq_rel))
    return;
  // Before the table shows that we have gone: who waits for that may end the node.
  leaving.fetch_add(1, std::memory_order_acq_rel);
  home_.processes().erase(id_.number());
  home_.names().remove_all(id_);
  home_.groups().leave_all(id_);
  leaving.fetch_sub(1, std::memory_order_release);
}

// -- node ---------------------------------------------------------------------

node::node(caf::actor_system& system, std::string name)
    : system_(system), name_(std::move(name)), names_(processes_), groups_(processes_) {}

node::~node() {
  while (leaving.load(std::memory_order_acquire) != 0)
    std::this_thread::yield();
}

const host_name* node::host(std::string_view entry_id) {
  std::lock_guard guard(mutex_);
  auto i = hosts_.find(entry_id);
  if (i == hosts_.end()) {
    auto made = std::make_unique<host_name>();
    made->node = name_;
    made->host = entry_id;
    made->prefix = "{" + name_ + "@" + made->host + "|0x";
    i = hosts_.emplace(std::string(entry_id), std::move(made)).first;
  }
  return i->second.get();
}

process_host* node::find_process_host(std::string_view entry_id) {
  std::lock_guard guard(mutex_);
  auto i = process_hosts_.find(entry_id);
  return i == process_hosts_.end() ? nullptr : i->second.get();
}

process_host& node::add_process_host(std::string_view entry_id, size_t max_processes) {
  auto* where = host(entry_id);
  std::lock_guard guard(mutex_);
  auto& slot = process_hosts_[std::string(entry_id)];
  if (!slot)
    slot = std::make_unique<process_host>(where, max_processes);
  return *slot;
}

void node::succeed(const pid& before, const pid& next) {
  constexpr size_t remembered_max = 1000;
  std::lock_guard guard(successors_mutex_);
  for (auto& [old, now] : successors_) // so that one step is enough, however often it was replaced
    if (now == before.number())
      now = next.number();
  if (successors_.insert_or_assign(before.number(), next.number()).second)
    replaced_.push_back(before.number());
  if (replaced_.size() > remembered_max) {
    successors_.erase(replaced_.front());
    replaced_.pop_front();
  }
}

process_ref node::successor_of(uint64_t number) const {
  uint64_t next = 0;
  {
    std::lock_guard guard(successors_mutex_);
    auto i = successors_.find(number);
    if (i == successors_.end())
      return {};
    next = i->second;
  }
  return processes_.find(next);
}

send_result node::send(const pid& to, message_ptr what) {
  auto receiver = processes_.find(to.number());
  if (!receiver)
    receiver = successor_of(to.number());
  return receiver ? receiver.self->deliver(std::move(what)) : send_result::no_process;
}

std::optional<std::pair<process_ref, send_result>> node::find(std::string_view text,
                                                              std::string* why) {
  auto said = parse_pid(text, why);
  if (!said)
    return std::nullopt;
  if (!said->node.empty() && said->node != name_)
    return std::pair{process_ref{}, send_result::no_node};
  auto found = processes_.find(said->number);
  if (!found)
    found = successor_of(said->number);
  if (found && found.self->id().where()->host == said->host)
    return std::pair{std::move(found), send_result::sent};
  std::lock_guard guard(mutex_);
  return std::pair{process_ref{}, hosts_.find(said->host) == hosts_.end()
                                      ? send_result::no_host
                                      : send_result::no_process};
}

process_ref node::resolve(std::string_view text, std::string* why) {
  if (text.starts_with('{')) {
    if (auto found = find(text, why)) {
      if (why != nullptr && !found->first)
        *why = to_string(found->second);
      return std::move(found->first);
    }
  }
  if (auto found = find_by_scheme(*this, text, why))
    return std::move(*found);
  if (auto holder = names_.lookup(std::string(text)))
    if (auto found = processes_.find(holder->number()))
      return found;
  if (why != nullptr)
    *why = "could not resolve '" + std::string(text) + "' as PID or registered name";
  return {};
}

} // namespace natterjack::hub
