#include "relay/gateway_context.hpp"

namespace natterjack::relay {

connection_place::connection_place(std::shared_ptr<gateway_context> gateway, std::string address)
    : gateway_(std::move(gateway)), address_(std::move(address)) {
  ++gateway_->connections;
}

connection_place::~connection_place() {
  --gateway_->connections;
  if (address_.empty())
    return;
  std::lock_guard guard(gateway_->address_mutex);
  auto i = gateway_->by_address.find(address_);
  if (--i->second == 0)
    gateway_->by_address.erase(i);
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
    return std::make_shared<connection_place>(gateway, std::string());
  {
    std::lock_guard guard(gateway->address_mutex);
    auto& count = gateway->by_address[address];
    if (count >= limits.connections_per_address) {
      ++gateway->refused_address;
      return nullptr;
    }
    ++count;
  }
  return std::make_shared<connection_place>(gateway, address);
}

} // namespace natterjack::relay
