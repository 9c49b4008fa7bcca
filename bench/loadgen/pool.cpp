#include "pool.hpp"

#include "clock.hpp"
#include "dialects.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace natterjack::bench {

pool::pool(const options& with, listener& to)
    : options_(with), listener_(to), splits_lines_(with.speaks == dialect::centrifuge),
      buffer_(512 * 1024) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0)
    fail("epoll_create1");
  resolve();
  require_descriptors(with.connections);
  connections_.resize(with.connections);
  for (uint32_t i = 0; i < with.connections; ++i)
    connections_[i].index = i;
  // RFC 6455 1.3 prints this key with its answer: the accept field is checked without SHA-1.
  request_ = "GET " + with.path + " HTTP/1.1\r\nHost: " + with.host + ":" +
             std::to_string(with.port) + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
             (with.deflate ? "Sec-WebSocket-Extensions: permessage-deflate; "
                             "client_max_window_bits\r\n"
                           : "") +
             (with.speaks == dialect::pow ? "Sec-WebSocket-Protocol: pow-1\r\n\r\n" : "\r\n");
  limit_ = now_ns() + as_ns(with.time_limit);
}

pool::~pool() {
  for (auto& c : connections_)
    if (c.fd >= 0)
      ::close(c.fd);
  ::close(epoll_);
}

void pool::open(connection& c, int receive_buffer) {
  c.fd = socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c.fd < 0)
    fail("socket");
  int on = 1;
  setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer != 0)
    setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  bind_source(c.fd);
  ++c.generation;
  c.at = stage::connecting;
  c.reading = true;
  c.writing = true;
  c.close_code = 0;
  c.sent = c.received = 0;
  c.in.clear();
  c.out.clear();
  c.started = now_ns();
  if (connect(c.fd, reinterpret_cast<sockaddr*>(&address_), address_size_) != 0 &&
      errno != EINPROGRESS)
    fail("connect");
  arm(c, EPOLL_CTL_ADD);
}

void pool::send_text(connection& c, char topic, int64_t stamp) {
  const auto around = around_text(options_.speaks, topic);
  const auto size = size_t{options_.payload} - options_.wrapper;
  const auto whole = around.before.size() + size + around.after.size();
  const auto mask = next_mask();
  const auto begin = append_frame(c.out, 1, whole, mask);
  auto* to = c.out.data() + begin;
  std::memcpy(to, around.before.data(), around.before.size());
  write_text(to + around.before.size(), size, topic, stamp, options_.words);
  std::memcpy(to + around.before.size() + size, around.after.data(), around.after.size());
  mask_payload(to, whole, mask);
  ++c.sent;
  mark_dirty(c);
}

void pool::start_close(connection& c) {
  const char code[2] = {0x03, static_cast<char>(0xe8)}; // 1000
  send_control(c, 8, {code, 2});
  c.at = stage::closing;
}

void pool::set_reading(connection& c, bool on) {
  c.reading = on;
  arm(c, EPOLL_CTL_MOD);
}

void pool::drop(connection& c) {
  if (c.fd < 0)
    return;
  ::close(c.fd);
  c.fd = -1;
  c.at = stage::closed;
  c.out.clear();
}

void pool::flush() {
  for (auto index : dirty_) {
    auto& c = connections_[index];
    c.dirty = false;
    if (c.fd >= 0 && c.at != stage::connecting)
      write(c);
  }
  dirty_.clear();
}

void pool::turn(int wait_ms) {
  flush();
  std::array<epoll_event, 512> events;
  int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms);
  if (n < 0 && errno != EINTR)
    fail("epoll_wait");
  for (int i = 0; i < n; ++i) {
    auto& c = connections_[static_cast<uint32_t>(events[i].data.u64)];
    if (c.fd >= 0 && c.generation == events[i].data.u64 >> 32) {
      serve(c, events[i].events);
      flush();
    }
  }
  if (now_ns() > limit_)
    throw std::runtime_error("the run took longer than --time-limit allows");
}

void pool::fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

void pool::resolve() {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  auto port = std::to_string(options_.port);
  if (int e = getaddrinfo(options_.host.c_str(), port.c_str(), &hints, &found); e != 0)
    throw std::runtime_error("host '" + options_.host + "': " + gai_strerror(e));
  std::memcpy(&address_, found->ai_addr, found->ai_addrlen);
  address_size_ = found->ai_addrlen;
  freeaddrinfo(found);
}

void pool::require_descriptors(uint32_t connections) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max != RLIM_INFINITY && connections + 16 > limit.rlim_max)
    throw usage_error("--connections " + std::to_string(connections) +
                      ": a process may have only " + std::to_string(limit.rlim_max) +
                      " descriptors here");
}

