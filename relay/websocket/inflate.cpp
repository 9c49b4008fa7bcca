#include "relay/websocket/inflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <new>
#include <string>

namespace natterjack::relay {

namespace {

constexpr int raw_window = -15; // no head, no checksum; the largest window reads every smaller one
constexpr size_t first_room = 4096;
constexpr size_t kept_bytes_max = 1 << 20;

class stream {
 public:
  stream() {
    if (::inflateInit2(&z_, raw_window) != Z_OK)
      throw std::bad_alloc();
  }
  ~stream() { ::inflateEnd(&z_); }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  // One byte beyond the bound is room enough to see that it is broken. `out` only grows: what shrinks has to
  // be cleared again.
  inflated run(std::string_view packed, std::string_view before, size_t bytes_max, std::string& out,
               size_t& made) {
    ::inflateReset(&z_);
    if (!before.empty())
      ::inflateSetDictionary(&z_, reinterpret_cast<const Bytef*>(before.data()),
                             static_cast<uInt>(before.size()));
    made = 0;
    // RFC 7692 7.2.2: the end of a flush, which the sender leaves out.
    for (std::string_view part : {packed, std::string_view("\0\0\xff\xff", 4)}) {
      z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
      z_.avail_in = static_cast<uInt>(part.size());
      while (z_.avail_in > 0) {
        if (made == out.size())
          out.resize(std::max(2 * made, first_room));
        const auto room = std::min(out.size(), bytes_max + 1) - made;
        z_.next_out = reinterpret_cast<Bytef*>(out.data() + made);
        z_.avail_out = static_cast<uInt>(room);
        const int result = ::inflate(&z_, Z_SYNC_FLUSH);
        made += room - z_.avail_out;
        if (made > bytes_max)
          return inflated::too_big;
        if (result == Z_STREAM_END)
          ::inflateReset(&z_); // 7.2.3.4: a last block may be followed by others
        else if (result != Z_OK && !(result == Z_BUF_ERROR && z_.avail_out == 0))
          return inflated::broken;
      }
    }
    if (!is_between_blocks())
      return inflated::broken;
    return inflated::whole;
  }

 private:
  // zlib adds 128 right behind the end of a block; the low bits count what is left of the last byte.
  bool is_between_blocks() const noexcept { return (z_.data_type & 128) != 0 && (z_.data_type & 7) == 0; }

  z_stream z_{};
};

void remember(inflate_history& history, std::string_view body) {
  if (body.size() >= history.window_bytes) {
    history.bytes = body.substr(body.size() - history.window_bytes);
    return;
  }
  const auto kept = history.window_bytes - body.size();
  if (history.bytes.size() > kept)
    history.bytes.erase(0, history.bytes.size() - kept);
  history.bytes += body;
}

} // namespace

inflated inflate_message(std::string_view packed, size_t bytes_max, std::string_view& body,
                         inflate_history* history) {
  thread_local stream tables;
  thread_local std::string out;
  if (out.size() > kept_bytes_max)
    std::string().swap(out);
  size_t made = 0;
  const auto before = history != nullptr ? std::string_view(history->bytes) : std::string_view();
  const auto result = tables.run(packed, before, bytes_max, out, made);
  body = {out.data(), made};
  if (history != nullptr && result == inflated::whole)
    remember(*history, body);
  return result;
}

} // namespace natterjack::relay
