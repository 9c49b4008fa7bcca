// A job without a client: its front keeps what it hears.
#pragma once

#include "actors/pow/job_actor.hpp"
#include "tests/catch.hpp"
#include "tests/hub/fake_process.hpp"
#include "tests/relay/io_fixture.hpp"

#include <caf/send.hpp>

#include <condition_variable>
#include <mutex>

namespace natterjack::pow {

class recorder final : public job_front {
 public:
  bool on_output(std::string_view bytes) override {
    std::lock_guard guard(mutex_);
    output_ += bytes;
    changed_.notify_all();
    return !is_slow;
  }
  void on_input_room() override { ++rooms; }
  void on_end(const job_end& end) override {
    std::lock_guard guard(mutex_);
    ends_.push_back(result_document(end, true));
    changed_.notify_all();
  }

  std::string output() {
    std::lock_guard guard(mutex_);
    return output_;
  }
  /// Waits for that much output; fails when it does not come.
  bool wait_for_output(const std::string& expected) {
    std::unique_lock guard(mutex_);
    return changed_.wait_for(guard, std::chrono::seconds(10),
                             [&] { return output_ == expected; });
  }
  /// The one result, as on the wire.
  std::string wait_for_end() {
    std::unique_lock guard(mutex_);
    changed_.wait_for(guard, std::chrono::seconds(20), [&] { return !ends_.empty(); });
    return ends_.empty() ? "no end" : ends_.size() > 1 ? "several ends" : ends_.front();
  }
  bool has_ended() {
    std::lock_guard guard(mutex_);
    return !ends_.empty();
  }

  std::atomic<bool> is_slow{false};
  std::atomic<int> rooms{0};

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string output_;
  std::vector<std::string> ends_;
};

struct pow_fixture : relay::io_fixture {
  hub::process_host& places = home.add_process_host("pow:test", 100);
  std::shared_ptr<recorder> front = std::make_shared<recorder>();
  job_ref target;

  ~pow_fixture() {
    for (const auto& actor : places.all())
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    wait_until([this] { return places.size() == 0; });
    target = {};
    thread.stop();
  }

  /// Starts a job of that source.
  void start(const std::shared_ptr<job_source>& source,
             std::optional<std::vector<std::string>> arguments = std::nullopt,
             job_bounds bounds = {}) {
    on_thread([&] {
      REQUIRE(places.reserve());
      target = spawn_job(thread, home, places, bounds, front);
      job_request request;
      request.name = "test";
      request.arguments = std::move(arguments);
      target.self->begin(source->make(request));
    });
  }
  void input(std::string_view bytes) {
    on_thread([&] { target.self->push_input(bytes); });
  }
  void close() {
    on_thread([&] { target.self->close_input(); });
  }
  void cancel(std::string_view cause = "asked to") {
    on_thread([&] { target.self->cancel(cause); });
  }
  void terminate(std::string_view cause = "told to") {
    on_thread([&] { target.self->terminate(cause); });
  }
  void send(const char* topic, hub::payload value = {}, hub::pid from = {}) {
    target.self->deliver(hub::make_message(from, hub::shared_bytes(topic), std::move(value)));
  }

  hub::process_ref spawn_fake() {
    auto actor = caf::actor_cast<caf::strong_actor_ptr>(
        system.spawn<hub::fake_process>(std::ref(home), home.host("app:host")));
    return {actor, static_cast<hub::fake_process*>(actor->get())};
  }
  static std::vector<hub::message_ptr> received(const hub::process_ref& who) {
    return static_cast<hub::fake_process*>(who.self)->received();
  }

  template <class Condition>
  static bool wait_until(Condition&& is_met) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!is_met()) {
      if (std::chrono::steady_clock::now() > end)
        return false;
      std::this_thread::yield();
    }
    return true;
  }
};

} // namespace natterjack::pow
