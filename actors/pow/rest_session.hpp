// One job without a connection: clients come and go, its output waits for them.
//
//   request      answer                                 when
//   status       {"buffer":…,"result":…}                always
//   input        200, 500, 504                          read by the job; it ended before; `input_wait` is over
//   close_input  200                                    always
//   cancel       200                                    the job has ended, or `cancel_wait` is over
//
//   inputs wait here, one piece of one of them in the job: what a job does not read is bounded by
//   what clients wait for, `input_wait` long
//
//   removed after `timeout` without a request; a job that runs then is cancelled with "timeout expired"
//   lives on the io thread of its job; `run` brings requests there
#pragma once

#include "actors/pow/line_store.hpp"
#include "actors/pow/service_core.hpp"

#include <deque>
#include <mutex>
#include <unordered_map>

namespace natterjack::pow {

class rest_session;

/// All sessions of a service by id; from any thread.
class rest_table {
 public:
  /// @returns false if there are `max` already
  bool add(const std::string& id, std::shared_ptr<rest_session> session, size_t max);
  std::shared_ptr<rest_session> find(const std::string& id) const;
  void remove(const std::string& id);
  /// Takes all out.
  std::vector<std::shared_ptr<rest_session>> clear();

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<rest_session>> sessions_;
};

class rest_session final : public job_front, public std::enable_shared_from_this<rest_session> {
 public:
  rest_session(std::shared_ptr<service_core> core, std::shared_ptr<rest_table> table,
               relay::io_thread& thread, std::string id);
  ~rest_session();

  /// On the session's thread. @returns false if there are too many jobs
  bool start(std::shared_ptr<const job_request> request);

  /// Calls a member on the session's thread: now if that is the current one.
  void run(std::function<void(rest_session&)> call);

  void status(const relay::http_reply& reply);
  void input(std::shared_ptr<const relay::http_request> request, relay::http_reply reply);
  void close_input(const relay::http_reply& reply);
  void cancel(relay::http_reply reply);
  /// The service ends: nobody will ask any more.
  void shut_down();

  bool on_output(std::string_view bytes) override;
  void on_input_room() override {}
  void on_end(const job_end& end) override;

 private:
  struct input_transfer;

  void touch();
  void on_unused();
  void answer_cancels();
  void send_input();
  void on_piece_done(bool was_read);
  void on_input_late(const input_transfer& late);
  void answer_first(const relay::http_response& response);

  std::shared_ptr<service_core> core_;
  std::weak_ptr<rest_table> table_;
  relay::io_thread& thread_;
  std::string id_;
  job_ref job_; // until it has ended
  line_store lines_;
  std::string result_; // document; empty: pending
  std::deque<std::unique_ptr<input_transfer>> transfers_; // the first one has its turn
  bool job_has_piece_ = false;                            // of that one, unread
  bool is_sending_ = false;
  std::vector<relay::http_reply> cancels_;
  std::chrono::steady_clock::time_point last_used_;
  relay::timer_wheel::timer unused_timer_;
  relay::timer_wheel::timer cancel_timer_;
};

/// 200 with a short text and nothing else.
relay::http_response rest_text(const char* text);
/// 200 with a JSON document and a line end: up to 2 KiB with its length, above chunked.
relay::http_response rest_json(std::string document);

} // namespace natterjack::pow
