#include "actors/pow/exec_job.hpp"

#include "hub/pid.hpp"
#include "hub/quantities.hpp"
#include "relay/io_thread.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <unistd.h>

namespace natterjack::pow {

namespace asio = boost::asio;
using boost::system::error_code;
using asio::posix::stream_descriptor;

namespace {

constexpr size_t read_bytes = 32 << 10;
// What is killed needs a moment to die; what hangs in the kernel is not waited for for ever.
constexpr auto orphan_look = std::chrono::milliseconds(10);
constexpr int orphan_looks_max = 1000;
constexpr auto stray_look = std::chrono::seconds(1);
// A closed input is often the first sign of the end, which leaves unread input unread.
constexpr auto discard_wait = std::chrono::milliseconds(100);
// The group is dead, so its pipes are at their end, unless a child of it has made a session of its own.
constexpr auto linger_time = std::chrono::seconds(1);

std::string signal_text(int number) {
  const char* known = ::sigdescr_np(number);
  std::string text = known == nullptr ? "number " + std::to_string(number) : known;
  text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return "signal: " + text;
}

// Lives until the command has been reaped, also when its job is gone.
class running_command : public std::enable_shared_from_this<running_command> {
 public:
  running_command(exec_job_plan plan, job_io& io)
      : plan_(std::move(plan)), io_(&io), thread_(io.thread()), input_(thread_.context()),
        output_(thread_.context()), errors_(thread_.context()), ended_(thread_.context()),
        limit_timer_(this, [](void* self) { self_of(self).on_wall_clock(); }),
        discard_timer_(this, [](void* self) { self_of(self).discard_input(); }),
        kill_timer_(this, [](void* self) { self_of(self).send(SIGKILL); }),
        linger_timer_(this, [](void* self) { self_of(self).on_linger(); }),
        orphan_timer_(this, [](void* self) { self_of(self).look_for_orphans(); }),
        kept_(thread_.context()) {}

  void start() {
    try {
      child_ = start_child(plan_.child);
    } catch (const std::system_error& e) {
      spdlog::warn("{}: {}", plan_.name, e.what());
      io_->refuse(e.what());
      return;
    }
    spdlog::debug("{}: {} runs as {}", to_string(io_->id()), plan_.name, child_.pid);
    try {
      input_.assign(child_.input);
      output_.assign(child_.output);
      ended_.assign(child_.pidfd);
      if (child_.errors >= 0)
        errors_.assign(child_.errors);
    } catch (const std::exception& e) { // no memory, or the bound of the kernel on watches
      spdlog::error("{}: cannot watch the command: {}", plan_.name, e.what());
      give_up();
      io_->refuse(e.what());
      return;
    }
    if (plan_.wall_clock.count() > 0)
      thread_.set_timer(limit_timer_, plan_.wall_clock);
    thread_.set_timer(orphan_timer_, stray_look);
    wait_for_end();
    read_output();
    read_errors();
    io_->read();
  }

  // -- from the job

  void write_input(std::string_view piece) {
    if (!input_.is_open()) {
      if (discards_input_)
        io_->read();
      return;
    }
    pending_ = piece;
    written_ = 0;
    write_some();
  }

  void close_input() {
    input_ended_ = true;
    if (written_ == pending_.size())
      close(input_);
  }

  void interrupt() {
    if (plan_.interrupt_on_cancel)
      send(SIGINT);
  }

  void terminate() {
    if (reaped_ || kill_timer_.is_set())
      return;
    send(SIGTERM);
    send(SIGCONT); // one that is stopped could not heed it
    thread_.set_timer(kill_timer_, plan_.grace);
  }

  // As terminate, which may have been said before, but soon.
  void hurry() {
    terminate();
    if (!reaped_)
      thread_.set_timer(kill_timer_, plan_.lost_grace);
  }

  void output_has_room() {
    if (!std::exchange(output_full_, false))
      return;
    if (output_.is_open())
      read_output();
    finish_if_done();
  }

