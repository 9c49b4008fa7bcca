#include "relay/http/response_writer.hpp"

namespace natterjack::relay {

using boost::asio::ip::tcp;

namespace {

constexpr size_t parts_a_write_max = 64;
constexpr size_t bytes_a_turn = 512 << 10; // then other sockets get their turn
constexpr size_t file_bytes_a_write = 256 << 10;

} // namespace

std::string_view response_writer::view(const piece& of) noexcept {
  if (const auto* text = std::get_if<std::string>(&of))
    return *text;
  if (const auto* block = std::get_if<hub::shared_bytes>(&of))
    return block->view();
  return {};
}

void response_writer::push(std::string text) {
  if (failed_ || text.empty())
    return;
  bytes_ += text.size();
  queue_.emplace_back(std::move(text));
  thread_.mark_dirty(*this);
}

void response_writer::push(hub::shared_bytes bytes) {
  if (failed_ || bytes.empty())
    return;
  bytes_ += bytes.size();
  queue_.emplace_back(std::move(bytes));
  thread_.mark_dirty(*this);
}

void response_writer::push_file(std::shared_ptr<const open_file> file, size_t offset, size_t size) {
  if (failed_ || size == 0)
    return;
  queue_.emplace_back(file_part{std::move(file), offset, size});
  thread_.mark_dirty(*this);
}

size_t response_writer::drop_oldest(size_t until_bytes) {
  const auto begun = offset_ + wire_.sealed(); // bytes from the first piece on
  size_t dropped = 0, end = 0, at = 0;
  for (; end < queue_.size() && bytes_ > until_bytes; ++end) {
    auto& one = queue_[end];
    const auto size = view(one).size();
    if (at >= begun && std::holds_alternative<hub::shared_bytes>(one)) {
      bytes_ -= size;
      one = std::string(); // empty: nothing that is pushed is
      ++dropped;
    }
    at += size;
  }
  // What stays of them moves up to the rest, which is not touched.
  size_t first = end;
  for (size_t i = end; dropped > 0 && i > 0; --i) {
    auto& kept = queue_[i - 1];
    const auto* text = std::get_if<std::string>(&kept);
    if (text != nullptr && text->empty())
      continue;
    if (--first != i - 1)
      queue_[first] = std::move(kept);
  }
  if (dropped > 0)
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(first));
  return dropped;
}

http_wire::result response_writer::write_some() {
  if (auto* part = std::get_if<file_part>(&queue_.front()))
    return wire_.send_file(part->file->descriptor(), part->offset + offset_,
                           std::min(part->size - offset_, file_bytes_a_write));
  std::string_view parts[parts_a_write_max];
  size_t count = 0;
  for (const auto& one : queue_) {
    const auto bytes = view(one);
    if (count == parts_a_write_max || bytes.empty()) // the empty one is a file
      break;
    parts[count] = count == 0 ? bytes.substr(offset_) : bytes;
    ++count;
  }
  return wire_.write({parts, count});
}

void response_writer::advance(size_t written) noexcept {
  while (written > 0) {
    auto& first = queue_.front();
    const auto* part = std::get_if<file_part>(&first);
    const auto left = (part != nullptr ? part->size : view(first).size()) - offset_;
    const auto n = std::min(left, written);
    if (part == nullptr)
      bytes_ -= n;
    written -= n;
    offset_ += n;
    if (n == left) {
      queue_.pop_front();
      offset_ = 0;
    }
  }
}

void response_writer::flush() {
  if (failed_ || waiting_ || queue_.empty())
    return;
  size_t written = 0;
  while (!queue_.empty() && written < bytes_a_turn) {
    const auto done = write_some();
    if (done.what == http_wire::state::want_write || done.what == http_wire::state::want_read) {
      wait(done.what == http_wire::state::want_write ? tcp::socket::wait_write
                                                     : tcp::socket::wait_read);
      break;
    }
    if (done.what != http_wire::state::ok) {
      failed_ = true;
      queue_.clear();
      bytes_ = 0;
      owner_.on_write_failed();
      return;
    }
    written += done.bytes;
    advance(done.bytes);
  }
  if (!queue_.empty() && !waiting_)
    wait(tcp::socket::wait_write);
  if (written > 0)
    owner_.on_write_progress();
  if (queue_.empty())
    owner_.on_all_written();
}

void response_writer::wait(tcp::socket::wait_type what) {
  waiting_ = true;
  wire_.socket().async_wait(what, [this, alive = owner_.keep_alive()](boost::system::error_code ec) {
    waiting_ = false;
    if (!ec)
      flush();
  });
}

} // namespace natterjack::relay
