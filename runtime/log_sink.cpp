#include "runtime/log_sink.hpp"

#include "hub/log_fields.hpp"
#include "runtime/lua/base/error_output.hpp"

#include <spdlog/sinks/base_sink.h>

#include <mutex>

namespace natterjack::runtime {

namespace {

class queued_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit queued_sink(std::unique_ptr<spdlog::formatter> format)
      : base_sink(std::move(format)), out_(lua::error_output()) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& line) override {
    if (lost_ != 0)
      tell_lost(line);
    if (!write(line))
      ++lost_;
  }

  void flush_() override {} // it is on its way already

 private:
  void tell_lost(spdlog::details::log_msg line) {
    const auto text = std::to_string(lost_) + " lines of the log were dropped: nobody reads";
    const hub::log_scope about_nobody({});
    line.level = spdlog::level::warn;
    line.payload = text;
    if (write(line))
      lost_ = 0;
  }

  // @returns false if it was dropped
  bool write(const spdlog::details::log_msg& line) {
    bytes_.clear();
    formatter_->format(line, bytes_);
    const auto dropped = out_.dropped();
    out_.write({bytes_.data(), bytes_.size()});
    return out_.dropped() == dropped; // a script that prints errors may be the one: then one is told too many
  }

  lua::print_sink& out_;
  spdlog::memory_buf_t bytes_;
  uint64_t lost_ = 0;
};

} // namespace

std::shared_ptr<spdlog::logger> make_logger(log_format format) {
  return std::make_shared<spdlog::logger>("natterjack",
                                          std::make_shared<queued_sink>(make_formatter(format)));
}

} // namespace natterjack::runtime
