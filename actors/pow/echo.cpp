#include "actors/pow/job_source.hpp"
#include "actors/pow/json_text.hpp"

namespace natterjack::pow {

namespace {

class echo final : public job_code {
 public:
  explicit echo(std::optional<std::vector<std::string>> arguments)
      : arguments_(std::move(arguments)) {}

  void start(job_io& io) override {
    io_ = &io;
    io.read();
  }
  void on_input(std::string_view piece) override {
    if (io_->write(piece))
      io_->read();
  }
  void on_writable() override { io_->read(); }
  void on_input_end() override {
    if (io_->is_cancelled())
      io_->fail(io_->cause());
    else
      io_->finish_text(arguments_ ? json_list(*arguments_) : "null");
  }

 private:
  std::optional<std::vector<std::string>> arguments_;
  job_io* io_ = nullptr;
};

} // namespace

std::shared_ptr<job_source> echo_source() {
  return make_source([](const job_request& request) -> made_job {
    return std::make_unique<echo>(request.arguments);
  });
}

} // namespace natterjack::pow
