// Jobs as coroutines: code that reads like a program with standard input and output.
//
//     pow::script greet(pow::script_io io, pow::job_request) {
//       co_await io.write("Who is there?\n");
//       auto name = co_await io.read();
//       if (!name)
//         throw pow::job_error("nobody answered");
//       co_return "Hello, " + *name;
//     }
//     catalog.add("greet", pow::script_source(greet));
//
//   co_await           gives                              waits
//   io.read()          a piece; nothing at the end        for input
//   io.write(bytes)    -                                  while the client is slow
//   io.sleep(time)     false if cancelled meanwhile       at most so long
//
//   co_return value    ends the job with that value; throw job_error: with that error
//
// Runs on the job's io thread: long work between two waits holds up everybody else there.
// GCC before 12.3 (its bug 106188) breaks a coroutine that tests a co_await in an `if` or `while` and has no
// local variable at all: take what co_await gives into a variable first.
#pragma once

#include "actors/pow/job_source.hpp"

#include <nlohmann/json.hpp>

#include <coroutine>
#include <stdexcept>

namespace natterjack::pow {

/// Thrown by a script: the text is the reason the client is given.
class job_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct script_state;

/// What a script returns; nobody but `script_source` does anything with it.
class script {
 public:
  struct promise_type {
    script get_return_object() {
      return script(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_value(nlohmann::json given) { value = std::move(given); }
    void unhandled_exception() { throw; } // out of resume(): ends the job
    nlohmann::json value;
  };

  explicit script(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  script(script&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  script& operator=(script&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~script() {
    if (handle_)
      handle_.destroy();
  }
  std::coroutine_handle<promise_type> handle() const noexcept { return handle_; }

 private:
  std::coroutine_handle<promise_type> handle_;
};

/// What a script has in its hands. Cheap to copy, of no use after the script's end.
class script_io {
 public:
  explicit script_io(script_state& state) noexcept : state_(&state) {}

  struct reading {
    script_state* state;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> who);
    std::optional<std::string> await_resume();
  };
  struct writing {
    script_state* state;
    bool is_taken;
    bool await_ready() const noexcept { return is_taken; }
    void await_suspend(std::coroutine_handle<> who);
    void await_resume() const noexcept {}
  };
  struct sleeping {
    script_state* state;
    std::chrono::nanoseconds time;
    bool await_ready() const noexcept;
    void await_suspend(std::coroutine_handle<> who);
    bool await_resume() const noexcept;
  };

  reading read() const noexcept { return {state_}; }
  writing write(std::string_view bytes) const;
  sleeping sleep(std::chrono::nanoseconds time) const noexcept { return {state_, time}; }

  bool is_cancelled() const noexcept;
  /// Why the job was cancelled first; empty if it was not.
  const std::string& cause() const noexcept;
  job_io& job() const noexcept;

 private:
  script_state* state_;
};

using script_function = std::function<script(script_io, job_request)>;

std::shared_ptr<job_source> script_source(script_function function);

} // namespace natterjack::pow
