#include "relay/gateway_context.hpp"

namespace natterjack::relay {

connection_place::connection_place(std::shared_ptr<gateway_context> gateway,
                                   std::map<std::string, size_t>::value_type* of_address)
    : gateway_(std::move(gateway)), of_address_(of_address) {
  ++gateway_->connections;
}

connection_place::~connection_place() {
  --gateway_->connections;
  if (of_address_ == nullptr)
    return;
  std::lock_guard guard(gateway_->address_mutex);
  if (--of_address_->second == 0)
    gateway_->by_address.erase(std::string(of_address_->first));
}

std::shared_ptr<connection_place>
connection_place::take(const std::shared_ptr<gateway_context>& gateway,
                       const std::string& address) {
  const auto& limits = gateway->limits;
  if (gateway->connections.load(std::memory_order_relaxed) >= limits.connections) {
    ++gateway->refused_full;
    return nullptr;
  }
  if (limits.connections_per_address == 0)
    return std::make_shared<connection_place>(gateway, nullptr);
  std::unique_lock guard(gateway->address_mutex);
  auto& of_address = *gateway->by_address.try_emplace(address).first;
  if (of_address.second >= limits.connections_per_address) {
    ++gateway->refused_address;
    return nullptr;
  }
  ++of_address.second;
  guard.unlock();
  return std::make_shared<connection_place>(gateway, &of_address);
}

} // namespace natterjack::relay
