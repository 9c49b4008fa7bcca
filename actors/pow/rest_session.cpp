#include "actors/pow/rest_session.hpp"

#include "relay/http/body_stream.hpp"

#include <algorithm>

namespace natterjack::pow {

namespace {

constexpr size_t piece_bytes = 32 << 10;
constexpr size_t sized_bytes = 2048; // a longer document is chunked, as clients of POW have always seen it

} // namespace

relay::http_response rest_text(const char* text) {
  relay::http_response response;
  response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  response.body = text;
  return response;
}

relay::http_response rest_json(std::string document) {
  relay::http_response response;
  response.headers.emplace_back("Content-Type", "application/json");
  document += '\n';
  if (document.size() <= sized_bytes) {
    response.body = std::move(document);
  } else {
    response.stream = std::make_shared<relay::body_stream>(document.size());
    response.stream->write(document);
    response.stream->finish();
  }
  return response;
}

// -- table --------------------------------------------------------------------

bool rest_table::add(const std::string& id, std::shared_ptr<rest_session> session, size_t max) {
  std::lock_guard guard(mutex_);
  return sessions_.size() < max && sessions_.emplace(id, std::move(session)).second;
}

std::shared_ptr<rest_session> rest_table::find(const std::string& id) const {
  std::lock_guard guard(mutex_);
  const auto i = sessions_.find(id);
  return i == sessions_.end() ? nullptr : i->second;
}

void rest_table::remove(const std::string& id) {
  std::shared_ptr<rest_session> last; // released outside the lock
  std::lock_guard guard(mutex_);
  if (const auto i = sessions_.find(id); i != sessions_.end()) {
    last = std::move(i->second);
    sessions_.erase(i);
  }
}

std::vector<std::shared_ptr<rest_session>> rest_table::clear() {
  std::vector<std::shared_ptr<rest_session>> all;
  std::lock_guard guard(mutex_);
  for (auto& [id, session] : sessions_)
    all.push_back(std::move(session));
  sessions_.clear();
  return all;
}

// -- session ------------------------------------------------------------------

// One `input` request on its way into the job, piece by piece.
struct rest_session::input_transfer {
  std::shared_ptr<rest_session> session; // its owner, which must not go before it has answered
  std::shared_ptr<const relay::http_request> request;
  relay::http_reply reply;
  size_t sent = 0;
  relay::timer_wheel::timer timer{this, [](void* self) {
                                    const auto& late = *static_cast<input_transfer*>(self);
                                    const auto alive = late.session;
                                    alive->on_input_late(late);
                                  }};
};

rest_session::rest_session(std::shared_ptr<service_core> core, std::shared_ptr<rest_table> table,
                           relay::io_thread& thread, std::string id)
    : core_(std::move(core)), table_(std::move(table)), thread_(thread), id_(std::move(id)),
      lines_(core_->options.limits.rest),
      unused_timer_(this, [](void* self) { static_cast<rest_session*>(self)->on_unused(); }),
      cancel_timer_(this, [](void* self) { static_cast<rest_session*>(self)->answer_cancels(); }) {
}

rest_session::~rest_session() = default;

bool rest_session::start(std::shared_ptr<const job_request> request) {
  auto made = core_->make_job(thread_, shared_from_this());
  if (!made)
    return false;
  job_ = made;
  touch();
  thread_.set_timer(unused_timer_, core_->options.limits.rest.timeout);
  core_->start_job(made, std::move(request));
  return true;
}

void rest_session::run(std::function<void(rest_session&)> call) {
  if (thread_.is_current())
    call(*this);
  else
    thread_.push_call([self = shared_from_this(), call = std::move(call)] { call(*self); });
}

void rest_session::touch() { last_used_ = std::chrono::steady_clock::now(); }

void rest_session::status(const relay::http_reply& reply) {
  touch();
  std::string document;
  document.reserve(lines_.json_bytes() + result_.size() + 64); // the lines may be megabytes
  document += '{';
  if (lines_.has_text()) {
    document += R"("buffer":)";
    lines_.append_json(document);
    document += ',';
  }
  document += R"("result":)";
  document += result_.empty() ? R"({"status":"pending"})" : result_;
  document += '}';
  reply(rest_json(std::move(document)));
}

void rest_session::input(std::shared_ptr<const relay::http_request> request,
                         relay::http_reply reply) {
  touch();
  if (request->body.empty()) {
    reply(rest_text("input sent"));
    return;
  }
  auto added = std::make_unique<input_transfer>();
  added->session = shared_from_this();
  added->request = std::move(request);
  added->reply = std::move(reply);
  thread_.set_timer(added->timer, core_->options.limits.rest.input_wait);
  transfers_.push_back(std::move(added));
  send_input();
}

// Each piece is handed over when the one before has been read, so the job's pace is the client's. A
// job may read within `push_input`: a loop, since a body may have more pieces than the stack has room
// for.
void rest_session::send_input() {
  if (std::exchange(is_sending_, true))
    return; // the loop below goes on
  const auto alive = shared_from_this();
  while (!job_has_piece_ && !transfers_.empty()) {
    if (!job_) {
      answer_first(relay::text_response(500, "error copying data to process"));
      continue;
    }
    auto& next = *transfers_.front();
    const auto piece = std::string_view(next.request->body).substr(next.sent, piece_bytes);
    next.sent += piece.size();
    job_has_piece_ = true;
    job_.self->push_input(piece, [alive](bool was_read) { alive->on_piece_done(was_read); });
  }
  is_sending_ = false;
}

void rest_session::on_piece_done(bool was_read) {
  job_has_piece_ = false;
  auto& first = transfers_.front();
  if (!was_read) {
    answer_first(relay::text_response(500, "error copying data to process"));
  } else if (first->sent == first->request->body.size()) {
    answer_first(rest_text("input sent"));
  } else { // to the end: requests take turns
    auto moved = std::move(first);
    transfers_.pop_front();
    transfers_.push_back(std::move(moved));
  }
  send_input();
}

void rest_session::on_input_late(const input_transfer& late) {
  const auto i = std::find_if(transfers_.begin(), transfers_.end(),
                              [&late](const auto& one) { return one.get() == &late; });
  if (i == transfers_.begin() && std::exchange(job_has_piece_, false) && job_)
    job_.self->take_back_input(); // who is told so may send it again
  std::rotate(transfers_.begin(), i, i + 1);
  answer_first(relay::text_response(504, "process did not read its input in time"));
  send_input();
}

void rest_session::answer_first(const relay::http_response& response) {
  const auto done = std::move(transfers_.front());
  transfers_.pop_front();
  touch();
  done->reply(response);
}

void rest_session::close_input(const relay::http_reply& reply) {
  touch();
  if (const auto job = job_)
    job.self->close_input();
  reply(rest_text("input closed"));
}

void rest_session::cancel(relay::http_reply reply) {
  touch();
  cancels_.push_back(std::move(reply));
  if (const auto job = job_) {
    if (!cancel_timer_.is_set())
      thread_.set_timer(cancel_timer_, core_->options.limits.rest.cancel_wait);
    job.self->terminate(cancelled_by_client);
  }
  if (!job_)
    answer_cancels();
}

void rest_session::answer_cancels() {
  const auto alive = shared_from_this();
  cancel_timer_.cancel();
  for (const auto& reply : std::exchange(cancels_, {}))
    reply(rest_text("process cancelled"));
  touch();
}

bool rest_session::on_output(std::string_view bytes) {
  lines_.append(bytes);
  return true;
}

void rest_session::on_end(const job_end& end) {
  job_ = {};
  lines_.finish();
  result_ = result_document(end, false);
  answer_cancels();
}

void rest_session::on_unused() {
  const auto left = last_used_ + core_->options.limits.rest.timeout -
                    std::chrono::steady_clock::now();
  if (left.count() > 0) {
    thread_.set_timer(unused_timer_, left);
    return;
  }
  const auto alive = shared_from_this();
  if (const auto table = table_.lock())
    table->remove(id_);
  if (const auto job = std::exchange(job_, {}))
    job.self->abandon("timeout expired");
}

void rest_session::shut_down() {
  unused_timer_.cancel();
  if (const auto job = std::exchange(job_, {}))
    job.self->abandon(server_closing);
  answer_cancels();
}

} // namespace natterjack::pow
