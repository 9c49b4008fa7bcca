#include "inflater.hpp"

#include <stdexcept>

namespace natterjack::bench {

inflater::inflater() {
  if (::inflateInit2(&z_, -15) != Z_OK)
    throw std::runtime_error("inflateInit2 failed");
}

inflater::~inflater() { ::inflateEnd(&z_); }

std::string_view inflater::run(std::string_view packed) {
  in_.assign(packed).append("\0\0\xff\xff", 4);
  ::inflateReset(&z_);
  z_.next_in = reinterpret_cast<Bytef*>(in_.data());
  z_.avail_in = static_cast<uInt>(in_.size());
  z_.next_out = reinterpret_cast<Bytef*>(out_.data());
  z_.avail_out = static_cast<uInt>(out_.size());
  if (::inflate(&z_, Z_SYNC_FLUSH) != Z_OK || z_.avail_in != 0)
    throw std::runtime_error("protocol: a message cannot be inflated");
  return {out_.data(), out_.size() - z_.avail_out};
}

} // namespace natterjack::bench