void pool::bind_source(int fd) {
  auto* to = reinterpret_cast<const sockaddr_in*>(&address_);
  if (address_.ss_family != AF_INET || (ntohl(to->sin_addr.s_addr) >> 24) != 127)
    return;
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(0x7f000001u + static_cast<uint32_t>(opened_++ / 20'000 % 200));
  int on = 1; // the port is chosen by connect(), for the whole tuple
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0)
    fail("bind to a 127.0.0.x source address");
}

uint32_t pool::next_mask() {
  mask_ ^= mask_ << 13;
  mask_ ^= mask_ >> 17;
  mask_ ^= mask_ << 5;
  return mask_;
}

void pool::arm(connection& c, int operation) {
  epoll_event event{};
  event.events = EPOLLRDHUP;
  if (c.reading)
    event.events |= EPOLLIN;
  if (c.writing)
    event.events |= EPOLLOUT;
  event.data.u64 = uint64_t{c.generation} << 32 | c.index;
  if (epoll_ctl(epoll_, operation, c.fd, &event) != 0)
    fail("epoll_ctl");
}

void pool::mark_dirty(connection& c) {
  if (c.dirty)
    return;
  c.dirty = true;
  dirty_.push_back(c.index);
}

void pool::send_control(connection& c, uint8_t opcode, std::string_view body) {
  auto mask = next_mask();
  auto begin = append_frame(c.out, opcode, body.size(), mask);
  std::memcpy(c.out.data() + begin, body.data(), body.size());
  mask_payload(c.out.data() + begin, body.size(), mask);
  mark_dirty(c);
}

void pool::serve(connection& c, uint32_t events) {
  if (c.at == stage::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
      throw std::runtime_error("connect to " + options_.host + ":" +
                               std::to_string(options_.port) + ": " + std::strerror(error));
    c.at = stage::upgrading;
    c.out = request_;
  }
  if ((events & EPOLLOUT) != 0)
    write(c);
  if (!c.reading && (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0)
    return end(c);
  if (c.fd >= 0 && c.reading && (events & ~uint32_t{EPOLLOUT}) != 0)
    read(c);
}

void pool::write(connection& c) {
  size_t done = 0;
  while (done < c.out.size()) {
    auto n = ::send(c.fd, c.out.data() + done, c.out.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) {
      done = c.out.size(); // the reading side tells the rest
      break;
    }
    if (n < 0 && errno != EAGAIN)
      fail("send");
    if (n < 0)
      break;
    done += static_cast<size_t>(n);
  }
  c.out.erase(0, done);
  if (c.writing != !c.out.empty()) {
    c.writing = !c.out.empty();
    arm(c, EPOLL_CTL_MOD);
  }
}

void pool::read(connection& c) {
  while (true) {
    auto kept = c.in.size();
    if (kept + 65536 > buffer_.size())
      throw std::runtime_error("protocol: a frame or response head is too large");
    std::memcpy(buffer_.data(), c.in.data(), kept);
    auto n = ::recv(c.fd, buffer_.data() + kept, buffer_.size() - kept, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      return;
    if (n < 0 && errno != ECONNRESET)
      fail("recv");
    if (n <= 0)
      return end(c);
    auto size = kept + static_cast<size_t>(n);
    auto used = digest(c, {buffer_.data(), size}, now_ns());
    if (c.fd < 0)
      return;
    c.in.assign(buffer_.data() + used, size - used);
    if (size < buffer_.size())
      return; // short read: nothing more is there
  }
}

size_t pool::digest(connection& c, std::string_view data, int64_t arrival) {
  size_t used = 0;
  if (c.at == stage::upgrading) {
    auto blank = data.find("\r\n\r\n");
    if (blank == data.npos)
      return 0;
    used = blank + 4;
    check_response(data.substr(0, used));
    c.at = stage::open;
    listener_.opened(c, arrival);
  }
  while (c.fd >= 0) {
    auto head = read_head(data.data() + used, data.size() - used);
    if (!head || data.size() - used < head->header + head->payload)
      break;
    frame(c, *head, data.substr(used + head->header, head->payload), arrival);
    used += head->header + head->payload;
  }
  return used;
}

void pool::check_response(std::string_view head) {
  auto line = std::string(head.substr(0, head.find("\r\n")));
  if (!line.starts_with("HTTP/1.1 101"))
    throw std::runtime_error("upgrade of " + options_.path + " refused: " + line);
  if (head.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == head.npos)
    throw std::runtime_error("upgrade: Sec-WebSocket-Accept is wrong or absent");
  if (options_.deflate && head.find("permessage-deflate") == head.npos)
    throw std::runtime_error("upgrade: the server does not agree to permessage-deflate");
}

void pool::frame(connection& c, const frame_head& head, std::string_view body, int64_t arrival) {
  if (!head.final || head.opcode == 0)
    throw std::runtime_error("protocol: fragmented messages are not measured");
  if (head.opcode == 9)
    return send_control(c, 10, body);
  if (head.opcode == 8) {
    if (body.size() >= 2)
      c.close_code = static_cast<uint16_t>(static_cast<uint8_t>(body[0]) << 8 |
                                           static_cast<uint8_t>(body[1]));
    if (c.at == stage::open)
      start_close(c);
    return;
  }
  if (head.opcode > 2)
    return;
  const auto wire_size = body.size();
  if (head.packed)
    body = inflater_.run(body);
  // The library centrifuge lays several messages into one frame, a line each.
  while (true) {
    const auto line = body.substr(0, splits_lines_ ? body.find('\n') : body.npos);
    if (auto stamp = stamp_of(line))
      listener_.stamped(c, *stamp, arrival, head.packed ? wire_size : line.size());
    else
      listener_.other(c);
    if (line.size() == body.size() || c.fd < 0)
      return;
    body.remove_prefix(line.size() + 1);
  }
}

void pool::end(connection& c) {
  if (c.at == stage::upgrading)
    throw std::runtime_error("the server closed a connection before it answered the upgrade");
  drop(c);
  listener_.ended(c);
}

} // namespace natterjack::bench