  // The job is gone: nobody is left to end it gently.
  void abandon() {
    io_ = nullptr;
    send(SIGKILL);
    limit_timer_.cancel();
    discard_timer_.cancel();
    kill_timer_.cancel();
    linger_timer_.cancel();
    close(input_);
    close(output_);
    close(errors_);
  }

 private:
  static running_command& self_of(void* self) { return *static_cast<running_command*>(self); }

  static void close(stream_descriptor& d) {
    error_code ignored;
    if (d.is_open())
      d.close(ignored);
  }

  // Of a command that cannot be watched nothing may stay; killed, it does not let us wait for long.
  void give_up() noexcept {
    reap_child(child_);
    reaped_ = true;
    const std::pair<stream_descriptor&, int> all[] = {{input_, child_.input},
                                                      {output_, child_.output},
                                                      {ended_, child_.pidfd},
                                                      {errors_, child_.errors}};
    for (const auto& [watched, number] : all)
      if (watched.is_open())
        close(watched);
      else if (number >= 0)
        ::close(number);
  }

  void send(int signal) noexcept {
    if (!reaped_ && child_.pid > 0)
      ::kill(-child_.pid, signal);
  }

  // -- input

  void write_some() {
    while (written_ < pending_.size()) {
      const auto n = ::write(input_.native_handle(), pending_.data() + written_,
                             pending_.size() - written_);
      if (n >= 0) {
        written_ += static_cast<size_t>(n);
      } else if (errno == EAGAIN) {
        input_.async_wait(stream_descriptor::wait_write,
                          [self = shared_from_this()](error_code ec) {
                            if (!ec && self->io_ != nullptr)
                              self->write_some();
                          });
        return;
      } else if (errno != EINTR) { // EPIPE: it has closed its input, or has ended
        close(input_);
        written_ = pending_.size();
        thread_.set_timer(discard_timer_, discard_wait);
        return;
      }
    }
    if (pending_.capacity() > read_bytes)
      std::string().swap(pending_), written_ = 0;
    if (input_ended_)
      close(input_);
    else if (io_ != nullptr)
      io_->read();
  }

  // It runs on without reading: what the client sends must not stop the client, whose signals would wait
  // behind it.
  void discard_input() {
    discards_input_ = true;
    io_->read();
  }

  // -- output

  void read_output() {
    output_.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](error_code ec) {
      if (!ec && self->io_ != nullptr)
        self->on_output();
    });
  }

  void on_output() {
    thread_local char buffer[read_bytes];
    const auto n = ::read(output_.native_handle(), buffer, sizeof buffer);
    if (n > 0) {
      if (!io_->write({buffer, static_cast<size_t>(n)}))
        output_full_ = true;
      if (io_ != nullptr && !output_full_)
        read_output();
    } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      read_output();
    } else {
      close(output_);
      finish_if_done();
    }
  }

  void read_errors() {
    if (!errors_.is_open())
      return;
    errors_.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](error_code ec) {
      if (!ec && self->io_ != nullptr)
        self->on_errors();
    });
  }

  void on_errors() {
    thread_local char buffer[read_bytes];
    const auto n = ::read(errors_.native_handle(), buffer, sizeof buffer);
    if (n > 0) {
      const std::string_view text(buffer, static_cast<size_t>(n));
      spdlog::debug("{}: {} says: {}", to_string(io_->id()), plan_.name, text.substr(0, 1024));
      io_->write_error(text);
      read_errors();
    } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      read_errors();
    } else {
      close(errors_);
      finish_if_done();
    }
  }

  // -- the end

  void wait_for_end() {
    ended_.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](error_code ec) {
      if (!ec)
        self->on_exit();
    });
  }

  void on_exit() {
    end_ = reap_child(child_);
    reaped_ = true;
    limit_timer_.cancel();
    discard_timer_.cancel();
    kill_timer_.cancel();
    close(ended_);
    close(input_);
    kept_.expires_at(asio::steady_timer::time_point::max());
    kept_.async_wait([self = shared_from_this()](error_code) {});
    look_for_orphans();
    if (io_ == nullptr)
      return;
    if (output_.is_open() || errors_.is_open())
      thread_.set_timer(linger_timer_, linger_time);
    finish_if_done();
  }

  // While it runs, those that have left its group; after its end, the group itself.
  void look_for_orphans() {
    if (!reaped_) {
      reap_stray_orphans();
      thread_.set_timer(orphan_timer_, stray_look);
    } else if (reap_orphans(child_.pid) && ++orphan_looks_ < orphan_looks_max) {
      thread_.set_timer(orphan_timer_, orphan_look);
    } else {
      orphan_timer_.cancel();
      kept_.cancel(); // may be the end of this object, soon
    }
  }

  void on_linger() {
    const auto alive = shared_from_this();
    if (output_full_) { // the client is slow, not the pipe
      thread_.set_timer(linger_timer_, linger_time);
      return;
    }
    close(output_);
    close(errors_);
    finish_if_done();
  }

  void on_wall_clock() {
    limit_ = "wall clock limit of " + hub::format_duration(plan_.wall_clock) + " exceeded";
    terminate();
  }

  void finish_if_done() {
    if (!reaped_ || output_.is_open() || errors_.is_open() || io_ == nullptr)
      return;
    linger_timer_.cancel();
    auto* io = io_;
    if (!limit_.empty())
      io->fail(limit_);
    else if (end_.signal == 0 && end_.exit_code == 0)
      io->finish_text(R"({"exit_code":0})");
    else if (io->is_cancelled())
      io->fail(io->cause());
    else if (end_.signal == SIGXCPU && plan_.cpu_seconds != 0)
      io->fail("cpu time limit of " + std::to_string(plan_.cpu_seconds) + "s exceeded");
    else if (end_.signal != 0)
      io->fail(signal_text(end_.signal));
    else
      io->fail("exit status " + std::to_string(end_.exit_code));
  }

  exec_job_plan plan_;
  job_io* io_; // null once the job is gone
  relay::io_thread& thread_;
  started_child child_;
  stream_descriptor input_;
  stream_descriptor output_;
  stream_descriptor errors_;
  stream_descriptor ended_;
  std::string pending_; // input on its way into the pipe
  size_t written_ = 0;
  std::string limit_; // the limit it broke
  child_end end_;
  bool input_ended_ = false;
  bool discards_input_ = false;
  bool output_full_ = false;
  bool reaped_ = false;
  relay::timer_wheel::timer limit_timer_;
  relay::timer_wheel::timer discard_timer_;
  relay::timer_wheel::timer kill_timer_;
  relay::timer_wheel::timer linger_timer_;
  relay::timer_wheel::timer orphan_timer_;
  int orphan_looks_ = 0;
  // From its end until its group is gone: a wait that holds us, and that the end of the loop ends.
  asio::steady_timer kept_;
};

class exec_job final : public job_code {
 public:
  explicit exec_job(exec_job_plan plan) : plan_(std::move(plan)) {}
  ~exec_job() override {
    if (command_)
      command_->abandon();
  }

  void start(job_io& io) override {
    command_ = std::make_shared<running_command>(std::move(plan_), io);
    command_->start();
  }
  void on_input(std::string_view piece) override { command_->write_input(piece); }
  void on_input_end() override { command_->close_input(); }
  void on_cancel(const std::string&) override { command_->interrupt(); }
  void on_terminate() override { command_->terminate(); }
  void on_client_lost() override { command_->hurry(); }
  void on_writable() override { command_->output_has_room(); }

 private:
  exec_job_plan plan_;
  std::shared_ptr<running_command> command_;
};

} // namespace

std::unique_ptr<job_code> make_exec_job(exec_job_plan plan) {
  return std::make_unique<exec_job>(std::move(plan));
}

} // namespace natterjack::pow
